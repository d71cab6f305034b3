"""Commands of campaigns and experiments, and what came of what was shown."""
