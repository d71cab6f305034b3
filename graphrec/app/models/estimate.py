"""What a training would take: the time of the last one of its kind in the home, and the memory of dense tables."""

from contextlib import suppress

from graphrec.app.bank import Bank
from graphrec.app.jobs import Train
from graphrec.app.results import EstimatedTraining
from graphrec.errors import GraphrecError
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.inputs import Inputs
from graphrec.models.registry import is_affordable, parts_of_kind
from graphrec.terms.folder import read_meta
from graphrec.training.overrides import read_overrides


def estimate_training(bank: Bank, request: Train) -> EstimatedTraining:
    """The time and memory of a training on the latest snapshot; nothing is fitted and nothing is written.

    Raises:
        UsageError: there is no such model, or an override does not fit one.
        NotTrained: the home has no snapshot.
    """
    overrides = read_overrides(request.overrides)
    parts = parts_of_kind(request.model)
    home = bank.home_at(request.as_of)
    snapshot = SnapshotShelf(home.snapshots).latest()
    graph, inputs = visible_graph(snapshot), Inputs()
    peaks: dict[str, int] = {}
    for spec in parts:
        # A blend has blocks of features to ask; what needs some is no table of products.
        if not spec.needs and (len(parts) == 1 or is_affordable(spec, graph, inputs)):
            for values in spec.trials(graph):
                config = spec.configure({**values, **overrides.get(spec.name, {})}, inputs)
                peaks[spec.name] = max(peaks.get(spec.name, 0), spec.peak(graph, config))
    like, seconds = _last(home, request, snapshot)
    return EstimatedTraining(
        request.model, graph.num_users, graph.num_products, _edges(snapshot), like, seconds,
        _files(snapshot), {name: peak for name, peak in peaks.items() if peak},
    )  # fmt: skip


def _last(home: Home, request: Train, snapshot: Snapshot) -> tuple[str | None, float | None]:
    """The last training of this kind whose snapshot is still there, and its seconds by the edges of today."""
    shelf = SnapshotShelf(home.snapshots)
    known = {}
    for name in shelf.names():
        with suppress(GraphrecError):
            one = Snapshot.open(shelf.folder / name)
            known[one.hash] = _edges(one)
    folders = sorted(home.models.glob("*/meta.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in folders:
        with suppress(GraphrecError):
            meta = read_meta(file.parent)
            fits = (meta.kind, meta.final, meta.fixed) == (request.model, request.final, request.fixed)
            if fits and meta.seconds and known.get(meta.snapshot):
                return file.parent.name, meta.seconds * _edges(snapshot) / known[meta.snapshot]
    return None, None


def _edges(snapshot: Snapshot) -> int:
    return sum(snapshot.meta.edges.values())


def _files(snapshot: Snapshot) -> int:
    return sum(file.stat().st_size for file in snapshot.folder.rglob("*") if file.is_file())
