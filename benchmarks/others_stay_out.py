"""Whether a list tells of one other person: 200 lists of A with B's product moved, for every model.

    python benchmarks/others_stay_out.py [SEEDS] [--only MODEL ...]

Solved models (a formula of counts): lists of A that hold j only while B does, of 200; the bar is 0. Trained models
(steps down a loss, or a regression on numbers, in which every holder weighs a little): by how many ranks j falls when
B's holding is moved, less the control (tests/privacy/networks.py), over 200 pairs and SEEDS seeds (5; a convex loss has
one result); the bar is p > .05. Lists that hold j only while B does are printed beside it, and those that lose it when
only other people's holdings are moved. Ends with 1 below a bar.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.privacy.models import CONVEX, SOLVED, TRAINED, WALKS
from tests.privacy.moved import gains
from tests.privacy.networks import difference


def main() -> int:
    """0 when the bars are held."""
    solved = {**SOLVED, **WALKS}
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="?", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[*solved, *TRAINED])
    asked = parser.parse_args()
    held = True
    for name in (name for name in solved if name in asked.only):
        began = time.process_time()
        found = gains(solved[name])
        held &= found == 0
        print(f"{name}: {found} of 200 lists gain a product ({time.process_time() - began:.0f} s)", flush=True)
    for name in (name for name in TRAINED if name in asked.only):
        began = time.process_time()
        seeds = 1 if name in CONVEX else asked.seeds
        change = difference(TRAINED[name], seeds=range(seeds))
        held &= change.p > 0.05
        print(
            f"{name}: {change.mean:+.2f} ranks beside the control, p = {change.p:.2f}, {change.pairs} pairs, {seeds} "
            f"seeds; lists that gain it: {change.gained} of {change.asked}, in the control {change.gained_in_control} "
            f"({time.process_time() - began:.0f} s)",
            flush=True,
        )
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
