"""Commands of what a person may demand, and of pseudonyms."""
