"""Events: kept once, in the next answer, taken in by the next load."""
