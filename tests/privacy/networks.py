"""How far the rank of a moved product changes in a trained model, beside a control.

The pairs of a bank are two halves. Where one half is moved, the ranks of the other half are the control: as many edges
of other people moved, none that leads from A over B to the product.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from tests.privacy.moved import Pair, Scores, bank, lists, moved, ranks

Trained = Callable[[Graph, int], Scores]


@dataclass(frozen=True)
class Change:
    """By how many ranks a product falls when B's holding of it is moved, less the control."""

    mean: float
    p: float
    """Two-sided, of as large a mean by chance: signs of the pairs flipped 10,000 times."""
    pairs: int
    asked: int
    """Lists: pairs times seeds."""
    gained: int
    """Lists that hold the product only while B does."""
    gained_in_control: int


def difference(
    model: Trained, *, banks: Iterable[int] = range(5), seeds: Iterable[int] = range(1), min_group: int = 5
) -> Change:
    """The change over the pairs of some banks, the mean over seeds."""
    found, gained = [], [0, 0]
    for number in banks:
        graph, pairs = bank(number, min_group)
        # Every second pair moves a common product, the others one that only B holds.
        halves = [[pair for place, pair in enumerate(pairs) if place // 2 % 2 == half] for half in (0, 1)]
        graphs = [moved(graph, half) for half in halves]
        by_half: tuple[list[NDArray[np.int64]], ...] = ([], [])
        for seed in seeds:
            before = model(graph, seed)
            after = [model(one, seed) for one in graphs]
            for own, half in enumerate(halves):
                start = ranks(before, graph, half)
                fell = [ranks(after[place], graphs[place], half) - start for place in (own, 1 - own)]
                by_half[own].append(fell[0] - fell[1])
                for kind, place in enumerate((own, 1 - own)):
                    gained[kind] += _gained(before, after[place], graph, graphs[place], half)
        found += [np.mean(changes, axis=0) for changes in by_half]
    changes = np.concatenate(found)
    asked = len(changes) * len(list(seeds))
    return Change(float(changes.mean()), _chance(changes), len(changes), asked, gained[0], gained[1])


def _gained(before: Scores, after: Scores, graph: Graph, other: Graph, pairs: list[Pair]) -> int:
    """How many lists hold the moved product before and not after."""
    users = [pair.a for pair in pairs]
    both = zip(pairs, lists(before, graph, users), lists(after, other, users), strict=True)
    return sum(pair.moved in one and pair.moved not in two for pair, one, two in both)


def _chance(changes: NDArray[np.float64]) -> float:
    rng = np.random.default_rng(0)
    flipped = np.where(rng.random((10_000, len(changes))) < 0.5, -changes, changes).mean(axis=1)
    return float((np.abs(flipped) >= abs(changes.mean()) - 1e-12).mean())
