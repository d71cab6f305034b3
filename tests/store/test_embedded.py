"""What is the embedded store's own: its folder, its locks, its first load, its engine."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from graphrec.errors import MissingExtra, QueryError, StoreError, Unreachable
from graphrec.schema import NodeSchema
from graphrec.store import is_server, open_store
from graphrec.store.base import Bounds
from graphrec.store.embedded import arcade, bulk
from graphrec.store.embedded.lock import exclusive
from graphrec.store.embedded.store import EmbeddedStore
from graphrec.store.writing.loading import Completion

from .feed import BOUGHT, CUSTOMERS, PRODUCTS, SCHEMA, SECTORS, content, feed, source

NODES = {"Customer": CUSTOMERS, "Product": PRODUCTS, "Sector": SECTORS}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """An empty embedded store."""
    with EmbeddedStore(tmp_path / "store", tmp_path / "series") as opened:
        yield opened


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_first_load_appears_whole(store: EmbeddedStore) -> None:
    sink = store.sink()
    feed(sink, source(), finish=False)
    assert not store.path.exists()
    sink.finish(None)
    assert names(store.path.parent) == ["series", "store"]


def test_first_load_given_up_leaves_nothing(store: EmbeddedStore) -> None:
    feed(store.sink(), source(schema=replace(SCHEMA, series={})), finish=False)
    store.close()
    assert names(store.path.parent) == []
    feed(store.sink(), source())
    assert store.read_nodes("Customer").num_rows == 3


def test_first_load_that_fails_leaves_nothing(store: EmbeddedStore) -> None:
    lost = {"BOUGHT": [*BOUGHT, {"source": "c1", "target": "p9", "key": "t9"}]}
    with pytest.raises(StoreError, match="an edge names Product 'p9', and the load brings no such node"):
        feed(store.sink(), source(schema=replace(SCHEMA, series={})), edges=lost)
    store.close()
    assert names(store.path.parent) == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_other_things_never_become_a_store(tmp_path: Path, kind: str) -> None:
    kept = tmp_path / "thesis" / "chapter.txt"
    kept.parent.mkdir()
    kept.write_text("precious", "utf-8")
    path = kept.parent if kind == "folder" else kept
    with EmbeddedStore(path, tmp_path / "series") as other:
        for use in (lambda: feed(other.sink(), source()), other.info, lambda: other.write("CREATE (n:Note)")):
            with pytest.raises(StoreError) as caught:
                use()
            assert str(caught.value) == f"{path} is no store and not an empty folder; name another one with --store"
    assert kept.read_text("utf-8") == "precious"


def test_empty_folder_becomes_a_store(store: EmbeddedStore) -> None:
    store.path.mkdir()
    feed(store.sink(), source())
    assert store.info().sources == ("bank",)


def test_a_first_load_that_comes_second_replaces_nothing(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_first(path: Path) -> AbstractContextManager[None]:
        monkeypatch.undo()
        with EmbeddedStore(path, store.series_folder) as other:
            feed(other.sink(), source())
        return exclusive(path)

    monkeypatch.setattr(bulk, "exclusive", other_first)
    with pytest.raises(Unreachable) as caught:
        store.sink().begin(source("crm"))
    assert str(caught.value) == f"another process has just loaded the store {store.path}; run this again"
    assert [one.name for one in store.sources()] == ["bank"]


def test_rows_before_begin(store: EmbeddedStore) -> None:
    with pytest.raises(StoreError, match="rows came before the load began; call begin first"):
        store.sink().finish(None)


def test_store_that_was_emptied_is_loaded_in_bulk_again(store: EmbeddedStore) -> None:
    store.write("CREATE (n:Note {id: 'n1'})")
    store.write("MATCH (n:Note) DELETE n")
    feed(store.sink(), source())
    assert "Note" not in store.info().nodes, "the folder is a new one"
    assert store.info().sources == ("bank",)


def test_first_load_beside_a_person_s_own_nodes(store: EmbeddedStore) -> None:
    store.write("CREATE (n:Note {id: 'n1'})")
    feed(store.sink(), source())
    assert store.info().nodes == {"Customer": 3, "Note": 1, "Product": 2, "Sector": 1}


def test_bulk_and_merged_first_loads_are_equal(store: EmbeddedStore, tmp_path: Path) -> None:
    feed(store.sink(), source())
    with EmbeddedStore(tmp_path / "other" / "store", tmp_path / "other" / "series") as other:
        other.write("CREATE (n:Note {id: 'n1'})")
        feed(other.sink(), source())
        assert content(other) == content(store)


def test_one_first_load_at_a_time(store: EmbeddedStore) -> None:
    with (
        exclusive(store.path),
        pytest.raises(Unreachable, match="another process is loading the store .* for the first"),
    ):
        store.sink().begin(source())
    store.sink().begin(source())


def test_another_process_is_refused(store: EmbeddedStore) -> None:
    feed(store.sink(), source())
    store.query("MATCH (n:Sector) RETURN n.id")
    code = (
        "import sys; from pathlib import Path; from graphrec.store import open_store\n"
        "try: open_store(None, Path(sys.argv[1])).read_schema()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"Unreachable another process has the store {store.path} open; wait for its load to end "
        "(recommend, explain and find work from the snapshot meanwhile)\n"
    )


def test_nothing_is_written_beside_the_store(
    store: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    code = (
        "import sys; from pathlib import Path; from graphrec.store import open_store\n"
        "store = open_store(None, Path(sys.argv[1])); store.write('CREATE (n:Note)'); store.close()"
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent.parent))
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, check=True, cwd=here
    )
    assert (done.stdout, done.stderr, names(here)) == ("", "", [])


def test_series_that_are_no_longer_brought_go(store: EmbeddedStore) -> None:
    feed(store.sink(), source())
    assert names(store.series_folder) == ["bank@price.parquet"]
    (store.series_folder / "bank@price.parquet").unlink()
    assert not store.sink().is_current(source()), "its series are not there"
    feed(store.sink(), source())
    feed(store.sink(), source(schema=replace(SCHEMA, series={}), files="f2"))
    assert names(store.series_folder) == []


def test_names_the_engine_cannot_take(store: EmbeddedStore) -> None:
    schema = replace(SCHEMA, nodes={**SCHEMA.nodes, "a,b": NodeSchema("a,b")})
    with pytest.raises(QueryError, match="'a,b'"):
        store.sink().begin(source(schema=schema))
    assert names(store.path.parent) == []


def test_uri_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="store http://x has a scheme that is not known; want neo4j://, .* or a path"):
        open_store("http://x", tmp_path / "store")


def test_path_instead_of_the_home_s_store(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "mine"), tmp_path / "home" / "store") as store:
        assert store.info().address == str(tmp_path / "mine")
        assert store.series_folder == tmp_path / "home" / "series"


@pytest.mark.parametrize(
    ("uri", "is_one"), [("neo4j+s://a", True), ("bolt://a:7687", True), ("neo4j", False), (None, False)]
)
def test_servers(uri: str | None, is_one: bool) -> None:
    assert is_server(uri) is is_one


def test_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(arcade.VARIABLE, raising=False)
    elsewhere = arcade.Engine("native", "arcadedb_elsewhere", "embedded")
    monkeypatch.setitem(arcade.ENGINES, "native", elsewhere)
    with pytest.raises(MissingExtra) as missing:
        _ = arcade.chosen().version
    assert str(missing.value) == (
        "the engine native of the embedded store needs the Python package arcadedb_elsewhere, which is not installed; "
        "run: pip install 'graphrec[embedded]'"
    )


@pytest.mark.parametrize(
    ("text", "free", "reason"),
    [
        ("Command failed: java.io.IOException: No space left on device", 10**9, "No space left on device"),
        ("Open failed: x (caused by java.io.IOException: Read-only file system)", 10**9, "Read-only file system"),
        ("Failed to commit transaction: a.B: Transaction error on commit", 10**6, "No space left on device"),
    ],
)
def test_disk_that_takes_no_more(
    text: str, free: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: mock.Mock(free=free))
    with pytest.raises(StoreError) as caught, arcade.errors(tmp_path):
        raise arcade.chosen().module.ArcadeDBError(text)
    assert str(caught.value).startswith(f"the store {tmp_path} cannot be written: {reason}; free space or give")


def test_load_that_fails_at_its_end_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise arcade.chosen().module.ArcadeDBError("x: No space left on device")

    monkeypatch.setattr(Completion, "statements", fail)
    with pytest.raises(StoreError, match="No space left"), open_store(None, tmp_path / "store") as store:
        feed(store.sink(), source())
    assert [path.name for path in tmp_path.iterdir() if "store" in path.name] == [".store.lock"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Query failed: com.arcadedb.ParsingException: Syntax error at line 1:3 - x (caused by a.B: null)",
            "Syntax error at line 1:3 - x",
        ),
        (
            "Command failed: com.a.X: Error executing Cypher command: RETURN 1 (caused by com.a.Y: Duplicated [1])",
            "Duplicated [1]",
        ),
        ("Something else", "Something else"),
    ],
)
def test_messages_of_the_engine(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(QueryError) as caught, arcade.errors(tmp_path):
        raise arcade.chosen().module.ArcadeDBError(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("how", ["gone", "cut"])
def test_no_query_and_no_load_of_a_store_with_a_file_that_is_gone_or_cut(store: EmbeddedStore, how: str) -> None:
    feed(store.sink(), source())
    store.close()
    (file,) = store.path.glob("Product_0.*.bucket")
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:1000])
    lost = pytest.raises(StoreError, match=rf"file Product_0\S* of the store \S+ is {how}; remove this folder and load")
    with lost:
        store.query("MATCH (n:Product) RETURN n.id", bounds=Bounds(10.0, 10))
    with lost:
        store.sink()


def test_a_relative_path_is_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the process began: the engine would take it to be below that folder."""
    monkeypatch.chdir(tmp_path)
    with EmbeddedStore(Path("home/store"), Path("home/series")) as store:
        store.ensure_schema(SCHEMA)
    assert (tmp_path / "home" / "store" / "configuration.json").exists()
