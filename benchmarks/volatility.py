"""The volatility of the next 21 trading days by GARCH(1,1) and by the exponentially weighted mean, on the S&P 500.

    python benchmarks/volatility.py --data DIR

reads DIR/arch-macro/sp500.csv.gz (1999 to 2018). Every 21 days from 2004 on, both look at the daily log returns of the
five years before; what came is the mean square of the 21 returns after. QLIKE is x / h - log(x / h) - 1, with x what
came and h the forecast (Patton, Journal of Econometrics 160 (2011)); the test is that of Diebold and Mariano (1995) on
the differences, which do not overlap, with the normal distribution.
"""

import argparse
import csv
import gzip
import math
import sys
import time
from pathlib import Path

import numpy as np

from graphrec.finance.market.figures import AHEAD, TRADING_DAYS, YEARS, ewma, garch_of


def main() -> int:
    """Print both losses and the test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    file = parser.parse_args().data / "arch-macro" / "sp500.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as text:
        closes = np.array([float(row["Adj Close"]) for row in csv.DictReader(text)])
    returns, look = np.diff(np.log(closes)), YEARS * TRADING_DAYS
    losses: dict[str, list[float]] = {"ewma": [], "garch": []}
    none, began = 0, time.process_time()
    for place in range(look, len(returns) - AHEAD + 1, AHEAD):
        came = float((returns[place : place + AHEAD] ** 2).mean())
        before = returns[place - look : place]
        by_garch = garch_of(before)
        if by_garch is None:
            none += 1
            continue
        for name, volatility in (("ewma", ewma(before)), ("garch", by_garch)):
            ratio = came / (volatility**2 / TRADING_DAYS)
            losses[name].append(ratio - math.log(ratio) - 1)
    one, other = (np.array(losses[name]) for name in ("ewma", "garch"))
    away = one - other
    statistic = float(away.mean() / (away.std(ddof=1) / math.sqrt(len(away))))
    p = math.erfc(abs(statistic) / math.sqrt(2))
    print(
        f"{len(away)} windows of {AHEAD} days, {none} without a fit; {time.process_time() - began:.1f} s of processor"
    )
    print(
        f"QLIKE: ewma(.94) {one.mean():.4f}, GARCH(1,1) {other.mean():.4f}; Diebold-Mariano {statistic:+.2f}, p {p:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
