"""Segments of customers by a column: values, quarters of numbers, protected columns."""

from pathlib import Path

import pyarrow as pa
import pytest

from graphrec.app.campaigns.outcomes import _segments
from graphrec.app.jobs import AskOutcomes
from graphrec.errors import UsageError
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles

SCHEMA = GraphSchema(
    Roles("Customer", "Product", ("BOUGHT",), {"BOUGHT": 1.0}, ("BOUGHT",)),
    {
        "Customer": NodeSchema(
            "Customer",
            (Column("age", "integer"), Column("region", "text"), Column("sex", "text")),
            protected=("sex",),
        ),
        "Product": NodeSchema("Product"),
    },
    {"BOUGHT": EdgeSchema("BOUGHT", "Customer", "Product")},
)
USERS = tuple(f"C{number:02}" for number in range(40))


@pytest.fixture
def facts(tmp_path: Path) -> Snapshot:
    people = [
        {"id": user, "age": 20 + number, "region": None if number == 7 else ("north", "south")[number % 2], "sex": "f"}
        for number, user in enumerate(USERS)
    ]
    return write_snapshot(
        tmp_path / "snapshot",
        SCHEMA,
        {
            "Customer": pa.Table.from_pylist(people, schema=node_fields(SCHEMA.nodes["Customer"].columns)),
            "Product": pa.Table.from_pylist([{"id": "P"}], schema=node_fields(())),
        },
        {"BOUGHT": pa.Table.from_pylist([], schema=edge_fields(()))},
    )


def test_a_text_is_a_segment_and_one_that_is_not_known_is_in_none(facts: Snapshot) -> None:
    found = _segments(facts, AskOutcomes("segment", segment="region"), (*USERS, "gone"))
    assert (found["C00"], found["C01"], len(found)) == ("north", "south", 39)


def test_many_numbers_are_told_by_quarters(facts: Snapshot) -> None:
    found = _segments(facts, AskOutcomes("segment", segment="age"), USERS)
    sizes = {name: list(found.values()).count(name) for name in dict.fromkeys(found.values())}
    assert list(sizes) == ["20 to 29.75", "29.75 to 39.5", "39.5 to 49.25", "49.25 to 59"]
    assert set(sizes.values()) == {10}


def test_a_protected_column_is_no_segment_for_all(facts: Snapshot) -> None:
    assert set(_segments(facts, AskOutcomes("segment", segment="sex"), USERS).values()) == {"f"}
    with pytest.raises(UsageError, match="got sex; want one of age, region"):
        _segments(facts, AskOutcomes("segment", segment="sex", with_protected=False), USERS)
