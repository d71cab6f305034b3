"""Questions of people: bounds of time and rows, edits that the store's account knows, homes that cannot be written."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import QueryError, StoreError, UnknownId
from graphrec.store import open_store
from graphrec.store.base import Bounds, Store
from graphrec.store.checks.check import check
from graphrec.store.embedded.store import EmbeddedStore
from graphrec.store.questions.ask import ask, edit
from graphrec.store.read import snapshot_inputs

from .feed import feed, source

#: Minutes of work for either store.
ENDLESS = "UNWIND range(1, 30000) AS a UNWIND range(1, 30000) AS b WITH a, b WHERE a * b % 7 = 8 RETURN count(*) AS c"
BOUNDS = Bounds(20.0, 100)


@pytest.mark.slow
def test_rows_are_bounded_and_said(store: Store) -> None:
    feed(store.sink(), source())
    asked = ask(store, "UNWIND range(1, 1000) AS x RETURN x", {}, Bounds(20.0, 7))
    assert asked.result.rows == [(number,) for number in range(1, 8)]
    assert asked.result.is_cut
    assert asked.notes == ("only the first 7 rows: there are more; raise --limit",)
    asked = ask(store, "UNWIND range(1, $n) AS x RETURN x", {"n": 7}, Bounds(20.0, 7))
    assert (len(asked.result.rows), asked.result.is_cut, asked.notes) == (7, False, ())


@pytest.mark.slow
def test_time_is_bounded(store: Store) -> None:
    feed(store.sink(), source())
    began = time.monotonic()
    with pytest.raises(QueryError) as late:
        ask(store, ENDLESS, {}, Bounds(1.0, 10))
    assert str(late.value) == "the query ran longer than 1 s; ask for less (a label, a LIMIT), or raise --timeout"
    assert time.monotonic() - began < 15
    assert ask(store, "MATCH (c:Customer) RETURN count(c) AS c", {}, BOUNDS).result.rows == [(3,)]


@pytest.mark.slow
def test_values_and_errors_are_those_without_bounds(store: Store) -> None:
    feed(store.sink(), source())
    text: Any = "MATCH (p:Product) RETURN p.id AS id, p.fee AS fee, p, [p.id, {a: 1}] AS l, null AS n ORDER BY id"
    assert ask(store, text, {}, BOUNDS).result == store.query(text)
    assert ask(
        store, "MATCH (n:Customer) WHERE n.id = $id RETURN n.name AS name", {"id": "c1"}, BOUNDS
    ).result.rows == [("Ada",)]
    with pytest.raises(QueryError, match="the statement writes, and the query is read-only; repeat it with --write"):
        ask(store, "CREATE (n:Customer {id: 'new'})", {}, BOUNDS)
    with pytest.raises(QueryError, match="nope"):
        ask(store, "RETURN nope", {}, BOUNDS)
    with pytest.raises(QueryError, match="LOAD CSV is not allowed here"):
        ask(store, "MATCH (n) LOAD CSV FROM 'file:///etc/hostname' AS row RETURN row", {}, BOUNDS)
    with pytest.raises(UnknownId, match="no query populer; the nearest are: popular"):
        ask(store, "populer", {}, BOUNDS)


def test_query_says_that_a_load_is_not_complete(store: Store) -> None:
    feed(store.sink(), source())
    feed(store.sink(), source(files="f2"), finish=False)
    asked = ask(store, "MATCH (c:Customer) RETURN count(c) AS c", {}, BOUNDS)
    assert asked.result.rows == [(3,)]
    (note,) = asked.notes
    assert note.startswith("a load of bank is not complete")


def test_edit_is_no_damage(store: Store) -> None:
    feed(store.sink(), source())
    edit(store, "MATCH (c:Customer {id: 'c1'}) SET c.age = 41", {})
    edit(store, "CREATE (:Customer {id: 'x'})", {})
    edit(store, "MATCH (:Customer {id: 'c2'})-[r:BOUGHT]->(:Product) DELETE r", {})
    assert check(store, deep=True) == []
    ages = {row["id"]: row["age"] for row in snapshot_inputs(store).nodes["Customer"].to_pylist()}
    assert ages == {"c1": 41, "c2": None, "c3": 3}, "x is of no load"
    store.write("MATCH (c:Customer {id: 'c1'}) SET c.age = 42")
    with pytest.raises(StoreError, match="other values of age"):
        snapshot_inputs(store)
    feed(store.sink(), source(files="f2"))
    assert check(store, deep=True) == []


def test_edit_that_fails_changes_nothing(store: Store) -> None:
    feed(store.sink(), source())
    before = store.contents()
    for text in ("MATCH (n) SET n.x = nope", "LOAD CSV FROM 'x' AS row CREATE (:X)", "CALL apoc.load.json('x')"):
        with pytest.raises(QueryError):
            edit(store, text, {})
    assert store.contents() == before


def test_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(None, tmp_path / "store") as store:
        feed(store.sink(), source())
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with EmbeddedStore(tmp_path / "store", tmp_path / "series") as store:
        assert store.query("MATCH (c:Customer) RETURN count(c) AS c").rows == [(3,)]
        assert store.open().is_read_only()
        assert check(store) == []
        with pytest.raises(StoreError):
            store.write("CREATE (:Customer {id: 'x'})")
    monkeypatch.undo()
    with open_store(None, tmp_path / "store") as store:
        assert check(store, deep=True) == []
