// A file of cypher/schema/ has been applied.
MERGE (f:GraphrecSchema {id: $file})
SET f.digest = $digest
