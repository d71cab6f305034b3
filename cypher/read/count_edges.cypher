// How many edges of one type graphrec wrote; those of others have no sources or no run.
MATCH (s:Source)-[r:EDGE]->(t:Target)
WHERE r.sources IS NOT NULL AND r.run <> ''
RETURN count(r) AS edges
