"""What columns, figures and metrics are called on the page, and how their values are written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphrec.finance.portrait import Portrait
from graphrec.languages import Language
from graphrec.schema import GraphSchema, Roles
from graphrec.serving.reasons.columns import named
from graphrec.serving.reasons.sentences import Sentences

_METRIC = re.compile(r"(.*)@(\d+)")
#: Metrics that are not called as a name in words.
_CALLED = {"ndcg": "nDCG", "mrr": "MRR", "map": "MAP", "auc": "AUC"}


def plain(language: Language) -> Sentences:
    """The words of a language for labels and columns, where no graph is at hand that has its own."""
    return Sentences(GraphSchema(Roles("", "", ()), {}, {}), language)


def facts_of(words: Sentences, known: Sequence[Any]) -> list[tuple[str, str]]:
    """Facts in words, each once: a column and a node may say the same."""
    return list(dict.fromkeys(named(words, one.name, one.value) for one in known))


@dataclass(frozen=True)
class Activity:
    """What a customer did of one type: the row of a table."""

    name: str
    counts: tuple[float, ...]
    """In all, then in each window."""
    ago: float | None
    """Days since the latest event."""


def windows(portrait: Portrait) -> tuple[int, ...]:
    """The windows of a portrait in days, the shortest first."""
    ends = (name.rpartition("_")[2] for name in portrait.numbers)
    return tuple(sorted({int(one) for one in ends if one.isdigit()}))


def activity(portrait: Portrait, words: Sentences) -> list[Activity]:
    """What a customer did, a row an edge type."""
    numbers, spans = portrait.numbers, windows(portrait)
    types = [name.removesuffix("_total") for name in numbers if name.endswith("_total")]
    return [
        Activity(
            words.edge(one),
            (numbers[f"{one}_total"], *(numbers.get(f"{one}_{days}", 0.0) for days in spans)),
            numbers.get(f"{one}_recency"),
        )
        for one in types
        if numbers[f"{one}_total"]
    ]


def unknown_of(portrait: Portrait, words: Sentences) -> list[str]:
    """The columns of a customer that nothing is known of."""
    return [named(words, one, "")[0] for one in portrait.missing if one.startswith("user.")]


def metrics(found: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """Metrics with an interval as people call them, of one kind together, short lists first.

    >>> measured = {"value": 0.5, "low": 0.4, "high": 0.6}
    >>> [name for name, _ in metrics({"ndcg@10": measured, "ndcg@3": measured, "hit_rate@1": measured, "users": 5})]
    ['hit rate @1', 'nDCG @3', 'nDCG @10']
    """
    kept = [(name, one) for name, one in found.items() if isinstance(one, Mapping) and "value" in one]
    ordered = sorted(kept, key=lambda pair: _parts(pair[0]))
    return [(_metric(name), one) for name, one in ordered]


def _parts(name: str) -> tuple[str, int]:
    parts = _METRIC.fullmatch(name)
    return (name, 0) if parts is None else (parts[1], int(parts[2]))


def _metric(name: str) -> str:
    head, at = _parts(name)
    said = _CALLED.get(head, head.replace("_", " "))
    return f"{said} @{at}" if at else said
