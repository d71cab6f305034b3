"""Files of other shapes, made tables: without a header, nested, wide, with several values in a cell or keys of others."""
