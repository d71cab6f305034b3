"""Vectors made elsewhere: checked by a load, in a snapshot as a column, read as a block, and in no other place."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.errors import ModelError, RejectedRows, SourceError
from graphrec.features.blocks import Blocks, Seen
from graphrec.features.sources.columns import usable
from graphrec.features.sources.vectors import VectorSource
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import run_load
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.models.content.vector import SPEC
from graphrec.models.inputs import Inputs
from graphrec.schema import GraphSchema

MAPPING = """
[source]
name = "pictures"
[source.files]
people = "people.csv"
things = "things.parquet"
likes = "likes.csv"
[roles]
user = "Person"
product = "Thing"
interactions = ["LIKES"]
[nodes.Person]
key = "person"
sql = "SELECT person FROM people"
[nodes.Thing]
key = "thing"
vector = "picture"
sql = "SELECT thing, picture FROM things"
[edges.LIKES]
from = "Person.person"
to = "Thing.thing"
sql = "SELECT person, thing FROM likes"
"""
VECTORS = [[1.0, 0.1, -2e-5], [0.9, 0.2, 0.0], [-1.0, 0.5, 3.0], None, [-0.8, 0.25, 2.5]]
LISTS = pa.list_(pa.float32())


def write(folder: Path, vectors: list[object], kind: pa.DataType = LISTS) -> Path:
    """Things t0.. with vectors; person a likes t0, person b likes t2."""
    table = pa.table({"thing": [f"t{n}" for n in range(len(vectors))], "picture": pa.array(vectors, kind)})
    pq.write_table(table, folder / "things.parquet")
    (folder / "people.csv").write_text("person\na\nb\n")
    (folder / "likes.csv").write_text("person,thing\na,t0\nb,t2\n")
    return folder


def loaded(folder: Path, max_rejected: float = 0) -> MemorySink:
    sink = MemorySink()
    run_load(parse_mapping(MAPPING, "my.toml"), folder, sink, max_rejected=max_rejected)
    return sink


def snapshot_of(sink: MemorySink, folder: Path) -> Snapshot:
    return write_snapshot(folder, GraphSchema.from_json(sink.schema.to_json()), sink.nodes, sink.edges)


@pytest.mark.parametrize(
    ("vectors", "kind"),
    [
        (VECTORS, LISTS),
        (VECTORS, pa.list_(pa.float64())),
        (["[1, 0.1, -2e-05]", "0.9 0.2 0", "-1; 0.5; 3", "", " [ -0.8,0.25 ,2.5 ] "], pa.string()),
    ],
)
def test_lists_and_texts_of_numbers_are_one_block(tmp_path: Path, vectors: list[object], kind: pa.DataType) -> None:
    snapshot = snapshot_of(loaded(write(tmp_path, vectors, kind)), tmp_path / "snapshot")
    (block,) = VectorSource().blocks(Seen(snapshot, visible_graph(snapshot)))
    assert (block.name, block.label, block.definition) == ("vector", "Thing", {"column": "picture"})
    wanted = np.array([one or [0, 0, 0] for one in VECTORS], np.float32)
    np.testing.assert_array_equal(block.matrix, wanted)
    assert snapshot.schema.nodes["Thing"].vector == "picture"
    assert usable(snapshot, "Thing") == []


@pytest.mark.parametrize(
    ("ill", "rule"),
    [
        ("[1, 0.5]", "has another number of dimensions than most vectors"),
        ("[1, nan, 2]", r"is no vector \(want numbers: \[0.1, 0.2\]\)"),
        ("[1, , a]", r"is no vector \(want numbers: \[0.1, 0.2\]\)"),
        ("[1, , 2]", r"is no vector \(want numbers: \[0.1, 0.2\]\)"),
        ("[]", r"is no vector \(want numbers: \[0.1, 0.2\]\)"),
        ("red", r"is no vector \(want numbers: \[0.1, 0.2\]\)"),
    ],
)
def test_what_is_no_vector_is_a_rejected_row(tmp_path: Path, ill: str, rule: str) -> None:
    write(tmp_path, ["[1, 2, 3]", "[1, 2, 4]", "[1, 2, 5]", ill], pa.string())
    with pytest.raises(RejectedRows, match=rule):
        loaded(tmp_path)
    snapshot = snapshot_of(loaded(tmp_path, max_rejected=1), tmp_path / "snapshot")
    assert list(snapshot.nodes("Thing").ids) == ["t0", "t1", "t2"]


@pytest.mark.parametrize("key", ['personal = ["picture"]', 'text = ["picture"]', 'protected = ["picture"]'])
def test_a_column_of_vectors_has_no_other_meaning(key: str) -> None:
    text = MAPPING.replace('vector = "picture"', f'vector = "picture"\n{key}')
    with pytest.raises(
        SourceError, match=rf"nodes.Thing.vector names .picture., which is in {key.partition(' ')[0]} too"
    ):
        parse_mapping(text, "my.toml")


def test_lengths_that_two_loads_brought_are_one_line(tmp_path: Path) -> None:
    sink = loaded(write(tmp_path, VECTORS))
    nodes = dict(sink.nodes)
    pictures = ["[1.0, 2.0]", *nodes["Thing"]["picture"].to_pylist()[1:]]
    place = nodes["Thing"].schema.get_field_index("picture")
    nodes["Thing"] = nodes["Thing"].set_column(place, nodes["Thing"].schema.field(place), [pictures])
    snapshot = write_snapshot(tmp_path / "snapshot", sink.schema, nodes, sink.edges)
    with pytest.raises(ModelError, match=r"^vectors of Thing differ in length: t0 has 2 numbers, t1 3; load Thing.pic"):
        VectorSource().blocks(Seen(snapshot, visible_graph(snapshot)))


def test_the_model_prefers_what_looks_alike_and_says_so(tmp_path: Path) -> None:
    snapshot = snapshot_of(loaded(write(tmp_path, VECTORS)), tmp_path / "snapshot")
    graph, source = visible_graph(snapshot), VectorSource()
    blocks = Blocks(tuple(source.blocks(Seen(snapshot, graph))), {source.name: source.sentences})
    ((term, _),) = SPEC.fit(graph, SPEC.configure({}, Inputs()), Inputs(blocks=blocks)).parts
    centred = np.array([one or [0, 0, 0] for one in VECTORS]) - np.mean([one for one in VECTORS if one], axis=0)
    centred[3] = 0
    units = centred / np.maximum(np.linalg.norm(centred, axis=1), 1e-12)[:, None]
    for user, held in ((0, 0), (1, 2)):
        np.testing.assert_allclose(term.scores(user), units @ units[held], atol=1e-6)
        shares = term.shares(user, np.array([1, 4], np.int32))
        assert {group.part for group in shares.groups} == {"vector"}
    assert term.scores(0)[1] > term.scores(0)[4]
    assert term.scores(1)[4] > term.scores(1)[1]
    assert term.sentences["+"]["en"] == "{i} looks or sounds like {a}, which you {verb}"
