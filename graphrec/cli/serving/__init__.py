"""Commands that answer programs: HTTP, assistants, keys."""
