"""Loans and credit: risk models that add up, what they are worth, and loan plans."""
