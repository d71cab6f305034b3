"""The shipped mappings on the real files, where they are: the counts of their SOURCE.md."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import LoadReport
from graphrec.loading import check, load_mapping, run_load
from graphrec.schema import SplitRule

Find = Callable[[str], Path]


def loaded(name: str, folder: Path) -> tuple[LoadReport, MemorySink]:
    sink = MemorySink()
    return run_load(load_mapping(name), folder, sink), sink


def counts(report: LoadReport) -> dict[str, int]:
    return {name: one.created for name, one in {**report.nodes, **report.edges}.items()}


def split_sizes(sink: MemorySink) -> dict[str, int]:
    return {part: pairs.num_rows for part, pairs in (sink.split or {}).items()}


def write_split(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "sizes", "refit"),
    [
        ({"valid.txt": "u1 i3\nu4 i1\n"}, {"test": 2, "valid": 2}, False),
        ({"valid-split/valid.txt": "u1 i2\n", "valid-split/train.txt": "u1 i1\n"}, {"test": 2, "valid": 1}, True),
        ({}, {"test": 2}, True),
    ],
)
def test_forms_of_a_lightgcn_split(tmp_path: Path, files: dict[str, str], sizes: dict[str, int], refit: bool) -> None:
    write_split(tmp_path, {"train.txt": "u1 i1 i2 \nu2\nu3 i2 i2\n\n", "test.txt": "u1 i4\nu3 i2 i5\n", **files})
    report, sink = loaded("lightgcn-split", tmp_path)
    assert split_sizes(sink) == sizes
    assert sink.schema.split == SplitRule(refit, "fitted")
    assert sink.split is not None
    assert sink.split["test"].to_pylist() == [{"user": "u1", "product": "i4"}, {"user": "u3", "product": "i5"}]
    users = ["u1", "u2", "u3"] + (["u4"] if "valid.txt" in files else [])
    assert sorted(sink.nodes["User"]["id"].to_pylist()) == users
    assert report.edges["INTERACTED"].created == (7 if "valid.txt" in files else 5)


@pytest.mark.slow
def test_gowalla(data_dir: Find) -> None:
    report, sink = loaded("lightgcn-split", data_dir("gowalla"))
    assert counts(report) == {"User": 29_858, "Item": 40_981, "INTERACTED": 810_128 + 217_242}
    assert split_sizes(sink) == {"test": 217_242, "valid": 91_047}
    assert sink.schema.split == SplitRule(refit=True, mask="fitted")


@pytest.mark.slow
def test_zimnat(data_dir: Find) -> None:
    report, sink = loaded("zimnat", data_dir("zimnat"))
    found = counts(report)
    assert (found["Client"], found["Product"], found["OWNS"]) == (29_132, 21, 66_353)
    assert (found["HAS_OCCUPATION"], found["JOINED_IN_MONTH"]) == (29_132, 29_130)
    assert split_sizes(sink) == {"test": 5_826}
    assert {name for name, edge in sink.schema.edges.items() if edge.protected} == {"HAS_SEX", "HAS_MARITAL_STATUS"}
    assert sink.schema.nodes["Client"].protected == ("marital_status", "sex")


@pytest.mark.slow
def test_ml_1m(data_dir: Find) -> None:
    report, sink = loaded("ml-1m", data_dir("ml-1m").parent)
    found = counts(report)
    assert (found["User"], found["Movie"], found["LIKED"]) == (6_039, 3_628, 590_733 + 80_897 + 164_848)
    assert (found["Person"], found["STARRING"], found["HAS_OCCUPATION"]) == (10_355, 10_985, 6_039)
    assert split_sizes(sink) == {"test": 164_848, "valid": 80_897}
    assert sink.schema.split == SplitRule(refit=False, mask="train")
    titles = sink.nodes["Movie"]["title"]
    assert (titles.null_count, "The Godfather (1972)" in titles.to_pylist()) == (3_628 - 2_702, True)


@pytest.mark.slow
def test_senate(data_dir: Find) -> None:
    report, sink = loaded("senate", data_dir("senate").parent)
    found = counts(report)
    assert (found["Investor"], found["Security"], found["IN_INDEX"]) == (40, 1_202, 503)
    assert (found["BOUGHT"], found["SOLD"], found["IN_SECTOR"]) == (3_045, 3_030, 781)
    boeing = next(row for row in sink.nodes["Security"].to_pylist() if row["id"] == "BA")
    assert (boeing["name"], boeing["kind"]) == ("The Boeing Company", "stock")
    said = {hop.removeprefix("<") for way in sink.schema.roles.metapaths or () for hop in way.split()}
    assert said == {"BOUGHT", "IN_SECTOR", "IN_INDUSTRY", "ISSUED_BY", "IN_CATEGORY"}
    prices = sink.series["price"]
    assert (prices.num_rows, prices.column_names) == (1_039_564, ["id", "at", "close", "volume"])


@pytest.mark.slow
def test_a_check_of_real_files_rejects_nothing(data_dir: Find) -> None:
    report = check(load_mapping("zimnat"), data_dir("zimnat"))
    assert {one.rejected for one in report.edges.values()} == {0}
