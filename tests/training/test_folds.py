"""How models are added up when one validation part says little."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, visible_graph
from graphrec.models.inputs import Inputs
from graphrec.models.registry import models
from graphrec.terms.meta import Configuration
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.choose import _fixed_beforehand, _of_sums, _towards_fixed
from graphrec.training.search.folds import Fold, chances, crossed, mean_weights, number_of_folds, refitted
from graphrec.training.search.weights import Weights, _loss, _slopes, fit_weights, fitted_weights
from graphrec.training.split import fold_of, split_of
from graphrec.training.validation import Validation
from tests.training import bank

NAMES = ("itemknn", "popularity", "ease")


def test_a_model_that_is_clearly_best_has_all_chances() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((1, 300)) + np.array([[0.0], [0.5], [0.1]])
    assert chances(values).tolist() == [0.0, 1.0, 0.0]


def test_models_that_stand_close_together_share_their_chances() -> None:
    rng = np.random.default_rng(1)
    values = np.vstack([rng.random((2, 400)), rng.random((1, 400)) - 0.5])
    values[1] += values[0].mean() - values[1].mean()
    found = chances(values)
    assert found[:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert found[2] == 0.0
    assert found.sum() == pytest.approx(1.0)


def test_what_is_seldom_the_best_is_left_out() -> None:
    """Two users: the second model is the best where the second is drawn alone, one time in four; else the first."""
    values = np.array([[0.5, 0.5], [0.0, 0.9], [0.0, 0.0]])
    assert chances(values) == pytest.approx([0.75, 0.25, 0.0], abs=0.06)
    rare = np.vstack([np.full(8, 0.5), np.r_[3.0, np.zeros(7)]])
    # It is the best where the first user is drawn at least twice of eight times.
    assert chances(rare)[1] == pytest.approx(1 - (7 / 8) ** 8 - (7 / 8) ** 7, abs=0.06)
    rare[1, 0] = 2.0
    assert chances(rare).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("users", "products", "folds"),
    [
        (40, 1_000, 4),
        (900, 1_000, 2),
        (2_001, 1_000, 0),
        (2_001, 6, 4),
        (5_826, 21, 1),
        (20_000, 21, 0),
        (2_001, 80, 1),
    ],
)
def test_few_users_ask_more_validation_parts_and_more_do_where_products_are_few(
    users: int, products: int, folds: int
) -> None:
    assert number_of_folds(users, products) == folds


def test_weights_are_the_mean_over_the_parts_each_with_sum_1(tmp_path: Path) -> None:
    snapshot = bank.taste_bank(tmp_path / "s", users=40, products=40)
    split = split_of(snapshot)
    chosen = Configuration({"itemknn": {}, "popularity": {}}, {"itemknn": 1.0, "popularity": 1.0}, {})
    found = []
    for number in (1, 2):
        other = fold_of(snapshot, split, number)
        assert other is not None
        graph = visible_graph(snapshot, other.hidden("train"))
        fold = Fold(graph, Validation.of(other, graph, 0), Inputs())
        scores = refitted(fold, chosen, 2)
        assert isinstance(scores, Candidates)
        assert refitted(fold, chosen, 3) is None
        found.append(scores)
    own = [fit_weights(one, most=2) for one in found]
    expected = np.mean([np.array([0.25, 0.75]), *(one / one.sum() for one in own)], axis=0)
    np.testing.assert_allclose(mean_weights(np.array([1.0, 3.0]), found), expected)


def judges(tmp_path: Path) -> list[Candidates]:
    """Two validation parts of a bank of tastes, with three models each."""
    snapshot = bank.taste_bank(tmp_path / "s", users=60, products=40)
    chosen = Configuration({name: {} for name in NAMES}, dict.fromkeys(NAMES, 1.0), {})
    found = []
    for number in (1, 2):
        other = fold_of(snapshot, split_of(snapshot), number)
        assert other is not None
        graph = visible_graph(snapshot, other.hidden("train"))
        scores = refitted(Fold(graph, Validation.of(other, graph, 0), Inputs()), chosen, 3)
        assert scores is not None
        found.append(scores)
    return found


def test_candidates_of_some_users_are_judged_as_among_all(tmp_path: Path) -> None:
    (one, _) = judges(tmp_path)
    weights, rows = np.array([0.5, 0.2, 0.3]), np.arange(len(one.validation))[1::3]
    some = one.of_users(rows)
    np.testing.assert_allclose(some.evaluate(weights), one.evaluate(weights)[rows], atol=1e-12)
    np.testing.assert_array_equal(some.validation.users, one.validation.users[rows])
    np.testing.assert_allclose(
        some.of_users(np.arange(2)).evaluate(weights), one.evaluate(weights)[rows[:2]], atol=1e-12
    )


def test_a_sum_is_judged_by_weights_of_other_customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each customer by weights that were fitted without them; where there are many, by the weights of all."""
    both, likely = judges(tmp_path), np.array([0.6, 0.1, 0.3])
    groups = [np.random.default_rng(0).permutation(len(one.validation)) % 5 for one in both]
    expected = [np.zeros(len(one.validation)) for one in both]
    for left in range(5):
        fits = [fitted_weights(one.of_users(np.flatnonzero(group != left)), likely, refit=True)[0]
                for one, group in zip(both, groups, strict=True)]  # fmt: skip
        weights = np.mean([one / one.sum() for one in fits], axis=0)
        for one, group, values in zip(both, groups, expected, strict=True):
            values[group == left] = one.evaluate(weights)[group == left]
    np.testing.assert_allclose(crossed(both, likely), np.concatenate(expected), atol=1e-12)
    monkeypatch.setattr("graphrec.training.search.folds.FEW", 10)
    np.testing.assert_array_equal(crossed(both, likely), np.concatenate([one.evaluate(likely) for one in both]))


@pytest.mark.parametrize(
    ("likely", "preferred", "apart", "taken"),
    [
        (0.30, 0.299, 0.29, "preferred"),
        (0.30, 0.299, 0.2995, "likely"),
        (0.30, 0.299, 0.301, "apart"),
        # The same weights, better on paths: nobody is ahead, and reasons decide.
        (0.30, 0.301, 0.301, "preferred"),
        (0.30, 0.302, 0.301, "preferred"),
    ],
)
def test_the_mean_by_chances_is_taken_where_it_is_ahead_of_the_sum(
    likely: float, preferred: float, apart: float, taken: str
) -> None:
    """The metric of each user is what a weight says; differences are those of the same users."""
    users, by_name = np.linspace(0, 1, 50), {"likely": likely, "preferred": preferred, "apart": apart}
    weights = {name: np.array([value]) for name, value in by_name.items()}
    found = _of_sums(lambda one: users + one[0], weights["likely"], weights["preferred"], weights["apart"])
    assert found is weights[taken]


def test_weights_that_validation_is_not_sure_of_take_a_part_of_those_fixed_beforehand_where_it_loses_nothing() -> None:
    specs = [models()[name] for name in ("kernel", "chebyshev", "als")]
    alone = list(np.eye(3))
    before = _fixed_beforehand(specs, alone)
    assert before.tolist() == [0.2, 0.8, 0.0]
    # The filter, which leads the fixed blend, is not among them.
    assert not _fixed_beforehand([specs[0], specs[2]], list(np.eye(2))).any()

    def metric(most: float) -> Callable[[Weights], NDArray[np.float64]]:
        """Rises with the filter up to `most` of it, and falls then."""
        return lambda weights: np.full(9, 1 - abs(weights[1] - most))

    weights = np.array([0.5, 0.1, 0.4])
    for most, part in ((0.8, 0.75), (0.4, 0.75), (0.3, 0.5), (0.2, 0.25), (0.1, 0.0)):
        found, notes = _towards_fixed(metric(most), weights, before, ["said"])
        np.testing.assert_allclose(found, (1 - part) * weights + part * before)
        assert len(notes) == 1 + bool(part)
    assert _towards_fixed(metric(0.8), weights, np.zeros(3), [])[0] is weights


def test_likelihood_and_its_slopes_are_those_of_the_formula_user_by_user() -> None:
    """Parts of every number beside four, since sums run four at once."""
    rng = np.random.default_rng(3)
    for num_parts in (1, 2, 4, 5, 9):
        lengths = rng.integers(5, 12, 7)
        indptr = np.concatenate(([0], np.cumsum(lengths)))
        places = np.concatenate([start + np.array([1, 3]) for start in indptr[:-1]])
        relevant = Adjacency(np.arange(8) * 2, np.zeros(14, np.int32))
        asked = Validation(np.arange(7, dtype=np.int32), relevant, relevant, 12)
        values = rng.standard_normal((num_parts, indptr[-1])).astype(np.float32)
        candidates = Candidates(asked, values, indptr, places, np.zeros(indptr[-1], np.int32))
        weights = rng.random(num_parts)
        cost, slope, curve = 0.0, 1e-3 * weights, 1e-3 * np.eye(num_parts)
        for user in range(7):
            own = values[:, indptr[user] : indptr[user + 1]].astype(np.float64)
            mass = np.exp(weights @ own)
            mass /= mass.sum()
            cost -= float(np.log(mass[[1, 3]]).sum())
            slope = slope + 2 * own @ mass - own[:, [1, 3]].sum(axis=1)
            curve = curve + 2 * ((own * mass) @ own.T - np.outer(own @ mass, own @ mass))
        parts = np.arange(num_parts)
        found, chances_of_all = _loss(candidates, parts, weights)
        assert found == pytest.approx(cost + 1e-3 * float(weights @ weights) / 2)
        slopes, curvature = _slopes(candidates, parts, weights, chances_of_all)
        np.testing.assert_allclose(slopes, slope, atol=1e-12)
        np.testing.assert_allclose(curvature, curve, atol=1e-12)
