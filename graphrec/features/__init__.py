"""The inputs of a model beside the graph: text vectors."""
