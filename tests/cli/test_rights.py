"""Roles of the command line in a shared home, and the log of who read what of a person."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.cli.commands import COMMANDS
from graphrec.cli.rights import ALLOWED, VARIABLE
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.access.roles import ROLES
from tests.served import copied


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    copied(served_home, tmp_path / "home")
    return Home(tmp_path / "home")


def run(home: Home, *words: str, key: str | None = None) -> tuple[int, str, str]:
    done = CliRunner().invoke(
        app, ["--home", str(home.path), "--policy", "none", *words], env={VARIABLE: key} if key else {VARIABLE: None}
    )
    return done.exit_code, done.stdout, done.stderr


def test_every_role_and_every_command_of_the_table_is_there() -> None:
    assert set(ALLOWED) | {"compliance", "admin"} == set(ROLES)
    assert {name for table in ALLOWED.values() for name in table} <= COMMANDS.keys()


def test_a_shared_home_wants_a_key_whose_role_says_what_it_opens(home: Home) -> None:
    assert run(home, "access", "share") == (
        2, "", "error: nobody could run commands: first graphrec access make NAME --role admin, and keep its key\n"
    )  # fmt: skip
    keys = Keys(home.path)
    made = {role: keys.make(f"Key of {role}", role, "A1" if role == "adviser" else None)[1] for role in ROLES}
    assert run(home, "recommend", "C003", "-k", "2")[0] == 0
    assert run(home, "access", "share")[0] == 0
    refused = run(home, "recommend", "C003")
    assert (refused[0], "is shared, and GRAPHREC_ACCESS_KEY holds no key" in refused[2]) == (3, True)
    assert run(home, "models", key="grk_00000000_x")[0] == 3
    for role in ("admin", "compliance"):
        assert run(home, "recommend", "C003", "-k", "2", key=made[role])[0] == 0
    code, out, _ = run(home, "models", "--json", key=made["analyst"])
    assert (code, json.loads(out)["models"][0]["id"]) == (0, "blend-final")
    for words in (("recommend", "C003"), ("models", "promote", "blend-final"), ("access", "list"), ("forget", "C003"),
                  ("query", "MATCH (n) RETURN n"), ("export", "--out", "x.csv"), ("market", "--changes")):  # fmt: skip
        code, out, error = run(home, *words, key=made["analyst"])
        assert (code, out) == (3, ""), words
        assert "a key of the role analyst " in error
    code, out, _ = run(home, "recommend", "C003", "-k", "2", "--json", key=made["auditor"])
    assert "score" not in json.loads(out)["items"][0]  # whole per cents alone
    code, _, error = run(home, "recommend", "C003", "--view", "compliance", key=made["auditor"])
    assert (code, "reads what auditor reads" in error) == (3, True)
    code, _, error = run(home, "recommend", "C003", key=made["adviser"])
    assert (code, "C003 is no customer of adviser A1" in error) == (3, True)
    keys.revoke(keys.all()[-1].id)
    assert run(home, "models", key=made[ROLES[-1]])[0] == 3
    assert run(home, "access", "unshare", key=made["compliance"])[0] == 0
    assert run(home, "models")[0] == 0


def test_every_read_of_a_person_is_logged_without_the_person(home: Home) -> None:
    (product,) = [one["product"] for one in json.loads(run(home, "recommend", "C003", "-k", "1", "--json")[1])["items"]]
    run(home, "explain", "C003", product, "--no-record")
    run(home, "why-not", "C003", product)
    run(home, "recommend", "nobody")
    run(home, "models")
    (file,) = home.logs.glob("access-*.log")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [(one["operation"], one["status"], one["role"]) for one in lines] == [
        ("graphrec recommend", 0, "owner"), ("graphrec explain", 0, "owner"), ("graphrec why-not", 0, "owner"),
        ("graphrec recommend", 3, "owner"),
    ]  # fmt: skip
    assert len({one["user"] for one in lines[:3]}) == 1
    assert "C003" not in file.read_text("utf-8")
    assert product not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
