"""Blocks of columns and series: fitted on what a fit may see, never from what is personal, protected or later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks, FeatureBlock, Seen
from graphrec.features.sources.columns import ColumnsSource
from graphrec.features.sources.series import SeriesSource
from graphrec.graph.edges.adjacency import Hidden, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.models.content.columns import SPEC as COLUMNS
from graphrec.models.content.profile import SPEC as PROFILE
from graphrec.models.inputs import Inputs
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles, SeriesSchema
from graphrec.store.series import write_series

DAY_ZERO = datetime(2024, 1, 1, tzinfo=UTC)
USERS = (Column("name", "text"), Column("age", "integer"), Column("sex", "text"), Column("segment", "text"))
PRODUCTS = (Column("title", "text"), Column("fee", "real"), Column("kind", "text"), Column("is_open", "boolean"))


def day(number: int) -> datetime:
    return DAY_ZERO + timedelta(days=number)


def make(folder: Path, *, fees: list[float | None], ages: list[int | None], kinds: list[str | None]) -> Snapshot:
    """Users u0.. who bought p0.. on day n each: user n buys product n, and the next one."""
    nodes = {
        "User": NodeSchema("User", USERS, name="name", personal=("name",), protected=("sex",)),
        "Product": NodeSchema("Product", PRODUCTS, name="title"),
    }
    schema = GraphSchema(
        Roles("User", "Product", ("BOUGHT",), {}, ("BOUGHT",), min_group=1),
        nodes,
        {"BOUGHT": EdgeSchema("BOUGHT", "User", "Product")},
        {"price": SeriesSchema("price", "Product", ("close",))},
    )
    users = pa.table(
        {
            "id": [f"u{n:02d}" for n in range(len(ages))], "known_at": [None] * len(ages),
            "age": ages, "sex": ["f", "m"] * (len(ages) // 2), "segment": ["a", "b"] * (len(ages) // 2),
        },
        schema=node_fields(tuple(one for one in USERS if one.name != "name")),
    )  # fmt: skip
    products = pa.table(
        {
            "id": [f"p{n:02d}" for n in range(len(fees))], "known_at": [None] * len(fees),
            "title": [f"Product {n}" for n in range(len(fees))], "fee": fees, "kind": kinds,
            "is_open": [n % 2 == 0 for n in range(len(fees))],
        },
        schema=node_fields(PRODUCTS),
    )  # fmt: skip
    pairs = [(n, product) for n in range(len(ages)) for product in (n, n + 1) if product < len(fees) - 1]
    edges = pa.table(
        {
            "source": [f"u{user:02d}" for user, _ in pairs], "target": [f"p{product:02d}" for _, product in pairs],
            "key": [str(n) for n in range(len(pairs))], "at": [day(product) for _, product in pairs],
            "known_at": [day(product) for _, product in pairs], "weight": [None] * len(pairs),
        },
        schema=edge_fields(()),
    )  # fmt: skip
    return write_snapshot(folder, schema, {"User": users, "Product": products}, {"BOUGHT": edges})


FEES: list[float | None] = [0.0, 1.0, 2.0, 3.0, None, 5.0, 1e9]
KINDS: list[str | None] = ["fund", "card", "fund", "card", "loan", None, "never seen"]


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """The last product is bought by nobody."""
    return make(tmp_path / "s", fees=FEES, ages=[20, 30, 40, 50, 60, None], kinds=KINDS)


def blocks_of(snapshot: Snapshot, hidden: Hidden | None = None) -> dict[str, FeatureBlock]:
    graph = visible_graph(snapshot, hidden or Hidden())
    return {block.label: block for block in ColumnsSource().blocks(Seen(snapshot, graph))}


def test_columns_are_binned_and_scaled_on_nodes_that_the_fit_knows(snapshot: Snapshot, tmp_path: Path) -> None:
    block = blocks_of(snapshot)["Product"]
    place = {name: n for n, name in enumerate(block.columns)}
    assert block.definition["fee"]["mean"] == pytest.approx(np.mean([0, 1, 2, 3, 5]))
    assert block.matrix[6, place["fee"]] == 3.0  # a fee of 10^9, cut at three spreads
    assert block.matrix[4, place["fee: missing"]] == 1.0
    assert not block.matrix[
        4, [place[name] for name in place if name.startswith("fee") and "missing" not in name]
    ].any()
    assert block.definition["kind"]["values"] == ["card", "fund", "loan"]
    assert not block.matrix[6, [place[name] for name in place if name.startswith("kind")]].any()
    assert block.matrix[5, place["kind: missing"]] == 1.0
    bins = [place[name] for name in place if name.startswith(("fee to", "fee above"))]
    assert block.matrix[:, bins].sum(axis=1).tolist() == [1, 1, 1, 1, 0, 1, 1]
    # What nobody holds yet decides neither bounds nor scales.
    other = make(tmp_path / "other", fees=[*FEES[:6], -7.0], ages=[20, 30, 40, 50, 60, None], kinds=KINDS)
    assert blocks_of(other)["Product"].definition == block.definition


def test_what_a_stage_hides_decides_no_bound(snapshot: Snapshot) -> None:
    """Before day 3 the products 0, 1, 2 are known, of fees 0, 1, 2."""
    cut = Hidden(known_from=round(day(3).timestamp() * 1_000_000))
    block = blocks_of(snapshot, cut)["Product"]
    assert block.definition["fee"]["mean"] == 1.0
    assert block.definition["kind"]["values"] == ["card", "fund"]
    assert block.digest != blocks_of(snapshot)["Product"].digest


def test_names_and_personal_and_protected_columns_are_never_read(snapshot: Snapshot) -> None:
    found = blocks_of(snapshot)
    assert set(found["User"].definition) == {"age", "segment"}
    assert set(found["Product"].definition) == {"fee", "kind", "is_open"}


def prices(folder: Path, *, last: float) -> None:
    """Products 0..3 rise or fall; on day 400 everything is `last`."""
    ids, at, close = [], [], []
    for product in range(7):
        for number in range(0, 390, 10):
            ids.append(f"p{product:02d}")
            at.append(day(number))
            close.append(100 + (1 if product % 2 else -0.2) * number)
        ids.append(f"p{product:02d}")
        at.append(day(400))
        close.append(last)
    table = pa.table({"id": ids, "at": pa.array(at, pa.timestamp("us", tz="UTC")), "close": close})
    write_series(folder, "bank", "price", table.to_reader())


def test_a_series_is_read_up_to_the_date_that_the_fit_may_see(snapshot: Snapshot, tmp_path: Path) -> None:
    found = []
    for last in (1.0, 1_000.0):
        prices(tmp_path / f"{last}", last=last)
        seen = Seen(snapshot, visible_graph(snapshot), round(day(395).timestamp() * 1_000_000))
        (block,) = SeriesSource(tmp_path / f"{last}").blocks(seen)
        found.append(block)
    assert found[0].digest == found[1].digest
    assert found[0].as_of == "2025-01-30T00:00:00+00:00"
    change = list(found[0].columns).index("price close change_365d")
    assert (np.sign(found[0].matrix[:6, change]) == [-1, 1, -1, 1, -1, 1]).all()
    seen = Seen(snapshot, visible_graph(snapshot), round(day(401).timestamp() * 1_000_000))
    (later,) = SeriesSource(tmp_path / "1.0").blocks(seen)
    assert later.digest != found[0].digest
    with pytest.raises(ModelError, match=r"^the series price has no rows in .*; load it, or run: graphrec train"):
        SeriesSource(tmp_path / "nothing").blocks(seen)


def test_models_of_columns_prefer_what_is_alike(tmp_path: Path) -> None:
    """Products of even number are funds, of odd number cards; even users of segment a hold funds."""
    snapshot = make(tmp_path / "s", fees=[1.0] * 12 + [2.0], ages=[20, 60] * 6, kinds=["fund", "card"] * 6 + ["fund"])
    graph = visible_graph(snapshot)
    blocks = Blocks(tuple(ColumnsSource().blocks(Seen(snapshot, graph))), {"columns": ColumnsSource().sentences})
    ((term, _),) = COLUMNS.fit(graph, COLUMNS.configure({}, Inputs()), Inputs(blocks=blocks)).parts
    user = 11  # holds product 11, a card, alone
    scores = term.scores(user)
    assert {int(n) % 2 for n in np.argsort(-scores)[:6]} == {1}
    shares = term.shares(user, np.array([1], np.int32))
    assert {group.part for group in shares.groups} == {"columns"}
    ((profile, _),) = PROFILE.fit(
        graph, PROFILE.configure({"regularization": 1.0}, Inputs()), Inputs(blocks=blocks)
    ).parts
    row = profile.scores(0)
    assert np.corrcoef(row, profile.scores(2))[0, 1] == pytest.approx(1.0, abs=1e-6)  # the same columns
    assert np.corrcoef(row, profile.scores(1))[0, 1] < 0
    assert profile.sentences["own+"]["en"].startswith("customers with details like yours")
    for spec, label in ((COLUMNS, "Product"), (PROFILE, "User")):
        with pytest.raises(ModelError, match=f"needs the block `columns` of {label}"):
            spec.fit(graph, spec.configure({}, Inputs()), Inputs())
