"""Kill -9 at any moment of a load: the state before it or after a batch, never a torn one; again, and all is well."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphrec.errors import StoreError
from graphrec.store import open_store
from graphrec.store.base import Store
from graphrec.store.checks.check import check
from graphrec.store.embedded import arcade
from graphrec.store.read import snapshot_inputs, whole_contents

from . import killed
from .feed import content_hash

pytestmark = pytest.mark.slow

#: More moments than a test run has time for: GRAPHREC_TEST_KILLS=200 pytest tests/store/test_killed.py
KILLS = int(os.environ.get("GRAPHREC_TEST_KILLS", "10"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str, float]]:
    """After each load: a copy of the home, the hash of its content, and how long the load took in a process."""
    home = tmp_path_factory.mktemp("undisturbed")
    found = {}
    for name in killed.SIZES:
        with start(home, name) as process:
            began = time.monotonic()
            process.wait()
            seconds = time.monotonic() - began
        with open_store(None, home / "store") as store:
            found[name] = (tmp_path_factory.mktemp(name) / "home", content_hash(store), seconds)
        shutil.copytree(home, found[name][0])
    return found


def start(home: Path, name: str) -> subprocess.Popen[str]:
    """A process that has begun a load."""
    command = [sys.executable, "-m", "tests.store.killed", str(home), name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    return process


def moments(seconds: float, seed: int) -> Iterator[float]:
    """Moments spread over a load, a little past its end too."""
    generator = random.Random(seed)
    for number in range(KILLS):
        yield (number + generator.random()) / KILLS * seconds * 1.1


def kill(home: Path, name: str, moment: float) -> None:
    """Kill a load that moment after its begin."""
    with start(home, name) as process:
        time.sleep(moment)
        process.kill()


def check_not_torn(store: Store) -> None:
    """SQL, Cypher from both ends, and the records behind every edge agree."""
    database = arcade.open_database(store.path, create=False)  # type: ignore[attr-defined]
    try:
        for label in ("Customer", "Product"):
            counted = database.query("sql", f"SELECT count(*) AS c FROM {label}").to_list()[0]["c"]
            ids = database.query("opencypher", f"MATCH (n:{label}) RETURN DISTINCT n.id AS id").to_list()
            assert len(ids) == counted
        edges = database.query("sql", "SELECT count(*) AS c FROM BOUGHT").to_list()[0]["c"]
        out = "MATCH (c:Customer)-[r:BOUGHT]->(p:Product) RETURN count(r) AS c, count(p.id) AS ends"
        into = "MATCH (p:Product)<-[r:BOUGHT]-(c:Customer) RETURN count(r) AS c, count(c.id) AS ends"
        for statement in (out, into):
            assert database.query("opencypher", statement).to_list() == [{"c": edges, "ends": edges}]
    finally:
        database.close()


def check_served(store: Store, *, is_whole: bool) -> None:
    """A snapshot is made of whole loads, or refused."""
    if is_whole:
        snapshot_inputs(store)
        assert check(store, deep=True) == []
        return
    for read in (snapshot_inputs, whole_contents):
        with pytest.raises(StoreError, match=r"a load of bank is not complete: .* run it again: graphrec load bank$"):
            read(store)
    assert "a load of bank is not complete" in check(store)[0]


@pytest.mark.slow
def test_first_load(undisturbed: dict[str, tuple[Path, str, float]], tmp_path: Path) -> None:
    _, expected, seconds = undisturbed["first"]
    for number, moment in enumerate(moments(seconds, seed=1)):
        home = tmp_path / str(number)
        kill(home, "first", moment)
        store = open_store(None, home / "store")
        if (home / "store").exists():
            check_not_torn(store)
            assert content_hash(store) == expected
            store.close()
        killed.load(home, "first")
        with store:
            assert content_hash(store) == expected
        left = [path.name for path in home.iterdir() if path.name not in ("store", ".store.lock")]
        assert left == [], "what the killed process left is swept"


@pytest.mark.slow
def test_later_load(undisturbed: dict[str, tuple[Path, str, float]], tmp_path: Path) -> None:
    before, _, _ = undisturbed["first"]
    _, expected, seconds = undisturbed["second"]
    whole_batches = {
        killed.written_after(batches) for batches in range(len(killed.brought("second")) // killed.BATCH + 2)
    }
    for number, moment in enumerate(moments(seconds, seed=2)):
        home = tmp_path / str(number)
        shutil.copytree(before, home)
        kill(home, "second", moment)
        with open_store(None, home / "store") as store:
            check_not_torn(store)
            written = "MATCH (:Customer)-[r:BOUGHT {run: 'second'}]->(:Product) RETURN count(r) AS c"
            count = store.query(written).rows[0][0]
            assert count in whole_batches
            state = store.sources()[0]
            is_before = (state.run, state.files_hash) == ("first", "first")
            is_after = (state.run, state.files_hash) == ("second", "second")
            assert is_before or is_after or (state.run, state.files_hash) == ("first", ""), "half way is marked as such"
            assert content_hash(store) == expected if is_after else not is_before or count == 0
            check_served(store, is_whole=is_before or is_after)
        killed.load(home, "second")
        with store:
            assert content_hash(store) == expected
            check_served(store, is_whole=True)
        shutil.rmtree(home)


def test_what_a_first_load_left_after_its_store_was_whole_is_swept_by_a_later_one(tmp_path: Path) -> None:
    killed.load(tmp_path, "first")
    left = tmp_path / ".store.0123456789abcdef.part"
    (left / "database").mkdir(parents=True)
    killed.load(tmp_path, "second")
    assert not left.exists()
