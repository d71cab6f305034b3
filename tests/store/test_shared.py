"""A database that others write into: what graphrec did not write it does not delete, overwrite, count or read."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from graphrec.delivery import store_sink
from graphrec.errors import StoreError
from graphrec.serving.engine import Engine
from graphrec.store.base import Store
from graphrec.store.checks.check import check
from graphrec.store.read import snapshot_inputs
from graphrec.store.writing.merge import MergeSink
from tests.delivery.test_write_back import ask, load
from tests.served import write_back
from tests.store.feed import BOUGHT, CUSTOMERS, IN_SECTOR, PRODUCTS, SECTORS, feed, source

pytestmark = pytest.mark.neo4j

THEIRS = (
    "CREATE (:Customer {id: 'X1', owner: 'crm'}), (:Customer {id: 'odd', sources: ['crm'], owner: 'crm'}), "
    "(:Customer {id: 'run', run: 'crm-1', owner: 'crm'}), (:Office {id: 'o1', owner: 'crm'}), "
    "(:Customer {id: 'X2', owner: 'crm'})-[:BOUGHT {key: 'theirs', owner: 'crm'}]->(:Product {id: 'X3', owner: 'crm'})"
)
ALL_THEIRS = (
    "MATCH (n) WHERE n.owner = 'crm' OPTIONAL MATCH (n)-[r]->(m) WHERE r.owner = 'crm' "
    "RETURN labels(n), properties(n), type(r), properties(r), m.id ORDER BY n.id"
)


@pytest.fixture
def store(neo4j_store: Callable[[], Store]) -> Store:
    return neo4j_store()


def theirs(store: Store) -> list[tuple[Any, ...]]:
    return store.query(ALL_THEIRS).rows  # type: ignore[arg-type]


def test_what_others_wrote_before_stays_as_it_is_and_is_not_read(store: Store) -> None:
    store.write(THEIRS)
    before = theirs(store)
    feed(store.sink(), source())
    assert theirs(store) == before
    inputs = snapshot_inputs(store)
    assert sorted(inputs.nodes["Customer"]["id"].to_pylist()) == ["c1", "c2", "c3"]
    assert sorted(inputs.edges["BOUGHT"]["key"].to_pylist()) == ["t1", "t2", "t3"]
    info = store.info()
    assert (info.nodes, info.edges) == ({"Customer": 3, "Product": 2, "Sector": 1}, {"BOUGHT": 3, "IN_SECTOR": 1})
    assert check(store, deep=True) == []
    feed(store.sink(), source(files="f2"), {"Customer": CUSTOMERS[:1], "Product": PRODUCTS, "Sector": SECTORS}, {})
    assert theirs(store) == before
    assert check(store, deep=True) == []


def test_nodes_of_others_are_not_taken_over(store: Store) -> None:
    store.write("CREATE (:Customer {id: 'c1', segment: 'gold', owner: 'crm'}), (:Customer {id: 7, owner: 'crm'})")
    before = theirs(store)
    sink = store.sink()
    sink.begin(source())
    with pytest.raises(StoreError) as caught:
        sink.would_remove({"Customer": lambda: ids("c1", "c2"), "Product": lambda: ids("p1")})
    assert str(caught.value) == (
        f"{store.address} holds 1 Customer that graphrec did not write and this load would take over (c1); nothing was "
        "written; give the label another name in the mapping, such as nodes.BankCustomer, or take a database of its "
        "own: NEO4J_DATABASE"
    )
    assert caught.value.exit_code == 4
    assert theirs(store) == before
    assert store.query("MATCH (n) WHERE n.owner IS NULL AND NOT n:GraphrecLoad RETURN count(n)").rows == [(0,)]


def ids(*wanted: str) -> Any:
    return pa.table({"id": list(wanted)})


def test_edges_of_others_on_our_nodes_stay(store: Store) -> None:
    feed(store.sink(), source())
    store.write(
        "MATCH (c:Customer {id: 'c1'}), (p:Product {id: 'p1'}), (d:Customer {id: 'c3'}) "
        "CREATE (c)-[:BOUGHT {key: 't1', owner: 'crm', channel: 'theirs'}]->(p), (d)-[:CALLED {owner: 'crm'}]->(c)"
    )
    assert len(snapshot_inputs(store).edges["BOUGHT"]) == 3
    bought = [{**row, "channel": "phone"} for row in BOUGHT]
    feed(store.sink(), source(files="f2"), edges={"BOUGHT": bought, "IN_SECTOR": IN_SECTOR})
    mine = store.query("MATCH ()-[r:BOUGHT {key: 't1'}]->() RETURN r.owner, r.channel ORDER BY r.channel").rows
    assert mine == [(None, "phone"), ("crm", "theirs")]
    # c1 and c3 leave: their calls stay, and with them two nodes that are no customers of ours any more.
    left = {"Customer": CUSTOMERS[1:2], "Product": PRODUCTS, "Sector": SECTORS}
    _, removed = feed(store.sink(), source(files="f3"), left, {"BOUGHT": BOUGHT[2:], "IN_SECTOR": IN_SECTOR})
    assert removed == {"BOUGHT": 2, "Customer": 2}
    assert snapshot_inputs(store).nodes["Customer"]["id"].to_pylist() == ["c2"]
    assert store.query("MATCH (:Customer {id: 'c3'})-[r:CALLED]->(:Customer {id: 'c1'}) RETURN r.owner").rows == [
        ("crm",)
    ]
    gone = store.query("MATCH (c:Customer) WHERE c.run = '' RETURN c.id, c.age, c.name, c.known_at ORDER BY c.id").rows
    assert gone == [("c1", None, None, None), ("c3", None, None, None)]
    assert check(store, deep=True) == []
    feed(store.sink(), source(files="f4"))
    back = {row["id"]: row["age"] for row in snapshot_inputs(store).nodes["Customer"].to_pylist()}
    assert back == {"c1": 40, "c2": None, "c3": 3}


def test_a_check_writes_nothing(store: Store) -> None:
    sink = MergeSink(store)
    sink.begin(source())
    assert sink.would_remove({}) == {}
    assert store.query("MATCH (n) RETURN count(n)").rows == [(0,)]


class _Half(Exception):
    """An export ends in the middle."""


def lists(store: Store) -> dict[str, int]:
    """How many edges each run has, and which run counts."""
    rows = store.query("MATCH ()-[r:RECOMMENDED]->() RETURN r.run, count(r)").rows
    return dict(rows)


def shown(store: Store) -> str:
    return str(store.query("MATCH (c:GraphrecExport {id: 'current'}) RETURN c.run").rows[0][0])


@pytest.mark.slow
def test_two_write_backs_at_once_leave_one_whole(
    engine: Engine, neo4j_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = neo4j_store(), neo4j_store()
    load(one)
    first = write_back(engine, one, 1)
    assert lists(one) == {first.run: 59}
    reports = []
    write = store_sink._StoreSink.write
    calls = []

    def write_and_let_another_run(self: Any, answers: Any) -> None:
        write(self, answers)
        calls.append(1)
        if len(calls) == 1:
            reports.append(write_back(engine, other, 2))  # begins and ends while the first one writes
            assert lists(one) == {reports[0].run: 118, self._run: 177}
            assert shown(one) == reports[0].run

    monkeypatch.setattr(store_sink._StoreSink, "write", write_and_let_another_run)
    last = write_back(engine, one, 3)
    assert (reports[0].rows, reports[0].missing, reports[0].removed) == (118, 0, 59)
    assert (last.rows, last.missing, last.removed) == (177, 0, 118)
    assert lists(one) == {last.run: 177}
    assert shown(one) == last.run


@pytest.mark.slow
def test_a_write_back_that_ends_in_the_middle_leaves_the_old_lists(
    engine: Engine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(store)
    first = write_back(engine, store, 2)
    before = ask(store, "call_list", product="P03").rows
    finish = store_sink._StoreSink.finish

    def fail(self: Any, totals: Any) -> None:
        raise _Half

    monkeypatch.setattr(store_sink._StoreSink, "finish", fail)
    with pytest.raises(_Half):
        write_back(engine, store, 3)
    assert sorted(lists(store).values()) == [118, 177]
    assert shown(store) == first.run
    assert ask(store, "call_list", product="P03").rows == before
    monkeypatch.setattr(store_sink._StoreSink, "finish", finish)
    second = write_back(engine, store, 2)
    assert sorted(lists(store).values()) == [118, 177], "it may be writing still"
    assert second.removed == 118
    store.write("MATCH (e:GraphrecExport) WHERE e.id <> 'current' SET e.at = '2020-01-01T00:00:00.000000Z'")
    third = write_back(engine, store, 2)
    assert (lists(store), third.removed) == ({third.run: 118}, 118 + 177)
    assert store.query("MATCH (e:GraphrecExport) RETURN count(e)").rows == [(1,)]


def test_a_recommendation_of_others_stays(engine: Engine, store: Store) -> None:
    load(store)
    store.write(
        "MATCH (u:Customer {id: 'C001'}), (p:Product {id: 'P03'}) "
        "CREATE (u)-[:RECOMMENDED {run: 'theirs', rank: 1}]->(p)"
    )
    write_back(engine, store, 1)
    write_back(engine, store, 1)
    assert lists(store)["theirs"] == 1
    assert "C001" not in {row[0] for row in ask(store, "call_list", product="P03").rows if row[3] is None}
    load(store, files="f2", without="C001")
    assert lists(store)["theirs"] == 1
