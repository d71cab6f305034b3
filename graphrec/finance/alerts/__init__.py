"""Alerts: their file, anomaly scores, and signals in the graph of money."""
