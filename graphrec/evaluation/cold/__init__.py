"""Cold start: how new products and new customers fare."""
