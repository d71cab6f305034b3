"""What a mapping says: TOML read into frozen dataclasses, and checked against itself."""
