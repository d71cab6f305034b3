"""The statement of suitability: its file, its elements, and how it is printed."""
