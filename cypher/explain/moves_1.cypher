// What the user has in one product, as a part of the wealth, times how the product asked about moves with it.
// $scale: the weight of the term times the covariance of both products by the bank's constant; $wealth: with cash.
MATCH (u:User {id: $user})-[r1:FIRST]->(v:Via {id: $via})
WHERE coalesce(r1.known_at, '') < $as_of
WITH v, sum(coalesce(r1.weight, 0.0)) AS amount
RETURN v.id AS via, -$scale * amount / $wealth AS share
