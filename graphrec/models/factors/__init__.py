"""Models of common patterns: what a matrix of customers and products has in few dimensions."""
