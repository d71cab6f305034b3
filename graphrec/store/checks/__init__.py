"""Whether a store is whole: sums of rows, kept when a load completes and compared when it is read."""
