"""graphrec export: the lists of all users in one file, or back in the store."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Amount, AsOf, Channel, Json, Model, NoPolicy, Purpose
from graphrec.cli.output import emit_json, note, progress, say


def command(
    out: Annotated[Path | None, typer.Option(help="File to write: .csv, .parquet or .jsonl.")] = None,
    to: Annotated[str | None, typer.Option(help="`store`: write the lists into the graph instead.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many products per user.")] = 10,
    model: Model = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave .csv cells that begin with = + - @ as they are, without a ' before.")
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin a .csv with a byte order mark, by which Excel knows its encoding.")
    ] = False,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Go on where a final model that was there is gone.")
    ] = False,
    no_policy: NoPolicy = False,
    amount: Amount = None,
    channel: Channel = None,
    purpose: Purpose = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Leave no entries in the decision record.")] = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Write the best products of every user, with score, strongest reason, confidence and warnings, for the CRM.

    The file appears when it is whole; an interrupted export leaves nothing and can be run again. In the store a list is
    (user)-[:RECOMMENDED {rank, score, reason, reasons, confidence, warnings, model, as_of, run}]->(product); earlier
    runs are removed.
    Language and least confidence are those of the settings.
    """
    from graphrec.app.jobs import Export
    from graphrec.policy.facts import Occasion

    occasion = Occasion(amount, channel, purpose)
    request = Export(out, to, k, model, raw, bom, not no_record, as_of, accept_missing, no_policy, occasion)
    with progress(json=json) as report:
        done = bank().export(request, progress=report)
    for text in done.notes:
        note(f"note: {text}")
    if json:
        emit_json({**vars(done.report), "policy": done.policy, "recorded": len(done.recorded), "notes": done.notes})
        return
    for text in done.report.lines():
        say(text)
    if done.recorded:
        first, last = done.recorded[0], done.recorded[-1]
        note(f"recorded as entry {first}" if first == last else f"recorded as entries {first} to {last}")
