"""graphrec snapshot, find and query on the tiny bank."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.graph.folders.snapshot import Snapshot

TINY = Path(__file__).resolve().parent.parent / "data" / "tiny_bank"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the tiny bank in its store and a snapshot."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    bank = str(TINY / "bank.toml")
    for words in (["load", bank, "--data", str(TINY), "--max-rejected", "10"], ["snapshot"]):
        done = CliRunner().invoke(app, ["--home", str(home), *words])
        assert done.exit_code == 0, done.output
    return home


@pytest.fixture
def home(loaded: Path, tmp_path: Path) -> Path:
    """A copy of that home, to change."""
    shutil.copytree(loaded, tmp_path / "home")
    return tmp_path / "home"


def run(home: Path, *words: str, code: int = 0) -> tuple[str, str]:
    """What a command prints on standard output and on standard error."""
    done = CliRunner().invoke(app, ["--home", str(home), *words])
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def answer(home: Path, *words: str) -> Any:
    """The JSON object that a command prints."""
    return json.loads(run(home, *words, "--json")[0])


def test_snapshot_says_where_and_what(loaded: Path) -> None:
    found = answer(loaded, "snapshot")
    assert list(found) == ["path", "hash", "as_of", "nodes", "edges", "anonymity", "notes", "seconds"]
    snapshot = Snapshot.open(Path(found["path"]))
    assert (found["hash"], found["as_of"]) == (snapshot.hash, None)
    assert found["nodes"] == snapshot.meta.nodes
    assert found["edges"] == snapshot.meta.edges
    assert sum(found["nodes"].values()) > 0
    text, _ = run(loaded, "snapshot")
    assert text.startswith(f"{snapshot.folder}: {sum(found['nodes'].values())} nodes, ")
    assert f"hash {snapshot.hash[:16]}, " in text


@pytest.mark.slow
def test_snapshot_from_a_mapping_is_the_same(loaded: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "bank.toml"
    mapping.write_text((TINY / "bank.toml").read_text("utf-8"), "utf-8")
    stored = answer(loaded, "snapshot")
    words = ("snapshot", "--from", str(mapping), "--data", str(TINY), "--max-rejected", "10")
    assert answer(tmp_path / "home", *words)["hash"] == stored["hash"]


@pytest.mark.slow
def test_snapshot_as_of_a_date(loaded: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(loaded, home)
    past = answer(home, "snapshot", "--as-of", "2000-01-01")
    assert past["as_of"] == "2000-01-01T00:00:00+00:00"
    assert "as of 2000-01-01T00:00:00+00:00, hash" in run(home, "snapshot", "--as-of", "2000-01-01T00:00:00Z")[0]
    assert past["hash"] != answer(home, "snapshot")["hash"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--as-of", "31/02/2024"), 2, "--as-of 31/02/2024 is no date; want YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS"),
        (("--data", "x"), 2, "--data x goes with --from MAPPING; without it the store is read"),
        ((), 4, "nothing is loaded into the store yet; next: graphrec load MAPPING, or graphrec demo"),
    ],
)
def test_snapshot_that_cannot_be(tmp_path: Path, words: tuple[str, ...], code: int, message: str) -> None:
    assert message in run(tmp_path / "home", "snapshot", *words, code=code)[1]


def test_find(loaded: Path) -> None:
    found = answer(loaded, "find", "fund")
    assert list(found) == ["query", "users", "products"]
    assert found["query"] == "fund"
    assert all(set(one) == {"id", "name", "score"} for one in found["users"])
    assert found["products"]
    assert all(set(one) == {"id", "name", "kind", "score"} for one in found["products"])
    scores = [one["score"] for one in found["products"]]
    assert scores == sorted(scores, reverse=True)
    exact = found["products"][0]["id"]
    first = answer(loaded, "find", exact.lower(), "-k", "1")["products"]
    assert [(one["id"], one["score"]) for one in first] == [(exact, 1.0)]


def test_find_for_people(loaded: Path) -> None:
    text, _ = run(loaded, "find", "fund")
    assert "score" in text
    assert run(loaded, "find", "zzzz")[0].startswith("nothing found for 'zzzz' among ")


def test_find_without_a_snapshot(tmp_path: Path) -> None:
    assert "there is no home" in run(tmp_path / "home", "find", "x", code=3)[1]


def test_library_is_listed(loaded: Path) -> None:
    found = answer(loaded, "query")["queries"]
    assert all(set(one) == {"name", "question", "parameters"} for one in found)
    popular = next(one for one in found if one["name"] == "popular")
    assert popular["question"] == "Which products do most customers hold?"
    assert popular["parameters"] == [{"name": "k", "kind": "integer", "what": "how many", "default": "20"}]
    assert "popular" in run(loaded, "query")[0]


def test_library_without_a_store(tmp_path: Path) -> None:
    text, notes = run(tmp_path / "home", "query")
    assert "popular" in text
    assert notes.startswith("all queries are listed, whatever the graph has: nothing is loaded")


@pytest.mark.slow
def test_query_by_name(loaded: Path) -> None:
    found = answer(loaded, "query", "popular", "k=2")
    assert (found["name"], found["columns"], len(found["rows"])) == ("popular", ["id", "name", "holders"], 2)
    lines = list(csv.reader(io.StringIO(run(loaded, "query", "popular", "-p", "k=2", "--csv")[0])))
    assert lines == [
        found["columns"],
        *([str(cell) if cell is not None else "" for cell in row] for row in found["rows"]),
    ]
    text, notes = run(loaded, "query", "popular", "-p", "k=2")
    assert "holders" in text
    assert notes == "2 rows\n"


@pytest.mark.slow
def test_query_of_one_s_own(loaded: Path) -> None:
    statement = "UNWIND $list AS x RETURN x, $text AS text, {a: 1} AS map"
    found = answer(loaded, "query", statement, "-p", "list=[1, 2]", "-p", "text=a=b")
    assert found == {
        "name": None,
        "columns": ["x", "text", "map"],
        "rows": [[1, "a=b", {"a": 1}], [2, "a=b", {"a": 1}]],
        "is_cut": False,
        "notes": [],
    }
    assert '1   a=b    {"a": 1}' in run(loaded, "query", statement, "-p", "list=[1]", "-p", "text=a=b")[0]


@pytest.mark.slow
def test_numbers_as_a_person_reads_them(loaded: Path) -> None:
    statement = "RETURN 3.0 / 7 AS part, 12345.678901 AS sum, 2.0 AS whole, 0.00001234 AS little"
    assert run(loaded, "query", statement)[0].splitlines()[2].split() == ["0.4286", "12345.6789", "2", "1.234e-05"]
    assert answer(loaded, "query", statement)["rows"][0][0] == 3 / 7


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("popullar",), 3, "no query popullar; the nearest are: popular"),
        (("popular", "-p", "k"), 2, "parameter k has no value; want name=value"),
        (("most_alike",), 2, "query most_alike needs --param user=…: id of the customer"),
        (("MATCH (n RETURN n",), 4, "line 1:9"),
        (("CREATE (n:Note)",), 4, "the statement writes, and the query is read-only; repeat it with --write"),
    ],
)
def test_query_that_cannot_be(loaded: Path, words: tuple[str, ...], code: int, message: str) -> None:
    assert message in run(loaded, "query", *words, code=code)[1]


@pytest.mark.slow
def test_writing_is_allowed_by_an_option(home: Path) -> None:
    before = answer(home, "snapshot")["hash"]
    assert (home / "serving" / "snapshots" / "origin.json").exists()
    run(home, "query", "MATCH (:Customer)-[r]->(:Product) DELETE r", "--write")
    origin = json.loads((home / "serving" / "snapshots" / "origin.json").read_text("utf-8"))
    assert origin["store"] == "", "the store is not what its loads brought"
    assert answer(home, "snapshot")["hash"] != before


@pytest.mark.slow
def test_query_is_bounded_and_guarded(loaded: Path) -> None:
    found = run(loaded, "query", "UNWIND range(1, 9) AS x RETURN x", "--limit", "3", "--json")
    assert json.loads(found[0])["rows"] == [[1], [2], [3]]
    assert json.loads(found[0])["is_cut"]
    assert "note: only the first 3 rows: there are more; raise --limit" in found[1]
    slow = "UNWIND range(1, 30000) AS a UNWIND range(1, 30000) AS b WITH a WHERE a = 0 RETURN count(*) AS c"
    assert "ran longer than 0.5 s" in run(loaded, "query", slow, "--timeout", "0.5", code=4)[1]
    for statement in ("MATCH (n) LOAD CSV FROM 'file:///etc/hostname' AS row RETURN row", "CALL apoc.load.json('x')"):
        assert "is not allowed here" in run(loaded, "query", statement, code=4)[1]


@pytest.mark.slow
def test_doctor_names_what_is_gone(home: Path) -> None:
    assert "ok" in run(home, "doctor", "--deep")[0]
    next((home / "vault" / "store").glob("BOUGHT_0.*.bucket")).unlink()
    checks = json.loads(run(home, "doctor", "--json", code=1)[0])["checks"]
    (found,) = [check for check in checks if check["name"] == "store"]
    assert not found["ok"]
    assert found["detail"].startswith("file BOUGHT_0 of the store ")
    assert "file BOUGHT_0 of the store " in run(home, "snapshot", code=4)[1]
