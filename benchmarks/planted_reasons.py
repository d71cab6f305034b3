"""Is the planted reason of a purchase the first that is given (bar 95 %), do the shares point out its edges (AUC .95)?

Demo bank S, three banks.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.quality.planted import count_planted, planted_engine

BAR = 0.95
#: The generator and the search were tuned on banks of seed 7 to 10; 21 and 22 were only measured.
SEEDS = (7, 21, 22)


def main() -> int:
    """Print the shares; 1 when the mean over the banks is below the bar."""
    shares, areas = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            engine, truth = planted_engine(Path(folder) / str(seed), seed, Path(folder) / "vectors")
            found = count_planted(engine, truth)
            pairs = sum(found.total.values())
            shares.append(sum(found.right.values()) / pairs)
            areas.append(found.auc)
            parts = ", ".join(f"{name} {found.right[name]}/{found.total[name]}" for name in sorted(found.total))
            firsts = f"neighbour {found.neighbours / pairs:.3f}, with relation {shares[-1]:.3f}"
            print(f"seed {seed}: {firsts} ({parts}); edges: AUC {found.auc:.3f}", flush=True)
    mean, area = sum(shares) / len(shares), sum(areas) / len(areas)
    print(f"mean over {len(SEEDS)} banks: {mean:.3f}, AUC {area:.3f}; bars {BAR:.2f}")
    return int(min(mean, area) < BAR)


if __name__ == "__main__":
    sys.exit(main())
