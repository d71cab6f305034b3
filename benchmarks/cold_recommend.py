"""How long a cold `graphrec recommend USER` takes beyond importing numpy, typer and rich (demo bank M). Bar: 0.4 s."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRAPHREC = [sys.executable, str(ROOT / "cli.py")]
BAR_SECONDS = 0.4
RUNS = 9


def seconds(command: list[str]) -> float:
    """Wall seconds of one run of a command."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    """Print the medians of interleaved runs; 1 when the difference is above the bar."""
    with tempfile.TemporaryDirectory() as folder:
        home = ["--home", f"{folder}/home"]
        for step in (
            ["demo", "--size", "M", "--out", f"{folder}/bank"],
            [*home, "snapshot", "--from", "demo", "--data", f"{folder}/bank"],
            # Fixed: all 29 walks and the spectral term, the most that a list can cost.
            [*home, "train", "--fixed", "--final"],
        ):
            subprocess.run([*GRAPHREC, *step], check=True)
        recommend = [*GRAPHREC, *home, "recommend", "C000123", "--no-policy"]
        imports = [sys.executable, "-c", "import numpy, typer, rich"]
        seconds(recommend)
        pairs = [(seconds(recommend), seconds(imports)) for _ in range(RUNS)]
    ours, base = (statistics.median(column) for column in zip(*pairs, strict=True))
    extra = statistics.median(one - other for one, other in pairs)
    print(f"load {os.getloadavg()[0]:.1f}: recommend {ours:.3f} s, imports {base:.3f} s, beyond them {extra:.3f} s")
    return int(extra > BAR_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
