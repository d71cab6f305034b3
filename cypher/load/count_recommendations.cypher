// The number of written recommendations of this run, and of other runs; edges without a run are not ours.
MATCH (u:User)-[r:RECOMMENDED]->(p:Product)
RETURN sum(CASE WHEN r.run = $run THEN 1 ELSE 0 END) AS written, sum(CASE WHEN r.run <> $run THEN 1 ELSE 0 END) AS others
