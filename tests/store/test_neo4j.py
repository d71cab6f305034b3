"""What only a server brings with it: logins, versions, other loads, writers beside each other, a server that dies."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import LiteralString
from unittest import mock

import pytest
from neo4j import ManagedTransaction
from neo4j.exceptions import Forbidden, Neo4jError

from graphrec.config.settings import StoreLogin
from graphrec.errors import NotAuthorised, QueryError, SchemaOutdated, StoreError, Unreachable
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Part
from graphrec.store import open_store
from graphrec.store.neo4j import driver as neo4j_module
from graphrec.store.neo4j import parallel
from graphrec.store.neo4j.driver import Neo4jStore, check_version
from graphrec.store.read import snapshot_inputs

from . import killed
from .feed import SCHEMA, content, content_hash, feed, source

Login = tuple[str, StoreLogin]
Open = Callable[[], Neo4jStore]


def test_nothing_answers(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"^no Neo4j server answers at bolt://127\.0\.0\.1:1: .*check the address"):
        Neo4jStore("bolt://127.0.0.1:1", tmp_path, StoreLogin(password="x"))


def test_wrong_password(neo4j_login: Login, tmp_path: Path) -> None:
    uri, login = neo4j_login
    with pytest.raises(NotAuthorised) as caught:
        Neo4jStore(uri, tmp_path, replace(login, password="secret-and-wrong"))
    message = str(caught.value)
    assert message.startswith(f"{uri} refuses the login of neo4j: ")
    assert message.endswith("; check NEO4J_USERNAME and NEO4J_PASSWORD")
    assert "secret-and-wrong" not in message


def test_the_login_is_handed_down(neo4j_login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings read the environment, the store does not."""
    uri, login = neo4j_login
    with pytest.raises(NotAuthorised, match="set NEO4J_PASSWORD$"):
        open_store(uri, tmp_path / "store")
    with open_store(uri, tmp_path / "store", login) as store:
        assert store.info().kind == "neo4j"
        assert store.info().version.startswith("Neo4j 5.")


def test_unknown_database(neo4j_login: Login, tmp_path: Path) -> None:
    uri, login = neo4j_login
    with pytest.raises(StoreError, match=f"^{uri} has no database nowhere: .*; check NEO4J_DATABASE$"):
        Neo4jStore(uri, tmp_path, replace(login, database="nowhere"))


def test_server_without_tls(neo4j_login: Login, tmp_path: Path) -> None:
    uri, login = neo4j_login
    with pytest.raises(
        Unreachable,
        match=r"may not speak TLS, or its certificate is not trusted: try the address without \+s, or \+ssc$",
    ):
        Neo4jStore(uri.replace("neo4j://", "bolt+s://"), tmp_path, login)


@pytest.mark.parametrize("agent", ["Neo4j/4.4.38", "Neo4j/5.13.0", "Memgraph/2.0"])
def test_old_server(agent: str) -> None:
    with pytest.raises(StoreError, match=f"^bolt://x is {agent}; want Neo4j 5.26 or newer"):
        check_version(agent, "bolt://x")


@pytest.mark.parametrize("agent", ["Neo4j/5.26.30", "Neo4j/2025.09.0", "Neo4j/6.0.1"])
def test_new_server(agent: str) -> None:
    check_version(agent, "bolt://x")


def test_missing_right() -> None:
    error = Neo4jError._hydrate_neo4j(  # as the driver makes it of a server's answer
        code="Neo.ClientError.Security.Forbidden", message="Create node with labels 'A' is not allowed for user 'ann'"
    )
    assert isinstance(error, Forbidden)
    ours = neo4j_module._ours(error, "neo4j://x", StoreLogin("ann", "p"))
    assert isinstance(ours, NotAuthorised)
    assert str(ours).startswith("ann may not do this at neo4j://x: Create node with labels 'A' is not allowed")


def test_syntax_error_is_one_line(neo4j_store: Open) -> None:
    with pytest.raises(QueryError, match=r"^Invalid input 'RETURN'.*\(line 1, column 17 \(offset: 16\)\)$"):
        neo4j_store().query("MATCH (n:Sector RETURN n.id")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (n:Sector {id: 'x'}) RETURN n",
        "CREATE INDEX FOR (n:Sector) ON (n.name)",
        "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS",
        "CALL db.createLabel('X')",
        "RETURN 1 AS `CREATE` UNION MATCH (n) SET n.x = 1 RETURN 1 AS `CREATE`",
    ],
)
def test_reading_is_held_by_the_server(neo4j_store: Open, statement: LiteralString) -> None:
    store = neo4j_store()
    with pytest.raises(StoreError):
        store.query(statement)
    assert store.query("MATCH (n) RETURN count(n)").rows == [(0,)]


def test_words_that_sound_like_writing_are_no_writing(neo4j_store: Open) -> None:
    assert neo4j_store().query("RETURN 'DELETE' AS `SET`").records() == [{"SET": "DELETE"}]


def test_nodes_edges_and_times_of_a_persons_statement_are_plain(neo4j_store: Open) -> None:
    store = neo4j_store()
    store.write("CREATE (:Sector {id: 'a', day: date('2024-01-31')})-[:NEAR {key: ''}]->(:Sector {id: 'b'})")
    answer = store.query("MATCH p = (a:Sector)-[r:NEAR]->(b:Sector) RETURN a, r, p, [b] AS list, {b: b} AS map")
    a, b = {"id": "a", "day": "2024-01-31"}, {"id": "b"}
    assert answer.rows == [(a, {"key": ""}, [a, b], [b], {"b": b})]


def test_transient_errors_are_tried_again_and_others_get_their_turn(neo4j_store: Open) -> None:
    store = neo4j_store()
    calls: list[int] = []

    def work(transaction: ManagedTransaction) -> str:
        calls.append(len(calls))
        transaction.run("CREATE (:Sector {id: $id})", id=f"s{len(calls)}").consume()
        if len(calls) < 3:
            raise Neo4jError._hydrate_neo4j(code="Neo.TransientError.Transaction.DeadlockDetected", message="again")
        return "done"

    with mock.patch.object(neo4j_module, "RETRY_SECONDS", 10.0):
        assert store._managed(work) == "done"
    assert calls == [0, 1, 2]
    assert store.query("MATCH (n:Sector) RETURN n.id").rows == [("s3",)], "what was tried before is rolled back"
    store.write("CREATE (:Sector {id: 'next'})")


def test_one_load_at_a_time(neo4j_store: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_module, "LOCK_SECONDS", 0.5)
    first, second = neo4j_store(), neo4j_store()
    feed(first.sink(), source(), finish=False)
    with pytest.raises(Unreachable, match="another load into .* is going on; wait for it to end and load again"):
        second.sink().begin(source("crm"))
    first.close()
    feed(second.sink(), source(run="r2"))
    assert second.read_nodes("Customer").num_rows == 3


def test_schema_files_are_recorded(neo4j_store: Open) -> None:
    store = neo4j_store()
    feed(store.sink(), source())
    assert [file for file, _ in store.query("read/schema_files").rows] == ["001_ids"]
    names = store.query("SHOW CONSTRAINTS YIELD labelsOrTypes, properties RETURN labelsOrTypes[0], properties").rows
    assert {("Customer", ("id",)), ("Product", ("id",))} <= {(label, tuple(keys)) for label, keys in names}
    store.write("CREATE (:GraphrecSchema {id: '999_new', digest: 'abc'})")
    with pytest.raises(
        SchemaOutdated, match="the store has schema 999_new abc and this graphrec has none of that name"
    ):
        store.read_schema()


def test_every_way_in_gives_the_same_snapshot(neo4j_store: Open, tmp_path: Path) -> None:
    split: dict[Part, list[tuple[str, str]]] = {"test": [("c1", "p1")], "valid": [("c2", "p2")]}
    memory = MemorySink()
    feed(memory, source(), split=split)
    parts = {str(part): pairs for part, pairs in (memory.split or {}).items()}
    hashes = [write_snapshot(tmp_path / "m", memory.schema, memory.nodes, memory.edges, memory.series, parts).hash]
    with open_store(None, tmp_path / "embedded" / "store") as embedded:
        for number, store in enumerate((embedded, neo4j_store())):
            feed(store.sink(), source(), split=split)
            read = snapshot_inputs(store)
            path = tmp_path / str(number)
            hashes.append(write_snapshot(path, read.schema, read.nodes, read.edges, read.series, read.split).hash)
    assert hashes == [hashes[0]] * 3


@pytest.mark.slow
def test_writers_beside_each_other_never_retry(
    neo4j_store: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = neo4j_store()
    with caplog.at_level(logging.WARNING), mock.patch.object(parallel, "MAX_ROWS", 150):
        for name in killed.SIZES:
            killed.feed_bank(store, name)
    assert [record.getMessage() for record in caplog.records if "retried" in record.getMessage()] == []
    with open_store(None, tmp_path / "store") as embedded:
        for name in killed.SIZES:
            killed.feed_bank(embedded, name)
        assert content(store) == content(embedded)


def test_increment_then_full_load_equals_full_load(neo4j_store: Open) -> None:
    store = neo4j_store()
    plain = replace(SCHEMA, series={})
    feed(store.sink(), source(schema=plain))
    expected = content_hash(store)
    feed(store.sink(), source(run="r2", full=False, schema=plain), {"Customer": [{"id": "c9"}]}, {"BOUGHT": []})
    assert content_hash(store) != expected
    feed(store.sink(), source(run="r3", schema=plain))
    assert content_hash(store) == expected
