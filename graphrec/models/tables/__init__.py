"""Models of tables: a weight of every neighbour for every product."""
