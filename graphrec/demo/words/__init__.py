"""The invented words of the demo bank: kinds, names, places, topics."""
