"""How a model is judged: full ranking of the hidden part, next to baselines."""
