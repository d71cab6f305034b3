"""What is compiled: scores and lines of many users, top-k, least squares. All numba of this room is here."""
