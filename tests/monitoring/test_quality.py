"""Quality: thirty planted faults are found, and the same bank without them has none."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskQuality
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import LimitPassed, UsageError
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.home import Home
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles

COUNT = 400
TEXTS = ("region", "branch", "status", "segment", "channel", "grade", "country", "language")
NUMBERS = (
    "income",
    "wealth",
    "debt",
    "age",
    "children",
    "score",
    "rent",
    "visits",
    "limit",
    "balance",
    "fees",
    "turnover",
)
TIMES = ("born", "joined", "asked", "moved")
RULES = """[columns.Customer.age]
range = [0, 120]
[columns.Customer.score]
range = [300, 900]
[columns.Customer.status]
values = ["open", "closed"]
[columns.Customer.grade]
missing = 0.1
[columns.Customer.visits]
missing = 0.05
"""
Rows = dict[str, list[dict[str, Any]]]


def clean() -> tuple[Rows, list[dict[str, Any]]]:
    """A bank without a fault: skewed numbers, some missing values, events by the minute."""
    rng = np.random.default_rng(2)
    words = {name: [f"{name} {letter}" for letter in "abcde"] for name in TEXTS} | {"status": ["open", "closed"]}
    start = datetime(1950, 1, 1, tzinfo=UTC)
    people = []
    for n in range(COUNT):
        numbers = {name: float(np.exp(rng.normal(8, 1.0))) for name in NUMBERS}
        numbers |= {
            "age": float(rng.integers(18, 95)),
            "score": float(rng.integers(300, 900)),
            "children": float(rng.integers(0, 6)),
        }
        people.append(
            {"id": f"C{n:04}"}
            | {name: str(rng.choice(words[name])) for name in TEXTS}
            | numbers
            | {name: start + timedelta(days=int(rng.integers(0, 27_000))) for name in TIMES}
        )
    for name in ("grade", "visits", "rent", "moved"):
        for n in rng.choice(COUNT, 15, replace=False):
            people[n][name] = None
    products = [{"id": f"P{n}", "name": f"Product {n}", "fee": 0.1 * n, "kind": "fund"} for n in range(20)]
    events = []
    for n in range(900):
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=37 * n)
        source, target = f"C{rng.integers(0, COUNT):04}", f"P{rng.integers(0, 20)}"
        events.append({"source": source, "target": target, "key": str(n), "at": at, "known_at": at, "weight": float(n)})
    return {"Customer": people, "Product": products}, events


def planted(rows: Rows, events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Thirty faults; kind and what each is about."""
    people, late = rows["Customer"], datetime(2031, 5, 5, tzinfo=UTC)
    found: list[tuple[str, str]] = []

    def put(kind: str, column: str, *values: Any) -> None:
        # Each fault is in rows of its own.
        for place, value in enumerate(values):
            people[(7 * len(found) + 101 * place) % COUNT][column] = value
        found.append((kind, f"Customer.{column}"))

    for column in ("income", "wealth", "debt", "rent", "limit"):
        put("outlier", column, 99_999_999_998.0)
    for column in ("balance", "fees", "turnover"):
        put("placeholder", column, 999_999.0, 999_999.0)
    put("placeholder", "children", -1.0, -1.0)
    for column in ("income", "wealth", "limit"):
        put("sign", column, -120.0)
    put("range", "age", 212.0)
    put("range", "score", 20.0)
    for column in TIMES:
        put("future", column, late)
    for column, text in (
        ("region", "Region a"),
        ("branch", " branch b"),
        ("segment", "SEGMENT C"),
        ("channel", "channel  d"),
    ):
        put("spelling", column, text)
    for column, text in (("country", "n/a"), ("language", "Unknown")):
        put("placeholder", column, text)
    put("range", "status", "opened")
    put("missing", "grade", *([None] * 60))
    put("missing", "visits", *([None] * 60))
    people.append({**people[11], "id": "C9999"})
    rows["Product"].append({"id": "P99", "name": "Product 3", "fee": 7.0, "kind": "fund"})
    events.append({**events[5], "key": "again"})
    return {*found, ("twice", "Customer"), ("twice", "Product.name"), ("repeated", "BOUGHT")}


def bank_of(folder: Path, rows: Rows, events: list[dict[str, Any]]) -> Bank:
    columns = [Column(one, "text") for one in TEXTS] + [Column(one, "real") for one in NUMBERS]
    columns += [Column(one, "time") for one in TIMES]
    product = (Column("fee", "real"), Column("kind", "text"), Column("name", "text"))
    schema = GraphSchema(
        Roles("Customer", "Product", ("BOUGHT",)),
        {
            "Customer": NodeSchema("Customer", tuple(sorted(columns, key=lambda one: one.name))),
            "Product": NodeSchema("Product", product, name="name"),
        },
        {"BOUGHT": EdgeSchema("BOUGHT", "Customer", "Product")},
    )
    nodes = {label: pa.Table.from_pylist(one, node_fields(schema.nodes[label].columns)) for label, one in rows.items()}
    edges = {"BOUGHT": pa.Table.from_pylist(events, edge_fields(()))}
    home = Home(folder).prepare()
    SnapshotShelf(home.snapshots).add(lambda path: write_snapshot(path, schema, nodes, edges))
    (folder / "quality.toml").write_text(RULES)
    return Bank(Settings(home=folder, today=date(2026, 1, 2)))


def test_thirty_planted_faults_are_found_and_nothing_else(tmp_path: Path) -> None:
    rows, events = clean()
    assert bank_of(tmp_path / "clean", rows, events).quality(AskQuality()).faults == ()
    wanted = planted(rows, events)
    assert len(wanted) == 30
    found = bank_of(tmp_path / "faulty", rows, events).quality(AskQuality())
    assert {(one.kind, one.about) for one in found.faults} == wanted
    born = next(one for one in found.faults if one.about == "Customer.born")
    assert (born.count, born.detail, len(born.ids)) == (1, "after 2026-01-02, up to 2031-05-05", 1)
    income = next(one for one in found.columns if one.column == "income")
    assert (income.high, income.missing) == (99_999_999_998.0, 0.0)


def test_none_is_an_answer_where_many_give_it(tmp_path: Path) -> None:
    rows, events = clean()
    for n, one in enumerate(rows["Customer"]):
        one["segment"] = ("none", "basic", "good")[n % 3]
    assert bank_of(tmp_path / "many", rows, events).quality(AskQuality()).faults == ()
    for n, one in enumerate(rows["Customer"]):
        one["segment"] = "none" if n == 7 else ("basic", "good")[n % 2]
    found = bank_of(tmp_path / "one", rows, events).quality(AskQuality()).faults
    assert [(one.kind, one.about, one.ids) for one in found] == [("placeholder", "Customer.segment", ("C0007",))]


def test_customers_of_coarse_columns_are_equal_by_chance(tmp_path: Path) -> None:
    """Names left out, what is left of many customers is a segment, a region, and answers that others gave too."""
    rows, events = clean()
    coarse = ("region", "segment", "channel", "country")
    kept = ("id", *coarse)
    rows["Customer"] = [{name: one[name] if name in kept else None for name in one} for one in rows["Customer"]]
    rows["Customer"].append({**rows["Customer"][11], "id": "C9999"})
    found = bank_of(tmp_path, rows, events).quality(AskQuality()).faults
    assert not [one for one in found if one.kind == "twice"]


def test_the_command_ends_with_7_where_there_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, events = clean()
    bank_of(tmp_path, rows, events)
    monkeypatch.setenv("GRAPHREC_HOME", str(tmp_path))
    monkeypatch.setenv("GRAPHREC_TODAY", "2026-01-02")
    run = CliRunner().invoke
    shown = run(app, ["quality", "--columns"])
    assert shown.exit_code == 0, shown.output
    assert "no fault in 27 columns" in shown.stdout
    (tmp_path / "quality.toml").write_text("[columns.Customer.age]\nrange = [30, 60]\n")
    failed = run(app, ["quality", "--json"])
    assert failed.exit_code == LimitPassed.exit_code
    assert json.loads(failed.stdout)["faults"][0]["kind"] == "range"
    for text, line in (
        ("[columns.Client.age]\n", "no label Client"),
        ("[columns.Customer.agee]\n", "no public column agee"),
        ("[columns.Customer.age]\nrange = [3, 2]\n", "the first number is above the second"),
    ):
        (tmp_path / "quality.toml").write_text(text)
        wrong = run(app, ["quality"])
        assert wrong.exit_code == UsageError.exit_code
        assert line in wrong.stderr
