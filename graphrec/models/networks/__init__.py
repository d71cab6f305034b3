"""Graph networks: embeddings that are learned over the edges."""
