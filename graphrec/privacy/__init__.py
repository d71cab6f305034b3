"""What a person may demand: to be forgotten, and to be told."""
