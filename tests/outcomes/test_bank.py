"""From lists and events of a bank to outcomes, experiments and estimates: library, record, export, publish."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from graphrec.app.bank import Bank
from graphrec.app.campaigns.arms import assigned
from graphrec.app.data.events import accept
from graphrec.app.jobs import (
    AskOffPolicy,
    AskOutcomes,
    EvaluateExperiments,
    Export,
    Load,
    Publish,
    StopExperiment,
    Train,
)
from graphrec.app.maintenance import publish as publishing
from graphrec.app.requests import Explain, Recommend
from graphrec.config.settings import Settings
from graphrec.errors import NoSupport, UsageError
from graphrec.home import Home
from graphrec.records.read import entry_of
from tests.events.conftest import MAPPING, purchases, write_files
from tests.served import copied

DAY = date(2026, 1, 2)
#: Of the home: the same customers are in the same arms in every run.
SECRET = "5a" * 32 + "\n"

EXPERIMENT = """
[[experiment]]
name = "length"
window_days = 5

[[experiment.arm]]
name = "usual"

[[experiment.arm]]
name = "short"
k = 2
"""


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    copied(served_home, tmp_path / "home")
    found = Home(tmp_path / "home")
    (found.serving / "secret").write_text(SECRET, "ascii")
    found.policy.write_text('version = "1"\n', "utf-8")
    return found


@pytest.fixture
def bank(home: Home) -> Bank:
    return Bank(Settings(home=home.path, today=DAY))


def on(bank: Bank, day: int) -> Bank:
    """The same bank so many days later."""
    return Bank(replace(bank.settings, today=DAY + timedelta(days=day)))


def users(bank: Bank) -> Sequence[str]:
    return tuple(bank.opened.engine(bank.home, None, bank.now()).users.ids)


def accepted(bank: Bank, user: str, product: str, kind: str = "accepted", **more: object) -> None:
    at = (bank.settings.today or DAY).isoformat() + "T12:00:00Z"
    accept(
        bank,
        [{"id": f"{kind}-{user}-{product}-{at}", "user": user, "type": kind, "at": at, "product": product, **more}],
    )


@pytest.mark.slow
def test_lists_and_events_become_rates_by_rank_kind_model_and_reason(bank: Bank) -> None:
    shown, taken = Counter[int](), Counter[int]()
    second = on(bank, 2)
    for number, user in enumerate(users(bank)):
        items = bank.recommend(Recommend(user, 3)).answer.items
        shown.update(item.rank or 0 for item in items)
        if number % 3 == 0 and items:
            accepted(second, user, items[0].product)
            taken[1] += 1
    later = on(bank, 40)
    found = later.outcomes(AskOutcomes())
    assert {one.value: (one.shown, one.accepted) for one in found.by} == {
        str(rank): (shown[rank], taken[rank]) for rank in (1, 2, 3)
    }
    assert found.total is not None
    assert (found.total.shown, found.total.accepted) == (shown.total(), taken.total())
    assert [one.value for one in later.outcomes(AskOutcomes("model")).by] == ["blend-final"]
    kinds = later.outcomes(AskOutcomes("kind"))
    assert sum(one.shown for one in kinds.by) + (shown.total() if kinds.hidden else 0) >= shown.total() / 2
    assert {one.value for one in later.outcomes(AskOutcomes("reason")).by} <= {
        "path",
        "similarity",
        "general",
        "unknown",
        "attribute",
    }
    # The window of nobody is over on the second day.
    early = on(bank, 3).outcomes(AskOutcomes())
    assert (early.by, early.open) == ((), shown.total())
    assert later.outcomes(AskOutcomes(since="2026-01-03")).total is None
    with pytest.raises(UsageError, match="is not after"):
        later.outcomes(AskOutcomes(since="2026-01-03", until="2026-01-02"))


def test_a_list_as_of_a_date_and_an_explanation_are_shown_to_nobody(bank: Bank) -> None:
    user = users(bank)[0]
    product = bank.recommend(Recommend(user, 1)).answer.items[0].product
    bank.explain(Explain(user, product))
    assert on(bank, 40).outcomes(AskOutcomes(), progress=lambda *_: None).open == 0
    counted = list(_shown(on(bank, 40)))
    assert counted == [(user, product)]


def _shown(bank: Bank) -> list[tuple[str, str]]:
    from graphrec.outcomes.impressions import impressions
    from graphrec.records.read import entries

    return [(one.user, one.product) for one in impressions(entries(bank.home.records))]


@pytest.mark.slow
def test_arms_decide_lists_of_recommend_and_export_alike_and_are_in_the_entry(bank: Bank, tmp_path: Path) -> None:
    (bank.home.path / "experiments.toml").write_text(EXPERIMENT, "utf-8")
    lengths: dict[str, int] = {}
    for user in users(bank)[:20]:
        served = bank.recommend(Recommend(user, 3))
        plan = assigned(bank, user, model=None, as_of=None, record=True)
        assert plan is not None
        assert served.record is not None
        entry = entry_of(bank.home.records, served.record)
        assert entry.entry["arm"] == {"experiment": "length", "arm": plan.arm.name}
        assert len(served.answer.items) <= (2 if plan.arm.name == "short" else 3)
        assert bank.replay(served.record).same
        lengths[user] = len(served.answer.items)
    assert set(lengths.values()) >= {2, 3}
    done = bank.export(Export(tmp_path / "lists.csv", k=3))
    with (tmp_path / "lists.csv").open(encoding="utf-8") as file:
        rows = Counter(row["user"] for row in csv.DictReader(file))
    assert {user: length for user, length in lengths.items() if length}.items() <= dict(rows).items()
    assert len(done.recorded) == len(users(bank))
    for number in done.recorded[::9]:
        assert entry_of(bank.home.records, number).entry["arm"]["experiment"] == "length"
    # Who asks for one model, or leaves no entry, asks for no experiment.
    user = next(user for user, length in lengths.items() if length == 2)
    assert len(bank.recommend(Recommend(user, 3, record=False)).answer.items) == 3
    assert len(bank.recommend(Recommend(user, 3, model="blend")).answer.items) == 3


@pytest.mark.slow
def test_an_experiment_is_judged_stopped_by_a_person_and_recorded(bank: Bank) -> None:
    (bank.home.path / "experiments.toml").write_text(EXPERIMENT, "utf-8")
    next_day = on(bank, 1)
    for user in users(bank):
        items = bank.recommend(Recommend(user, 3)).answer.items
        if items:
            accepted(next_day, user, items[0].product)
    (found,) = on(bank, 10).evaluate_experiments(EvaluateExperiments(act=True)).experiments
    assert found.state == "running"
    assert sum(arm.customers for arm in found.arms) == len(users(bank))
    assert all(arm.rate > 0.9 for arm in found.arms)
    assert found.waiting == 0
    later = on(bank, 10)
    later.stop_experiment(StopExperiment("length", "decided elsewhere"))
    (stopped,) = later.evaluate_experiments(EvaluateExperiments("length")).experiments
    assert (stopped.state, stopped.stop) == ("stopped", "decided elsewhere")
    assert all(assigned(later, user, model=None, as_of=None, record=True) is None for user in users(bank))
    last = later.record_entry(later.record_head().entries)
    assert last.shared["request"]["command"] == "experiment"
    assert last.entry["event"]["why"] == "decided elsewhere"
    with pytest.raises(UsageError, match="was stopped on 2026-01-12"):
        later.stop_experiment(StopExperiment("length", "again"))


def test_a_broken_guard_stops_the_experiment_before_the_next_export(bank: Bank, tmp_path: Path) -> None:
    text = EXPERIMENT.replace("window_days = 5", "window_days = 5\nmost_customers = 20")
    (bank.home.path / "experiments.toml").write_text(text, "utf-8")
    bank.export(Export(tmp_path / "first.csv", k=3))
    done = on(bank, 10).export(Export(tmp_path / "second.csv", k=3))
    assert any(note.startswith("experiment length is stopped: 60 customers were followed") for note in done.notes)
    assert "arm" not in entry_of(bank.home.records, done.recorded[0]).entry
    known = json.loads((bank.home.path / "experiments.json").read_text("utf-8"))
    assert known["stopped"]["length"]["by"] == "rule"


@pytest.mark.slow
def test_explored_lists_estimate_a_model_and_lists_that_are_not_drawn_are_refused(bank: Bank) -> None:
    with pytest.raises(NoSupport, match="no list in the record was drawn"):
        bank.off_policy(AskOffPolicy("blend"))
    (bank.home.path / "experiments.toml").write_text("[explore]\nshare = 1.0\npool = 3\n", "utf-8")
    best, some = {}, users(bank)[:30]
    for user in some:
        best[user] = [item.product for item in bank.recommend(Recommend(user, 3, record=False)).answer.items]
    right = total = 0
    for day in range(2):
        today = on(bank, day)
        for user in some:
            items = today.recommend(Recommend(user, 3)).answer.items
            for item in items:
                is_own = item.product == best[user][(item.rank or 1) - 1]
                right, total = right + is_own, total + 1
                if is_own:
                    accepted(today, user, item.product, "clicked")
    found = on(bank, 40).off_policy(AskOffPolicy("blend", success=("clicked",))).estimate
    # What the model would show is accepted always, and nothing else ever.
    assert found.support == 1
    assert found.choices == total
    assert found.logged == pytest.approx(right / total)
    assert found.logged < 0.9
    assert found.snips.value == pytest.approx(1)
    assert found.ips.low <= 1 <= found.ips.high
    assert found.dr.value == pytest.approx(1, abs=0.05)
    assert 30 < found.effective < total


def test_a_serving_copy_is_in_the_same_experiment(bank: Bank, tmp_path: Path) -> None:
    (bank.home.path / "experiments.toml").write_text(EXPERIMENT, "utf-8")
    bank.publish(Publish(tmp_path / "copy"))
    copy = Bank(replace(bank.settings, home=tmp_path / "copy"))
    plans = [[assigned(one, user, model=None, as_of=None, record=True) for user in users(bank)] for one in (bank, copy)]
    assert plans[0] == plans[1]
    before = bank.state()
    (bank.home.path / "experiments.toml").write_text(EXPERIMENT.replace("k = 2", "k = 1"), "utf-8")
    assert bank.state() != before  # tags of answers change with it


def test_a_killed_publish_can_be_run_again(bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bank.home.path / "experiments.toml").write_text(EXPERIMENT, "utf-8")
    for moment in ("whole_file", "_copy", "_is_same"):
        copy, killed = tmp_path / moment, f"{publishing.__name__}.{moment}"
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(killed, Mock(side_effect=KeyboardInterrupt))
            bank.publish(Publish(copy))
        assert bank.publish(Publish(copy)).is_new
        assert not bank.publish(Publish(copy)).is_new


@pytest.mark.slow
def test_purchases_that_a_load_brings_count_like_events(tmp_path: Path) -> None:
    rows = [row for row in purchases() if row[0] != "c29"]
    write_files(tmp_path / "files", rows)
    files, home = str(tmp_path / "files" / "shop.toml"), tmp_path / "home"
    first = Bank(Settings(home=home, today=date(2025, 6, 1)))
    first.load(Load(files))
    (home / "policy.toml").write_text('version = "1"\n')
    first.train(Train("kernel", fixed=True, final=True))
    listed = {user: first.recommend(Recommend(user, 2)).answer.items for user in ("c00", "c01", "c02", "c03", "c04")}
    wanted = {user: items[0].product for user, items in listed.items()}
    booked = [
        ("c00", wanted["c00"], "n0", "2025-06-01", "1"),  # a day alone: that of the list
        ("c01", wanted["c01"], "n1", "2025-06-20T10:00:00", "1"),
        ("c02", wanted["c02"], "n2", "2025-07-20T10:00:00", "1"),  # too late
        ("c03", "p3" if wanted["c03"] != "p3" else "p5", "n3", "2025-06-03", "1"),  # was not shown first
    ]
    accept(first, [{"id": "n0", "user": "c00", "type": "bought", "at": "2025-06-01T23:00:00Z", "product": wanted["c00"],
                    "key": "n0"}])  # fmt: skip
    mapping = MAPPING.replace("AS DATE) AS day, CAST(amount", "AS TIMESTAMP) AS day, CAST(amount")
    write_files(tmp_path / "files", [*rows, *booked], mapping=mapping)
    later = Bank(Settings(home=home, today=date(2025, 8, 1)))
    later.load(Load(files))
    found = later.outcomes(AskOutcomes("rank"))
    assert [(one.value, one.shown, one.accepted) for one in found.by] == [("1", 5, 2), ("2", 5, 0)]
