"""Campaigns: assignments and response models."""
