"""The walk kernel: which walks there are and how they are fitted.

Formula: docs/formulas.md, Walks. A walk's weight beta is given in units of 1 / mean spread of its scores, so that betas
of different walks can be compared and a fitted beta keeps its meaning when the graph grows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, from_rows
from graphrec.models.fitting.config import Count
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import csr
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.terms.walks import (
    AcquaintedScorer,
    ContentScorer,
    PeopleScorer,
    PeopleTable,
    Walk,
    WalkScorer,
    WalkTerm,
    add_walk_scores,
)
from graphrec.terms.walks.scorer import powers

#: A walk without people is multiplied out when its table has at most this many entries (32 MB).
TABLE_ENTRIES = 4_000_000
#: Entries of a table of ways through people at most (800 MB): beyond it the least number of people rises until it fits.
MOST_ENTRIES = 50_000_000
#: Pairs of nodes that one block of rows meets at most while such a table is made, each once for every person (320 MB).
MOST_MET = 20_000_000
#: Products held through people: tuned on Gowalla once, fixed beforehand for all data.
PEOPLE_POWERS = (0.7, 0.6, 0.3)
MAX_HOPS = 3
SAMPLE_SEED = 0

Learned = Mapping[int, NDArray[np.float64]]
"""Learned weights (nodes,) by position of a walk."""


@dataclass(frozen=True)
class WalkConfig:
    """One walk as plain values."""

    walk: str
    """Its hops, such as `BOUGHT IN_SECTOR <IN_SECTOR`."""
    powers: tuple[float, ...]
    """How far the degree of each node on it is divided down."""
    beta: float = 1.0
    """Its weight."""

    def read(self) -> Walk:
        """The walk."""
        return Walk(tuple(Hop.parse(hop) for hop in self.walk.split()), self.powers, self.beta)


@dataclass(frozen=True)
class KernelConfig:
    """How a kernel is fitted."""

    walks: tuple[WalkConfig, ...] = ()
    """Chosen by every training."""
    sample: Count = 1024
    """How many users the spread of a walk's scores is measured on."""


def default_walks(schema: GraphSchema, protected: bool = False) -> list[tuple[Hop, ...]]:
    """Every typed walk of up to 3 hops from user to product, or what `metapaths` of the roles names.

    Interactions are walked only where they are evidence for a product, protected edge types only when asked. The 1-hop
    walk of a relevant type leads to held products alone and is left out.

    Raises:
        ModelError: a metapath names an unknown edge type or does not lead from user to product.
    """
    if schema.roles.metapaths is not None:
        return [_parsed(schema, text) for text in schema.roles.metapaths]
    found = list(_extend(schema, _usable(schema, protected), (), schema.roles.user))
    held = {(Hop(name),) for name in schema.roles.relevant}
    return sorted(set(found) - held, key=lambda walk: (len(walk), [str(hop) for hop in walk]))


def default_powers(schema: GraphSchema, hops: tuple[Hop, ...]) -> tuple[float, ...]:
    """The degree powers a walk starts from, fixed beforehand for all data.

    (.7, .6, .3) when the walk leads through another user in the middle. Otherwise .5 at every node between (the
    cosine's choice: a big sector or a popular product says less) and .3 at the product.
    """
    if len(hops) == MAX_HOPS and _ends(schema, hops[1])[1] == schema.roles.user:
        return PEOPLE_POWERS
    return (0.5,) * (len(hops) - 1) + (0.3,)


def starting_walks(schema: GraphSchema, protected: bool = False) -> list[Walk]:
    """The default walks with their default powers and equal weights."""
    return [Walk(hops, default_powers(schema, hops)) for hops in default_walks(schema, protected)]


def fit_kernel(
    graph: Graph,
    walks: Sequence[Walk],
    config: KernelConfig | None = None,
    *,
    learned: Sequence[Learned] | None = None,
    progress: Progress = silent,
) -> WalkTerm:
    """The kernel of these walks; `beta` of each is in units of 1 / mean spread and is divided by it here.

    `learned` has the learned weights of every walk by position, as learned_kernel makes them. A walk that gives no
    sampled user a score that tells products apart drops out.
    """
    config = config or KernelConfig()
    scorers = []
    for done, walk in enumerate(walks):
        progress("walks", done, len(walks))
        scorer = fit_walk(graph, walk, learned[done] if learned else None)
        spread = walk_scale(scorer, sample_users(scorer, config))
        if spread > 0:
            scorers.append(scorer.weighted(walk.beta / spread))
    progress("walks", len(walks), len(walks))
    return WalkTerm("kernel", graph, tuple(scorers))


def fit_walk(graph: Graph, walk: Walk, learned: Learned | None = None) -> WalkScorer:
    """The scorer of a walk: multiplied out where that is small, else with what takes returning walks out again."""
    scorer = scorer_of(graph, walk, learned)
    if not isinstance(scorer, ContentScorer) or scorer.length == 1:
        return scorer
    if graph.counts[scorer.labels[0]] * graph.num_products <= TABLE_ENTRIES:
        return ContentScorer(graph, walk, table=multiplied_out(scorer.steps[1:], scorer.scales[1:]), learned=learned)
    if scorer.closes and scorer.length == MAX_HOPS:
        return ContentScorer(graph, walk, diagonal=scorer.diagonal, learned=learned)
    return scorer


def scorer_of(graph: Graph, walk: Walk, learned: Learned | None = None) -> WalkScorer:
    """The scorer of a walk; only ways through people are multiplied out."""
    person = graph.schema.roles.user
    targets = [graph.target(hop) for hop in walk.hops]
    if len(targets) > 1 and targets[0] == person:
        return AcquaintedScorer(graph, walk, learned=learned)
    if len(targets) == MAX_HOPS and targets[1] == person:
        return PeopleScorer(graph, walk, people_table(graph, walk), learned=learned)
    return ContentScorer(graph, walk, learned=learned)


class _Kept:
    """The tables of the graphs that are fitted on, as long as these live: walks that differ before and after share one.

    At most MOST_ENTRIES entries of all tables of a graph are kept.
    """

    def __init__(self) -> None:
        self._tables: WeakKeyDictionary[Graph, dict[object, PeopleTable]] = WeakKeyDictionary()
        self._lock = Lock()

    def table(self, graph: Graph, walk: Walk) -> PeopleTable:
        """The table of hops 2 and 3 of a walk."""
        key = (walk.hops[1:], walk.powers[1], graph.schema.roles.min_group)
        with self._lock:
            own = self._tables.setdefault(graph, {})
            if key not in own:
                made = _made_table(graph, walk)
                while own and sum(len(one.counts) for one in own.values()) + len(made.counts) > MOST_ENTRIES:
                    own.pop(next(iter(own)))
                own[key] = made
            return own[key]


_KEPT = _Kept()


def people_table(graph: Graph, walk: Walk) -> PeopleTable:
    """How many people lead from each node after the first hop to each product, and what they pass on.

    Pairs that fewer than `min_group` people join are left out. Where more than MOST_ENTRIES pairs are left, the least
    number of people rises until they fit.
    """
    return _KEPT.table(graph, walk)


def _made_table(graph: Graph, walk: Walk) -> PeopleTable:
    second, third = graph.hops[walk.hops[1]], graph.hops[walk.hops[2]]
    lowest = least = max(graph.schema.roles.min_group, 1)
    people = np.arange(third.num_rows)
    passed = powers(graph.hops[walk.hops[1].back()].degrees_of(people), walk.powers[1])
    # One product of matrices adds up both: 1 for each person, who is counted, and beside it what they pass on.
    step = csr(third, graph.num_products, np.complex128)
    step.data = 1 + 1j * np.repeat(passed, third.degrees())
    first = csr(second, third.num_rows, np.complex128)
    met = np.concatenate(([0], np.cumsum(third.degrees()[second.indices])))[second.indptr]
    closes = graph.target(walk.hops[0]) == graph.schema.roles.product
    none = np.zeros(0, np.int32)
    blocks: list[_Block] = [(np.zeros(0, np.int64), none, none, np.zeros(0))]
    joined = start = 0
    while start < second.num_rows:
        end = max(start + 1, int(np.searchsorted(met, met[start] + MOST_MET, "right")) - 1)
        found = first[start:end] @ step
        found.sort_indices()
        rows, counts = np.repeat(np.arange(start, end), np.diff(found.indptr)), found.data.real
        kept = counts >= lowest
        if closes:
            kept &= found.indices != rows
        joined += int(kept.sum())
        kept &= counts >= least
        blocks.append(
            (rows[kept], found.indices[kept].astype(np.int32), counts[kept].astype(np.int32), found.data.imag[kept])
        )
        least = _least_that_fits([block[2] for block in blocks], least)
        blocks = [_with_at_least(least, *block) for block in blocks]
        start = end
    rows, columns, numbers, masses = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return PeopleTable(from_rows(rows, columns, second.num_rows, masses), numbers, least, joined - len(numbers))


_Block = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]
"""Rows, products, people and what they pass on."""


def _with_at_least(
    least: int,
    rows: NDArray[np.int64],
    products: NDArray[np.int32],
    people: NDArray[np.int32],
    masses: NDArray[np.float64],
) -> _Block:
    kept = people >= least
    return (rows, products, people, masses) if kept.all() else (rows[kept], products[kept], people[kept], masses[kept])


def _least_that_fits(counts: Sequence[NDArray[np.int32]], least: int) -> int:
    """The least number of people with which at most MOST_ENTRIES pairs are left."""
    if sum(map(len, counts)) <= MOST_ENTRIES:
        return least
    size = 1 + max(int(one.max(initial=0)) for one in counts)
    pairs: NDArray[np.int64] = sum((np.bincount(one, minlength=size) for one in counts), np.zeros(size, np.int64))
    at_least = np.concatenate((np.cumsum(pairs[::-1])[::-1], [0]))
    return int(np.flatnonzero(at_least <= MOST_ENTRIES)[0])


def multiplied_out(steps: Sequence[Adjacency], scales: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """W (nodes at the first hop, num_products) of hops 2.. with the weights of their nodes, in float64."""
    matrix = None
    for hop, arriving in zip(steps, scales, strict=True):
        step = csr(hop, len(arriving), np.float64)
        step.data *= arriving[step.indices]
        matrix = step if matrix is None else matrix @ step
    assert matrix is not None, "a walk of one hop has nothing to multiply out"
    return np.ascontiguousarray(matrix.toarray())


def sample_users(scorer: WalkScorer, config: KernelConfig) -> NDArray[np.int32]:
    """A seeded sample of the users that have an edge for a walk's first hop, sorted."""
    reached = np.flatnonzero(scorer.first.degrees())
    rng = np.random.default_rng(SAMPLE_SEED)
    chosen = rng.choice(reached, min(config.sample, len(reached)), replace=False) if len(reached) else reached
    return np.sort(chosen).astype(np.int32)


def walk_scale(scorer: WalkScorer, users: NDArray[np.int32]) -> float:
    """The mean spread (standard deviation over all products) of a walk's scores, beta left out; 0 without any."""
    spreads = []
    for start in range(0, len(users), 128):
        block = users[start : start + 128]
        scores = np.zeros((len(block), scorer.num_products), np.float32)
        add_walk_scores(scorer, block, 1.0, scores)
        spreads.append(scores.std(axis=1, dtype=np.float64))
    spread = np.concatenate(spreads) if spreads else np.zeros(0)
    spread = spread[spread > 0]
    return float(spread.mean()) if len(spread) else 0.0


def _usable(schema: GraphSchema, protected: bool) -> list[Hop]:
    evidence = set(schema.roles.evidence())
    names = [
        name
        for name, edge in sorted(schema.edges.items())
        if (protected or not edge.protected) and (name in evidence or name not in schema.roles.interactions)
    ]
    return [hop for name in names for hop in (Hop(name), Hop(name, True))]


def _extend(schema: GraphSchema, hops: list[Hop], walk: tuple[Hop, ...], label: str) -> Iterator[tuple[Hop, ...]]:
    if walk and label == schema.roles.product:
        yield walk
    if len(walk) == MAX_HOPS:
        return
    for hop in hops:
        source, target = _ends(schema, hop)
        if source == label:
            yield from _extend(schema, hops, (*walk, hop), target)


def _ends(schema: GraphSchema, hop: Hop) -> tuple[str, str]:
    edge = schema.edges[hop.type]
    return (edge.target, edge.source) if hop.reverse else (edge.source, edge.target)


def _parsed(schema: GraphSchema, text: str) -> tuple[Hop, ...]:
    hops = tuple(Hop.parse(word) for word in text.split())
    rule = f"want up to {MAX_HOPS} steps from {schema.roles.user} to {schema.roles.product}; correct [roles] metapaths"
    for hop in hops:
        if hop.type not in schema.edges:
            raise ModelError(f"metapath {text!r}: there is no edge type {hop.type!r}; {rule}")
    at = schema.roles.user
    for hop in hops:
        source, target = _ends(schema, hop)
        if source != at:
            raise ModelError(f"metapath {text!r}: step {hop} starts at {source}, not at {at}; {rule}")
        at = target
    if at != schema.roles.product or len(hops) > MAX_HOPS:
        raise ModelError(f"metapath {text!r}: {len(hops)} steps end at {at}; {rule}")
    return hops


def plain_walks(walks: Sequence[Walk]) -> Values:
    """The walks as the plain values of a configuration."""
    return {"walks": [{"walk": str(walk), "powers": list(walk.powers), "beta": walk.beta} for walk in walks]}


def fit(graph: Graph, config: KernelConfig, _inputs: Inputs) -> Fitted:
    """Every walk as a part of its own with its beta; a walk that leads nowhere is no part."""
    walks = [one.read() for one in config.walks]
    fitted = [(fit_kernel(graph, [replace(walk, beta=1.0)], config), walk.beta) for walk in walks]
    return Fitted(tuple((term, beta) for term, beta in fitted if term.scorers))


SPEC = ModelSpec(
    name="kernel",
    sentence="Real paths from the user to the product, counted by type and divided down by degrees.",
    fit=fit,
    config=KernelConfig,
    in_blend=True,
    fixed_weight=0.25,
    has_walks=True,
    on_paths=True,
)
