"""Models of a home: fitted, measured, promoted, opened; the policy and the final models in force."""
