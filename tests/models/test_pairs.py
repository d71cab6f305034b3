"""Pairs: what no sum of single neighbours can say, exact lines, and deletions of several edges at once."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.tables.pairs import PairsConfig, fit_pairs
from graphrec.models.tables.softmax import fit_softmax
from graphrec.terms.deletion import Evidence
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.pairs import PairTerm
from tests.models.boards import check_contract, graph, random_board
from tests.models.test_linear import dense
from tests.privacy.moved import bank


def planted(users: int = 400) -> Graph:
    """Products 0 and 1 are held or not, and 2 follows where exactly one of them is, else 3."""
    rng = np.random.default_rng(0)
    bought = np.zeros((users, 6), np.bool_)
    bought[:, :2] = rng.random((users, 2)) < 0.5
    odd = bought[:, 0] ^ bought[:, 1]
    bought[:, 2], bought[:, 3] = odd, ~odd
    bought[:, 4] = True
    bands = np.ones((users, 1), np.bool_)
    empty = {"VIEWED": bought & False, "REJECTED": bought & False, "HAS_SEX": bands, "IN_SECTOR": np.ones((6, 1), bool)}
    return graph({"BOUGHT": bought, "IN_BAND": bands, **empty})


def test_a_pair_says_what_no_sum_can() -> None:
    """Whoever holds 0 and 1 takes 3, whoever holds one of them takes 2: a sum of 0 and 1 cannot say both."""
    board = planted()
    fitted = fit_pairs(board, PairsConfig(regularization=0.3))
    R = dense(board, "BOUGHT")
    users = np.flatnonzero(R[:, :2].any(axis=1))
    right = np.where(R[users, 2] > 0, 2, 3)

    def hits(term: object) -> float:
        # The followed product is hidden: whoever has it has one edge fewer.
        found = []
        for user, wanted in zip(users.tolist(), right.tolist(), strict=True):
            blend = Blend([term], [1.0])  # type: ignore[list-item]
            evidence = Evidence(blend, user, "anew")
            kept = np.array(
                [edge[1] != wanted or edge[0] is None or str(edge[0]) != "BOUGHT" for edge in evidence.edges]
            )
            scores = evidence.term_scores(0, kept[None])[0]
            found.append(scores[wanted] > scores[5 - wanted])
        return float(np.mean(found))

    assert hits(fitted) == 1.0
    assert hits(fit_softmax(board)) < 0.9


def test_a_pair_of_attributes_says_what_no_sum_of_them_can() -> None:
    """Of two bands and two sexes, those of which exactly one is the first take product 2, the others product 3."""
    rng = np.random.default_rng(1)
    bands, sexes = (np.eye(2, dtype=np.bool_)[rng.integers(2, size=400)] for _ in range(2))
    bought = np.zeros((400, 6), np.bool_)
    odd = bands[:, 0] ^ sexes[:, 0]
    bought[:, 2], bought[:, 3], bought[:, 4] = odd, ~odd, rng.random(400) < 0.5
    empty = {"VIEWED": bought & False, "REJECTED": bought & False, "IN_SECTOR": np.ones((6, 1), bool)}
    board = graph({"BOUGHT": bought, "IN_BAND": bands, "HAS_SEX": sexes, **empty})
    fitted = fit_pairs(board, PairsConfig(regularization=0.3, use_protected=True))
    hops = {tuple(sorted(hop.type for hop in fitted.pairs.hops[int(kind)])) for kind in fitted.pairs.kind}
    assert ("HAS_SEX", "IN_BAND") in hops
    # Nobody has two values of one attribute.
    assert not hops & {("IN_BAND", "IN_BAND"), ("HAS_SEX", "HAS_SEX")}
    for user in range(0, 400, 10):
        gone = [edge for edge in fitted.edges(user) if edge[0] is not None and edge[0].type == "BOUGHT"]
        scores = fitted.without_edges(user, gone).scores(user)
        assert (scores[2] > scores[3]) == odd[user]
    unprotected = fit_pairs(board, PairsConfig(regularization=0.3))
    assert all(hop.type != "HAS_SEX" for pair in unprotected.pairs.hops for hop in pair)


@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_batch_single_and_shares_agree(relevant: tuple[str, ...]) -> None:
    board = random_board(3, relevant=relevant)
    term = fit_pairs(board, PairsConfig(times=1))
    check_contract(term, board)
    assert len(term.pairs.first) > 20
    same = fit_pairs(board, PairsConfig(times=1))
    assert same.pairs.weights.tobytes() == term.pairs.weights.tobytes()


def test_a_batch_counts_what_is_left_of_both_edges_of_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.terms.forms.pairs.USERS_AT_ONCE", 7)
    board = random_board(3)
    term = fit_pairs(board, PairsConfig(times=1))
    bought = Hop("BOUGHT")
    faded = np.random.default_rng(0).random(len(board.hops[bought].indices))
    older = term.reading(replace(board, hops={**board.hops, bought: replace(board.hops[bought], faded=faded)}))
    users = np.arange(board.num_users, dtype=np.int32)
    expected = np.stack([older.scores(user) for user in users.tolist()])
    assert np.allclose(older.batch(users), expected, rtol=0, atol=1e-5)
    assert not np.allclose(term.batch(users), expected, rtol=0, atol=0.01)


def test_a_deletion_takes_every_pair_that_it_touches_once() -> None:
    board = random_board(5)
    term = fit_pairs(board, PairsConfig(times=1))
    blend, products = Blend([term], [1.0]), np.arange(24, dtype=np.int32)
    for user in range(0, 40, 5):
        evidence = Evidence(blend, user, "fixed")
        scales = blend.row(user).scales
        ledger = blend.ledger(user, products, scales)
        rest = [ledger.group_of(n).edges(int(ledger.via[n]), int(ledger.mid[n])) for n in range(len(ledger.via))]
        for gone in combinations(evidence.edges[:4], 2):
            found = evidence.scores(evidence.all_but(gone)[None])[0]
            kept = [n for n, edges in enumerate(rest) if not set(edges) & set(gone)]
            assert found == pytest.approx(ledger.values[kept].sum(axis=0), rel=1e-9, abs=1e-9)
            true = Blend([term.without_edges(user, gone)], [1.0]).terms[0].scores(user)
            assert found == pytest.approx(scales[0] * true, rel=1e-9, abs=1e-9)


@pytest.mark.slow
def test_with_groups_no_pair_speaks_of_too_few() -> None:
    board, _ = bank(0)
    term = fit_pairs(board, PairsConfig(times=1))
    assert isinstance(term, PairTerm)
    held = dense(board, "BOUGHT")
    spoken = 0
    for kind, a, b, weights in zip(
        term.pairs.kind, term.pairs.first, term.pairs.second, term.pairs.weights, strict=True
    ):
        first, second = (held if one.type == "BOUGHT" else dense(board, one.type) for one in term.pairs.hops[int(kind)])
        people = (first[:, a] * second[:, b]) @ held
        assert not weights[people < 5].any()
        spoken += int(weights.any())
    assert spoken
