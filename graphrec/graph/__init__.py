"""The in-memory graph: rows, snapshots, typed adjacency, networkx view."""
