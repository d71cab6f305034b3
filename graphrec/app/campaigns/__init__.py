"""Campaigns and experiments: who is offered what, and what came of it."""
