// The ids of nodes of one label that graphrec did not write.
MATCH (n:Node)
WHERE n.id IS NOT NULL AND (n.sources IS NULL OR n.run IS NULL)
RETURN n.id AS id
