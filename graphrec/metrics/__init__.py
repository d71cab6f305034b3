"""How we count: ranking metrics, intervals over users, paired tests. Arrays in, numbers out."""
