"""Preferred paths: the same lists and numbers, another path in front, nine tenths of the share kept."""

from typing import Any, get_args

import numpy as np
import pytest

from graphrec.graph.adjacency import Hop
from graphrec.serving.answer import Answer, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.prefer import KEPT, MIDDLING, Preference, Wish, history

USERS = [f"C{number:03}" for number in range(0, 56, 5)]
EVER = np.iinfo(np.int64).max


def shown(answer: Answer) -> float:
    return sum(line.share for item in answer.items for line in item.lines)


@pytest.mark.parametrize("prefer", get_args(Preference))
def test_lists_and_numbers_stay(engine: Engine, prefer: Preference) -> None:
    changed = 0
    for user in USERS:
        default, preferred = engine.recommend(user, 5), engine.recommend(user, 5, ListOptions(prefer=prefer))
        every = {item.product: item.lines for item in engine.recommend(user, 5, ListOptions(reasons=None)).items}
        pairs = zip(default.items, preferred.items, strict=True)
        assert all((a.product, a.score, a.composition) == (b.product, b.score, b.composition) for a, b in pairs)
        assert shown(preferred) >= KEPT * shown(default) - 1e-12
        for before, item in zip(default.items, preferred.items, strict=True):
            assert len(item.lines) == len(before.lines)
            assert all(line in every[item.product] and line.share > 0 for line in item.lines)
            assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-12)
            changed += item.lines != before.lines
    assert changed


def test_the_recent_path_leads(engine: Engine) -> None:
    gained = []
    for user in USERS:
        recent = history(engine.positions, engine.model.graph, engine.users.ids.find(user), EVER)

        def leading(answer: Answer, recent: dict[Any, float] = recent) -> float:
            values = []
            for line in (next((line for line in item.lines if line.path), None) for item in answer.items):
                if line is not None and line.path is not None and line.via is not None:
                    key = Hop(line.steps[0].type), engine.products.ids.find(line.via.id)
                    values.append(recent.get(key, np.nan))
            return float(np.nanmean(values)) if not np.isnan(values).all() else np.nan

        gained.append(
            leading(engine.recommend(user, 5, ListOptions(prefer="recent"))) - leading(engine.recommend(user, 5))
        )
    assert np.nanmean(gained) > 0.1


def test_history_is_what_the_model_knew(engine: Engine) -> None:
    user, graph = 8, engine.model.graph
    values = history(engine.positions, graph, user, EVER)
    assert set(values) == {
        (Hop(name), int(p)) for name in ("BOUGHT", "VIEWED") for p in graph.hops[Hop(name)].row(user)
    }
    assert (min(values.values()), max(values.values())) == (0.0, 1.0)
    assert history(engine.positions, graph, user, int(engine.snapshot.edges("BOUGHT").known_at.whole().min())) == {}


def test_types_are_shown_in_turn(engine: Engine) -> None:
    def types(answer: Answer) -> int:
        leading = [next((line for line in item.lines if line.path), None) for item in answer.items]
        return len({line.steps[-1].type for line in leading if line is not None})

    default = sum(types(engine.recommend(user, 5)) for user in USERS)
    assert sum(types(engine.recommend(user, 5, ListOptions(prefer="diverse"))) for user in USERS) > default


def test_the_budget_is_that_of_the_list(engine: Engine) -> None:
    """A line of small share may lead where the products before it left enough of the budget."""
    wish = engine.reasons_in("en").wish("diverse", 8)
    values = iter([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    wish.value = lambda _ledger, _place: next(values)  # type: ignore[method-assign]
    walked = engine.model.blend.ledger(8, np.array([0], np.int32), np.ones(2))
    shares = np.zeros(len(walked.via))
    shares[:2] = 10.0, 9.0
    assert wish.led(walked, shares, [0], [1]) == [1]
    assert wish.led(walked, shares, [0], [1]) == [1]
    shares[1] = 8.9
    assert wish.led(walked, shares, [0], [1]) == [0]


def test_an_entity_without_popularity_is_in_the_middle(engine: Engine) -> None:
    wish: Wish = engine.reasons_in("en").wish("popular", 8)
    scorers = engine.model.blend.terms[0].scorers  # type: ignore[attr-defined]
    people = next(scorer for scorer in scorers if scorer.people)
    entity = next(scorer for scorer in scorers if str(scorer.walk) == "BOUGHT IN_SECTOR <IN_SECTOR")
    assert wish.popularity(people, 0, -1) == MIDDLING
    found = [wish.popularity(entity, 0, sector) for sector in range(4)]
    assert (min(found), max(found)) == (0.0, 1.0)
