"""The search on the validation part: configurations, walks, weights."""
