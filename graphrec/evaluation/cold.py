"""Cold start: new products that have text and entities only, new customers who have a profile only.

A tenth of the products (or customers) is drawn for validation and a tenth for test; all their interactions are hidden,
of every type, what describes them stays. The model is chosen on the first tenth, fitted again with it, and judged on
the second, which nothing has seen. New products are ranked among the new ones and among all.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.evaluation.content import ContentProducts, SimilarUsers
from graphrec.evaluation.hidden import Metrics
from graphrec.graph.adjacency import Adjacency, Graph, visible_graph
from graphrec.graph.snapshot import Snapshot
from graphrec.metrics.intervals import bootstrap_all
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.popularity import fit_popularity
from graphrec.progress import Progress, silent
from graphrec.terms.topk import top_k
from graphrec.training.recipes import Inputs, blend_of
from graphrec.training.search import choose
from graphrec.training.split import Split, check_hidden, distinct
from graphrec.training.validation import Scores, Validation, rows_of

PART = 0.1
"""Share of the products or customers that validation, and then test, holds out."""
NEIGHBOURS = (1, 5, 20, 100)
"""Sizes of neighbourhood that the content baseline is tuned over."""
BLOCK_SCORES = 8_000_000

Side = Literal["items", "users"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ColdStart:
    """How well what is new is recommended."""

    side: Side
    held_out: int
    """Products (or customers) of the test part."""
    users: int
    """Customers who have something to find."""
    interactions: int
    weights: Mapping[str, float]
    """What validation chose."""
    metrics: Mapping[str, Mapping[str, Metrics]]
    """By candidates (`new`, `all`) and model (`model`, `content`, `popularity`, and `model - content`, paired)."""
    k: tuple[int, ...]
    seconds: float


def evaluate_cold(
    snapshot: Snapshot,
    side: Side,
    *,
    kind: str = "blend",
    ks: Sequence[int] = (20,),
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> ColdStart:
    """The metrics of a model, of content kNN and of popularity on what is new.

    Args:
        vectors: text vectors (num_nodes, dim) by label; content kNN compares the same ones.

    Raises:
        ModelError: too little is there to hold out, or products have no text vectors.
    """
    began = time.monotonic()
    inputs = Inputs(seed, False, vectors or {}, progress)
    split, groups = cold_split(snapshot, side, seed)
    train, fitted = (visible_graph(snapshot, split.hidden(stage)) for stage in ("train", "train+valid"))
    check_hidden(split, train, "train")
    check_hidden(split, fitted, "train+valid")
    validation = _validation(split, train, side, groups, seed)
    chosen = choose(kind, train, validation, replace(inputs, metric=validation.metric))
    ours = blend_of(chosen.configuration(), fitted, replace(inputs, stage="refit"))
    content = _content(side, train, fitted, validation, inputs)
    users, relevant = _findable(split, fitted, side)
    candidates = {"new": groups == 2} if side == "items" else {}
    models: dict[str, Scores] = {"model": ours, "content": content, "popularity": fit_popularity(fitted)}
    found: dict[str, dict[str, Metrics]] = {}
    for name, mask in {**candidates, "all": np.ones(split.num_products, np.bool_)}.items():
        lists = {model: _lists(scores, users, fitted.held(), mask, max(ks)) for model, scores in models.items()}
        per_user = {
            model: evaluate_lists(list_, relevant.indptr, relevant.indices, ks) for model, list_ in lists.items()
        }
        own, other = per_user["model"], per_user["content"]
        per_user["model - content"] = {metric: own[metric] - other[metric] for metric in own}
        found[name] = {model: bootstrap_all(values, seed=seed) for model, values in per_user.items()}
    held_out = int((groups == 2).sum())
    weights = dict(chosen.weights)
    seconds = time.monotonic() - began
    return ColdStart(side, held_out, len(users), len(relevant.indices), weights, found, tuple(ks), seconds)


def cold_split(snapshot: Snapshot, side: Side, seed: int) -> tuple[Split, NDArray[np.int8]]:
    """The split that hides all interactions of what is new, and each product's (customer's) group.

    Groups are 0 for what is known, 1 for validation, 2 for test.

    Raises:
        ModelError: fewer than ten of them have an interaction.
    """
    roles = snapshot.schema.roles
    num_users, num_products = snapshot.count(roles.user), snapshot.count(roles.product)
    relevant = _codes(snapshot, roles.relevant, num_products)
    every = _codes(snapshot, roles.interactions, num_products)

    def owners(codes: NDArray[np.int64]) -> NDArray[np.int64]:
        return codes % num_products if side == "items" else codes // num_products

    able = distinct(owners(relevant))
    part = int(len(able) * PART)
    if not part:
        raise ModelError(f"{len(able)} {side} have an interaction: too few to hold out a tenth of them twice")
    drawn = np.random.default_rng(seed).permutation(able)
    groups = np.zeros(num_products if side == "items" else num_users, np.int8)
    groups[drawn[:part]], groups[drawn[part : 2 * part]] = 1, 2

    def of(codes: NDArray[np.int64], group: int) -> NDArray[np.int64]:
        chosen: NDArray[np.int64] = codes[groups[owners(codes)] == group]
        return chosen

    split = Split(
        "cold", num_users, num_products, valid=of(relevant, 1), test=of(relevant, 2),
        listed=(of(every, 1), of(every, 2)),
    )  # fmt: skip
    return split, groups


def _codes(snapshot: Snapshot, names: Sequence[str], num_products: int) -> NDArray[np.int64]:
    codes = [np.zeros(0, np.int64)]
    for name in names:
        edges = snapshot.edges(name)
        rows = np.repeat(np.arange(len(edges.indptr) - 1, dtype=np.int64), np.diff(edges.indptr))
        codes.append(rows * num_products + edges.indices)
    return distinct(np.concatenate(codes))


@dataclass(frozen=True, eq=False)
class _AmongNew(Validation):
    """Validation that ranks among new products only (num_products,)."""

    new: Mask

    def masked_scores(self, term: Scores, rows: slice, *, standard: bool = False) -> NDArray[np.float32]:
        """The scores of new products; -inf for all others."""
        scores = super().masked_scores(term, rows, standard=standard)
        scores[:, ~self.new] = -np.inf
        return scores


def _validation(split: Split, graph: Graph, side: Side, groups: NDArray[np.int8], seed: int) -> Validation:
    """The validation users; of those with something to find among new products, the ones who hold another."""
    whole = Validation.of(split, graph, seed)
    if side == "users":
        return whole
    rows = np.flatnonzero(whole.held.degrees() > 0)
    if not len(rows):
        raise ModelError("nobody who holds a new product holds a known one, so nothing tells what they like")
    return _AmongNew(
        whole.users[rows], rows_of(whole.relevant, rows), rows_of(whole.held, rows), whole.num_products, groups == 1
    )


def _findable(split: Split, fitted: Graph, side: Side) -> tuple[NDArray[np.int32], Adjacency]:
    """The test users and what they have to find; new products are looked for by people who hold something."""
    users, relevant = split.relevant("test")
    rows = np.arange(len(users)) if side == "users" else np.flatnonzero(fitted.held().degrees()[users] > 0)
    return users[rows], rows_of(relevant, rows)


def _content(side: Side, train: Graph, fitted: Graph, validation: Validation, inputs: Inputs) -> Scores:
    """Content kNN with the number of neighbours that validation prefers, on what the tested model was fitted on."""
    make: Callable[[Graph, int], Scores]
    if side == "items":
        if train.schema.roles.product not in inputs.vectors:
            raise ModelError("new products need text vectors, none were given; run: graphrec embed")
        vectors = inputs.vectors[train.schema.roles.product]
        make = lambda graph, size: ContentProducts(graph, vectors, size)  # noqa: E731
    else:
        make = lambda graph, size: SimilarUsers(graph, inputs.vectors.get(graph.schema.roles.user), size)  # noqa: E731
    best = max(NEIGHBOURS, key=lambda size: float(validation.judge(make(train, size)).mean()))
    return make(fitted, best)


def _lists(scores: Scores, users: NDArray[np.int32], held: Adjacency, mask: Mask, k: int) -> NDArray[np.int32]:
    """The first k candidates of each user (len(users), k) that they do not hold."""
    lists = np.full((len(users), k), -1, np.int32)
    step = max(1, BLOCK_SCORES // len(mask))
    for start in range(0, len(users), step):
        block = users[start : start + step]
        found = scores.batch(block).astype(np.float32)
        known = found.any(axis=1)
        found[:, ~mask] = -np.inf
        lists[start : start + step][known] = top_k(found[known], k, held, block[known])
    return lists
