"""graphrec tune-encoder: a text encoder that learns what is held together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, progress, say

if TYPE_CHECKING:
    from graphrec.training.encoder import TunedEncoder


def command(
    out: Annotated[Path, typer.Argument(help="Folder of the new encoder; one that is there is replaced.")],
    encoder: Annotated[
        str | None,
        typer.Option(help="Folder or name of a transformers model (default: the one that reads the texts)."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Times that all texts are read, at most.")] = 10,
    rank: Annotated[int, typer.Option(min=1, help="Size of what each layer learns beside its weights.")] = 8,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything drawn (default: the settings').")] = None,
    json: Json = False,
) -> None:
    """Let a text encoder learn which products customers hold together, and measure it on products it did not see.

    Small matrices beside its frozen weights learn (LoRA); the sum of both is a new encoder with an identity of its own.
    A tenth of the products is hidden to stop by and another to measure by. Where no epoch is surely better, nothing is
    written. It pays for catalogues of thousands of products and for texts unlike those that the encoder knows.

    Example: graphrec tune-encoder encoders/ours --epochs 5
    """
    from graphrec.app.jobs import TuneEncoder

    with progress(json=json) as report:
        found = bank().tune_encoder(TuneEncoder(out, encoder, epochs, rank, seed), progress=report)
    if json:
        emit_json(found)
    else:
        _print(found)


def _print(found: "TunedEncoder") -> None:
    say(f"{found.encoder}: nDCG@20 {found.untuned:.4f} among the hidden products to stop by")
    for number, epoch in enumerate(found.epochs, 1):
        say(f"  epoch {number}: {epoch.ndcg:.4f}, loss {epoch.loss:.3f}{'  <- kept' if number == found.best else ''}")
    if found.folder is None:
        say(f"no epoch is surely better than {found.encoder} as it is; nothing was written")
        return
    say(
        f"{found.hidden:,} products that no epoch saw, {found.users:,} customers: nDCG@20 {found.before:.4f} before, "
        f"{found.after:.4f} after (p = {found.p:.3g} over products)"
    )
    if not found.is_better:
        note(f"note: on those products no gain is shown; keep {found.encoder}, or tune on more products")
    say(f"next: graphrec embed --encoder {found.folder}, and GRAPHREC_ENCODER={found.folder} for train and export")
