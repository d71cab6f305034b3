"""The snapshot that commands work on: the latest, taken anew where the store holds something newer."""

from graphrec.cli.as_of import parse_moment
from graphrec.cli.output import note
from graphrec.cli.state import state
from graphrec.errors import NotTrained, Unreachable
from graphrec.graph.shelf import DIGITS, SnapshotShelf
from graphrec.graph.snapshot import Snapshot
from graphrec.progress import Progress, silent


def latest_snapshot(report: Progress = silent) -> Snapshot:
    """The latest snapshot; one is taken where there is none or the store holds something newer.

    In a home as of a date it is the snapshot of that date. One that `graphrec snapshot` took by date or from a mapping
    stays until it takes another one. A store that another process holds cannot be asked: the latest snapshot serves,
    and a note says so.

    Raises:
        NotTrained: there is no snapshot and nothing in the store.
    """
    from graphrec.store import is_server, open_store
    from graphrec.store.read import current_snapshot, is_chosen, is_unused, take_snapshot

    home = state.home
    shelf = SnapshotShelf(home.snapshots)
    if is_chosen(shelf):
        return shelf.latest()
    if not is_server(state.settings.store) and not home.store.exists():
        if home.as_of and not shelf.has_latest():
            raise NotTrained(
                f"nothing is loaded from which a snapshot as of {home.as_of} could be taken; run: graphrec load MAPPING"
            )
        return shelf.latest()
    moment = parse_moment(home.as_of) if home.as_of else None
    try:
        with open_store(state.settings.store, home.store) as store:
            if is_unused(store):
                return shelf.latest()
            return current_snapshot(store, shelf) or take_snapshot(store, shelf, moment, report, follows=True)
    except Unreachable as error:
        try:
            snapshot = shelf.latest()
        except NotTrained:
            raise error from None
        shown = snapshot.hash[:DIGITS]
        note(f"the store cannot be asked whether it holds something newer ({error}); using snapshot {shown}")
        return snapshot
