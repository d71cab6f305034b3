// Ids are unique within every label; this is also the index by which nodes are found.
CREATE CONSTRAINT IF NOT EXISTS FOR (n:Node) REQUIRE n.id IS UNIQUE
