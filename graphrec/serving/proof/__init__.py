"""What shows that reasons are the score: deletions, counterfactuals, gradients, pictures."""
