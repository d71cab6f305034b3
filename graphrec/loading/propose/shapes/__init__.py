"""Files of other shapes, made tables: without a header, nested, wide, several values in a cell, keys of others."""
