"""Trains in processes that are killed at random writes, until one ends: `python -m tests.training.killed FOLDER MODEL`.

Prints the hash of a model trained undisturbed and of one trained through kills, the number of kills, and the epochs
that both took.
"""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from numba.core.registry import cpu_target

from graphrec import files
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.fitting import loop
from graphrec.terms.folder import model_folder, read_meta
from graphrec.training import checkpoint
from graphrec.training.fit import TrainOptions, train
from graphrec.training.job import code_of
from tests.training import bank

MOST_KILLS = 60
#: Between so many writes a process is killed: the fewer, the more kills, and the more work is done twice.
WRITES = 10, 26


def attempt(snapshot: Snapshot, model: str, home: Path, last_write: int) -> bool:
    """Whether a training in a process of its own came to its end; it is killed when it writes that often."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1] == 0
    run_epoch, flush = loop.run_epoch, files.flush
    writes = 0

    def counting_epoch(*given: object) -> float:
        with (home.parent / f"{home.name}.epochs").open("a") as file:
            file.write(".")
        return run_epoch(*given)

    def deadly_flush(path: Path) -> None:
        nonlocal writes
        writes += 1
        if writes == last_write:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    loop.run_epoch, files.flush = counting_epoch, deadly_flush
    train(snapshot, Home(home).prepare(), TrainOptions(model))
    os._exit(0)


def prepare(model: str) -> None:
    """Import what trains and read its code once, for all processes that are forked from here.

    Nothing runs: neither torch nor the compiled loops go on in a process that is forked after that.
    """
    for library in ("scipy.optimize", "torch"):
        import_module(library)
    for context in (cpu_target.typing_context, cpu_target.target_context):
        context.refresh()
    code_of(model)


def main(folder: Path, model: str) -> None:
    """Train both ways."""
    checkpoint.SHARE = 1e9  # every epoch is kept, as if keeping one took no time
    rng = np.random.default_rng(5)
    snapshot = bank.taste_bank(folder / "snapshot")
    prepare(model)
    assert attempt(snapshot, model, folder / "whole", 0)
    kills = 0
    while not attempt(snapshot, model, folder / "killed", int(rng.integers(*WRITES))):
        kills += 1
        assert kills < MOST_KILLS, "no attempt comes further than the one before"
    for name in ("whole", "killed"):
        meta = read_meta(model_folder(Home(folder / name), model, final=False))
        epochs = len((folder / f"{name}.epochs").read_text()) if (folder / f"{name}.epochs").exists() else 0
        print(meta.hash, epochs, len(list(Home(folder / name).working.iterdir())))
    print(kills)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
