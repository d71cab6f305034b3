"""GraphSAGE as it is served: its network, its term, and how a score comes from the edges around it."""
