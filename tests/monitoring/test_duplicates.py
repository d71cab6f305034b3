"""Customers who are there twice: pairs with errors are found, strangers are not, and nothing is merged."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import FindDuplicates, Load
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UsageError
from graphrec.monitoring.duplicates import duplicates

FIRST = [
    "anna",
    "bernd",
    "clara",
    "dario",
    "edda",
    "finn",
    "gesa",
    "hanno",
    "ilka",
    "joris",
    "kaja",
    "lasse",
    "merle",
    "nils",
    "oda",
    "piet",
    "ronja",
    "sven",
]
LAST = [
    "ahrens",
    "becker",
    "calder",
    "deich",
    "eschen",
    "fuchs",
    "ginster",
    "hasel",
    "ingels",
    "jost",
    "krumm",
    "lerch",
    "moos",
    "nuss",
    "ohlen",
    "pirk",
]
TOWNS = [
    "aachen",
    "berlin",
    "celle",
    "dresden",
    "erfurt",
    "fulda",
    "gera",
    "halle",
    "ilmenau",
    "jena",
    "kassel",
    "lindau",
    "mainz",
    "nauen",
]
MAPPING = """
[source]
name = "twice"
[source.files]
people = "people.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["HOLDS"]
[nodes.Customer]
key = "id"
personal = ["name", "town", "born"]
sql = "SELECT id, name, town, CAST(born AS DATE) AS born FROM people"
[nodes.Product]
key = "product"
sql = "SELECT 'P1' AS product"
[edges.HOLDS]
from = "Customer.id"
to = "Product.product"
sql = "SELECT id, 'P1' AS product FROM people"
"""


def people(count: int = 400, twice: int = 20) -> tuple[list[tuple[str, str, str, str]], set[tuple[str, str]]]:
    """Persons, and which are there again with an error in the name or another town."""
    rng, first = np.random.default_rng(4), date(1950, 1, 1).toordinal()
    rows = [
        (
            f"C{n:04}",
            f"{FIRST[rng.integers(18)]} {LAST[rng.integers(16)]}",
            TOWNS[rng.integers(14)],
            date.fromordinal(first + int(rng.integers(18_000))).isoformat(),
        )
        for n in range(count)
    ]
    planted = set()
    for n in range(twice):
        who, name, town, born = rows[n]
        again = name[:3] + name[4:] if n % 2 else name.upper()
        rows.append((f"D{n:04}", f"  {again}", TOWNS[(n + 1) % 14] if n % 3 == 0 else town, born))
        planted.add((who, f"D{n:04}"))
    return rows, planted


@pytest.mark.slow
def test_pairs_with_errors_are_found_and_strangers_are_not() -> None:
    rows, planted = people()
    columns = {name: [row[n] for row in rows] for n, name in ((1, "name"), (2, "town"), (3, "born"))}
    found = duplicates([row[0] for row in rows], columns)
    assert {(one.one, one.other) for one in found} == planted
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    assert all("born" in one.same for one in found)
    alone = duplicates([row[0] for row in rows[:400]], {name: values[:400] for name, values in columns.items()})
    assert alone == []
    assert duplicates(["a"], {"name": ["x"], "town": ["y"]}) == []
    gaps: dict[str, list[str | None]] = {"name": ["x y", "X  y", None], "town": [None] * 3, "born": ["1", "1", "1"]}
    assert [(one.one, one.other, one.same) for one in duplicates(["a", "b", "c"], gaps, least=0.0)] == [
        ("a", "b", ("name", "born"))
    ]


@pytest.mark.slow
def test_a_review_names_ids_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, planted = people(120, 6)
    (tmp_path / "people.csv").write_text("id,name,town,born\n" + "".join(",".join(row) + "\n" for row in rows))
    (tmp_path / "twice.toml").write_text(MAPPING)
    bank = Bank(Settings(home=tmp_path / "home", today=date(2026, 1, 2)))
    bank.load(Load(str(tmp_path / "twice.toml")))
    done = bank.find_duplicates(FindDuplicates(tmp_path / "review.csv"))
    assert (done.pairs, done.customers, done.columns) == (6, 126, ("born", "name", "town"))
    text = (tmp_path / "review.csv").read_text("utf-8")
    assert not any(one in text.lower() for one in (*FIRST, *TOWNS))
    with (tmp_path / "review.csv").open(encoding="utf-8", newline="") as file:
        assert {(row["one"], row["other"]) for row in csv.DictReader(file)} == planted
    monkeypatch.setenv("GRAPHREC_HOME", str(tmp_path / "home"))
    shown = CliRunner().invoke(app, ["quality", "--duplicates", str(tmp_path / "again.csv")])
    assert shown.exit_code == 0, shown.output
    assert "6 pairs of 126 customers by born, name, town" in shown.output
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "review.csv").read_bytes()
    for names, message in (('["name"]', "takes two columns"), ('["name", "age"]', "age, which is no column")):
        (tmp_path / "home" / "quality.toml").write_text(f"identity = {names}\n")
        with pytest.raises(UsageError, match=message):
            bank.find_duplicates(FindDuplicates(tmp_path / "other.csv"))
