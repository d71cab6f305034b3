"""Walks: one user, many users, ledger and enumeration agree."""

import numpy as np
import pytest

from graphrec.terms.walks import WalkScorer, WalkTerm
from tests.terms.graphs import paths, random_graph, random_walks


def multiplied_out(graph, walk):
    """W of hops 2.. as a dense table, straight from the definition."""
    table = np.eye(graph.counts[graph.target(walk.hops[0])])
    for position in range(1, len(walk.hops)):
        step, back = graph.hops[walk.hops[position]], graph.hops[walk.hops[position].back()]
        dense = np.zeros((len(step.indptr) - 1, len(back.indptr) - 1))
        dense[np.repeat(np.arange(len(dense)), step.degrees()), step.indices] = 1
        degrees = np.maximum(back.degrees(), 1.0)
        table = table @ dense * degrees ** -walk.powers[position]
    return table


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("with_table", [False, True])
def test_scores_are_the_sums_over_all_simple_paths(seed: int, with_table: bool) -> None:
    graph = random_graph(seed)
    for walk in random_walks(seed):
        expected = np.array(
            [
                [sum(paths(graph, walk, user, product).values()) for product in range(graph.num_products)]
                for user in range(graph.num_users)
            ]
        )
        scorer = WalkScorer(graph, walk, table=multiplied_out(graph, walk) if with_table else None)
        term = WalkTerm("kernel", graph, (scorer,))
        single = np.array([term.scores(user) for user in range(graph.num_users)])
        np.testing.assert_allclose(single, expected, rtol=1e-12, atol=1e-13, err_msg=str(walk))
        batch = term.batch(np.arange(graph.num_users, dtype=np.int32))
        np.testing.assert_allclose(batch, expected, rtol=1e-5, atol=1e-6, err_msg=str(walk))
        products = np.arange(graph.num_products, dtype=np.int32)
        for user in range(graph.num_users):
            shares = term.shares(user, products)
            np.testing.assert_allclose(shares.values.sum(axis=0), expected[user], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("with_table", [False, True])
def test_lines_are_paths_and_people_are_counted(seed: int, with_table: bool) -> None:
    graph = random_graph(seed)
    for walk in random_walks(seed):
        labels = [graph.target(hop) for hop in walk.hops]
        scorer = WalkScorer(graph, walk, table=multiplied_out(graph, walk) if with_table else None)
        term = WalkTerm("kernel", graph, (scorer,))
        for user, product in [(0, 0), (1, 2), (3, 4), (5, 1)]:
            real = paths(graph, walk, user, product)
            expected: dict[tuple[int, int], float] = {}
            people: dict[tuple[int, int], set[int]] = {}
            for inner, share in real.items():
                via = inner[0] if inner else product
                mid = -1 if "User" in labels[:2] or len(inner) < 2 else inner[1]
                via = -1 if inner and labels[0] == "User" else via
                expected[via, mid] = expected.get((via, mid), 0.0) + share
                person = [node for node, label in zip(inner, labels, strict=False) if label == "User"]
                people.setdefault((via, mid), set()).update(person[-1:])
            shares = term.shares(user, np.array([product], np.int32))
            found = {
                (int(via), int(mid)): float(value)
                for via, mid, value in zip(shares.via, shares.mid, shares.values[:, 0], strict=True)
            }
            assert found == pytest.approx(expected, rel=1e-12), str(walk)
            for (via, _), who in people.items():
                if who:
                    assert scorer.people_between(user, via, product) == len(who), str(walk)
