"""The forms of a term: tables, factors, pairs, and sums of them."""
