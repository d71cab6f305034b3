// How many nodes of one label graphrec wrote; those of others have no sources or no run.
MATCH (n:Node)
WHERE n.sources IS NOT NULL AND n.run <> ''
RETURN count(n) AS nodes
