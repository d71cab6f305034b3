"""How a model is evaluated: full ranking of the hidden part, next to baselines."""
