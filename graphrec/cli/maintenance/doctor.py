"""graphrec doctor: what this machine, the home and the store are like, and what to do about it."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, table
from graphrec.errors import GraphrecError


def command(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all rows of the store too, and ask its engine for its own check.")
    ] = False,
    json: Json = False,
) -> None:
    """Check this machine, the home and the store; exit code 1 when something does not work.

    Examples: graphrec doctor; graphrec doctor --deep
    """
    from graphrec.app.maintenance.doctor import language_here, run_checks

    checks, words = run_checks(bank, deep=deep).checks, language_here(bank)
    if json:
        emit_json({"checks": checks})
    else:
        told = {True: words.text("doctor.ok"), False: words.text("doctor.not_ok")}
        rows = [(told[check.ok], check.name, check.detail, check.advice or "") for check in checks]
        table(("", *(words.text(f"doctor.{head}") for head in ("check", "found", "advice"))), rows)
    if not all(check.ok for check in checks):
        names = ", ".join(check.name for check in checks if not check.ok)
        raise GraphrecError(words.say("doctor.wrong", names=names))
