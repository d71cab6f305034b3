"""Risk models of a home: fitted from a file, measured, and kept as dated columns that the policy reads."""

import csv
import json
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import FitRisk, Load, ReportRisk, ScoreRisk, TakeSnapshot
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import SourceError, UnknownId, UsageError
from graphrec.metrics.probabilities import calibration_error
from tests.app.test_facts import purchases, write_files

TODAY = date(2025, 6, 1)
RISK = """[pd]
data = "loans.csv"
target = "defaulted"
user = "customer"
date = "due"
without = ["loan"]
protected = ["sex"]
monotone = { income = "down" }
pairs = 1
"""


def write_loans(folder: Path, rows: int = 240) -> None:
    """Loans that default where income is low."""
    rng = np.random.default_rng(2)
    with (folder / "loans.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["loan", "customer", "due", "income", "debt", "job", "sex", "defaulted"])
        for n in range(rows):
            income, debt = rng.normal(50, 15), rng.uniform(0, 10)
            risk = 1 / (1 + math.exp(0.1 * (income - 45) - 0.3 * (debt - 5)))
            when = f"20{20 + n // 60}-{1 + n % 12:02}-01"
            sex, job = ("f", "m")[n % 2], ("clerk", "smith")[n % 3 == 0]
            happened = int(rng.random() < risk)
            writer.writerow([n, f"c{n % 24:02}", when, f"{income:.2f}", f"{debt:.2f}", job, sex, happened])
    (folder / "risk.toml").write_text(RISK)
    people = "".join(f"c{n:02},{20 + 3 * n},{n % 10},clerk\n" for n in range(24))
    (folder / "now.csv").write_text("customer,income,debt,job\n" + people)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with loans in a home with a fitted model."""
    folder = tmp_path_factory.mktemp("risk")
    write_files(folder / "files", purchases())
    write_loans(folder / "files")
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "shop.toml")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphrec.finance.credit.fitting.FOLDS", 2)
        (done,) = bank.fit_risk(FitRisk(folder / "files" / "risk.toml"))
        before = done.file.read_bytes()
        bank.fit_risk(FitRisk(folder / "files" / "risk.toml"))
    assert done.file.read_bytes() == before, "the same cases give the same bytes"
    assert set(done.columns) == {"income", "debt", "job"}
    assert done.held_out.auc.value > 0.7
    return folder


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", today=TODAY))


def test_the_report_cuts_by_time_and_says_what_protection_costs(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.finance.credit.fitting.FOLDS", 2)
    (found,) = bank_in(files).report_risk(ReportRisk(files / "files" / "risk.toml"))
    assert found.by_time
    assert 0 < found.held_out <= 60
    assert set(found.models) == {"additive", "logistic", "LightGBM"}
    assert found.protected_price is not None
    assert abs(found.protected_price) < 0.1
    assert sum(band.rows for band in found.bands) == found.held_out == sum(one.rows for one in found.reliability)
    assert set(found.drift) == {"income", "debt"}
    assert found.models["additive"].ece == pytest.approx(
        sum(one.rows * abs(one.predicted - one.observed) for one in found.reliability) / found.held_out
    )
    assert calibration_error(np.array([0.5]), np.array([True])) == 0.5
    assert "reject inference is not done" in found.notes[0]


@pytest.mark.slow
def test_scores_are_columns_of_the_day_and_leave_with_the_customer(files: Path) -> None:
    bank = bank_in(files)
    done = bank.score_risk(ScoreRisk("pd", files / "files" / "now.csv", user="customer", keep=True))
    assert (done.kept, done.on) == (24, "2025-06-01")
    for row in done.rows:
        logit = math.log(row.probability / (1 - row.probability))
        assert abs(row.base + math.fsum(line.share for line in row.lines) - logit) < 1e-9
    poor, rich = done.rows[0], done.rows[-1]
    assert poor.probability > rich.probability
    now = bank.take_snapshot(TakeSnapshot()).snapshot
    users = now.nodes("Customer")
    assert users.column("pd").get(users.ids.find("c00")) == poor.probability
    assert users.column("pd_band").get(users.ids.find("c00")) == poor.band
    assert users.column("pd").get(users.ids.find("new")) is None
    earlier = bank.take_snapshot(TakeSnapshot(as_of="2025-05-01")).snapshot
    assert not np.asarray(earlier.nodes("Customer").column("pd").valid).any(), "no score of a later day"
    # A customer who is gone from the files takes the score along.
    names = files / "files" / "customers.csv"
    text = names.read_text()
    names.write_text(text.replace("c23,yes\n", ""))
    bought = files / "files" / "bought.csv"
    bought.write_text("".join(line for line in bought.read_text().splitlines(True) if not line.startswith("c23,")))
    bank.load(Load(str(files / "files" / "shop.toml"), max_removed="50%"))
    left = bank.take_snapshot(TakeSnapshot()).snapshot.nodes("Customer")
    assert left.ids.find("c23") == -1
    assert left.column("pd").get(left.ids.find("c00")) == poor.probability


def test_what_does_not_fit_is_one_line(files: Path, tmp_path: Path) -> None:
    bank, toml = bank_in(files), tmp_path / "risk.toml"
    for text, line in (
        ("[pd]\ndata='x.csv'\ntarget='y'\nbands={low=0.5,high=0.4}", "upper ends of bands rise"),
        ("[PD]\ndata='x.csv'\ntarget='y'", "small letters"),
    ):
        toml.write_text(text)
        with pytest.raises(UsageError, match=line):
            bank.fit_risk(FitRisk(toml))
    other = files / "files" / "other.toml"
    other.write_text('[pd]\ndata = "loans.csv"\ntarget = "gone"\n')
    with pytest.raises(UsageError, match="no column gone"):
        bank.fit_risk(FitRisk(other))
    with pytest.raises(UnknownId, match="there are pd"):
        bank.score_risk(ScoreRisk("lgd", files / "files" / "now.csv"))
    (tmp_path / "rows.csv").write_text("customer,income,debt,job\nc00,much,1,clerk\n")
    with pytest.raises(SourceError, match="line 2: income is 'much'"):
        bank.score_risk(ScoreRisk("pd", tmp_path / "rows.csv"))


def test_the_command_prints_bands_and_lines(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHREC_HOME", str(files / "home"))
    done = CliRunner().invoke(app, ["risk", "score", str(files / "files" / "now.csv"), "--name", "pd"])
    assert done.exit_code == 0, done.output
    assert "income" in done.output
    told = CliRunner().invoke(app, ["risk", "score", str(files / "files" / "now.csv"), "--name", "pd", "--json"])
    assert len(json.loads(told.output)["rows"]) == 24
    assert CliRunner().invoke(app, ["risk", "score", "x.csv"]).exit_code == 2
