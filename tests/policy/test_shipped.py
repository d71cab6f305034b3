"""The three policies that are shipped fit a graph with the columns that they name; months are those of the calendar."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest

from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.example import shipped_policy
from graphrec.policy.facts import microseconds
from graphrec.policy.language.operands import add_months
from graphrec.policy.language.values import Value
from graphrec.policy.read import parse_policy
from graphrec.policy.words import rule_in_words
from graphrec.schema import Column, EdgeSchema, GraphSchema, Kind, NodeSchema, Roles
from tests.policy.graphs import AS_OF

TIMES = {"closed_on", "assessed_on", "born_by", "born_on", "delisted_on"}
TRUE = {"contact_consent", "profiling_consent", "consent", "sanctioned", "owns_home", "drives"}
TEXTS = {
    "status",
    "kind",
    "knowledge",
    "residents_of",
    "country",
    "clients",
    "not_for",
    "category",
    "covers",
    "occupation",
    "made_for",
}
HELD = {"bank": ("BOUGHT", "REJECTED"), "broker": ("HOLDS", "TRADED"), "insurer": ("HOLDS", "CLAIMED", "REJECTED")}


def graph(folder: Path, text: str, interactions: tuple[str, ...]) -> Snapshot:
    """A customer and a product with every column that a policy names, without values."""

    def columns(side: str) -> tuple[Column, ...]:
        own, market = re.findall(rf"{side}\.(\w+)", text), re.findall(r'^(\w+) = "(\w+)"$', text, re.MULTILINE)
        named = [pair[side == "user"] for pair in market]  # of the target market: a product's column, a customer's
        cash = re.findall(r'^cash +=.*"(\w+)"$', text, re.MULTILINE) if side == "user" else []
        return tuple(Column(one, kind(one)) for one in sorted({*own, *named, *cash}))

    def kind(name: str) -> Kind:
        return "time" if name in TIMES else "boolean" if name in TRUE else "text" if name in TEXTS else "real"

    pairs = {name: EdgeSchema(name, "Customer", "Product") for name in (*interactions, "POSITION")}
    schema = GraphSchema(
        Roles("Customer", "Product", interactions, relevant=interactions[:1]),
        {"Customer": NodeSchema("Customer", columns("user")), "Product": NodeSchema("Product", columns("product")),
         "Issuer": NodeSchema("Issuer")},
        {**pairs, "ISSUED_BY": EdgeSchema("ISSUED_BY", "Product", "Issuer")},
    )  # fmt: skip
    nodes = {
        label: pa.Table.from_pylist([{"id": label[0]}], schema=node_fields(one.columns))
        for label, one in schema.nodes.items()
    }
    edges = {
        name: pa.Table.from_pylist(
            [{"source": one.source[0], "target": one.target[0], "at": AS_OF, "known_at": AS_OF, "weight": 1.0}],
            schema=edge_fields(one.columns),
        )
        for name, one in schema.edges.items()
    }
    return write_snapshot(folder, schema, nodes, edges, as_of=None)


@pytest.mark.parametrize("name", ["bank", "broker", "insurer"])
def test_a_shipped_policy_fits_the_columns_that_it_names(
    name: Literal["bank", "broker", "insurer"], tmp_path: Path
) -> None:
    root = Path(__file__).parents[2] / "graphrec" / "policy" / "examples" / f"{name}.toml"
    snapshot = graph(tmp_path / "graph", root.read_text("utf-8"), HELD[name])
    found = shipped_policy(name, snapshot, microseconds(AS_OF.isoformat()))
    assert found.left_out == ()
    policy = parse_policy(found.text, name, root.parent)
    assert set(found.lists) == {"sanctions.txt"}
    assert found.kept == tuple(rule.id for rule in policy.rules)
    assert all(rule_in_words(rule) for rule in policy.rules)
    # Nothing is known of this customer, and nothing is offered.
    asked = CompiledPolicy(policy, snapshot, as_of=microseconds(AS_OF.isoformat()))
    assert asked.refusals(0, 0)
    lacking = graph(tmp_path / "other", "", HELD[name])
    assert shipped_policy(name, lacking, None).left_out


def test_months_are_those_of_the_calendar() -> None:
    def later(day: datetime, months: float) -> datetime:
        found = add_months(
            Value(np.array([[int(day.timestamp() * 1e6)]])), Value(np.array([[months]]))
        ).values  # fmt: skip
        return datetime.fromtimestamp(int(found[0, 0]) / 1e6, UTC)

    start = datetime(2024, 1, 31, 15, 30, tzinfo=UTC)
    assert later(start, 1) == datetime(2024, 2, 29, 15, 30, tzinfo=UTC)
    assert later(start, 13) == datetime(2025, 2, 28, 15, 30, tzinfo=UTC)
    assert later(start, -2) == datetime(2023, 11, 30, 15, 30, tzinfo=UTC)
    for n in range(-30, 30):
        day = date(2024 + (n // 12), n % 12 + 1, 15)
        assert later(datetime(2024, 1, 15, tzinfo=UTC), n).date() == day
    unknown = add_months(Value(np.array([[0, 0]])), Value(np.array([[np.nan, 1e9]])))
    assert unknown.missing().tolist() == [[True, True]]
