"""A first mapping proposed from files: it says what a person would, and it loads."""

import gzip
import tomllib
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loaders import load_mapping, run_load
from graphrec.loaders.draft import write_draft
from graphrec.loaders.profile import singular, words
from tests.loaders.conftest import TINY_BANK


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A town library: readers, books, authors, loans of two years, copies by day."""
    folder = tmp_path / "library"
    folder.mkdir()
    readers = [
        f"R{i:02},Name {i},r{i}@example.org,{'FM'[i % 2]},{['Oldham', 'Newham', 'Midham'][i % 3]}" for i in range(12)
    ]
    blurb = "A long story about something that happens to someone"
    books = [f"{i:04},Book {i},{blurb} {i},A{i % 3},{['crime', 'poetry'][i % 2]},{1990 + i}-05-01" for i in range(8)]
    loans = [
        f"{i},R{i % 12:02},{i * 5 % 8:04},{1 + i % 28}/{1 + i % 12}/2023,{['borrow', 'reserve'][i % 2]}"
        for i in range(40)
    ]
    tables = {
        "readers.csv": ["reader_id,full_name,email,gender,town", *readers],
        "books.csv": ["isbn,title,blurb,author_id,genre,published_on", *books],
        "authors.csv": ["author_id,name", *(f"A{i},Author {i}" for i in range(3))],
        "loans-2023.csv": ["loan_no,reader_id,isbn,loaned_on,action", *loans[:20]],
        "loans-2024.csv": ["loan_no,reader_id,isbn,loaned_on,action", *loans[20:]],
    }
    for name, lines in tables.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    copies = ["isbn,day,copies", *(f"{i % 8:04},2024-01-{1 + i // 8:02},{i % 4}" for i in range(24))]
    (folder / "copies.csv.gz").write_bytes(gzip.compress(("\n".join(copies) + "\n").encode()))
    (folder / "read me.txt").write_text("nothing")
    return folder


def proposed(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def test_a_library(library: Path, tmp_path: Path) -> None:
    draft = write_draft(tmp_path / "my.toml", library)
    plain = proposed(tmp_path / "my.toml")
    assert plain["source"]["files"]["loans"] == "loans-*.csv"
    assert plain["roles"] == {
        "user": "Reader",
        "product": "Book",
        "interactions": ["BORROW", "RESERVE"],
        "weights": {"BORROW": 1.0, "RESERVE": 1.0},
        "relevant": ["BORROW", "RESERVE"],
        "min_group": 5,
    }
    assert sorted(plain["nodes"]) == ["Author", "Book", "Gender", "Genre", "Reader", "Town"]
    assert sorted(plain["edges"]) == ["BORROW", "HAS_AUTHOR", "HAS_GENDER", "HAS_GENRE", "HAS_TOWN", "RESERVE"]
    assert plain["nodes"]["Reader"]["personal"] == ["full_name", "email"]
    assert plain["nodes"]["Reader"]["protected"] == ["gender"]
    assert plain["nodes"]["Book"]["text"] == ["title", "blurb"]
    assert plain["edges"]["HAS_GENDER"]["protected"] is True
    borrow = plain["edges"]["BORROW"]
    assert (borrow["from"], borrow["to"], borrow["key"], borrow["at"]) == (
        "Reader.reader_id",
        "Book.isbn",
        "loan_no",
        "loaned_on",
    )
    assert "try_strptime(\"loaned_on\", '%d/%m/%Y')" in borrow["sql"]
    assert plain["series"] == {
        "copy": {
            "of": "Book.isbn",
            "at": "day",
            "values": ["copies"],
            "sql": plain["series"]["copy"]["sql"],
        }
    }
    assert draft.questions == [
        "read me.txt has no reader by its suffix and was left out",
        "nodes.Reader: full_name, email look personal: is that all?",
        "nodes.Reader: gender look protected: is that all?",
        "loans: each value of action became an edge type; which speak for a product?",
    ]


def test_the_proposal_loads(library: Path, tmp_path: Path) -> None:
    write_draft(tmp_path / "my.toml", library)
    sink = MemorySink()
    report = run_load(load_mapping(tmp_path / "my.toml"), library, sink)
    assert {name: one.created for name, one in {**report.nodes, **report.edges}.items()} == {
        "Author": 3,
        "Book": 8,
        "Reader": 12,
        "Genre": 2,
        "Gender": 2,
        "Town": 3,
        "HAS_AUTHOR": 8,
        "HAS_GENRE": 8,
        "HAS_GENDER": 12,
        "HAS_TOWN": 12,
        "BORROW": 20,
        "RESERVE": 20,
    }
    assert "0003" in sink.nodes["Book"]["id"].to_pylist()
    assert sink.series["copy"].num_rows == 24


def test_the_tiny_bank(tmp_path: Path) -> None:
    draft = write_draft(tmp_path / "bank.toml", TINY_BANK)
    trade = proposed(tmp_path / "bank.toml")["edges"]["TRADE"]
    heads = {key: value for key, value in trade.items() if key != "sql"}
    assert heads == {
        "from": "Customer.customer_id",
        "to": "Product.isin",
        "key": "trade_id",
        "at": "traded_at",
        "known_at": "booked_at",
        "weight": "amount_eur",
    }
    assert draft.interactions == ["TRADE", "VIEW"]
    report = run_load(load_mapping(tmp_path / "bank.toml"), TINY_BANK, MemorySink())
    assert (report.edges["TRADE"].created, report.edges["VIEW"].created) == (4, 3)


def test_events_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(f"{i % 5},{i % 7},{3 + i % 3},{1_600_000_000 + i}" for i in range(20))
    (tmp_path / "data" / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{rows}\n")
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert (draft.user, draft.product, draft.interactions) == ("User", "Movie", ["RATING"])
    assert "nodes.User: no file describes them; is there one with names and texts?" in draft.questions
    sink = MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), tmp_path / "data", sink)
    first = sink.edges["RATING"].slice(0, 1).to_pylist()[0]
    assert (first["source"], first["target"], first["weight"], first["at"].year) == ("0", "0", 3.0, 2020)


def test_ambiguous_dates_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(f"C{i % 3},P{i % 2},0{1 + i}/02/2024" for i in range(6))
    (tmp_path / "data" / "sales.csv").write_text(f"customer_id,product_id,sold_on\n{rows}\n")
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert "sales: does sold_on begin with the day, as it is read now, or with the month?" in draft.questions


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "there.toml").write_text("")
    with pytest.raises(SourceError) as caught:
        write_draft(tmp_path / "there.toml", tmp_path)
    assert (
        str(caught.value) == f"{tmp_path / 'there.toml'} is there already; name another file with --new, or remove it"
    )
    with pytest.raises(SourceError) as caught:
        write_draft(tmp_path / "new.toml", tmp_path)
    assert str(caught.value) == (
        f"--data {tmp_path}: no file ends in .csv, .tsv, .json, .jsonl or .parquet; give another folder"
    )
    (tmp_path / "people.csv").write_text("person_id,town\nA,x\nB,y\n")
    with pytest.raises(SourceError) as caught:
        write_draft(tmp_path / "new.toml", tmp_path)
    assert str(caught.value) == (
        f"--data {tmp_path}: no file joins two things by their keys, as trades join customers and products; "
        "give the folder of the events too, or write the mapping by hand"
    )
    assert not (tmp_path / "new.toml").exists()


def test_words_and_singulars() -> None:
    assert [words(name) for name in ("customerID", "risk_tolerance", "ISINCode", "day 1")] == [
        ["customer", "id"],
        ["risk", "tolerance"],
        ["isin", "code"],
        ["day", "1"],
    ]
    assert [singular(name) for name in ("customers", "categories", "glass", "classes", "series")] == [
        "customer",
        "category",
        "glass",
        "class",
        "sery",
    ]


def test_nested_values_become_text(library: Path) -> None:
    (library / "meta.json").write_text(
        '{"made_by": {"name": "a clerk"}, "years": [2023, 2024], "title": "Town library"}'
    )
    write_draft(library / "my.toml", library)
    sink = MemorySink()
    report = run_load(load_mapping(library / "my.toml"), library, sink, rejected_path=library / "rejected.csv")
    assert sum(one.rejected for one in report.nodes.values()) == 0
