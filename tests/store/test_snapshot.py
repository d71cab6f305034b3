"""The snapshot through the store is the snapshot straight from the files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphrec.demo import write_bank
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.store import open_store, read
from graphrec.store.base import Store
from graphrec.store.read import current_snapshot, forget_origin, is_chosen, take_snapshot
from tests.banks.demo import cut_demo_bank

from .feed import feed, source

TINY = Path(__file__).resolve().parent.parent / "data" / "tiny_bank"


def straight(mapping: str, data: Path, path: Path, as_of: datetime | None = None) -> Snapshot:
    """The snapshot of a mapping's files, without a store."""
    sink = MemorySink()
    run_load(load_mapping(mapping), data, sink, max_rejected=10)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, split, as_of)


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [None, datetime(2024, 6, 1, tzinfo=UTC)])
def test_tiny_bank(tmp_path: Path, as_of: datetime | None) -> None:
    with open_store(None, tmp_path / "store") as store:
        run_load(load_mapping(str(TINY / "bank.toml")), TINY, store.sink(), max_rejected=10)
        taken = take_snapshot(store, SnapshotShelf(tmp_path / "snapshots"), as_of)
    assert taken.hash == straight(str(TINY / "bank.toml"), TINY, tmp_path / "straight", as_of).hash


@pytest.mark.slow
def test_demo_bank(tmp_path: Path) -> None:
    write_bank(tmp_path / "bank", size="S")
    cut_demo_bank(tmp_path / "bank")
    with open_store(None, tmp_path / "store") as store:
        run_load(load_mapping("demo"), tmp_path / "bank", store.sink())
        taken = take_snapshot(store, SnapshotShelf(tmp_path / "snapshots"))
    assert taken.hash == straight("demo", tmp_path / "bank", tmp_path / "straight").hash


@pytest.mark.slow
def test_increment_then_snapshot_equals_a_full_load(store: Store, tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path / "snapshots")
    feed(store.sink(), source())
    whole = take_snapshot(store, shelf).hash
    feed(store.sink(), source(full=False, files="f2"), {"Customer": [{"id": "c9"}]}, {})
    assert take_snapshot(store, shelf).hash != whole
    feed(store.sink(), source(run="r3"))
    assert take_snapshot(store, shelf).hash == whole


@pytest.mark.slow
def test_snapshot_is_current_until_something_changes(store: Store, tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path / "snapshots")
    feed(store.sink(), source())
    assert current_snapshot(store, shelf) is None
    taken = take_snapshot(store, shelf)
    found = current_snapshot(store, shelf)
    assert found is not None
    assert found.hash == taken.hash
    take_snapshot(store, shelf, datetime(2020, 1, 1, tzinfo=UTC))
    assert current_snapshot(store, shelf) is None, "the latest is one of the past"
    take_snapshot(store, shelf)
    forget_origin(shelf.folder)
    assert current_snapshot(store, shelf) is None
    take_snapshot(store, shelf)
    feed(store.sink(), source(full=False, files="f2"), {"Customer": [{"id": "c9"}]}, {})
    assert current_snapshot(store, shelf) is None
    take_snapshot(store, shelf)
    assert current_snapshot(store, shelf) is None, "after an increment nothing says what is there"
    feed(store.sink(), source(files="f3"))
    take_snapshot(store, shelf)
    assert current_snapshot(store, shelf) is not None


@pytest.mark.slow
@pytest.mark.parametrize("where", ["snapshot_inputs", "_write_origin", "SnapshotShelf.add"])
def test_a_snapshot_that_was_killed_is_none_that_was_chosen(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Else the next load would leave it as it is, and a customer who is forgotten would take all models along."""
    shelf = SnapshotShelf(tmp_path / "snapshots")
    feed(store.sink(), source())
    take_snapshot(store, shelf)
    feed(store.sink(), source(files="f2"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(f"graphrec.store.read.{where}", killed)
        take_snapshot(store, shelf)
    assert not is_chosen(shelf)
    assert current_snapshot(store, shelf) is None
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(read, "choose_latest", killed)
        take_snapshot(store, shelf, datetime(2020, 1, 1, tzinfo=UTC))
    assert not is_chosen(shelf)
    take_snapshot(store, shelf, datetime(2020, 1, 1, tzinfo=UTC))
    assert is_chosen(shelf)
    forget_origin(shelf.folder)
    assert is_chosen(shelf), "what was chosen stays so when the store is written to"
    take_snapshot(store, shelf)
    assert not is_chosen(shelf)
    forget_origin(shelf.folder)
    assert not is_chosen(shelf)
    assert current_snapshot(store, shelf) is None
