"""Walks: one user, many users, ledger and enumeration agree; too few people are none."""

import itertools

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.walks import kernel
from graphrec.models.walks.kernel import fit_walk
from graphrec.terms.walks import PeopleScorer, Walk, WalkTerm
from tests.terms.graphs import lines, random_graph, random_walks

SETTINGS = [(False, 1), (True, 1), (True, 2), (True, 3)]
"""Whether walks without people are multiplied out, and `min_group`."""


def term_of(graph: Graph, walk: Walk, monkeypatch: pytest.MonkeyPatch, *, with_table: bool) -> WalkTerm:
    """The term of one walk."""
    monkeypatch.setattr(kernel, "TABLE_ENTRIES", 4_000_000 if with_table else 0)
    return WalkTerm("kernel", graph, (fit_walk(graph, walk),))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("with_table", "min_group"), SETTINGS)
def test_scores_are_the_sums_over_all_simple_paths(
    seed: int, with_table: bool, min_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = random_graph(seed, min_group=min_group)
    for walk in random_walks(seed):
        expected = np.array(
            [
                [sum(share for share, _ in lines(graph, walk, user, product).values()) for product in range(7)]
                for user in range(graph.num_users)
            ]
        )
        term = term_of(graph, walk, monkeypatch, with_table=with_table)
        single = np.array([term.scores(user) for user in range(graph.num_users)])
        np.testing.assert_allclose(single, expected, rtol=1e-12, atol=1e-13, err_msg=str(walk))
        assert (single[expected == 0] == 0).all()
        batch = term.batch(np.arange(graph.num_users, dtype=np.int32))
        np.testing.assert_allclose(batch, expected, rtol=1e-5, atol=1e-6, err_msg=str(walk))
        products = np.arange(graph.num_products, dtype=np.int32)
        for user in range(graph.num_users):
            shares = term.shares(user, products)
            np.testing.assert_allclose(shares.values.sum(axis=0), expected[user], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("with_table", "min_group"), SETTINGS)
def test_lines_are_paths_and_people_are_counted(
    seed: int, with_table: bool, min_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = random_graph(seed, min_group=min_group)
    for walk in random_walks(seed):
        through = "User" in [graph.target(hop) for hop in walk.hops[:-1]]
        term = term_of(graph, walk, monkeypatch, with_table=with_table)
        (scorer,) = term.scorers
        for user, product in [(0, 0), (1, 2), (3, 4), (5, 1)]:
            expected = lines(graph, walk, user, product)
            shares = term.shares(user, np.array([product], np.int32))
            found = {
                (int(via), int(mid)): (float(value), scorer.people_between(user, int(via), product) if through else 0)
                for via, mid, value in zip(shares.via, shares.mid, shares.values[:, 0], strict=True)
            }
            assert found.keys() == expected.keys(), str(walk)
            for way, (share, people) in expected.items():
                assert found[way] == (pytest.approx(share, rel=1e-12), people), str(walk)
            if through:
                paths = scorer.num_paths(user, np.array([product], np.int32))
                assert (paths.sum() > 0) == bool(expected)


def test_the_asked_customer_is_none_of_the_people() -> None:
    """Of three customers who join a and i each has two others, who are too few; for others they are three."""
    exactly = {True: 0, False: 0}
    for seed in range(6):
        graph = random_graph(seed, users=16, min_group=3)
        walk = next(walk for walk in random_walks(seed) if str(walk) == "VIEWED <VIEWED VIEWED")
        scorer = fit_walk(graph, walk)
        viewers = graph.hops[walk.hops[1]]
        for a, i in itertools.permutations(range(7), 2):
            both = set(viewers.row(a).tolist()) & set(viewers.row(i).tolist())
            for user in viewers.row(a).tolist():
                others = len(both - {user})
                assert scorer.people_between(user, a, i) == (others if others >= 3 else 0)
                exactly[user in both] += len(both) == 3
    assert min(exactly.values()) > 5


@pytest.mark.parametrize("most", [0, 1, 5, 10, 25])
def test_a_table_that_would_be_too_large_keeps_the_pairs_of_most_people(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = random_graph(1, users=60, min_group=2)
    walk = next(walk for walk in random_walks(1) if str(walk) == "BOUGHT <BOUGHT BOUGHT")
    whole = kernel.people_table(graph, walk)
    assert (whole.least, whole.dropped) == (2, 0)
    monkeypatch.setattr(kernel, "MOST_ENTRIES", most)
    for met in (1, 50, 10**6):
        monkeypatch.setattr(kernel, "MOST_MET", met)
        other = random_graph(1, users=60, min_group=2)
        scorer = fit_walk(other, walk)
        assert isinstance(scorer, PeopleScorer)
        table = scorer.table
        assert len(table.counts) <= most
        assert table.counts.tolist() == whole.counts[whole.counts >= table.least].tolist()
        # One person fewer, and it would not fit.
        assert (whole.counts >= table.least - 1).sum() > most
        assert table.dropped == len(whole.counts) - len(table.counts)
        for user in range(10):
            for via in other.hops[walk.hops[0]].row(user).tolist():
                counts = [scorer.people_between(user, via, product) for product in range(7)]
                assert all(count == 0 or count >= table.least for count in counts)
        (note,) = WalkTerm("kernel", other, (scorer,)).notes
        assert note == (
            f"kernel: the table of BOUGHT <BOUGHT BOUGHT left out {table.dropped:,} pairs that fewer than "
            f"{table.least} people join, to keep its size"
        )
