"""The least volatile mix within a cap on days that it had not seen, beside equal weights and the index.

    python benchmarks/portfolio.py --data DIR

reads DIR/skfolio-prices/sp500_dataset.csv.gz (20 American shares) and sp500_index.csv.gz: mixes of the last 504 days,
anew every 63 days, from 2010 on, at most 15 % of one share. It ends with 1 where the mixes are more volatile than .148
a year.
"""

import argparse
import csv
import gzip
import sys
import time
from pathlib import Path

import numpy as np

from graphrec.finance.market.proposal import LOOK, walk_forward

BAR, CAP, FIRST = 0.148, 0.15, "2010-01-01"


def prices(file: Path) -> tuple[list[str], np.ndarray]:
    """Days, and (days, series) prices."""
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = list(csv.reader(text))[1:]
    return [row[0] for row in rows], np.array([[float(one) if one else np.nan for one in row[1:]] for row in rows])


def main() -> int:
    """Print the figures; 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data / "skfolio-prices"
    days, shares = prices(folder / "sp500_dataset.csv.gz")
    index = dict(zip(*prices(folder / "sp500_index.csv.gz"), strict=True))
    kept = np.array([n for n, day in enumerate(days) if day in index and not np.isnan(shares[n]).any()])
    table = np.hstack([shares[kept], np.array([index[days[n]] for n in kept])])
    returns = table[1:] / table[:-1] - 1
    first = next(n for n, place in enumerate(kept[1:]) if days[place] >= FIRST) - LOOK
    began = time.process_time()
    found = walk_forward(returns[first:, :-1], CAP, returns[first:, -1])
    assert found is not None
    print(f"{found.days:,} days from {FIRST}, {shares.shape[1]} shares, cap {CAP:.0%}; volatility a year")
    print(f"least volatile mix {found.proposed:.4f}, turnover {found.turnover:.2f} a year")
    print(f"equal weights {found.equal:.4f}, index {found.benchmark:.4f}; {time.process_time() - began:.1f} s")
    print(f"bar {BAR}: {'met' if found.proposed <= BAR else 'MISSED'}")
    return int(found.proposed > BAR)


if __name__ == "__main__":
    sys.exit(main())
