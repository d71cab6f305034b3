"""graphrec demo on the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_writes_says_what_and_what_next() -> None:
    done = CliRunner().invoke(app, ["demo"])
    assert done.exit_code == 0
    assert done.stdout.startswith("demo-bank: 2,000 customers, 150 products, ")
    assert done.stderr.endswith("next: graphrec load demo --data demo-bank\n")
    assert Path("demo-bank", "customers.csv").is_file()
    again = CliRunner().invoke(app, ["demo"])
    assert again.stdout.startswith("demo-bank: nothing to do, this bank is there already (2,000 customers, ")


def test_json_is_one_object() -> None:
    done = CliRunner().invoke(app, ["demo", "--out", "here", "--seed", "3", "--json"])
    found = json.loads(done.stdout)
    assert (found["path"], found["size"], found["seed"], found["changed"]) == ("here", "S", 3, True)
    assert set(found["planted"]) == {"sector", "issuer", "holders", "text"}


def test_refusals_are_one_line_and_code_2() -> None:
    Path("full").mkdir()
    Path("full", "file").touch()
    done = CliRunner().invoke(app, ["demo", "--out", "full"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: full is not empty and no demo bank (file is there); choose another --out\n"
    done = CliRunner().invoke(app, ["demo", "--size", "XXL"])
    assert (done.exit_code, done.stderr) == (2, "error: size 'XXL' is unknown; want one of S, M, L\n")
    assert not Path("demo-bank").exists()
