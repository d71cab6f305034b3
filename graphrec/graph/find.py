"""Users and products of a snapshot by id, name or text. Personal names are not in a snapshot and find nobody."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.snapshot import Snapshot

#: The column with the kind of a product.
KIND = "kind"


@dataclass(frozen=True)
class Found:
    """A node that a search found; `score` is in 0..1, higher is better, 1 for an equal id."""

    id: str
    name: str | None
    kind: str | None
    score: float


def find(
    snapshot: Snapshot, label: str, sought: str, k: int = 10, among: NDArray[np.bool_] | None = None
) -> list[Found]:
    """The k nodes of a label that match best, ties by id; where nothing is sought, the first ones of `among`, score 0.

    Args:
        among: (num_nodes,) which of them may be found; None: all.

    Scores: id equal 1, begins .9, contains .8; name equal .95, begins .85, holds every word .7; text holds every
    word .5, some of several words their share of .3.
    """
    wanted = sought.casefold().strip()
    words = wanted.split()
    nodes = snapshot.nodes(label)
    if not words:
        first = [] if among is None else np.flatnonzero(among)[:k].tolist()
        return [Found(nodes.ids[place], snapshot.name(label, place), None, 0.0) for place in first]
    names = _names(snapshot, label)
    texts: Iterable[str] = snapshot.texts(label) or repeat("")
    scored = (
        (max(_of_id(node, wanted), _of_name(name, wanted, words), _of_text(text, words)), position)
        for position, (node, name, text) in enumerate(zip(nodes.ids, names, texts, strict=False))
        if among is None or among[position]
    )
    best = heapq.nsmallest(k, ((-score, position) for score, position in scored if score > 0))
    kinds = nodes.column(KIND) if KIND in nodes.columns else None
    found = []
    for score, position in best:
        kind = None if kinds is None else kinds.get(position)
        name = snapshot.name(label, position)
        found.append(Found(nodes.ids[position], name, None if kind is None else str(kind), round(-score, 4)))
    return found


def _names(snapshot: Snapshot, label: str) -> Iterator[str]:
    column = snapshot.meta.names[label]
    if column is None:
        return repeat("")
    values = snapshot.nodes(label).column(column)
    return (str(value) if ok else "" for value, ok in zip(values.values, values.valid, strict=True))


def _of_id(node: str, wanted: str) -> float:
    folded = node.casefold()
    if wanted not in folded:
        return 0.0
    if folded == wanted:
        return 1.0
    return 0.9 if folded.startswith(wanted) else 0.8


def _of_name(name: str, wanted: str, words: list[str]) -> float:
    folded = name.casefold()
    if not folded or not all(word in folded for word in words):
        return 0.0
    if folded == wanted:
        return 0.95
    return 0.85 if folded.startswith(wanted) else 0.7


def _of_text(text: str, words: list[str]) -> float:
    if not text:
        return 0.0
    folded = text.casefold()
    hits = sum(word in folded for word in words)
    return 0.5 if hits == len(words) else 0.3 * hits / len(words)
