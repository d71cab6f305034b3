"""graphrec record: read the decision record, check it, free space."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say, say_block, table
from graphrec.errors import RecordError, UsageError

Action = Literal["list", "show", "verify", "head", "anchor", "prune"]


def command(
    action: Annotated[Action, typer.Argument(help="list, show NUMBER, verify, head, anchor or prune.")],
    number: Annotated[int | None, typer.Argument(min=1, help="Number of the entry to show.")] = None,
    product: Annotated[
        str | None, typer.Option(help="show: what each rule said of this product then, computed again.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="list: only the entries of this user.")] = None,
    last: Annotated[int, typer.Option(min=1, help="list: how many of the last entries.")] = 20,
    anchor: Annotated[
        str | None,
        typer.Option(help="verify: BLOCK:HASH that `graphrec record head` printed, or a file that --out made."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="head, anchor: add it, signed (ed25519), as a line to this file, kept elsewhere."),
    ] = None,
    tsa: Annotated[
        str | None, typer.Option(help="anchor: address of a time stamp authority (RFC 3161) that dates the line.")
    ] = None,
    roots: Annotated[
        Path | None, typer.Option(help="anchor, verify: root certificates of that authority, as PEM.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="prune: DATE; free what only entries before it need for their replay.")
    ] = None,
    json: Json = False,
) -> None:
    """Read the decision record: every list and explanation that graphrec gave, bound together by hashes.

    `verify` computes every hash anew and names the entries that were changed, left out or moved. A person who can
    write to the home could make up a new record: keep somewhere else what `head` prints, and give it to `verify`.
    `anchor` adds the head, signed and dated by a time stamp authority, to a file; `verify` checks it without a network.
    `prune` frees the snapshots, models and policies that only old entries need; the entries stay.

    Examples: graphrec record verify; graphrec record anchor --out anchors.jsonl --tsa URL --roots tsa.pem
    """
    _check(action, number, before, out, product)
    _check_stamp(action, out, tsa, roots)
    if product is not None:
        _judged(number or 0, product, json=json)
    elif action == "show":
        _show(number or 0, json=json)
    elif action == "list":
        _list(user, last, json=json)
    elif action == "verify":
        _verify(anchor, roots, json=json)
    elif action == "prune":
        _prune(str(before), json=json)
    else:
        _head(out, tsa, roots, json=json)


def _check(action: Action, number: int | None, before: str | None, out: Path | None, product: str | None) -> None:
    if (action == "show") != (number is not None):
        raise UsageError("graphrec record show wants the number of an entry" if number is None else
                         f"graphrec record {action} takes no number; want graphrec record show {number}")  # fmt: skip
    if (action == "prune") != (before is not None):
        raise UsageError("graphrec record prune wants --before DATE, and no other action takes it")
    if out is not None and action not in ("head", "anchor"):
        raise UsageError(f"graphrec record {action} takes no --out; want graphrec record head --out FILE")
    if product is not None and action != "show":
        raise UsageError(f"graphrec record {action} takes no --product; want graphrec record show NUMBER --product ID")


def _check_stamp(action: Action, out: Path | None, tsa: str | None, roots: Path | None) -> None:
    if action == "anchor" and (out is None or tsa is None or roots is None):
        raise UsageError("graphrec record anchor wants --out FILE, --tsa URL and --roots FILE.pem")
    if (tsa is not None and action != "anchor") or (roots is not None and action not in ("anchor", "verify")):
        raise UsageError(f"graphrec record {action} takes no --tsa or --roots; anchor does, and verify --roots")


def _show(number: int, *, json: bool) -> None:
    import json as json_module

    plain = bank().record_entry(number).to_json()
    if json:
        emit_json(plain)
    else:
        say_block(json_module.dumps(plain, ensure_ascii=False, indent=2))


def _judged(number: int, product: str, *, json: bool) -> None:
    found = bank().judged_then(number, product)
    if json:
        emit_json(found)
        return
    table(["rule", "outcome"], list(found.rules.items()), title=f"entry {number} · {product}")
    read = ", ".join(f"{name} {'unknown' if value is None else value}" for name, value in found.values.items())
    say(f"read: {read or 'nothing'}")
    say(f"{product} could be shown" if found.was_left else f"{product} could not be shown")


def _list(user: str | None, last: int, *, json: bool) -> None:
    from graphrec.app.jobs import ListRecord

    found = bank().record_list(ListRecord(user, last))
    if json:
        emit_json({"entries": found})
    elif found:
        columns = ("record", "recorded_at", "command", "user", "as_of", "model", "candidates", "shown")
        rows = [
            [
                "" if one is None else one
                for one in (*(getattr(entry, name) for name in columns[:-1]), " ".join(entry.shown))
            ]
            for entry in (replace(one, user="(erased)") if one.is_erased else one for one in found)
        ]
        table(columns, rows, right=["record", "candidates"])
    else:
        say("nothing is recorded yet" if user is None else f"nothing is recorded for {user}")


def _verify(anchor: str | None, roots: Path | None, *, json: bool) -> None:
    from graphrec.app.jobs import VerifyRecord

    with progress(json=json) as report:
        found = bank().verify_record(VerifyRecord(anchor, roots), progress=report)
    if json:
        emit_json(found)
    else:
        for text in found.notes:
            note(f"note: {text}")
        for text in found.problems:
            say(text)
    if found.problems:
        raise RecordError(
            f"the record in {bank().home.records} is not as it was written: {len(found.problems)} problems; compare "
            "with a backup"
        )
    if not json:
        say(f"{found.entries:,} entries in {found.blocks:,} blocks are as they were recorded")
        if anchor is None and found.blocks:
            say(f"that nothing is missing at the end, only an anchor kept elsewhere can show; now: {found.anchor}")


def _prune(before: str, *, json: bool) -> None:
    from graphrec.app.jobs import PruneRecord

    done = bank().prune_record(PruneRecord(before))
    if json:
        emit_json(done)
        return
    say(f"{done.removed:,} snapshots, models and policies removed, {done.freed_bytes / 1e6:.1f} MB freed")
    if done.entries:
        say(f"{done.entries:,} entries before {before} stay and verify; they can no longer be replayed")


def _head(out: Path | None, tsa: str | None, roots: Path | None, *, json: bool) -> None:
    from graphrec.app.jobs import SignHead

    if out is None:
        found = bank().record_head()
        if json:
            emit_json(found)
        else:
            say(found.anchor)
        return
    done = bank().sign_head(SignHead(out, tsa, roots))
    if json:
        emit_json(done)
        return
    say(done.anchor)
    if done.stamped_at is not None:
        note(f"{out} line {done.line}: {tsa} saw it at {done.stamped_at}")
