"""Models of walks: from a customer's neighbours to products, with few learned weights or none."""
