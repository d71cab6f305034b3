"""Portraits, market figures and risk models of a home."""
