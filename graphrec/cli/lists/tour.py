"""The whole way on the demo bank, command by command: what `make demo` shows."""

import inspect
import shlex
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from graphrec.cli.commands import COMMANDS
from graphrec.cli.invocation import bank as this_bank
from graphrec.cli.output import note, say


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
    shown = this_bank().examples()
    for user in shown.users:
        _run("recommend", user)
    _run("export", out=bank.with_name(f"{bank.name}-scores.csv"))
    _show_money(bank, shown.users[0], shown.product)
    note(f"the whole way took {time.perf_counter() - started:.0f} s")
    say()
    say("try next:")
    for line in (
        f"graphrec explain {shown.users[0]} {shown.product} --picture why.png",
        f"graphrec why-not {shown.users[0]} {shown.refused}",
        "graphrec find energy",
        "graphrec query",
        "graphrec evaluate --json",
        "graphrec load --new my.toml --data DIR",
    ):
        say(f"  {line}")


def _show_money(bank: Path, user: str, product: str) -> None:
    """What the bank knows of money: a portfolio, a loan, needs of cover, alerts; first files where there are none."""
    _run("load", "demo-money", data=bank)
    home = this_bank().home.path
    for file, kind, arguments in (("market", "market", ()), ("plan", "plan", ("loan",)), ("needs", "plan", ("cover",))):
        if not (home / f"{file}.toml").exists():
            _run(kind, *arguments, init=True)
    if not (home / "alerts.toml").exists():
        _run("alerts", "init")
    _run("portfolio", user, candidate=product)
    _run("plan", "loan", user, amount=5000)
    _run("plan", "cover", user)
    _run("alerts", "run")
    _run("alerts", "list", kind="graph")
    _run("quality", duplicates=bank.with_name(f"{bank.name}-twice.csv"))


#: What an option is called on the command line where the parameter has another name.
OPTIONS = {"candidate": "with"}


def _run(command: str, *arguments: str, **options: Any) -> None:
    """Say a command as it would be typed, and run it."""
    typed = ["graphrec", command, *arguments]
    for name, value in options.items():
        option = OPTIONS.get(name, name)
        typed += [f"--{option}"] if value is True else [f"--{option}", str(value)]
    say()
    say(f"$ {shlex.join(typed)}")
    function: Callable[..., None] = import_module(COMMANDS[command][0]).command
    names = list(inspect.signature(function).parameters)
    function(**dict(zip(names, arguments, strict=False)), **options)
