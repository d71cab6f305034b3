"""Models of content: products whose texts, columns or prices are alike, and what a customer's columns say."""
