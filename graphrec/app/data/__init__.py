"""Data of a home: loaded, published, refreshed; events that come between two loads."""
