"""One run of a mapping: statements, checks, rejected rows, and the rows that a sink takes."""
