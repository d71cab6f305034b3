"""Commands from files to a snapshot and its vectors, and what events and queries say of it."""
