// Money that comes back through 4 accounts, forward in time, amounts near the one before: accounts, times, amounts.
MATCH (a:Node)-[r1:EDGE]->(b:Node)-[r2:EDGE]->(c:Node)-[r3:EDGE]->(d:Node)-[r4:EDGE]->(a)
WHERE r1.at < $before AND r1.known_at < $before AND r1.weight >= $smallest
      AND r2.at > r1.at AND r2.at < $before AND r2.known_at < $before AND r2.weight >= $smallest
      AND r2.weight >= $keeps * r1.weight AND $keeps * r2.weight <= r1.weight
      AND r3.at > r2.at AND r3.at < $before AND r3.known_at < $before AND r3.weight >= $smallest
      AND r3.weight >= $keeps * r2.weight AND $keeps * r3.weight <= r2.weight
      AND r4.at > r3.at AND r4.at < $before AND r4.known_at < $before AND r4.weight >= $smallest
      AND r4.weight >= $keeps * r3.weight AND $keeps * r4.weight <= r3.weight
      AND datetime(r4.at) < datetime(r1.at) + duration({days: $days})
      AND datetime(r4.at) > datetime($before) - duration({days: $days})
      AND a.id <> b.id AND a.id <> c.id AND b.id <> c.id AND a.id <> d.id AND b.id <> d.id
      AND c.id <> d.id
RETURN a.id AS account, r4.at AS at, [a.id, b.id, c.id, d.id] AS accounts,
       [r1.at, r2.at, r3.at, r4.at] AS times, [r1.weight, r2.weight, r3.weight, r4.weight] AS amounts
ORDER BY account, at DESC
