"""graphrec export: the lists of all users in one file, or back in the store."""

from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Amount, AsOf, Channel, Json, Language, Model, NoPolicy, Purpose, View, Voice
from graphrec.cli.output import emit_json, note, progress, say, show_estimate


def command(
    to: Annotated[
        str | None,
        typer.Option(
            help="FILE.csv, .xlsx, .parquet or .jsonl; FOLDER/ (Parquet, a part a run); https://… (JSON, in batches); "
            "postgresql://…; or store, the graph."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The same as --to FILE.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many products per user.")] = 10,
    model: Model = None,
    users: Annotated[Path | None, typer.Option(help="File with one user id a line: lists of these alone.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Condition on users, as in a policy: \"user.region == 'North'\".")
    ] = None,
    delta: Annotated[
        bool, typer.Option("--delta", help="Only rows that changed since the last export: new, moved, gone.")
    ] = False,
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=0.999, help="Leave out products below this confidence.")
    ] = None,
    valid_days: Annotated[int, typer.Option(min=1, max=3650, help="Days that the lists are valid.")] = 30,
    language: Language = None,
    voice: Voice = "adviser",
    view: View = None,
    excel: Annotated[
        bool,
        typer.Option(
            "--excel", help="A .csv that Excel opens by a double click: separator and decimal sign of --language."
        ),
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave .csv cells that begin with = + - @ as they are, without a ' before.")
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin a .csv with a byte order mark, by which Excel knows its encoding.")
    ] = False,
    field_map: Annotated[
        str | None,
        typer.Option(
            "--map", help="Columns of another system in a .csv: salesforce, hubspot, dynamics, or a TOML file."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes that make lists (default: one a processor, for many users)."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray|ray://HOST:PORT",
            help="Make the lists on a Ray cluster: one of this machine, or the one at an address.",
        ),
    ] = None,
    pseudonyms: Annotated[
        str | None,
        typer.Option(
            metavar="RECEIVER", help="Keyed hashes in the place of ids, other ones for each receiver; files alone."
        ),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would take, from some of the users, and write nothing.")
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
    """Write the best products of every user, with score, reasons, confidence and warnings, for the CRM.

    Users without a list, and why, stand in a second file (lists.without.csv) or sheet. Files appear when they are
    whole; an interrupted export leaves nothing and can be run again. In the store a list is
    (user)-[:RECOMMENDED {rank, score, reason, reasons, confidence, warnings, model, as_of, run}]->(product); earlier
    runs are removed.

    Examples: graphrec export --to lists.xlsx; graphrec export --to lists.csv --delta --where "user.region == 'North'"
    """
    from graphrec.app.jobs import Export
    from graphrec.policy.facts import Occasion

    request = Export(
        out, to, k, model, raw, bom, not no_record, as_of, accept_missing, no_policy,
        Occasion(amount, channel, purpose), view=view, users=users, where=where, delta=delta, language=language,
        voice=voice, min_confidence=min_confidence, excel=excel, valid_days=valid_days, map=field_map,
        workers=workers, on=on, pseudonyms=pseudonyms,
    )  # fmt: skip
    if estimate:
        show_estimate(bank().estimate_export(request), json=json)
        return
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
