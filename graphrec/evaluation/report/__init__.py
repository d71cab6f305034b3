"""The page of an evaluation: words, charts and sections."""
