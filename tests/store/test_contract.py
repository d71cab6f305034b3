"""What every store promises: the same tests, the same answers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from graphrec.errors import QueryError, SourceError, StoreError
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Counts
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema
from graphrec.store.base import Index, Statement, Store
from graphrec.store.series import series_fields

from .feed import BOUGHT, CUSTOMERS, IN_SECTOR, NOON, PRICES, PRODUCTS, SCHEMA, SECTORS, content, feed, source

NODES = {"Customer": CUSTOMERS, "Product": PRODUCTS, "Sector": SECTORS}


def by_key(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in rows}


def test_first_load_brings_back_what_came(store: Store) -> None:
    counts, removed = feed(store.sink(), source())
    assert counts == {
        "Customer": Counts(read=3, created=3),
        "Product": Counts(read=2, created=2),
        "Sector": Counts(read=1, created=1),
        "BOUGHT": Counts(read=3, created=3),
        "IN_SECTOR": Counts(read=1, created=1),
    }
    assert removed == {}
    assert store.read_schema() == SCHEMA
    products = {row["id"]: row for row in store.read_nodes("Product").to_pylist()}
    assert products["p1"] == dict(PRODUCTS[0])
    assert products["p2"] == {**PRODUCTS[1], "known_at": None}
    bought = by_key(store.read_edges("BOUGHT").to_pylist())
    assert bought == by_key([dict(row) for row in BOUGHT])
    assert store.read_edges("VIEWED").num_rows == 0
    found = [row for table in store.read_series("price").by_id() for row in table.to_pylist()]
    assert found == sorted((dict(row) for row in PRICES), key=lambda row: (row["id"], row["at"]))


def test_personal_columns_stay_in_the_store(store: Store) -> None:
    feed(store.sink(), source())
    assert store.read_nodes("Customer").column_names == ["id", "known_at", "age"]
    names = store.read_nodes("Customer", personal=True).to_pylist()
    assert {row["id"]: row["name"] for row in names} == {"c1": "Ada", "c2": None, "c3": None}


def test_rows_are_stamped(store: Store) -> None:
    feed(store.sink(), source())
    bought = "MATCH (n:Customer {id: 'c1'})-[r:BOUGHT {key: 't1'}]->(:Product) "
    assert store.query(bought + "RETURN n.sources, n.run, r.sources, r.run, r.at").rows == [
        (["bank"], "r1", ["bank"], "r1", "2024-01-31T12:00:00.000005Z")
    ]


def test_second_load_counts_and_removes(store: Store) -> None:
    feed(store.sink(), source())
    assert store.sink().is_current(source())
    assert not store.sink().is_current(source(files="f2"))
    customers = [{"id": "c1", "age": 41, "name": "Ada"}, {"id": "c3", "age": 3}, {"id": "c4", "age": 4}]
    bought = [BOUGHT[0], {**BOUGHT[1], "weight": 2.0}, {"source": "c4", "target": "p2", "key": "t4"}]
    nodes = {"Customer": customers, "Product": PRODUCTS}
    counts, removed = feed(store.sink(), source(run="r2", files="f2"), nodes, {"BOUGHT": bought})
    assert counts == {
        "Customer": Counts(read=3, created=1, changed=1, unchanged=1),
        "Product": Counts(read=2, unchanged=2),
        "BOUGHT": Counts(read=3, created=1, changed=1, unchanged=1),
    }
    assert removed == {"Customer": 1, "BOUGHT": 1, "IN_SECTOR": 1, "Sector": 1}
    runs = store.query("MATCH (n:Customer) RETURN n.id, n.run, n.age ORDER BY n.id").rows
    assert runs == [("c1", "r2", 41), ("c3", "r1", 3), ("c4", "r2", 4)]
    assert {key: row["weight"] for key, row in by_key(store.read_edges("BOUGHT").to_pylist()).items()} == {
        "t1": 10.5,
        "t2": 2.0,
        "t4": None,
    }


def test_null_takes_a_value_away(store: Store) -> None:
    feed(store.sink(), source())
    feed(store.sink(), source(files="f2"), {**NODES, "Customer": [{"id": "c1"}, {"id": "c2"}, {"id": "c3"}]})
    assert {row["age"] for row in store.read_nodes("Customer").to_pylist()} == {None}


def test_incremental_load_only_merges(store: Store) -> None:
    feed(store.sink(), source())
    extra = {"Customer": [{"id": "c9", "age": 9}, CUSTOMERS[0]]}
    bought = [{"source": "c9", "target": "p1", "key": "t9"}, BOUGHT[0]]
    counts, removed = feed(store.sink(), source(run="r2", full=False, files="f2"), extra, {"BOUGHT": bought})
    assert counts == {
        "Customer": Counts(read=2, created=1, unchanged=1),
        "BOUGHT": Counts(read=2, created=1, unchanged=1),
    }
    assert removed == {}
    assert store.read_nodes("Customer").num_rows == 4
    assert not store.sink().is_current(source()), "an increment came since the full load"
    feed(store.sink(), source(run="r3"))
    assert store.sink().is_current(source())
    assert store.read_nodes("Customer").num_rows == 3


@pytest.mark.slow
def test_full_load_after_increment_equals_fresh_one(store: Store) -> None:
    feed(store.sink(), source())
    before = content(store)
    feed(store.sink(), source(full=False, files="f2"), {"Customer": [{"id": "c1", "age": 1}]}, {"BOUGHT": []})
    feed(store.sink(), source(run="r3"))
    assert content(store) == before


def test_unfinished_load_is_not_current(store: Store) -> None:
    feed(store.sink(), source())
    feed(store.sink(), source(run="r2", files="f2"), {**NODES, "Sector": [{"id": "steel"}]}, finish=False)
    assert not store.sink().is_current(source())
    assert not store.sink().is_current(source(files="f2"))
    feed(store.sink(), source(run="r3"))
    assert [row["id"] for row in store.read_nodes("Sector").to_pylist()] == ["energy"]


def test_label_of_an_interrupted_load_goes(store: Store) -> None:
    feed(store.sink(), source())
    wider = replace(SCHEMA, nodes={**SCHEMA.nodes, "Branch": NodeSchema("Branch")})
    feed(store.sink(), source(schema=wider, files="f2"), {**NODES, "Branch": [{"id": "b1"}]}, finish=False)
    feed(store.sink(), source(run="r3"))
    assert store.query("MATCH (n:Branch) RETURN count(n) AS c").rows == [(0,)]


def test_row_lives_while_any_source_claims_it(store: Store) -> None:
    feed(store.sink(), source())
    crm = source("crm", schema=replace(SCHEMA, series={}))
    counts, _ = feed(store.sink(), crm, {"Customer": CUSTOMERS[:2], "Product": PRODUCTS}, {"BOUGHT": BOUGHT[:1]})
    assert counts["Customer"] == Counts(read=2, unchanged=2)
    assert [one.name for one in store.sources()] == ["bank", "crm"]
    _, removed = feed(store.sink(), source(files="f2"), {}, {})
    assert removed == {"Customer": 1, "BOUGHT": 2, "IN_SECTOR": 1, "Sector": 1}
    assert {row["id"]: row["sources"] for row in content(store)["Customer"]} == {"c1": ["crm"], "c2": ["crm"]}
    assert list(by_key(store.read_edges("BOUGHT").to_pylist())) == ["t1"]


def test_gap_says_nothing_about_what_another_source_brought(store: Store) -> None:
    feed(store.sink(), source())
    crm = source("crm", run="r2", schema=replace(SCHEMA, series={}))
    products = [{"id": "p1", "fee": 2.0}, {"id": "p2"}]
    counts, _ = feed(store.sink(), crm, {"Product": products, "Customer": CUSTOMERS}, {"BOUGHT": []})
    assert counts["Product"] == Counts(read=2, changed=1, unchanged=1)
    assert content(store)["Product"] == [
        {**PRODUCTS[0], "fee": 2.0, "sources": ["bank", "crm"]},
        {**PRODUCTS[1], "known_at": None, "sources": ["bank", "crm"]},
    ]


def test_rejected_load_writes_nothing(store: Store) -> None:
    feed(store.sink(), source())
    sink = store.sink()
    sink.begin(source(files="f2"))
    sink.known_ids("Customer")
    assert store.sink().is_current(source())


@pytest.mark.slow
def test_node_outlives_its_source_while_an_edge_needs_it(store: Store) -> None:
    feed(store.sink(), source())
    crm = source("crm", schema=replace(SCHEMA, series={}))
    viewed = {"VIEWED": [{"source": "c3", "target": "p2", "key": ""}]}
    feed(store.sink(), crm, {"Customer": [CUSTOMERS[2]]}, viewed)
    feed(store.sink(), source(files="f2"), {}, {})
    assert [row["id"] for row in store.read_nodes("Product").to_pylist()] == ["p2"]
    feed(store.sink(), replace(crm, files_hash="f2"), {"Customer": [CUSTOMERS[2]]}, {})
    assert store.read_nodes("Product").num_rows == 0


@pytest.mark.parametrize("kind", ["store", "memory"])
def test_series_of_increments_and_of_several_sources(store: Store, kind: str) -> None:
    memory = MemorySink()
    prices = [("p1", 0, 1.0), ("p1", 1, 2.0), ("p2", 0, 9.0)]
    loads = [
        ("bank", True, prices),
        ("bank", False, [("p1", 1, 3.0), ("p1", 2, 4.0)]),
        ("agency", True, [("p2", 0, 8.0)]),
    ]
    for name, full, rows in loads:
        sink = store.sink() if kind == "store" else memory
        sink.begin(source(name, full=full))
        days = [{"id": one, "at": NOON + timedelta(days=day), "close": close} for one, day, close in rows]
        sink.add_series("price", pa.Table.from_pylist(days, series_fields(SCHEMA.series["price"])).to_reader())
        sink.finish(None)
    tables = store.read_series("price").by_id() if kind == "store" else [memory.series["price"]]
    found = [row for table in tables for row in table.to_pylist()]
    expected = [("p1", 0, 1.0), ("p1", 1, 3.0), ("p1", 2, 4.0), ("p2", 0, 8.0)]
    assert sorted((row["id"], (row["at"] - NOON).days, row["close"]) for row in found) == expected


def test_known_ids(store: Store) -> None:
    feed(store.sink(), source())
    increment = store.sink()
    increment.begin(source(full=False))
    assert increment.known_ids("Customer").to_pylist() == ["c1", "c2", "c3"]
    full = store.sink()
    full.begin(source())
    assert full.known_ids("Customer").to_pylist() == [], "what only this source brought may go"
    other = store.sink()
    other.begin(source("crm"))
    assert other.known_ids("Sector").to_pylist() == ["energy"]


def test_split_pairs(store: Store) -> None:
    feed(store.sink(), source())
    assert store.read_splits() == {}
    feed(store.sink(), source(files="f2"), split={"test": [("c1", "p1"), ("c2", "p2")], "valid": []})
    split = store.read_splits()["bank"]
    assert split["test"].to_pylist() == [{"user": "c1", "product": "p1"}, {"user": "c2", "product": "p2"}]
    assert split["valid"].num_rows == 0
    feed(store.sink(), source(full=False, files="f3"), {}, {}, split={"test": [("c3", "p1"), ("c1", "p1")]})
    assert store.read_splits()["bank"]["test"].num_rows == 3
    feed(store.sink(), source(files="f4"))
    assert store.read_splits() == {}


def test_many_split_pairs_are_chunked(store: Store) -> None:
    pairs = [(f"c{number}", "p1") for number in range(20_001)]
    feed(store.sink(), source(), split={"test": pairs})
    assert store.read_splits()["bank"]["test"].num_rows == 20_001
    assert store.query("MATCH (c:GraphrecSplit) RETURN count(c) AS c").rows == [(3,)]


def test_odd_names_and_values_are_data(store: Store) -> None:
    label, edge_type, column = "Kun`de \"x\" 'y'", "KENNT`]->() DETACH DELETE x //", "n`ame\\"
    schema = GraphSchema(
        roles=replace(SCHEMA.roles, user=label, product=label, interactions=(edge_type,), relevant=(edge_type,)),
        nodes={label: NodeSchema(label, (Column(column, "text"),))},
        edges={edge_type: EdgeSchema(edge_type, label, label)},
    )
    odd = ["a\0b", "'); MATCH (n) DETACH DELETE n //", "`", '"', "日本 \U0001f600", "", " ", "null", "1E10", "\\u0041"]
    rows = [{"id": value, column: value} for value in odd]
    edges = [{"source": value, "target": odd[0], "key": value} for value in odd]
    for files in ("f1", "f2"):
        feed(store.sink(), source("so'urce`", schema=schema, files=files), {label: rows}, {edge_type: edges})
        found = {row["id"]: row[column] for row in store.read_nodes(label).to_pylist()}
        assert found == {value: value for value in odd}
        assert {row["key"]: row["source"] for row in store.read_edges(edge_type).to_pylist()} == {v: v for v in odd}
    counts, _ = feed(store.sink(), source("so'urce`", schema=schema, files="f3"), {label: rows}, {edge_type: edges})
    assert {name: one.unchanged for name, one in counts.items()} == {label: 10, edge_type: 10}


def test_numbers_come_back_exactly(store: Store) -> None:
    values = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, float("inf"), float("nan"), -0.0, 2.0]
    rows = [{"id": f"p{position}", "fee": value} for position, value in enumerate(values)]
    customers = [{"id": "c1", "age": 2**62 + 1}, {"id": "c2", "age": -(2**63)}]
    for files in ("f1", "f2"):
        counts, _ = feed(store.sink(), source(files=files), {"Product": rows, "Customer": customers}, {})
        found = {row["id"]: row["fee"] for row in store.read_nodes("Product").to_pylist()}
        assert [repr(found[f"p{position}"]) for position in range(len(values))] == [repr(value) for value in values]
        assert {row["age"] for row in store.read_nodes("Customer").to_pylist()} == {2**62 + 1, -(2**63)}
    assert counts["Product"] == Counts(read=7, unchanged=7)


def test_column_that_changes_its_kind(store: Store) -> None:
    feed(store.sink(), source())
    nodes = {**SCHEMA.nodes, "Customer": NodeSchema("Customer", (Column("age", "text"),))}
    changed = source(schema=replace(SCHEMA, nodes=nodes), files="f2")
    feed(store.sink(), changed, {**NODES, "Customer": [{"id": "c1", "age": "forty"}]}, finish=False)
    with pytest.raises(StoreError, match="property age of the store holds what is no int64: a load was interrupted"):
        store.read_nodes("Customer")
    counts, _ = feed(store.sink(), source(run="r3"))
    assert counts["Customer"] == Counts(read=3, changed=3)
    assert {row["id"]: row["age"] for row in store.read_nodes("Customer").to_pylist()} == {
        "c1": 40,
        "c2": None,
        "c3": 3,
    }


def test_two_sources_must_fit(store: Store) -> None:
    feed(store.sink(), source())
    other = replace(SCHEMA, roles=replace(SCHEMA.roles, user="Sector"))
    with pytest.raises(SourceError, match="two mappings in one home give different roles"):
        store.sink().begin(source("crm", schema=other))
    feed(store.sink(), source(schema=other, files="f2"))
    assert store.read_schema().roles.user == "Sector", "one source may change its mind"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            replace(SCHEMA, nodes={**SCHEMA.nodes, "GraphrecThing": NodeSchema("GraphrecThing")}),
            "label GraphrecThing: names that begin with Graphrec are the store's own; rename it",
        ),
        (
            replace(SCHEMA, nodes={**SCHEMA.nodes, "VIEWED": NodeSchema("VIEWED")}),
            "VIEWED is a label and an edge type at once; rename one of them",
        ),
    ],
)
def test_names_the_store_cannot_take(store: Store, schema: GraphSchema, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        store.sink().begin(source(schema=schema))


def test_queries_are_read_only(store: Store) -> None:
    feed(store.sink(), source())
    with pytest.raises(QueryError, match="the statement writes, and the query is read-only; repeat it with --write"):
        store.query("MATCH (n:Sector) SET n.name = 'x' RETURN n.id")
    assert store.write("MATCH (n:Sector) SET n.name = 'x' RETURN n.id AS id").rows == [("energy",)]


def test_answers_have_columns_even_without_rows(store: Store) -> None:
    feed(store.sink(), source())
    empty = store.query(
        "MATCH (n:Sector {id: 'none'}) RETURN n.id AS id, count(*) AS `how many`, [1, 2] ORDER BY id LIMIT 3"
    )
    assert (empty.columns, empty.rows) == (("id", "how many", "[1, 2]"), [])
    assert store.query("MATCH (n:Customer {id: 'c1'}) RETURN n.age, n.id AS id").records() == [
        {"n.age": 40, "id": "c1"}
    ]


def test_bad_cypher_says_where(store: Store) -> None:
    feed(store.sink(), source())
    with pytest.raises(QueryError, match=r"line 1"):
        store.query("MATCH (n:Sector RETURN n.id")


def test_transaction_is_all_or_nothing(store: Store) -> None:
    feed(store.sink(), source())
    new, clash = "CREATE (n:Sector {id: 'steel'})", "CREATE (n:Sector {id: 'energy'})"
    with pytest.raises(StoreError, match="energy"):
        store.transaction([Statement(new), Statement(clash)])
    assert store.read_nodes("Sector").num_rows == 1


def test_write_in_batches(store: Store) -> None:
    feed(store.sink(), source())
    rows = [{"id": f"s{number}"} for number in range(25)]
    store.write("UNWIND $rows AS row CREATE (n:Sector {id: row.id, size: $size})", {"size": len(rows)}, rows, 10)
    assert store.query("MATCH (n:Sector) WHERE n.size = 25 RETURN count(n) AS c").rows == [(25,)]


def test_named_queries_know_the_roles(store: Store) -> None:
    feed(store.sink(), source())
    assert store.query("read/sources").columns == ("name", "run", "files_hash", "schema", "touched", "unfinished")


def test_search(store: Store) -> None:
    feed(store.sink(), source())
    text = store.create_index(Index("Product", "name"))
    assert store.create_index(Index("Product", "name")) == text
    assert [hit.id for hit in store.search(text, "FUND", 5)] == ["p1"]
    assert store.search(text, 'a+b "(', 5) == []
    vector = store.create_index(Index("Product", "vector", dimensions=2))
    store.write("MATCH (n:Product {id: 'p1'}) SET n.vector = $v", {"v": [1.0, 0.0]})
    store.write("MATCH (n:Product {id: 'p2'}) SET n.vector = $v", {"v": [0.0, 1.0]})
    hits = store.search(vector, [1.0, 0.0], 2)
    assert [hit.id for hit in hits] == ["p1", "p2"]
    assert hits[0].score == pytest.approx(1.0)


def test_info(store: Store) -> None:
    assert (store.info().nodes, store.info().edges, store.info().sources) == ({}, {}, ())
    feed(store.sink(), source())
    info = store.info()
    assert info.nodes == {"Customer": 3, "Product": 2, "Sector": 1}
    assert {name: count for name, count in info.edges.items() if count} == {"BOUGHT": 3, "IN_SECTOR": 1}
    assert info.sources == ("bank",)


def test_empty_store_says_what_to_do(store: Store) -> None:
    with pytest.raises(StoreError, match="next: graphrec load MAPPING"):
        store.read_schema()
    assert store.sources() == ()
    assert not store.sink().is_current(source())


def test_times_are_utc_text_with_microseconds(store: Store) -> None:
    assert datetime(2024, 1, 31, 12, 0, 0, 5, UTC) == NOON
    feed(store.sink(), source())
    assert store.query("MATCH (p:Product {id: 'p1'}) RETURN p.issued AS t").rows == [("2024-01-31T12:00:00.000005Z",)]
    assert IN_SECTOR[0]["key"] == ""
