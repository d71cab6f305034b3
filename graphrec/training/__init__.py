"""How models are fitted: what is hidden, the search on validation, the loop, the model folder."""
