"""The graph of a fit from the rows of a snapshot."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.graph.adjacency import Hop, visible_graph
from graphrec.graph.build import write_snapshot
from tests.banks import SCHEMA, small_bank


def test_an_edge_without_a_weight_among_weighted_ones_is_evidence_of_one(tmp_path: Path) -> None:
    nodes, edges = small_bank()
    fields = edges["BOUGHT"].schema
    rows = [
        ("C000", "P00", "a", None),
        ("C000", "P00", "b", 3.0),
        ("C000", "P01", "a", None),
        ("C001", "P00", "a", 0.0),
    ]
    table = [dict(zip(("source", "target", "key", "weight"), row, strict=True)) for row in rows]
    edges["BOUGHT"] = pa.Table.from_pylist(table, schema=fields)
    graph = visible_graph(write_snapshot(tmp_path / "snapshot", SCHEMA, nodes, edges))
    bought = graph.hops[Hop("BOUGHT")]
    assert bought.row(0).tolist() == [0, 1]
    assert bought.weights(0).tolist() == pytest.approx([1 + np.log(4), 1])
    assert bought.weights(1).tolist() == [0]
