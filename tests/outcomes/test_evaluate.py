"""Experiments: who is in which arm, what intervals say at every look, guards, stops, files that are refused."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ExperimentError
from graphrec.outcomes.evaluate import ExperimentResult, evaluated
from graphrec.outcomes.experiments import (
    Arm,
    Experiment,
    Experiments,
    Stopped,
    read_experiments,
    write_stopped,
)
from graphrec.outcomes.impressions import Exposure, Happened, Impression
from graphrec.policy.facts import DAY, microseconds

FIRST = microseconds("2026-01-05")
TODAY = date(2026, 2, 20)
EXPERIMENT = Experiment("length", (Arm("short", k=3), Arm("long", k=6)), window_days=10)
SECRET = b"s" * 32

TEXT = """
[holdout]
share = 0.1

[explore]
share = 0.5
pool = 4

[[experiment]]
name = "length"
share = 0.5
starts = 2026-01-01
ends = 2026-03-01
window_days = 10

[[experiment.arm]]
name = "short"
k = 3

[[experiment.arm]]
name = "long"
k = 6
weight = 3

[experiment.guard]
complaints = 0.02
"""


def test_a_file_says_who_is_in_which_arm_by_its_shares_and_for_ever(tmp_path: Path) -> None:
    (tmp_path / "experiments.toml").write_text(TEXT, "utf-8")
    found = read_experiments(tmp_path)
    users = [f"C{number:05}" for number in range(20_000)]
    plans = {user: found.assigned(user, SECRET, TODAY) for user in users}
    counts = Counter("none" if plan is None else plan.arm.name for plan in plans.values())
    assert counts["holdout"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts["short"] / 20_000 == pytest.approx(0.9 * 0.5 / 4, abs=0.01)
    assert counts["long"] / 20_000 == pytest.approx(0.9 * 0.5 * 3 / 4, abs=0.01)
    assert counts["explore"] / 20_000 == pytest.approx(0.45, abs=0.01)
    later = {user: found.assigned(user, SECRET, date(2026, 2, 21)) for user in users[:500]}
    assert [one and one.arm for one in later.values()] == [one and one.arm for one in list(plans.values())[:500]]
    other = [found.assigned(user, b"t" * 32, TODAY) for user in users[:500]]
    assert [one and one.arm for one in other] != [one and one.arm for one in list(plans.values())[:500]]
    # A second experiment does not move the customers of the first.
    assert found.experiments[0].complaints == 0.02
    assert found.experiments[0].unsuitable == 0


def test_an_experiment_decides_lists_between_its_dates_and_until_it_is_stopped() -> None:
    whole = Experiments((replace(EXPERIMENT, starts=date(2026, 1, 10), ends=date(2026, 2, 1)),))
    assert [whole.assigned("A", SECRET, date(2026, 1, day)) is None for day in (9, 10, 31)] == [True, False, False]
    assert whole.assigned("A", SECRET, date(2026, 2, 1)) is None
    stopped = replace(whole, stopped={"length": Stopped("2026-01-11", "why", "rule")})
    assert stopped.assigned("A", SECRET, date(2026, 1, 12)) is None


def test_without_a_file_nothing_is_drawn_and_nobody_is_in_an_arm(tmp_path: Path) -> None:
    assert read_experiments(tmp_path) == Experiments()
    assert Experiments().assigned("A", SECRET, TODAY) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('name = "long"', r"line 16.*two arms have one name"),
        ("share = 0.1", r"share = 1\.5.*a share, 0 to 1"),
        ("ends = 2026-03-01", r"ends on 2025-01-01, not after its start"),
        ('name = "length"', r"that name is taken"),
        ("pool = 4", r"unknown|pools"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, change: str, message: str) -> None:
    new = {
        'name = "long"': 'name = "short"',
        "share = 0.1": "share = 1.5",
        "ends = 2026-03-01": "ends = 2025-01-01",
        'name = "length"': 'name = "holdout"',
        "pool = 4": "pools = 4",
    }[change]
    (tmp_path / "experiments.toml").write_text(TEXT.replace(change, new, 1), "utf-8")
    with pytest.raises(ExperimentError, match=message):
        read_experiments(tmp_path)


def test_a_stop_is_remembered_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "experiments.toml").write_text(TEXT, "utf-8")
    write_stopped(tmp_path, "length", Stopped("2026-02-20", "long is worse", "rule"))
    assert read_experiments(tmp_path).stopped == {"length": Stopped("2026-02-20", "long is worse", "rule")}
    (tmp_path / "experiments.json").write_text("{", "utf-8")
    with pytest.raises(ExperimentError, match=r"experiments\.json cannot be read"):
        read_experiments(tmp_path)


def _world(
    rates: tuple[float, float], customers: int, *, seed: int = 1, complaints: tuple[float, float] = (0.0, 0.0)
) -> tuple[list[Exposure], list[Impression], list[Happened]]:
    """Customers who come one after another, in an arm by a coin, and accept with the rate of their arm."""
    rng = np.random.default_rng(seed)
    exposed, shown, events = [], [], []
    for number in range(customers):
        user, at, arm = f"C{number}", FIRST + number * DAY // 200, int(rng.random() < 0.5)
        exposed.append(Exposure(user, at, "length", ("short", "long")[arm]))
        shown.append(
            Impression(user, "P", 1, at, number, "m", None, "path", 3, experiment="length", arm=("short", "long")[arm])
        )
        if rng.random() < rates[arm]:
            events.append(Happened(user, "accepted", at + DAY, "P"))
        if rng.random() < complaints[arm]:
            events.append(Happened(user, "complained", at + DAY))
    return exposed, shown, events


def _evaluated(
    world: tuple[list[Exposure], list[Impression], list[Happened]], day: float = 40, **more: object
) -> ExperimentResult:
    experiment = replace(EXPERIMENT, **more) if more else EXPERIMENT  # type: ignore[arg-type]
    return evaluated(experiment, *world, until=FIRST + int(day * DAY), today=TODAY)


def test_a_difference_that_was_planted_is_held_found_and_stops_the_experiment_which_says_why() -> None:
    world = _world((0.1, 0.3), 3_000)
    found = _evaluated(world)
    long = found.arms[1]
    assert found.arms[0].difference is None
    assert long.difference is not None
    assert long.difference.low <= 0.2 <= long.difference.high
    assert long.difference.low > 0
    assert found.stop is not None
    assert found.stop.startswith("long is better than short by +")
    assert found.waiting == 0
    assert sum(arm.customers for arm in found.arms) == 3_000


def test_customers_whose_window_is_not_over_wait_and_later_looks_only_add_to_the_end() -> None:
    world = _world((0.2, 0.2), 3_000)  # 200 a day, for 15 days
    looks = [_evaluated(world, day) for day in (14, 18, 22, 26)]
    assert [one.waiting for one in looks] == [1_999, 1_399, 599, 0]
    edges = [one.arms[1].difference for one in looks]
    for before, after in itertools.pairwise(edges):
        assert before is not None
        assert after is not None
        assert before.low <= after.low <= 0 <= after.high <= before.high
    assert looks[-1].stop is None
    assert "nothing is sure yet" in looks[-1].verdict


def test_complaints_above_the_guard_stop_it_and_few_do_not() -> None:
    world = _world((0.2, 0.2), 3_000, complaints=(0.005, 0.1))
    stop = _evaluated(world, complaints=0.03).stop
    assert stop is not None
    assert stop.startswith("guard: ")
    assert "arm long complained" in stop
    assert _evaluated(world, complaints=0.2).stop is None
    assert _evaluated(world).arms[1].complaints > 100


def test_one_product_that_a_rule_refuses_stops_it() -> None:
    exposed, shown, events = _world((0.2, 0.2), 300)
    shown[7] = replace(shown[7], unsuitable=True)
    stop = _evaluated((exposed, shown, events)).stop
    assert stop is not None
    assert f"arm {shown[7].arm} showed 1 products that a rule refuses, and 0 are allowed" in stop


def test_enough_customers_stop_it_although_nothing_is_sure() -> None:
    stop = _evaluated(_world((0.2, 0.2), 600), most_customers=500).stop
    assert stop is not None
    assert stop.startswith("600 customers were followed, and 500 were wanted")


def test_an_event_counts_for_a_product_of_the_experiment_within_the_window_alone() -> None:
    exposed, shown, _ = _world((0.0, 0.0), 4)
    at = exposed[0].at
    events = [
        Happened("C0", "accepted", at + DAY, "Q"),
        Happened("C1", "accepted", exposed[1].at + 11 * DAY, "P"),
        Happened("C2", "viewed", exposed[2].at + DAY, "P"),
        Happened("C3", "bought", exposed[3].at + DAY, "P"),
    ]
    found = evaluated(EXPERIMENT, exposed, shown, events, until=FIRST + 40 * DAY, today=TODAY)
    assert sum(arm.successes for arm in found.arms) == (1 if len(found.arms) else 0)
    assert len(found.arms) == len({one.arm for one in exposed}) == 2


def test_a_customer_in_two_arms_is_in_none_and_an_empty_list_is_an_exposure() -> None:
    exposed, shown, events = _world((0.2, 0.2), 400)
    other = {"short": "long", "long": "short"}[exposed[0].arm]
    found = _evaluated(([*exposed, replace(exposed[0], arm=other, at=exposed[0].at + DAY)], shown[5:], events))
    assert found.in_two_arms == 1
    assert sum(arm.customers for arm in found.arms) == 399


def test_arms_of_few_customers_are_not_told() -> None:
    exposed, shown, events = _world((0.2, 0.2), 6)
    found = evaluated(EXPERIMENT, exposed, shown, events, until=FIRST + 40 * DAY, today=TODAY, min_group=5)
    assert found.arms == ()
    assert "too early" in found.verdict


@pytest.mark.slow
def test_whoever_looks_every_day_is_misled_as_seldom_as_was_promised() -> None:
    """Both arms are alike; the experiment is looked at after every day and stops at the first difference."""
    runs, alarms = 25, 0
    for seed in range(runs):
        world = _world((0.15, 0.15), 1_000, seed=seed)
        alarms += any(_evaluated(world, day).stop is not None for day in (12, 14, 16))
    assert alarms / runs <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5
