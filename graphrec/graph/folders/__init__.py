"""The graph in folders: checked arrays, strings, snapshots and facts, and how they are written."""
