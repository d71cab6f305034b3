"""What each installed engine of the embedded store costs a command: load, cold query, memory, on the demo bank.

    python benchmarks/store_engines.py [--size S] [--rounds 5]

The JVM twin is the default only when a cold query stays below 2 s with it.
"""

import argparse
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from graphrec.demo import write_bank
from graphrec.store.embedded.arcade import ENGINES


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of a command and its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, used


def peak(command: list[str], environment: dict[str, str]) -> float:
    """The largest resident set of a process that runs a command, in MB."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], env=environment, check=True, capture_output=True, text=True
    )
    return int(done.stdout) / 1024


def main() -> None:
    """Load and ask with every engine that is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="S", choices=("S", "M"))
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bank = Path(folder, "bank")
        write_bank(bank, size=chosen.size)
        for name, engine in ENGINES.items():
            if importlib.util.find_spec(engine.package) is None:
                print(f"{name}: {engine.package} is not installed")
                continue
            environment = {**os.environ, "GRAPHREC_ENGINE": name, "GRAPHREC_STORE": ""}
            graphrec = [str(Path(sys.executable).with_name("graphrec")), "--home", str(Path(folder, name))]
            load = [*graphrec, "load", "demo", "--data", str(bank)]
            query = [*graphrec, "query", "MATCH (c:Customer) RETURN count(c)"]
            wall, used = timed(load, environment)
            print(f"{name:7} {engine.version:16} load {wall:6.1f} s {used:6.1f} s of processor", end="")
            rounds = [timed(query, environment) for _ in range(chosen.rounds)]
            wall, used = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"   cold query {wall:5.2f} s {used:5.2f} s of processor {peak(query, environment):5.0f} MB")


if __name__ == "__main__":
    main()
