// The pairs of every mapping's own split, in chunks.
MATCH (c:GraphrecSplit)
RETURN c.source AS source, c.part AS part, c.users AS users, c.products AS products
ORDER BY c.id
