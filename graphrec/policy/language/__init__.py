"""The language of conditions, compiled to numpy."""
