"""Networks on the banks of `moved.py`, and how far the rank of a moved product changes beside a control.

The pairs of a bank are two halves. Where one half is moved, the ranks of the other half are the control: as many edges
of other people moved, none that leads from A over B to the product.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph
from graphrec.models.graphsage import GraphSageConfig
from graphrec.models.graphsage.network import fit_graphsage
from graphrec.models.lightgcn import LightGCNConfig
from graphrec.models.lightgcn.network import fit_lightgcn
from graphrec.models.lightgcn_id import PlainLightGCNConfig
from graphrec.models.lightgcn_id.network import fit_lightgcn_id
from graphrec.terms.base import Term
from tests.privacy.moved import bank, moved, ranks

Network = Callable[[Graph, int], Term]
SMALL = {"dim": 16, "batch_size": 64}
NETWORKS: dict[str, Network] = {
    "lightgcn": lambda graph, seed: fit_lightgcn(graph, LightGCNConfig(**SMALL, epochs=20, seed=seed)).term,
    "lightgcn-id": lambda graph, seed: fit_lightgcn_id(graph, PlainLightGCNConfig(**SMALL, epochs=20, seed=seed)).term,
    "graphsage": lambda graph, seed: fit_graphsage(graph, GraphSageConfig(**SMALL, epochs=10, seed=seed)).term,
}


@dataclass(frozen=True)
class Change:
    """By how many ranks a product falls when B's holding of it is moved, less the control."""

    mean: float
    p: float
    """Two-sided, of as large a mean by chance: signs of the pairs flipped 10,000 times."""
    pairs: int


def difference(
    network: Network, *, banks: Iterable[int] = range(5), seeds: Iterable[int] = range(1), min_group: int = 5
) -> Change:
    """The change over the pairs of some banks, the mean over seeds of the network."""
    found = []
    for number in banks:
        graph, pairs = bank(number, min_group)
        # Every second pair moves a common product, the others one that only B holds.
        halves = [[pair for place, pair in enumerate(pairs) if place // 2 % 2 == half] for half in (0, 1)]
        graphs = [moved(graph, half) for half in halves]
        by_half: tuple[list[NDArray[np.int64]], ...] = ([], [])
        for seed in seeds:
            before = network(graph, seed)
            after = [network(one, seed) for one in graphs]
            for own, half in enumerate(halves):
                start = ranks(before, graph, half)
                fell = [ranks(after[place], graphs[place], half) - start for place in (own, 1 - own)]
                by_half[own].append(fell[0] - fell[1])
        found += [np.mean(changes, axis=0) for changes in by_half]
    changes = np.concatenate(found)
    return Change(float(changes.mean()), _chance(changes), len(changes))


def _chance(changes: NDArray[np.float64]) -> float:
    rng = np.random.default_rng(0)
    flipped = np.where(rng.random((10_000, len(changes))) < 0.5, -changes, changes).mean(axis=1)
    return float((np.abs(flipped) >= abs(changes.mean()) - 1e-12).mean())
