"""Whether a list tells of one other person: 200 lists of A with B's product moved, for every solved and trained model.

    python benchmarks/others_stay_out.py [SEEDS]

Solved models: lists of A that hold j only while B does, of 200; the bar is 0. Networks and softmax: by how many ranks j
falls when B's holding is moved, less the control (tests/privacy/networks.py), over 200 pairs and SEEDS seeds of each
network (5); the bar is p > .05. Ends with 1 below a bar. Solved models take minutes on two cores, networks about half
an hour.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from graphrec.models.softmax import fit_softmax
from tests.privacy.moved import gains
from tests.privacy.networks import NETWORKS, difference
from tests.privacy.test_solved import SOLVED


def main() -> int:
    """0 when the bars are held."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    held = True
    for name, fit in SOLVED.items():
        began = time.monotonic()
        found = gains(fit)
        held &= found == 0
        print(f"{name}: {found} of 200 lists gain a product ({time.monotonic() - began:.0f} s)", flush=True)
    for name, network in {**NETWORKS, "softmax": lambda graph, _: fit_softmax(graph)}.items():
        began = time.monotonic()
        # The loss of softmax is convex: it has no seed.
        change = difference(network, seeds=range(1 if name == "softmax" else seeds))
        held &= change.p > 0.05
        print(
            f"{name}: {change.mean:+.2f} ranks beside the control, p = {change.p:.2f}, {change.pairs} pairs, {seeds} "
            f"seeds ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
