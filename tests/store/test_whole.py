"""A store knows what its loads left: what is unfinished, missing or changed is refused and named, by every reader."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from graphrec.errors import GraphrecError, StoreError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.rows import Source
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema
from graphrec.store import open_store
from graphrec.store.base import Store
from graphrec.store.checks.check import check
from graphrec.store.checks.sums import Sum, sum_rows
from graphrec.store.read import current_snapshot, snapshot_inputs, take_snapshot

from .feed import SCHEMA, feed, source

#: Seeds of the sequences of loads; every one is 12 loads of 3 sources.
SEQUENCES = 4
KINDS = ("gone", "empty", "cut", "flip")


def rows_of(inputs: Any) -> dict[str, list[str]]:
    """All that a snapshot is made of, in one order."""
    tables = {**inputs.nodes, **inputs.edges, **(inputs.split or {})}
    found = {name: table.to_pylist() for name, table in tables.items()}
    found |= {name: [row for part in rows.by_id() for row in part.to_pylist()] for name, rows in inputs.series.items()}
    return {name: sorted(map(str, rows)) for name, rows in found.items()}


def table(rows: int, generator: np.random.Generator) -> pa.Table:
    """Rows with every kind of column, and gaps."""
    gaps = generator.random(rows) < 0.2
    return pa.table(
        {
            "source": [f"u{number % 7}" for number in range(rows)],
            "target": [f"p\x1f{number}" for number in range(rows)],
            "key": [str(number // 3) * (number % 2) for number in range(rows)],
            "at": pa.array(generator.integers(0, 10**15, rows), pa.timestamp("us", tz="UTC"), mask=gaps),
            "count": pa.array(generator.integers(-5, 5, rows), pa.int64(), mask=gaps),
            "weight": pa.array(generator.random(rows), pa.float64(), mask=gaps),
            "is_open": pa.array(generator.random(rows) < 0.5, pa.bool_(), mask=gaps),
            "text": pa.array(["", "a", "ab", "ü", "長い名前", "x" * 50] * (rows // 6), pa.string()),
        }
    )


def test_sum_knows_no_order_and_adds_up() -> None:
    generator = np.random.default_rng(0)
    rows, names = table(600, generator), ("source", "target", "key")
    whole = sum_rows(rows, names)
    assert whole.rows == 600
    assert sum_rows(rows.take(pa.array(generator.permutation(600))), names) == whole
    assert sum_rows(rows.slice(0, 123), names) + sum_rows(rows.slice(123), names) == whole
    assert whole - sum_rows(rows.slice(0, 123), names) == sum_rows(rows.slice(123), names)
    assert Sum.from_json(whole.to_json()) == whole


def test_sum_sees_every_single_change() -> None:
    rows, names = table(60, np.random.default_rng(1)), ("source", "target", "key")
    whole, seen = sum_rows(rows, names), set()
    for name in rows.column_names:
        for place in (0, 31, 59):
            values = rows[name].to_pylist()
            values[place] = {"at": 1, "count": 77, "weight": 2.0, "is_open": not values[place]}.get(name, "changed")
            changed = rows.set_column(rows.column_names.index(name), name, pa.array(values, rows[name].type))
            found = sum_rows(changed, names)
            assert whole.differs(found) == ("ids" if name in names else name)
            seen.add((found.identities, *found.columns.values()))
    assert len(seen) == 8 * 3
    assert whole.differs(sum_rows(rows.slice(1), names)) == "rows"


def test_ids_that_hold_a_separator_do_not_collide() -> None:
    def one(user: str, product: str, key: str | None) -> Sum:
        rows = {"source": [user], "target": [product], "key": pa.array([key], pa.string())}
        return sum_rows(pa.table(rows), ("source", "target", "key"))

    texts = ("", "a", "\x1f", "a\x1f", "\x1fa", "a\x1fa", "aa")
    sums = {one(user, product, key).identities for user in texts for product in texts for key in (*texts, None)}
    assert len(sums) == len(texts) ** 2 * (len(texts) + 1)


def loads(seed: int) -> Iterator[tuple[Source, dict[str, Any], dict[str, Any]]]:
    """Loads of three sources that share labels and rows, each with columns of its own; full ones and increments."""
    generator = random.Random(seed)
    schemas = {}
    for name in ("bank", "crm", "web"):
        own = (Column("age", "integer"), Column(f"of_{name}", "text"))
        schemas[name] = GraphSchema(
            roles=SCHEMA.roles,
            nodes={"Customer": NodeSchema("Customer", own), "Product": NodeSchema("Product")},
            edges={
                "BOUGHT": EdgeSchema("BOUGHT", "Customer", "Product", (Column("channel", "text"),)),
                "VIEWED": EdgeSchema("VIEWED", "Customer", "Product"),
            },
        )
    for number in range(12):
        name = generator.choice(sorted(schemas))
        customers = [f"c{one}" for one in range(12) if generator.random() < 0.6]
        people = [
            {"id": one, "age": generator.choice([None, 1, 2]), f"of_{name}": generator.choice([None, "x", "y"])}
            for one in customers
        ]
        bought = [
            {"source": one, "target": "p1", "key": key, "channel": generator.choice([None, "web", "desk"])}
            for one in customers
            for key in ("", "k")
            if generator.random() < 0.5
        ]
        loaded = source(name, f"r{number}", full=generator.random() < 0.6, schema=schemas[name], files=str(number))
        yield loaded, {"Customer": people, "Product": [{"id": "p1"}]}, {"BOUGHT": bought}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_account_holds_after_any_loads(store: Store, seed: int) -> None:
    generator = random.Random(seed)
    for loaded, nodes, edges in loads(seed):
        is_stopped = generator.random() < 0.2
        feed(store.sink(), loaded, nodes, edges, split={"test": [("c1", "p1")]}, finish=not is_stopped)
        stopped = {one.name for one in store.sources() if one.unfinished}
        lines = check(store, deep=not stopped)
        assert [line for line in lines if "is not complete" not in line or not stopped] == []
        assert bool(lines) == bool(stopped)


@pytest.mark.slow
def test_unfinished_load_is_refused(store: Store, tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path / "snapshots")
    feed(store.sink(), source())
    before = take_snapshot(store, shelf)
    feed(store.sink(), source(run="r2", files="f2"), {"Customer": [{"id": "c9"}]}, {}, finish=False)
    said = "a load of bank is not complete: wait for it to end, or, if it was stopped, run it again: graphrec load bank"
    for read in (lambda: take_snapshot(store, shelf), lambda: current_snapshot(store, shelf)):
        with pytest.raises(StoreError) as refused:
            read()
        assert str(refused.value) == said
    assert check(store) == [said]
    assert shelf.latest().hash == before.hash
    assert not store.sink().is_current(source())
    feed(store.sink(), source(run="r3", files="f1"))
    assert check(store, deep=True) == []
    assert take_snapshot(store, shelf).hash == before.hash


@pytest.mark.slow
def test_increment_does_not_complete_another_load(store: Store) -> None:
    feed(store.sink(), source())
    feed(store.sink(), source(full=False, files="f2"), {"Customer": [{"id": "c9"}]}, {}, finish=False)
    feed(store.sink(), source(full=False, files="f3"), {"Customer": [{"id": "c8"}]}, {})
    assert "a load of bank is not complete" in check(store)[0]
    feed(store.sink(), source(full=False, files="f2"), {"Customer": [{"id": "c9"}]}, {})
    assert check(store, deep=True) == []
    feed(store.sink(), source(files="f4"), finish=False)
    feed(store.sink(), source(full=False, files="f4"))
    assert "a load of bank is not complete" in check(store)[0], "an increment removes nothing, and a full load does"


def test_rows_that_are_gone(store: Store, tmp_path: Path) -> None:
    feed(store.sink(), source())
    store.write("MATCH (:Customer {id: 'c1'})-[r:BOUGHT {key: 't2'}]->(:Product) DELETE r")
    assert check(store)[0] == "BOUGHT: 2 rows, and the last load left 3"
    assert not store.sink().is_current(source()), "the same files are something to do"
    with pytest.raises(StoreError, match=r"^BOUGHT in .* has 2 rows, and the last load left 3; load again: graphrec"):
        take_snapshot(store, SnapshotShelf(tmp_path / "snapshots"))
    feed(store.sink(), source())
    assert check(store, deep=True) == []


def test_values_that_are_changed(store: Store) -> None:
    feed(store.sink(), source())
    store.write("MATCH (c:Customer {id: 'c1'}) SET c.age = 41")
    assert check(store) == [], "counts alone do not see it"
    (line,) = check(store, deep=True)
    assert "Customer in " in line
    assert "has other values of age than the last load left; load again: graphrec load bank" in line
    with pytest.raises(StoreError, match="other values of age"):
        snapshot_inputs(store)
    assert not store.sink().is_current(source()), "a reader that found it says so to the next load"
    feed(store.sink(), source())
    assert check(store, deep=True) == []
    assert rows_of(snapshot_inputs(store))["Customer"][0].startswith("{'id': 'c1', 'known_at': None, 'age': 40")


def test_loss_of_two_sources_is_mended_by_both(store: Store) -> None:
    customer = NodeSchema("Customer", (Column("city", "text"),))
    crm = GraphSchema(roles=SCHEMA.roles, nodes={"Customer": customer}, edges={})
    feed(store.sink(), source())
    feed(store.sink(), source("crm", schema=crm), {"Customer": [{"id": "x1", "city": "Rome"}]}, {})
    store.write("MATCH (c:Customer {id: 'x1'}) DELETE c")
    feed(store.sink(), source(files="f2"))
    assert "a load of crm is not complete" in check(store)[0], "the load of bank does not make the loss of crm right"
    feed(store.sink(), source("crm", schema=crm), {"Customer": [{"id": "x1", "city": "Rome"}]}, {})
    assert check(store, deep=True) == []


def test_series_file_that_is_gone(tmp_path: Path) -> None:
    with open_store(None, tmp_path / "store") as store:
        feed(store.sink(), source())
        (file,) = (tmp_path / "series").iterdir()
        whole = file.read_bytes()
        for damage in (whole[:-9], None):
            file.unlink() if damage is None else file.write_bytes(damage)
            with pytest.raises(StoreError, match=r"series file .* is (missing|not the one that the last load wrote)"):
                snapshot_inputs(store)
            assert not store.sink().is_current(source())
        feed(store.sink(), source())
        assert check(store, deep=True) == []


def test_schema_and_split_are_part_of_the_account(store: Store) -> None:
    feed(store.sink(), source(), split={"test": [("c1", "p1"), ("c2", "p2")]})
    store.write("MATCH (c:GraphrecSplit) SET c.users = ['c1', 'c3']")
    with pytest.raises(StoreError, match="the split pairs bank/test in .* are not those of the last load"):
        snapshot_inputs(store)
    feed(store.sink(), source(), split={"test": [("c1", "p1"), ("c2", "p2")]})
    store.write("MATCH (s:GraphrecSource) SET s.schema = replace(s.schema, '\"age\"', '\"Age\"')")
    with pytest.raises(StoreError, match="what the store knows of source bank is not what its last load left"):
        snapshot_inputs(store)
    store.write("MATCH (s:GraphrecSource) SET s.schema = '{'")
    with pytest.raises(StoreError, match="what the store knows of source 'bank' is damaged"):
        snapshot_inputs(store)


def test_store_without_an_account(store: Store) -> None:
    feed(store.sink(), source())
    store.write("MATCH (c:GraphrecContents) DELETE c")
    with pytest.raises(StoreError, match=r"keeps no account of what it holds; load again: graphrec load bank"):
        snapshot_inputs(store)
    assert not store.sink().is_current(source())
    feed(store.sink(), source())
    assert check(store, deep=True) == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """A home with a small store, and what a snapshot of it is made of."""
    home = tmp_path_factory.mktemp("whole")
    with open_store(None, home / "store") as store:
        feed(store.sink(), source(), split={"test": [("c1", "p1")]})
        return home, rows_of(snapshot_inputs(store))


@pytest.mark.slow
@pytest.mark.parametrize("how", KINDS)
def test_damaged_file_is_never_read_as_less(whole: tuple[Path, dict[str, list[str]]], tmp_path: Path, how: str) -> None:
    home, expected = whole
    generator, refused = random.Random(how), 0
    files = [path for path in sorted(home.rglob("*")) if path.suffix in (".bucket", ".dict", ".parquet")]
    assert len(files) > 20
    for number, file in enumerate(files):
        copy = tmp_path / str(number)
        shutil.copytree(home, copy)
        damage(copy / file.relative_to(home), how, generator)
        said = None
        try:
            with open_store(None, copy / "store") as store:
                found = rows_of(snapshot_inputs(store))
        except GraphrecError as error:
            said = str(error)
        assert said is not None or found == expected, f"{file.name} {how}"
        assert "\n" not in (said or "")
        refused += said is not None
        shutil.rmtree(copy)
    assert refused >= 5


def damage(path: Path, how: str, generator: random.Random) -> None:
    """Remove, empty or cut a file, or flip one of its bits that are in use."""
    content = bytearray(path.read_bytes())
    used = [place for place, byte in enumerate(content) if byte]
    if how == "gone":
        path.unlink()
    elif how == "flip":
        if used:
            content[generator.choice(used)] ^= 1 << generator.randrange(8)
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut" else b"")


def test_a_store_without_a_file_of_rows_is_never_opened(
    whole: tuple[Path, dict[str, list[str]]], tmp_path: Path
) -> None:
    home, _ = whole
    shutil.copytree(home, tmp_path / "home")
    store = tmp_path / "home" / "store"
    (bucket,) = (path for path in store.glob("BOUGHT_0.*.bucket") if "edges" not in path.name)
    bucket.unlink()
    schema = (store / "schema.json").read_bytes()
    for ask in (lambda one: one.sources(), lambda one: one.info(), lambda one: one.query("read/sources")):
        with (
            open_store(None, store) as opened,
            pytest.raises(StoreError, match="file BOUGHT_0 of the store .* is gone"),
        ):
            ask(opened)
    # An engine that had opened it would have struck the file from its schema.
    assert (store / "schema.json").read_bytes() == schema


def test_a_store_whose_schema_calls_a_type_otherwise_is_never_opened(
    whole: tuple[Path, dict[str, list[str]]], tmp_path: Path
) -> None:
    home, _ = whole
    shutil.copytree(home, tmp_path / "home")
    schema = tmp_path / "home" / "store" / "schema.json"
    text = schema.read_text("utf-8")
    assert text.count('"BOUGHT"') == 1
    schema.write_text(text.replace('"BOUGHT"', '"BOUGHU"'), "utf-8")
    with (
        open_store(None, schema.parent) as opened,
        pytest.raises(StoreError, match="schema.json is damaged: type BOUGHU has the rows of another one"),
    ):
        opened.query("read/sources")


def test_a_store_with_a_changed_byte_answers_nothing(whole: tuple[Path, dict[str, list[str]]], tmp_path: Path) -> None:
    """Sums are written when a store is closed that was written to, and whoever writes removes them first."""
    home, _ = whole
    shutil.copytree(home, tmp_path / "home")
    store = tmp_path / "home" / "store"
    with open_store(None, store) as opened:
        before = opened.query("read/sources").rows
    sums = store / "sums.json"
    written = sums.stat().st_mtime_ns
    with open_store(None, store) as opened:
        assert opened.query("read/sources").rows == before
    assert sums.stat().st_mtime_ns == written
    with open_store(None, store) as opened:
        opened.write("MATCH (n:Product) SET n.seen = 1")
        assert not sums.exists()
    assert sums.exists()
    (bucket,) = (path for path in store.glob("Product_0.*.bucket") if "edges" not in path.name)
    content = bytearray(bucket.read_bytes())
    content[len(content) // 3] ^= 1
    bucket.write_bytes(content)
    for ask in (lambda one: one.sources(), lambda one: one.info(), lambda one: one.query("read/sources")):
        with (
            open_store(None, store) as opened,
            pytest.raises(StoreError, match=r"file Product_0\S+ of the store .* is not as it was written"),
        ):
            ask(opened)
    content[len(content) // 3] ^= 1
    bucket.write_bytes(content)
    sums.write_text("{}{")
    with open_store(None, store) as opened, pytest.raises(StoreError, match=r"sums\.json is damaged"):
        opened.info()
    sums.unlink()
    with open_store(None, store) as opened:
        assert opened.query("read/sources").rows == before
