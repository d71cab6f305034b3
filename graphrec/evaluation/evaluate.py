"""A model against the hidden test part: full ranking of all candidates, next to baselines."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import CheckpointMismatch, ModelError, UsageError
from graphrec.graph.adjacency import Adjacency, Graph, visible_graph
from graphrec.graph.shelf import DIGITS
from graphrec.graph.snapshot import Snapshot
from graphrec.metrics.intervals import Interval, bootstrap_all, jackknife
from graphrec.metrics.ranking import coverage, coverage_without_each, evaluate_lists, novelty
from graphrec.progress import Progress, silent
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.training.folder import open_model
from graphrec.training.lists import ranked_lists
from graphrec.training.split import Split, split_of

DEFAULT_KS = (1, 3, 10, 20)
DEFAULT_BASELINES = ("popularity", "itemknn")

Metrics = dict[str, Interval]


@dataclass(frozen=True)
class Evaluation:
    """How good lists are, with intervals over users."""

    model: str
    split: Mapping[str, Any]
    """name, hash, users, test_interactions, what was fitted and masked, notes."""
    k: tuple[int, ...]
    metrics: Metrics
    baselines: Mapping[str, Metrics]
    seconds: float


@dataclass(frozen=True, eq=False)
class _Test:
    """Who has to find what, and what is left out of their lists."""

    users: NDArray[np.int32]
    relevant: Adjacency
    held: Adjacency
    holder_share: NDArray[np.float64]
    num_products: int


def evaluate(
    snapshot: Snapshot,
    folder: Path,
    *,
    ks: Sequence[int] = DEFAULT_KS,
    baselines: Sequence[str] = DEFAULT_BASELINES,
    seed: int = 0,
    progress: Progress = silent,
) -> Evaluation:
    """The metrics of a model on the test part of its snapshot, next to baselines fitted on the same graph.

    Raises:
        ModelError: the model is final, or there is nothing to find.
        CheckpointMismatch: the model belongs to another snapshot or split.
        UsageError: a baseline of that name is not known, or a k is below 1.
    """
    began = time.monotonic()
    _check_arguments(ks, baselines)
    model = open_model(folder, snapshot)
    if model.is_final:
        raise ModelError(
            f"model {folder.name} is fitted on everything, the test part too, so there is nothing hidden to judge it "
            f"by; run: graphrec train --model {model.kind}, then graphrec evaluate --model {model.kind}"
        )
    split = split_of(snapshot)
    if split.hash != model.meta["split"]["hash"]:
        raise CheckpointMismatch(
            f"model {folder.name} was trained with split {model.meta['split']['hash'][:DIGITS]}, this graphrec makes "
            f"split {split.hash[:DIGITS]}; run: graphrec train --model {model.kind}"
        )
    if not len(split.test):
        raise ModelError(f"the test part of snapshot {snapshot.hash[:DIGITS]} has no relevant edge to find")
    test = _test_part(snapshot, split, model.graph)
    metrics = _measure(model.blend, test, ks, seed, progress)
    others = {}
    if baselines:
        visible = visible_graph(snapshot, split.hidden(split.fitted))
        for name in baselines:
            others[name] = _measure(Blend([_BASELINES[name](visible)], [1.0]), test, ks, seed, progress)
    counts = split.counts()
    described = {
        "name": split.name, "hash": split.hash, "users": counts["test_users"],
        "test_interactions": counts["test_interactions"], "fitted": split.fitted, "masked": split.masked,
        "notes": list(split.notes),
    }  # fmt: skip
    return Evaluation(model.kind, described, tuple(ks), metrics, others, time.monotonic() - began)


def _check_arguments(ks: Sequence[int], baselines: Sequence[str]) -> None:
    if not ks or min(ks) < 1:
        raise UsageError(f"k {','.join(map(str, ks)) or 'none'}: every k is at least 1, as in --k 1,3,10,20")
    for name in baselines:
        if name not in _BASELINES:
            raise UsageError(f"there is no baseline {name!r}; there are {', '.join(_BASELINES)}, and none")


def _test_part(snapshot: Snapshot, split: Split, fitted: Graph) -> _Test:
    users, relevant = split.relevant("test")
    held = fitted.held()
    masked = held if split.masked == split.fitted else visible_graph(snapshot, split.hidden(split.masked)).held()
    degrees = held.degrees()
    holders = np.bincount(held.indices, minlength=split.num_products)
    share = holders / max(int((degrees > 0).sum()), 1)
    return _Test(users, relevant, masked, share, split.num_products)


def _measure(blend: Blend, test: _Test, ks: Sequence[int], seed: int, progress: Progress) -> Metrics:
    lists = ranked_lists(blend, test.users, test.held, max(ks), progress=progress)
    per_user = evaluate_lists(lists, test.relevant.indptr, test.relevant.indices, ks)
    known = test.holder_share.any()
    for k in ks if known else ():
        per_user[f"novelty@{k}"] = novelty(lists, k, test.holder_share)
    found = bootstrap_all(per_user, seed=seed)
    for k in ks:
        value = coverage(lists, k, test.num_products)
        found[f"coverage@{k}"] = jackknife(value, coverage_without_each(lists, k, test.num_products))
    return found


def _popularity(graph: Graph) -> Term:
    from graphrec.models.popularity import fit_popularity

    return fit_popularity(graph)


def _itemknn(graph: Graph) -> Term:
    from graphrec.models.itemknn import fit_itemknn

    return fit_itemknn(graph)


_BASELINES: Mapping[str, Callable[[Graph], Term]] = {"popularity": _popularity, "itemknn": _itemknn}
