"""Files of other shapes, made tables: without a header, nested, wide, or the same state every month."""
