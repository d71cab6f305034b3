"""What a bank knows of risk: models of default, figures of the market, portraits, alerts, statements."""
