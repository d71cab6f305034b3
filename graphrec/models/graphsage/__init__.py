"""Heterogeneous GraphSAGE."""
