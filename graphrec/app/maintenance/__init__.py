"""The home itself: checked, backed up, published, upgraded, kept small."""
