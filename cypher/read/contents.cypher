// The account that the store keeps of itself.
MATCH (c:GraphrecContents)
RETURN c.text AS text
