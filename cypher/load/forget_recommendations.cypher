// Delete recommendations of other runs, at most $limit at a time.
MATCH (u:User)-[r:RECOMMENDED]->(p:Product)
WHERE r.run <> $run
WITH r
LIMIT $limit
DELETE r
