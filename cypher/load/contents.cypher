// The account that the store keeps of itself: rows and sums per type.
MERGE (c:GraphrecContents {id: 'contents'})
SET c.text = $text
