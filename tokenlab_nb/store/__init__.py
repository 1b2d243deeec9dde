"""WHAT is kept: the ledger of jobs in SQLite, and the pictures as files under their own hash."""
