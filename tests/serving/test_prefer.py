"""Preferred reasons: the same lists and numbers, another reason in front, none of them below a tenth."""

from typing import Any, get_args

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.groups import Chosen
from graphrec.serving.reasons.prefer import MIDDLING, Preference, Wish, history

USERS = [f"C{number:03}" for number in range(0, 56, 5)]
EVER = np.iinfo(np.int64).max


@pytest.mark.parametrize("prefer", get_args(Preference))
def test_lists_and_numbers_stay(engine: Engine, prefer: Preference) -> None:
    changed = 0
    for user in USERS:
        default, preferred = engine.recommend(user, 5), engine.recommend(user, 5, ListOptions(prefer=prefer))
        for before, item in zip(default.items, preferred.items, strict=True):
            assert (item.product, item.score, item.lines, item.rest) == (
                before.product, before.score, before.lines, before.rest,
            )  # fmt: skip
            assert sorted(item.reasons, key=str) == sorted(before.reasons, key=str)
            if item.reasons != before.reasons:
                changed += 1
                assert (item.reasons[0].percent or 0) >= 10
    assert changed


def strongest(engine: Engine, user: str, **options: Any) -> list[tuple[Hop, int, Hop]]:
    """First hop, neighbour and last hop of the strongest line of the first reason on paths of each product."""
    scored = engine.scored(engine.users.ids.find(user), 5)
    listed, found = engine.listed(scored, 5, ListOptions(**options)), []
    for one in listed.reasons:
        lines = [int(reason.lines[0]) for reason in one.sentences]
        walked = next((line for line in lines if engine.model.blend.scorer(scored.ledger, line)), None)
        if walked is not None:
            way = engine.reasons_in("en").way(scored.ledger, walked)
            found.append((way[0], int(scored.ledger.via[walked]), way[-1]))
    return found


def test_the_recent_path_leads(engine: Engine) -> None:
    gained = []
    for user in USERS:
        recent = history(engine.positions, engine.model.graph, engine.users.ids.find(user), EVER)
        means = [
            np.nanmean(
                [recent.get((first, via), np.nan) for first, via, _ in strongest(engine, user, prefer=prefer)]
                or [np.nan]
            )
            for prefer in ("recent", None)
        ]
        gained.append(means[0] - means[1])
    assert np.nanmean(gained) > 0


def test_history_is_what_the_model_knew(engine: Engine) -> None:
    user, graph = 8, engine.model.graph
    values = history(engine.positions, graph, user, EVER)
    assert set(values) == {
        (Hop(name), int(p)) for name in ("BOUGHT", "VIEWED") for p in graph.hops[Hop(name)].row(user)
    }
    assert (min(values.values()), max(values.values())) == (0.0, 1.0)
    assert history(engine.positions, graph, user, int(engine.snapshot.edges("BOUGHT").known_at.whole().min())) == {}


def test_types_are_shown_in_turn(engine: Engine) -> None:
    def types(**options: Any) -> int:
        return sum(len({last for *_, last in strongest(engine, user, **options)}) for user in USERS)

    assert types(prefer="diverse") >= types()


def test_only_a_reason_that_may_lead_is_put_first(engine: Engine) -> None:
    wish = engine.reasons_in("en").wish("popular", 8)
    ledger = engine.model.blend.ledger(8, np.array([0], np.int32), np.ones(2))
    places = [place for place in range(len(ledger.via)) if engine.model.blend.scorer(ledger, place)][:3]
    values = {place: float(value) for value, place in enumerate(places)}
    wish.value = lambda _ledger, place: values[place]  # type: ignore[method-assign]

    def reason(place: int, percent: float, *, may_lead: bool = True) -> Chosen:
        return Chosen("path", str(place), np.array([place]), percent, percent, may_lead=may_lead)

    one, two, three = (reason(place, 30.0) for place in places)
    assert wish.led(ledger, (one, two, three)) == (three, one, two)
    assert wish.led(ledger, (one, two, reason(places[2], 9.9)))[0] is two
    assert wish.led(ledger, (one, reason(places[1], 30.0, may_lead=False), reason(places[2], 9.9)))[0] is one


def test_an_entity_without_popularity_is_in_the_middle(engine: Engine) -> None:
    wish: Wish = engine.reasons_in("en").wish("popular", 8)
    scorers = engine.model.blend.terms[0].scorers  # type: ignore[attr-defined]
    people = next(scorer for scorer in scorers if scorer.people)
    entity = next(scorer for scorer in scorers if str(scorer.walk) == "BOUGHT IN_SECTOR <IN_SECTOR")
    assert wish.popularity(people, 0, -1) == MIDDLING
    found = [wish.popularity(entity, 0, sector) for sector in range(4)]
    assert (min(found), max(found)) == (0.0, 1.0)
