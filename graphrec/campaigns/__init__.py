"""Campaigns: who hears about what, by which channel, within budgets and caps."""
