"""Files of other shapes, made tables: without a header, nested, wide, several kinds of records, keys of others."""
