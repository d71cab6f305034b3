"""`most_alike`: customers who are copies of one another count as few, so that fake ones push little."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.errors import SourceError
from graphrec.evaluation.stability import with_fakes
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.models.factors.als import AlsConfig, fit_als
from graphrec.models.factors.chebyshev import fit_chebyshev
from graphrec.models.factors.spectral import fit_spectral
from graphrec.models.support import PairCodes, supported, without_copies
from graphrec.models.tables.ease import fit_ease
from graphrec.models.tables.itemknn.neighbours import fit_itemknn
from graphrec.schema import GraphSchema
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from graphrec.training.lists import ranked_lists
from tests.privacy import moved
from tests.privacy.people import write_people

FITS: dict[str, Callable[[Graph], Term]] = {
    "als": lambda graph: fit_als(graph, AlsConfig(dim=16, iterations=8)),
    "spectral": fit_spectral,
    "chebyshev": fit_chebyshev,
    "itemknn": fit_itemknn,
    "ease": fit_ease,
}


def role(graph: Graph, most: int | None) -> Graph:
    return replace(graph, schema=replace(graph.schema, roles=replace(graph.schema.roles, most_alike=most)))


def test_the_first_of_those_with_the_same_holdings_stay() -> None:
    """Two of four who hold 0, 1, 2; both of those who hold two products only; whoever holds one more."""
    sets = [[0, 1, 2], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1], [0, 1, 2], [0, 1, 2], [0, 1]]
    rows = Adjacency(np.cumsum([0, *map(len, sets)]), np.concatenate(sets).astype(np.int32))
    base = moved.bank(0)[0]
    hops = {Hop("BOUGHT"): rows, Hop("BOUGHT", reverse=True): rows.transposed(4)}
    graph = Graph(base.schema, {"User": len(sets), "Product": 4, "Band": 1, "Sector": 1}, hops)
    left = without_copies(graph, 2)
    assert left.held().degrees().tolist() == [3, 2, 3, 4, 2, 0, 0, 2]
    back = left.hops[Hop("BOUGHT", reverse=True)]
    assert back.row(2).tolist() == [0, 2, 3]
    assert without_copies(graph, 4) is graph


def test_pairs_are_looked_up_and_looked_for_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = moved.bank(0)[0]
    hop = Hop("BOUGHT")
    nodes, products = (one.ravel() for one in np.indices((graph.num_products, graph.num_products)))
    looked_up = PairCodes(graph, [hop])(hop, nodes, products)
    monkeypatch.setattr("graphrec.models.support.MOST_FLAGS", 0)
    assert PairCodes(graph, [hop])(hop, nodes, products).tolist() == looked_up.tolist()
    assert 0 < looked_up.sum() < len(looked_up)


@pytest.mark.parametrize("model", FITS)
def test_fake_customers_who_are_copies_push_little(model: str) -> None:
    """Twenty fakes reach customers without the role, and next to none of them with it; nobody real is a copy here."""
    graph = moved.bank(0)[0]
    people = np.arange(graph.num_users, dtype=np.int32)
    holders = np.bincount(graph.held().indices, minlength=graph.num_products)
    product = int(np.argsort(holders, kind="stable")[len(holders) // 2])

    def reached(most: int | None) -> int:
        share = []
        for one in (graph, with_fakes(graph, product, 20, 1)):
            lists = ranked_lists(Blend([FITS[model](role(one, most))], [1.0]), people, graph.held(), 10)
            share.append(int((lists == product).any(axis=1).sum()))
        return share[1] - share[0]

    open_, closed = reached(None), reached(3)
    assert open_ > 5
    assert closed <= open_ / 2
    assert np.array_equal(supported(role(graph, 3)).graph.held().indices, supported(graph).graph.held().indices)


def test_the_role_comes_from_the_mapping(tmp_path: Path) -> None:
    mapping = write_people(tmp_path / "data")
    plain = mapping.read_text()
    mapping.write_text(plain.replace("min_group = 2", "min_group = 2\nmost_alike = 0"))
    bank = Bank(Settings(home=tmp_path / "home", policy="none"))
    with pytest.raises(SourceError, match="most_alike"):
        bank.load(jobs.Load(str(mapping)))
    mapping.write_text(plain.replace("min_group = 2", "min_group = 2\nmost_alike = 3"))
    bank.load(jobs.Load(str(mapping)))
    schema = SnapshotShelf(bank.home.snapshots).latest().schema
    assert schema.roles.most_alike == 3
    assert GraphSchema.from_json(schema.to_json()).roles == schema.roles
    assert "most_alike" not in replace(schema, roles=replace(schema.roles, most_alike=None)).to_json()["roles"]


@pytest.mark.slow
def test_a_downdate_fits_again(tmp_path: Path) -> None:
    """Who counts depends on what others hold, which no sum says."""
    mapping = write_people(tmp_path / "data")
    mapping.write_text(mapping.read_text().replace("min_group = 2", "min_group = 2\nmost_alike = 3"))
    bank = Bank(Settings(home=tmp_path / "home", policy="none"))
    bank.load(jobs.Load(str(mapping)))
    bank.train(jobs.Train("itemknn", fixed=True))
    done = bank.forget(jobs.Forget(("KUNDE-020",), downdate=True))
    assert "most_alike leaves out customers by what others hold" in done.certificate.read_text("utf-8")
