// Which clients should hear about a product this week, and why, by the lists that were written back?
// $product (text): id of the product
// $rank (integer, 10): lowest place on a client's list that counts
// $k (integer, 50): how many
MATCH (c:GraphrecExport {id: 'current'})
MATCH (u:User)-[r:RECOMMENDED {run: c.run}]->(p:Product {id: $product})
WHERE r.rank <= $rank
RETURN u.id AS user, r.rank AS rank, r.score AS score, r.reason AS reason,
       r.confidence AS confidence, r.warnings AS warnings, r.as_of AS as_of, r.written_at AS written_at
ORDER BY rank, score DESC, user
LIMIT $k
