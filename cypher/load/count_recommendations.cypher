// How many written recommendations there are of a run, and of others.
MATCH (u:User)-[r:RECOMMENDED]->(p:Product)
RETURN sum(CASE WHEN r.run = $run THEN 1 ELSE 0 END) AS written, sum(CASE WHEN r.run = $run THEN 0 ELSE 1 END) AS others
