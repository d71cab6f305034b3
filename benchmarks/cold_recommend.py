"""How long a cold `graphrec recommend USER` takes beyond importing numpy, typer and rich (demo bank M). Bar: 0.4 s.

    python benchmarks/cold_recommend.py [SIZE of the demo bank]

Processor seconds are printed beside those of the clock, which other work on the machine makes longer; the bar is on the
lesser difference. Modules are compiled once, as an installation has them.
"""

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


def spent(command: list[str]) -> tuple[float, float]:
    """Seconds of the clock and of the processor of one run of a command."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


def main() -> int:
    """Print the medians of interleaved runs; 1 when the difference is above the bar."""
    size = sys.argv[1] if len(sys.argv) > 1 else "M"
    with tempfile.TemporaryDirectory() as folder:
        home = ["--home", f"{folder}/home"]
        for step in (
            ["demo", "--size", size, "--out", f"{folder}/bank"],
            [*home, "snapshot", "--from", "demo", "--data", f"{folder}/bank"],
            # Fixed: all 29 walks and the spectral term, the most that a list can cost.
            [*home, "train", "--fixed", "--final"],
        ):
            subprocess.run([*GRAPHREC, *step], check=True)
        recommend = [*GRAPHREC, *home, "recommend", "C000123", "--no-policy"]
        imports = [sys.executable, "-c", "import numpy, typer, rich"]
        spent(recommend)
        pairs = [(spent(recommend), spent(imports)) for _ in range(RUNS)]
    extras = []
    for place, clock in enumerate(("clock", "processor")):
        ours, base = (statistics.median(one[place] for one in column) for column in zip(*pairs, strict=True))
        extras.append(statistics.median(one[place] - other[place] for one, other in pairs))
        print(f"{clock}: recommend {ours:.3f} s, imports {base:.3f} s, beyond them {extras[-1]:.3f} s")
    print(f"demo bank {size}, load {os.getloadavg()[0]:.1f}")
    return int(min(extras) > BAR_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
