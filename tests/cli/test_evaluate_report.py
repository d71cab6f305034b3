"""graphrec evaluate --report: the page, the keys under `details`, and what is asked for without a page."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.training.fit import TrainOptions, train
from tests.training.bank import taste_bank

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a blend of defaults, trained without texts."""
    made = Home(tmp_path_factory.mktemp("home")).prepare()
    snapshot = SnapshotShelf(made.snapshots).add(taste_bank)
    train(snapshot, made, TrainOptions(fixed=True))
    return made


def run(home: Home, *arguments: str) -> dict[str, object]:
    """The object that evaluate prints."""
    done = CliRunner().invoke(app, ["-q", "--home", str(home.path), "evaluate", "--json", "--k", "3", *arguments])
    assert done.exit_code == 0, done.output
    plain: dict[str, object] = json.loads(done.stdout)
    return plain


def test_the_report_and_every_figure_of_it(home: Home, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    found = run(home, "--report", str(page), "--explain-users", "5", "--ablation")
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert {"model", "split", "k", "metrics", "baselines", "seconds", "details"} <= set(found)
    details = found["details"]
    assert isinstance(details, dict)
    assert set(details) == {
        "k", "paired", "beyond", "kinds", "segments", "holdings", "holders", "curves", "confidence", "frontier",
        "recommended", "explanations", "ablation",
    }  # fmt: skip
    assert details["explanations"]["users"] == 5
    assert set(details["explanations"]["necessity"]) == {"reasons", "random", "path count"}
    assert len(details["ablation"]["variants"]) == 4
    assert len(details["frontier"]["points"]) == 21


def test_without_a_report_nothing_more_is_measured(home: Home) -> None:
    assert run(home)["details"] is None


def test_explanations_without_a_page(home: Home) -> None:
    details = run(home, "--explain-users", "3")["details"]
    assert isinstance(details, dict)
    assert details["explanations"]["users"] == 3
    assert details["ablation"] is None
