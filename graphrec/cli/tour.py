"""The whole way on the demo bank, command by command: what `make demo` shows."""

import inspect
import shlex
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.cli.invocation import bank as this_bank
from graphrec.cli.output import note, say
from graphrec.serving.engine import Engine

#: Customers with at least this many holdings have something to explain.
HOLDINGS = 5
SHOWN = 3
#: Of these, those are shown to whom the policy leaves products.
SAMPLE = 60


def run_tour(bank: Path) -> None:
    """Load, train, evaluate, recommend and export the bank, printing each command as a person would type it."""
    started = time.perf_counter()
    _run("load", "demo", data=bank)
    _run("train")
    _run("evaluate")
    _run("train", final=True)
    if not this_bank().home.policy.exists():
        _run("policy", "init")
    _run("policy", "check")
    engine = Engine.open(this_bank().home)
    users = _customers(engine)
    for user in users:
        _run("recommend", user)
    _run("export", out=bank.with_name(f"{bank.name}-scores.csv"))
    product = engine.recommend(users[0], 1).items[0].product
    refused = int(np.flatnonzero(~engine.eligibility.mask(engine.users.ids.find(users[0])))[0])
    note(f"the whole way took {time.perf_counter() - started:.0f} s")
    say()
    say("try next:")
    for line in (
        f"graphrec explain {users[0]} {product} --picture why.png",
        f"graphrec why-not {users[0]} {engine.products.ids[refused]}",
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


def _customers(engine: Engine) -> list[str]:
    """The ids of a few customers who hold something and may be shown something, far apart in the list."""
    snapshot, roles = engine.snapshot, engine.roles
    holdings = sum(np.diff(snapshot.edges(name).indptr) for name in roles.relevant)
    users = np.flatnonzero(holdings >= HOLDINGS)
    tried = users[_spread(len(users), SAMPLE)]
    served = tried[engine.eligibility.masks(tried).sum(axis=1) >= HOLDINGS]
    return [engine.users.ids[int(user)] for user in served[_spread(len(served), SHOWN)]]


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Positions far apart among `count`."""
    return np.unique(np.linspace(0, count - 1, wanted).astype(np.int64))
