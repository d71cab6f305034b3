"""LightGCN with a vector for every user."""
