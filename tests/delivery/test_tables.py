"""The two tables of an export in every form: workbooks, folders, changes, parts of the users, views, their schema."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.delivery import workbook
from graphrec.delivery.last import read_last
from graphrec.delivery.rows import Row, Rows, Run, Without, schema
from graphrec.delivery.sinks import Target, deliver, sink_for
from graphrec.errors import Damaged, PolicyError, SourceError, UnknownId, UsageError
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.schema import Column
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.terms.forms.blend import Blend
from tests.banks import SCHEMA, small_bank
from tests.served import export_lists, write_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bank(own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    """A bank on a served home, and a folder in which to export."""
    monkeypatch.chdir(tmp_path)
    return Bank(Settings(home=own_home.path, policy="none"))


def csv_rows(path: Path, **form: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), **form))


def test_users_without_a_list_and_why_stand_beside(engine: Engine, tmp_path: Path) -> None:
    report = export_lists(engine, tmp_path / "lists.csv", 3)
    (without,) = csv_rows(tmp_path / "lists.without.csv")
    assert list(without) == list(Without._fields)
    assert without["user"] == "C059"
    assert without["why"] == engine.recommend("C059", 3).abstained
    assert report.lines()[1].endswith(str(tmp_path / "lists.without.csv"))
    assert "C059" not in {row["user"] for row in csv_rows(tmp_path / "lists.csv")}
    export_lists(engine, tmp_path / "lists.parquet", 3)
    assert pq.read_table(tmp_path / "lists.without.parquet").to_pylist()[0]["user"] == "C059"
    export_lists(engine, tmp_path / "lists.jsonl", 3)
    assert json.loads((tmp_path / "lists.without.jsonl").read_text("utf-8"))["user"] == "C059"


def test_a_workbook_holds_texts_numbers_and_times(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine.snapshot), "name", lambda self, label, position: "=1+1")
    report = export_lists(engine, tmp_path / "lists.xlsx", 3)
    book = CalamineWorkbook.from_path(str(tmp_path / "lists.xlsx"))
    assert book.sheet_names == ["lists", "without a list"]
    head, *rows = book.get_sheet_by_name("lists").to_python()
    assert head == list(Row._fields)
    assert len(rows) == report.rows == 177
    first = dict(zip(head, rows[0], strict=True))
    item = engine.recommend("C000", 3).items[0]
    assert (first["user"], first["product"], first["rank"]) == ("C000", item.product, 1)
    assert first["score"] == pytest.approx(item.score)
    assert first["name"] == "=1+1"
    assert first["reason"] == item.reasons[0].text
    assert json.loads(first["reasons"])[0]["text"] == item.reasons[0].text
    assert first["generated_at"].year >= 2024
    assert book.get_sheet_by_name("without a list").to_python()[1][0] == "C059"


def test_a_full_sheet_goes_on_in_another(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS", 101)
    export_lists(engine, tmp_path / "lists.xlsx", 3)
    book = CalamineWorkbook.from_path(str(tmp_path / "lists.xlsx"))
    assert set(book.sheet_names) == {"lists", "lists 2", "without a list"}
    assert [len(book.get_sheet_by_name(name).to_python()) for name in ("lists", "lists 2")] == [101, 78]


@pytest.mark.slow
def test_a_folder_has_a_part_for_each_run(engine: Engine, tmp_path: Path) -> None:
    for days in (1, 2, 2):
        spec, folder = sink_for(None, f"{tmp_path / 'lists'}/")
        run = replace(Run.of(engine, 3, ListOptions()), id=f"export-{days}")
        target = Target(engine, folder, False, False, pytest.fail, lambda: None)
        report = deliver(spec, target, 3, ListOptions(), rows=Rows(engine, run))
        assert report.rows == 177
    parts = sorted(one.name for one in (tmp_path / "lists").iterdir())
    assert parts == ["run=export-1", "run=export-2"]
    files = [str(one) for one in sorted((tmp_path / "lists").rglob("lists.parquet"))]
    table = ds.dataset(files, partitioning="hive").to_table()
    assert Counter(table["run"].to_pylist()) == {"export-1": 177, "export-2": 177}
    assert str(table.schema.field("generated_at").type) == "timestamp[us, tz=UTC]"
    assert table["reasons"][0].as_py()[0].keys() == {"text", "percent", "kind", "lines"}


def test_excel_takes_a_csv_of_its_language(bank: Bank, tmp_path: Path) -> None:
    bank.export(Export(to="en.csv", k=2, excel=True))
    bank.export(Export(to="de.csv", k=2, excel=True, language="de"))
    for name, form in (("en", {}), ("de", {"delimiter": ";"})):
        assert (tmp_path / f"{name}.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        assert list(csv_rows(tmp_path / f"{name}.csv", **form)[0]) == list(Row._fields)
    german = csv_rows(tmp_path / "de.csv", delimiter=";")[0]["score"]
    assert float(german.replace(",", ".")) == float(csv_rows(tmp_path / "en.csv")[0]["score"])
    assert "," in german


def test_rows_say_where_they_come_from(bank: Bank, tmp_path: Path) -> None:
    done = bank.export(Export(to="lists.jsonl", k=2, valid_days=7))
    rows = [json.loads(line) for line in (tmp_path / "lists.jsonl").read_text("utf-8").splitlines()]
    numbers = list(dict.fromkeys(row["record"] for row in rows))
    assert numbers[:3] == list(done.recorded)[:3]
    assert bank.record_entry(rows[0]["record"]).to_json()["user"] == rows[0]["user"]
    assert len({row["run"] for row in rows}) == 1
    assert rows[0]["run"].startswith("export-20")
    first, last = (rows[0][name][:10] for name in ("generated_at", "valid_until"))
    assert (date.fromisoformat(last) - date.fromisoformat(first)).days == 7
    for row in rows:
        shown = [one["percent"] for one in row["reasons"] if one["percent"] is not None]
        # Each is rounded to nine decimals; the rest is the sum of floats.
        assert sum(shown) <= 100 + 0.5e-9 * len(shown) + 1e-12
        assert row["reason"] == row["reasons"][0]["text"]
        assert row["reason_percent"] == row["reasons"][0]["percent"]


def test_only_what_changed(bank: Bank, tmp_path: Path) -> None:
    done = bank.export(Export(to="first.jsonl", k=3, delta=True))
    assert "every row is new" in " ".join(done.notes)
    first = [json.loads(line) for line in (tmp_path / "first.jsonl").read_text("utf-8").splitlines()]
    assert {row["change"] for row in first} == {"new"}
    again = bank.export(Export(to="again.jsonl", k=3, delta=True))
    assert again.report.rows == 0
    # One product out, two in another order, one in, for one customer.
    file = bank.home.vault / "exports" / "last.json"
    content = json.loads(file.read_text("utf-8"))
    a, b, c = content["lists"]["C001"]
    content["lists"]["C001"] = [b, a, "P19"]
    file.write_text(json.dumps(content), "utf-8")
    bank.export(Export(to="delta.jsonl", k=3, delta=True))
    rows = [json.loads(line) for line in (tmp_path / "delta.jsonl").read_text("utf-8").splitlines()]
    assert [(row["user"], row["product"], row["change"], row["rank"]) for row in rows] == [
        ("C001", a, "moved", 1), ("C001", b, "moved", 2), ("C001", c, "new", 3), ("C001", "P19", "gone", None),
    ]  # fmt: skip
    assert rows[-1]["name"] == "Fund 19"
    file.write_text("{", "utf-8")
    with pytest.raises(Damaged, match="remove it"):
        bank.export(Export(to="delta.jsonl", k=3, delta=True))


def test_a_part_of_the_users(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("\ufeffC007\n\nC003\nC007\n", "utf-8")
    done = bank.export(Export(to="some.csv", k=2, users=tmp_path / "users.txt"))
    assert done.report.users == 2
    assert [row["user"] for row in csv_rows(tmp_path / "some.csv")] == ["C003", "C003", "C007", "C007"]
    # The others keep their lists in what the next --delta compares with.
    bank.export(Export(to="all.csv", k=2))
    bank.export(Export(to="some.csv", k=2, users=tmp_path / "users.txt"))
    assert len(read_last(bank.home.vault / "exports" / "last.json") or {}) == 60
    (tmp_path / "users.txt").write_text("C003\nC3\n", "utf-8")
    with pytest.raises(UnknownId, match=r"line 2: no user 'C3'"):
        bank.export(Export(to="some.csv", users=tmp_path / "users.txt"))
    with pytest.raises(SourceError, match="want a text file with one id a line"):
        bank.export(Export(to="some.csv", users=tmp_path / "no.txt"))


def test_where_asks_columns_of_users(tmp_path: Path) -> None:
    nodes, edges = small_bank()
    regions = ["North", "South", None] * 20
    nodes["Customer"] = nodes["Customer"].append_column("region", pa.array(regions))
    column = Column("region", "text")
    customers = replace(SCHEMA.nodes["Customer"], columns=(*SCHEMA.nodes["Customer"].columns, column))
    regional = replace(SCHEMA, nodes={**SCHEMA.nodes, "Customer": customers})
    home = Home(tmp_path / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(lambda folder: write_snapshot(folder, regional, nodes, edges))
    graph = visible_graph(snapshot)
    write_model(home, snapshot, Blend([fit_kernel(graph, starting_walks(snapshot.schema))], [1.0]), graph)
    bank = Bank(Settings(home=home.path, policy="none"))
    done = bank.export(Export(to=str(tmp_path / "some.csv"), k=2, where='user.region == "North"'))
    north = {f"C{number:03}" for number in range(0, 60, 3)}
    assert {row["user"] for row in csv_rows(tmp_path / "some.csv")} == north
    assert done.report.users == 20
    with pytest.raises(UsageError, match="want a condition on columns of users"):
        bank.export(Export(to=str(tmp_path / "some.csv"), where='product.kind == "bond"'))
    with pytest.raises(PolicyError, match=r"--where .*there is no user\.land"):
        bank.export(Export(to=str(tmp_path / "some.csv"), where='user.land == "x"'))


def test_the_store_takes_no_part(bank: Bank, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="want a file"):
        bank.export(Export(to="store", delta=True))


def test_rows_of_a_view(bank: Bank, tmp_path: Path) -> None:
    bank.export(Export(to="exact.jsonl", k=3))
    bank.export(Export(to="seen.jsonl", k=3, view="adviser"))
    exact, seen = (
        [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for name in ("exact", "seen")
    )
    assert [(row["user"], row["product"]) for row in seen] == [(row["user"], row["product"]) for row in exact]
    assert all(row["score"] is not None for row in exact)
    for row in seen:
        assert (row["score"], row["reason_share"]) == (None, None)
        assert all(isinstance(one["percent"], int | None) for one in row["reasons"])
        assert row["confidence"] in (0.0, 0.5, 0.8)
    assert any("–" in row["reason"] for row in seen)


def test_the_schema_of_rows_is_the_one_that_is_published(bank: Bank, tmp_path: Path) -> None:
    published = json.loads((ROOT / "docs" / "schema" / "export.schema.json").read_text("utf-8"))
    assert published == schema()
    bank.export(Export(to="lists.jsonl", k=3))
    kinds = {"string": str, "number": float, "integer": int, "null": type(None), "array": list}
    for table, file in (("list", "lists.jsonl"), ("without", "lists.without.jsonl")):
        described = published["$defs"][table]
        for line in (tmp_path / file).read_text("utf-8").splitlines():
            row = json.loads(line)
            assert list(row) == described["required"] == list(described["properties"])
            for name, value in row.items():
                wanted = described["properties"][name]
                if "enum" in wanted:
                    assert value in wanted["enum"]
                    continue
                names = [wanted["type"]] if isinstance(wanted["type"], str) else wanted["type"]
                assert isinstance(value, tuple(kinds[one] for one in names)), (name, value)


def test_a_command_names_where_it_wrote(bank: Bank, own_home: Home, tmp_path: Path) -> None:
    words = ["--home", str(own_home.path), "export", "-k", "2", "--no-policy"]
    done = CliRunner().invoke(app, [*words, "--to", "lists.xlsx"], prog_name="graphrec")
    assert done.exit_code == 0, done.output
    assert "118 rows for 60 users: lists.xlsx" in done.stdout
    assert "the sheet `without a list`" in done.stdout
    done = CliRunner().invoke(app, words, prog_name="graphrec")
    assert done.exit_code == 2
    assert "--to FILE (.csv, .jsonl, .parquet or .xlsx)" in done.stderr
    done = CliRunner().invoke(app, [*words, "--to", "lists.csv", "--out", "b.csv"], prog_name="graphrec")
    assert done.exit_code == 2
