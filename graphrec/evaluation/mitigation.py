"""What it costs to show providers no more than they merit: lists ranked again with a penalty for each provider.

    ranked by  s(u, i) / spread(u) - p(provider of i),  p >= 0

The penalties begin at 0 and rise, round by round, for providers whose share of places is above what test users took of
them, in proportion to the excess, until the largest excess is a wanted part of what it was. What the user holds
stays no candidate. The price is the loss of nDCG for the same test users.

Source: Singh and Joachims, KDD 2018 (exposure in proportion to merit); the penalty is the multiplier of the constraint.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UsageError
from graphrec.evaluation.evaluate import open_on_test
from graphrec.evaluation.hidden_part import HiddenPart, blocks, headline, measure_lists
from graphrec.evaluation.kinds import describing_hops, members_of
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import Interval, bootstrap_all, paired_test
from graphrec.progress import Progress, silent
from graphrec.terms.topk import top_k
from graphrec.training.validation import rows_of

ROUNDS = 40
STEP = 0.5
"""Of a penalty, in spreads, for an excess as large as the first one."""
MOST_SCORES, LEAST_USERS = 40_000_000, 100
"""Scores that are held at once: beyond that some test users are drawn, and no fewer than these."""


@dataclass(frozen=True)
class Mitigated:
    """The price of less excess."""

    label: str
    wanted: float
    """Part of the largest excess that may be left."""
    before: float
    """The largest excess of a provider's share of places above what was taken of it."""
    after: float
    ndcg_before: Interval
    ndcg_after: Interval
    price: float
    """nDCG that is lost, as a share of what there was."""
    p: float
    """That nothing is lost (sign flips of the same users' differences)."""
    penalties: tuple[tuple[str, float], ...]
    """By provider, in spreads of a user's scores, the largest first."""
    users: int
    reached: bool


def mitigated(
    snapshot: Snapshot,
    folder: Path,
    label: str,
    *,
    wanted: float = 0.5,
    k: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Mitigated:
    """The price of halving, or of any other part of, the largest excess of a label's providers.

    Raises:
        ModelError: the model is final, or there is nothing to find.
        UsageError: nothing of that label describes products.
    """
    tested = open_on_test(snapshot, folder)
    visible, part = tested.visible, tested.part
    k = min(k or headline((10,), part.num_products), part.num_products)
    hops = {visible.target(hop): hop for hop in describing_hops(visible)}
    if label not in hops:
        raise UsageError(f"--mitigate {label}: no such label describes products; there are {', '.join(sorted(hops))}")
    members = members_of(visible, hops[label])
    shares = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
    part = _sampled(part, seed)
    scores = np.empty((len(part.users), part.num_products), np.float32)
    for done, block in blocks(len(part.users), part.num_products):
        progress("scores", done, len(part.users))
        found = tested.model.blend.batch(part.users[block])
        owner, held = part.masked.expand(part.users[block])
        spread = found.std(axis=1, keepdims=True)
        scores[block] = found / np.where(spread > 0, spread, 1)
        scores[block][owner, held] = -np.inf
    merit = np.bincount(
        part.relevant.indices, np.repeat(1.0 / np.maximum(part.relevant.degrees(), 1), part.relevant.degrees()),
        part.num_products,
    ) @ shares  # fmt: skip
    merit = merit / max(merit.sum(), 1e-300)
    first = lists = top_k(scores, k)
    before = excess = _excess(lists, shares, merit)
    penalties = np.zeros(shares.shape[1])
    largest = float(before.max(initial=0.0))
    for step in range(ROUNDS):
        if excess.max(initial=0.0) <= wanted * largest:
            break
        progress("ranking again", step, ROUNDS)
        penalties += STEP * np.maximum(excess - wanted * largest, 0) / max(largest, 1e-300)
        lists = top_k(scores - (shares @ penalties).astype(np.float32), k)
        excess = _excess(lists, shares, merit)
    old, new = (measure_lists(one, part, [k], seed=seed).per_user[f"ndcg@{k}"] for one in (first, lists))
    intervals = bootstrap_all({"old": old}, seed=seed) | bootstrap_all({"new": new}, seed=seed)
    ids = snapshot.nodes(label).ids
    told = tuple(
        (snapshot.name(label, node) or ids[node], float(penalties[node]))
        for node in np.argsort(-penalties, kind="stable").tolist()
        if penalties[node] > 0
    )
    mean = float(old.mean())
    return Mitigated(
        label, wanted, largest, float(excess.max(initial=0.0)), intervals["old"], intervals["new"],
        (mean - float(new.mean())) / mean if mean else 0.0, paired_test(new, old, seed), told, len(part.users),
        bool(excess.max(initial=0.0) <= wanted * largest),
    )  # fmt: skip


def _sampled(part: HiddenPart, seed: int) -> HiddenPart:
    """The test part, of as many users as scores can be held for."""
    most = max(LEAST_USERS, MOST_SCORES // max(part.num_products, 1))
    if len(part.users) <= most:
        return part
    rows = np.sort(np.random.default_rng(seed).choice(len(part.users), most, replace=False))
    return replace(part, users=part.users[rows], relevant=rows_of(part.relevant, rows))


def _excess(lists: NDArray[np.int32], shares: NDArray[np.float64], merit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each provider's share of places minus its merit; the first place weighs most."""
    weights = np.where(lists >= 0, 1.0 / np.log2(np.arange(2, lists.shape[1] + 2))[None, :], 0.0)
    exposed = np.bincount(np.maximum(lists, 0).ravel(), weights.ravel(), len(shares)) @ shares
    found: NDArray[np.float64] = exposed / max(exposed.sum(), 1e-300) - merit
    return found
