"""The head start of new products: its height by hand, what it may cost, and that its line adds up and is kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.models.general.newness import fit_newness, is_new
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.inputs import Inputs
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import Configuration
from graphrec.training.assemble import blend_of
from graphrec.training.search.newcomers import head_start, with_head_start
from graphrec.training.split import split_of
from graphrec.training.validation import Validation
from tests.training import bank

HOLDERS = {"p1": 5, "p2": 4, "p3": 3, "p4": 2, "p5": 1}


def taking(folder: Path, took: Sequence[str]) -> tuple[Graph, Validation]:
    """Users who all hold p0 and took one product each in validation; p1 to p5 have holders, n0 has none."""
    users = [f"u{number:03d}" for number in range(len(took))]
    others = [(f"x{n}", product) for product, count in HOLDERS.items() for n in range(count)]
    took_all = list(zip(users, took, strict=True))
    events = {"BOUGHT": [*((user, "p0") for user in users), *others, *took_all, ("x0", "p0")]}
    snapshot = bank.make(folder / "s", events, split={"valid": took_all, "test": [("x0", "p0")]})
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    return graph, Validation.of(split, graph, 0)


def popular(graph: Graph) -> tuple[Blend, float]:
    """The most popular first, and what one holder less costs there."""
    blend = Blend([fit_popularity(graph)], [1.0])
    return blend, 1 / float(fit_popularity(graph).scores(0).std())


def test_new_products_take_the_places_that_users_gave_them(tmp_path: Path) -> None:
    # Lists of 3: the only new product can fill one place, and has to reach p3, with 3 holders, for that.
    graph, validation = taking(tmp_path, ["n0"] * 60 + ["p1"] * 40)
    blend, holder = popular(graph)
    assert head_start(blend, graph, validation) == round(3 * holder, 4)


def test_a_head_start_that_costs_more_than_it_gives_is_none(tmp_path: Path) -> None:
    # Twice as many wanted p3, which would leave the list.
    graph, validation = taking(tmp_path, ["n0"] * 50 + ["p3"] * 100)
    assert head_start(popular(graph)[0], graph, validation) == 0.0


def test_of_few_taken_new_products_nothing_is_read(tmp_path: Path) -> None:
    graph, validation = taking(tmp_path, ["n0"] * 49)
    assert head_start(popular(graph)[0], graph, validation) == 0.0


def test_new_products_that_lead_already_need_none(tmp_path: Path) -> None:
    graph, validation = taking(tmp_path, ["n0"] * 60)
    unpopular = Blend([fit_popularity(graph)], [-1.0])
    assert head_start(unpopular, graph, validation) == 0.0


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """u0 holds p0, u1 nothing; p2 and p3 have no holders."""
    bought = [("u0", "p0"), ("u2", "p0"), ("u2", "p1")]
    return visible_graph(bank.make(tmp_path_factory.mktemp("bank") / "s", {"BOUGHT": bought}, users=3, products=4))


def test_it_adds_the_same_to_every_new_product_for_users_who_hold_something(graph: Graph) -> None:
    plain = Blend([fit_popularity(graph)], [1.0])
    raised = with_head_start(plain, graph, 0.7)
    assert is_new(graph).tolist() == [False, False, True, True]
    np.testing.assert_allclose(raised.row(0).scores - plain.row(0).scores, [0, 0, 0.7, 0.7], atol=1e-12)
    np.testing.assert_allclose(raised.batch(np.arange(3, dtype=np.int32))[0], raised.row(0).scores, atol=1e-6)
    assert raised.row(1).scores.tolist() == plain.row(1).scores.tolist()


def test_its_line_adds_up_and_is_of_kind_new(graph: Graph) -> None:
    raised = with_head_start(Blend([fit_popularity(graph)], [1.0]), graph, 0.7)
    row = raised.row(0)
    ledger = raised.ledger(0, np.arange(4, dtype=np.int32), row.scales)
    np.testing.assert_allclose(ledger.totals(), row.scores, atol=1e-12)
    assert [group.kind for group in ledger.groups] == ["general", "new"]
    np.testing.assert_allclose(ledger.values[1], [0, 0, 0.7, 0.7], atol=1e-12)


def test_it_is_what_it_was_after_writing_and_refitting(graph: Graph) -> None:
    raised = with_head_start(Blend([fit_popularity(graph)], [1.0]), graph, 0.7)
    opened = Blend([type(term).open(term.describe(), graph) for term in raised.terms], raised.weights)
    configuration = Configuration({"popularity": {}, "new": {}}, {"popularity": 1.0, "new": 0.7})
    refitted = blend_of(configuration, graph, Inputs())
    assert opened.row(0).scores.tolist() == refitted.row(0).scores.tolist() == raised.row(0).scores.tolist()


def test_without_new_products_it_is_nothing(tmp_path: Path) -> None:
    graph = visible_graph(bank.make(tmp_path / "s", {"BOUGHT": [("u0", "p0"), ("u1", "p1")]}))
    assert fit_newness(graph)[1] == 0.0
    plain = Blend([fit_popularity(graph)], [1.0])
    assert with_head_start(plain, graph, 0.7).row(0).scores.tolist() == plain.row(0).scores.tolist()
