"""Whether confidence is deserved: how many of the products shown above a threshold are taken."""

from dataclasses import dataclass

import numpy as np

from graphrec.evaluation.hidden_part import Comparison, blocks, sampled_rows
from graphrec.metrics.intervals import Interval, jackknife
from graphrec.progress import Progress, silent
from graphrec.serving.confidence import confidence, total_weight

#: Parts of the shown products that the thresholds leave: all, nine tenths, ... one tenth.
LEFT = tuple(part / 10 for part in range(10, 0, -1))
BLOCKS = 50


@dataclass(frozen=True)
class Threshold:
    """What is left of the lists when only products of at least this confidence are shown."""

    threshold: float
    shown: float
    """Part of the products that are still shown."""
    users: float
    """Part of the users who still have a list."""
    precision: Interval
    """Part of what is shown that was taken."""


def by_confidence(comparison: Comparison, *, progress: Progress = silent) -> tuple[Threshold, ...]:
    """Precision of the lists of k by the threshold of confidence, on a seeded sample of test users.

    Thresholds that leave fewer than `min_group` users a list are left out.
    """
    part, k = comparison.part, comparison.k
    rows = sampled_rows(comparison)
    lists = comparison.own.lists[rows, :k]
    values = np.zeros(lists.shape)
    for done, block in blocks(len(rows), part.num_products):
        progress("confidence", done, len(rows))
        users = part.users[rows[block]]
        scores = comparison.model.blend.batch(users)
        allowed = np.ones(scores.shape, np.bool_)
        owner, held = part.masked.expand(users)
        allowed[owner, held] = False
        found = confidence(scores, allowed, total_weight(comparison.model.blend))
        values[block] = np.take_along_axis(found, np.maximum(lists[block], 0).astype(np.int64), axis=1)
    filled = lists >= 0
    hits = np.zeros(lists.shape, np.bool_)
    for place, row in enumerate(rows):
        hits[place] = np.isin(lists[place], part.relevant.row(int(row)))
    hits &= filled
    if not filled.any():
        return ()
    cuts = np.unique(np.quantile(values[filled], [1 - left for left in LEFT], method="lower"))
    least = comparison.snapshot.schema.roles.min_group
    served = [int((filled & (values >= cut)).any(axis=1).sum()) for cut in cuts]
    return tuple(
        _threshold(float(cut), values, hits, filled) for cut, users in zip(cuts, served, strict=True) if users >= least
    )


def _threshold(cut: float, values: np.ndarray, hits: np.ndarray, filled: np.ndarray) -> Threshold:
    kept = filled & (values >= cut)
    # Blocks of users are left out in turn: products of one list are not independent.
    block = np.arange(len(kept)) % min(BLOCKS, len(kept))
    taken = np.bincount(block, (hits & kept).sum(axis=1))
    shown = np.bincount(block, kept.sum(axis=1))
    without = (taken.sum() - taken) / np.maximum(shown.sum() - shown, 1)
    precision = jackknife(float(taken.sum() / shown.sum()), without)
    return Threshold(cut, float(kept.sum() / filled.sum()), float(kept.any(axis=1).mean()), precision)
