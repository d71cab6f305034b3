// How many written recommendations there are of a run, and of others; an edge without a run is a person's own.
MATCH (u:User)-[r:RECOMMENDED]->(p:Product)
RETURN sum(CASE WHEN r.run = $run THEN 1 ELSE 0 END) AS written, sum(CASE WHEN r.run <> $run THEN 1 ELSE 0 END) AS others
