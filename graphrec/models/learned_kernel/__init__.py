"""The walk kernel with learned weights of nodes."""
