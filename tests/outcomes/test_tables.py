"""Outcomes of what was shown: what an event belongs to, groups, control, drift, places."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from graphrec.outcomes.impressions import Happened, Impression, Joined, joined
from graphrec.outcomes.picture import picture
from graphrec.outcomes.tables import By, Question, outcomes
from graphrec.policy.facts import DAY, microseconds

FIRST = microseconds("2026-01-05T09:00:00")
WINDOW = timedelta(days=30)


def shown(user: str, product: str, rank: int = 1, *, day: float = 0, entry: int = 1, **more: object) -> Impression:
    base = Impression(user, product, rank, FIRST + int(day * DAY), entry, "blend-final", None, "path", 3)
    return replace(base, **more)  # type: ignore[arg-type]


def question(by: By = "rank", *, min_group: int = 1, kinds: dict[str, str] | None = None) -> Question:
    return Question(by, ("accepted", "bought"), min_group, kinds or {}, {})


def test_an_event_belongs_to_the_last_list_before_it_within_the_window() -> None:
    lists = [shown("A", "P"), shown("A", "P", day=10, entry=2), shown("B", "P", entry=3)]
    events = [
        Happened("A", "accepted", FIRST + 11 * DAY, "P"),
        Happened("A", "rejected", FIRST + 1, "P"),
        Happened("B", "accepted", FIRST + 30 * DAY, "P"),  # the window is over
        Happened("B", "accepted", FIRST - 1, "P"),  # before the list
        Happened("A", "accepted", FIRST + 1, "Q"),  # never shown
        Happened("A", "complained", FIRST + 1),
    ]
    found = {one.shown.entry: one.types for one in joined(lists, events, WINDOW)}
    assert found == {1: frozenset({"rejected"}), 2: frozenset({"accepted"}), 3: frozenset()}


def test_an_event_that_names_its_entry_belongs_to_it_and_only_for_its_customer() -> None:
    lists = [shown("A", "P"), shown("A", "P", day=10, entry=2)]
    named = [Happened("A", "accepted", FIRST + 11 * DAY, "P", entry=1)]
    assert [one.types for one in joined(lists, named, WINDOW)] == [frozenset({"accepted"}), frozenset()]
    of_another = [Happened("B", "accepted", FIRST + 11 * DAY, "P", entry=1)]
    assert not any(one.types for one in joined(lists, of_another, WINDOW))


def test_the_same_product_on_the_same_day_is_one_impression_the_first() -> None:
    lists = [shown("A", "P", day=0.2, entry=2, rank=3), shown("A", "P", entry=1), shown("A", "P", day=1, entry=4)]
    found = joined(lists, [Happened("A", "bought", FIRST + DAY // 2, "P", entry=2)], WINDOW)
    assert [(one.shown.entry, set(one.types)) for one in found] == [(1, {"bought"}), (4, set())]


def _bank(rates: Sequence[float], customers: int, *, seed: int = 1, **more: Any) -> list[Joined]:
    """Customers with one list each whose place n is accepted with the n-th rate."""
    rng = np.random.default_rng(seed)
    return [
        Joined(
            shown(f"{more.get('experiment')}{user}", f"P{rank}", rank + 1, entry=user, **more),
            frozenset({"accepted"} if rng.random() < rate else ()),
        )
        for user in range(customers)
        for rank, rate in enumerate(rates)
    ]


def test_rates_are_counted_by_group_beside_a_control_and_their_difference() -> None:
    model = _bank([0.3, 0.1], 800)
    control = _bank(
        [0.05, 0.05], 400, seed=2, experiment="holdout", arm="holdout", way="even", propensity=0.1, count=10
    )
    found = outcomes([*model, *control], question())
    accepted = [sum("accepted" in one.types for one in model if one.shown.rank == rank) for rank in (1, 2)]
    assert [(one.value, one.shown, one.accepted) for one in found.by] == [
        ("1", 800, accepted[0]),
        ("2", 800, accepted[1]),
    ]
    assert [one.low <= rate <= one.high for one, rate in zip(found.by, (0.3, 0.1), strict=True)] == [True, True]
    assert found.control is not None
    assert (found.control.shown, found.control.customers) == (800, 400)
    assert found.control.low <= 0.05 <= found.control.high
    assert found.lift is not None
    assert found.lift.low <= 0.15 <= found.lift.high
    assert found.lift.low > 0.1


def test_without_a_control_that_is_said() -> None:
    found = outcomes(_bank([0.2], 50), question())
    assert found.control is None
    assert found.lift is None
    assert any("there is no control" in note for note in found.notes)


def test_groups_of_few_customers_are_hidden_and_cannot_be_worked_out_from_the_others() -> None:
    kinds = {"P0": "fund", "P1": "loan", "P2": "card"}
    many = _bank([0.2, 0.2], 40)
    few = [Joined(shown(f"F{user}", "P2"), frozenset()) for user in range(3)]
    found = outcomes([*many, *few], question("kind", min_group=5, kinds=kinds))
    # Of three customers alone nothing is told, and one of the large groups is left out with them.
    assert [one.value for one in found.by] == ["loan"]
    assert found.hidden == 2
    alone = outcomes(few, question("kind", min_group=5, kinds=kinds))
    assert (alone.by, alone.total) == ((), None)


def test_months_without_enough_customers_say_so() -> None:
    few = joined([shown("A", "P")], [], WINDOW)
    assert outcomes(few, question(min_group=5)).drift.text == "no month has enough customers"
    assert outcomes([], question()).drift.text == "no list's window is over"


def test_a_drift_that_was_planted_is_told_and_one_that_was_not_is_not() -> None:
    months = [
        Joined(replace(one.shown, at=one.shown.at + month * 31 * DAY, user=f"{one.shown.user}-{month}"), one.types)
        for month, rate in enumerate((0.3, 0.3, 0.1))
        for one in _bank([rate], 400, seed=month)
    ]
    found = outcomes(months, question()).drift
    assert [one.value for one in found.months] == ["2026-01", "2026-02", "2026-03"]
    assert found.p is not None
    assert found.p < 1e-6
    assert "drifted" in found.text
    same = outcomes([one for one in months if one.shown.month != "2026-03"], question()).drift
    assert same.p is not None
    assert same.p > 0.05
    assert "no drift" in same.text


def test_a_place_is_told_from_its_product_by_drawn_lists_alone() -> None:
    # Whoever stands first is accepted by .3, second by .1, whichever product it is.
    found = outcomes(_bank([0.3, 0.1], 900, way="swap", propensity=0.25, count=4), question()).position
    assert [one.low <= rate <= one.high for one, rate in zip(found.places, (0.3, 0.1), strict=True)] == [True, True]
    assert found.places[1].relative == pytest.approx(1 / 3, abs=0.1)
    assert "the place itself matters" in found.text
    blind = outcomes(_bank([0.3, 0.1], 900), question()).position
    assert blind.places == ()
    assert "not known" in blind.text


def test_the_picture_shows_every_group_and_the_control_and_escapes_names() -> None:
    found = outcomes(_bank([0.3, 0.1], 100, model='<b>"&'), question("model"))
    drawn = picture(found.by, found.by[0], "Accepted <soon>")
    assert drawn.count("<rect") == 1 + 2
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert f"{found.by[0].rate:.1%} of 200" in drawn
