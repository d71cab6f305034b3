"""What reasons on real paths cost: accuracy against the share of the score on paths, as their weight is swept.

    s(u, i) = lambda P(u, i) / sum of path weights + (1 - lambda) O(u, i) / sum of other weights

P and O are the weighted standardised terms of the model that are walks, and those that are not. The share of a list on
real paths is the sum of the first summand over the sum of both. For a model without walks, P is the kernel of all
walks with its defaults: what it would cost to let reasons on paths in.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.evaluation.hidden_part import Comparison, blocks, sampled_rows
from graphrec.metrics.intervals import Interval, bootstrap, bootstrap_all
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.inputs import Inputs
from graphrec.models.walks.kernel import plain_walks, starting_walks
from graphrec.progress import Progress, silent
from graphrec.terms.base import Term
from graphrec.training.assemble import fit_model
from graphrec.training.lists import first_products
from graphrec.training.validation import rows_of

WEIGHTS = tuple(step / 20 for step in range(21))
#: The part of a list's score that should lie on real paths, and what that may cost.
WANTED_SHARE = 0.6
TOLERATED_COST = 0.02


@dataclass(frozen=True)
class Point:
    """One weight of the paths."""

    weight: float
    """lambda: the weight of paths over that of all terms."""
    ndcg: Interval
    path_share: Interval
    """Part of the scores of the shown products that lies on real paths."""


@dataclass(frozen=True)
class Frontier:
    """Accuracy against share on real paths."""

    k: int
    users: int
    points: tuple[Point, ...]
    chosen: Point
    """The model as it is."""
    added: bool
    """The model has no paths: those swept in are the kernel with its defaults."""

    @property
    def cost(self) -> float | None:
        """Part of the best nDCG that the best point with WANTED_SHARE on paths gives up; None without such a point."""
        tried = (*self.points, self.chosen)
        able = [point.ndcg.value for point in tried if point.path_share.value >= WANTED_SHARE]
        best = max(point.ndcg.value for point in tried)
        return 1 - max(able) / best if able and best else None


def frontier(comparison: Comparison, *, progress: Progress = silent) -> Frontier | None:
    """nDCG at k and the share on real paths for WEIGHTS and for the model's own; None where all of it is paths."""
    part, k = comparison.part, comparison.k
    parts = list(zip(comparison.model.blend.terms, comparison.model.blend.weights, strict=True))
    on_paths = [one for one in parts if one[0].on_paths]
    beside = [one for one in parts if not one[0].on_paths]
    paths, others = (sum(weight for _, weight in one) for one in (on_paths, beside))
    added = not paths
    if added:
        on_paths = _kernel(comparison)
        paths = float(len(on_paths))
    if not paths or not others:
        return None
    own = 0.0 if added else paths / (paths + others)
    tried = sorted({*WEIGHTS, own})
    rows = sampled_rows(comparison)
    users = part.users[rows]
    lists = np.full((len(tried), len(rows), k), -1, np.int32)
    shares = np.zeros((len(tried), len(rows)))
    for done, block in blocks(len(rows), part.num_products):
        progress("accuracy against paths", done, len(rows))
        sums = [_sum(one, users[block], part.num_products) for one in (on_paths, beside)]
        for place, weight in enumerate(tried):
            mine = np.multiply(sums[0], weight / paths, dtype=np.float32)
            rest = np.multiply(sums[1], (1 - weight) / others, dtype=np.float32)
            listed = first_products(mine + rest, k, part.masked, users[block])
            lists[place, block], shares[place, block] = listed, _path_share(mine, rest, listed)
    relevant = rows_of(part.relevant, rows)
    points = []
    for weight, listed, share in zip(tried, lists, shares, strict=True):
        ndcg = evaluate_lists(listed, relevant.indptr, relevant.indices, [k])[f"ndcg@{k}"]
        shares_known = share[~np.isnan(share)]
        path_share = bootstrap(shares_known, seed=comparison.seed) if len(shares_known) else Interval(0.0, 0.0, 0.0)
        points.append(Point(weight, bootstrap_all({"": ndcg}, seed=comparison.seed)[""], path_share))
    swept = tuple(point for point in points if point.weight in WEIGHTS)
    return Frontier(k, len(rows), swept, next(point for point in points if point.weight == own), added)


def _kernel(comparison: Comparison) -> list[tuple[Term, float]]:
    """All walks with default powers and equal weights, walk by walk."""
    protected = comparison.model.meta.request.use_protected
    walks = plain_walks(starting_walks(comparison.visible.schema, protected))
    return list(fit_model("kernel", comparison.visible, walks, Inputs()).parts)


def _sum(parts: list[tuple[Term, float]], users: NDArray[np.int32], num_products: int) -> NDArray[np.float32]:
    """The weighted standardised scores (num_users, num_products) of some terms, added."""
    total = np.zeros((len(users), num_products), np.float32)
    for term, weight in parts:
        if weight:
            total += term.standardised(users, weight)
    return total


def _path_share(mine: NDArray[np.float32], rest: NDArray[np.float32], lists: NDArray[np.int32]) -> NDArray[np.float64]:
    """The part of each user's list that lies on paths (num_users,), between 0 and 1; nan where nothing is scored."""
    places, filled = np.maximum(lists, 0).astype(np.int64), lists >= 0
    on_paths = np.where(filled, np.take_along_axis(mine, places, axis=1), 0.0).sum(axis=1, dtype=np.float64)
    beside = np.where(filled, np.take_along_axis(rest, places, axis=1), 0.0).sum(axis=1, dtype=np.float64)
    total = on_paths + beside
    share = np.divide(on_paths, total, out=np.full(len(lists), np.nan), where=total > 0)
    return np.asarray(np.clip(share, 0.0, 1.0))
