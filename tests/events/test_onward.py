"""A server has events at once, once, and as the next load brings them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.data.onward import write_on
from graphrec.app.jobs import AskQuery, Load, TakeSnapshot
from graphrec.app.requests import SendEvent
from graphrec.config.settings import Settings, StoreLogin
from graphrec.events.log import ONWARD
from graphrec.service.measures import Measures
from graphrec.store.neo4j.driver import Neo4jStore
from tests.events.conftest import TODAY, purchases, write_files

EDGES = 'MATCH (:Customer {id: "c00"})-[b:BOUGHT]->(p) WHERE "event log" IN b.sources RETURN b.key, p.id, b.weight'
RISK = 'MATCH (c:Customer {id: "c00"}) RETURN c.risk AS risk'


@pytest.fixture
def server(shop: Path, neo4j_login: tuple[str, StoreLogin], tmp_path: Path) -> Iterator[Bank]:
    """The bank with its files on a server."""
    uri, login = neo4j_login
    with Neo4jStore(uri, tmp_path, login) as store:
        store.write("MATCH (n) DETACH DELETE n")
        bank = Bank(Settings(home=shop / "home", today=TODAY, store=uri, login=login))
        bank.load(Load(str(shop / "files" / "shop.toml")))
        yield bank
        store.write("MATCH (n) DETACH DELETE n")


def sent(bank: Bank, *events: dict[str, Any]) -> None:
    accept(bank, [{"user": "c00", "at": "2025-06-01T09:00:00Z", **event} for event in events])
    assert bank.onward.wait() is None


def rows(bank: Bank, query: str) -> set[tuple[object, ...]]:
    return {tuple(row) for row in bank.query(AskQuery(query)).rows}


@pytest.mark.slow
def test_cypher_on_a_server_sees_events_at_once_and_a_load_takes_them_over(server: Bank, shop: Path) -> None:
    trade = next(row for row in purchases() if row[0] == "c00")
    sent(
        server,
        {"id": "e1", "type": "bought", "product": "p0", "key": "T1", "quantity": 7},
        {"id": "e2", "type": "bought", "product": trade[1], "key": trade[2], "quantity": 1},
        {"id": "e3", "type": "advised", "set": {"risk": 2}},
    )
    assert rows(server, EDGES) == {("T1", "p0", 7.0)}, "the trade of the files stays theirs"
    assert rows(server, RISK) == {(2,)}
    sent(
        server,
        {"id": "e4", "type": "bought", "product": "p2"},
        {"id": "e5", "type": "advised", "set": {"risk": 1}, "at": "2025-05-31T09:00:00Z"},
    )
    live = {("T1", "p0", 7.0), ("event:e4", "p2", None)}
    assert (rows(server, EDGES), rows(server, RISK)) == (live, {(2,)}), "what was on its way changes no later value"
    assert server.events.log.noted(f"{ONWARD}{server.settings.store}") == "5"
    assert f'graphrec_store_lag{{store="{server.settings.store}"}} 0.0' in Measures().text(server.events.log).decode()
    # The account of the store is right, so that it can be read whole; and the next load brings the same.
    assert server.take_snapshot(TakeSnapshot()).snapshot.meta.edges["BOUGHT"] == len(purchases()) + 2
    done = server.load(Load(str(shop / "files" / "shop.toml")))
    assert done.events == {"written": 4, "superseded": 1, "waiting": 0}
    assert (rows(server, EDGES), rows(server, RISK)) == (live, {(2,)})
    write_files(shop / "files", [*purchases(), ("c00", "p0", "T1", "2025-05-30", "100")])
    assert server.load(Load(str(shop / "files" / "shop.toml"))).events == {
        "written": 1, "superseded": 4, "waiting": 0,
    }  # fmt: skip
    assert rows(server, EDGES) == {("event:e4", "p2", None)}
    server.events.log.note(f"{ONWARD}{server.settings.store}", "0")
    write_on(server)
    assert rows(server, EDGES) == {("event:e4", "p2", None)}, "written again, counted once"


def test_a_server_that_is_not_there_costs_no_event(shop: Path) -> None:
    told: list[str] = []
    settings = Settings(home=shop / "home", today=TODAY, store="bolt://127.0.0.1:9")
    bank = Bank(settings, on_note=told.append)
    assert bank.send_event(SendEvent("c00", "viewed", "p1")).accepted == 1
    (note,) = told
    assert note.startswith("kept, and not in the store yet: ")
    assert bank.events.log.last() == 1
    assert bank.events.log.noted(f"{ONWARD}{settings.store}") is None
