"""Who gets how good lists, and whom lists show: on the test part, with the acceptance that the record knows."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import numpy as np

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.campaigns.outcomes import happened
from graphrec.app.jobs import AskFairness
from graphrec.app.models.bounds import PRICE, keep_figure
from graphrec.app.recording import record_event
from graphrec.app.results import FairnessOf
from graphrec.errors import UsageError
from graphrec.evaluation.fairness import Accepted, fairness
from graphrec.evaluation.mitigation import mitigated
from graphrec.evaluation.protected import ProtectedPrice, protected_price
from graphrec.features.registry import sources_of
from graphrec.files import private_folder
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.outcomes.impressions import impressions, joined
from graphrec.policy.read import home_policy
from graphrec.progress import Progress
from graphrec.records.read import entries
from graphrec.terms.folder import latest, read_meta


def ask_fairness(bank: Bank, request: AskFairness, progress: Progress) -> FairnessOf:
    """The fairness of a tested model, and whether a protected group is further below the others than is allowed."""
    if request.k is not None and request.k < 1:
        raise UsageError(f"-k {request.k}: want a length of at least 1")
    home = bank.home
    folder = latest(home, request.model, prefer_final=False)
    snapshot = SnapshotShelf(home.snapshots).of_hash(read_meta(folder).snapshot)
    accepted = _accepted(bank, request, snapshot, progress)
    with log.stage("fairness", model=folder.name) as stage:
        found = fairness(
            snapshot, folder, k=request.k, seed=bank.settings.seed, accepted=accepted,
            policy=home_policy(home, snapshot) if home.has_policy() else None, progress=progress,
        )  # fmt: skip
        stage.count(users=found.users)
    price = None
    if request.mitigate is not None:
        if not 0 <= request.part < 1:
            raise UsageError(f"--part {request.part:g}: want a part of the excess, from 0 to below 1")
        price = mitigated(
            snapshot, folder, request.mitigate, wanted=request.part, k=request.k, seed=bank.settings.seed,
            progress=progress,
        )  # fmt: skip
    protected = None
    if request.protected_price:
        protected = _protected_price(bank, folder, snapshot, request.k, progress)
    below = tuple(
        f"{one.name}: {group.name}"
        for one in found.attributes
        for group in one.groups
        if one.protected and request.max_gap is not None and -group.gap > request.max_gap and group.p < request.level
    )
    content = {"did": "fairness", "model": folder.name, "k": found.k, "max_gap": request.max_gap, "below": len(below)}
    number, notes = record_event(bank, "fairness", content, wanted=request.record)
    return FairnessOf(found, request.max_gap, below, number, notes, price, protected)


def _protected_price(bank: Bank, folder: Path, snapshot: Snapshot, k: int | None, progress: Progress) -> ProtectedPrice:
    """What protected attributes would add, kept for the card of the model."""
    sources = sources_of(read_meta(folder).block_names, bank.home, bank.settings.encoder, progress=progress)
    with private_folder(bank.home.spare(), "protected") as scratch:
        found = protected_price(
            snapshot, folder, scratch, sources=sources, k=k, seed=bank.settings.seed, progress=progress
        )
    about = (
        f"nDCG@{found.k} {found.without.value:.4f} without and {found.with_them.value:.4f} with "
        f"{', '.join(found.attributes)} in the score, gain {found.gain.value:+.4f} [{found.gain.low:+.4f}, "
        f"{found.gain.high:+.4f}], p {found.p:.3f}, {found.users:,} test users"
    )
    keep_figure(bank.home, PRICE, folder.name, found.gain.value, about)
    return found


def _accepted(bank: Bank, request: AskFairness, snapshot: Snapshot, progress: Progress) -> Accepted | None:
    """What customers of the snapshot were shown, and took within a window; None: nothing was shown."""
    shown = list(impressions(entries(bank.home.records)))
    if not shown:
        return None
    progress("what came of lists", 0, None)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    events = happened(bank, {one.user for one in shown})
    for one in joined(shown, events, timedelta(days=request.window_days)):
        counts[one.shown.user][0] += 1
        counts[one.shown.user][1] += one.is_one_of(request.success)
    ids = snapshot.nodes(snapshot.schema.roles.user).ids
    placed = sorted((place, *numbers) for user, numbers in counts.items() if (place := ids.find(user)) >= 0)
    columns = np.array(placed, np.int64).reshape(-1, 3)
    return Accepted(columns[:, 0].astype(np.int32), columns[:, 1], columns[:, 2])
