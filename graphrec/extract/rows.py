"""From documents to rows of a graph: who is mentioned, what relates to what, with sentence, confidence and time.

What is not sure enough, or names several nodes, goes to the review and into no graph. Each row has its sentence.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import TypeVar

from graphrec.extract.classifier import Classifier, Rows, tone_features
from graphrec.extract.documents import Document
from graphrec.extract.finders import Unknown
from graphrec.extract.linking import Entity, Gazetteer, Link
from graphrec.extract.relations import pair_features
from graphrec.extract.vectors import Vectors
from graphrec.files import replace_folder
from graphrec.schema import Roles

THRESHOLD = 0.8
"""Least probability of a relation that enters the graph."""
NO_RELATION = "none"
"""A class of examples: the pair has no relation."""
DOCUMENT = "Document"
#: Tables of a mapping, and what they say of a product that a text names with one that the customer has.
_TOGETHER = {
    "reasons": "is named with {a} in {document}",
    "reasons.de": "wird mit {a} genannt in {document}",
    "reasons.zh": "与 {a} 一同见于 {document}",
}


@dataclass(frozen=True)
class Mention:
    """A node that a document names."""

    document: str
    entity: Entity
    sentence: str
    tone: str | None
    confidence: float | None
    """Of the tone; None: no model of it was given."""
    known_at: datetime


@dataclass(frozen=True)
class Relation:
    """A relation of two nodes that a sentence states."""

    document: str
    head: Entity
    relation: str
    tail: Entity
    sentence: str
    confidence: float
    model: str
    """Hash of the classifier."""
    known_at: datetime


@dataclass(frozen=True)
class Doubt:
    """What a person has to look at."""

    document: str
    why: str
    """ambiguous: several nodes have the name; unsure: the relation is below the threshold."""
    text: str
    candidates: tuple[str, ...]
    confidence: float | None
    sentence: str


_Row = TypeVar("_Row", Relation, Doubt)


@dataclass
class Extracted:
    """What documents say of the graph."""

    documents: list[Document] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


@dataclass(frozen=True)
class Recognizer:
    """A classifier, and the vectors that it reads."""

    classifier: Classifier
    vectors: Vectors

    def tone(self, sentence: str) -> tuple[str, float]:
        """The tone of a sentence, and how likely it is."""
        return self.classifier.best(Rows.of([tone_features(sentence)], self.vectors.of([sentence])))[0]

    def relations(self, sentence: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, float]]:
        """The relation of each pair of names of a sentence, and how likely it is."""
        features = [pair_features(sentence, *pair) for pair in pairs]
        return self.classifier.best(Rows.of(features, self.vectors.of_pairs(pairs)))


def extract(
    documents: Iterable[Document],
    gazetteer: Gazetteer,
    *,
    relations: Recognizer | None = None,
    tone: Recognizer | None = None,
    threshold: float = THRESHOLD,
) -> Extracted:
    """The mentions and relations of documents.

    Args:
        relations: of pairs of entities; None: mentions alone.
        tone: of sentences; None: mentions have none.
        threshold: probability below which a relation goes to the review.
    """
    found = Extracted()
    for document in documents:
        found.documents.append(document)
        seen: set[Entity] = set()
        for sentence in document.sentences:
            links = gazetteer.links(sentence)
            found.doubts += _ambiguous(document, sentence, links)
            sure = [link for link in links if link.entity is not None]
            tones, sureness = _tone(sentence, tone) if sure else (None, None)
            for link in sure:
                if link.entity is not None and link.entity not in seen:
                    seen.add(link.entity)
                    found.mentions.append(
                        Mention(document.id, link.entity, sentence, tones, sureness, document.published)
                    )
            if relations is not None:
                _relate(found, document, sentence, sure, relations, threshold)
    found.relations = _surest(found.relations, lambda one: (one.document, one.head, one.relation, one.tail))
    found.doubts = _surest(found.doubts, lambda one: (one.document, one.why, one.text, one.candidates))
    return found


def _surest(rows: Iterable[_Row], key: Callable[[_Row], tuple[object, ...]]) -> list[_Row]:
    """One of the rows of each key, the surest: a title says what the text says again."""
    best: dict[tuple[object, ...], _Row] = {}
    for one in rows:
        if (known := best.get(key(one))) is None or (one.confidence or 0.0) > (known.confidence or 0.0):
            best[key(one)] = one
    return list(best.values())


def _tone(sentence: str, tone: Recognizer | None) -> tuple[str | None, float | None]:
    """The tone of a sentence and how likely it is; None: no model of it was given."""
    return (None, None) if tone is None else tone.tone(sentence)


def _ambiguous(document: Document, sentence: str, links: Iterable[Link]) -> Iterator[Doubt]:
    for link in links:
        if link.entity is None:
            candidates = tuple(f"{one.label} {one.id}" for one in link.entities)
            yield Doubt(document.id, "ambiguous", link.name, candidates, None, sentence)


def _relate(
    found: Extracted, document: Document, sentence: str, links: list[Link], relations: Recognizer, threshold: float
) -> None:
    pairs = [(a, b) for a, b in permutations(links, 2) if a.entity != b.entity]
    if not pairs:
        return
    model, known_at = relations.classifier.identity, document.published
    related = relations.relations(sentence, [(a.name, b.name) for a, b in pairs])
    for (a, b), (relation, confidence) in zip(pairs, related, strict=True):
        if relation == NO_RELATION or a.entity is None or b.entity is None:
            continue
        if confidence >= threshold:
            row = Relation(document.id, a.entity, relation, b.entity, sentence, confidence, model, known_at)
            found.relations.append(row)
        elif confidence >= threshold / 2:
            names = (f"{a.entity.label} {a.entity.id}", f"{b.entity.label} {b.entity.id}")
            found.doubts.append(Doubt(document.id, "unsure", relation, names, confidence, sentence))


def write_source(
    folder: Path,
    name: str,
    found: Extracted,
    roles: Roles,
    taken: Mapping[str, tuple[str, str]],
    unknown: Sequence[Unknown] | None = None,
) -> None:
    """Write rows as a source that `graphrec load` takes: CSV files, their mapping, and review.csv, whole or not at all.

    Args:
        name: of the source.
        roles: those of the home, which the mapping has to agree with.
        taken: the edge types that there are, with the labels that they join.
        unknown: names that no node has, for unknown.csv; None: nobody looked.
    """
    with replace_folder(folder) as target:
        rows: list[tuple[object, ...]]
        rows = [(one.id, _named(one), one.kind, _time(one.published)) for one in found.documents]
        write_rows(target / "documents.csv", ("id", "title", "kind", "known_at"), rows)
        parts: dict[str, tuple[str, str, str]] = {}
        for label in sorted({one.entity.label for one in found.mentions}):
            kind = free_type(f"MENTIONS_{label.upper()}", DOCUMENT, label, taken)
            parts[kind] = (DOCUMENT, label, kind.lower())
            rows = [
                (one.document, one.entity.id, one.tone, one.confidence, one.sentence, _time(one.known_at))
                for one in found.mentions
                if one.entity.label == label
            ]
            write_rows(
                target / f"{kind.lower()}.csv", ("from_id", "to_id", "tone", "confidence", "sentence", "known_at"), rows
            )
        for relation, head, tail in sorted({(one.relation, one.head.label, one.tail.label) for one in found.relations}):
            kind = free_type(_upper(relation), head, tail, {**taken, **{k: v[:2] for k, v in parts.items()}})
            parts[kind] = (head, tail, kind.lower())
            rows = [
                (one.head.id, one.tail.id, one.document, one.confidence, one.model, one.sentence, _time(one.known_at))
                for one in found.relations
                if (one.relation, one.head.label, one.tail.label) == (relation, head, tail)
            ]
            columns = ("from_id", "to_id", "document", "confidence", "model", "sentence", "known_at")
            write_rows(target / f"{kind.lower()}.csv", columns, rows)
        rows = [(o.document, o.why, o.text, " | ".join(o.candidates), o.confidence, o.sentence) for o in found.doubts]
        write_rows(target / "review.csv", ("document", "why", "text", "candidates", "confidence", "sentence"), rows)
        if unknown is not None:
            rows = [(one.name, one.kind, one.documents, one.document, one.sentence) for one in unknown]
            write_rows(target / "unknown.csv", ("name", "kind", "documents", "document", "sentence"), rows)
        (target / "extracted.toml").write_text(_mapping(name, roles, parts), encoding="utf-8")


def _named(document: Document) -> str:
    """What reasons call a document: its title, with its table and its day."""
    return f"{document.title} ({document.kind}, {document.published:%Y-%m-%d})"


def _time(moment: datetime) -> str:
    return moment.isoformat()


def write_rows(file: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    """Write a CSV file; numbers with six digits."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            [["" if one is None else f"{one:.6g}" if isinstance(one, float) else one for one in row] for row in rows]
        )


def _upper(name: str) -> str:
    return "".join(sign if sign.isalnum() else "_" for sign in name).strip("_").upper()


def free_type(wanted: str, source: str, target: str, taken: Mapping[str, tuple[str, str]]) -> str:
    """An edge type of these labels: the wanted name, with the labels where another pair has it."""
    if taken.get(wanted, (source, target)) == (source, target):
        return wanted
    return f"{wanted}_{source.upper()}_{target.upper()}"


def _mapping(name: str, roles: Roles, parts: Mapping[str, tuple[str, str, str]]) -> str:
    """The mapping of the rows, in TOML."""
    lines = ["[source]", f"name = {json.dumps(name)}", "[source.files]", 'documents = "documents.csv"']
    lines += [f'{file} = "{file}.csv"' for _, _, file in parts.values()]
    lines += role_lines(roles)
    lines += [f"[nodes.{DOCUMENT}]", 'key = "id"', 'name = "title"', 'known_at = "known_at"']
    lines += ['sql = "SELECT id, title, kind, known_at FROM documents"', f"[nodes.{DOCUMENT}.parse]"]
    lines += ['known_at = { type = "time", format = "iso" }']
    for kind, (source, target, file) in parts.items():
        is_mention = source == DOCUMENT
        own = "tone" if is_mention else "document, model"
        lines += [f"[edges.{kind}]", f'from = "{source}.from_id"', f'to = "{target}.to_id"']
        lines += [] if is_mention else ['key = "document"']
        lines += ['at = "known_at"', 'known_at = "known_at"']
        lines += [f'sql = "SELECT from_id, to_id, {own}, confidence, sentence, known_at FROM {file}"']
        lines += [
            f"[edges.{kind}.parse]",
            'known_at = { type = "time", format = "iso" }',
            'confidence = { type = "real" }',
        ]
    together = next(
        (kind for kind, (source, target, _) in parts.items() if (source, target) == (DOCUMENT, roles.product)), ""
    )
    for table, sentence in _TOGETHER.items() if together else ():
        lines += [f"[{table}]"]
        lines += [f'"{held} <{together} {together}" = "{sentence}"' for held in roles.relevant]
    return "\n".join(lines) + "\n"


def role_lines(roles: Roles) -> list[str]:
    """The table `[roles]` of a mapping, a line each."""
    return ["[roles]", *(f"{key} = {_toml(value)}" for key, value in vars(roles).items() if value)]


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
