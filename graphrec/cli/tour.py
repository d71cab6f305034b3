"""The whole way on the demo bank, command by command: what `make demo` shows."""

import inspect
import shlex
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from graphrec.cli.output import note, say
from graphrec.cli.state import state
from graphrec.graph.shelf import SnapshotShelf
from graphrec.serving.engine import Engine

#: Customers with at least this many holdings have something to explain.
HOLDINGS = 5
SHOWN = 3


def run_tour(bank: Path) -> None:
    """Load, train, evaluate, recommend and export the bank, printing each command as a person would type it."""
    started = time.perf_counter()
    _run("load", "demo", data=bank)
    _run("train")
    _run("evaluate")
    _run("train", final=True)
    users = _customers()
    for user in users:
        _run("recommend", user)
    _run("export", out=bank.with_name(f"{bank.name}-scores.csv"))
    product = Engine.open(state.home).recommend(users[0], 1).items[0].product
    note(f"the whole way took {time.perf_counter() - started:.0f} s")
    say()
    say("try next:")
    for line in (
        f"graphrec explain {users[0]} {product} --picture why.png",
        "graphrec find energy",
        "graphrec query",
        "graphrec evaluate --json",
        "graphrec load --new my.toml --data DIR",
    ):
        say(f"  {line}")


def _run(command: str, *arguments: str, **options: Any) -> None:
    """Say a command as it would be typed, and run it."""
    typed = ["graphrec", command, *arguments]
    for name, value in options.items():
        typed += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    say()
    say(f"$ {shlex.join(typed)}")
    function: Callable[..., None] = import_module(f"graphrec.cli.{command}").command
    names = list(inspect.signature(function).parameters)
    function(**dict(zip(names, arguments, strict=False)), **options)


def _customers() -> list[str]:
    """The ids of a few customers who hold something, far apart in the list."""
    snapshot = SnapshotShelf(state.home.snapshots).latest()
    roles = snapshot.schema.roles
    holdings = sum(np.diff(snapshot.edges(name).indptr) for name in roles.relevant)
    users = np.flatnonzero(holdings >= HOLDINGS)
    chosen = users[np.linspace(0, len(users) - 1, SHOWN).astype(np.int64)]
    return [snapshot.nodes(roles.user).ids[int(user)] for user in chosen]
