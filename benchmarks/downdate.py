"""What a downdate would save `forget`: the share of counting in a fit from sums over customers.

    python benchmarks/downdate.py [--customers 50000] [--products 1500] [--held 8] [--gone 1]

Processor seconds on invented holdings: all customers counted; those of who is gone subtracted from kept sums; the table
solved, which both need. The two ways give the same sums to the bit, and the script ends with 1 where they do not.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from graphrec.graph.edges.adjacency import from_codes
from graphrec.models.counted.solve import SolveConfig, table_of
from graphrec.models.counted.sums import sums_of
from graphrec.training.validation import rows_of


def main() -> int:
    """Prints the seconds of each step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--products", type=int, default=1_500)
    parser.add_argument("--held", type=int, default=8)
    parser.add_argument("--gone", type=int, default=1)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    popular = (rng.pareto(1.2, asked.products) + 0.1) ** 0.5
    products = rng.choice(asked.products, asked.customers * asked.held, p=popular / popular.sum())
    codes = np.unique(np.repeat(np.arange(asked.customers), asked.held) * asked.products + products)
    held = from_codes(codes, asked.customers, asked.products)
    whole = sums_of(held, asked.products, 0.0)
    gone, left = np.arange(asked.gone), np.arange(asked.gone, asked.customers)
    rest = rows_of(held, left)
    began = time.process_time()
    fresh = sums_of(rest, asked.products, 0.0)
    counted = time.process_time() - began
    began = time.process_time()
    downdated = whole.minus(sums_of(rows_of(held, gone), asked.products, 0.0))
    subtracted = time.process_time() - began
    began = time.process_time()
    table_of(fresh.weights, fresh.holders.astype(np.float64), SolveConfig())
    solved = time.process_time() - began
    same = bool((fresh.together == downdated.together).all() and (fresh.weighted == downdated.weighted).all())
    kept = (whole.together.nbytes + whole.weighted.nbytes) / 2**20
    print(
        f"{asked.customers:,} customers, {asked.products:,} products, {len(codes):,} holdings: "
        f"counted {counted:.2f} s, subtracted {subtracted:.2f} s, EASE solved {solved:.2f} s; "
        f"kept sums {kept:,.0f} MiB; the same: {same}"
    )
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
