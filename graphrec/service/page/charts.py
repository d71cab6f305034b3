"""Bars that add up: rows of numbers as they are printed, and where each bar begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphrec.serving.answer import Node, People, Step
from graphrec.serving.reasons.sentences import Sentences
from graphrec.serving.views import SeenLine, SeenPeople

WIDTH = 1000
"""Of a chart, in units of its own."""
DRAWN = 12
"""Ways in a graph; more cannot be read."""


@dataclass(frozen=True)
class Bar:
    """One row of a waterfall."""

    text: str
    value: Decimal
    """As it is printed."""
    total: Decimal
    """Of this row and all before it."""
    start: int
    """Left end, 0 to WIDTH."""
    width: int
    kind: str
    """for, against or total."""


@dataclass(frozen=True)
class Waterfall:
    """Rows that add up to the last one."""

    bars: tuple[Bar, ...]
    zero: int
    """Where 0 is, 0 to WIDTH."""
    digits: int


def waterfall(parts: Sequence[tuple[str, float]], total: tuple[str, float], *, rounding: str, digits: int) -> Waterfall:
    """Parts that add up to a total, in figures that add up as they are printed.

    Args:
        parts: text and value of each.
        total: text and value of the sum.
        rounding: text of the row that takes what rounding leaves, where it leaves something.
        digits: behind the point.

    >>> found = waterfall([("a", 0.25), ("b", -0.149)], ("sum", 0.101), rounding="rounding", digits=1)
    >>> [(bar.text, str(bar.value), str(bar.total)) for bar in found.bars]
    [('a', '0.2', '0.2'), ('b', '-0.1', '0.1'), ('sum', '0.1', '0.1')]
    """
    rows = [(text, Decimal(f"{value:.{digits}f}")) for text, value in parts]
    whole = Decimal(f"{total[1]:.{digits}f}")
    if gap := whole - sum((value for _, value in rows), Decimal()):
        rows.append((rounding, gap))
    reached = [Decimal()]
    for _, value in rows:
        reached.append(reached[-1] + value)
    low, high = min(reached), max(reached)
    unit = WIDTH / float(high - low or 1)

    def at(value: Decimal) -> int:
        return round(float(value - low) * unit)

    bars = []
    for (text, value), before in zip(rows, reached, strict=False):
        start, end = sorted((at(before), at(before + value)))
        bars.append(Bar(text, value, before + value, start, max(end - start, 2), "for" if value >= 0 else "against"))
    start, end = sorted((at(Decimal()), at(whole)))
    bars.append(Bar(total[0], whole, whole, start, max(end - start, 2), "total"))
    return Waterfall(tuple(bars), at(Decimal()), digits)


@dataclass(frozen=True)
class Way:
    """One line of a ledger as a way through the graph."""

    nodes: tuple[str, ...]
    """What its nodes are called."""
    edges: tuple[tuple[str, bool], ...]
    """What its edges are called, and whether they are walked forwards."""


def way(line: Any, sentences: Sentences) -> Way | None:
    """The way of a line; None where it has none."""
    if not line.path:
        return None
    parts = list(line.path)
    nodes = tuple(_called(part, sentences) for part in parts if not isinstance(part, Step))
    steps = tuple((sentences.edge(part.type), part.direction == "out") for part in parts if isinstance(part, Step))
    return Way(nodes, steps)


def _called(part: Node | People | SeenPeople, sentences: Sentences) -> str:
    if isinstance(part, Node):
        name = sentences.called(part)
        # A mere number says nothing without what it counts.
        return name if any(sign.isalpha() for sign in name) else f"{sentences.word(part.label)} {name}"
    if part.count is None:
        return sentences.word(part.label)
    number = sentences.language.number(part.count) if isinstance(part, People) else str(part.count)
    return sentences.say("pictures.people", n=number)


def graph(lines: Sequence[Any], product: str, sentences: Sentences) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges of the strongest ways; each edge names the first line that walks it.

    Nodes have a layer: 0 the customer, 3 the product.
    """
    nodes: dict[str, dict[str, Any]] = {}
    edges: dict[tuple[str, str, str], dict[str, Any]] = {}
    drawn = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.path and (isinstance(line, SeenLine) or line.share > 0)
    ]
    for number, line in drawn[:DRAWN]:
        parts = [part for part in line.path or () if not isinstance(part, Step)]
        steps = [part for part in line.path or () if isinstance(part, Step)]
        before = ""
        for place, part in enumerate(parts):
            is_last = place == len(parts) - 1
            key = _key(part, number, place, product, is_last=is_last)
            kind = (
                "user" if place == 0 else "product" if is_last else "people" if not isinstance(part, Node) else "node"
            )
            nodes.setdefault(
                key, {"id": key, "label": _called(part, sentences), "layer": 3 if is_last else min(place, 2),
                      "kind": kind, "line": number},
            )  # fmt: skip
            if place:
                step = steps[place - 1]
                ends = (before, key) if step.direction == "out" else (key, before)
                edges.setdefault(
                    (*ends, step.type), {"id": f"e{len(edges)}", "source": ends[0], "target": ends[1],
                                         "label": sentences.edge(step.type), "line": number},
                )  # fmt: skip
            before = key
    return {"nodes": list(nodes.values()), "edges": list(edges.values())}


def _key(part: Node | People | SeenPeople, number: int, place: int, product: str, *, is_last: bool) -> str:
    if is_last:
        return f"product {product}"
    return f"{part.label} {part.id}" if isinstance(part, Node) else f"{part.label} {number} {place}"
