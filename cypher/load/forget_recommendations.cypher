// Delete recommendations of runs that are neither shown nor written since $since, at most $limit at a time.
// The first SET locks what says which run is shown: no other export can publish meanwhile.
MATCH (c:GraphrecExport {id: 'current'})
SET c.cleaned_by = $run
WITH c
OPTIONAL MATCH (w:GraphrecExport)
WHERE w.id <> 'current' AND w.at >= $since
WITH c.run AS shown, collect(w.id) AS writing
MATCH (u:User)-[r:RECOMMENDED]->(p:Product)
WHERE r.run STARTS WITH 'export-' AND r.run <> shown AND NOT r.run IN writing
WITH r
LIMIT $limit
DELETE r
