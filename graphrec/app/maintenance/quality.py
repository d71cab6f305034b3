"""Faults of a home's data: what its latest snapshot or facts hold, against quality.toml and against what cannot be."""

from __future__ import annotations

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskQuality
from graphrec.app.recording import record_event
from graphrec.app.results import DataQuality
from graphrec.errors import UsageError
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.monitoring.quality import faults, known_columns, summaries
from graphrec.monitoring.quality_file import QualityFile, read_quality

FILE = "quality.toml"


def ask_quality(bank: Bank, request: AskQuality) -> DataQuality:
    """The columns of the latest data, and what is wrong with them."""
    file = read_quality(bank.home.path / FILE)
    facts, snapshots = FactsShelf(bank.home.facts), SnapshotShelf(bank.home.snapshots)
    # Facts are newer; they hold the columns of customers and products.
    graph = (snapshots if snapshots.has_latest() and not facts.has_latest() else facts).latest()
    _check(graph, file)
    found = faults(graph, file, bank.now())
    counts = {f"{one.kind} {one.about}": one.count for one in found}
    number, notes = record_event(bank, "quality", {"did": "quality", "faults": counts}, wanted=request.record)
    return DataQuality(graph.hash, tuple(summaries(graph)), tuple(found), number, notes)


def _check(graph: Snapshot, file: QualityFile) -> None:
    known = known_columns(graph)
    for label, columns in file.columns.items():
        if label not in known:
            raise UsageError(f"{FILE}: there is no label {label}; there are {', '.join(sorted(known))}")
        if gone := next((name for name in columns if name not in known[label]), None):
            raise UsageError(
                f"{FILE}: {label} has no public column {gone}; there are {', '.join(sorted(known[label]))}"
            )
