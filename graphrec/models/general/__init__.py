"""Models of one effect each, for all customers or all products alike."""
