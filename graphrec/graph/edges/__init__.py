"""The graph in memory as edges: neighbours, first hops, what a customer holds, how edges fade."""
