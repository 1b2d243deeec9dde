"""Several parts together: session and sandbox, the command, the wheel."""
