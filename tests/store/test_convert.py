"""A store names the engine that wrote it; another one is refused with the command that converts; nothing is lost."""

import importlib.util
import json
from pathlib import Path

import pytest

from graphrec.errors import SettingsError, StoreError
from graphrec.store import open_store
from graphrec.store.base import Index, Store
from graphrec.store.checks.check import check
from graphrec.store.embedded import arcade
from graphrec.store.embedded.convert import convert

from .feed import content, feed, source

#: The engines that are installed here: the extra embedded-jvm brings the second one.
INSTALLED = [name for name, one in arcade.ENGINES.items() if importlib.util.find_spec(one.package) is not None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a store of the chosen engine: two sources, a split, an index, an edge that was written back."""
    with open_store(None, tmp_path / "store") as store:
        feed(store.sink(), source(), split={"test": [("c1", "p1")]})
        feed(store.sink(), source("crm"), {"Customer": [{"id": "c1", "age": 40, "name": "Ada"}]}, {})
        store.create_index(Index("Product", "name"))
        store.write("MATCH (c:Customer {id: 'c1'}), (p:Product {id: 'p2'}) CREATE (c)-[:RECOMMENDED {run: 'x'}]->(p)")
    return tmp_path


def whole(store: Store) -> object:
    """Everything that a store holds."""
    written = store.query("MATCH (c:Customer)-[r:RECOMMENDED]->(p:Product) RETURN c.id, r.run, p.id").rows
    found = [hit.id for hit in store.search("Product[name]", "green")]
    return content(store), written, found, store.contents(), store.sources(), store.read_splits()["bank"]["test"]


def test_store_names_its_engine(home: Path) -> None:
    engine = arcade.chosen()
    assert json.loads((home / "store" / "engine.json").read_text("utf-8")) == {
        "engine": engine.name,
        "version": engine.version,
    }
    assert not convert(home / "store", home / "series").is_done


@pytest.mark.parametrize("written", [{"engine": "other", "version": "1"}, {"engine": "native", "version": "1.2"}])
def test_another_engine_is_refused(home: Path, written: dict[str, str]) -> None:
    (home / "store" / "engine.json").write_text(json.dumps(written), "utf-8")
    with open_store(None, home / "store") as store, pytest.raises(StoreError) as refused:
        store.sources()
    engine = arcade.chosen()
    assert str(refused.value) == (
        f"the store {home / 'store'} was written by engine {written['engine']} {written['version']}, and this is "
        f"{engine.name} {engine.version}; convert it: graphrec store convert"
    )


def test_marker_that_is_damaged(home: Path) -> None:
    (home / "store" / "engine.json").write_text("{", "utf-8")
    with open_store(None, home / "store") as store, pytest.raises(StoreError, match=r"engine\.json does not name an"):
        store.sources()


def test_engine_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(arcade.VARIABLE, "steam")
    with pytest.raises(SettingsError, match="GRAPHREC_ENGINE 'steam' is no engine; want native or jvm"):
        arcade.chosen()


def test_other_version_is_converted_and_nothing_is_lost(home: Path) -> None:
    with open_store(None, home / "store") as store:
        before = whole(store)
    marker = home / "store" / "engine.json"
    marker.write_text(json.dumps({"engine": arcade.chosen().name, "version": "0.1"}), "utf-8")
    done = convert(home / "store", home / "series")
    assert (done.is_done, done.before.split()[1], done.edges) == (True, "0.1", 5)
    with open_store(None, home / "store") as store:
        assert check(store, deep=True) == []
        assert whole(store) == before
        feed(store.sink(), source(files="f2"))
        assert check(store, deep=True) == []


@pytest.mark.slow
def test_there_and_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(None, home / "store") as store:
        before = whole(store)
    for name in [*INSTALLED[::-1], arcade.chosen().name]:
        monkeypatch.setenv(arcade.VARIABLE, name)
        convert(home / "store", home / "series")
        with open_store(None, home / "store") as store:
            assert store.info().version.startswith("ArcadeDB ")
            assert check(store, deep=True) == []
            assert whole(store) == before


def test_copy_that_is_not_whole_leaves_the_old_store(home: Path) -> None:
    with open_store(None, home / "store") as store:
        store.write("MATCH (c:Customer {id: 'c3'}) SET c.age = 99")
    marker = home / "store" / "engine.json"
    marker.write_text(json.dumps({"engine": arcade.chosen().name, "version": "0.1"}), "utf-8")
    with pytest.raises(StoreError, match="the converted store is not whole, and the old one stays: Customer"):
        convert(home / "store", home / "series")
    assert json.loads(marker.read_text("utf-8"))["version"] == "0.1"
    assert [path.name for path in home.iterdir() if path.name.endswith(".part")] == []
