// Chunks of split pairs.
UNWIND $rows AS row
CREATE (c:GraphrecSplit {id: row.id})
SET c.source = $source, c.part = row.part, c.users = row.users, c.products = row.products
