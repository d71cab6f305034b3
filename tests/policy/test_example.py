"""The first policy that graphrec writes: the shipped rules that fit a bank, the others as comments."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.graph.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.policy.example import example_policy
from graphrec.policy.read import parse_policy, read_policy
from tests.banks import bank_snapshot


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with the small bank, which has a status and no risk classes."""
    home = Home(tmp_path / "home").prepare()
    SnapshotShelf(home.snapshots).add(bank_snapshot)
    return home


def test_rules_that_do_not_fit_are_comments(home: Home) -> None:
    example = example_policy(SnapshotShelf(home.snapshots).latest(), 0)
    assert example.kept == ("held", "open")
    left = ("contact", "profiling", "risk", "horizon", "means", "age", "residence", "cooling-off", "large-part")
    assert example.left_out == left
    policy = parse_policy(example.text, "example")
    assert [rule.id for rule in policy.rules] == ["held", "open"]
    assert policy.rules[1].require.startswith("is_missing(product.status)")
    lines = example.text.splitlines()
    at = lines.index('# id       = "cooling-off"')
    assert lines[at - 2] == "# Not in force: there is no interaction REJECTED"


def test_init_writes_once_and_check_counts(home: Home) -> None:
    run = ["--home", str(home.path), "policy"]
    before = json.loads(CliRunner().invoke(app, [*run, "check", "--json"]).stdout)
    assert (before["source"], [rule["id"] for rule in before["rules"]]) == (None, ["held", "offered"])
    first = CliRunner().invoke(app, [*run, "init"])
    assert first.stdout.splitlines()[0] == f"{home.policy}: 2 rules (held, open)"
    again = CliRunner().invoke(app, [*run, "init"])
    assert (again.exit_code, again.stderr) == (
        2, f"error: {home.policy} is there already; graphrec policy init --force replaces it\n"
    )  # fmt: skip
    found = json.loads(CliRunner().invoke(app, [*run, "init", "--force", "--json"]).stdout)
    assert found["rules"] == ["held", "open"]
    report = json.loads(CliRunner().invoke(app, [*run, "check", "--json"]).stdout)
    assert report["hash"] == read_policy(home.policy).hash
    # The written rules do what the built-in ones do.
    assert [{**rule, "id": ""} for rule in report["rules"]] == [{**rule, "id": ""} for rule in before["rules"]]
    assert (report["users"], report["products"], report["pairs_left"]) == (60, 20, before["pairs_left"])
    shown = CliRunner().invoke(app, [*run, "check"]).stdout
    assert f"{report['pairs_left']:,} pairs are left" in shown
    assert shown.splitlines()[-1] == "0 users are left with no product"
