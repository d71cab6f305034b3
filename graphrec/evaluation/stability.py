"""How much lists change where nothing should: another run or seed, a day, lost and wrong rows, drift, and attacks.

A model is fitted again with its own configuration and weights (training/refit.py) on changed facts, and the lists of
some customers are compared by rank-biased overlap. The attack is on a segment: fake customers hold one product that
they push, and what some real customers have in common. Its damage is the share of real customers who get the product
into their list only then; beside it stands plain item-kNN (no `min_group`, no shrinkage) under the same attack. Where a
model reads texts of products, the pushed product also gets the text of the product that most customers hold.

Source: Mobasher, Burke, Bhaumik and Williams, TOIT 2007 (segment attack).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.features.blocks import Blocks, FeatureBlock, Sources
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import Interval, bootstrap_all
from graphrec.metrics.overlap import overlap
from graphrec.models.inputs import Inputs
from graphrec.models.tables.itemknn import ItemKnnConfig
from graphrec.progress import Progress, silent
from graphrec.terms.folder import read_meta
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import ModelMeta
from graphrec.training.assemble import blend_of
from graphrec.training.lists import ranked_lists
from graphrec.training.refit import frozen_inputs
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of

MOST_CUSTOMERS = 2_000
"""Customers whose lists are compared."""
TOLD = 50
"""Customers whose ledgers say what moved."""
DAY = 86_400_000_000
"""Microseconds."""
TEXT, DRIFTING = "text", ("columns", "series")
"""Names of feature blocks."""


@dataclass(frozen=True)
class Compared:
    """Lists beside those of the model as it is."""

    case: str
    overlap: Interval
    same: float
    """Share of lists that are the same, place by place."""


@dataclass(frozen=True)
class Attacked:
    """What fake customers reach."""

    model: str
    before: float
    """Share of real customers who have a pushed product in their list without them."""
    after: float

    @property
    def damage(self) -> float:
        """The share that they add."""
        return self.after - self.before


@dataclass(frozen=True)
class Stability:
    """How much lists change where nothing should."""

    model: str
    k: int
    customers: int
    compared: tuple[Compared, ...]
    lost: float
    """Share of interactions that are lost."""
    fakes: int
    """Fake customers for each pushed product."""
    pushed: int
    """Products, one after another."""
    attacked: tuple[Attacked, Attacked]
    """The model, and plain item-kNN."""
    moved: tuple[tuple[str, float], ...]
    """Where rows are lost: terms by their share of what products that left a list lost against those that came."""
    copied: Attacked | None = None
    """The model where the pushed product has the text of the product that most customers hold; None: it reads none."""

    @property
    def after_loss(self) -> Compared:
        """The lists where interactions are lost."""
        return next(one for one in self.compared if one.case.endswith("lost"))

    @property
    def ratio(self) -> float | None:
        """Damage beside that of plain item-kNN; None: that has none."""
        own, plain = self.attacked
        return own.damage / plain.damage if plain.damage > 0 else None


def stability(
    snapshot: Snapshot,
    folder: Path,
    *,
    sources: Sources | None = None,
    k: int = 10,
    lost: float = 0.01,
    fakes: float = 0.01,
    pushed: int = 3,
    seed: int = 0,
    progress: Progress = silent,
) -> Stability:
    """The stability of a model on the snapshot that it was fitted on.

    Args:
        sources: of feature blocks, at least those that the model read.
        lost: share of interactions that a delivery loses.
        fakes: fake customers, as a share of the real ones.
        pushed: products that are pushed, each in an attack of its own; they are drawn from the less popular half.

    Raises:
        ModelError: nothing of it has a score on these facts.
        NotTrained: there is no model.
    """
    meta, split = read_meta(folder), split_of(snapshot)
    graph = graph_of(snapshot, split, meta.fitted)
    inputs = frozen_inputs(meta, snapshot, split, graph, sources or Sources(), progress)
    rng = np.random.default_rng(seed)
    people = np.flatnonzero(graph.held().degrees() > 0).astype(np.int32)
    people = np.sort(rng.choice(people, min(len(people), MOST_CUSTOMERS), replace=False))
    k = min(k, graph.num_products)

    def lists(blend: Blend) -> NDArray[np.int32]:
        return ranked_lists(blend, people, graph.held(), k)

    base = _fitted(meta, graph, inputs)
    listed = lists(base)
    less = without_some(graph, lost, rng)
    cases = {
        "another run": (graph, inputs),
        "another seed": (graph, replace(inputs, seed=inputs.seed + 1)),
        f"{lost:.1%} of interactions lost": (less, inputs),
        f"{lost:.1%} of interactions wrong": (with_noise(graph, lost, rng), inputs),
    }
    if (before := without_last_day(graph)) is not None:
        cases["a day earlier"] = (before, inputs)
    if (drifted := with_drift(inputs.blocks)) is not None:
        cases["columns drifted"] = (graph, replace(inputs, blocks=drifted))
    compared: list[Compared] = []
    moved: tuple[tuple[str, float], ...] = ()
    for case, (seen, given) in cases.items():
        other = _fitted(meta, seen, given)
        found = lists(other)
        alike = bootstrap_all({"rbo": overlap(listed, found)}, seed=seed)["rbo"]
        compared.append(Compared(case, alike, float((listed == found).all(axis=1).mean())))
        if seen is less:
            moved = tuple(_moved(base, other, people, listed, found))
    attacked, copied, count, number = _attacked(
        folder.name, meta, graph, inputs, listed, people, lists, (fakes, pushed, seed), rng, progress
    )
    return Stability(
        folder.name, k, len(people), tuple(compared), lost, count, number, attacked, moved, copied
    )  # fmt: skip


def _attacked(
    name: str,
    meta: ModelMeta,
    graph: Graph,
    inputs: Inputs,
    listed: NDArray[np.int32],
    people: NDArray[np.int32],
    lists: Callable[[Blend], NDArray[np.int32]],
    asked: tuple[float, int, int],
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[tuple[Attacked, Attacked], Attacked | None, int, int]:
    """What fake customers and a copied text reach, with how many fake customers, for how many products.

    Args:
        listed: without an attack.
        lists: of a blend.
        asked: share of fake customers, products, and the seed.
    """
    fakes, pushed, seed = asked
    products, count = _pushed(graph, pushed, rng), max(round(fakes * len(graph.held().degrees())), 1)
    plain = replace(graph, schema=replace(graph.schema, roles=replace(graph.schema.roles, min_group=1)))
    listed_plain = lists(_plain(plain))
    held_most = int(np.bincount(graph.held().indices, minlength=graph.num_products).argmax())
    reads_texts = any(_is_product_text(one, graph) for one in inputs.blocks)
    cases = {"own": [0.0, 0.0], "plain": [0.0, 0.0], "text": [0.0, 0.0]}
    for product in products:
        progress("attacks", products.index(product), len(products))
        false, false_plain = (with_fakes(one, product, count, seed + product) for one in (graph, plain))
        own = lists(_fitted(meta, false, replace(inputs, blocks=_wider(inputs.blocks, graph, count))))
        found = {"own": (listed, own), "plain": (listed_plain, lists(_plain(false_plain)))}
        if reads_texts:
            poisoned = replace(inputs, blocks=with_text_of(inputs.blocks, graph, product, held_most))
            found["text"] = listed, lists(_fitted(meta, graph, poisoned))
        free = ~_holders(graph, product)[people]
        for case, pair in found.items():
            for place, one in enumerate(pair):
                cases[case][place] += float((one[free] == product).any(axis=1).mean()) / len(products)
    copied = Attacked(name, *cases["text"]) if reads_texts else None
    return (Attacked(name, *cases["own"]), Attacked("plain item-kNN", *cases["plain"])), copied, count, len(products)


def without_some(graph: Graph, share: float, rng: np.random.Generator) -> Graph:
    """A graph that lost a share of the interactions, drawn at random."""
    return _keeping(graph, {
        hop: rng.random(len(graph.hops[hop].indices)) >= share for hop in _interactions(graph)
    })  # fmt: skip


def without_last_day(graph: Graph) -> Graph | None:
    """A graph without the interactions of its last day; None: none of them has a time."""
    newest = {hop: found for hop in _interactions(graph) if (found := graph.hops[hop].newest) is not None}
    if not newest or not any(map(len, newest.values())):
        return None
    first = max(int(one.max()) for one in newest.values() if len(one))
    return _keeping(graph, {hop: np.less(one, first - first % DAY) for hop, one in newest.items()})


def with_noise(graph: Graph, share: float, rng: np.random.Generator) -> Graph:
    """A graph in which a share of the interactions is with another product, drawn at random."""
    hops = dict(graph.hops)
    for hop in _interactions(graph):
        edges, count = hops[hop], graph.counts[graph.target(hop)]
        wrong = rng.random(len(edges.indices)) < share
        indices = np.where(wrong, rng.integers(0, count, len(wrong)), edges.indices)
        rows = np.repeat(np.arange(edges.num_rows), edges.degrees())
        codes, first = np.unique(rows * count + indices, return_index=True)
        ends = np.searchsorted(codes, np.arange(edges.num_rows + 1) * count).astype(np.int64)
        hops[hop] = Adjacency(ends, (codes % count).astype(np.int32), **_taken(edges, first))
        hops[hop.back()] = hops[hop].transposed(count)
    return replace(graph, hops=hops)


def with_drift(blocks: Blocks) -> Blocks | None:
    """Blocks of numbers whose every column is one standard deviation higher, as in another unit; None: there are none.

    Texts and sums are no columns. A row of zeros, of a node of which nothing is known, stays one.
    """
    if not any(one.name in DRIFTING for one in blocks):
        return None
    found = []
    for one in blocks:
        if one.name in DRIFTING and len(one.matrix):
            known = np.asarray(one.matrix.any(axis=1))
            moved = one.matrix + one.matrix.std(axis=0)
            one = replace(one, matrix=np.where(known[:, None], moved, 0).astype(one.matrix.dtype))
        found.append(one)
    return replace(blocks, blocks=tuple(found))


def with_text_of(blocks: Blocks, graph: Graph, product: int, other: int) -> Blocks:
    """Blocks in which a product has the text of another one."""
    found = []
    for one in blocks:
        if _is_product_text(one, graph):
            matrix = one.matrix.copy()
            matrix[product] = matrix[other]
            one = replace(one, matrix=matrix)
        found.append(one)
    return replace(blocks, blocks=tuple(found))


def _is_product_text(block: FeatureBlock, graph: Graph) -> bool:
    return block.name == TEXT and block.label == graph.schema.roles.product


def _interactions(graph: Graph) -> list[Hop]:
    """The hops of interactions that are there."""
    return [hop for name in graph.schema.roles.interactions if (hop := Hop(name)) in graph.hops]


def _keeping(graph: Graph, kept: Mapping[Hop, NDArray[Any]]) -> Graph:
    """A graph with some edges of some hops alone."""
    hops = dict(graph.hops)
    for hop, there in kept.items():
        edges = hops[hop]
        ends = np.concatenate(([0], np.cumsum(there)))[edges.indptr].astype(np.int64)
        hops[hop] = Adjacency(ends, edges.indices[there], **_taken(edges, there))
        hops[hop.back()] = hops[hop].transposed(graph.counts[graph.target(hop)])
    return replace(graph, hops=hops)


def _taken(edges: Adjacency, places: NDArray[np.generic]) -> dict[str, Any]:
    """What is known of some edges."""
    names = ("weight", "newest", "faded")
    return {name: None if (one := getattr(edges, name)) is None else one[places] for name in names}


def with_fakes(graph: Graph, product: int, count: int, seed: int) -> Graph:
    """A graph with fake customers after the real ones, who all hold a product and what a segment has in common.

    That is a product drawn by how many hold it, and those that its holders hold most beside it.
    """
    rng, roles, held = np.random.default_rng(seed), graph.schema.roles, graph.held()
    degrees = held.degrees()
    usual = max(int(np.median(degrees[degrees > 0])) - 1, 1)
    holders = np.bincount(held.indices, minlength=graph.num_products).astype(np.float64)
    holders[product] = 0
    first = int(rng.choice(len(holders), p=holders / holders.sum()))
    beside = np.bincount(held.expand(np.flatnonzero(_holders(graph, first)))[1], minlength=graph.num_products)
    beside[product] = 0
    common = np.argsort(-beside, kind="stable")[:usual]
    own = [np.sort(np.append(common[beside[common] > 0], product)).astype(np.int32)] * count
    pushing, hops = Hop(roles.relevant[0]), dict(graph.hops)
    for hop in graph.hops:
        if graph.source(hop) == roles.user:
            more = own if hop == pushing else [np.zeros(0, np.int32)] * count
            hops[hop] = _longer(graph.hops[hop], more, graph.now)
    counts = {**graph.counts, roles.user: graph.counts[roles.user] + count}
    for hop in graph.hops:
        if graph.target(hop) == roles.user and graph.source(hop) != roles.user:
            hops[hop] = hops[hop.back()].transposed(counts[graph.source(hop)])
    return replace(graph, counts=counts, hops=hops)


def _longer(edges: Adjacency, rows: list[NDArray[np.int32]], now: int | None) -> Adjacency:
    """Edges with rows after the others, of weight 1 and of today."""
    added = int(sum(map(len, rows)))
    ends = edges.indptr[-1] + np.cumsum([len(row) for row in rows])
    arrays = {
        name: None if (one := getattr(edges, name)) is None else np.concatenate((one, np.full(added, value, one.dtype)))
        for name, value in (("weight", 1.0), ("newest", now or 0), ("faded", 1.0))
    }
    return Adjacency(np.concatenate((edges.indptr, ends)), np.concatenate((edges.indices, *rows)), **arrays)


def _wider(blocks: Blocks, graph: Graph, count: int) -> Blocks:
    """Feature blocks with rows of zeros for fake customers."""
    user = graph.schema.roles.user
    return replace(blocks, blocks=tuple(
        replace(one, matrix=np.concatenate((one.matrix, np.zeros((count, one.matrix.shape[1]), one.matrix.dtype))))
        if one.label == user else one
        for one in blocks
    ))  # fmt: skip


def _fitted(meta: ModelMeta, graph: Graph, inputs: Inputs) -> Blend:
    return blend_of(meta.configuration, graph, inputs)


def _plain(graph: Graph) -> Blend:
    from graphrec.models.tables.itemknn.neighbours import fit_itemknn

    return Blend([fit_itemknn(graph, ItemKnnConfig(shrinkage=0.0))], [1.0])


def _pushed(graph: Graph, count: int, rng: np.random.Generator) -> list[int]:
    """Products of the less popular half, drawn at random."""
    holders = np.bincount(graph.held().indices, minlength=graph.num_products)
    rare = np.argsort(holders, kind="stable")[: max(graph.num_products // 2, 1)]
    return sorted(rng.choice(rare, min(count, len(rare)), replace=False).tolist())


def _holders(graph: Graph, product: int) -> NDArray[np.bool_]:
    found = np.zeros(graph.num_users, np.bool_)
    held = graph.held()
    found[np.repeat(np.arange(held.num_rows), held.degrees())[held.indices == product]] = True
    return found


def _moved(
    base: Blend, other: Blend, people: NDArray[np.int32], before: NDArray[np.int32], after: NDArray[np.int32]
) -> Iterator[tuple[str, float]]:
    """By the name of a term, its share of what the products that left lost against those that came, largest first."""
    lost: dict[str, float] = {}
    for place in np.flatnonzero((before != after).any(axis=1))[:TOLD]:
        user = int(people[place])
        gone = np.setdiff1d(before[place], after[place])
        came = np.setdiff1d(after[place], before[place])
        gone, came = gone[gone >= 0], came[came >= 0]
        if not len(gone) or not len(came):
            continue
        for blend, sign in ((base, 1.0), (other, -1.0)):
            scales = blend.row(user).scales
            for term, scale in zip(blend.terms, scales, strict=True):
                scores = scale * term.scores(user)
                lost[term.name] = lost.get(term.name, 0.0) + sign * float(scores[gone].mean() - scores[came].mean())
    whole = sum(abs(one) for one in lost.values())
    for name, one in sorted(lost.items(), key=lambda pair: -abs(pair[1])):
        if whole and abs(one) / whole >= 0.01:
            yield name, one / whole
