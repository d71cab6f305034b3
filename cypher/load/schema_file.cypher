// A file of cypher/schema/ has been applied (Neo4j; the embedded store is part of a home, which has a format of its own).
MERGE (f:GraphrecSchema {id: $file})
SET f.digest = $digest
