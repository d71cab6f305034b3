"""The family of scores that are linear in a user's first-hop neighbours.

    score(u, i) = sum over terms t: w_t / sd_t(u) * sum over neighbours a of u: x_t,a(u) * W_t[a, i]

Operators W are walks (real paths), factors (two thin matrices) or tables; scoring, the ledger and files are written
once for all of them, with numpy alone for one user.
"""
