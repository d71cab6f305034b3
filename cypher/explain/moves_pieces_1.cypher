// The pieces that the user has left of one product, at the last price, as a part of the wealth, times how it moves.
// $until, $until_known_at: columns of the edge with its end, '' without one; $quantity: with its signed pieces; $now: the
// date; $price: the last one. $scale: the weight of the term times the covariance of this product and of the one asked
// about by the bank's constant; $wealth: with cash.
MATCH (u:User {id: $user})-[r1:FIRST]->(v:Via {id: $via})
WHERE coalesce(r1.known_at, '') < $as_of
  AND NOT (coalesce(r1[$until], '9') <= $now AND coalesce(r1[$until_known_at], r1[$until], '9') < $as_of)
WITH v, sum(r1[$quantity]) AS pieces
RETURN v.id AS via, -$scale * pieces * $price / $wealth AS share
