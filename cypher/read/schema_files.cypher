// The files of cypher/schema/ that this graph has seen (Neo4j; see load/schema_file).
MATCH (f:GraphrecSchema)
RETURN f.id AS file, f.digest AS digest
ORDER BY file
