"""What the graph around users and products is worth: the same configuration refitted without it, and with it shuffled.

Shuffled means that every node of the source label takes the edges of another one: all degrees stay as they are, only
who is what is wrong. The configuration is that chosen with the true graph, so that the true graph has the advantage of
weights chosen for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.hidden_part import Comparison, measure_lists
from graphrec.features.blocks import Sources
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.metrics.intervals import Interval, paired_test
from graphrec.models.inputs import Inputs
from graphrec.progress import Progress, silent
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from graphrec.terms.topk import NOTHING
from graphrec.training.assemble import parts_of
from graphrec.training.lists import ranked_lists
from graphrec.training.split import split_of
from graphrec.training.stages import blocks_of, check_blocks, graph_of


@dataclass(frozen=True)
class Variant:
    """One refit."""

    part: str
    """Which edges: `customer side` (what describes users) or `product side` (what describes products)."""
    change: str
    """`removed` or `shuffled`."""
    edges: tuple[str, ...]
    metrics: Mapping[str, Interval]
    p: Mapping[str, float]
    """By metric: two-sided p that the true graph and this one are equally good for the same users."""


@dataclass(frozen=True)
class Ablation:
    """True graph against removed and shuffled edges."""

    true: Mapping[str, Interval]
    variants: tuple[Variant, ...]


def ablate(comparison: Comparison, sources: Sources, *, progress: Progress = silent) -> Ablation:
    """Metrics of refits on changed graphs, with paired p-values against the true one.

    Raises:
        ModelError: the model read feature blocks, and these are others.
    """
    request, kind = comparison.model.meta.request, comparison.model.kind
    snapshot, split = comparison.snapshot, split_of(comparison.snapshot)
    train = graph_of(snapshot, split, "train")
    check_blocks(comparison.model.meta, blocks_of(kind, sources, snapshot, split, "train", train))
    blocks = blocks_of(kind, sources, snapshot, split, split.fitted, comparison.visible)
    inputs = Inputs(
        seed=request.seed, use_protected=request.use_protected, blocks=blocks, progress=progress, stage="refit"
    )
    names = [f"{metric}@{comparison.k}" for metric in ("ndcg", "recall", "hit_rate")]
    variants = []
    for part, types in _sides(comparison.visible).items():
        for change in ("removed", "shuffled"):
            progress(f"refitting: {part} {change}", 0, None)
            graph = _changed(comparison.visible, types, change, comparison.seed)
            lists = _lists(comparison, parts_of(comparison.model.meta.configuration, graph, inputs))
            found = measure_lists(lists, comparison.part, [comparison.k], seed=comparison.seed)
            p = {
                name: paired_test(comparison.own.per_user[name], found.per_user[name], comparison.seed)
                for name in names
            }
            variants.append(Variant(part, change, types, {name: found.metrics[name] for name in names}, p))
    return Ablation({name: comparison.own.metrics[name] for name in names}, tuple(variants))


def _lists(comparison: Comparison, parts: Sequence[tuple[Term, float]]) -> NDArray[np.int32]:
    """The lists (num_test_users, k) of some parts; empty ones where the change left none."""
    part = comparison.part
    if not parts:
        return np.full((len(part.users), comparison.k), NOTHING, np.int32)
    return ranked_lists(Blend(*zip(*parts, strict=True)), part.users, part.masked, comparison.k)


def _sides(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The edge types that are no interactions, by whether a user is at one of their ends; sides without any are out."""
    roles = graph.schema.roles
    others = [name for name, edge in sorted(graph.schema.edges.items()) if name not in roles.interactions]
    others = [name for name in others if Hop(name) in graph.hops and len(graph.hops[Hop(name)].indices)]
    ends = {name: (graph.schema.edges[name].source, graph.schema.edges[name].target) for name in others}
    users = [name for name in others if roles.user in ends[name]]
    sides = {"customer side": tuple(users), "product side": tuple(name for name in others if name not in users)}
    return {side: types for side, types in sides.items() if types}


def _changed(graph: Graph, types: tuple[str, ...], change: str, seed: int) -> Graph:
    hops = dict(graph.hops)
    for name in types:
        there, edge = graph.hops[Hop(name)], graph.schema.edges[name]
        num_rows = len(there.indptr) - 1
        if change == "removed":
            new = Adjacency(np.zeros(num_rows + 1, np.int64), np.zeros(0, np.int32))
        else:
            new = _rows_moved(there, np.random.default_rng(seed).permutation(num_rows))
        hops[Hop(name)], hops[Hop(name, True)] = new, new.transposed(graph.counts[edge.target])
    return replace(graph, hops=hops)


def _rows_moved(adjacency: Adjacency, order: NDArray[np.int64]) -> Adjacency:
    """Every row takes the edges of row order[row]."""
    lengths = adjacency.degrees()[order]
    places = np.repeat(adjacency.indptr[order], lengths) + _within(lengths)
    weight = None if adjacency.weight is None else adjacency.weight[places]
    return Adjacency(np.concatenate(([0], np.cumsum(lengths))).astype(np.int64), adjacency.indices[places], weight)


def _within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2, ... in every run of these lengths."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
