// What the user has left in one product, as a part of the wealth, times how the product asked about moves with it.
// $until, $until_known_at, $quantity: columns of the edge with its end and its signed pieces, '' without one; $now: the
// date. $scale: the weight of the term times the covariance of both products by the bank's constant; $wealth: with cash.
MATCH (u:User {id: $user})-[r1:FIRST]->(v:Via {id: $via})
WHERE coalesce(r1.known_at, '') < $as_of
  AND NOT (coalesce(r1[$until], '9') <= $now AND coalesce(r1[$until_known_at], r1[$until], '9') < $as_of)
WITH v, sum(CASE WHEN coalesce(r1[$quantity], 1.0) < 0 THEN -abs(r1.weight) ELSE abs(r1.weight) END) AS amount
RETURN v.id AS via, -$scale * amount / $wealth AS share
