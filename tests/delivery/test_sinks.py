"""Sinks: the text of a .csv is Arrow's, cells are harmless, and another package adds a sink with one file."""

import csv
import io
import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.config.settings import Settings
from graphrec.delivery import sinks
from graphrec.delivery.rows import Row, Rows, Run, plain
from graphrec.delivery.text_files import CSV, FileReport, number
from graphrec.errors import UsageError
from graphrec.home import Home
from graphrec.serving.engine import Engine
from graphrec.shown import harmless
from tests.served import LISTED, export_lists

XML = """
from contextlib import contextmanager
from graphrec.delivery.sinks import SinkSpec
from graphrec.delivery.text_files import FileReport
from graphrec.files import whole_file

class Xml:
    def __init__(self, file, path):
        self.file, self.path = file, path

    def write(self, batch):
        for answer in batch.answers:
            self.file.write(f'<user id="{answer.user}" products="{len(answer.items)}"/>\\n')

    def finish(self, totals):
        return FileReport(totals.users, totals.rows, totals.without_list, str(self.path))

@contextmanager
def open_xml(target):
    with whole_file(target.file) as temporary, temporary.open("w") as file:
        yield Xml(file, target.file)

XML = SinkSpec("xml", open_xml, ".xml")
"""


def test_numbers_are_written_as_arrow_writes_them() -> None:
    rng = np.random.default_rng(3)
    values = [0.0, -0.0, 1.0, 0.1, 1e-5, 1e-6, 9.5e-6, 1.5e-7, 1e9, 1e10, 1e15, 1e16, 123456.0, 2.5e-300, 5e-324, 1e22]
    values += (rng.normal(size=3_000) * 10.0 ** rng.integers(-12, 14, 3_000)).tolist()
    values += [-value for value in values]
    sink = io.BytesIO()
    pc.write_csv(pa.table({"x": values}), sink, pc.WriteOptions(include_header=False))
    assert [number(value) for value in values] == sink.getvalue().decode().splitlines()


@pytest.mark.slow
def test_a_csv_has_the_bytes_that_arrow_writes(engine: Engine, tmp_path: Path) -> None:
    export_lists(engine, tmp_path / "lists.csv", 4)
    answers = [engine.recommend(user, 4) for user in engine.users.ids]
    rows = Rows(engine, Run.of(engine, 4, LISTED)).batch(answers, [None] * len(answers)).rows
    columns = list(zip(*(plain(row) for row in rows), strict=True))
    kinds = {"rank": pa.int32(), "score": pa.float64(), "reason_share": pa.float64(), "confidence": pa.float64()}
    kinds |= {"reason_percent": pa.float64(), "record": pa.int64()}
    fields = pa.schema([(name, kinds.get(name, pa.string())) for name in Row._fields])
    sink = io.BytesIO()
    pc.write_csv(pa.table([list(column) for column in columns], fields), sink)
    assert (tmp_path / "lists.csv").read_bytes() == sink.getvalue()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-A1", "'-A1"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20SUM(1)", "'\uff20SUM(1)"),
        ("-5", "-5"),
        ("+43.5", "+43.5"),
        ("Fund -5", "Fund -5"),
        ("", ""),
    ],
)
def test_a_cell_that_is_a_formula_is_made_harmless(text: str, cell: str) -> None:
    assert harmless(text) == cell


def test_raw_leaves_cells_and_bom_is_for_excel(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(engine.snapshot), "name", lambda self, label, position: "=1+1")
    guarded, raw = (export_lists(engine, tmp_path / f"{name}.csv", 2, raw=name == "raw") for name in ("guarded", "raw"))
    assert guarded.rows == raw.rows

    def names(path: Path) -> set[str]:
        return {row["name"] for row in csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))}

    assert names(tmp_path / "guarded.csv") == {"'=1+1"}
    assert names(tmp_path / "raw.csv") == {"=1+1"}
    target = sinks.Target(engine, tmp_path / "bom.csv", False, True, open_store=pytest.fail, texts=lambda: None)
    sinks.deliver(CSV, target, 2, LISTED)
    assert (tmp_path / "bom.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "guarded.csv").read_bytes()


@pytest.mark.parametrize("to", ["jsonl:/lists.jsonl", "CSV:lists.csv", "file:lists.csv", "postgresql:lists"])
def test_what_looks_like_an_address_is_no_folder(to: str) -> None:
    with pytest.raises(UsageError, match=f"^--to {to}: {to.partition(':')[0]}: is no address; a file is named alone"):
        sinks.sink_for(None, to)
    assert sinks.sink_for(None, "lists 12:30.csv")[1] == Path("lists 12:30.csv")


def test_another_package_adds_a_sink(own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bank_sinks_of_test.py").write_text(XML, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("xml", "bank_sinks_of_test:XML", sinks.GROUP)
    monkeypatch.setattr(sinks, "entry_points", lambda group: [point])
    bank = Bank(Settings(home=own_home.path, policy="none"))
    done = bank.export(Export(tmp_path / "lists.xml", k=3, record=False))
    assert done.report == FileReport(60, done.report.rows, 1, str(tmp_path / "lists.xml"))
    lines = (tmp_path / "lists.xml").read_text().splitlines()
    assert (lines[0], len(lines)) == ('<user id="C000" products="3"/>', 60)
    with pytest.raises(UsageError, match=r"cannot write \.ods; use \.csv, \.jsonl, \.parquet, \.xlsx, \.xml"):
        bank.export(Export(tmp_path / "lists.ods"))
    monkeypatch.setattr(sinks, "entry_points", lambda group: [point, replace_name(point, "csv2")])
    with pytest.raises(UsageError, match="two sinks are called xml; remove the package of one of them"):
        bank.export(Export(tmp_path / "lists.xml"))
    sys.modules.pop("bank_sinks_of_test")


def replace_name(point: EntryPoint, name: str) -> EntryPoint:
    return EntryPoint(name, point.value, point.group)


def test_a_chunk_is_no_matter(engine: Engine, tmp_path: Path) -> None:
    for chunk in (7, 1_000):
        target = sinks.Target(engine, tmp_path / f"{chunk}.csv", False, False, pytest.fail, lambda: None)
        sinks.deliver(replace(CSV, chunk=chunk), target, 3, LISTED)
    assert (tmp_path / "7.csv").read_bytes() == (tmp_path / "1000.csv").read_bytes()
