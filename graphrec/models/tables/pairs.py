"""Pairs: softmax regression with a column for every two neighbours that enough customers have together.

    score(u, i) = sum over a: W[a, i] + sum over pairs a, b: W[ab, i]

What boosted trees find beyond a sum is pairs of holdings, of a holding and an attribute, and of attributes; as columns
they stay lines. The loss is that of softmax.py, convex. Two attributes are of different kinds. Of more than
`most_pairs` those that most customers have. W[ab, i] is 0 where fewer than `min_group` customers have both and hold i,
and no pair has the node that stands for rare attributes (support.py).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.config import Count, Positive
from graphrec.models.inputs import Inputs
from graphrec.models.matrix import csr, relevant_hops
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.support import Supported, supported
from graphrec.models.tables.ease import shared_hops
from graphrec.models.tables.softmax import (
    BEYOND,
    check_size,
    fitted_table,
    instead,
    questions,
    space,
    supported_weights,
    trials,
)
from graphrec.models.tables.softmax import is_affordable as is_affordable_softmax
from graphrec.progress import Progress, silent
from graphrec.terms.forms.factors import Neighbours, TableTerm
from graphrec.terms.forms.pairs import Pairs, PairTerm

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_PRODUCTS = 400
"""Products up to which a blend tries it."""


@dataclass(frozen=True)
class PairsConfig:
    """How pairs are fitted."""

    regularization: Positive = 1.0
    """lambda, in users."""
    most_pairs: Count = 1_500
    """Pairs at most, those that most customers have."""
    times: Count = 5
    """A pair needs `min_group` times so many customers."""
    singles: bool = False
    """Whether customers who hold one product alone are asked for it, too."""
    use_protected: bool = False
    """Whether protected edge types are among the attributes."""
    steps: Count = 200
    """L-BFGS steps at most."""
    max_scores: Count = 30_000_000
    """Held pairs times products at most, as in softmax."""


@dataclass(frozen=True, eq=False)
class _Columns:
    """Nodes behind hops, side by side, and the pairs of them.

    Shapes: hop, node (num_columns,) of each node; first, second (num_pairs,) columns.
    """

    hops: tuple[Hop, ...]
    hop: NDArray[np.int64]
    node: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def of(self, rows: "csr_array") -> "csr_array":
        """The pairs (num_rows, num_pairs) that rows of neighbours (num_rows, num_columns) have, 0 or 1."""
        from scipy.sparse import csr_array

        by_column = rows.tocsc()
        return csr_array(by_column[:, self.first].multiply(by_column[:, self.second]).tocsr())


def fit_pairs(graph: Graph, config: PairsConfig | None = None, *, progress: Progress = silent) -> PairTerm:
    """The term of pairs, with what each neighbour says alone.

    Raises:
        ModelError: nobody holds two products, or there are more scores than `max_scores`.
    """
    from scipy.sparse import csr_array, hstack

    config = config or PairsConfig()
    check_size("pairs", graph, config.max_scores, singles=config.singles)
    left = supported(graph)
    relevant, attributes = relevant_hops(graph), shared_hops(graph, config.use_protected)
    hops = [*relevant, *attributes]
    columns = _columns(left, relevant, attributes, config)
    asked = questions(left.graph, relevant, attributes, graph.held().degrees(), singles=config.singles)
    together = columns.of(asked.X[:, : len(columns.node)])
    alone = np.broadcast_to(supported_weights(left.graph, hops), (len(columns.node) + 1, graph.num_products))
    free = np.concatenate([alone, _free(left.graph, columns, hops)])
    X = csr_array(hstack([asked.X, together], format="csr"))
    whole = csr_array(hstack([asked.whole, columns.of(asked.whole[:, : len(columns.node)])], format="csr"))
    W = fitted_table(asked, X, whole, free, config.regularization, config.steps, progress).astype(np.float32)
    widths = [*(graph.counts[graph.target(hop)] for hop in hops), 1]
    *lefts, everyone, pairs = np.split(W, np.cumsum(widths))
    sources = [Neighbours(hop, left.rows(hop, part)) for hop, part in zip(hops, lefts, strict=True)]
    single = TableTerm("pairs", graph, [*sources, Neighbours(None, everyone)])
    return PairTerm("pairs", graph, single, _described(columns, pairs))


def _columns(left: Supported, relevant: list[Hop], attributes: list[Hop], config: PairsConfig) -> _Columns:
    """The pairs of a graph that enough customers have."""
    from scipy.sparse import csr_array, hstack, triu

    graph, hops = left.graph, (*relevant, *attributes)
    counts = [graph.counts[graph.target(hop)] for hop in hops]
    hop, node = np.repeat(np.arange(len(hops)), counts), np.concatenate([np.arange(count) for count in counts])
    having = csr_array(hstack([csr(graph.hops[one], count) for one, count in zip(hops, counts, strict=True)]))
    both = triu(having.T @ having, k=1, format="coo")
    first, second, people = both.row.astype(np.int64), both.col.astype(np.int64), np.asarray(both.data, np.float64)
    alike = (hop[first] < len(relevant)) & (hop[second] < len(relevant)) & (node[first] == node[second])
    stands_for = np.zeros(len(node), np.bool_)
    for number, one in enumerate(hops):
        if one in left.other:
            renamed = np.bincount(left.other[one], minlength=counts[number]) > 1
            stands_for[hop == number] = renamed | (left.other[one] != np.arange(counts[number]))
    # Two values of one attribute are no pair: hardly anybody has both.
    alike |= (hop[first] >= len(relevant)) & (hop[first] == hop[second])
    kept = (people >= config.times * graph.schema.roles.min_group) & ~alike & ~stands_for[first] & ~stands_for[second]
    order = np.lexsort((second[kept], first[kept], -people[kept]))[: config.most_pairs]
    chosen = np.sort(np.flatnonzero(kept)[order])
    return _Columns(hops, hop, node, first[chosen], second[chosen])


def _free(graph: Graph, columns: _Columns, hops: list[Hop]) -> NDArray[np.bool_]:
    """Which weights of pairs are free (num_pairs, num_products): both neighbours and the product in enough rows."""
    from scipy.sparse import csr_array, hstack

    having = csr_array(hstack([csr(graph.hops[hop], graph.counts[graph.target(hop)]) for hop in hops]))
    counts = (columns.of(having).T @ csr(graph.held(), graph.num_products)).toarray()
    return np.asarray(counts >= graph.schema.roles.min_group, np.bool_)


def _described(columns: _Columns, weights: NDArray[np.float32]) -> Pairs:
    """The pairs by their hops."""
    kinds = np.stack((columns.hop[columns.first], columns.hop[columns.second]), axis=1)
    names, kind = np.unique(kinds, axis=0, return_inverse=True)
    hops = tuple((columns.hops[first], columns.hops[second]) for first, second in names.tolist())
    first, second = (columns.node[one].astype(np.int32) for one in (columns.first, columns.second))
    return Pairs(hops, kind.ravel().astype(np.int32), first, second, weights)


def fit(graph: Graph, config: PairsConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges, the user's attributes and everyone."""
    return Fitted.of(fit_pairs(graph, config, progress=inputs.progress))


def is_affordable(graph: Graph, inputs: Inputs) -> bool:
    """Whether the catalogue is small and a step computes few enough scores."""
    return graph.num_products <= MOST_PRODUCTS and is_affordable_softmax(graph, inputs)


SPEC = ModelSpec(
    name="pairs",
    sentence="Softmax regression with pairs: what two holdings or attributes say together.",
    fit=fit,
    config=PairsConfig,
    trials=trials,
    beyond=BEYOND,
    instead=instead,
    space=space,
    is_affordable=is_affordable,
    in_blend=True,
)
