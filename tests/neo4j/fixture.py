"""A Neo4j server for the tests of one session, and an empty store on it for one test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graphrec.config.settings import StoreLogin
from graphrec.store.neo4j.driver import Neo4jStore
from tests.neo4j.server import Server, Unavailable, prepare

#: Names a server that the tests may empty; without it they start one of their own.
VARIABLE = "GRAPHREC_TEST_NEO4J"


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server of this session's own; where there can be none, a skip with the reason, in CI a failure."""
    try:
        server = prepare(tmp_path_factory.mktemp("neo4j"), is_brief=True).start()
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Neo4j server in CI: {reason}")
        pytest.skip(f"skipped: no Neo4j server: {reason}; or set {VARIABLE}, NEO4J_USERNAME and NEO4J_PASSWORD")
    yield server
    server.remove()


@pytest.fixture(scope="session")
def neo4j_login(request: pytest.FixtureRequest) -> tuple[str, StoreLogin]:
    """Address and login of the server of this session, or of the empty one that GRAPHREC_TEST_NEO4J names."""
    named = os.environ.get(VARIABLE)
    if named:
        login = StoreLogin.from_environment()
        with Neo4jStore(named, Path(), login) as store:
            if store.query("MATCH (n) RETURN count(n)").rows != [(0,)]:
                pytest.fail(f"{VARIABLE} names {named}, which is not empty; the tests would remove what is in it")
        return named, login
    server: Server = request.getfixturevalue("neo4j_server")
    return server.uri, StoreLogin(server.username, server.password)


@pytest.fixture
def neo4j_store(neo4j_login: tuple[str, StoreLogin], tmp_path: Path) -> Iterator[Callable[[], Neo4jStore]]:
    """A function that opens the server's store, empty at first; all of them are closed in the end."""
    uri, login = neo4j_login
    opened: list[Neo4jStore] = []

    def open_one() -> Neo4jStore:
        opened.append(Neo4jStore(uri, tmp_path / "series", login))
        return opened[-1]

    clean = open_one()
    clean.write("MATCH (n) DETACH DELETE n")
    yield open_one
    for store in opened:
        store.close()
    with Neo4jStore(uri, tmp_path, login) as last:
        last.write("MATCH (n) DETACH DELETE n")
