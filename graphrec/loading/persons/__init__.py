"""What columns say of a person: by their names in ten languages, and by their values."""
