"""A model folder of every kind holds no row of a customer: no axis of their label, no id, no value of theirs."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.features.blocks import Blocks, FeatureBlock, Sources
from graphrec.features.sources.columns import ColumnsSource
from graphrec.features.sources.sums import SumsFile, SumsSource, file_of
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.home import Home
from graphrec.models.counted.sums import sums_of
from graphrec.models.registry import kinds
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.terms.folder import ARRAYS, read_meta
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of
from tests.training import registry

USERS, PRODUCTS = 60, 12
SHORT = {
    "lightgcn": {"dim": 8, "epochs": 2},
    "lightgcn-id": {"dim": 8, "epochs": 2},
    "graphsage": {"dim": 8, "epochs": 2},
}
KNOWN = datetime(2024, 1, 1, tzinfo=UTC)


def user_ids() -> list[str]:
    return [f"customer-no-{1000 + n}" for n in range(USERS)]


def towns() -> list[str]:
    """Every tenth customer is the only one of their town."""
    return [f"Lonely Town {n}" if n % 10 == 0 else f"Big Town {n % 2}" for n in range(USERS)]


def incomes() -> list[float]:
    return [round(20_000.17 + 731.29 * n, 2) for n in range(USERS)]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Two tastes, attribute nodes, columns of customers and of products."""
    rng = np.random.default_rng(3)
    product_ids = [f"product-{n}" for n in range(PRODUCTS)]
    edges = {"BOUGHT": [], "VIEWED": [], "LIVES_IN": [], "IN_SECTOR": []}  # type: dict[str, list[tuple[str, str]]]
    for n, user in enumerate(user_ids()):
        half = PRODUCTS // 2
        own = rng.permutation(half)[:4] + (n % 2) * half
        edges["BOUGHT"] += [(user, product_ids[p]) for p in own]
        edges["VIEWED"] += [(user, product_ids[(own[0] + 1) % PRODUCTS])]
        edges["LIVES_IN"] += [(user, f"region-{n % 3}")]
    edges["IN_SECTOR"] = [(product, f"sector-{n % 2}") for n, product in enumerate(product_ids)]
    columns = {
        "User": (Column("income", "real"), Column("town", "text")),
        "Product": (Column("fee", "real"),),
        "Region": (),
        "Sector": (),
    }
    ends = {"BOUGHT": ("User", "Product"), "VIEWED": ("User", "Product"), "LIVES_IN": ("User", "Region"),
            "IN_SECTOR": ("Product", "Sector")}  # fmt: skip
    schema = GraphSchema(
        Roles("User", "Product", ("BOUGHT", "VIEWED"), {"VIEWED": 0.2}, ("BOUGHT",), min_group=5),
        {label: NodeSchema(label, own) for label, own in columns.items()},
        {name: EdgeSchema(name, *both) for name, both in ends.items()},
    )
    values = {
        "User": {"id": user_ids(), "income": incomes(), "town": towns()},
        "Product": {"id": product_ids, "fee": [0.5 * (n % 4) for n in range(PRODUCTS)]},
        "Region": {"id": [f"region-{n}" for n in range(3)]},
        "Sector": {"id": [f"sector-{n}" for n in range(2)]},
    }
    nodes = {
        label: pa.table({**own, "known_at": [KNOWN] * len(own["id"])}, schema=node_fields(columns[label]))
        for label, own in values.items()
    }
    tables = {
        name: pa.table(
            {
                "source": [row[0] for row in rows],
                "target": [row[1] for row in rows],
                "key": [str(n) for n in range(len(rows))],
                "at": [KNOWN] * len(rows),
                "known_at": [KNOWN] * len(rows),
                "weight": [None] * len(rows),
            },
            schema=edge_fields(()),
        )
        for name, rows in edges.items()
    }
    return write_snapshot(tmp_path_factory.mktemp("bank") / "s", schema, nodes, tables)


def texts(snapshot: Snapshot) -> Blocks:
    rng = np.random.default_rng(0)
    return Blocks(
        tuple(
            FeatureBlock(name, label, rng.standard_normal((snapshot.count(label), 6)).astype(np.float32))
            for name, label in (("text", "User"), ("text", "Product"), ("series", "Product"), ("vector", "Product"))
        )
    )


def sums_of_banks(snapshot: Snapshot, folder: Path) -> SumsSource:
    """What `graphrec federate finish` leaves: here of this bank alone."""
    split = split_of(snapshot)
    held = graph_of(snapshot, split, split.fitted).held()
    found = sums_of(held, PRODUCTS, 0.5)
    products = tuple(snapshot.nodes("Product").ids)
    file = SumsFile(
        products, found.together, found.weighted, 0.5, found.bits, 2, "one", ("A", "B"), USERS, "fitted"
    )  # fmt: skip
    file.write(file_of(folder, "fitted"))
    return SumsSource(folder)


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind != "blend"])
def test_a_folder_holds_no_row_of_a_customer(
    snapshot: Snapshot, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind in SHORT:
        registry.try_only(monkeypatch, kind, [SHORT[kind]])
    sources = Sources((*Sources.of(texts(snapshot)).sources, ColumnsSource(), sums_of_banks(snapshot, tmp_path)))
    folder = train(snapshot, Home(tmp_path / "home").prepare(), TrainOptions(kind), sources=sources).path
    described = read_meta(folder).description.terms
    assert described
    for term in described:
        labels = {label for axes in term.arrays.values() for label in axes}
        labels |= {label for ends in term.rows.values() for label in ends}
        assert "User" not in labels
    whole = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    arrays = (folder / ARRAYS).read_bytes()
    for user, town, income in zip(user_ids(), towns(), incomes(), strict=True):
        assert user.encode() not in whole
        assert "Lonely" not in town or town.encode() not in whole
        assert str(income).encode() not in whole
        assert np.float64(income).tobytes() not in arrays
    rows = texts(snapshot).blocks[0].matrix
    assert not any(row.tobytes() in arrays for row in rows)
