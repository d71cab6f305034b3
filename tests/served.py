"""A served model on a small bank."""

import numpy as np
import pytest

from graphrec.files import replace_folder
from graphrec.graph.adjacency import Graph, Hop, visible_graph
from graphrec.graph.shelf import SnapshotShelf
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.kernel import fit_kernel, starting_walks
from graphrec.serving.engine import Engine
from graphrec.terms.blend import Blend
from graphrec.terms.factors import FactorTerm, Neighbours
from graphrec.terms.folder import write_model as write_files
from tests.banks import bank_snapshot

#: What the folder of a model that was fitted on everything says besides.
META = {"kind": "blend", "final": True, "hidden": {"known_from": None, "pairs": 0}}


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the snapshot of the small bank and a final blend of kernel and random factors."""
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(snapshot.schema)), random_factors(graph)], [1.0, 0.5])
    write_model(home, snapshot, blend, graph)
    return home


def write_model(home: Home, snapshot: Snapshot, blend: Blend, graph: Graph) -> None:
    """A blend as the final model of a home, fitted on all of a snapshot."""
    with replace_folder(home.models / "blend-final") as folder:
        write_files(folder, blend, graph, snapshot, META)


def random_factors(graph: Graph) -> FactorTerm:
    """Two thin random matrices over holdings and age bands, with two dimensions of text."""
    rng = np.random.default_rng(5)
    products, bands = (rng.normal(size=(graph.counts[label], 6)).astype(np.float32) for label in ("Product", "AgeBand"))
    neighbours = [Neighbours(Hop("BOUGHT"), products), Neighbours(Hop("IN_AGE_BAND"), bands)]
    return FactorTerm("factors", graph, neighbours, products, text_dim=2)


@pytest.fixture
def engine(served_home: Home) -> Engine:
    """The engine of that home."""
    return Engine.open(served_home)
