"""How often graphrec monitor finds drift that was planted, and how often it finds some where there is none.

Command: .venv/bin/python benchmarks/drift.py [--rows 400] [--deliveries 200] [--seed 1]

Planted: the mean of a normal and of a lognormal number moves by a share of its deviation, values are missing, half of
the rows is gone.
"""

import argparse

import numpy as np

from graphrec.monitoring.inputs import _histograms
from graphrec.monitoring.limits import Limits
from graphrec.monitoring.measure import doublings, index_of, measured

SHIFTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def main() -> None:
    """Print rates of warnings and alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--deliveries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, limits, rows = np.random.default_rng(options.seed), Limits(), options.rows

    def state(before: np.ndarray, after: np.ndarray) -> str:
        value, chance = index_of(*_histograms(before, after))
        return measured("inputs", "psi", "x", value, limits, by_chance=chance).state

    print(f"{options.deliveries} deliveries of {rows:,} rows each; share that warns or alarms, and that alarms")
    for shift in SHIFTS:
        for name, draw in (("normal", rng.normal), ("lognormal", lambda **size: np.exp(rng.normal(**size)))):
            found = [
                state(draw(size=rows), np.exp(rng.normal(shift, 1, rows)) if name == "lognormal" else
                      rng.normal(shift, 1, rows))
                for _ in range(options.deliveries)
            ]  # fmt: skip
            faults = sum(one in ("warn", "alarm") for one in found) / options.deliveries
            print(f"mean + {shift:.1f} deviations, {name:9}: {faults:6.1%} {found.count('alarm') / len(found):6.1%}")
    gone = [state(rng.normal(size=rows), np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)))
            for _ in range(options.deliveries)]  # fmt: skip
    faults = 1 - gone.count("ok") / len(gone)
    print(f"three tenths missing             : {faults:6.1%} {gone.count('alarm') / len(gone):6.1%}")
    half = measured("inputs", "volume", "x", doublings(rows, rows / 2), limits).state
    print(f"half of the rows is gone         : {half}")


if __name__ == "__main__":
    main()
