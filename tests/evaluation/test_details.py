"""What a report shows, on banks small enough to count by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.evaluation.details import Wanted
from graphrec.evaluation.evaluate import Evaluation, evaluate
from graphrec.evaluation.groups import LEAST_USERS
from graphrec.evaluation.reasons.explanations import edge_weights
from graphrec.features.blocks import Blocks, Sources
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import Interval
from graphrec.terms.deletion import Evidence
from graphrec.terms.folder import read_meta
from graphrec.terms.forms.blend import Blend
from graphrec.training.fit import TrainOptions, train
from tests.banks import bank_snapshot
from tests.terms.models import term_of
from tests.training import bank


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Two groups of 30 users who buy from their own half of 12 products, in towns of their own."""
    return bank.taste_bank(tmp_path_factory.mktemp("taste") / "s")


@pytest.fixture(scope="module")
def done(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """The kernel with defaults, judged with everything."""
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    folder = train(snapshot, home, TrainOptions("kernel", fixed=True)).path
    return evaluate(snapshot, folder, ks=(1, 3), wanted=Wanted(explain_users=20, ablation=True))


def test_metrics_are_those_of_an_evaluation_without_details(snapshot: Snapshot, done: Evaluation) -> None:
    assert done.details is not None
    assert done.details.k == 3
    assert done.metrics["recall@3"].value == 1
    assert set(done.metrics) == {
        f"{name}@{k}" for k in (1, 3)
        for name in ("recall", "precision", "ndcg", "hit_rate", "mrr", "novelty", "coverage")
    }  # fmt: skip


def test_paired_tests_are_against_every_baseline(done: Evaluation) -> None:
    assert done.details is not None
    assert set(done.details.paired) == {"popularity", "itemknn"}
    assert set(done.details.paired["popularity"]) == {"ndcg@3", "recall@3", "hit_rate@3"}
    assert done.details.paired["popularity"]["recall@3"] < 0.001
    assert done.details.paired["itemknn"]["recall@3"] == 1.0  # both find everything


def test_segments_are_the_towns(done: Evaluation) -> None:
    assert done.details is not None
    (towns,) = done.details.segments
    assert (towns.attribute, towns.protected) == ("LIVES_IN", False)
    assert [(group.name, group.users) for group in towns.groups] == [("t0", 30), ("t1", 30)]
    values = [group.metrics["kernel"]["ndcg@3"].value for group in towns.groups]
    assert np.mean(values) == pytest.approx(done.metrics["ndcg@3"].value)


def test_small_groups_are_not_shown(tmp_path: Path) -> None:
    small = bank.taste_bank(tmp_path / "s", users=2 * LEAST_USERS - 1)
    folder = train(small, Home(tmp_path / "home").prepare(), TrainOptions("kernel", fixed=True)).path
    found = evaluate(small, folder, ks=(3,), wanted=Wanted(explain_users=0)).details
    assert found is not None
    assert found.segments == ()  # one town has 20 users, the other 19: nothing to compare
    assert found.explanations is None
    assert found.ablation is None


def test_bins_of_holdings_and_holders(done: Evaluation) -> None:
    assert done.details is not None
    assert [(group.name, group.users) for group in done.details.holdings] == [("4 to 9", 60)]
    assert done.details.holdings[0].metrics["kernel"]["recall@3"].value == 1
    assert sum(group.users for group in done.details.holders) == 60
    assert all(group.metrics["kernel"]["recall@3"].value == 1 for group in done.details.holders)


def test_lists_of_one_half_share_its_sector(done: Evaluation) -> None:
    """A user has one product of the own half left; the two others of the list are of the other sector."""
    assert done.details is not None
    kernel = done.details.beyond["kernel"]
    assert kernel["diversity@3"].value == pytest.approx(2 / 3)
    # History: all in one sector; list: 1/3 in it. JS of (1, 0) and (1/3, 2/3).
    expected = (np.log2(1 / (2 / 3)) + (np.log2((1 / 3) / (2 / 3)) / 3 + 2 / 3)) / 2
    assert kernel["calibration_js@3"].value == pytest.approx(expected)
    assert done.details.kinds == "IN_SECTOR"


def test_a_kernel_is_all_paths(done: Evaluation) -> None:
    assert done.details is not None
    found = done.details.explanations
    assert found is not None
    assert (found.users, found.k) == (20, 3)
    assert {kind: value.value for kind, value in found.composition.items() if value.value} == {"path": 1.0}
    assert found.composition["self"].value == 0
    assert found.with_reasons.value == 1
    assert found.products_with_reasons.value == 1  # no path leads to the other half, which is not listed
    assert found.largest_sum_error < 1e-12
    assert found.known_edges.value == 6  # five products and a town
    assert set(found.necessity) == set(found.sufficiency) == {"reasons", "random", "path count"}
    assert "LIR" not in found.paths  # nothing has a time
    assert done.details.frontier is None  # no other part to weigh against


def test_the_curve_ends_where_nothing_is_known(done: Evaluation) -> None:
    """Six edges in ten steps: 1, 2, 2, 3, 3, 4, 5, 5, 6, 6 are gone, and a kernel lists nothing without any."""
    assert done.details is not None
    found = done.details.explanations
    assert found is not None
    for order in ("reasons", "random"):
        left = [one.value for one in found.curve[order]]
        assert len(left) == 10
        assert (left[1], left[3], left[7], left[8:]) == (left[2], left[4], left[6], [0.0, 0.0])
        assert found.pos_p[order].value == pytest.approx(np.mean(left))
    assert found.curve["reasons"][0].value <= found.curve["random"][0].value


@pytest.mark.parametrize("kind", ["factors", "table", "sparse table", "sum", "pairs"])
def test_what_an_edge_gives_is_what_its_deletion_takes(kind: str, tmp_path: Path) -> None:
    """A line of two edges counts for both: it goes with either."""
    graph = visible_graph(bank_snapshot(tmp_path / "s"))
    blend = Blend([term_of(kind, graph)], [1.0])
    for user in np.argsort(-graph.held().degrees())[:2].tolist():
        row = blend.row(user)
        products = np.argsort(-row.scores)[:3].astype(np.int32)
        evidence = Evidence(blend, user, "fixed")
        found = edge_weights(blend.ledger(user, products, row.scales), [0, 1, 2], evidence)
        assert len(found) >= 3
        before = evidence.scores(evidence.all_but([])[None, :])[0, products].sum()
        for edge, weight in zip(evidence.edges, found, strict=True):
            after = evidence.scores(evidence.all_but([edge])[None, :])[0, products].sum()
            assert before - after == pytest.approx(weight, abs=1e-9)


def test_ablation_counts_edges_as_they_were(done: Evaluation) -> None:
    assert done.details is not None
    found = done.details.ablation
    assert found is not None
    assert [(one.part, one.change, one.edges) for one in found.variants] == [
        ("customer side", "removed", ("LIVES_IN",)),
        ("customer side", "shuffled", ("LIVES_IN",)),
        ("product side", "removed", ("IN_SECTOR",)),
        ("product side", "shuffled", ("IN_SECTOR",)),
    ]
    # What is bought together says everything: recall stays without either side.
    assert found.variants[0].metrics["recall@3"].value == 1
    assert found.variants[0].p["recall@3"] == 1


def test_a_model_that_loses_all_its_paths_lists_nothing(snapshot: Snapshot, tmp_path: Path) -> None:
    """One walk is chosen, which goes by the town of the customer or by the sector of the product."""
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("kernel")).path
    found = evaluate(snapshot, folder, ks=(3,), baselines=(), wanted=Wanted(explain_users=0, ablation=True)).details
    assert found is not None
    assert found.ablation is not None
    ((walk,),) = ([one["walk"] for one in term["walks"]] for term in read_meta(folder).configuration.terms.values())
    removed = {one.edges: one.metrics["recall@3"] for one in found.ablation.variants if one.change == "removed"}
    assert {edges: recall.value for edges, recall in removed.items()} == {
        edges: 0.0 if any(name in walk for name in edges) else 1.0 for edges in removed
    }
    assert Interval(0.0, 0.0, 0.0) in removed.values()
    assert found.ablation.true["recall@3"].value == 1


def test_the_parts_of_one_explained_user_have_no_width(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("blend", fixed=True)).path
    found = evaluate(snapshot, folder, ks=(3,), baselines=(), wanted=Wanted(explain_users=1)).details
    assert found is not None
    assert found.explanations is not None
    assert found.explanations.users == 1
    assert all(part.low == part.value == part.high for part in found.explanations.composition.values())
    assert sum(part.value for part in found.explanations.composition.values()) == pytest.approx(1)


@pytest.mark.slow
def test_a_refit_with_other_vectors_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("lightgcn", fixed=True)).path
    sources = Sources.of(Blocks.of("text", {"Product": np.ones((12, 2), np.float32)}))
    with pytest.raises(ModelError) as caught:
        evaluate(snapshot, folder, wanted=Wanted(ablation=True, sources=sources))
    assert str(caught.value) == (
        "the feature blocks text/Product are not those that the model was fitted with, so that a refit would differ by "
        "them too; run: graphrec train --model lightgcn"
    )


@pytest.mark.slow
def test_the_same_model_gets_the_same_details(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("blend", fixed=True)).path
    one, two = (evaluate(snapshot, folder, ks=(3,), wanted=Wanted(explain_users=10)).details for _ in range(2))
    assert dataclasses.asdict(one) == dataclasses.asdict(two)  # type: ignore[arg-type]


def test_the_frontier_passes_through_the_model(snapshot: Snapshot, tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    folder = train(snapshot, home, TrainOptions("blend", fixed=True)).path
    done = evaluate(snapshot, folder, ks=(3,), baselines=(), wanted=Wanted(explain_users=0))
    assert done.details is not None
    found = done.details.frontier
    assert found is not None
    assert found.chosen.ndcg.value == pytest.approx(done.metrics["ndcg@3"].value)
    shares = [point.path_share.value for point in found.points]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert [point.weight for point in found.points] == [step / 20 for step in range(21)]
    kernel = train(snapshot, home, TrainOptions("kernel", fixed=True)).path
    alone = evaluate(snapshot, kernel, ks=(3,), baselines=()).metrics["ndcg@3"].value
    assert found.points[-1].ndcg.value == pytest.approx(alone, abs=0.02)


def test_the_frontier_counts_who_is_not_served_as_evaluation_does(tmp_path: Path) -> None:
    """Twenty of the 25 test users hold nothing: their lists are empty, not the first products by id."""
    held = [np.random.default_rng(n).permutation(12)[:8] for n in range(30)]
    bought = [(f"u{n:02d}", f"p{m:02d}") for n, own in enumerate(held) for m in own]
    test = [(f"u{n:02d}", f"p{min(set(range(12)) - set(own)):02d}") for n, own in enumerate(held[:5])]
    test += [(f"v{n:02d}", "p00") for n in range(20)]
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": bought + test}, split={"test": test})
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("blend", fixed=True)).path
    done = evaluate(snapshot, folder, ks=(3,), baselines=(), wanted=Wanted(explain_users=0))
    assert done.details is not None
    assert done.details.frontier is not None
    assert done.details.frontier.chosen.ndcg == done.metrics["ndcg@3"]
    assert 0 < done.metrics["hit_rate@3"].value <= 5 / 25


def test_a_model_without_paths_is_shown_what_they_would_cost(snapshot: Snapshot, tmp_path: Path) -> None:
    """The path model let in at weight 1 is the default kernel; at weight 0 stands the model as it is."""
    home = Home(tmp_path / "home").prepare()
    folder = train(snapshot, home, TrainOptions("spectral", fixed=True)).path
    done = evaluate(snapshot, folder, ks=(3,), baselines=(), wanted=Wanted(explain_users=0))
    assert done.details is not None
    found = done.details.frontier
    assert found is not None
    assert found.added
    assert found.chosen == found.points[0]
    assert found.chosen.ndcg.value == pytest.approx(done.metrics["ndcg@3"].value)
    assert [found.points[0].path_share.value, found.points[-1].path_share.value] == [0.0, 1.0]


@pytest.mark.parametrize(("day_of_b", "recency"), [(2, 1.0), (0, 0.0)])
def test_recency_is_of_the_purchase_that_the_strongest_path_starts_with(
    tmp_path: Path, day_of_b: int, recency: float
) -> None:
    """Twenty users hold A since day 1 and B; C is held beside B alone, and all else by nobody."""
    bought: list[bank.Event] = [(f"g{n:02d}", "A", 1) for n in range(20)]
    bought += [(f"g{n:02d}", "B", day_of_b) for n in range(20)]
    bought += [(f"h{n:02d}", product, 0) for n in range(20) for product in "BC"]
    test: list[bank.Event] = [(f"g{n:02d}", "C") for n in range(20)]
    pairs = {"test": test, "valid": [("h00", "C")]}
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [*bought, *test]}, split=pairs, products=6)  # type: ignore[arg-type]
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions("kernel", fixed=True)).path
    found = evaluate(snapshot, folder, ks=(3,), baselines=(), wanted=Wanted(explain_users=20)).details
    assert found is not None
    assert found.explanations is not None
    assert found.explanations.paths["LIR"] == Interval(recency, recency, recency)
    assert found.explanations.paths["ETD"].value == 1.0
