"""What a person may demand of a home: to be forgotten, to be told; and legal holds."""
