"""The commands on a Neo4j server: the same answers as on the embedded store, and clear ends."""

from pathlib import Path

import pytest

from graphrec.config.settings import StoreLogin
from graphrec.demo import write_bank
from graphrec.store.neo4j.driver import Neo4jStore
from tests.banks.commands import Commands
from tests.banks.demo import cut_demo_bank


@pytest.fixture
def homes(
    neo4j_login: tuple[str, StoreLogin], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Commands, Commands]:
    """A home on each store; the server is empty."""
    uri, login = neo4j_login
    with Neo4jStore(uri, tmp_path, login) as store:
        store.write("MATCH (n) DETACH DELETE n")
    monkeypatch.setenv("NEO4J_USERNAME", login.username or "neo4j")
    monkeypatch.setenv("NEO4J_PASSWORD", login.password or "")
    return Commands(tmp_path / "embedded"), Commands(tmp_path / "server", "--store", uri)


@pytest.mark.slow
def test_same_answers_from_the_files_on(homes: tuple[Commands, Commands], tmp_path: Path) -> None:
    write_bank(tmp_path / "bank", size="S")
    cut_demo_bank(tmp_path / "bank")
    answers = []
    for home in homes:
        loaded = home.json("load", "demo", "--data", str(tmp_path / "bank"))
        again = home.run("load", "demo", "--data", str(tmp_path / "bank")).stdout
        assert again == "nothing to do: the files are those of the last full load\n"
        snapshot = home.json("snapshot")
        popular = home.json("query", "popular", "--param", "k=5")
        alike = home.json("query", "most_alike", "--param", "user=C000016")
        plain = home.json("query", "MATCH (s:Sector) RETURN s.id AS id ORDER BY id LIMIT 3")
        counts = {part: loaded[part] for part in ("nodes", "edges")}
        answers.append((counts, snapshot["hash"], snapshot["nodes"], snapshot["edges"], popular, alike, plain))
    assert answers[0] == answers[1]


def test_reading_is_read_only_unless_said(homes: tuple[Commands, Commands]) -> None:
    _, server = homes
    refused = server.run("query", "CREATE (n:Sector {id: 'x'}) RETURN n.id AS id", code=4)
    assert refused.stderr == "error: the statement writes, and the query is read-only; repeat it with --write\n"
    assert server.json("query", "CREATE (n:Sector {id: 'x'}) RETURN n.id AS id", "--write")["rows"] == [["x"]]
    bad = server.run("query", "MATCH (n:Sector RETURN n", code=4).stderr
    assert bad.startswith("error: Invalid input 'RETURN'")
    assert bad.endswith("(line 1, column 17 (offset: 16))\n")
    assert bad.count("\n") == 1


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = Commands(tmp_path, "--store", "bolt://127.0.0.1:1").run("query", "RETURN 1 AS one", code=4)
    assert done.stderr.startswith("error: no Neo4j server answers at bolt://127.0.0.1:1: ")
    assert done.stderr.count("\n") == 1
