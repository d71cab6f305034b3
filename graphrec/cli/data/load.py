"""graphrec load: the files of a mapping into the store."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import UsageError
from graphrec.shown import visible

if TYPE_CHECKING:
    from graphrec.app.results import Loaded

COUNTS = ("read", "created", "changed", "unchanged", "removed", "rejected")


def command(
    mapping: Annotated[str | None, typer.Argument(help="Name of a shipped mapping, or path of a TOML file.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the files (default: that of the TOML file, else this one).")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Do everything but the writing.")] = False,
    new: Annotated[Path | None, typer.Option(help="Propose a first mapping from the files in --data.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --new: take the proposal without asking.")] = False,
    database: Annotated[
        str | None,
        typer.Option(help="With --new: environment variable with the address of a database to describe too."),
    ] = None,
    incremental: Annotated[bool, typer.Option("--incremental", help="Merge only; remove nothing.")] = False,
    max_rejected: Annotated[
        str, typer.Option(help="Rows that may be rejected: a number, or a share of the rows read such as 0.5%.")
    ] = "0",
    max_removed: Annotated[
        str, typer.Option(help="What a full load may remove of each label and edge type: a share, or a number of rows.")
    ] = "10%",
    rejected: Annotated[
        Path | None, typer.Option(help="File for rejected rows (default: rejected.csv in the home).")
    ] = None,
    bulk: Annotated[
        Path | None, typer.Option(help="Write files for neo4j-admin import to this folder instead of loading.")
    ] = None,
    json: Json = False,
) -> None:
    """Load the files of a mapping into the store.

    Examples: graphrec load --new my.toml --data my-bank; graphrec load my.toml --data my-bank --check
    """
    if new is not None:
        if mapping is not None:
            raise UsageError(f"--new writes a mapping, so {mapping!r} has no place here; leave it out")
        _propose(new, data or Path(), database, asks=not yes and not json and sys.stdin.isatty(), json=json)
        return
    if yes or database is not None:
        raise UsageError(f"{'--yes' if yes else '--database'} goes with --new, which proposes a mapping; leave it out")
    if mapping is None:
        raise UsageError(
            "which mapping? graphrec load NAME_OR_FILE --data DIR, or graphrec load --new my.toml --data DIR"
        )
    from graphrec.app.jobs import Load

    request = Load(mapping, data, check, incremental, max_rejected, max_removed, rejected, bulk)
    with progress(json=json) as report:
        done = bank().load(request, progress=report)
    if done.rejected and done.rejected_path is not None and not done.checked:
        note(f"{done.rejected:,} {'row' if done.rejected == 1 else 'rows'} rejected: {done.rejected_path}")
    if not check and bulk is None and (settled := bank().settle_today()):
        note(settled)
    if json:
        emit_json(done.report if done.events is None else {**vars(done.report), "events": done.events})
        return
    _print(done)
    if done.import_command is not None:
        say("import into a stopped server, which empties its database; start it, then load once more for constraints:")
        say(f"  {done.import_command}")


def _propose(path: Path, folder: Path, database: str | None, *, asks: bool, json: bool) -> None:
    from graphrec.app.jobs import ProposeMapping

    request = ProposeMapping(path, folder, database)
    if asks:
        found = bank().propose_mapping(request, ask=_choose)  # no progress: it would stand between the questions
    else:
        with progress(json=json) as report:
            found = bank().propose_mapping(request, progress=report)
    if json:
        emit_json({name: value for name, value in vars(found).items() if name != "files"})
        return
    say(f"{path}: {len(found.nodes)} labels, {len(found.edges)} edge types from {found.files} files")
    for question in found.open_questions:
        say(f"  look at: {question}")
    say(f"edit it, then: graphrec load {path} --data {folder} --check")


def _choose(question: str, choices: tuple[str, ...]) -> str:
    """The choice of a person; the first one where they only press Enter."""
    say(visible(question))
    for number, choice in enumerate(choices, start=1):
        say(f"  {number}  {visible(choice)}")
    chosen = 0
    while not 1 <= chosen <= len(choices):
        chosen = typer.prompt("which", default=1, type=int)
    return choices[chosen - 1]


def _print(done: "Loaded") -> None:
    report = done.report
    counts = {**report.nodes, **report.edges}
    if done.events is not None:
        written, superseded, waiting = (f"{done.events[name]:,}" for name in ("written", "superseded", "waiting"))
        say(f"events: {written} in the store, {superseded} superseded by the files, {waiting} waiting")
    if not done.checked and not done.is_new:
        say("nothing to do: the files are those of the last full load")
        return
    shown = ("read", "removed", "rejected") if done.checked else COUNTS
    if any(one.suppressed for one in counts.values()):
        shown = (*shown, "suppressed")
    rows = [(name, *(f"{getattr(one, column):,}" for column in shown)) for name, one in counts.items()]
    table(("", *shown), rows, right=shown)
    for one, number in report.cleaned.items():
        say(f"{one}: {number:,}")
    for one in report.marks:
        say(f"  look at: {one}")
    say(f"{report.mapping}: {'checked, nothing written' if done.checked else 'loaded'} in {report.seconds:.1f} s")
