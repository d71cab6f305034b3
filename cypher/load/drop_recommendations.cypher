// Delete the recommendations of nodes without a source.
MATCH (n:Node)-[r:RECOMMENDED]-()
WHERE size(coalesce(n.sources, [])) = 0
DELETE r
