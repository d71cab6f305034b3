"""Where lists go: one iterator over the answers of all users, and sinks that take them."""
