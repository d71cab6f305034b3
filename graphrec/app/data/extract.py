"""A graph from texts: classifiers fitted on a bank's examples, and documents made into a source that can be loaded."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.app.recording import record_event
from graphrec.app.results import ClassifierFitted, TextsExtracted, TopicFound, TopicsFound
from graphrec.errors import MissingExtra, ModelError, SourceError, UsageError
from graphrec.extract.classifier import Classifier, Rows, tone_features
from graphrec.extract.documents import read_documents
from graphrec.extract.finders import finder_named, unknown_names
from graphrec.extract.linking import Entity, Gazetteer, Known
from graphrec.extract.relations import pair_features
from graphrec.extract.rows import DOCUMENT, Recognizer, extract, write_source
from graphrec.extract.topics import topics, usual_number, write_topics
from graphrec.extract.vectors import Vectors
from graphrec.extras import needs_extra
from graphrec.features.sources.text.cache import VectorCache
from graphrec.features.sources.text.source import (
    encoded_texts,
    encoder_for,
    encoder_named,
    settled,
    snapshot_texts,
)
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf

if TYPE_CHECKING:
    from graphrec.app.bank import Bank
    from graphrec.app.jobs import ExtractTexts, FindTopics, FitClassifier
    from graphrec.graph.folders.snapshot import Snapshot
    from graphrec.progress import Progress

#: Columns of nodes that hold other names of theirs, with | between several.
ALIASES = ("alias", "aliases", "short_name", "former_name", "former_names")
TICKERS = ("ticker", "tickers", "symbol", "code", "isin", "wkn")
NO_ENCODER = "none"
RELATION = ("sentence", "head", "tail", "relation")
TONE = ("sentence", "tone")


def fit_classifier(request: FitClassifier, encoder: str | None = None) -> ClassifierFitted:
    """A classifier of relations or of tone, from a CSV of examples; which of them, its columns say.

    Args:
        encoder: whose vectors are read where the request names none; None: the one for the script of the examples.
    """
    rows = _examples(request.examples)
    if set(RELATION) <= rows[0].keys():
        kind, labels = "relation", [row["relation"] for row in rows]
        features = [pair_features(row["sentence"], row["head"], row["tail"]) for row in rows]
        vectors, notes = _vectors(request.encoder or encoder, [row["sentence"] for row in rows])
        read = vectors.of_pairs([(row["head"], row["tail"]) for row in rows])
    elif set(TONE) <= rows[0].keys():
        kind, labels = "tone", [row["tone"] for row in rows]
        features = [tone_features(row["sentence"]) for row in rows]
        vectors, notes = _vectors(request.encoder or encoder, [row["sentence"] for row in rows])
        read = vectors.of([row["sentence"] for row in rows])
    else:
        raise SourceError(
            f"{request.examples} has the columns {', '.join(rows[0])}; want {', '.join(RELATION)} for relations, or "
            f"{', '.join(TONE)} for tone"
        )
    model = Classifier.fit(Rows.of(features, read), labels, seed=request.seed, encoder=vectors.encoder)
    model.write(request.out)
    named = None if model.encoder is None else model.encoder.name
    return ClassifierFitted(kind, len(rows), model.classes, model.identity, request.out, named, notes)


def _vectors(encoder: str | None, texts: list[str]) -> tuple[Vectors, tuple[str, ...]]:
    """The vectors that a classifier of these texts reads, and notes; none where no encoder is installed."""
    if encoder == NO_ENCODER:
        return Vectors(None), ()
    try:
        with needs_extra("text", "encoding texts"):
            chosen, note = encoder_for(encoder, texts)
            chosen.encode(texts[:1])
    except MissingExtra as missing:
        if encoder is not None:
            raise
        return Vectors(None), (f"words alone are read, no vectors: {missing}",)
    return Vectors(chosen), () if note is None else (note,)


def _recognizer(file: Path | None) -> Recognizer | None:
    """The classifier of a file with the encoder that it was fitted with.

    Raises:
        ModelError: the encoder is another one now.
    """
    if file is None:
        return None
    classifier = Classifier.read(file)
    if classifier.encoder is None:
        return Recognizer(classifier, Vectors(None))
    with needs_extra("text", "encoding texts"):
        vectors = Vectors(encoder_named(classifier.encoder.name))
    if vectors.encoder != classifier.encoder:
        raise ModelError(
            f"{file} was fitted with vectors of another version of {classifier.encoder.name}; run: graphrec extract fit"
        )
    return Recognizer(classifier, vectors)


def extract_texts(bank: Bank, request: ExtractTexts, progress: Progress) -> TextsExtracted:
    """The documents of a mapping as a source: mentions and relations with their sentences, and a review."""
    from graphrec.loading import folder_of, load_mapping

    mapping = load_mapping(request.mapping, bank.settings.roles)
    shelf, snapshots = FactsShelf(bank.home.facts), SnapshotShelf(bank.home.snapshots)
    snapshot = snapshots.latest() if snapshots.has_latest() else shelf.latest()
    relations, tone = (_recognizer(file) for file in (request.relations, request.tone))
    documents = read_documents(
        mapping, request.data or folder_of(request.mapping), scratch=bank.home.prepare().spare(), progress=progress
    )
    gazetteer = Gazetteer(_known(snapshot))
    found = extract(documents, gazetteer, relations=relations, tone=tone, threshold=request.threshold)
    labels = [label for label in snapshot.schema.nodes if label not in (snapshot.schema.roles.user, DOCUMENT)]
    finder = None if request.finder is None else finder_named(request.finder, labels)
    unknown = None if finder is None else unknown_names(found.documents, gazetteer, finder)
    edges = {name: (edge.source, edge.target) for name, edge in snapshot.schema.edges.items()}
    write_source(request.out, f"{mapping.name}-texts", found, snapshot.schema.roles, edges, unknown)
    content = {
        "mapping": mapping.name, "documents": len(found.documents), "mentions": len(found.mentions),
        "relations": len(found.relations), "review": len(found.doubts),
    }  # fmt: skip
    number, notes = record_event(bank, "extract", content, wanted=request.record)
    return TextsExtracted(
        request.out, len(found.documents), len(found.mentions), len(found.relations), len(found.doubts),
        None if unknown is None else len(unknown), number, notes,
    )  # fmt: skip


def find_topics(bank: Bank, request: FindTopics, progress: Progress) -> TopicsFound:
    """Clusters of the text vectors of a label as a source: nodes with names, and who belongs to them.

    Raises:
        UsageError: the label is not there, is that of customers, or has no texts.
    """
    shelf, snapshots = FactsShelf(bank.home.facts), SnapshotShelf(bank.home.snapshots)
    snapshot = snapshots.latest() if snapshots.has_latest() else shelf.latest()
    schema, label = snapshot.schema, request.label or snapshot.schema.roles.product
    with_texts = [one for one in snapshot.labels if snapshot.meta.texts[one] and one != schema.roles.user]
    if label not in with_texts:
        raise UsageError(f"{label} is no label with texts of its own; those are: {', '.join(with_texts) or 'none'}")
    texts = encoded_texts(snapshot, label)
    with needs_extra("text", "encoding texts"):
        encoder, note = settled(bank.home.vectors, bank.settings.encoder, snapshot_texts(snapshot))
        vectors = VectorCache(bank.home.vectors, encoder).vectors(texts, progress)[1]
    found = topics(texts, vectors, request.number or usual_number(len(texts)), request.seed)
    edges = {name: (edge.source, edge.target) for name, edge in schema.edges.items()}
    write_topics(request.out, f"{label.lower()}-topics", label, snapshot.nodes(label).ids, found, schema.roles, edges)
    content = {"label": label, "topics": len(found), "encoder": encoder.name}
    number, notes = record_event(bank, "extract", content, wanted=request.record)
    inside = sum(len(one.members) for one in found)
    shown = tuple(TopicFound(one.name, len(one.members)) for one in found)
    said = notes if note is None else (*notes, note)
    return TopicsFound(request.out, label, shown, len(texts) - inside, number, said)


def _examples(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{file} cannot be read ({error}); want a CSV file in UTF-8") from None
    if not rows:
        raise SourceError(f"{file} has no examples; want a row for each")
    return rows


def _known(snapshot: Snapshot) -> Iterator[Known]:
    """The nodes that texts may name: all but persons and documents."""
    schema = snapshot.schema
    for label, node in schema.nodes.items():
        if label in (schema.roles.user, DOCUMENT):
            continue
        nodes, hidden = snapshot.nodes(label), {*node.personal, *node.protected}
        texts = snapshot.texts(label)
        columns = {
            what: [nodes.column(name) for name in names if name in nodes.columns and name not in hidden]
            for what, names in (("alias", ALIASES), ("ticker", TICKERS))
        }
        for place, one in enumerate(nodes.ids):
            others = {
                what: [str(value) for column in found if (value := column.get(place)) is not None]
                for what, found in columns.items()
            }
            names = [snapshot.name(label, place) or "", *(part for text in others["alias"] for part in text.split("|"))]
            yield Known(
                Entity(label, one),
                tuple(name.strip() for name in names if name.strip()),
                (one, *others["ticker"]),
                texts[place] if texts else "",
            )
