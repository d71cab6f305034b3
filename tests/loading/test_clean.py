"""Declared cleaning: ranges, gaps that are filled and marked, keys that differ in case and spaces alone."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskQuality, Load
from graphrec.config.settings import Settings
from graphrec.errors import RejectedRows, SourceError
from graphrec.graph.folders.facts import FactsShelf
from graphrec.loading import load_mapping

PEOPLE = """id,age,income,assets,score,born,region
a,20,1000,10,1,1980-01-01,north
b,30,2000,20,2,1981-01-01,north
c,40,,30,3,1982-01-01,north
d,50,4000,,4,1983-01-01,south
e,35,,50,99,1984-01-01,south
f,,,60,-7,1985-01-01,
"""
SECTORS = "product,sector\np1,Tech\np2,tech \np3, TECH\np4,Health\np5,Tech\n"
MAPPING = """
[source]
name = "clean"
[source.files]
people = {{ path = "people.csv", types = {{ age = "BIGINT", income = "DOUBLE", assets = "DOUBLE", score = "BIGINT" }} }}
sectors = "sectors.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id, age, income, assets, score, CAST(born AS DATE) AS born, region FROM people"
{clean}
[nodes.Product]
key = "product"
sql = "SELECT product FROM sectors"
[nodes.Sector]
key = "sector"
sql = "SELECT DISTINCT sector FROM sectors"
{fold}
[edges.BOUGHT]
from = "Customer.id"
to = "Product.product"
sql = "SELECT id, 'p1' AS product FROM people"
[edges.IN_SECTOR]
from = "Product.product"
to = "Sector.sector"
sql = "SELECT product, sector FROM sectors"
"""


class Cleaned:
    """Loads a mapping with some lines, and reads customers back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bank = Bank(Settings(home=folder / "home", today=date(2026, 1, 2)))
        (folder / "people.csv").write_text(PEOPLE)
        (folder / "sectors.csv").write_text(SECTORS)
        self.cleaned: dict[str, int] = {}

    def load(self, clean: str, fold: str = "", **more: Any) -> dict[str, dict[str, Any]]:
        """The customers by id."""
        (self.folder / "clean.toml").write_text(MAPPING.format(clean=clean, fold=fold))
        self.cleaned = dict(self.bank.load(Load(str(self.folder / "clean.toml"), **more)).report.cleaned)
        return self.nodes("Customer")

    def nodes(self, label: str) -> dict[str, dict[str, Any]]:
        facts = FactsShelf(self.bank.home.facts).latest()
        columns = facts.nodes(label).columns
        return {
            str(one): {column: facts.value(label, column, place) for column in columns}
            for place, one in enumerate(facts.nodes(label).ids)
        }


@pytest.fixture
def files(tmp_path: Path) -> Cleaned:
    return Cleaned(tmp_path)


@pytest.mark.slow
def test_gaps_are_filled_as_declared_and_marked(files: Cleaned) -> None:
    found = files.load(
        """[nodes.Customer.clean]
        assets = { missing = "median" }
        income = { missing = "interpolation", of = "age" }"""
    )
    assert found["d"]["assets"] == np.median([10, 20, 30, 50, 60])
    # Between the neighbours along the age; where that is not known, the median.
    known = [20, 30, 50], [1000, 2000, 4000]
    assert [found[one]["income"] for one in "cef"] == [np.interp(40, *known), np.interp(35, *known), 2000]
    marked = {one: (row["assets_imputed"], row["income_imputed"]) for one, row in found.items()}
    assert marked == {one: (one == "d", one in "cef") for one in "abcdef"}
    assert files.cleaned == {
        "Customer.assets: filled in (median)": 1, "Customer.income: filled in (interpolation)": 3,
    }  # fmt: skip
    found = files.load('[nodes.Customer.clean]\nincome = { missing = "band", of = "region" }')
    assert [found[one]["income"] for one in "cef"] == [1500, 4000, 2000]
    assert "assets_imputed" not in found["a"]
    assert found["d"]["assets"] is None


@pytest.mark.slow
def test_the_last_value_of_the_store_fills_a_gap(files: Cleaned) -> None:
    lines = '[nodes.Customer.clean]\nincome = { missing = "last" }\nregion = { missing = "last" }'
    found = files.load(lines)
    assert (found["c"]["income"], found["c"]["income_imputed"], found["f"]["region"]) == (None, False, None)
    assert files.cleaned == {}
    (files.folder / "people.csv").write_text(
        PEOPLE.replace("b,30,2000,20,2,1981-01-01,north", "b,30,,20,2,1981-01-01,")
    )
    found = files.load(lines)
    assert (found["b"]["income"], found["b"]["income_imputed"], found["b"]["region"]) == (2000, True, "north")
    assert files.cleaned == {"Customer.income: filled in (last)": 1, "Customer.region: filled in (last)": 1}
    assert found["c"]["income"] is None


@pytest.mark.slow
def test_values_outside_a_range(files: Cleaned) -> None:
    clean = (
        '[nodes.Customer.clean]\nscore = {{ range = [0, 10]{} }}\nborn = {{ range = ["1980-01-01", "1984-06-01"]{} }}'
    )
    with pytest.raises(RejectedRows):
        files.load(clean.format("", ""), check=True, rejected=files.folder / "rejected.csv")
    with (files.folder / "rejected.csv").open(encoding="utf-8", newline="") as file:
        rejected = {(row["column"], row["value"], row["rule"]) for row in csv.DictReader(file)}
    assert rejected >= {("score", "99", "is outside 0 to 10"), ("score", "-7", "is outside 0 to 10")}
    found = files.load(clean.format(', outside = "clip"', ', outside = "missing"'))
    assert [found[one]["score"] for one in "def"] == [4, 10, 0]
    assert [found[one]["born"] is None for one in "ef"] == [False, True]
    assert files.cleaned == {
        "Customer.score: outside the range (clip)": 2, "Customer.born: outside the range (missing)": 1,
    }  # fmt: skip
    found = files.load('[nodes.Customer.clean]\nscore = { range = [0, 10], outside = "missing", missing = "median" }')
    assert [(found[one]["score"], found[one]["score_imputed"]) for one in "ef"] == [(3, True), (3, True)]


@pytest.mark.slow
def test_spellings_of_a_key_are_one_node_where_that_is_declared(files: Cleaned) -> None:
    files.load("")
    assert sorted(files.nodes("Sector")) == [" TECH", "Health", "Tech", "tech "]
    asked = files.bank.quality(AskQuality())
    (fault,) = [one for one in asked.faults if one.about == "Sector"]
    assert (fault.kind, fault.count, fault.ids) == ("spelling", 2, (" TECH", "Tech", "tech "))
    files.load("", "fold = true")
    assert not [one for one in files.bank.quality(AskQuality()).faults if one.about == "Sector"]
    assert sorted(files.nodes("Sector")) == ["Health", "Tech"]
    assert files.cleaned == {"Sector: other spellings of a key": 2}
    facts = FactsShelf(files.bank.home.facts).latest()
    assert np.bincount(np.asarray(facts.edges("IN_SECTOR").indices[:])).tolist() == [1, 4]


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ('missing = "median"', 2000),
        ('missing = "band", of = "region"', 1500),
        ('missing = "interpolation", of = "age"', 3000),
    ],
)
def test_rows_that_fold_into_one_count_once_in_what_gaps_are_filled_with(files: Cleaned, how: str, wanted: int) -> None:
    # The same customer under three spellings of a key, all with an income that would move the middle.
    (files.folder / "people.csv").write_text(
        PEOPLE
        + "A,20,9000,10,1,1980-01-01,north\n a ,20,9000,10,1,1980-01-01,north\nA ,20,9000,10,1,1980-01-01,north\n"
    )
    found = files.load(f"fold = true\n[nodes.Customer.clean]\nincome = {{ {how} }}", max_rejected="3")
    assert len(found) == 6
    # Edges that were two by the spelling alone are one, and no row is lost for it.
    assert FactsShelf(files.bank.home.facts).latest().edges("BOUGHT").indices[:].size == 6
    assert (found["c"]["income"], found["c"]["income_imputed"]) == (wanted, True)


@pytest.mark.parametrize(
    ("clean", "said"),
    [
        ("income = {}", "says nothing; want range or missing"),
        ("income = { range = [3, 2] }", "the first end is above the second"),
        ('born = { range = ["1980-02-31", "2000-01-01"] }', "is no day"),
        ('born = { range = [1, "2000-01-01"] }', "want two numbers, or two days"),
        ('income = { missing = "median", outside = "clip" }', "outside wants a range"),
        ('income = { missing = "band" }', "of goes with missing"),
    ],
)
def test_a_mapping_that_says_half_is_refused(files: Cleaned, clean: str, said: str) -> None:
    (files.folder / "clean.toml").write_text(MAPPING.format(clean=f"[nodes.Customer.clean]\n{clean}", fold=""))
    with pytest.raises(SourceError, match=said):
        load_mapping(files.folder / "clean.toml")


@pytest.mark.parametrize(
    ("clean", "said"),
    [
        ('region = { missing = "median" }', "is of type text"),
        ("born = { range = [1, 2] }", "has no such range"),
        ('income = { missing = "interpolation", of = "region" }', "goes along numbers"),
        ('nothing = { missing = "median" }', "is no column of its sql"),
        ('id = { missing = "last" }', "is a key or a time of the mapping"),
    ],
)
def test_what_does_not_fit_the_statement_is_refused(files: Cleaned, clean: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        files.load(f"[nodes.Customer.clean]\n{clean}")


def test_a_protected_column_fills_no_other_one(files: Cleaned) -> None:
    clean = 'protected = ["region"]\n[nodes.Customer.clean]\nincome = { missing = "band", of = "region" }'
    with pytest.raises(SourceError, match="of names region, which is protected, and income is not"):
        files.load(clean)
