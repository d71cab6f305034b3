"""Is the planted reason of a purchase the first that is given? Bar: 90 % (demo bank S, three banks)."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.quality.planted import count_planted, planted_engine

BAR = 0.90
#: The generator and the search were tuned on banks of seed 7 to 10; 21 and 22 were only measured.
SEEDS = (7, 21, 22)


def main() -> int:
    """Print the shares; 1 when the mean over the banks is below the bar."""
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            engine, truth = planted_engine(Path(folder) / str(seed), seed, Path(folder) / "vectors")
            right, total, neighbours = count_planted(engine, truth)
            pairs = sum(total.values())
            shares.append(sum(right.values()) / pairs)
            parts = ", ".join(f"{name} {right[name]}/{total[name]}" for name in sorted(total))
            found = f"neighbour {neighbours / pairs:.3f}, with relation {shares[-1]:.3f}"
            print(f"seed {seed}: {found} ({parts})", flush=True)
    mean = sum(shares) / len(shares)
    print(f"mean over {len(SEEDS)} banks: {mean:.3f}, bar {BAR:.2f}")
    return int(mean < BAR)


if __name__ == "__main__":
    sys.exit(main())
