"""Parts of a report that an operator and a data protection officer ask for: privacy, operations."""

from __future__ import annotations

from datetime import UTC, datetime

from graphrec.app.bank import Bank
from graphrec.app.jobs import Monitor, VerifyRecord
from graphrec.app.models.standing import check_may_be_live
from graphrec.app.report.figures import Concern, Details, Figure, Part, part_of
from graphrec.errors import CheckpointMismatch, GraphrecError, ModelError, NotApproved, NotTrained
from graphrec.evaluation.private import private_prices
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.privacy.anonymity import anonymity
from graphrec.privacy.suppression import Suppression
from graphrec.progress import Progress
from graphrec.terms.folder import latest, read_meta


def privacy(bank: Bank, progress: Progress) -> Part:
    """What the home holds of persons, and what they asked for."""
    home = bank.home
    snapshot = SnapshotShelf(home.snapshots).latest()
    found, least = anonymity(snapshot), snapshot.schema.roles.min_group
    uses = read_meta(latest(home)).request.use_protected
    contests = sum(map(len, bank.events.contests.all().values()))
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    figures = [
        Figure("min_group", float(least), "count"),
        Figure("small_groups", float(found.small), "count", better=-1),
        Figure("k_anonymity", float(found.k), "count", better=1),
        Figure("customers_known", float(found.customers), "count"),
        Figure("forgotten", float(len(Suppression(home))), "count"),
        Figure("contested", float(contests), "count"),
        Figure("on_hold", float(sum(not one.is_over(today) for one in bank.holds())), "count"),
    ]
    figures += _private(bank, progress)
    concerns = [Concern("protected_used")] if uses else []
    if least < 2:
        concerns.append(Concern("no_group"))
    marked = [one.personal for one in snapshot.schema.nodes.values() if one.personal]
    if not marked:
        concerns.append(Concern("none_personal"))
    return part_of("privacy", figures, concerns)


def _private(bank: Bank, progress: Progress) -> list[Figure]:
    """What differential privacy would cost; nothing where no tested model is there, or it finds nothing."""
    try:
        folder = latest(bank.home, prefer_final=False)
        snapshot = SnapshotShelf(bank.home.snapshots).of_hash(read_meta(folder).snapshot)
        found = private_prices(snapshot, folder, seed=bank.settings.seed, progress=progress)
    except (ModelError, NotTrained, CheckpointMismatch):
        return []
    if found is None:
        return []
    return [
        Figure.within("ndcg_without_privacy", found.without, better=1),
        *(Figure.within("ndcg_private", one, better=1, of=f"epsilon {epsilon:g}") for epsilon, one in found.by_epsilon),
    ]


def operations(bank: Bank, progress: Progress) -> Part:
    """What moved, how old data and model are, whether the record is whole, what doctor finds."""
    watched = bank.monitor(Monitor(record=False, tell=False))
    verified = bank.verify_record(VerifyRecord(), progress=progress)
    checks = [one for one in bank.doctor() if not one.ok]
    faults = [one for one in watched.measures if one.is_fault]
    ages = {one.name: one.value for one in watched.measures if one.part == "age"}
    figures = [
        Figure("faults", float(len(faults)), "count", better=-1),
        Figure("measures", float(len(watched.measures)), "count"),
        Figure("data_age", ages.get("data_age"), "days", better=-1),
        Figure("model_age", ages.get("model_age"), "days", better=-1),
        Figure("entries", float(verified.entries), "count"),
        Figure("record_problems", float(len(verified.problems)), "count", better=-1),
    ]
    concerns = [
        Concern(
            "moved", {"measure": one.name, "about": one.about, "value": f"{one.value:.3g}", "limit": f"{one.warn:g}"}
        )
        for one in faults
    ]
    concerns += [Concern("record_broken", {"text": one}) for one in verified.problems[:3]]
    concerns += [Concern("doctor", {"name": one.name, "text": one.detail}) for one in checks]
    concerns += _approval(bank)
    rows = tuple((one.part, one.name, one.about, one.value, one.warn, one.state) for one in faults)
    columns = ("subject", "measure", "about", "value", "limit", "state")
    table = Details(columns, (None, None, None, "short", "short", None), rows) if rows else None
    return part_of("operations", figures, concerns, table)


def _approval(bank: Bank) -> list[Concern]:
    """That the live model is not approved where the home asks for it."""
    try:
        check_may_be_live(bank, latest(bank.home).name)
    except NotApproved as error:
        return [Concern("not_approved", {"text": str(error)})]
    except GraphrecError:
        return []
    return []
