"""A model on a newer snapshot: positions are joined by ids, names and states are of now, weights as trained."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graphrec.graph.adjacency import visible_graph
from graphrec.graph.build import write_snapshot
from graphrec.graph.shelf import SnapshotShelf
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.kernel import fit_kernel, starting_walks
from graphrec.serving.answer import ListOptions
from graphrec.serving.audit import audited
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.serving.why_not import why_not
from graphrec.terms.blend import Blend
from tests.banks import SCHEMA, START, bank_snapshot, small_bank
from tests.served import random_factors, write_model

WHOLE = ListOptions(reasons=None, count_groups=True)
CLOSED, GONE, NAMED, BUYER = "P02", "P05", "P01", "C003"


def later(folder: Path, bought: str) -> Snapshot:
    """The bank some days later: nodes came before and between the others, one is gone, one closed, one has a new name.

    BUYER has bought a product meanwhile.
    """
    nodes, edges = small_bank()
    products = [row for row in nodes["Product"].to_pylist() if row["id"] != GONE]
    for row in products:
        row |= {"status": "closed"} if row["id"] == CLOSED else {"name": "Fonds"} if row["id"] == NAMED else {}
    products += [{**products[0], "id": one, "name": f"New {one}"} for one in ("A0", "P00a")]
    people = [*nodes["Customer"].to_pylist(), {**nodes["Customer"].to_pylist()[0], "id": "C000a"}]
    nodes["Product"] = pa.Table.from_pylist(products, schema=nodes["Product"].schema)
    nodes["Customer"] = pa.Table.from_pylist(people, schema=nodes["Customer"].schema)
    for name in ("BOUGHT", "VIEWED"):
        edges[name] = edges[name].filter(pc.not_equal(edges[name]["target"], GONE))
    edges["IN_SECTOR"] = edges["IN_SECTOR"].filter(pc.not_equal(edges["IN_SECTOR"]["source"], GONE))
    event = {**edges["BOUGHT"].to_pylist()[0], "source": BUYER, "target": bought, "key": "later"}
    new = [event, {**event, "source": "C000a", "target": "A0"}]
    edges["BOUGHT"] = pa.concat_tables([edges["BOUGHT"], pa.Table.from_pylist(new, schema=edges["BOUGHT"].schema)])
    return write_snapshot(folder, SCHEMA, nodes, edges)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Engine]:
    """The engine of a home before and after a newer snapshot."""
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    shelf = SnapshotShelf(home.snapshots)
    snapshot = shelf.add(bank_snapshot)
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(snapshot.schema)), random_factors(graph)], [1.0, 0.5])
    write_model(home, snapshot, blend, graph)
    before = Engine.open(home)
    bought = before.recommend(BUYER, 1).items[0].product
    shelf.add(lambda folder: later(folder, bought))
    return before, Engine.open(home)


def test_lists_are_those_of_the_model_without_what_is_closed_gone_or_held_now(engines: tuple[Engine, Engine]) -> None:
    old, new = engines
    bought = old.recommend(BUYER, 1).items[0].product
    for user in old.users.ids[:-1]:
        without = {CLOSED, GONE, *([bought] if user == BUYER else [])}
        expected = [item for item in old.recommend(user, 30, WHOLE).items if item.product not in without]
        found = new.recommend(user, 30, WHOLE).items
        assert [(item.product, item.score, item.composition) for item in found] == [
            (item.product, item.score, item.composition) for item in expected
        ]
        for item, before in zip(found, expected, strict=True):
            assert item.name == ("Fonds" if item.product == NAMED else before.name)
            assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-12)
            assert {line.share for line in item.lines} == {line.share for line in before.lines}
    assert new.snapshot.hash != old.snapshot.hash
    assert any("the model was trained on an older snapshot" in note for note in new.notes)


def test_many_users_get_the_answers_of_one(engines: tuple[Engine, Engine]) -> None:
    new = engines[1]
    many = list(recommend_many(new, range(len(new.users)), 4, WHOLE))
    assert many == [new.recommend(user, 4, WHOLE) for user in new.users.ids]


def test_what_came_later_is_said_to_be_unknown(engines: tuple[Engine, Engine]) -> None:
    new = engines[1]
    assert new.recommend("C000a", 3).abstained == (
        "there is not enough evidence for C000a: no interaction, attribute or text that the model knows"
    )
    assert new.explain("C001", "P00a", 3).abstained == (
        "P00a came after the model was fitted, so that no score of it is known; run: graphrec train"
    )
    assert why_not(new, "C001", "A0", 3).verdict.startswith("A0 came after the model was fitted")


def test_sentences_audits_and_reasons_name_the_right_nodes(engines: tuple[Engine, Engine]) -> None:
    old, new = engines
    for user in old.users.ids[:20]:
        for before in old.recommend(user, 3).items:
            now = new.explain(user, before.product, 3)
            if not now.items:
                continue
            same = audited(old, old.explain(user, before.product, 3)).items[0].audit
            found = audited(new, now).items[0].audit
            assert same is not None
            assert found is not None
            assert [(one.via and one.via.id, one.predicted, one.score) for one in found.deletions] == [
                (one.via and one.via.id, one.predicted, one.score) for one in same.deletions
            ]


def test_another_schema_keeps_the_snapshot_of_the_model(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    shelf = SnapshotShelf(home.snapshots)
    snapshot = shelf.add(bank_snapshot)
    graph = visible_graph(snapshot)
    write_model(home, snapshot, Blend([fit_kernel(graph, starting_walks(snapshot.schema))], [1.0]), graph)
    roles = replace(SCHEMA.roles, interactions=("BOUGHT",), weights={"BOUGHT": 1.0})
    shelf.add(lambda folder: bank_snapshot(folder, schema=replace(SCHEMA, roles=roles)))
    engine = Engine.open(home)
    assert engine.snapshot.hash == snapshot.hash
    assert engine.notes == (
        "the newest snapshot has other labels, edge types or roles than this model; run: graphrec train",
    )


def test_a_snapshot_as_of_an_earlier_date_is_not_served(tmp_path: Path) -> None:
    """`snapshot --as-of` of last year leaves today's holdings in force."""
    home = Home(tmp_path / "home").prepare()
    shelf = SnapshotShelf(home.snapshots)
    snapshot = shelf.add(bank_snapshot)
    graph = visible_graph(snapshot)
    write_model(home, snapshot, Blend([fit_kernel(graph, starting_walks(snapshot.schema))], [1.0]), graph)
    nodes, edges = small_bank()
    early = START + timedelta(days=30)
    edges["BOUGHT"] = edges["BOUGHT"].filter(pc.less(edges["BOUGHT"]["known_at"], early))
    shelf.add(lambda folder: write_snapshot(folder, SCHEMA, nodes, edges, as_of=early))
    assert shelf.latest().as_of is not None
    assert Engine.open(home).snapshot.hash == snapshot.hash
