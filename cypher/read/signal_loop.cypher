// Money that the receiver sends back, forward in time, amounts near the one before: accounts, times, amounts.
MATCH (a:Node)-[r1:EDGE]->(b:Node)-[r2:EDGE]->(a)
WHERE r1.at < $before AND r1.known_at < $before AND r1.weight >= $smallest
      AND r2.at > r1.at AND r2.at < $before AND r2.known_at < $before AND r2.weight >= $smallest
      AND r2.weight >= $keeps * r1.weight AND $keeps * r2.weight <= r1.weight
      AND datetime(r2.at) < datetime(r1.at) + duration({days: $days})
      AND datetime(r2.at) > datetime($before) - duration({days: $days})
      AND a.id <> b.id
RETURN a.id AS account, r2.at AS at, [a.id, b.id] AS accounts,
       [r1.at, r2.at] AS times, [r1.weight, r2.weight] AS amounts
ORDER BY account, at DESC
