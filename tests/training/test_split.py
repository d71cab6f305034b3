"""Every rule of splits (docs/adr/0003-split-protocol.md) on hand-made snapshots."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.schema import SplitRule
from graphrec.training.split import fold_of, split_of
from graphrec.training.stages import choosing_graph
from tests.training import bank

TEN = [("u0", f"p{n}", n) for n in range(10)]


def test_by_time_last_fifth_is_test_and_the_tenth_before_it_validation(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": TEN})
    split = split_of(snapshot)
    assert split.name == "time"
    assert split.cuts == (bank.day(7), bank.day(8))
    assert bank.named(snapshot, split.valid, split) == {("u0", "p7")}
    assert bank.named(snapshot, split.test, split) == {("u0", "p8"), ("u0", "p9")}
    assert split.counts() == {
        "validation_users": 1, "validation_interactions": 1, "test_users": 1, "test_interactions": 2,
    }  # fmt: skip
    assert split.notes == ()


def test_cuts_are_global_so_a_user_may_be_in_test_only(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [*TEN[:9], ("late", "p0", 9)]})
    split = split_of(snapshot)
    assert bank.named(snapshot, split.test, split) == {("u0", "p8"), ("late", "p0")}
    users, relevant = split.relevant("test")
    ids = snapshot.nodes("User").ids
    assert [ids[int(user)] for user in users] == ["late", "u0"]
    assert [relevant.row(0).tolist(), relevant.row(1).tolist()] == [[0], [8]]


def test_a_time_split_hides_everything_known_at_or_after_the_cut(tmp_path: Path) -> None:
    events = {
        "BOUGHT": TEN,
        "VIEWED": [("u0", "p9", 6), ("u0", "p9", 7), ("u0", "p8", 8)],
        "LIVES_IN": [("u0", "old", 1), ("u0", "always"), ("u0", "new", 7), ("u0", "newest", 9)],
        "IN_SECTOR": [("p0", "s0"), ("p0", "s1", 8)],
    }
    snapshot = bank.make(tmp_path / "s", events)
    split = split_of(snapshot)
    train, fitted = (visible_graph(snapshot, split.hidden(stage)) for stage in ("train", "train+valid"))
    assert bank.seen(snapshot, train, "BOUGHT") == {("u0", f"p{n}") for n in range(7)}
    assert bank.seen(snapshot, train, "VIEWED") == {("u0", "p9")}
    assert train.hops[Hop("VIEWED")].weights(0).tolist() == [0.2]  # the view of day 6 alone
    assert bank.seen(snapshot, train, "LIVES_IN") == {("u0", "old"), ("u0", "always")}
    assert bank.seen(snapshot, train, "IN_SECTOR") == {("p0", "s0")}
    assert bank.seen(snapshot, fitted, "BOUGHT") == {("u0", f"p{n}") for n in range(8)}
    assert bank.seen(snapshot, fitted, "LIVES_IN") == {("u0", "old"), ("u0", "always"), ("u0", "new")}
    assert bank.seen(snapshot, visible_graph(snapshot, split.hidden("all")), "BOUGHT") == {
        ("u0", f"p{n}") for n in range(10)
    }


def test_planted_leaks_after_the_cut_change_nothing_that_is_fitted(tmp_path: Path) -> None:
    events = {"BOUGHT": TEN, "VIEWED": [("u0", "p1", 2)]}
    clean = bank.make(tmp_path / "clean", events, users=2)
    leaks = {"VIEWED": [("u0", "p1", 2), ("u0", "p8", 8), ("u1", "p9", 9)], "LIVES_IN": [("u0", "t", 8)]}
    leaky = bank.make(tmp_path / "leaky", {**events, **leaks}, users=2)
    for stage in ("train", "train+valid"):
        one = visible_graph(clean, split_of(clean).hidden(stage))
        two = visible_graph(leaky, split_of(leaky).hidden(stage))
        for hop in (Hop("BOUGHT"), Hop("VIEWED"), Hop("BOUGHT", True)):
            assert one.hops[hop].indices.tolist() == two.hops[hop].indices.tolist()
        assert len(two.hops[Hop("LIVES_IN")].indices) == 0


def test_a_pair_in_train_never_counts_in_test(tmp_path: Path) -> None:
    repeats = [*TEN[:8], ("u0", "p0", 8), ("u0", "p9", 9)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": repeats})
    split = split_of(snapshot)
    assert bank.named(snapshot, split.test, split) == {("u0", "p9")}


def test_a_pair_in_validation_never_counts_in_test_which_is_fitted_on_it(tmp_path: Path) -> None:
    repeats = [*TEN[:8], ("u0", "p7", 8), ("u0", "p9", 9)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": repeats})
    split = split_of(snapshot)
    assert bank.named(snapshot, split.valid, split) == {("u0", "p7")}
    assert bank.named(snapshot, split.test, split) == {("u0", "p9")}


def test_edges_without_a_time_are_in_train_and_the_report_says_so(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [*TEN, ("u1", "p0"), ("u1", "p1")]})
    split = split_of(snapshot)
    assert split.cuts == (bank.day(7), bank.day(8))
    assert split.notes == ("2 relevant edges have no time and are in train",)


def test_without_times_a_seeded_choice_by_user_and_the_report_says_so(tmp_path: Path) -> None:
    pairs = [(f"u{n}", f"p{m}") for n in range(30) for m in range(10)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": pairs, "VIEWED": pairs})
    split = split_of(snapshot)
    assert split.name == "random"
    assert split.notes == (
        "the relevant edges have no times: validation and test are a seeded random choice by user, which a model finds "
        "easier than the future",
    )
    assert np.bincount(split.test // 10, minlength=30).tolist() == [2] * 30
    assert np.bincount(split.valid // 10, minlength=30).tolist() == [1] * 30
    assert not np.intersect1d(split.test, split.valid).size
    again, other = split_of(snapshot), split_of(snapshot, seed=1)
    assert split.hash == again.hash != other.hash
    train = visible_graph(snapshot, split.hidden("train"))
    for hop in ("BOUGHT", "VIEWED"):  # a hidden pair is hidden in every interaction
        assert len(train.hops[Hop(hop)].indices) == 300 - 90


def test_a_user_with_one_edge_keeps_it(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [(f"u{n}", "p0") for n in range(50)]})
    split = split_of(snapshot)
    assert (len(split.test), len(split.valid)) == (0, 0)


def test_one_time_for_all_edges_cannot_be_cut(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [("u0", f"p{n}", 3) for n in range(10)]})
    split = split_of(snapshot)
    assert split.name == "random"
    assert split.notes[0].startswith("all relevant edges have one time: validation and test are a seeded random choice")


MANY = [(f"u{n}", f"p{m}") for n in range(6) for m in range(4)]


def test_pairs_of_the_mapping_hide_every_interaction_of_the_pair(tmp_path: Path) -> None:
    events = {"BOUGHT": MANY, "VIEWED": [("u0", "p0"), ("u0", "p1"), ("u1", "p2")]}
    parts = {"test": [("u0", "p0"), ("u1", "p2")], "valid": [("u0", "p1")]}
    snapshot = bank.make(tmp_path / "s", events, split=parts)
    split = split_of(snapshot)
    assert split.name == "mapping"
    train, fitted = (visible_graph(snapshot, split.hidden(stage)) for stage in ("train", "train+valid"))
    assert bank.seen(snapshot, train, "VIEWED") == set()
    assert bank.seen(snapshot, train, "BOUGHT") == set(MANY) - {("u0", "p0"), ("u1", "p2"), ("u0", "p1")}
    assert bank.seen(snapshot, fitted, "VIEWED") == {("u0", "p1")}
    assert bank.seen(snapshot, fitted, "BOUGHT") == set(MANY) - {("u0", "p0"), ("u1", "p2")}
    assert bank.named(snapshot, split.test, split) == set(parts["test"])
    assert bank.named(snapshot, split.valid, split) == set(parts["valid"])


def test_validation_without_a_list_is_drawn_like_test(tmp_path: Path) -> None:
    """As many seeded users as test has, one remaining relevant edge each, if they keep another."""
    bought = [*MANY, ("one", "p0"), ("two", "p0"), ("two", "p1")]
    parts = {"test": [("u0", "p0"), ("u0", "p1"), ("u1", "p2"), ("two", "p1")], "valid": []}
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought}, split=parts)
    split = split_of(snapshot)
    valid = bank.named(snapshot, split.valid, split)
    assert len(valid) == len({user for user, _ in valid}) == 3
    assert valid <= set(MANY) - set(parts["test"])  # neither `one` nor `two` would keep another
    assert split.hash == split_of(snapshot).hash


def test_validation_hides_half_the_part_that_test_hides(tmp_path: Path) -> None:
    """Test hides 4 of 20 of everybody: validation a tenth of the 16 that remain, so that figures are less of chance."""
    bought = [(f"u{n}", f"p{(n + m) % 40}") for n in range(40) for m in range(20)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought}, split={"test": bought[::5]})
    split = split_of(snapshot)
    found = bank.named(snapshot, split.valid, split)
    each = Counter(user for user, _ in found)
    assert (len(each), set(each.values())) == (40, {1, 2})
    assert 52 <= len(found) <= 76
    assert found.isdisjoint(bought[::5])


def test_validation_is_drawn_of_users_whose_truth_is_whole_while_they_are_enough(tmp_path: Path) -> None:
    """The hidden product of a test user would stand among the candidates of validation and count as wrong."""
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": MANY}, split={"test": [("u0", "p0"), ("u3", "p2"), ("u4", "p1")]})
    for seed in range(5):
        split = split_of(snapshot, seed=seed)
        assert {user for user, _ in bank.named(snapshot, split.valid, split)} == {"u1", "u2", "u5"}


def test_users_with_a_hidden_pair_are_no_training_targets_where_most_have_none(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": MANY}, split={"test": [("u0", "p0")], "valid": [("u4", "p1")]})
    split = split_of(snapshot)
    assert visible_graph(snapshot, split.hidden("train")).learners().tolist() == [1, 2, 3, 5]
    assert visible_graph(snapshot, split.hidden("train+valid")).learners().tolist() == [1, 2, 3, 4, 5]
    assert visible_graph(snapshot, split.hidden("all")).learners(4).tolist() == list(range(6))
    by_user = split_of(bank.make(tmp_path / "r", {"BOUGHT": MANY}))
    hidden = visible_graph(bank.make(tmp_path / "t", {"BOUGHT": MANY}), by_user.hidden("train"))
    assert by_user.name == "random"
    assert hidden.learners().tolist() == list(range(6))


def test_all_who_can_are_drawn_when_there_are_fewer_than_in_test(tmp_path: Path) -> None:
    bought = [("a", "p0"), ("a", "p1"), ("a", "p2"), ("b", "p0"), ("b", "p1"), ("c", "p2"), ("c", "p1")]
    parts = {"test": [("a", "p0"), ("b", "p0"), ("c", "p2")]}
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought}, split=parts)
    split = split_of(snapshot)
    assert {user for user, _ in bank.named(snapshot, split.valid, split)} == {"a"}


@pytest.mark.parametrize(("each", "asked"), [(3, 40), (4, 80)])
def test_where_most_would_be_left_with_one_product_half_of_them_are_asked(
    tmp_path: Path, each: int, asked: int
) -> None:
    """One of three or four is hidden for test: of two that remain train keeps both of every other customer."""
    bought = [(f"u{n}", f"p{(n + m) % 9}") for n in range(80) for m in range(each)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought}, split={"test": bought[::each]})
    split = split_of(snapshot)
    found = Counter(user for user, _ in bank.named(snapshot, split.valid, split))
    assert (len(found), set(found.values())) == (asked, {1})


def test_where_hardly_anybody_keeps_one_some_are_asked_for_the_only_one_they_hold(tmp_path: Path) -> None:
    """A bank whose customers hold one product each: a fifth of them, and train keeps the others."""
    bought = [(f"u{n}", f"p{n % 5}") for n in range(40)]
    later = [(f"u{n}", f"p{(n + 1) % 5}") for n in range(40)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [*bought, *later]}, split={"test": later})
    split = split_of(snapshot)
    valid = bank.named(snapshot, split.valid, split)
    assert len(valid) == 8
    assert valid <= set(bought)
    seen = bank.seen(snapshot, visible_graph(snapshot, split.hidden("train")), "BOUGHT")
    assert seen == set(bought) - valid
    other = fold_of(snapshot, split, 1)
    assert other is not None
    assert len(other.valid) == 8
    assert bank.named(snapshot, other.valid, other) != valid


def test_a_pair_in_both_lists_is_test(tmp_path: Path) -> None:
    parts = {"test": [("u0", "p0")], "valid": [("u0", "p0"), ("u1", "p1")]}
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": MANY}, split=parts)
    split = split_of(snapshot)
    assert bank.named(snapshot, split.valid, split) == {("u1", "p1")}


def test_listed_pairs_that_are_no_relevant_edges_do_not_count_but_stay_hidden(tmp_path: Path) -> None:
    events = {"BOUGHT": MANY, "VIEWED": [("u0", "p9")]}
    snapshot = bank.make(tmp_path / "s", events, split={"test": [("u0", "p0"), ("u0", "p9")]})
    split = split_of(snapshot)
    assert bank.named(snapshot, split.test, split) == {("u0", "p0")}
    assert split.notes == ("1 test pairs of the mapping are no relevant edges and do not count",)
    assert bank.seen(snapshot, visible_graph(snapshot, split.hidden("train+valid")), "VIEWED") == set()


@pytest.mark.parametrize(
    ("rule", "fitted", "masked"),
    [
        (SplitRule(), "train+valid", "train+valid"),
        (SplitRule(refit=False), "train", "train"),
        (SplitRule(mask="train"), "train+valid", "train"),
        (SplitRule(refit=False, mask="train+valid"), "train", "train+valid"),
    ],
)
def test_refit_and_mask(tmp_path: Path, rule: SplitRule, fitted: str, masked: str) -> None:
    parts = {"test": [("u0", "p0")], "valid": [("u0", "p1")]}
    split = split_of(bank.make(tmp_path / "s", {"BOUGHT": MANY}, split=parts, rule=rule))
    assert (split.fitted, split.masked) == (fitted, masked)


def test_the_hash_tells_splits_apart(tmp_path: Path) -> None:
    parts = {"test": [("u0", "p0")], "valid": [("u0", "p1")]}
    hashes = {
        split_of(bank.make(tmp_path / "a", {"BOUGHT": MANY}, split=parts)).hash,
        split_of(bank.make(tmp_path / "b", {"BOUGHT": MANY}, split=parts, rule=SplitRule(mask="train"))).hash,
        split_of(bank.make(tmp_path / "c", {"BOUGHT": MANY}, split={**parts, "test": [("u0", "p2")]})).hash,
        split_of(bank.make(tmp_path / "d", {"BOUGHT": TEN})).hash,
    }
    assert len(hashes) == 4


def test_without_a_relevant_edge_there_is_nothing_to_learn(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"VIEWED": TEN})
    with pytest.raises(ModelError) as caught:
        split_of(snapshot)
    assert str(caught.value) == (
        "no User holds a Product: the snapshot has no edge of BOUGHT; load interactions: graphrec load MAPPING"
    )


def test_positions_without_a_time_that_show_what_was_bought_later_end_the_cut_in_time(tmp_path: Path) -> None:
    held = [("u0", f"p{n}") for n in range(10)]
    split = split_of(bank.make(tmp_path / "s", {"BOUGHT": [*TEN, *held]}))
    assert split.name == "random"
    assert split.notes == (
        "relevant edges without a time show what most dated ones would have to find: validation and test are a seeded "
        "random choice by user, which a model finds easier than the future",
    )
    assert split.counts()["test_interactions"] == 2
    few = split_of(bank.make(tmp_path / "few", {"BOUGHT": [*TEN, *held[:8]]}))
    assert (few.name, few.counts()["test_interactions"]) == ("time", 2)


def test_a_first_delivery_with_most_edges_leaves_the_cut_to_what_came_after_it(tmp_path: Path) -> None:
    """Monthly deliveries of what is held: the first one says nothing of since when."""
    first = [(f"u{user}", f"p{n}", 0) for user in range(200) for n in range(5)]
    months = [(f"u{user}", f"p{6 + user % 3}", 1 + user % 12) for user in range(200)]
    months += [(f"u{user}", f"p{10 + user % 3}", 1 + (user + 5) % 12) for user in range(200)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": first + months})
    split = split_of(snapshot)
    assert (split.name, split.cuts, split.notes) == ("time", (bank.day(9), bank.day(10)), ())
    assert all(day >= 10 for user, product, day in months if (user, product) in bank.named(snapshot, split.test, split))
    assert split.counts()["test_interactions"] == sum(day >= 10 for *_, day in months)
    fold = fold_of(snapshot, split, 1)
    assert fold is not None
    assert fold.cuts == (bank.day(8), bank.day(10))
    few = split_of(bank.make(tmp_path / "few", {"BOUGHT": first + months[:200]}))
    assert few.name == "random"
    assert few.notes[0].startswith("nearly all relevant edges have one time: validation and test are a seeded random")


def test_cuts_that_would_fall_on_one_day_are_a_day_apart(tmp_path: Path) -> None:
    quarters = [(f"u{user}", f"p{user % 7}", user % 3) for user in range(30)]
    split = split_of(bank.make(tmp_path / "s", {"BOUGHT": quarters}))
    assert (split.name, split.cuts) == ("time", (bank.day(1), bank.day(2)))
    assert split.counts()["validation_interactions"] == split.counts()["test_interactions"] == 10


def test_a_fold_of_a_split_by_time_is_the_window_before(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": TEN})
    split = split_of(snapshot)
    earlier = [fold_of(snapshot, split, fold) for fold in (1, 2, 3, 4)]
    kept = [one for one in earlier if one is not None]
    assert [bank.named(snapshot, one.valid, one) for one in kept] == [{("u0", f"p{n}")} for n in (6, 5, 4)]
    assert earlier[3] is None
    for one, shown in zip(kept, (6, 5, 4), strict=True):
        assert (one.test == split.test).all()
        graph = visible_graph(snapshot, one.hidden("train"))
        assert bank.seen(snapshot, graph, "BOUGHT") == {("u0", f"p{n}") for n in range(shown)}


def test_folds_of_a_random_split_hide_other_pairs_and_leave_the_test_part(tmp_path: Path) -> None:
    snapshot = bank.make(
        tmp_path / "s", {"BOUGHT": [(f"u{u}", f"p{(u + 3 * n) % 20}") for u in range(12) for n in range(6)]}
    )
    split = split_of(snapshot)
    assert split.name == "random"
    found = [fold_of(snapshot, split, fold) for fold in (1, 2, 2)]
    for one in found:
        assert one is not None
        assert not np.isin(one.valid, split.test).any()
        assert len(one.valid)
        assert (one.test == split.test).all()
        assert one.hash != split.hash
    assert found[1].hash == found[2].hash != found[0].hash  # type: ignore[union-attr]


def test_a_split_without_a_refit_has_no_folds(tmp_path: Path) -> None:
    """Its validation part stays hidden, so that no other one can be drawn."""
    parts = {"test": [("u0", "p4")], "valid": [("u0", "p3")]}
    bought = {"BOUGHT": [row[:2] for row in TEN]}
    for refit in (True, False):
        rule = SplitRule(refit=refit, mask="fitted")
        snapshot = bank.make(tmp_path / str(refit), bought, split=parts, rule=rule)
        assert (fold_of(snapshot, split_of(snapshot), 2) is not None) == refit


def test_a_choice_sees_the_support_that_is_served(tmp_path: Path) -> None:
    """Train has 7 of 8 pairs of train and validation: of 10 people who share something about 8 do so in train."""
    together = [(f"u{n}", "p0", 0) for n in range(10)]
    snapshot = bank.make(
        tmp_path / "s", {"BOUGHT": [*together, *((f"u{n}", f"p{n}", n) for n in range(1, 11))]}, min_group=10
    )
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    assert choosing_graph(graph, split).schema.roles.min_group == round(10 * (7 / 8) ** 2)
    assert choosing_graph(graph, replace(split, refit=False)) is graph


def test_a_choice_is_no_wider_than_what_can_be_fitted(tmp_path: Path) -> None:
    """Where nothing is held by min_group customers, a choice with fewer would name models that learn nothing then."""
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": TEN}, min_group=10)
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    assert choosing_graph(graph, split) is graph
