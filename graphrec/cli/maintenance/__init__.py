"""Commands of the home itself: checked, watched, backed up, published, upgraded."""
