"""A model on a newer snapshot: positions are joined by ids, names and states are of now, weights as trained."""

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graphrec.errors import CheckpointMismatch
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.facts import Facts, FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.serving.answer import Line, ListOptions, People
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.serving.proof.audit import audited
from graphrec.serving.why_not import why_not
from graphrec.terms.forms.blend import Blend
from tests.banks import SCHEMA, bank_snapshot, small_bank
from tests.served import random_factors, write_model

_digits = re.compile(r"\d+")
WHOLE = ListOptions(reasons=None)
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


@pytest.mark.slow
def test_lists_have_the_weights_of_the_model_and_the_rows_names_and_states_of_now(
    engines: tuple[Engine, Engine],
) -> None:
    old, new = engines
    bought = old.recommend(BUYER, 1).items[0].product
    positions = old.positions
    moved = {BUYER, *(user for user in old.users.ids[:-1] if GONE in _held(old, user))}
    assert len(moved) > 1
    for user in old.users.ids[:-1]:
        without = {CLOSED, GONE, *([bought] if user == BUYER else [])}
        expected = {item.product: item for item in old.recommend(user, 30, WHOLE).items if item.product not in without}
        found = new.recommend(user, 30, WHOLE).items
        ratios: dict[str, set[float]] = {}
        for item in found:
            before = expected[item.product]
            assert item.name == ("Fonds" if item.product == NAMED else before.name)
            assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-12)
            if user not in moved:
                # The spread is over the products of now, so that all lines of a term change by one factor.
                for line, same in zip(_ordered(item.lines), _ordered(before.lines), strict=True):
                    assert line.via == same.via or NAMED in {item.product, _id(line)}
                    # Numbers of people, and what is more frequent among them, are counted now.
                    if line.kind == "path" and NAMED not in {item.product, _id(line)}:
                        assert _digits.sub("#", line.text) == _digits.sub("#", same.text)
                    ratios.setdefault(line.term, set()).add(round(line.share / same.share, 9))
        assert user in moved or {item.product for item in found} == set(expected)
        assert all(len(found) == 1 for found in ratios.values())
    assert positions.products is None
    assert new.recommend("C001", 3).facts == new.snapshot.hash != old.snapshot.hash
    assert new.recommend("C001", 3).snapshot == old.snapshot.hash


def test_what_was_bought_this_morning_speaks_at_noon(engines: tuple[Engine, Engine]) -> None:
    old, new = engines
    bought = old.recommend(BUYER, 1).items[0].product
    lines = [line for item in new.recommend(BUYER, 30, WHOLE).items for line in item.lines]
    assert bought in {line.via.id for line in lines if line.via}
    assert "1 BOUGHT" not in str(new.recommend(BUYER, 3).unfitted)


def test_edges_to_what_came_after_the_fit_are_counted(engines: tuple[Engine, Engine]) -> None:
    assert engines[0].recommend("C001", 3).unfitted == {}
    assert engines[1].recommend("C001", 3).unfitted == {}
    assert engines[1].recommend("C000a", 3).unfitted == {"BOUGHT": 1}


def _ordered(lines: tuple[Line, ...]) -> list[Line]:
    """Lines by the ways that they take: numbers of people are counted now."""

    def way(line: Line) -> str:
        parts = [part for part in line.path or () if not isinstance(part, People)]
        return str((line.term, line.kind, line.via and line.via.id, [getattr(one, "id", one) for one in parts]))

    return sorted(lines, key=way)


def _id(line: Line) -> str:
    return line.via.id if line.via else ""


def _held(engine: Engine, user: str) -> set[str]:
    place = engine.users.ids.find(user)
    found = (engine.snapshot.edges(name) for name in ("BOUGHT", "VIEWED"))
    return {
        engine.products.ids[int(one)]
        for edges in found
        for one in edges.indices[slice(*edges.indptr[place : place + 2])]
    }


@pytest.mark.slow
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
        "P00a came after the model was fitted, and no attribute of it speaks for or against it yet; "
        "run: graphrec refresh"
    )
    assert why_not(new, "C001", "A0", 3).verdict.startswith("A0 came after the model was fitted")


@pytest.mark.slow
def test_sentences_audits_and_reasons_name_the_right_nodes(engines: tuple[Engine, Engine]) -> None:
    old, new = engines
    checked = 0
    for user in old.users.ids[:20]:
        for before in old.recommend(user, 3).items:
            now = new.explain(user, before.product, 3)
            if not now.items:
                continue
            same = audited(old, old.explain(user, before.product, 3)).items[0].audit
            found = audited(new, now).items[0].audit
            assert same is not None
            assert found is not None
            if GONE not in _held(old, user) and user != BUYER:
                assert {one.via and one.via.id for one in found.deletions} == {
                    one.via and one.via.id for one in same.deletions
                }
            assert found.sum_error < 1e-9
            checked += len(found.deletions)
    assert checked


def test_facts_with_other_ends_of_an_edge_type_are_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    write_model(home, snapshot, Blend([fit_kernel(graph, starting_walks(snapshot.schema))], [1.0]), graph)
    nodes, edges = small_bank()
    turned = replace(SCHEMA.edges["IN_SECTOR"], source="Sector", target="Product")
    schema = replace(SCHEMA, edges={**SCHEMA.edges, "IN_SECTOR": turned})
    edges["IN_SECTOR"] = edges["IN_SECTOR"].slice(0, 0)
    FactsShelf(home.facts).publish(write_snapshot(tmp_path / "other", schema, nodes, edges))
    with pytest.raises(CheckpointMismatch, match=r"on labels, edge types and min_group .*; run: graphrec train"):
        Engine.open(home)


def test_facts_give_the_answers_of_the_snapshot_that_they_are_made_from(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(snapshot.schema)), random_factors(graph)], [1.0, 0.5])
    write_model(home, snapshot, blend, graph)
    whole = Engine.open(home)
    facts = FactsShelf(home.facts).publish(snapshot)
    served = Engine.open(home)
    assert isinstance(served.snapshot, Facts)
    assert not {path.name for path in facts.folder.rglob("*")} & {"split"}
    for user in whole.users.ids[::5]:
        one, other = (engine.recommend(user, 5, WHOLE) for engine in (whole, served))
        assert replace(other, facts=one.facts) == one


@pytest.fixture(scope="module")
def with_sectors(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Engine]:
    """The engine of a home before and after two products came, one of them with the sector of P01."""
    home = Home(tmp_path_factory.mktemp("sectors")).prepare()
    shelf = SnapshotShelf(home.snapshots)
    snapshot = shelf.add(bank_snapshot)
    graph = visible_graph(snapshot)
    kernel = fit_kernel(graph, starting_walks(snapshot.schema))
    write_model(home, snapshot, Blend([kernel, random_factors(graph)], [1.0, 0.5]), graph)
    before = Engine.open(home)

    def newer(folder: Path) -> Snapshot:
        nodes, edges = small_bank()
        products = nodes["Product"].to_pylist()
        products += [{**products[0], "id": one, "name": f"New {one}", "status": "open"} for one in ("A0", "P00a")]
        nodes["Product"] = pa.Table.from_pylist(products, schema=nodes["Product"].schema)
        sectors = edges["IN_SECTOR"].to_pylist()
        sectors += [{**row, "source": "A0"} for row in sectors if row["source"] == NAMED]
        edges["IN_SECTOR"] = pa.Table.from_pylist(sectors, schema=edges["IN_SECTOR"].schema)
        return write_snapshot(folder, SCHEMA, nodes, edges)

    FactsShelf(home.facts).publish(shelf.add(newer))
    return before, Engine.open(home)


@pytest.mark.slow
def test_a_new_product_is_scored_by_its_attributes(with_sectors: tuple[Engine, Engine]) -> None:
    old, new = with_sectors
    listed, changed = 0, 0
    for user in old.users.ids:
        before = {item.product: item for item in old.recommend(user, 40, WHOLE).items}
        found = new.recommend(user, 40, WHOLE)
        assert {item.product for item in found.items} - before.keys() <= {"A0"}
        for item in found.items:
            assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-12)
            if item.product != "A0":
                # Nothing of W changed: all lines of a term by one factor, that of its spread.
                ratios: dict[str, set[float]] = {}
                for line, same in zip(_ordered(item.lines), _ordered(before[item.product].lines), strict=True):
                    ratios.setdefault(line.term, set()).add(round(line.share / same.share, 9))
                assert all(len(one) == 1 for one in ratios.values())
                continue
            listed += 1
            assert {line.term for line in item.lines} == {"kernel"}
            assert all("sector" in line.text.casefold() for line in item.lines)
            changed += len(item.lines)
    assert listed
    assert changed


def test_a_new_product_has_the_lines_that_a_training_would_give_but_for_its_own_degree(
    with_sectors: tuple[Engine, Engine],
) -> None:
    new = with_sectors[1]
    user = next(user for user in new.users.ids if "A0" in {one.product for one in new.recommend(user, 40, WHOLE).items})
    answer = new.explain(user, "A0", 3)
    assert answer.abstained is None
    found = audited(new, answer).items[0].audit
    assert found is not None
    assert found.sum_error < 1e-9
    assert found.deletions
    assert all(line.cypher for line in answer.items[0].lines if line.kind == "path")
    assert why_not(new, user, "A0", 40).verdict


def test_new_products_are_said_and_others_are_refused(with_sectors: tuple[Engine, Engine]) -> None:
    old, new = with_sectors
    told = "2 products came after the training: their attributes speak for them"
    assert not any(told in note for note in old.recommend("C001", 3).notes)
    assert any(note.startswith(told) for note in new.recommend("C001", 3).notes)
    assert new.explain("C001", "P00a", 3).abstained == (
        "P00a came after the model was fitted, and no attribute of it speaks for or against it yet; "
        "run: graphrec refresh"
    )


@pytest.mark.slow
def test_many_users_get_the_answers_of_one_with_new_products(with_sectors: tuple[Engine, Engine]) -> None:
    new = with_sectors[1]
    many = list(recommend_many(new, range(len(new.users)), 40, WHOLE))
    assert many == [new.recommend(user, 40, WHOLE) for user in new.users.ids]
