"""The export: the lists of `recommend`, in one whole file."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from graphrec.delivery import text_files
from graphrec.errors import UsageError
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import WalkTerm
from tests.banks import bank_snapshot
from tests.served import export_lists, write_model
from tests.terms.models import served

COLUMNS = ["user", "product", "rank", "score", "reason", "reason_share", "model", "snapshot", "as_of"]
COLUMNS += ["name", "confidence", "warnings", "reason_percent", "reasons", "kind", "risk", "fee", "minimum", "crm_id"]
COLUMNS += ["change", "run", "record", "policy", "generated_at", "valid_until"]


@pytest.mark.slow
def test_every_format_holds_the_lists_of_recommend(engine: Engine, tmp_path: Path) -> None:
    report = export_lists(engine, tmp_path / "scores.csv", 4)
    export_lists(engine, tmp_path / "scores.jsonl", 4)
    export_lists(engine, tmp_path / "scores.parquet", 4)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert (report.users, report.rows, report.without_list) == (60, len(rows), 1)
    expected = []
    for user in engine.users.ids:
        for item in engine.recommend(user, 4).items:
            first = item.reasons[0]
            share = first.share / item.score if first.percent is not None else None
            expected.append((user, item.product, item.rank, item.score, first.text, share))
    found = [
        (row["user"], row["product"], int(row["rank"]), float(row["score"]), row["reason"],
         float(row["reason_share"]) if row["reason_share"] else None)
        for row in rows
    ]  # fmt: skip
    assert found == expected
    parquet = pq.read_table(tmp_path / "scores.parquet").to_pylist()
    lines = (tmp_path / "scores.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [untimed(row) for row in parquet]
    assert [(row["user"], row["product"], row["score"]) for row in parquet] == [row[:2] + row[3:4] for row in expected]


@pytest.mark.slow
def test_customers_of_a_block_who_have_no_line_of_a_way(tmp_path: Path) -> None:
    """The ways of a block are numbered together, and those of a longer term are no ways of the first."""
    home = Home(tmp_path / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    kernel = fit_kernel(graph, starting_walks(snapshot.schema))
    write_model(home, snapshot, Blend([WalkTerm("first", graph, kernel.scorers[:1]), kernel], [0.5, 1.0]), graph)
    engine = Engine.open(home)
    export_lists(engine, tmp_path / "scores.jsonl", 4)
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text("utf-8").splitlines()]
    expected = [
        (user, item.product, [reason.text for reason in item.reasons])
        for user in engine.users.ids
        for item in engine.recommend(user, 4).items
    ]
    assert [(row["user"], row["product"], [one["text"] for one in row["reasons"]]) for row in rows] == expected
    assert len({row["user"] for row in rows}) == 59


def untimed(row: dict[str, Any]) -> dict[str, Any]:
    """A row of Parquet with its times as text."""
    written = {name: f"{row[name]:%Y-%m-%dT%H:%M:%SZ}" for name in ("generated_at", "valid_until")}
    return row | written | {"as_of": row["as_of"].isoformat()}


WARNED = """
version = "1"
[[rule]]
id = "seen"
severity = "warn"
sentence = "looked at on {last.VIEWED}"
require = 'not happened("VIEWED")'
[[rule]]
id = "bonds"
severity = "warn"
sentence = "{product.name} is a bond"
require = 'product.kind != "bond"'
"""


@pytest.mark.slow
def test_names_confidence_and_warnings_are_those_of_recommend(served_home: Home, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(WARNED, encoding="utf-8")
    warned = Engine.open(Home(served_home.path, tmp_path / "policy.toml"))
    export_lists(warned, tmp_path / "scores.parquet", 4)
    found = [
        (row["user"], row["product"], row["name"], row["confidence"], row["warnings"])
        for row in pq.read_table(tmp_path / "scores.parquet").to_pylist()
    ]
    assert found == [
        (user, item.product, item.name, item.confidence, "; ".join(item.warnings) or None)
        for user in warned.users.ids
        for item in warned.recommend(user, 4).items
    ]
    both = [row for row in found if row[4] and "; " in row[4]]
    assert both[0][4].startswith("looked at on ")
    assert both[0][4].endswith(f"; {both[0][2]} is a bond")
    assert any(row[4] is None for row in found)


def test_language_and_confidence_are_those_of_recommend(engine: Engine, tmp_path: Path) -> None:
    options = {"language": "zh", "min_confidence": 0.5}
    report = export_lists(engine, tmp_path / "scores.jsonl", 4, options=ListOptions(**options))
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text("utf-8").splitlines()]
    lists = [engine.recommend(user, 4, ListOptions(**options)).items for user in engine.users.ids]
    expected = [(item.product, item.reasons[0].text) for items in lists for item in items]
    assert [(row["product"], row["reason"]) for row in rows] == expected
    assert report.without_list == sum(not items for items in lists)
    assert 0 < len(rows) < 59 * 4


def test_an_interrupted_export_leaves_what_was_there(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("before", "utf-8")
    monkeypatch.setattr(text_files, "CSV", replace(text_files.CSV, chunk=10))

    def interrupt(what: str, done: int, total: int | None) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_lists(engine, path, 3, progress=interrupt)
    assert path.read_text("utf-8") == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["scores.csv"]


def test_another_suffix_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        export_lists(engine, tmp_path / "scores.ods", 3)
    assert str(caught.value) == f"--out {tmp_path / 'scores.ods'}: cannot write .ods; use .csv, .jsonl, .parquet, .xlsx"


def test_popularity_alone_serves_everybody(tmp_path: Path) -> None:
    """The same for all is an answer, also for a customer without anything."""
    engine = Engine.open(served(tmp_path / "home", "everyone"))
    report = export_lists(engine, tmp_path / "scores.csv", 4)
    assert (report.users, report.rows, report.without_list) == (60, 240, 0)
    held = np.bincount(engine.model.graph.held().indices, minlength=20)
    answer = engine.recommend("C059", 4)  # without an edge
    assert answer.abstained is None
    scores = [held[engine.products.ids.find(item.product)] for item in answer.items]
    assert scores == sorted(held[:19])[::-1][:4]  # P19 is closed
    assert {line.kind for item in answer.items for line in item.lines} == {"general"}
