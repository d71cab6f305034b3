// Accounts that sent money to many within some days: the last transfer of such a window, and who got it.
MATCH (one:Node)-[last:EDGE]->(x:Node)
WHERE x.id <> one.id AND last.at < $before AND last.known_at < $before AND last.weight >= $smallest
      AND datetime(last.at) > datetime($before) - duration({days: $days})
MATCH (one)-[sent:EDGE]->(other:Node)
WHERE other.id <> one.id AND sent.at <= last.at AND sent.known_at < $before AND sent.weight >= $smallest
      AND datetime(sent.at) > datetime(last.at) - duration({days: $days})
WITH one, last.at AS at, other.id AS id ORDER BY id
WITH one, at, collect(DISTINCT id) AS others
WHERE size(others) >= $least
RETURN one.id AS account, at, others
ORDER BY account, at DESC
