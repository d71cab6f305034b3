"""tune, and evaluate --cold and --rolling, as commands."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.cli.invocation import GlobalOptions, begin
from graphrec.cli.output import _Lines
from tests.loading import far_trans

KEYS = {"model", "metric", "best", "untuned", "configuration", "trials", "pruned", "new", "path"}


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a snapshot of small files in the form of FAR-Trans."""
    folder = tmp_path_factory.mktemp("home")
    trades = [
        (f"c{c:02d}", f"A{a:02d}", "Buy", f"2020-{1 + (c + a) % 9:02d}-03")
        for c in range(60)
        for a in range(20)
        if a % 2 == c % 2 and (a + c) % 5
    ]
    prices = {f"A{a:02d}": {date(2020, 1, 2): 1.0} for a in range(20)}
    files = far_trans.write(folder / "files", trades, prices)
    run("-q", "--home", str(folder / "home"), "snapshot", "--from", "far-trans", "--data", str(files))
    return folder / "home"


@pytest.fixture
def home(snapshot: Path, tmp_path: Path) -> list[str]:
    """Options for a copy of it, where nothing is trained or tuned."""
    return ["-q", "--home", str(shutil.copytree(snapshot, tmp_path / "home"))]


@pytest.mark.slow
def test_tune_says_what_it_found_and_a_second_run_does_nothing(home: list[str]) -> None:
    first = json.loads(run(*home, "tune", "--model", "ease", "--trials", "5", "--no-text", "--json"))
    (study,) = first["studies"]
    assert set(study) == KEYS
    assert (study["model"], study["trials"], study["new"]) == ("ease", 5, 5)
    assert study["best"] >= study["untuned"]
    again = run(*home, "tune", "--model", "ease", "--trials", "5", "--no-text").splitlines()
    assert again[0] == (
        f"ease: {study['metric']} {study['best']:.4f}, {study['untuned']:.4f} untuned; 5 of 5 trials "
        f"({study['pruned']} pruned, nothing to do)"
    )
    assert again[-1] == "next: graphrec train"
    report = json.loads(run(*home, "train", "--model", "ease", "--no-text", "--json"))
    assert report["tuned"] == ["ease"]
    assert report["configuration"]["terms"]["ease"] == study["configuration"]


def test_what_is_set_reaches_the_model(home: list[str]) -> None:
    options = ("--model", "ease", "--no-text", "--set", "ease.regularization=7", "--set", "ease.user_power=0.5")
    report = json.loads(run(*home, "train", *options, "--json"))
    configuration = report["configuration"]["terms"]["ease"]
    assert set(report["configuration"]["terms"]) == {"ease"}
    assert (configuration["regularization"], configuration["user_power"]) == (7.0, 0.5)
    study = json.loads(run(*home, "tune", *options, "--trials", "1", "--json"))["studies"][0]
    assert study["configuration"] == {"regularization": 7.0, "user_power": 0.5}
    said = run(*home, "train", "--set", "ease.lambda=7", code=2)
    assert said.startswith("error: --set ease.lambda=7: ease has no 'lambda'; there are regularization, user_power, ")


@pytest.mark.slow
def test_new_customers(home: list[str]) -> None:
    done = json.loads(run(*home, "evaluate", "--cold", "users", "--model", "popularity", "--k", "3", "--json"))
    assert (done["side"], done["held_out"], done["weights"]) == ("users", 6, {"popularity": 1.0})
    assert set(done["metrics"]["all"]) == {"model", "content", "popularity", "model - content"}
    assert done["metrics"]["all"]["model"] == done["metrics"]["all"]["popularity"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--cold", "users", "--report", "out.html", "--ablation"], "--cold fits … --report, --ablation cannot"),
        (["--cold", "users", "--baselines", "ease"], "--cold fits … --baselines cannot"),
        (["--cold", "users", "--rolling", "far-trans"], "--cold fits … --rolling cannot"),
        (["--rolling", "far-trans", "--as-of", "2020-05-01"], "--rolling fits … --as-of cannot"),
        (["--rolling", "far-trans", "--explain-users", "0"], "--rolling fits … --explain-users cannot"),
    ],
)
def test_what_is_judged_apart_takes_no_options_of_a_trained_model(
    home: list[str], options: list[str], named: str
) -> None:
    message = named.replace("…", "models of its own, so that")
    assert run(*home, "evaluate", *options, code=2) == f"error: {message} go with it; leave it out\n"


def test_new_customers_are_those_of_the_date(home: list[str]) -> None:
    said = run(*home, "evaluate", "--cold", "users", "--as-of", "2020-05-01", code=5)
    assert said.startswith("error: nothing is loaded from which a snapshot as of 2020-05-01 could be taken")


def test_rolling_dates_want_files_and_a_protocol(home: list[str], tmp_path: Path) -> None:
    assert run(*home, "evaluate", "--rolling", "far-trans", code=2).strip() == (
        "error: --rolling far-trans reads the files of the data set; name their folder with --data DIR"
    )
    assert run(*home, "evaluate", "--rolling", "other", "--data", str(tmp_path), code=2).strip() == (
        "error: --rolling other: there is no such protocol; there is far-trans"
    )


def test_lines_of_progress_say_how_it_goes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.cli.output.SECONDS_BETWEEN_LINES", 0.0)
    begin(GlobalOptions())
    lines = _Lines()
    lines.report("lightgcn epochs: loss 2.5000, ndcg@20 0.1234", 3, 40)
    lines.report("ranking users", 1, None)
    assert capsys.readouterr().err.splitlines() == [
        "lightgcn epochs: 3 of 40 (loss 2.5000, ndcg@20 0.1234)",
        "ranking users: 1",
    ]
