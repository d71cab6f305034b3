// Those who share something, such as an address, with others: what, and with whom; links of some days, or without time.
MATCH (one:Source)-[own:EDGE]->(shared:Target)<-[link:EDGE]-(other:Source)
WHERE one.id <> other.id AND coalesce(own.known_at, '') < $before AND coalesce(link.known_at, '') < $before
      AND (own.at IS NULL OR own.at < $before AND datetime(own.at) > datetime($before) - duration({days: $days}))
      AND (link.at IS NULL OR link.at < $before AND datetime(link.at) > datetime($before) - duration({days: $days}))
WITH one, shared, other.id AS id ORDER BY id
WITH one, shared, collect(DISTINCT id) AS others
WHERE size(others) + 1 >= $least
RETURN one.id AS account, shared.id AS shared, others
ORDER BY account, shared
