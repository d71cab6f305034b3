"""What came of what was shown: impressions joined with events, experiments, estimates of models before they serve."""
