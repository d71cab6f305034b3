// Which products share most of what a product is connected to (issuer, sector, category, …)?
// $product (text): id of the product
// $k (integer, 20): how many
MATCH (p:Product {id: $product})-[r]->(n)<-[s]-(q:Product)
WHERE q <> p AND type(r) = type(s)
WITH DISTINCT q, type(r) AS relation, n.id AS shared
WITH q, collect(relation + ' ' + shared) AS ways
RETURN q.id AS id, q.name AS name, size(ways) AS shared, ways
ORDER BY shared DESC, id
LIMIT $k
