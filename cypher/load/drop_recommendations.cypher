// Delete the recommendations that graphrec wrote for nodes without a source.
MATCH (n:Node)-[r:RECOMMENDED]-()
WHERE size(n.sources) = 0 AND r.run STARTS WITH 'export-'
DELETE r
