"""A graph from texts: mentions of what the graph knows, relations between them, tone, with the sentence of each."""
