"""The hidden test part: who has to find what, and how well the lists of a model and of its baselines find it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import Interval, bootstrap_all, jackknife
from graphrec.metrics.ranking import coverage, coverage_without_each, evaluate_lists, novelty
from graphrec.progress import Progress, silent
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import listed_many
from graphrec.terms.folder import Model, open_model, read_meta
from graphrec.terms.forms.blend import Blend
from graphrec.terms.topk import NOTHING
from graphrec.training.lists import ranked_lists
from graphrec.training.split import Split, split_of

Metrics = dict[str, Interval]


@dataclass(frozen=True, eq=False)
class HiddenPart:
    """Who has to find what, and what is left out of their lists.

    Shapes: users (num_users,) and a row of `relevant` for each; a row of `held` and of `masked` for every user there
    is; holders (num_products,): users who hold each product in what was fitted.
    """

    users: NDArray[np.int32]
    relevant: Adjacency
    held: Adjacency
    """What was fitted on."""
    masked: Adjacency
    """What is no candidate."""
    holders: NDArray[np.int64]
    num_products: int

    @classmethod
    def of(cls, snapshot: Snapshot, split: Split, fitted: Graph) -> "HiddenPart":
        """The test part of a split for what was fitted on a graph."""
        users, relevant = split.relevant("test")
        held = fitted.held()
        masked = held if split.masked == split.fitted else visible_graph(snapshot, split.hidden(split.masked)).held()
        holders = np.bincount(held.indices, minlength=split.num_products)
        return cls(users, relevant, held, masked, holders, split.num_products)

    @property
    def holder_share(self) -> NDArray[np.float64]:
        """The share of the users who hold anything that hold each product (num_products,)."""
        share: NDArray[np.float64] = self.holders / max(int((self.held.degrees() > 0).sum()), 1)
        return share


def open_tested(folder: Path, snapshot: Snapshot) -> Model:
    """The model in a folder on the rows of users that its fit saw.

    Raises:
        CheckpointMismatch: it was trained on another snapshot.
        NotTrained: there is no model.
    """
    hidden = split_of(snapshot).hidden(read_meta(folder).fitted)
    visible = visible_graph(snapshot, hidden)
    return open_model(folder, snapshot, visible.hops, wealth=visible.wealth)


@dataclass(frozen=True, eq=False)
class Measured:
    """The lists of one model and every metric of every user.

    Shapes: lists (num_users, length); per_user: arrays (num_users,) by name, such as `ndcg@10`.
    """

    lists: NDArray[np.int32]
    per_user: Mapping[str, NDArray[np.float64]]
    metrics: Metrics


def measure(
    blend: Blend, part: HiddenPart, ks: Sequence[int], *, seed: int, spare: int = 0, progress: Progress = silent
) -> Measured:
    """The metrics of a model on the test part, its lists `spare` products longer than the longest cut."""
    return measure_lists(
        ranked_lists(blend, part.users, part.masked, max(ks) + spare, progress=progress), part, ks, seed=seed
    )


def measure_lists(lists: NDArray[np.int32], part: HiddenPart, ks: Sequence[int], *, seed: int) -> Measured:
    """The metrics of lists (num_users, length), one of each test user."""
    per_user = evaluate_lists(lists, part.relevant.indptr, part.relevant.indices, ks)
    for k in ks if part.holders.any() else ():
        per_user[f"novelty@{k}"] = novelty(lists, k, part.holder_share)
    found = bootstrap_all(per_user, seed=seed)
    for k in ks:
        value = coverage(lists, k, part.num_products)
        found[f"coverage@{k}"] = jackknife(value, coverage_without_each(lists, k, part.num_products))
    return Measured(lists, per_user, found)


def recommended(
    engine: Engine, users: NDArray[np.int32], k: int, options: ListOptions, *, progress: Progress = silent
) -> NDArray[np.int32]:
    """The lists (len(users), k) that `recommend` gives, as positions of the model, padded with -1.

    Args:
        engine: with the policy that holds.
        users: positions in the model; of whom nothing is known gets an empty list.
    """
    lists = np.full((len(users), k), NOTHING, np.int32)
    rows = [row for row, user in enumerate(users.tolist()) if engine.has_evidence(user)]
    for row, listed in zip(rows, listed_many(engine, users[rows].tolist(), k, options, reasons=False), strict=True):
        progress("lists as they are recommended", row, len(users))
        lists[row, : len(listed.places)] = listed.products
    progress("lists as they are recommended", len(users), len(users))
    return lists


#: The most popular products, which one quality is measured without.
POPULAR = 10
#: The list that a person is shown.
SHOWN = 10
#: A list of a small catalogue is this part of it, at least 3 products: ten of twenty products are no choice.
SMALL_PART = 7


@dataclass(frozen=True, eq=False)
class Comparison:
    """A model on the test part of its snapshot."""

    engine: Engine
    """What `recommend` asks, without what the split has fitted on."""
    visible: Graph
    """What the model was fitted on, with every edge type."""
    part: HiddenPart
    own: Measured
    others: Mapping[str, Measured]
    """The baselines."""
    ks: tuple[int, ...]
    seed: int

    @property
    def snapshot(self) -> Snapshot:
        """What the model was fitted on and is evaluated with."""
        return self.engine.snapshot

    @property
    def model(self) -> Model:
        """The evaluated model."""
        return self.engine.model

    @property
    def name(self) -> str:
        """What the model is called beside the baselines."""
        return "model" if self.model.kind in self.others else self.model.kind

    @property
    def measured(self) -> dict[str, Measured]:
        """The model, then the baselines."""
        return {self.name: self.own, **self.others}

    @property
    def k(self) -> int:
        """The cut of a report: the longest that was asked for, up to what a person is shown."""
        return headline(self.ks, self.part.num_products)


def headline(ks: Sequence[int], num_products: int) -> int:
    """The length of list that a report speaks of: the longest that was asked for, up to what a person is shown."""
    most = min(SHOWN, max(3, num_products // SMALL_PART))
    return max((k for k in ks if k <= most), default=min(ks))


MOST_SCORES = 40_000_000
"""Scores looked at per pass: a second or two."""
BLOCK_SCORES = 4_000_000


def sampled_rows(comparison: Comparison, most: int | None = None) -> NDArray[np.int64]:
    """Positions of test users, ascending: all of them, or a seeded sample of as many as MOST_SCORES allows."""
    total = len(comparison.part.users)
    affordable = max(100, MOST_SCORES // max(comparison.part.num_products, 1))
    wanted = min(total, affordable if most is None else most)
    return np.sort(np.random.default_rng(comparison.seed).choice(total, wanted, replace=False))


def blocks(num_rows: int, num_products: int) -> Iterator[tuple[int, slice]]:
    """How many rows are done, and the next slice of them, whose scores are held at once."""
    step = max(1, BLOCK_SCORES // max(num_products, 1))
    for start in range(0, num_rows, step):
        yield start, slice(start, min(start + step, num_rows))
