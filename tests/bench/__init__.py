"""Figures that must hold, measured side by side."""
