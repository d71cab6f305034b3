"""Texts to vectors: the encoder, its files, and the cache of what is encoded."""
