"""Commands that fit, measure and promote models."""
