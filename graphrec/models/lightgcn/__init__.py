"""Item-only relational LightGCN."""
