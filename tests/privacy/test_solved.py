"""What one other person does shows in no list of a model that is solved or trained: min_group is in its numbers."""

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.factors.spectral import fit_spectral
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.registry import kinds
from graphrec.models.support import supported, supported_pairs
from graphrec.models.tables.ease import fit_ease
from graphrec.models.tables.softmax import fit_softmax, questions
from graphrec.terms.forms.factors import SparseRows, TableTerm
from tests.models.boards import check_contract
from tests.privacy.models import CONTENT, CONVEX, DATED, NOISED, SOLVED, TRAINED, WALKS
from tests.privacy.moved import BOUGHT, Pair, bank, dense, gains, moved, ranks
from tests.privacy.networks import difference


def test_every_kind_of_model_is_asked() -> None:
    """A new model has to be put among those that the benchmark measures."""
    assert {*SOLVED, *DATED, *WALKS, *TRAINED, *CONTENT, *NOISED, "blend"} >= set(kinds())
    assert set(CONVEX) < set(TRAINED)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLVED)
def test_no_list_gains_a_product_through_one_other_person(name: str) -> None:
    assert gains(SOLVED[name]) == 0


def test_a_question_weighs_the_same_whoever_of_as_many_products_asks_it() -> None:
    """Else the score of all customers for a product shows which of two people holds it."""

    def weight(graph: Graph, product: int) -> float:
        left = supported(graph).graph
        asked = questions(left, [BOUGHT], [], graph.held().degrees())
        return float(asked.weights[asked.answers == product].sum())

    graph, pairs = bank(0)
    learners = set(supported(graph).graph.learners(min_held=2).tolist())
    common = [pair for place, pair in enumerate(pairs) if place % 2 and pair.b in learners]
    assert len(common) > 10
    for pair in common:
        # C holds as much as B before the move, and one product more after it.
        held = int(graph.held().degrees()[pair.b])
        expected = weight(graph, pair.moved) - 1 / held + 1 / (held + 1)
        assert weight(moved(graph, [pair]), pair.moved) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_softmax_gains_no_product_through_one_other_person() -> None:
    assert gains(fit_softmax, seeds=range(2)) == 0


@pytest.mark.parametrize("name", ["itemknn", "spectral"])
def test_without_groups_lists_do_gain_some(name: str) -> None:
    assert gains(SOLVED[name], min_group=1, seeds=range(1), at_once=8) >= 5


def counts(graph: Graph, of: str = "BOUGHT") -> np.ndarray:
    """How many customers have a node behind an edge type and hold a product (num_nodes, num_products)."""
    held = dense(graph, "BOUGHT")
    found: np.ndarray = dense(graph, of).T @ held
    return found


@pytest.mark.parametrize("name", [*SOLVED, "softmax"])
def test_lines_of_pairs_with_too_few_customers_are_nothing(name: str) -> None:
    graph, pairs = bank(0)
    term = (SOLVED | {"softmax": fit_softmax})[name](graph)
    few = {kind: counts(graph, kind) < 5 for kind in ("BOUGHT", "IN_BAND")}
    everything = np.arange(graph.num_products, dtype=np.int32)
    spoken = 0
    for user in [pair.a for pair in pairs[:10]]:
        shares = term.shares(user, everything)
        for group, via, values in zip(shares.group, shares.via, shares.values, strict=True):
            hop = shares.groups[group].hop
            if hop is not None:
                assert not values[few[hop.type][via]].any()
                spoken += values.any()
        assert shares.values.sum(axis=0) == pytest.approx(term.scores(user), abs=1e-9)
    assert spoken or name in ("popularity", "profile")


@pytest.mark.parametrize("name", SOLVED)
def test_one_arithmetic_for_one_user_and_many(name: str) -> None:
    graph, _ = bank(1)
    term = SOLVED[name](graph)
    check_contract(term, graph)
    users = np.arange(0, graph.num_users, 7, dtype=np.int32)
    assert term.rows(users).tobytes() == np.stack([term.scores(int(user)) for user in users]).tobytes()


def test_rare_attribute_nodes_speak_as_one() -> None:
    graph, _ = bank(2)
    band = next(hop for hop in graph.hops if str(hop) == "IN_BAND")
    rare = dense(graph, "IN_BAND")
    # Bands of 3, 2 and 4 customers: together enough.
    rare = np.concatenate([rare, np.zeros((len(rare), 3))], axis=1)
    for place, customers in enumerate((slice(0, 3), slice(3, 5), slice(5, 9)), start=4):
        rare[customers] = 0
        rare[customers, place] = 1
    graph = with_bands(graph, rare)
    left = supported(graph)
    assert left.other[band].tolist() == [0, 1, 2, 3, 4, 4, 4]
    assert left.graph.hops[band].row(7).tolist() == [4]
    term = fit_ease(graph)
    weights = next(source for source in term.neighbours if source.hop == band).dense
    assert weights[4].tolist() == weights[5].tolist() == weights[6].tolist()
    alone = with_bands(graph, np.where(np.arange(7) == 4, rare, rare * (np.arange(7) < 4)))
    assert not supported(alone).graph.hops[band].row(1).size


@pytest.mark.parametrize("each", [1, 3])
def test_what_is_nearly_everyones_own_is_no_attribute(each: int) -> None:
    """Accounts, or transactions of which a customer has several: as one node they say nothing of anybody."""
    graph, _ = bank(2)
    own = np.repeat(np.eye(graph.num_users), each, axis=1)
    seen = with_bands(graph, own)
    band = next(hop for hop in seen.hops if str(hop) == "IN_BAND")
    assert not len(supported(seen).graph.hops[band].indices)
    without = with_bands(graph, np.zeros((graph.num_users, 1)))
    users = np.arange(graph.num_users, dtype=np.int32)
    for fitted in (fit_ease, fit_softmax):
        term, expected = fitted(seen), fitted(without)
        assert band not in [source.hop for source in term.neighbours]
        assert term.rows(users).tobytes() == expected.rows(users).tobytes()


def with_bands(graph: Graph, matrix: np.ndarray) -> Graph:
    from dataclasses import replace

    from tests.privacy.moved import _both

    counts = {**graph.counts, "Band": matrix.shape[1]}
    return replace(graph, counts=counts, hops={**graph.hops, **_both("IN_BAND", matrix > 0)})


def test_pairs_are_counted_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = bank(3)
    seen = supported(graph).graph
    whole = supported_pairs(seen, BOUGHT)
    monkeypatch.setattr("graphrec.models.support.PAIRS_AT_ONCE", 50)
    again = supported_pairs(supported(bank(3)[0]).graph, BOUGHT)
    assert again.indices.tolist() == whole.indices.tolist()
    expected = counts(graph) >= 5
    found = np.zeros_like(expected)
    found[np.repeat(np.arange(whole.num_rows), whole.degrees()), whole.indices] = True
    assert (found == expected).all()


def test_a_table_beyond_its_bound_keeps_the_strongest_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = bank(3)
    whole = fit_spectral(graph)
    monkeypatch.setattr("graphrec.models.support.MOST_WEIGHTS", 610)
    cut = fit_spectral(graph)
    lefts = [term.neighbours[0].left for term in (whole, cut) if isinstance(term, TableTerm)]
    before, after = (left for left in lefts if isinstance(left, SparseRows))
    assert np.diff(before.indptr).max() > 10 == np.diff(after.indptr).max()
    assert len(after.values) == np.minimum(np.diff(before.indptr), 10).sum() <= 610
    row = slice(int(before.indptr[5]), int(before.indptr[6]))
    best = np.sort(np.abs(before.values[row]))[-10:]
    assert np.sort(np.abs(after.values[int(after.indptr[5]) : int(after.indptr[6])])).tolist() == best.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_model_learns_nothing_from_one_other_person(name: str) -> None:
    change = difference(TRAINED[name], banks=range(1))
    assert change.p > 0.05


@pytest.mark.slow
def test_without_groups_a_network_learns_from_one_other_person() -> None:
    change = difference(TRAINED["lightgcn"], banks=range(1), min_group=1)
    assert (change.p < 0.01, change.mean > 10) == (True, True)


def test_ranks_are_those_of_the_moved_product() -> None:
    graph, pairs = bank(0)
    term = fit_popularity(graph)
    assert isinstance(pairs[0], Pair)
    assert (ranks(term, graph, pairs) >= 1).all()
    assert (ranks(term, moved(graph, pairs), pairs) == ranks(term, graph, pairs)).all()
