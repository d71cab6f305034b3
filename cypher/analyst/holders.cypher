// Who holds a product, and which of their attributes has a given value?
// $product (text): id of the product
// $attribute (user column): name of a property of customers, such as risk_tolerance
// $value (text): its value, as text
MATCH (p:Product {id: $product})<-[r:HELD]-(u:User)
WHERE toString(u[$attribute]) = $value
RETURN u.id AS id, count(r) AS times, max(r.at) AS last
ORDER BY id
