"""Lists of paths: nobody gains a product through one other person, and a model folder holds nothing of a person."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from graphrec.graph.edges.adjacency import Graph, Hop, visible_graph
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.models.walks.rp3beta import rp3beta
from graphrec.terms.folder import ARRAYS, open_files, write_model
from graphrec.terms.forms.blend import Blend
from tests.banks import bank_snapshot
from tests.privacy.models import kernel, learned
from tests.privacy.moved import BOUGHT, PAIRS, bank, gains, moved, ranks
from tests.served import META
from tests.terms.graphs import lines, random_graph, random_walks


def one_kernel(graph: Graph) -> Blend:
    """All walks as one term."""
    return Blend([fit_kernel(graph, starting_walks(graph.schema))], [1.0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "without"),
    [(rp3beta, 150), (one_kernel, 30), (kernel, 30)],
    ids=["rp3beta", "kernel as one term", "kernel"],
)
def test_no_list_gains_a_product_through_one_other_person(model: Callable[[Graph], Blend], without: int) -> None:
    """0 of 200; with `min_group` 1 at least `without` lists of A hold it only while B does."""
    assert gains(model) == 0
    assert gains(model, min_group=1) >= without


@pytest.mark.slow
def test_learned_weights_tell_nothing_of_one_other_person() -> None:
    """Ranks of B's product move for A as they do for others, who share nothing with B; with `min_group` 1 they fall."""
    assert rank_test(5) > 0.05
    assert rank_test(1) < 1e-4


def rank_test(min_group: int) -> float:
    """p of the ranks' changes for A being those for the A of another pair."""
    own: list[int] = []
    control: list[int] = []
    for seed in range(5):
        graph, pairs = bank(seed, min_group)
        other = moved(graph, pairs)
        fits = (learned(graph), graph), (learned(other), other)
        next_one = [replace(pair, a=pairs[(place + 1) % PAIRS].a) for place, pair in enumerate(pairs)]
        new = [pair for pair in next_one if pair.moved not in graph.hops[BOUGHT].row(pair.a)]
        for found, asked in ((own, pairs), (control, new)):
            before, after = (ranks(blend, board, asked) for blend, board in fits)
            found += (after - before).tolist()
    return float(mannwhitneyu(own, control).pvalue)


def test_a_rare_product_gets_nothing_through_people_and_keeps_its_content() -> None:
    """A product with four holders stands on walks over what it is alone; with five on those through people too."""
    graph, _ = bank(1)
    holders = graph.hops[Hop("BOUGHT", True)].degrees()
    term = fit_kernel(graph, starting_walks(graph.schema))
    through = [scorer.people for scorer in term.scorers]
    users = np.arange(graph.num_users, dtype=np.int32)
    by_walk = [np.stack([scorer.scores(int(user)) for user in users]) for scorer in term.scorers]
    people = sum(rows for rows, is_people in zip(by_walk, through, strict=True) if is_people)
    content = sum(rows for rows, is_people in zip(by_walk, through, strict=True) if not is_people)
    assert not np.asarray(people)[:, holders < 5].any()
    assert np.asarray(people)[:, holders >= 20].any(axis=0).all()
    assert np.asarray(content)[:, holders < 5].any(axis=0).all()


def test_an_attribute_of_too_few_leads_nowhere() -> None:
    seen = 0
    for seed in range(6):
        graph = random_graph(seed, min_group=4)
        walk = next(walk for walk in random_walks(seed) if str(walk) == "LIKES <IN_SECTOR")
        scorer = fit_kernel(graph, [walk]).scorers
        sizes = graph.hops[Hop("LIKES", True)].degrees()
        for user in range(graph.num_users):
            scores = scorer[0].scores(user) if scorer else np.zeros(7)
            expected = [sum(share for share, _ in lines(graph, walk, user, product).values()) for product in range(7)]
            assert (scores > 0).tolist() == (np.array(expected) > 0).tolist()
            seen += bool((sizes[graph.hops[Hop("LIKES")].row(user)] < 4).any())
    assert seen > 5


def test_a_folder_of_walks_has_no_row_for_a_person(tmp_path: Path) -> None:
    snapshot = bank_snapshot(tmp_path / "bank", customers=83)
    graph = visible_graph(snapshot)
    (tmp_path / "model").mkdir()
    write_model(
        tmp_path / "model", Blend([fit_kernel(graph, starting_walks(graph.schema))], [1.0]), graph, snapshot, META
    )
    files = open_files(tmp_path / "model")
    assert "Customer" not in files.meta.labels
    for entry in files.meta.description.terms:
        assert not any("Customer" in axes for axes in (*entry.arrays.values(), *entry.rows.values()))
    for name, array in files.files.tensors(ARRAYS).items():
        assert not {83, 84} & set(array.shape), name
    hops = [Hop.parse(text) for text in files.meta.description.hops]
    assert not [hop for hop in hops if graph.target(hop) == "Customer"]
