"""graphrec embed: the texts of the latest snapshot, what it says, and that a second run does nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.features.sources.text.cache import StoredVectors
from graphrec.features.sources.text.files import EncoderFiles
from graphrec.features.sources.text.source import embed_snapshot, snapshot_texts
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from tests.banks import bank_snapshot

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").prepare()
    SnapshotShelf(home.snapshots).add(bank_snapshot)
    return home


def run(home: Home, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["--home", str(home.path), "embed", *words])
    return done.exit_code, done.stdout, done.stderr


def test_texts_are_those_of_labels_with_text_columns(home: Home) -> None:
    texts = snapshot_texts(SnapshotShelf(home.snapshots).latest())
    assert texts == [f"Fund {n}\nA fund of the {n % 4} kind." for n in range(20)]


@pytest.mark.slow
def test_embed_prints_the_keys_that_scripts_read_and_then_does_nothing(home: Home) -> None:
    code, out, _ = run(home, "--json")
    first = json.loads(out)
    assert code == 0
    assert first.pop("seconds") > 0
    assert first == {"encoder": "all-MiniLM-L6-v2", "texts": 20, "encoded": 20, "cached": 0, "dim": 384, "note": None}
    again = json.loads(run(home, "--json")[1])
    assert (again["texts"], again["encoded"], again["cached"]) == (20, 0, 20)
    assert run(home)[:2] == (0, "nothing to do: the vectors of all 20 texts by all-MiniLM-L6-v2 are there\n")
    stored = StoredVectors.open(home.vectors / EncoderFiles.find().slug)
    vectors, found = stored.lookup(["Fund 3\nA fund of the 3 kind."])
    assert found.all()
    assert (vectors[0] @ vectors[0]) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_embed_says_what_it_did(home: Home) -> None:
    code, out, _ = run(home)
    assert code == 0
    assert re.fullmatch(r"20 texts: 20 encoded by all-MiniLM-L6-v2 in \d+\.\d s, 0 known already\n", out)


@pytest.mark.slow
def test_a_known_snapshot_is_done_without_torch(home: Home) -> None:
    embed_snapshot(SnapshotShelf(home.snapshots).latest(), home.vectors)
    code = (
        f"import sys; from graphrec.cli import app\ntry: app(['--home', {str(home.path)!r}, 'embed'])\n"
        "finally: print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout.endswith("are there\nset()\n")


def test_failures_are_one_line_and_code_5(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run(home, "--encoder", str(tmp_path / "empty"))
    assert (code, out) == (5, "")
    config = tmp_path / "empty" / "config.json"
    assert err == f"error: encoder empty: {config} is missing; want the folder of a transformers model\n"
    code, out, err = run(Home(tmp_path / "new").prepare())
    assert (code, out) == (5, "")
    assert err.startswith("error: there is no snapshot yet; run: graphrec load MAPPING")
