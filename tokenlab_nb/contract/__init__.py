"""WHAT a model accepts: model JSON in, checked requests out. Pure: no network, no clock, no files but our own data."""
