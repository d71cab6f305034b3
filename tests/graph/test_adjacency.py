"""The graph of a fit from the rows of a snapshot."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.errors import Damaged
from graphrec.graph.edges.adjacency import Adjacency, Hop, StoredAdjacency, codes_of, from_codes, visible_graph
from graphrec.graph.folders.arrays import CheckedFolder, seal
from graphrec.graph.folders.build import write_snapshot
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


def stored(folder: Path, graph: Adjacency, num_targets: int) -> StoredAdjacency:
    """An adjacency through files."""
    folder.mkdir()
    weight = np.ones(len(graph.indices)) if graph.weight is None else graph.weight
    for name, array in (("indptr", graph.indptr), ("indices", graph.indices), ("weight", weight)):
        np.save(folder / f"{name}.npy", array)
    seal(folder, {"format": 1})
    files = CheckedFolder.open(folder, 1, "run: graphrec train")
    return StoredAdjacency(*(files.array(f"{name}.npy") for name in ("indptr", "indices", "weight")), num_targets)


def test_an_adjacency_in_files_is_that_of_the_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    codes = np.unique(rng.integers(0, 900 * 70, 4000))
    own = from_codes(codes, 900, 70)
    found = stored(tmp_path / "f", own, 70)
    nodes = np.array([899, 0, 5, 5, 33])
    assert [found.row(n).tolist() for n in nodes] == [own.row(n).tolist() for n in nodes]
    assert found.weights(5).tolist() == own.weights(5).tolist()
    assert found.degrees_of(nodes).tolist() == own.degrees_of(nodes).tolist()
    for one, other in zip(found.expand(nodes), own.expand(nodes), strict=True):
        assert one.tolist() == other.tolist()
    assert (found.num_rows, found.degrees().tolist()) == (900, own.degrees().tolist())
    assert found.transposed(70).indices.tolist() == own.transposed(70).indices.tolist()
    assert codes_of(found, 70).tolist() == codes.tolist()


def test_the_neighbours_of_one_node_are_a_part_of_those_of_several_and_the_callers_own() -> None:
    found = Adjacency(np.array([0, 2, 2, 5]), np.array([3, 7, 0, 1, 9], np.int32))
    origin, neighbours = found.expand(np.array([0, 1, 2]))
    for node in range(3):
        alone, own = found.expand(np.array([node]))
        assert own.tolist() == neighbours[origin == node].tolist()
        assert (alone.tolist(), alone.dtype, own.dtype) == ([0] * len(own), origin.dtype, neighbours.dtype)
        own[:] = -1
    assert found.indices.min() == 0


def test_targets_out_of_range_are_refused_as_a_whole(tmp_path: Path) -> None:
    own = from_codes(np.array([0, 5, 12]), 2, 10)
    assert stored(tmp_path / "right", own, 10).indices.tolist() == [0, 5, 2]
    with pytest.raises(
        Damaged, match=r"indices.npy is damaged: its targets are not among 5 nodes; run: graphrec train$"
    ):
        _ = stored(tmp_path / "wrong", own, 5).indices
    short = Adjacency(own.indptr[:-1], own.indices)
    with pytest.raises(
        Damaged, match=r"indptr.npy is damaged: its rows are not those of 3 edges; run: graphrec train$"
    ):
        _ = stored(tmp_path / "short", short, 10).indptr
