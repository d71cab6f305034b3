"""Whether reasons are true to the model, and what they cost."""
