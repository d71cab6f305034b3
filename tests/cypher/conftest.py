"""A store with the small bank."""

from collections.abc import Iterator

import pytest

from graphrec.graph.rows import Source
from graphrec.store import open_store
from graphrec.store.base import Store
from tests.banks import SCHEMA, small_bank


@pytest.fixture(scope="session")
def bank_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small bank in an embedded store, to read."""
    nodes, edges = small_bank()
    with open_store(None, tmp_path_factory.mktemp("bank") / "store") as store:
        sink = store.sink()
        sink.begin(Source("bank", "r1", True, SCHEMA, "f1"))
        for label, rows in nodes.items():
            sink.add_nodes(label, rows)
        for edge_type, rows in edges.items():
            sink.add_edges(edge_type, rows)
        sink.finish(None)
        yield store
