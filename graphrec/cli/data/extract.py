"""graphrec extract: a graph from texts."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.app.jobs import ExtractTexts, FitClassifier
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say
from graphrec.errors import UsageError


def command(
    action: Annotated[Literal["fit", "run"], typer.Argument(help="fit EXAMPLES.csv, or run MAPPING.toml.")],
    source: Annotated[str, typer.Argument(help="fit: a CSV of examples; run: a mapping with [documents.NAME].")],
    out: Annotated[Path, typer.Option(help="fit: file of the classifier; run: folder of the source.")],
    data: Annotated[Path | None, typer.Option(help="run: folder of the files (default: that of the mapping).")] = None,
    relations: Annotated[Path | None, typer.Option(help="run: classifier of relations.")] = None,
    tone: Annotated[Path | None, typer.Option(help="run: classifier of tone.")] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="fit: whose vectors are read beside words; none: no one's (default: by the script)."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="run: least probability of a relation; the others go to review.csv.")
    ] = 0.8,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Make rows of a graph out of documents: mentions and relations, each with its sentence and its time.

    `fit` makes a classifier of relations (columns sentence, head, tail, relation) or of tone (sentence, tone). `run`
    links names, aliases and tickers of the graph and writes a folder that `graphrec load FOLDER/extracted.toml` takes.

    Examples: graphrec extract fit examples.csv --out relations.npz; graphrec extract run news.toml --out extracted
    """
    if action == "fit":
        if data is not None or relations is not None or tone is not None:
            raise UsageError("--data, --relations and --tone go with graphrec extract run")
        done = bank().fit_classifier(FitClassifier(Path(source), out, encoder=encoder))
        if json:
            emit_json(done)
            return
        for text in done.notes:
            note(f"note: {text}")
        read = "words" if done.encoder is None else f"words and vectors of {done.encoder}"
        say(f"{done.kind} of {len(done.classes)} classes from {done.examples:,} examples, by {read}: {done.file}")
        return
    if encoder is not None:
        raise UsageError("--encoder goes with graphrec extract fit; a classifier knows its own")
    request = ExtractTexts(source, out, data, relations, tone, threshold, not no_record)
    with progress(json=json) as update:
        found = bank().extract_texts(request, progress=update)
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    counts = f"{found.mentions:,} mentions, {found.relations:,} relations; {found.review:,} to review"
    say(f"{found.documents:,} documents: {counts}")
    say(f"next: graphrec load {found.path / 'extracted.toml'}")
