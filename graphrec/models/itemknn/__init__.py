"""Item-kNN."""
