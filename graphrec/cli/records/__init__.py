"""Commands of the decision record: entries, replay, statements, what an adviser decided."""
