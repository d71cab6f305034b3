"""graphrec record: what was answered, and that nobody has changed it."""

import itertools
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.cli.state import state
from graphrec.errors import RecordError, UsageError

Action = Literal["list", "show", "verify", "head"]


def command(
    action: Annotated[Action, typer.Argument(help="list, show NUMBER, verify or head.")],
    number: Annotated[int | None, typer.Argument(min=1, help="Number of the entry to show.")] = None,
    user: Annotated[str | None, typer.Option(help="list: only the entries of this user.")] = None,
    last: Annotated[int, typer.Option(min=1, help="list: how many of the last entries.")] = 20,
    anchor: Annotated[
        str | None, typer.Option(help="verify: BLOCK:HASH that `graphrec record head` printed, kept elsewhere.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read the decision record: every list and explanation that was given, bound together by hashes.

    `verify` recomputes every hash; whatever was changed, left out or put elsewhere is named by its entries. Whoever can
    write to the home could make up a new record: keep somewhere else what `head` prints, and give it to `verify`.
    """
    if (action == "show") != (number is not None):
        raise UsageError("graphrec record show wants the number of an entry" if number is None else
                         f"graphrec record {action} takes no number; want graphrec record show {number}")  # fmt: skip
    folder = state.home.records
    if action == "show":
        _show(folder, number or 0, json=json)
    elif action == "list":
        _list(folder, user, last, json=json)
    elif action == "verify":
        _verify(folder, anchor, json=json)
    else:
        _head(folder, json=json)


def _show(folder: Path, number: int, *, json: bool) -> None:
    import json as json_module

    from graphrec.records.read import entry_of

    plain = entry_of(folder, number).to_json()
    if json:
        emit_json(plain)
    else:
        say(json_module.dumps(plain, ensure_ascii=False, indent=2))


def _list(folder: Path, user: str | None, last: int, *, json: bool) -> None:
    from graphrec.records.read import Entry, entries

    wanted = (one for one in entries(folder) if user is None or one.entry["user"] == user)
    found = list(itertools.islice(wanted, last))[::-1]

    def row(one: Entry) -> dict[str, Any]:
        shared, entry = one.shared, one.entry
        shown = [item["product"] for item in entry["answer"]["items"]]
        return {
            "record": one.number, "recorded_at": shared["recorded_at"], "command": shared["request"]["command"],
            "user": entry["user"], "as_of": shared["as_of"], "model": shared["model"]["name"],
            "candidates": entry["candidates"], "shown": shown,
        }  # fmt: skip

    rows = [row(one) for one in found]
    if json:
        emit_json({"entries": rows})
    elif rows:
        cells = [[*list(one.values())[:-1], " ".join(one["shown"])] for one in rows]
        table(list(rows[0]), cells, right=["record", "candidates"])
    else:
        say("nothing is recorded yet" if user is None else f"nothing is recorded for {user}")


def _verify(folder: Path, anchor: str | None, *, json: bool) -> None:
    from graphrec.records.verify import Anchor, verify

    with progress(json=json) as report:
        found = verify(folder, Anchor.parse(anchor) if anchor else None, report)
    if json:
        emit_json(found)
    else:
        for text in found.notes:
            note(f"note: {text}")
        for text in found.problems:
            say(text)
    if found.problems:
        raise RecordError(
            f"the record in {folder} is not as it was written: {len(found.problems)} problems; compare with a backup"
        )
    if not json:
        say(f"{found.entries:,} entries in {found.blocks:,} blocks are as they were recorded")
        if anchor is None and found.blocks:
            say(f"that nothing is missing at the end, only an anchor kept elsewhere can show; now: {found.anchor}")


def _head(folder: Path, *, json: bool) -> None:
    from graphrec.records.blocks import HEAD, Head

    head = Head.read(folder)
    if head is None and (folder / HEAD).exists():
        raise RecordError(f"{folder / HEAD} is not as it was written; run: graphrec record verify")
    head = head or Head()
    if json:
        emit_json({"anchor": head.anchor, "block": head.block, "hash": head.hash, "entries": head.entries})
    else:
        say(head.anchor)
