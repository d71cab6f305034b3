"""Lists and vectors written back into either store: new ones in, old ones out, and a later load takes care of them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from graphrec import queries
from graphrec.errors import StoreError
from graphrec.graph.rows import Source
from graphrec.schema import EdgeSchema, GraphSchema
from graphrec.serving.engine import Engine
from graphrec.store import open_store
from graphrec.store.base import Result, Store
from tests.banks import SCHEMA, small_bank
from tests.served import write_back


def load(store: Store, schema: GraphSchema = SCHEMA, files: str = "f1", *, without: str = "") -> None:
    """Load the small bank, or all of it but one customer."""
    nodes, edges = small_bank()
    sink = store.sink()
    sink.begin(Source("bank", "r1", True, schema, files))
    for label, rows in nodes.items():
        sink.add_nodes(label, rows.filter([one != without for one in rows["id"].to_pylist()]))
    for edge_type, rows in edges.items():
        sink.add_edges(edge_type, rows.filter([one != without for one in rows["source"].to_pylist()]))
    sink.finish(None)


@pytest.fixture(params=["embedded", "neo4j"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store with the small bank."""
    if request.param == "neo4j":
        opened = request.getfixturevalue("neo4j_store")()
        load(opened)
        yield opened
        return
    with open_store(None, tmp_path / "store") as opened:
        load(opened)
        yield opened


def ask(store: Store, name: str, **given: str) -> Result:
    values = queries.describe(name).values(given)
    return store.query(queries.text(f"analyst/{name}", queries.roles(SCHEMA)), values)


@pytest.mark.slow
def test_lists_are_those_of_recommend(engine: Engine, store: Store) -> None:
    first = write_back(engine, store, 3)
    assert (first.users, first.rows, first.missing, first.without_list, first.removed) == (60, 177, 0, 1, 0)
    again = write_back(engine, store, 2)
    assert (again.rows, again.removed) == (118, 177)
    found = store.query(
        "MATCH (u:Customer)-[r:RECOMMENDED]->(p:Product) "
        "RETURN u.id, p.id, r.rank, r.score, r.reason, r.run, r.model, r.as_of, r.reasons, "
        "r.confidence, r.warnings ORDER BY u.id, r.rank"
    ).rows
    expected = [(user, item) for user in engine.users.ids for item in engine.recommend(user, 2).items]
    assert [row[:5] for row in found] == [
        (user, item.product, item.rank, item.score, item.reasons[0].text) for user, item in expected
    ]
    answer = engine.recommend("C001", 2)
    assert {row[5:8] for row in found} == {(again.run, answer.model, answer.as_of)}
    reasons = json.loads(found[0][8])
    assert reasons[0]["text"] == found[0][4]
    assert [row[9:] for row in found] == [(item.confidence, "; ".join(item.warnings) or None) for _, item in expected]
    assert reasons[0]["share"] == pytest.approx(expected[0][1].reasons[0].share)
    assert reasons[0]["cypher"] is None or reasons[0]["cypher"].startswith("MATCH")


def test_a_person_s_own_recommendation_stays(engine: Engine, store: Store) -> None:
    store.write("MATCH (u:Customer {id: 'C001'}), (p:Product {id: 'P03'}) CREATE (u)-[:RECOMMENDED {by: 'Ada'}]->(p)")
    write_back(engine, store, 1)
    assert write_back(engine, store, 1).removed == 59
    found = store.query("MATCH (:Customer)-[r:RECOMMENDED]->(:Product) WHERE r.by = 'Ada' RETURN count(r)").rows
    assert found == [(1,)]


@pytest.mark.slow
def test_who_should_hear_and_what_is_stale(engine: Engine, store: Store) -> None:
    assert ask(store, "call_list", product="P03").rows == []
    assert ask(store, "stale_recommendations", before="2999-01-01").rows == []
    write_back(engine, store, 3)
    expected = sorted(
        (item.rank, -item.score, user, item.reasons[0].text)
        for user in engine.users.ids
        for item in engine.recommend(user, 3).items
        if item.product == "P03" and item.rank in (1, 2)
    )
    found = ask(store, "call_list", product="P03", rank="2").records()
    assert [(row["rank"], -row["score"], row["user"], row["reason"]) for row in found] == expected
    assert len(ask(store, "stale_recommendations", before="2999-01-01", k="1000").rows) == 177
    assert ask(store, "stale_recommendations", before="2000-01-01").rows == []
    user, product = store.query("MATCH (u:Customer)-[r:RECOMMENDED]->(p:Product) RETURN u.id, p.id LIMIT 1").rows[0]
    pair = {"user": user, "product": product}
    store.write("MATCH (u:Customer {id: $user}), (p:Product {id: $product}) CREATE (u)-[:BOUGHT {key: 'x'}]->(p)", pair)
    assert [row[:2] + row[4:] for row in ask(store, "stale_recommendations", before="2000-01-01").rows] == [
        (user, product, True)
    ]


def test_graph_vectors_are_searched(engine: Engine, store: Store) -> None:
    report = write_back(engine, store, 1)
    assert report.vectors == {"graph_vector": 20}
    vector = store.query("MATCH (p:Product {id: 'P07'}) RETURN p.graph_vector").rows[0][0]
    hits = store.search(report.indexes["graph_vector"], vector, 3)
    assert hits[0].id == "P07"
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)


@pytest.mark.slow
def test_a_customer_who_leaves_takes_the_recommendations_along(engine: Engine, store: Store) -> None:
    write_back(engine, store, 2)
    load(store, files="f2", without="C001")
    assert store.query("MATCH (u:Customer {id: 'C001'}) RETURN count(u)").rows == [(0,)]
    assert store.query("MATCH (:Customer)-[r:RECOMMENDED]->(:Product) RETURN count(r)").rows == [(116,)]
    assert write_back(engine, store, 2).missing == 2


def test_names_of_a_mapping_are_left_alone(engine: Engine, store: Store) -> None:
    edges = {**SCHEMA.edges, "RECOMMENDED": EdgeSchema("RECOMMENDED", "Customer", "Product")}
    load(store, replace(SCHEMA, edges=edges), "f2")
    with pytest.raises(
        StoreError, match="edge type RECOMMENDED belongs to a mapping, and the export writes it; rename"
    ):
        write_back(engine, store, 1)
