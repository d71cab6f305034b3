// The written recommendations of this run, and those of runs that are neither shown nor being written since $since.
OPTIONAL MATCH (c:GraphrecExport {id: 'current'})
OPTIONAL MATCH (w:GraphrecExport)
WHERE w.id <> 'current' AND w.at >= $since
WITH coalesce(c.run, '') AS shown, collect(w.id) AS writing
MATCH (u:User)-[r:RECOMMENDED]->(p:Product)
WHERE r.run STARTS WITH 'export-'
RETURN sum(CASE WHEN r.run = $run THEN 1 ELSE 0 END) AS written,
       sum(CASE WHEN r.run <> shown AND NOT r.run IN writing THEN 1 ELSE 0 END) AS others
