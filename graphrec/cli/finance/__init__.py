"""Commands of what a bank knows: portraits, market figures, portfolios, loans, risk, alerts."""
