"""Reasons: the lines of a ledger as people read them, their sentences and languages."""
