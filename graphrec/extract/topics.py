"""Topics: what texts of products have in common, as clusters of their vectors, named by their own words.

Clusters are those of spherical k-means (Dhillon and Modha, 2001) on centred vectors of length 1. A topic is named by
the words that its texts have more often than the other texts (class-based tf-idf: Grootendorst, 2022).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.extract.classifier import words
from graphrec.extract.rows import free_type, role_lines, write_rows
from graphrec.files import replace_folder
from graphrec.schema import Roles

Vectors = NDArray[np.float32]

STARTS, STEPS = 10, 50
LEAST = 2
"""Texts of a topic at least: one text alone has nothing in common with another."""
NAMED_BY = 3
MOST_TOPICS = 100
TOPIC = "Topic"
#: Tables of a mapping, and what they say of a product of the topic of one that the customer has.
_SENTENCES = {
    "reasons": "is about {topic}, like {a}",
    "reasons.de": "handelt wie {a} von {topic}",
    "reasons.zh": "与 {a} 同属主题 {topic}",
}


@dataclass(frozen=True)
class Topic:
    """Texts that are close to each other."""

    name: str
    members: tuple[int, ...]
    """Places of the texts, the closest to the middle first."""
    closeness: tuple[float, ...]
    """Cosine of each to the middle, after the mean of all was taken away."""


def usual_number(texts: int) -> int:
    """How many topics so many texts get where nobody says: the root of half of them, between 2 and MOST_TOPICS."""
    return int(min(MOST_TOPICS, max(2, round((texts / 2) ** 0.5))))


def topics(texts: Sequence[str], vectors: Vectors, number: int, seed: int = 0) -> list[Topic]:
    """The topics of texts, the largest first; texts of a cluster of one are in none.

    Args:
        texts: of which names are made.
        vectors: (len(texts), dim); a row of zeros has no text and is in no topic.
        number: of clusters, at most.
        seed: of the starts.
    """
    there = np.flatnonzero(np.linalg.norm(vectors, axis=1) > 0)
    if len(there) < LEAST:
        return []
    centred = _unit(_unit(vectors[there]) - _unit(vectors[there]).mean(axis=0))
    middles, owner = _clusters(centred, min(number, len(there)), np.random.default_rng(seed))
    close = (centred * middles[owner]).sum(axis=1)
    groups = [np.flatnonzero(owner == cluster) for cluster in range(len(middles))]
    groups = [group[np.lexsort((group, -close[group]))] for group in groups if len(group) >= LEAST]
    groups.sort(key=lambda group: (-len(group), int(group[0])))
    names = _names([[texts[int(there[place])] for place in group] for group in groups])
    return [
        Topic(name, tuple(int(there[place]) for place in group), tuple(float(close[place]) for place in group))
        for name, group in zip(names, groups, strict=True)
    ]


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), np.float32)


def _clusters(rows: Vectors, number: int, rng: np.random.Generator) -> tuple[Vectors, NDArray[np.intp]]:
    """The middles (number, dim) and the cluster of each row (num_rows,), the closest of several starts."""
    best: tuple[float, Vectors, NDArray[np.intp]] | None = None
    for _ in range(STARTS):
        middles, owner = _started(rows, number, rng), np.full(len(rows), -1)
        for _ in range(STEPS):
            found = np.argmax(rows @ middles.T, axis=1)
            if (found == owner).all():
                break
            owner = found
            sums = np.zeros_like(middles)
            np.add.at(sums, owner, rows)
            middles = np.where(np.linalg.norm(sums, axis=1, keepdims=True) > 0, _unit(sums), middles)
        total = float((rows * middles[owner]).sum())
        if best is None or total > best[0]:
            best = total, middles, owner
    assert best is not None, "there is a start"
    return best[1], best[2]


def _started(rows: Vectors, number: int, rng: np.random.Generator) -> Vectors:
    """First middles: rows far from those before, by chance (k-means++: Arthur and Vassilvitskii, 2007)."""
    chosen = [int(rng.integers(len(rows)))]
    far = np.maximum(1 - rows @ rows[chosen[0]], 0.0).astype(np.float64)
    while len(chosen) < number and far.sum() > 0:
        chosen.append(int(rng.choice(len(rows), p=far / far.sum())))
        far = np.minimum(far, np.maximum(1 - rows @ rows[chosen[-1]], 0.0))
    return rows[chosen].copy()


def _names(groups: Sequence[Sequence[str]]) -> list[str]:
    """A name for each group of texts: the words that tell it from the others; no two groups have the same."""
    counts = [Counter(word for text in group for word in set(_terms(text))) for group in groups]
    everywhere = sum((Counter(one) for one in counts), Counter[str]())
    mean = sum(everywhere.values()) / max(len(groups), 1)
    found: list[str] = []
    for one in counts:
        weight = {word: count * float(np.log(1 + mean / everywhere[word])) for word, count in one.items()}
        kept = _apart(sorted(weight, key=lambda word: (-weight[word], word)))
        name = ", ".join(kept) or "other"
        found.append(name if name not in found else f"{name} ({1 + sum(o.startswith(name) for o in found)})")
    return found


def _apart(ordered: Sequence[str]) -> list[str]:
    """The first words of which none is a part of another."""
    kept: list[str] = []
    for word in ordered:
        if not any(word in other or other in word for other in kept):
            kept.append(word)
        if len(kept) == NAMED_BY:
            break
    return kept


def _terms(text: str) -> list[str]:
    """Words of four letters and more, and pairs of Chinese signs."""
    tokens = words(text)
    pairs = [a + b for a, b in pairwise(tokens) if len(a) == len(b) == 1 and a.isalpha() and b.isalpha()]
    return [word for word in tokens if len(word) >= 4 and word.isalpha()] + [one for one in pairs if not one.isascii()]


def write_topics(
    folder: Path,
    name: str,
    label: str,
    ids: Sequence[str],
    found: Sequence[Topic],
    roles: Roles,
    taken: Mapping[str, tuple[str, str]],
) -> None:
    """Write topics as a source that `graphrec load` takes: two CSV files and topics.toml, whole or not at all.

    Args:
        name: of the source.
        label: of the nodes that have the texts.
        ids: of these nodes, in the order of the texts.
        roles: those of the home, which the mapping has to agree with.
        taken: the edge types that there are, with the labels that they join.
    """
    kind = free_type("ABOUT", label, TOPIC, taken)
    with replace_folder(folder) as target:
        write_rows(target / "topics.csv", ("id", "name"), [(f"topic-{n}", one.name) for n, one in enumerate(found, 1)])
        rows = [
            (ids[member], f"topic-{n}", close)
            for n, one in enumerate(found, 1)
            for member, close in zip(one.members, one.closeness, strict=True)
        ]
        write_rows(target / "about.csv", ("node", "topic", "closeness"), rows)
        lines = ["[source]", f"name = {json.dumps(name)}", "[source.files]", 'topics = "topics.csv"']
        lines += ['about = "about.csv"', *role_lines(roles)]
        lines += [f"[nodes.{TOPIC}]", 'key = "id"', 'name = "name"', 'sql = "SELECT id, name FROM topics"']
        lines += [f"[edges.{kind}]", f'from = "{label}.node"', f'to = "{TOPIC}.topic"']
        lines += [
            'sql = "SELECT node, topic, closeness FROM about"',
            f"[edges.{kind}.parse]",
            'closeness = { type = "real" }',
        ]
        for table, sentence in _SENTENCES.items() if label == roles.product else ():
            lines += [f"[{table}]", *(f'"{held} {kind} <{kind}" = "{sentence}"' for held in roles.relevant)]
        (target / "topics.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
