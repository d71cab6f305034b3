"""Events: what customers do, kept in a log, counted once, and in the very next answer."""
