"""Draws the demo bank as arrays: customers, products, purchases and other events, prices, and the true reasons."""
