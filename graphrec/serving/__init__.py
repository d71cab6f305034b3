"""What a customer gets: a ranked list, the ledger of every score, sentences, paths and their Cypher."""
