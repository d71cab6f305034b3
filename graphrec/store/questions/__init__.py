"""What a person asks of a store: names and calls are checked before a query runs."""
