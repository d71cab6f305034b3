"""What an attacker learns by comparing everything that a view shows, before and after an event of one person.

    python benchmarks/differencing.py [--trials 1000] [--seed 0]

The attack and its banks: tests/privacy/differencing.py. Printed is the advantage (|true - false positives|) with exact
counts, with the narrow bands of before (5 to 9, 10 to 19, …) and with those of now, together and for each part. The bar
is .05 for all together; ends with 1 above it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.privacy.differencing import BEFORE, advantage, banded, exact, tells, world

PARTS = ("", "sentence", "page", "audience", "export")
BAR = 0.05


def main() -> int:
    """0 when the bar is held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    found: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    changed = []
    for _ in range(asked.trials):
        one, state = world(rng), int(rng.integers(2**32))
        changed.append(sum(one.before[name] != one.after[name] for name in one.before))
        ways = {
            "exact": exact,
            "bands of before": banded(np.random.default_rng(state), BEFORE),
            "bands of now": banded(np.random.default_rng(state)),
        }
        for way, shown in ways.items():
            for part in PARTS:
                found.setdefault((way, part), []).append(tells(one, shown, part))
    print(f"{asked.trials:,} trials, each with and without the event, which moves {np.mean(changed):.1f} counts")
    held = True
    for (way, part), hits in found.items():
        got = advantage(hits)
        held &= way != "bands of now" or bool(part) or got.value <= BAR
        print(f"  {way:16} {part or 'everything':10} {got.value:.3f} [{got.low:.3f}, {got.high:.3f}]")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
