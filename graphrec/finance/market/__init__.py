"""Prices: figures of the market, portfolios, and a target mix."""
