"""Deletions of an audit against a graph, a kernel and a ledger built anew without the edge."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_walk
from graphrec.serving.answer import Audit, Line
from graphrec.serving.engine import Engine
from graphrec.serving.proof.audit import audited
from graphrec.terms.deletion import blend_without_edges
from graphrec.terms.folder import open_model, write_model
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import FactorTerm, Neighbours
from graphrec.terms.walks import Walk, WalkTerm
from tests.served import META, random_factors
from tests.terms.graphs import paths, random_graph, random_walks
from tests.training import bank


def rebuilt(graph: Graph, hop: Hop, user: int, via: int) -> Graph:
    """The graph with one edge left out, written anew from a dense matrix."""
    hops = dict(graph.hops)
    there, size = graph.hops[hop], len(graph.hops[hop.back()].indptr) - 1
    dense = np.zeros((len(there.indptr) - 1, size))
    rows = np.repeat(np.arange(len(dense)), there.degrees())
    dense[rows, there.indices] = 1.0 if there.weight is None else there.weight
    dense[user, via] = 0.0
    indptr = np.concatenate(([0], np.cumsum((dense != 0).sum(axis=1))))
    weight = None if there.weight is None else dense[dense != 0]
    hops[hop] = Adjacency(indptr, np.nonzero(dense)[1].astype(np.int32), weight)
    hops[hop.back()] = hops[hop].transposed(size)
    return Graph(graph.schema, graph.counts, hops)


def kernel(graph: Graph, seed: int) -> WalkTerm:
    return WalkTerm("kernel", graph, tuple(fit_walk(graph, walk) for walk in random_walks(seed)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_kernel_without_an_edge_is_the_kernel_of_the_graph_without_it(seed: int) -> None:
    graph = random_graph(seed)
    blend = Blend([kernel(graph, seed)], [1.0])
    products = np.arange(graph.num_products, dtype=np.int32)
    for user in range(0, graph.num_users, 2):
        for hop in (Hop("BOUGHT"), Hop("VIEWED"), Hop("IN_BAND"), Hop("KNOWS"), Hop("LIKES")):
            for via in graph.hops[hop].row(user)[:2].tolist():
                edited = blend_without_edges(blend, hop, user, [via]).terms[0]
                other = rebuilt(graph, hop, user, via)
                expected = kernel(other, seed)
                np.testing.assert_allclose(edited.scores(user), expected.scores(user), rtol=1e-9, atol=1e-13)
                sums = edited.shares(user, products).values.sum(axis=0)
                counted = [
                    sum(sum(paths(other, walk, user, product).values()) for walk in random_walks(seed))
                    for product in products.tolist()
                ]
                np.testing.assert_allclose(sums, counted, rtol=1e-9, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_walks_lose_exactly_their_shares(seed: int) -> None:
    """Predicted equals actual to 1e-9 where no path counts the deleted edge but as its own first.

    KNOWS BOUGHT SIMILAR_TO is left out: what a friend bought counts its buyers, the user among them.
    """
    graph = random_graph(seed)
    term = kernel(graph, seed)
    term = dataclasses.replace(
        term, scorers=tuple(one for one in term.scorers if str(one.walk) != "KNOWS BOUGHT SIMILAR_TO")
    )
    blend = Blend([term], [1.0])
    checked = 0
    for user in range(graph.num_users):
        free = np.setdiff1d(np.arange(graph.num_products), graph.held().row(user)).astype(np.int32)
        free = np.setdiff1d(free, graph.hops[Hop("VIEWED")].row(user)).astype(np.int32)
        row = blend.row(user)
        ledger = blend.ledger(user, free, row.scales)
        for hop in (Hop("BOUGHT"), Hop("VIEWED"), Hop("IN_BAND"), Hop("LIKES")):
            for via in graph.hops[hop].row(user).tolist():
                after = blend_without_edges(blend, hop, user, [via]).ledger(user, free, row.scales).totals()
                starts = np.array([group.hop == hop for group in ledger.groups], np.bool_)[ledger.group]
                predicted = -ledger.values[starts & (ledger.via == via)].sum(axis=0)
                np.testing.assert_allclose(after - ledger.totals(), predicted, rtol=1e-9, atol=1e-12)
                checked += len(free)
    assert checked > 20


@pytest.mark.slow
def test_contrasts_say_what_a_deletion_does_to_the_margin() -> None:
    """Over random graphs with all walks, repeated ones too, and learned weights: r >= .99 (SCIENCE 6, G3)."""
    said, done, chance = [], [], []
    rng = np.random.default_rng(3)
    for seed in range(6):
        graph = random_graph(seed, users=12, products=12)
        blend = Blend([kernel(graph, seed), some_factors(graph, seed)], [1.0, 0.7])
        for user in range(graph.num_users):
            free = np.setdiff1d(np.arange(graph.num_products), graph.held().row(user)).astype(np.int32)
            row = blend.row(user)
            ledger = blend.ledger(user, free, row.scales)
            best = int(ledger.totals().argmax())
            others = np.arange(len(free)) != best
            contrast = ledger.values[:, best] - ledger.values[:, others].mean(axis=1)
            for via in graph.hops[Hop("BOUGHT")].row(user).tolist():
                after = blend_without_edges(blend, Hop("BOUGHT"), user, [via]).ledger(user, free, row.scales)
                moved = after.totals() - ledger.totals()
                starts = np.array([group.hop == Hop("BOUGHT") for group in ledger.groups], np.bool_)[ledger.group]
                said.append(-contrast[starts & (ledger.via == via)].sum())
                done.append(moved[best] - moved[others].mean())
                chance.append(rng.random())
    assert len(said) > 100
    assert np.corrcoef(said, done)[0, 1] >= 0.99
    assert abs(np.corrcoef(chance, done)[0, 1]) < 0.3


def some_factors(graph: Graph, seed: int) -> FactorTerm:
    rng = np.random.default_rng(seed)
    left = rng.normal(size=(graph.num_products, 4)).astype(np.float32)
    return FactorTerm("factors", graph, [Neighbours(Hop("BOUGHT"), left)], left)


def test_where_a_walk_takes_the_relation_twice_the_gap_is_shown() -> None:
    """KNOWS KNOWS BOUGHT: a friend's friends count the deleted edge in their degree."""
    gaps = []
    for seed in range(12):
        graph = random_graph(seed)
        walk = next(walk for walk in random_walks(seed) if str(walk) == "KNOWS KNOWS BOUGHT")
        blend = Blend([WalkTerm("kernel", graph, (fit_walk(graph, walk),))], [1.0])
        products = np.arange(graph.num_products, dtype=np.int32)
        friends = graph.hops[Hop("KNOWS")].row(0).tolist()
        if len(friends) < 2:
            continue
        row = blend.row(0)
        after = blend_without_edges(blend, Hop("KNOWS"), 0, friends[:1]).ledger(0, products, row.scales).totals()
        other = rebuilt(graph, Hop("KNOWS"), 0, friends[0])
        own = [
            sum(v for inner, v in paths(graph, walk, 0, p).items() if inner[0] == friends[0]) for p in products.tolist()
        ]
        left = [sum(paths(other, walk, 0, p).values()) for p in products.tolist()]
        np.testing.assert_allclose(after, row.scales[0] * np.array(left), rtol=1e-9, atol=1e-12)
        before = blend.ledger(0, products, row.scales).totals()
        gaps.append(np.abs(after - (before - row.scales[0] * np.array(own))).max())
    assert max(gaps) > 1e-3


def test_every_first_edge_is_deleted_once(engine: Engine) -> None:
    for user in ("C003", "C008", "C021"):
        product = engine.recommend(user, 1).items[0].product
        answer = audited(engine, engine.explain(user, product, 5))
        item = answer.items[0]
        assert item.audit is not None
        deletions = item.audit.deletions
        assert len({(one.edge, one.via) for one in deletions}) == len(deletions)
        for one in deletions:
            shown = [line.share for line in item.lines if line.via == one.via and edge_of(line) == one.edge]
            assert -one.predicted == pytest.approx(sum(shown), abs=1e-9)
        assert item.audit.sum_error < 1e-6
        assert (item.audit.recomputed, item.audit.folded_in) == (("kernel",), ("factors",))
        json.dumps(dataclasses.asdict(item.audit))
        for one in deletions:
            assert one.via is not None
            # An edge to the product itself counts in the degree of every way that ends there.
            if one.via.id != product:
                assert one.actual == pytest.approx(one.predicted, rel=1e-9, abs=1e-9)
                assert one.actual_paths == pytest.approx(one.predicted_paths, rel=1e-9, abs=1e-9)
            assert one.score == pytest.approx(item.score + one.actual, abs=1e-12)


def edge_of(line: Line) -> str:
    """The first edge of a line as an audit writes it; without a path that of the neighbours that factors take."""
    if line.path:
        return f"{'<' if line.steps[0].direction == 'in' else ''}{line.steps[0].type}"
    return "BOUGHT" if line.via and line.via.label == "Product" else "IN_AGE_BAND"


def test_the_new_rank_is_that_of_a_list_made_without_the_edge(engine: Engine, served_home: Home) -> None:
    user = engine.users.ids.find("C008")
    product = engine.recommend("C008", 1).items[0].product
    item = audited(engine, engine.explain("C008", product, 5)).items[0]
    assert item.audit is not None
    graph, blend = visible_graph(SnapshotShelf(served_home.snapshots).latest()), engine.model.blend
    scales = blend.row(user).scales
    allowed = np.flatnonzero(engine.eligibility.mask(user))
    for one in item.audit.deletions:
        hop = Hop.parse(one.edge)
        assert one.via is not None
        other = rebuilt(graph, hop, user, engine.snapshot.nodes(one.via.label).ids.find(one.via.id))
        walks = [scorer.walk for scorer in blend.terms[0].scorers]  # type: ignore[attr-defined]
        anew = Blend(
            [WalkTerm("kernel", other, tuple(fit_walk(other, walk) for walk in walks)), random_factors(other)], [1, 1]
        )
        totals = anew.ledger(user, allowed.astype(np.int32), scales).totals()
        order = allowed[np.lexsort((allowed, -totals))]
        assert engine.products.ids[int(order[one.rank - 1])] == product
        assert totals[allowed == engine.products.ids.find(product)][0] == pytest.approx(one.score, abs=1e-9)


def test_an_answer_without_an_item_stays(engine: Engine) -> None:
    answer = engine.explain("C059", "P00", 5)
    assert audited(engine, answer) is answer


#: A and B alone hold R; of the others P00 to P11, A holds P00 and P01 with many, and B holds what an attack is to find.
PRODUCTS = [f"P{n:02}" for n in range(12)]


def rare_bank(folder: Path, of_b: Sequence[str]) -> Engine:
    """Eight customers hold P00 and P01 and four more products each; A holds P00, P01 and R, B holds R and `of_b`."""
    bought: list[tuple[str, str]] = [("A", "P00"), ("A", "P01"), ("A", "R"), ("B", "R"), *(("B", one) for one in of_b)]
    for n in range(8):
        bought += [(f"C{n}", one) for one in ("P00", "P01", *(PRODUCTS[2 + (n + k) % 10] for k in range(4)))]
    snapshot = bank.make(folder / "s", {"BOUGHT": bought}, min_group=3)
    graph = visible_graph(snapshot)
    hop = Hop("BOUGHT")
    walk = Walk((hop, hop.back(), hop), (0.5, 0.5, 0.5))
    blend = Blend([WalkTerm("kernel", graph, [fit_walk(graph, walk)])], [1.0])
    (folder / "model").mkdir()
    write_model(folder / "model", blend, graph, snapshot, META)
    return Engine(snapshot, replace(open_model(folder / "model", snapshot), blend=blend, graph=graph))


def audit_of(engine: Engine, product: str) -> Audit:
    found = audited(engine, engine.explain("A", product, 3)).items[0].audit
    assert found is not None
    return found


def test_no_audit_tells_what_the_only_other_holder_holds(tmp_path: Path) -> None:
    """Read off: who holds R beside A holds a product exactly where deleting A - R moves it. Found 6 of 6 before."""
    engine = rare_bank(tmp_path, PRODUCTS[2:8])
    for product in PRODUCTS[2:]:
        # Only what at least three others share with A counts, whether B is one of them or not.
        enough = {one for one in ("P00", "P01", "R") if holders_of_both(engine, one, product) >= 3}
        assert "R" not in enough
        found = audited(engine, engine.explain("A", product, 3))
        assert found.items[0].score > 0 if enough else found.items[0].score == 0
        assert {one.via.id for one in audit_of(engine, product).deletions if one.via} == enough


def test_an_audit_is_the_same_whatever_the_only_other_holder_holds(tmp_path: Path) -> None:
    """Two banks that differ in B alone, whose product has as many holders in both: no number of an audit moves."""
    one, other = rare_bank(tmp_path / "one", ["P02", "P03"]), rare_bank(tmp_path / "other", ["P04", "P05"])
    for product in ("P08", "P09", "P10", "P11"):
        parts = []
        for engine in (one, other):
            whole = engine.explain("A", product, 3).items[0].score
            # In parts of the score: its unit is the spread over all products, and B's have one holder more or less.
            parts.append([(d.via, round(d.predicted / whole, 12)) for d in audit_of(engine, product).deletions])
        assert parts[0] == parts[1]
        assert bool(parts[0]) == (product != "P11")  # Two hold P11.


def holders_of_both(engine: Engine, held: str, product: str) -> int:
    """How many customers but A hold two products."""
    held_by = engine.model.graph.hops[Hop("BOUGHT", True)]
    users, products = engine.users.ids, engine.products.ids
    both = set(held_by.row(products.find(held)).tolist()) & set(held_by.row(products.find(product)).tolist())
    return len(both - {users.find("A")})
