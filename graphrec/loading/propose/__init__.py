"""A first mapping for files that nobody has described yet."""
