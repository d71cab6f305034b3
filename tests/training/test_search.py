"""Ranks, the metric that choices are made on, kept candidates, and what the search prefers."""

from collections.abc import Callable
from dataclasses import replace
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Graph, Hop, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.factors.spectral import fit_spectral
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.inputs import PATH_SHARE, Inputs, Values
from graphrec.models.registry import models
from graphrec.models.spec import ModelSpec
from graphrec.models.tables.itemknn.neighbours import fit_itemknn
from graphrec.models.walks.kernel import people_table
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk
from graphrec.training.assemble import fit_model
from graphrec.training.lists import ranked_lists
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.choose import Choice, _fitted, choose, fixed, without_replaced, without_trend
from graphrec.training.search.remembered import Remembered
from graphrec.training.search.walks import STARTS, choose_walks
from graphrec.training.search.weights import towards_paths
from graphrec.training.split import split_of
from graphrec.training.validation import MAX_USERS, Validation
from tests.training import bank


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return bank.taste_bank(tmp_path_factory.mktemp("bank") / "s", users=40, products=40)


@pytest.fixture(scope="module")
def graph(snapshot: Snapshot) -> Graph:
    return visible_graph(snapshot, split_of(snapshot).hidden("train"))


@pytest.fixture(scope="module")
def validation(snapshot: Snapshot, graph: Graph) -> Validation:
    return Validation.of(split_of(snapshot), graph, 0)


def test_ranks_count_ties_by_id_and_leave_out_what_is_held(tmp_path: Path) -> None:
    """u0 holds p0; holders elsewhere: p1 2, p2 1, p3 1, p4 0; p3 is to be found, at rank 3 of p1, p2, p3, p4."""
    bought = [("u0", "p0"), ("u0", "p3"), ("u1", "p1"), ("u2", "p1"), ("u1", "p2"), ("u2", "p3"), ("u3", "p4")]
    parts = {"test": [("u3", "p4")], "valid": [("u0", "p3")]}
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought}, split=parts)
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    validation = Validation.of(split, graph, 0)
    assert (validation.k, validation.metric) == (3, "ndcg@3")
    assert validation.evaluate(fit_popularity(graph)).tolist() == [1 / log2(1 + 3)]


def test_the_metric_is_that_of_evaluation(graph: Graph, validation: Validation) -> None:
    for term in (fit_popularity(graph), fit_itemknn(graph), fit_spectral(graph)):
        lists = ranked_lists(Blend([term], [1.0]), validation.users, graph.held(), validation.k)
        relevant = validation.relevant
        expected = evaluate_lists(lists, relevant.indptr, relevant.indices, [validation.k])[validation.metric]
        np.testing.assert_allclose(validation.evaluate(term), expected, atol=1e-12)


def test_candidates_of_a_small_catalogue_are_whole_and_exact(graph: Graph, validation: Validation) -> None:
    terms = [fit_popularity(graph), fit_itemknn(graph), fit_spectral(graph)]
    candidates = Candidates.of(terms, validation)
    for weights in ([1.0, 0.0, 0.0], [0.2, 1.0, 0.0], [0.3, 0.1, 1.0]):
        expected = validation.evaluate(Blend(terms, weights))
        np.testing.assert_allclose(candidates.evaluate(np.array(weights)), expected, atol=1e-12)


def test_a_term_can_be_replaced_among_the_candidates(graph: Graph, validation: Validation) -> None:
    terms = [fit_popularity(graph), fit_itemknn(graph)]
    candidates = Candidates.of(terms, validation)
    candidates.put(0, fit_spectral(graph))
    expected = Candidates.of([fit_spectral(graph), terms[1]], validation)
    np.testing.assert_array_equal(candidates.values, expected.values)


def test_a_large_catalogue_keeps_the_first_of_every_term_and_what_is_to_be_found(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphrec.training.search.candidates.DEPTH", 5)
    monkeypatch.setattr("graphrec.training.search.candidates.LEAST_DEPTH", 5)
    monkeypatch.setattr("graphrec.training.search.candidates.VALUES_AT_MOST", 0)
    term = fit_itemknn(graph)
    candidates = Candidates.of([term], validation)
    lists = ranked_lists(Blend([term], [1.0]), validation.users, graph.held(), 5)
    for row in range(len(validation)):
        kept = candidates.products[candidates.indptr[row] : candidates.indptr[row + 1]].tolist()
        assert kept == sorted({*lists[row].tolist(), *validation.relevant.row(row).tolist()})
        wanted = candidates.products[candidates.places[validation.relevant.indptr[row]]]
        assert wanted == validation.relevant.row(row)[0]


def test_a_large_bank_is_judged_on_a_seeded_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = bank.taste_bank(tmp_path / "s")
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    monkeypatch.setattr("graphrec.training.validation.MAX_USERS", 10)
    monkeypatch.setattr("graphrec.training.validation.SCORES_AT_LEAST", 0)
    one, again, other = (Validation.of(split, graph, seed).users.tolist() for seed in (0, 0, 1))
    assert one == again != other
    assert len(one) == 10 == len(set(one))
    assert MAX_USERS == 3000


def test_the_walk_of_the_planted_taste_is_found(graph: Graph, validation: Validation) -> None:
    """Users buy by the half of the catalogue: look-alike holdings and the sector tell it, the town too."""
    walks = choose_walks(graph, validation)
    named = {str(walk) for walk in walks}
    assert named & {"BOUGHT <BOUGHT BOUGHT", "BOUGHT IN_SECTOR <IN_SECTOR", "LIVES_IN <LIVES_IN BOUGHT"}


WALK = (Hop("BOUGHT"), Hop("BOUGHT", True), Hop("BOUGHT"))
LEAST = 15


def test_walks_are_chosen_on_what_everybody_has_in_common(graph: Graph, validation: Validation) -> None:
    """`min_group` decides what is fitted, not which walks and powers are: those are the same few numbers."""

    def only_people(min_group: int) -> Graph:
        roles = replace(graph.schema.roles, min_group=min_group, metapaths=("BOUGHT <BOUGHT BOUGHT",))
        return replace(graph, schema=replace(graph.schema, roles=roles))

    pairs = [len(people_table(only_people(least), Walk(WALK, (0.7, 0.6, 0.3))).counts) for least in (1, LEAST)]
    assert 0 < pairs[1] < pairs[0]
    chosen = choose_walks(only_people(LEAST), validation)
    assert [walk.hops for walk in chosen] == [WALK]
    assert chosen == choose_walks(only_people(1), validation)
    assert choose_walks(only_people(1000), validation) == []


def test_of_a_large_catalogue_the_metric_chooses_powers_among_a_few(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other powers raise is not among the candidates of the first ones, so that the likelihood is not asked."""
    roles = replace(graph.schema.roles, min_group=1, metapaths=("BOUGHT <BOUGHT BOUGHT",))
    people = replace(graph, schema=replace(graph.schema, roles=roles))
    assert Candidates.of([fit_popularity(graph)], validation).is_whole
    for name in ("DEPTH", "LEAST_DEPTH"):
        monkeypatch.setattr(f"graphrec.training.search.candidates.{name}", 5)
    monkeypatch.setattr("graphrec.training.search.candidates.VALUES_AT_MOST", 0)
    assert not Candidates.of([fit_popularity(graph)], validation).is_whole
    monkeypatch.setattr(
        "graphrec.training.search.walks._metric",
        lambda _graph, _validation, walks: np.full(3, float(walks[0].powers == STARTS[2])),
    )
    monkeypatch.setattr("graphrec.training.search.walks._tune_powers", None)
    assert [walk.powers for walk in choose_walks(people, validation)] == [STARTS[2]]


def test_powers_that_only_the_likelihood_likes_are_not_taken(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The likelihood sees the products that the first powers rank high; the metric is of all products."""
    metric, spread = {0.3: 0.3, -3.0: 0.2}, np.tile([0.1, -0.1], len(validation))[: len(validation)]
    roles = replace(graph.schema.roles, min_group=1, metapaths=("BOUGHT <BOUGHT BOUGHT",))
    people = replace(graph, schema=replace(graph.schema, roles=roles))

    def popular_first(_graph: Graph, _chosen: Candidates, walks: list[Walk], *_: object) -> list[Walk]:
        return [replace(walk, powers=(0.7, 0.6, -3.0)) for walk in walks]

    def judged(_graph: Graph, _validation: Validation, walks: list[Walk]) -> np.ndarray:
        return np.full(len(spread), metric[walks[0].powers[-1]]) + spread * (walks[0].powers[-1] < 0)

    monkeypatch.setattr("graphrec.training.search.walks._tune_powers", popular_first)
    monkeypatch.setattr("graphrec.training.search.walks._metric", judged)
    assert [walk.powers for walk in choose_walks(people, validation)] == [(0.7, 0.6, 0.3)]
    metric[-3.0] = 0.299
    assert [walk.powers for walk in choose_walks(people, validation)] == [(0.7, 0.6, -3.0)]


@pytest.mark.parametrize("use_protected", [False, True])
def test_protected_edges_are_used_only_when_asked(tmp_path: Path, use_protected: bool) -> None:
    bought = [(f"u{n}", f"p{m}") for n in range(20) for m in range(6) if (n + m) % 3]
    sex = [(f"u{n}", "fm"[n % 2]) for n in range(20)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought, "OF_SEX": sex})
    graph = visible_graph(snapshot, split_of(snapshot).hidden("train"))
    inputs = Inputs(use_protected=use_protected)
    walks = fixed("kernel", graph, inputs).terms["kernel"]["walks"]
    assert any("OF_SEX" in walk["walk"] for walk in walks) == use_protected
    for name in ("ease", "lightgcn"):
        ((term, _),) = fit_model(name, graph, {}, inputs).parts
        hops = {str(source.hop) for source in term.neighbours}  # type: ignore[attr-defined]
        assert ("OF_SEX" in hops) == use_protected


@pytest.mark.parametrize(("gain", "kept"), [(0.03, "learned-kernel"), (0.01, "kernel"), (-0.03, "kernel")])
def test_a_learned_kernel_replaces_the_powers_where_it_clearly_wins(gain: float, kept: str) -> None:
    """Differences spread by .1 over 100 users: two standard errors are .02."""
    spread = np.tile([0.1, -0.1], 50)
    plain = {"kernel": np.full(100, 0.3), "ease": np.full(100, 0.2), "learned-kernel": 0.3 + gain + spread}
    choices = [
        Choice(models()[name], {}, float(values.mean()), list, lambda own=values: own) for name, values in plain.items()
    ]
    assert [choice.name for choice in without_replaced(choices)] == [name for name in plain if name in (kept, "ease")]
    assert without_replaced(choices[:2]) == choices[:2]


@pytest.mark.parametrize(
    ("best", "given", "tried"),
    [
        (2.0, {}, [1.0, 3.0, 10.0]),
        (10.0, {}, [1.0, 3.0, 10.0, 30.0]),
        (40.0, {}, [1.0, 3.0, 10.0, 30.0, 100.0]),
        (999.0, {}, [1.0, 3.0, 10.0, 30.0, 100.0]),
        (40.0, {"overrides": {"softmax": {"regularization": 10.0}}}, [10.0]),
        (40.0, {"tuned": {"softmax": {"regularization": 10.0}}}, [10.0]),
    ],
)
def test_beyond_the_end_of_the_trials_goes_on_while_it_is_better(
    graph: Graph,
    validation: Validation,
    monkeypatch: pytest.MonkeyPatch,
    best: float,
    given: dict[str, Any],
    tried: list[float],
) -> None:
    seen = []

    def evaluated(spec: ModelSpec[Any], values: Values, *_: object) -> Choice:
        seen.append(values["regularization"])
        return Choice(spec, values, -abs(log2(values["regularization"] / best)), list, lambda: np.zeros(1))

    monkeypatch.setattr("graphrec.training.search.choose.evaluated", evaluated)
    found, _ = _fitted([models()["softmax"]], graph, validation, Inputs(**given))
    assert seen == tried
    nearest = min(tried, key=lambda one: abs(log2(one / best)))
    assert [choice.plain for choice in found] == [{"regularization": nearest}]


@pytest.mark.parametrize(("gain", "is_taken"), [(0.009, False), (0.011, True)])
def test_another_way_to_fit_is_taken_where_it_gains_more_than_a_standard_error(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch, gain: float, *, is_taken: bool
) -> None:
    """The difference has a standard error of .01."""
    noise = 0.1 * np.tile([1.0, -1.0], 50)

    def evaluated(spec: ModelSpec[Any], values: Values, *_: object) -> Choice:
        of_users = 0.5 + (gain + noise if values.get("singles") else np.zeros(100))
        return Choice(spec, values, float(of_users.mean()), list, lambda: of_users)

    monkeypatch.setattr("graphrec.training.search.choose.evaluated", evaluated)
    spec = replace(models()["softmax"], instead=lambda _graph, best: iter([{**best, "singles": True}]))
    found, _ = _fitted([spec], graph, validation, Inputs())
    assert bool(found[0].plain.get("singles")) == is_taken


@pytest.mark.parametrize(("values", "tried", "taken"), [((0.4, 0.9), 1, 0), ((0.6, 0.7), 2, 2), ((0.6, 0.55), 2, 1)])
def test_other_ways_to_fit_are_tried_while_they_are_better(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch, values: tuple[float, float], tried: int,
    taken: int,
) -> None:  # fmt: skip
    seen = []

    def evaluated(spec: ModelSpec[Any], plain: Values, *_: object) -> Choice:
        seen.append(plain.get("way", 0))
        value = (0.5, *values)[plain.get("way", 0)]
        return Choice(spec, plain, value, list, lambda: np.full(100, value))

    monkeypatch.setattr("graphrec.training.search.choose.evaluated", evaluated)
    instead = replace(
        models()["softmax"],
        trials=lambda _graph: iter([{}]),
        instead=lambda _graph, _best: iter([{"way": 1}, {"way": 2}]),
    )
    found, _ = _fitted([instead], graph, validation, Inputs())
    assert seen == [0, *range(1, tried + 1)]
    assert found[0].plain.get("way", 0) == taken


@pytest.mark.parametrize("most", [0, 10**9])
def test_one_term_beside_a_remembered_blend_scores_as_the_blend_with_it(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("graphrec.training.search.remembered.MOST_KEPT", most)
    first, last = fit_itemknn(graph), fit_popularity(graph)
    users = np.arange(graph.num_users, dtype=np.int32)
    remembered = Remembered(Blend([first], [0.7]), 1)
    for weight in (0.0, 0.3, 2.0):
        whole = Blend([first, last], [0.7, weight]).batch(users)
        assert remembered.plus(last, weight).batch(users).tobytes() == whole.tobytes()
    assert remembered.batch(users).tobytes() == Blend([first], [0.7]).batch(users).tobytes()


@pytest.mark.parametrize(("behind", "stays"), [(-0.1, True), (0.01, True), (0.1, False)])
def test_what_was_taken_lately_counts_where_it_is_not_clearly_behind_the_best(behind: float, *, stays: bool) -> None:
    """The difference has a standard error of .01."""
    values = 0.5 + 0.1 * np.tile([1.0, -1.0], 50)
    alone = {"kernel": np.full(100, 0.5), "trend": values - behind, "fresh": np.full(100, 0.1)}
    choices = [Choice(models()[name], {}, float(own.mean()), list, lambda own=own: own) for name, own in alone.items()]
    assert [choice.name for choice in without_trend(choices)] == [*alone][: 3 if stays else 1]


@pytest.mark.parametrize(("cost", "noise", "is_taken"), [(0.004, 0.1, True), (0.006, 1.0, False), (0.004, 0.02, False)])
def test_paths_get_their_share_where_validation_sees_no_loss(cost: float, noise: float, *, is_taken: bool) -> None:
    """Differences of .002 with a standard error of .003: no loss is seen; of .003: more than half a per cent."""
    spread = noise * np.tile([1.0, -1.0], 500)

    def judge(weights: np.ndarray) -> np.ndarray:
        return 0.5 * (1 - cost * (weights[0] > 0.1)) + spread * (weights[0] > 0.1)

    weights, is_path = np.array([0.1, 1.0]), np.array([True, False])
    found = towards_paths(judge, weights, is_path, np.ones(2))
    share = found[0] / found.sum()
    assert share == pytest.approx(PATH_SHARE if is_taken else 0.1 / 1.1)


def test_paths_keep_their_weights_or_take_those_alone_whichever_is_better() -> None:
    is_path, likely, alone = np.array([True, True, False]), np.array([0.1, 0.0, 1.0]), np.array([1.0, 3.0, 1.0])

    def prefers(part: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda weights: np.full(100, weights[part] / weights.sum())

    assert towards_paths(prefers(0), likely, is_path, alone)[1] == 0
    both = towards_paths(prefers(1), likely, is_path, alone)
    assert both[1] == pytest.approx(3 * both[0])


def test_paths_without_weight_come_in_with_their_own() -> None:
    found = towards_paths(
        np.ones_like, np.array([0.0, 0.0, 1.0]), np.array([True, True, False]), np.array([1.0, 3.0, 1.0])
    )
    assert found[1] == pytest.approx(3 * found[0])
    assert found[:2].sum() / found.sum() == pytest.approx(PATH_SHARE)


def test_a_model_with_nothing_to_learn_is_left_out_and_said(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_given: object) -> None:
        raise NothingToLearn("itemknn has nothing to learn from: too few customers; load more")

    broken = replace(models()["itemknn"], fit=nothing)
    wanted = [models()["popularity"], broken]
    monkeypatch.setattr("graphrec.training.search.choose.parts_of_kind", lambda _kind: wanted)
    monkeypatch.setattr("graphrec.training.assemble.models", lambda: {spec.name: spec for spec in wanted})
    chosen = choose("blend", graph, validation, Inputs())
    assert list(chosen.terms) == ["popularity"]
    assert chosen.notes == ("left out: itemknn has nothing to learn from: too few customers",)
    wanted.pop(0)
    with pytest.raises(NothingToLearn, match="itemknn has nothing"):
        choose("blend", graph, validation, Inputs())


def test_a_thorough_choice_tries_what_is_too_large(
    graph: Graph, validation: Validation, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = replace(models()["itemknn"], is_affordable=lambda _graph, _inputs: False)
    wanted = [models()["popularity"], large]
    monkeypatch.setattr("graphrec.training.search.choose.parts_of_kind", lambda _kind: wanted)
    monkeypatch.setattr("graphrec.training.assemble.models", lambda: {spec.name: spec for spec in wanted})
    chosen = choose("blend", graph, validation, Inputs())
    assert list(chosen.tried) == ["popularity"]
    assert chosen.notes[0].endswith("itemknn; --thorough tries all")
    thorough = choose("blend", graph, validation, Inputs(thorough=True))
    assert list(thorough.tried) == ["popularity", "itemknn"]
    assert not any("--thorough" in note for note in thorough.notes)


def test_a_thorough_choice_asks_all_users(snapshot: Snapshot, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MAX_USERS": 20, "SCORES_AT_LEAST": 0, "MOST_TRIED": 5, "SCORES_TRIED": 0, "MANY": 10}.items():
        monkeypatch.setattr(f"graphrec.training.validation.{name}", value)
    split = split_of(snapshot)
    some, whole = (Validation.of(split, graph, 0, is_whole=is_whole) for is_whole in (False, True))
    assert (len(some), len(whole)) == (20, split.counts()["validation_users"])
    assert len(whole) > 20
    assert [len(half) for half in some.halves()] == [5, 5]
    assert sum(len(half) for half in whole.halves()) == len(whole)
    assert not set(some.halves()[0]) & set(some.halves()[1])
