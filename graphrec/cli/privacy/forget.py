"""graphrec forget: take customers out of all that the home keeps."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say, table


def command(
    users: Annotated[list[str] | None, typer.Argument(metavar="[USER]...", help="Ids of the customers.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one id a line, besides.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; no name, no id.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the certificate as the person gets it.")] = None,
    keep_record_until: Annotated[
        str | None, typer.Option(help="Last day, YYYY-MM-DD, that a rule asks to keep what was recorded.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Which rule; with --keep-record-until.")] = None,
    downdate: Annotated[
        bool, typer.Option("--downdate", help="Subtract them from kept sums where a model allows it, instead of a fit.")
    ] = False,
    json: Json = False,
) -> None:
    """Take customers out of all that the home keeps; it cannot be undone.

    Store, events, snapshots, models, ledgers of sending and logs are searched. What was learned with their edges is
    fitted again, with configuration and weights as they are. A keyed hash stays, by which loads and events leave them
    out. A signed certificate in the record says what was removed, what stays, and why; it names nobody: --out writes it
    with what shows whose it is.

    Where a rule asks to keep what was recorded, --keep-record-until puts the key of these entries in escrow instead of
    destroying it (graphrec escrow).

    --downdate takes them out of whole-number sums instead, where all of a model is a function of these (popularity,
    item-kNN, EASE without powers): the model is the one of a new fit, and the certificate says which way was taken.

    Example: graphrec forget C000004 --reason "asked on 3 March" --out certificate.json
    """
    from graphrec.app.jobs import Forget

    with progress(json=json) as report:
        done = bank().forget(
            Forget(tuple(users or ()), file, reason, keep_record_until, rule, downdate), progress=report
        )
    if out is not None and done.document:
        from graphrec.files import whole_file

        with whole_file(out) as temporary:
            temporary.write_text(done.document, "utf-8")
    for text in done.notes:
        note(f"note: {text}")
    if json:
        emit_json({**vars(done), "document": json_module.loads(done.document) if done.document else None})
        return
    if done.removed:
        table(
            ["removed", "number"], [[place, f"{number:,}"] for place, number in done.removed.items()], right=["number"]
        )
        say()
    if done.certificate is not None:
        table(["kept", "why", "until"], [[one.place, one.why, one.until] for one in done.kept])
        say(f"certificate: {done.certificate}")
