"""graphrec load: what it prints, and with which exit code."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from graphrec.cli import app
from tests.loading.conftest import Bank


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def run(home: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), "load", *map(str, words)])


@pytest.mark.slow
def test_a_load_prints_one_object(bank: Bank, home: Path) -> None:
    done = run(home, bank.mapping, "--json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert sorted(answer) == ["cleaned", "edges", "mapping", "marks", "nodes", "run", "seconds"]
    assert (answer["mapping"], answer["run"][:10]) == ("tiny-bank", "tiny-bank-")
    assert answer["nodes"]["Customer"] == {
        "read": 4,
        "created": 4,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "rejected": 0,
        "suppressed": 0,
    }
    assert sorted(answer["edges"]) == ["BOUGHT", "IN_BAND", "IN_SECTOR", "VIEWED"]
    again = run(home, bank.mapping)
    assert (again.exit_code, again.stdout) == (0, "nothing to do: the files are those of the last full load\n")


@pytest.mark.slow
def test_a_load_after_the_first_changes_the_store(bank: Bank, home: Path) -> None:
    assert run(home, bank.mapping).exit_code == 0
    bank.edit("trades.csv", "T3,C2,P1,80,2024-02-03,2024-02-05\n", "")
    bank.append("trades.csv", "T5,C3,P2,10,2024-04-01,")
    bank.edit("customers.csv", "Ben", "Bob")
    answer = json.loads(run(home, bank.mapping, "--data", bank.folder, "--json").stdout)
    bought, customers = answer["edges"]["BOUGHT"], answer["nodes"]["Customer"]
    assert (bought["created"], bought["unchanged"], bought["removed"]) == (1, 3, 1)
    assert (customers["changed"], customers["unchanged"]) == (1, 3)


@pytest.mark.slow
def test_rejected_rows_fail_the_load_and_are_written(bank: Bank, home: Path) -> None:
    bank.append("trades.csv", "T5,C1,P1,10,31/02/2024,")
    done = run(home, bank.mapping)
    assert done.exit_code == 3
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        "error: trades.csv line 6: traded_at '31/02/2024' is not a date (want YYYY-MM-DD); "
        "fix the row or rerun with --max-rejected 1"
    )
    assert (home / "vault" / "rejected.csv").read_text().splitlines()[1].startswith('"edges.BOUGHT","traded_at",')
    assert not (home / "vault" / "store").exists()
    done = run(home, bank.mapping, "--max-rejected", "1")
    assert done.exit_code == 0
    assert f"1 row rejected: {home / 'vault' / 'rejected.csv'}" in done.stderr


def test_check_writes_nothing(bank: Bank, home: Path) -> None:
    done = run(home, bank.mapping, "--check")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == ["read", "removed", "rejected"]
    assert "tiny-bank: checked, nothing written in " in done.stdout
    assert not home.exists()


@pytest.mark.slow
def test_check_foretells_removals(bank: Bank, home: Path) -> None:
    assert run(home, bank.mapping).exit_code == 0
    views = max((bank.folder / "views").iterdir(), key=lambda path: path.stat().st_size)
    views.write_text("".join(views.read_text().splitlines(keepends=True)[:-1]))
    done = run(home, bank.mapping, "--check", "--json")
    assert json.loads(done.stdout)["edges"]["VIEWED"]["removed"] == 1
    done = run(home, bank.mapping, "--check", "--max-removed", "0")
    assert done.exit_code == 3
    assert "would remove 1 of 3 VIEWED, more than --max-removed 0 allows; nothing was written" in done.stderr
    assert run(home, bank.mapping, "--check", "--incremental", "--max-removed", "0").exit_code == 0
    assert json.loads(run(home, bank.mapping, "--json").stdout)["edges"]["VIEWED"]["removed"] == 1


@pytest.mark.slow
def test_check_knows_what_the_home_has(bank: Bank, home: Path, tmp_path: Path) -> None:
    assert run(home, bank.mapping).exit_code == 0
    (tmp_path / "likes.csv").write_text("who,what\nC1,P1\nC9,P1\n")
    (tmp_path / "likes.toml").write_text(
        '[source]\nname = "likes"\n[source.files]\nlikes = "likes.csv"\n'
        '[roles]\nuser = "Customer"\nproduct = "Product"\ninteractions = ["BOUGHT", "VIEWED"]\n'
        'weights = { BOUGHT = 1.0, VIEWED = 0.2 }\nrelevant = ["BOUGHT"]\nmin_group = 2\n'
        '[edges.LIKES]\nfrom = "Customer.who"\nto = "Product.what"\nsql = "SELECT who, what, _file, _line FROM likes"\n'
    )
    done = run(home, tmp_path / "likes.toml", "--check")
    assert done.exit_code == 3
    assert "likes.csv line 3: who 'C9' names no Customer; fix the row" in done.stderr
    assert run(home, tmp_path / "likes.toml", "--max-rejected", "60%").exit_code == 0


def test_roles_of_graphrec_toml(bank: Bank, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "graphrec.toml").write_text("[roles]\nrelevant = ['VIEWED']\n")
    monkeypatch.chdir(tmp_path)
    done = run(home, bank.mapping, "--check")
    assert done.exit_code == 3
    assert "split.test row 1: customer_id isin 'C2 P1' is no pair of VIEWED; fix the row" in done.stderr


@pytest.mark.slow
def test_a_proposal(bank: Bank, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    done = run(home, "--new", path, "--data", bank.folder)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"{path}: 4 labels, 4 edge types from 5 files"
    assert lines[-1] == f"edit it, then: graphrec load {path} --data {bank.folder} --check"
    assert run(home, path, "--data", bank.folder, "--check").exit_code == 0
    done = run(home, bank.mapping, "--new", path)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        f"error: --new writes a mapping, so {str(bank.mapping)!r} has no place here; leave it out",
    )


def test_without_a_mapping(home: Path) -> None:
    done = run(home)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == (
        "error: which mapping? graphrec load NAME_OR_FILE --data DIR, or graphrec load --new my.toml --data DIR"
    )


@pytest.mark.slow
def test_the_limit_of_a_statement_is_a_setting(bank: Bank, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "SELECT CAST(sum(hash(a.range + b.range)) AS VARCHAR) AS band FROM range(10000000) a, range(10000000) b"
    bank.edit("bank.toml", "SELECT DISTINCT age_band AS band FROM customers", endless)
    monkeypatch.setenv("GRAPHREC_SQL_SECONDS", "0.5")
    for words in ([], ["--check"]):
        done = run(home, bank.mapping, *words)
        assert done.exit_code == 3
        assert "nodes.AgeBand.sql ran for more than 0.5 seconds, the limit of one" in done.stderr.splitlines()[-1]
    monkeypatch.setenv("GRAPHREC_SQL_SECONDS", "0")
    done = run(home, bank.mapping)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        3,
        "error: GRAPHREC_SQL_SECONDS '0' is not a number above 0 and at most 1,000,000; correct or unset it",
    )
