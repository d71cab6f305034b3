"""graphrec models compare and live: the lists that customers get, counted by hand; what was live on a date."""

import json
import os
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import CompareModels, Evaluate
from graphrec.app.requests import Recommend, SwitchModel
from graphrec.cli import app
from graphrec.config.settings import NO_POLICY, Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.metrics.overlap import overlap
from graphrec.training.fit import TrainOptions, train
from tests.evaluation.test_fairness import write_bank

KINDS = ("itemknn", "ease")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A home with two tested models of one snapshot, and the final ones."""
    home = Home(tmp_path_factory.mktemp("compared") / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(write_bank)
    for kind in KINDS:
        for final in (False, True):
            train(snapshot, home, TrainOptions(kind, fixed=True, final=final))
    return Bank(Settings(home=home.path, policy=NO_POLICY))


@pytest.mark.slow
def test_lists_are_those_that_customers_get(bank: Bank) -> None:
    done = bank.compare_models(CompareModels("ease-final", "itemknn-final", k=5, customers=0))
    snapshot = SnapshotShelf(bank.home.snapshots).latest()
    users, products = (
        snapshot.nodes(label).ids for label in (snapshot.schema.roles.user, snapshot.schema.roles.product)
    )
    lists = np.full((2, len(users), 5), -1)
    for place, kind in enumerate(KINDS):
        for row in range(len(users)):
            for item in bank.recommend(Recommend(users[row], 5, kind, record=False)).answer.items:
                lists[place, row, (item.rank or 0) - 1] = products.find(item.product)
    assert done.customers == len(users)
    assert done.overlap.value == pytest.approx(float(overlap(lists[0], lists[1]).mean()))
    assert done.same == pytest.approx(float((lists[0] == lists[1]).all(axis=1).mean()))
    before, after = (Counter(one[one >= 0].ravel().tolist()) for one in lists)
    for one in done.gained:
        at = products.find(one.product)
        assert (one.champion, one.challenger) == (before[at], after[at])
        assert abs(before[at] - after[at]) >= 3  # min_group
    largest = max(abs(before[at] - after[at]) for at in range(len(products)))
    assert abs(done.gained[0].challenger - done.gained[0].champion) == largest
    assert done.differences == ()
    assert "no metrics: itemknn-final and ease-final saw everything" in done.notes[0]
    assert bank.record_entry(done.record or 0).entry["event"]["did"] == "compare"


def test_tested_models_are_measured_beside_each_other(bank: Bank) -> None:
    done = bank.compare_models(CompareModels("ease-test", "itemknn-test", k=3, customers=50, record=False))
    assert (done.customers, [one.metric for one in done.differences]) == (50, ["hit_rate@3", "ndcg@3", "recall@3"])
    for kind, side in zip(KINDS, ("champion", "challenger"), strict=True):
        own = bank.evaluate(Evaluate((3,), (), kind)).evaluation.metrics
        for one in done.differences:
            assert getattr(one, side).value == own[one.metric].value
    assert all(0 < one.p <= 1 for one in done.differences)
    again = bank.compare_models(CompareModels("ease-test", "itemknn-test", k=3, customers=50, record=False))
    assert again == done


def test_what_was_live_on_a_date(bank: Bank) -> None:
    """Two days of a history that is written by hand, and a day before any."""
    home = bank.home
    for name, day in (("itemknn-final", 1), ("ease-final", 2)):
        at = date(2026, 3, day).toordinal() - date(1970, 1, 1).toordinal()
        os.utime(home.models / name / "meta.json", (at * 86400 + 60, at * 86400 + 60))
    assert bank.live_then("2026-02-01").model is None
    assert [bank.live_then(f"2026-03-0{n}").model for n in (1, 2)] == ["itemknn-final", "ease-final"]
    served = bank.recommend(Recommend("u003", 3))
    bank.switch_model(SwitchModel("promote", "itemknn-final", "Ms A"))
    now = bank.live_then(f"{datetime.now(UTC):%Y-%m-%d}")
    assert (now.model or "").startswith("itemknn-final@")
    assert (now.by, now.how) == ("Ms A", "promoted")
    then = bank.live_then("2026-01-02")  # the date of the answers, by the settings
    assert sum(then.answered.values()) + sum(now.answered.values()) >= 1
    assert served.record is not None
    began = time.process_time()
    bank.switch_model(SwitchModel("follow"))
    bank.switch_model(SwitchModel("rollback"))
    assert time.process_time() - began <= 2.0  # each of both at most 1 s
    bank.switch_model(SwitchModel("follow"))
    done = CliRunner().invoke(app, ["--home", str(home.path), "--policy", "none", "models", "live", "2026-03-01"])
    assert done.stdout.startswith("2026-03-01: itemknn-final")
    assert "was live (the newest, since 2026-03-01T00:01:00" in done.stdout


def test_the_command(bank: Bank, tmp_path: Path) -> None:
    words = ["--home", str(bank.home.path), "--policy", "none", "models", "compare", "ease-test", "itemknn-test"]
    shown = CliRunner().invoke(app, [*words, "--customers", "60", "-k", "3", "--no-record"])
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("ease-test beside itemknn-test: lists of 3 of 60 customers\noverlap 0.")
    assert "ndcg@3" in shown.stdout
    plain = json.loads(
        CliRunner().invoke(app, [*words, "--customers", "60", "-k", "3", "--no-record", "--json"]).stdout
    )
    assert {"champion", "challenger", "overlap", "same", "gained", "differences"} <= plain.keys()
    with pytest.raises(UnknownId, match="there is no model 'nobody'"):
        bank.compare_models(CompareModels("nobody"))
    with pytest.raises(UsageError, match="both champion and challenger"):
        bank.compare_models(CompareModels("ease-test", "ease-test"))
    wrong = CliRunner().invoke(app, ["models", "promote", "a", "b"])
    assert (wrong.exit_code, "takes one name; compare takes two" in wrong.stderr) == (2, True)
    assert not list(tmp_path.iterdir())
