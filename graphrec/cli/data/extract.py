"""graphrec extract: a graph from texts."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.app.jobs import ExtractTexts, FindTopics, FitClassifier
from graphrec.app.results import ClassifierFitted, TextsExtracted, TopicsFound
from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say
from graphrec.errors import UsageError

#: The action that an option belongs to.
OPTIONS = {
    "--data": "run", "--relations": "run", "--tone": "run", "--finder": "run", "--encoder": "fit", "--number": "topics",
}  # fmt: skip


def command(
    action: Annotated[
        Literal["fit", "run", "topics"], typer.Argument(help="fit EXAMPLES.csv, run MAPPING.toml, or topics LABEL.")
    ],
    source: Annotated[
        str,
        typer.Argument(
            help="fit: a CSV of examples; run: a mapping with [documents.NAME]; topics: a label with texts."
        ),
    ],
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
    finder: Annotated[
        str | None,
        typer.Option(help="run: who finds names that no node has, for unknown.csv: spacy:MODEL or gliner:MODEL."),
    ] = None,
    number: Annotated[
        int | None, typer.Option(min=2, max=100, help="topics: how many at most (default: the root of half the texts).")
    ] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """Make rows of a graph out of documents: mentions and relations, each with its sentence and its time.

    `fit` makes a classifier of relations (columns sentence, head, tail, relation) or of tone (sentence, tone). `run`
    links names, aliases and tickers of the graph and writes a folder that `graphrec load FOLDER/extracted.toml` takes.
    `topics` makes nodes of what texts of a label have in common, for `graphrec load FOLDER/topics.toml`.

    Examples: graphrec extract fit examples.csv --out relations.npz; graphrec extract run news.toml --out extracted;
    graphrec extract topics Product --out topics
    """
    options = {"--data": data, "--relations": relations, "--tone": tone, "--finder": finder, "--encoder": encoder}
    _check_options(action, {**options, "--number": number})
    if action == "fit":
        _show_fit(bank().fit_classifier(FitClassifier(Path(source), out, encoder=encoder)), json=json)
    elif action == "topics":
        with progress(json=json) as update:
            topics = bank().find_topics(FindTopics(out, source, number, record=not no_record), progress=update)
        _show_topics(topics, json=json)
    else:
        request = ExtractTexts(source, out, data, relations, tone, threshold, finder, not no_record)
        with progress(json=json) as update:
            found = bank().extract_texts(request, progress=update)
        _show_run(found, json=json)


def _check_options(action: str, given: dict[str, object]) -> None:
    """Refuse an option of another action."""
    for name, value in given.items():
        if value is not None and action != OPTIONS[name]:
            raise UsageError(f"{name} goes with graphrec extract {OPTIONS[name]}, not with {action}")


def _show_fit(done: ClassifierFitted, *, json: bool) -> None:
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    read = "words" if done.encoder is None else f"words and vectors of {done.encoder}"
    say(f"{done.kind} of {len(done.classes)} classes from {done.examples:,} examples, by {read}: {done.file}")


def _show_run(found: TextsExtracted, *, json: bool) -> None:
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    counts = f"{found.mentions:,} mentions, {found.relations:,} relations; {found.review:,} to review"
    counts += "" if found.unknown is None else f"; {found.unknown:,} names that no node has"
    say(f"{found.documents:,} documents: {counts}")
    say(f"next: graphrec load {found.path / 'extracted.toml'}")


def _show_topics(found: TopicsFound, *, json: bool) -> None:
    if json:
        emit_json(found)
        return
    for text in found.notes:
        note(f"note: {text}")
    for one in found.topics:
        say(f"{one.nodes:>6,}  {one.name}")
    say(f"{len(found.topics):,} topics of {found.label}; {found.without:,} in none")
    say(f"next: graphrec load {found.path / 'topics.toml'}")
