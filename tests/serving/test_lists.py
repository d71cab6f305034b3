"""Many users at once are answered as one user after another, to the bit."""

import json

import numba
import numpy as np
import pytest

from graphrec.app.models.opened import Opened
from graphrec.home import Home
from graphrec.serving import lists
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine, mixed
from graphrec.serving.lists import recommend_many
from graphrec.terms.compiled.chosen import best_of, drawn_of, joined_of
from graphrec.terms.forms.blend import Row


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"reasons": 1}, {"reasons": None, "plain": True}])
def test_every_user_gets_the_answer_of_recommend(engine: Engine, options: dict[str, object]) -> None:
    everyone = range(len(engine.users))
    expected = [engine.recommend(user, 4, ListOptions(**options)) for user in engine.users.ids]  # type: ignore[arg-type]
    found = list(recommend_many(engine, everyone, 4, ListOptions(**options)))
    assert found == expected
    assert json.dumps([one.to_json() for one in found]) == json.dumps([one.to_json() for one in expected])


def test_blocks_and_threads_change_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [7, 3, 59, 0, 3]
    expected = list(recommend_many(engine, users, 3))
    assert [answer.user for answer in expected] == [engine.users.ids[user] for user in users]
    threads = numba.get_num_threads()
    monkeypatch.setattr(lists, "BLOCK_USERS", 2)
    numba.set_num_threads(1)
    try:
        assert list(recommend_many(engine, users, 3)) == expected
    finally:
        numba.set_num_threads(threads)


def test_a_process_that_stays_makes_single_lists_and_explanations_by_compiled_loops(served_home: Home) -> None:
    opened, now = Opened(), 1_767_312_000_000_000
    engine = opened.engine(served_home, None, now)
    users = engine.users.ids[:12]
    before = [engine.recommend(user, 4) for user in users]
    pairs = [(user, product) for user in users[:4] for product in engine.products.ids[:8]]
    explained = [engine.explain(*pair, 4) for pair in pairs]
    assert sum(bool(one.items) for one in explained) > len(pairs) // 2
    opened.compile(engine)
    assert opened.is_compiled
    assert engine.is_compiled
    assert [engine.recommend(user, 4) for user in users] == before
    assert [engine.explain(*pair, 4) for pair in pairs] == explained
    assert opened.engine(served_home, "blend", now).is_compiled


@pytest.mark.parametrize("count", [1, 26, 27, 200, 201, 900])
def test_what_lists_are_chosen_from_is_the_same_compiled(engine: Engine, count: int) -> None:
    rng = np.random.default_rng(count)
    for part in (0.0, 0.3, 1.0):
        # Few different scores: ties at the border.
        scores, allowed = np.round(rng.lognormal(size=count), 1), rng.random(count) < part
        best = engine.candidates(Row(scores, np.zeros(0)), allowed, 10)
        assert best_of(scores, allowed, 26).tolist() == best.tolist()
        products, seed = np.flatnonzero(allowed), int(rng.integers(2**63)) * 2 + 1
        if len(products) > 200:
            drawn = mixed(products.astype(np.uint64) + np.uint64(seed))
            products = np.sort(products[np.argsort(drawn)[:200]])
        assert drawn_of(allowed, seed, 200).tolist() == products.tolist()
        asked, places = joined_of(best, products.astype(np.int32), count)
        assert asked[: len(best)].tolist() == best.tolist()
        assert len(set(asked.tolist())) == len(asked) == len({*best.tolist(), *products.tolist()})
        assert asked[places].tolist() == products.tolist()
