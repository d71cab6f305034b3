"""Lists with drawn places: probabilities, policy, the record, and what is said of them."""

from collections import Counter
from dataclasses import replace
from itertools import product as pairs
from pathlib import Path

import pytest

from graphrec.home import Home
from graphrec.policy.read import parse_policy
from graphrec.records.decision import Decisions, Request
from graphrec.records.read import entry_of
from graphrec.records.replay import replay
from graphrec.serving.answer import Draw, ListOptions
from graphrec.serving.drawn import Swap, drawn_list, drawn_lists, seed_of, swap_propensity
from graphrec.serving.engine import Engine
from graphrec.serving.views import Viewer
from tests.served import copied

SWAP = ListOptions(draw=Draw("swap", "seed", pool=4))
EVEN = ListOptions(draw=Draw("even", "seed"))
USER = "C003"


@pytest.mark.parametrize(("k", "count"), [(1, 5), (3, 4), (5, 15)])
def test_a_propensity_is_the_share_of_all_draws_that_show_the_product_there(k: int, count: int) -> None:
    shown: Counter[tuple[int, int]] = Counter()
    for place, product in pairs(range(k), range(count)):
        order = Swap(place, product).order(k)
        assert len(set(order)) == k
        shown.update(zip(order, range(k), strict=True))
    for product, place in pairs(range(count), range(k)):
        expected = shown[product, place] / (k * count)
        assert swap_propensity(product, place, k, count) == pytest.approx(expected, abs=1e-15)


def test_draws_of_many_seeds_are_as_frequent_as_the_list_says(engine: Engine) -> None:
    best = [item.product for item in engine.recommend(USER, 7).items]
    seen: Counter[tuple[str, int]] = Counter()
    chances: dict[tuple[str, int], float] = {}
    draws = 1_500
    for seed in range(draws):
        draw = Draw("swap", str(seed), pool=4)
        _, place, product = draw.numbers(USER)
        for rank, one in enumerate(Swap(place % 3, product % 7).order(3), start=1):
            seen[best[one], rank] += 1
        if seed < 40:
            answer = drawn_list(engine, USER, 3, ListOptions(draw=draw))
            assert answer.drawn is not None
            chances |= {
                (item.product, rank): chance
                for rank, (item, chance) in enumerate(zip(answer.items, answer.drawn.propensities, strict=True), 1)
            }
            order = Swap(place % 3, product % 7).order(3)
            assert [item.product for item in answer.items] == [best[one] for one in order]
    for key, chance in chances.items():
        assert seen[key] / draws == pytest.approx(chance, abs=4 * (chance * (1 - chance) / draws) ** 0.5)
    assert len(chances) > 9


def test_a_drawn_place_keeps_score_and_reasons_of_its_product_and_says_that_it_was_drawn(engine: Engine) -> None:
    whole = {item.product: item for item in engine.recommend(USER, 7).items}
    answer = drawn_list(engine, USER, 3, SWAP)
    assert answer.drawn is not None
    assert [item.rank for item in answer.items] == [1, 2, 3]
    assert [replace(item, rank=whole[item.product].rank) for item in answer.items] == [
        whole[item.product] for item in answer.items
    ]
    assert str(answer.drawn.ranks[0]) in answer.drawn.text
    assert answer.abstained is None
    german = drawn_list(engine, USER, 3, replace(SWAP, language="de")).drawn
    assert german is not None
    assert german.text.startswith("ausgelost")


@pytest.mark.slow
def test_many_lists_are_drawn_as_one_after_another(engine: Engine) -> None:
    users = range(len(engine.users))
    for options in (SWAP, EVEN, ListOptions(draw=Draw("swap", "s", share=0.4)), ListOptions()):
        expected = [drawn_list(engine, user, 3, options) for user in engine.users.ids]
        assert list(drawn_lists(engine, users, 3, options)) == expected
    drawn = [drawn_list(engine, user, 3, ListOptions(draw=Draw("swap", "s", share=0.4))) for user in engine.users.ids]
    assert 0 < sum(one.drawn is not None for one in drawn) < len(drawn)


@pytest.mark.slow
def test_an_even_list_has_every_product_with_its_probability_and_none_that_the_policy_refuses(
    served_home: Home,
) -> None:
    engine = Engine.open(served_home)
    kind = engine.recommend(USER, 1).items[0].product_kind
    rule = f'[[rule]]\nid = "kind"\nsentence = "not this one"\nrequire = "product.kind != \'{kind}\'"\n'
    policy = parse_policy(f'version = "1"\n{rule}', "test")
    ruled = Engine(engine.snapshot, engine.model, policy=policy)
    ranked = {item.product for item in ruled.recommend(USER, 50).items}
    seen: Counter[str] = Counter()
    for seed in range(300):
        answer = drawn_list(ruled, USER, 2, ListOptions(draw=Draw("even", str(seed))))
        assert answer.drawn is not None
        assert answer.drawn.propensities == (1 / len(ranked),) * 2
        seen.update([answer.items[0].product])
    assert set(seen) == ranked
    assert kind not in {item.product_kind for item in engine.recommend(USER, 50).items if item.product in ranked}
    share = 1 / len(ranked)
    assert max(seen.values()) / 300 < share + 4 * (share * (1 - share) / 300) ** 0.5


def test_the_record_keeps_propensities_and_draws_the_same_again(served_home: Home, tmp_path: Path) -> None:
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    engine = Engine.open(home)
    for options in (SWAP, EVEN):
        request = Request("recommend", 3, options, arm={"experiment": "pool", "arm": "drawn"})
        answers = [drawn_list(engine, user, 3, options) for user in ("C003", "C008")]
        for number in Decisions(home, engine, request).add(answers):
            found = entry_of(home.records, number)
            assert found.entry["arm"] == {"experiment": "pool", "arm": "drawn"}
            drawn = found.entry["answer"]["drawn"]
            assert len(drawn["propensities"]) == 3
            assert drawn["way"] == (options.draw.way if options.draw else None)
            assert drawn["count"] == (len(drawn["among"]) or round(1 / drawn["propensities"][0]))
            assert replay(home, found).same, replay(home, found).differences
    plain = Decisions(home, engine, Request("recommend", 3, ListOptions())).add([engine.recommend("C003", 3)])
    assert "drawn" not in entry_of(home.records, plain[0]).entry["answer"]  # as in records of before


def test_a_view_reads_the_place_but_no_probability(engine: Engine) -> None:
    seen = Viewer("adviser", secret=b"s" * 32, month="2026-01", min_group=5, often="often").answer(
        drawn_list(engine, USER, 3, SWAP)
    )
    plain = seen.to_json()["drawn"]
    assert set(plain) == {"ranks", "text"}
    assert plain["ranks"]


def test_a_seed_is_of_its_home_its_purpose_and_its_day() -> None:
    seeds = {seed_of(*one) for one in pairs((b"a", b"b"), ("explore", "holdout"), ("2026-01-02", "2026-01-03"))}
    assert len(seeds) == 8
