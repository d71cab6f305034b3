"""Kill -9 of the client or the server in the middle of a load: load again, and all is as after an undisturbed load."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import LiteralString

import pytest

from graphrec.config.settings import StoreLogin
from graphrec.errors import Unreachable
from graphrec.store import open_store
from graphrec.store.neo4j import driver as neo4j
from graphrec.store.neo4j.driver import Neo4jStore
from tests.neo4j.server import Server

from .feed import content_hash
from .killed import feed_bank
from .killed_server import load
from .test_killed import KILLS, check_served

COUNT = "MATCH (:Customer)-[r:BOUGHT]->(:Product) RETURN count(r)"
LAST = "MATCH (:Customer)-[r:BOUGHT {run: 'second'}]->(:Product) RETURN count(r)"


def start(server: Server, folder: Path, name: str) -> subprocess.Popen[bytes]:
    """A process that loads."""
    command = [sys.executable, "-m", "tests.store.killed_server", server.uri, str(folder), name]
    return subprocess.Popen(command, env={**os.environ, **server.environment}, stderr=subprocess.DEVNULL)


def wait_for(store: Neo4jStore, statement: LiteralString, least: int) -> None:
    """Return when the load is in its middle."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if store.query(statement).rows[0][0] >= least:
            return
        time.sleep(0.02)
    pytest.fail("the load never came to its middle")


@pytest.mark.slow
def test_same_content_after_kills(neo4j_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j, "RETRY_SECONDS", 1.0)
    login = StoreLogin(neo4j_server.username, neo4j_server.password)
    expected = {}
    with open_store(None, tmp_path / "store") as undisturbed:
        for name in ("first", "second"):
            feed_bank(undisturbed, name)
            expected[name] = content_hash(undisturbed)
    with Neo4jStore(neo4j_server.uri, tmp_path, login) as store:
        store.write("MATCH (n) DETACH DELETE n")

        with start(neo4j_server, tmp_path, "first") as client:
            wait_for(store, COUNT, 250)
            client.kill()
        assert 250 <= store.query(COUNT).rows[0][0] < 3_000, "killed in its middle"
        assert [one.schema for one in store.sources()] == [None], "nothing to see before a first load is complete"
        load(store, "first")
        assert content_hash(store) == expected["first"]

        check_served(store, is_whole=True)
        for number in range(KILLS):
            with start(neo4j_server, tmp_path, "second") as client:
                wait_for(store, "MATCH (s:GraphrecSource) RETURN count(s.unfinished[0])", 1)
                time.sleep(0.05 * number)
                client.kill()
            check_served(store, is_whole=store.sources()[0].run == "second" and not store.sources()[0].unfinished)

        with start(neo4j_server, tmp_path, "second") as client:
            wait_for(store, LAST, 150)
            neo4j_server.kill()
            assert client.wait() != 0
        with pytest.raises(Unreachable, match="no Neo4j server answers"):
            store.query(COUNT)
    neo4j_server.start()
    with Neo4jStore(neo4j_server.uri, tmp_path, login) as store:
        assert store.sources()[0].files_hash == "", "half way is marked as such"
        load(store, "second")
        assert content_hash(store) == expected["second"]
        check_served(store, is_whole=True)
        store.write("MATCH (n) DETACH DELETE n")
