"""graphrec export: the lists of all users in one file, or back in the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphrec.cli.as_of import AsOf, look_back
from graphrec.cli.output import emit_json, note, progress, say
from graphrec.cli.recording import Recording
from graphrec.cli.state import state
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.features.vectors import StoredVectors
    from graphrec.serving.engine import Engine


def command(
    out: Annotated[Path | None, typer.Option(help="File to write: .csv, .parquet or .jsonl.")] = None,
    to: Annotated[str | None, typer.Option(help="`store`: write the lists into the graph instead.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many products per user.")] = 10,
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend, final before tested).")] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Leave no entries in the decision record.")] = False,
    as_of: AsOf = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the best products of every user, with score, strongest reason, confidence and warnings, for the CRM.

    The file appears when it is whole; an interrupted export leaves nothing and can be run again. In the store a list is
    (user)-[:RECOMMENDED {rank, score, reason, reasons, confidence, warnings, model, as_of, run}]->(product); earlier
    runs are removed.
    Language and least confidence are those of the settings.
    """
    asked = look_back(as_of)
    if to is not None:
        if to != "store" or out is not None:
            raise UsageError(f"--to {to}: want --to store, or --out FILE, not both")
        _write_back(k, model, asked, is_recorded=not no_record, json=json)
        return
    if out is None:
        raise UsageError("where to? --out FILE (.csv, .parquet or .jsonl), or --to store")
    from graphrec.delivery.export import REASONS, export_lists
    from graphrec.records.decision import Request
    from graphrec.serving.answer import ListOptions
    from graphrec.serving.engine import Engine

    engine = Engine.open(state.home, model)
    chosen: dict[str, Any] = {
        "reasons": REASONS,
        "language": state.settings.language,
        "min_confidence": state.settings.min_confidence,
    }
    recording = Recording(engine, Request("export", k, chosen, asked), wanted=not no_record)
    _say_notes(engine)
    with progress(json=json) as report:
        written = export_lists(engine, out, k, record=recording.add, options=ListOptions(**chosen), progress=report)
    if json:
        emit_json({**vars(written), "recorded": len(recording.numbers), "notes": engine.notes})
    else:
        say(f"{written.rows:,} rows for {written.users:,} users: {written.path}")
        if written.without_list:
            say(f"{written.without_list:,} users have no list: too little evidence, or the policy leaves them nothing")
        recording.tell()


def _write_back(k: int, model: str | None, as_of: str | None, *, is_recorded: bool, json: bool) -> None:
    from graphrec.delivery.write_back import REASONS, write_back
    from graphrec.records.decision import Request
    from graphrec.serving.answer import ListOptions
    from graphrec.serving.engine import Engine
    from graphrec.store import open_store

    engine = Engine.open(state.home, model)
    chosen: dict[str, Any] = {
        "reasons": REASONS,
        "language": state.settings.language,
        "min_confidence": state.settings.min_confidence,
    }
    recording = Recording(engine, Request("export", k, chosen, as_of), wanted=is_recorded)
    _say_notes(engine)
    with progress(json=json) as report, open_store(state.settings.store, state.home.store) as store:
        written = write_back(
            engine, store, k, texts=_texts(), record=recording.add, options=ListOptions(**chosen), progress=report
        )
    if json:
        emit_json({**vars(written), "recorded": len(recording.numbers), "notes": engine.notes})
        return
    recording.tell()
    say(f"{written.rows:,} recommendations for {written.users:,} users; {written.removed:,} of earlier runs removed")
    if written.without_list:
        say(f"{written.without_list:,} users have no list: too little evidence, or the policy leaves them nothing")
    if written.missing:
        say(f"{written.missing:,} not written: their user or product is no longer in the store")
    for name, count in written.vectors.items():
        say(f"{count:,} products have a {name}; its index: {written.indexes[name]}")


def _say_notes(engine: "Engine") -> None:
    for text in engine.notes:
        note(f"note: {text}")


def _texts() -> "StoredVectors | None":
    """The text vectors of the home, when there are any."""
    from graphrec.features.encoder import EncoderFiles
    from graphrec.features.vectors import StoredVectors

    folder = state.home.vectors / EncoderFiles.find(state.settings.encoder).slug
    return StoredVectors.open(folder) if (folder / "meta.json").exists() else None
