"""graphrec: which product fits which customer, and why, as arithmetic."""
