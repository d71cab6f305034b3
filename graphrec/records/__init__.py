"""The decision record: what was answered, to whom, by which model on which data, bound together by hashes."""
