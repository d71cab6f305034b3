"""Softmax regression against its definition, question by question."""

from dataclasses import replace

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.inputs import Inputs
from graphrec.models.tables.softmax import SoftmaxConfig, fit_softmax, instead, is_affordable, num_scores, trials
from graphrec.terms.forms.factors import TableTerm
from tests.models.boards import best_new, check_contract, checkerboard, graph, random_board
from tests.models.test_linear import dense


def loss(board: Graph, tables: list[np.ndarray], regularization: float) -> float:
    """The objective: every held product once as the missing one, users with one product left out."""
    R, bands = dense(board, "BOUGHT"), dense(board, "IN_BAND")
    total = regularization / 2 * sum(float((table**2).sum()) for table in tables)
    for user in range(len(R)):
        for product in np.flatnonzero(R[user]) if R[user].sum() > 1 else ():
            others = R[user].copy()
            others[product] = 0
            scores = others @ tables[0] + bands[user] @ tables[1] + tables[2][0]
            scores[others > 0] = -np.inf
            total -= (scores[product] - np.log(np.exp(scores).sum())) / R[user].sum()
    return total


def tables_of(term: TableTerm) -> list[np.ndarray]:
    return [np.asarray(source.left, np.float64) for source in term.neighbours]


def test_no_table_near_the_fitted_one_is_likelier() -> None:
    board = random_board(2, users=25, products=9)
    term = fit_softmax(board, SoftmaxConfig(regularization=0.7))
    assert [str(source.hop) for source in term.neighbours] == ["BOUGHT", "IN_BAND", "None"]
    tables = tables_of(term)
    best = loss(board, tables, 0.7)
    for place, table in enumerate(tables):
        for row, column in np.ndindex(table.shape):
            for step in (-0.05, 0.05):
                moved = [one.copy() for one in tables]
                moved[place][row, column] += step
                assert loss(board, moved, 0.7) > best


def test_the_answer_says_nothing_about_itself() -> None:
    table = tables_of(fit_softmax(random_board(2)))[0]
    np.testing.assert_array_equal(np.diag(table), np.zeros(24))


def test_the_withheld_product_of_a_checkerboard_comes_back() -> None:
    board = checkerboard()
    assert best_new(fit_softmax(board), board).tolist() == list(range(16))


@pytest.mark.parametrize("relevant", [("BOUGHT",), ("BOUGHT", "VIEWED")])
def test_batch_single_and_shares_agree(relevant: tuple[str, ...]) -> None:
    board = random_board(3, relevant=relevant)
    check_contract(fit_softmax(board), board)


def test_protected_attributes_speak_only_when_asked() -> None:
    term = fit_softmax(random_board(7), SoftmaxConfig(use_protected=True))
    assert [str(source.hop) for source in term.neighbours] == ["BOUGHT", "HAS_SEX", "IN_BAND", "None"]


def test_users_with_one_product_ask_nothing() -> None:
    board = graph({"BOUGHT": np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], bool), "IN_BAND": np.ones((3, 1), bool)})
    assert num_scores(board) == 5 * 3
    single = graph({"BOUGHT": np.eye(3, dtype=bool)})
    with pytest.raises(ModelError, match="softmax has nothing to learn from: no user holds two products"):
        fit_softmax(single)


def test_singles_are_asked_for_their_product_by_what_else_is_known_of_them() -> None:
    """Users of band n hold product n alone: softmax regression of bands, whose own likelihood is the known answer."""
    band = np.repeat(np.eye(3, dtype=bool), 4, axis=0)
    board = graph({"BOUGHT": band, "IN_BAND": band})
    assert num_scores(board) == 0
    assert num_scores(board, singles=True) == 12 * 3
    term = fit_softmax(board, SoftmaxConfig(singles=True))
    assert [int(term.scores(user).argmax()) for user in range(12)] == np.repeat([0, 1, 2], 4).tolist()
    of_band = dict(zip(map(str, (source.hop for source in term.neighbours)), term.neighbours, strict=True))["IN_BAND"]
    W = of_band.at(np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32))
    chance = np.exp(W[0, 0]) / np.exp(W[0]).sum()
    assert W[0, 0] == pytest.approx(4 * (1 - chance), rel=1e-3)


def test_singles_are_tried_where_they_are_enough_and_have_attributes() -> None:
    held = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], bool)
    plain, known = graph({"BOUGHT": held}), graph({"BOUGHT": held, "IN_BAND": np.ones((3, 1), bool)})
    best = {"regularization": 3.0}
    assert list(instead(plain, best)) == []
    tried = [{"regularization": 3.0, "singles": True}, {"regularization": 9.0, "singles": True}]
    assert list(instead(known, best)) == tried
    assert list(instead(known, tried[0])) == []
    assert not any(values.get("singles") for values in trials(known))
    alone = graph({"BOUGHT": np.eye(3, dtype=bool), "IN_BAND": np.ones((3, 1), bool)})
    assert all(values["singles"] for values in trials(alone))
    assert is_affordable(alone, Inputs())
    assert not is_affordable(graph({"BOUGHT": np.eye(3, dtype=bool)}), Inputs())


def test_users_of_whom_a_product_is_hidden_are_not_asked() -> None:
    """To the loss the hidden product would be one that is not wanted."""
    board = random_board(2, users=25, products=9)
    degrees = board.held().degrees()
    censored = np.flatnonzero(degrees >= 2)[:5].astype(np.int32)
    assert num_scores(replace(board, censored=censored)) == num_scores(board) - int(degrees[censored].sum()) * 9


def test_too_much_is_refused_with_both_numbers() -> None:
    board = random_board(2)
    with pytest.raises(ModelError, match=rf"{num_scores(board):,} scores in every step, more than max_scores = 10;"):
        fit_softmax(board, SoftmaxConfig(max_scores=10))
