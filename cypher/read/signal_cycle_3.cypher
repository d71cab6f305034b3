// Money that comes back through 3 accounts, forward in time, amounts near the one before: accounts, times, amounts.
MATCH (a:Node)-[r1:EDGE]->(b:Node)-[r2:EDGE]->(c:Node)-[r3:EDGE]->(a)
WHERE r1.at < $before AND r1.known_at < $before AND r1.weight >= $smallest
      AND r2.at > r1.at AND r2.at < $before AND r2.known_at < $before AND r2.weight >= $smallest
      AND r2.weight >= $keeps * r1.weight AND $keeps * r2.weight <= r1.weight
      AND r3.at > r2.at AND r3.at < $before AND r3.known_at < $before AND r3.weight >= $smallest
      AND r3.weight >= $keeps * r2.weight AND $keeps * r3.weight <= r2.weight
      AND datetime(r3.at) < datetime(r1.at) + duration({days: $days})
      AND datetime(r3.at) > datetime($before) - duration({days: $days})
      AND a.id <> b.id AND a.id <> c.id AND b.id <> c.id
RETURN a.id AS account, r3.at AS at, [a.id, b.id, c.id] AS accounts,
       [r1.at, r2.at, r3.at] AS times, [r1.weight, r2.weight, r3.weight] AS amounts
ORDER BY account, at DESC
