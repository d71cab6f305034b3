"""A first mapping proposed from files: it says what a person would, and it loads."""

import gzip
import tomllib
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.words import is_identifier, singular, stem, words
from tests.loading.conftest import TINY_BANK


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


@pytest.mark.slow
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
    assert borrow["parse"] == {"loaned_on": {"type": "time", "format": "%d/%m/%Y"}}
    assert plain["series"] == {
        "copy": {
            "of": "Book.isbn",
            "at": "day",
            "values": ["copies"],
            "sql": plain["series"]["copy"]["sql"],
        }
    }
    assert draft.questions == [
        "read me.txt is no table and was left out",
        "nodes.Reader: full_name, email look personal: is that all?",
        "nodes.Reader: gender look protected: is that all?",
        "loans: each value of action became an edge type; which speak for a product?",
    ]


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_tiny_bank(tmp_path: Path) -> None:
    draft = write_draft(tmp_path / "bank.toml", TINY_BANK)
    bought = proposed(tmp_path / "bank.toml")["edges"]["BOUGHT"]
    heads = {key: value for key, value in bought.items() if key != "sql"}
    assert heads == {
        "from": "Customer.customer_id",
        "to": "Product.isin",
        "key": "trade_id",
        "at": "traded_at",
        "known_at": "booked_at",
        "weight": "amount_eur",
    }
    assert draft.interactions == {"BOUGHT": 1.0, "VIEWED": 0.2}
    assert draft.relevant() == ["BOUGHT"]
    report = run_load(load_mapping(tmp_path / "bank.toml"), TINY_BANK, MemorySink())
    assert (report.edges["BOUGHT"].created, report.edges["VIEWED"].created) == (4, 3)


def test_events_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(f"{i % 5},{i % 7},{3 + i % 3},{1_600_000_000 + i}" for i in range(20))
    (tmp_path / "data" / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{rows}\n")
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert (draft.user, draft.product, draft.interactions) == ("User", "Movie", {"RATED": 1.0})
    assert "nodes.User: no file describes them; is there one with names and texts?" in draft.questions
    sink = MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), tmp_path / "data", sink)
    first = sink.edges["RATED"].slice(0, 1).to_pylist()[0]
    assert (first["source"], first["target"], first["weight"], first["at"].year) == ("0", "0", 3.0, 2020)


def test_ambiguous_dates_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(f"C{i % 3},P{i % 2},0{1 + i}/02/2024" for i in range(6))
    (tmp_path / "data" / "sales.csv").write_text(f"customer_id,product_id,sold_on\n{rows}\n")
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert "sales: sold_on begins with the day, as it is read now, or with the month?" in draft.questions


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
        f"--data {tmp_path}: no file ends in .csv, .tsv, .json, .jsonl, .parquet, .xlsx, .sqlite or .sql; give "
        "another folder"
    )
    (tmp_path / "people.csv").write_text("person_id,town\nA,x\nB,y\n")
    with pytest.raises(SourceError) as caught:
        write_draft(tmp_path / "new.toml", tmp_path)
    assert str(caught.value) == (
        f"--data {tmp_path}: no file joins two things by their keys, as trades join customers and products; "
        f"{tmp_path / 'new.toml'} has what was found, and MISSING where it has to be completed; or give the folder of "
        "the events too"
    )
    plain = proposed(tmp_path / "new.toml")
    assert (plain["roles"]["user"], plain["roles"]["interactions"]) == ("MISSING", ["MISSING"])
    assert [node["key"] for node in plain["nodes"].values()] == ["person_id"]


@pytest.fixture
def sparkasse(tmp_path: Path) -> Path:
    """A German bank's exports: semicolons, decimal commas, a Windows code page, keys twice, keys that are nowhere."""
    folder = tmp_path / "sparkasse"
    folder.mkdir()
    customers = [
        f"K{i:03};{['Frau', 'Herr'][i % 2]};Müller {i};{1 + i}.03.1970;{['Köln', 'Zürich'][i % 2]};"
        f"{1 + i % 5};{20 + i}.500,75;{['Ja', 'Nein'][i % 2]}"
        for i in range(24)
    ]
    products = [
        f'P{i:02};"Fonds Größe {i}";"Für Anleger, die an {i} „sichere“ Jahre glauben";{["Strom", "Bahn"][i % 2]};offen'
        for i in range(8)
    ]
    bookings = [
        f"B{i:03};K{i % 24:03};P{i * 5 % 8:02};{('Kauf', 'Verkauf', 'Ansicht')[i % 3]};1.{i:03},5;{1 + i % 28}.02.2024"
        for i in range(60)
    ]
    tables = {
        "Kunden.csv": (
            "Kundennummer;Anrede;Name;Geburtsdatum;Ort;Risiko;Einkommen;Einwilligung",
            customers,
            "utf-8-sig",
        ),
        "Produkte.csv": ("Produktnr;Bezeichnung;Beschreibung;Branche;Status", products, "cp1252"),
        "Umsätze.csv": ("Buchungsnr;Kdnr;Produktnr;Art;Betrag;Datum", bookings, "utf-8"),
    }
    for name, (head, rows, encoding) in tables.items():
        (folder / name).write_text("\r\n".join([head, *rows]) + "\r\n", encoding=encoding)
    with (folder / "Kunden.csv").open("a") as file:
        file.write(customers[3] + "\r\n")
    with (folder / "Umsätze.csv").open("a") as file:
        file.write("B900;K900;P01;Kauf;1,50;01.02.2024\r\n")
    return folder


@pytest.mark.slow
def test_a_german_bank(sparkasse: Path, tmp_path: Path) -> None:
    draft = write_draft(tmp_path / "my.toml", sparkasse)
    plain = proposed(tmp_path / "my.toml")
    assert plain["source"]["files"] == {
        "kunden": "Kunden.csv",
        "produkte": {"path": "Produkte.csv", "encoding": "cp1252"},
        "umsätze": "Umsätze.csv",
    }
    assert plain["roles"] == {
        "user": "Kunde",
        "product": "Produkt",
        "interactions": ["BOUGHT", "VIEWED", "SOLD"],
        "weights": {"BOUGHT": 1.0, "VIEWED": 0.2, "SOLD": -1.0},
        "relevant": ["BOUGHT"],
        "min_group": 5,
    }
    assert sorted(plain["nodes"]) == ["Anrede", "Branche", "Kunde", "Ort", "Produkt", "Risiko"]
    assert (plain["nodes"]["Kunde"]["personal"], plain["nodes"]["Kunde"]["protected"]) == (
        ["Name", "Geburtsdatum"],
        ["Anrede"],
    )
    assert (plain["nodes"]["Produkt"]["name"], plain["nodes"]["Produkt"]["text"]) == (
        "Bezeichnung",
        ["Bezeichnung", "Beschreibung"],
    )
    assert draft.questions == [
        "nodes.Kunde: Name, Geburtsdatum look personal: is that all?",
        "nodes.Kunde: Anrede look protected: is that all?",
        "umsätze: each value of Art became an edge type; which speak for a product?",
        "kunden: 1 rows are copies of others and are left out",
        "Produkte.csv is no UTF-8 and is read as cp1252: are its letters right?",
        "umsätze: 1 different Kdnr are not in kunden; a load rejects their rows",
    ]


@pytest.mark.slow
def test_the_german_bank_loads(sparkasse: Path, tmp_path: Path) -> None:
    write_draft(tmp_path / "my.toml", sparkasse)
    sink = MemorySink()
    report = run_load(
        load_mapping(tmp_path / "my.toml"), sparkasse, sink, max_rejected=7, rejected_path=tmp_path / "rejected.csv"
    )
    assert (report.nodes["Kunde"].created, report.nodes["Kunde"].rejected) == (24, 0)
    assert {kind: report.edges[kind].created for kind in ("BOUGHT", "VIEWED", "SOLD")} == {
        "BOUGHT": 20,
        "VIEWED": 20,
        "SOLD": 20,
    }
    customer = sink.nodes["Kunde"].slice(0, 1).to_pylist()[0]
    assert (customer["id"], customer["Einkommen"], customer["Einwilligung"]) == ("K000", 20_500.75, True)
    assert sink.nodes["Produkt"]["Bezeichnung"][0].as_py() == "Fonds Größe 0"
    assert "„sichere“" in sink.nodes["Produkt"]["Beschreibung"][0].as_py()
    first = sink.edges["BOUGHT"].slice(0, 1).to_pylist()[0]
    assert (first["source"], first["target"], first["weight"], first["at"].isoformat()) == (
        "K000",
        "P00",
        1000.5,
        "2024-02-01T00:00:00+00:00",
    )


@pytest.mark.slow
def test_a_chinese_bank(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    customers = [f"C{i:03},王{i},{'男女'[i % 2]},{['北京', '上海'][i % 2]},1380000{i:04}" for i in range(12)]
    products = [f"P{i:02},稳健{i}号,{['债券基金', '股票基金'][i % 2]}" for i in range(6)]
    trades = [
        f"T{i:03},C{i % 12:03},P{i % 6:02},{['买入', '赎回'][i % 2]},{i}.5,2024年3月{1 + i % 28}日" for i in range(36)
    ]
    (folder / "客户.csv").write_text("\n".join(["客户编号,姓名,性别,城市,手机号", *customers]), encoding="utf-8")
    (folder / "产品.csv").write_text("\n".join(["产品代码,产品名称,产品类型", *products]), encoding="gb18030")
    (folder / "交易.csv").write_text(
        "\n".join(["流水号,客户编号,产品代码,交易类型,金额,日期", *trades]), encoding="gb18030"
    )
    draft = write_draft(tmp_path / "my.toml", folder)
    plain = proposed(tmp_path / "my.toml")
    assert plain["source"]["files"]["产品"] == {"path": "产品.csv", "encoding": "gb18030"}
    assert (draft.user, draft.product, draft.interactions) == ("客户", "产品", {"BOUGHT": 1.0, "SOLD": -1.0})
    assert (plain["nodes"]["客户"]["personal"], plain["nodes"]["客户"]["protected"]) == (["姓名", "手机号"], ["性别"])
    sink = MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), folder, sink)
    assert sink.nodes["产品"]["产品名称"][1].as_py() == "稳健1号"
    assert sink.edges["BOUGHT"]["at"][0].as_py().isoformat() == "2024-03-01T00:00:00+00:00"


def write_csv(path: Path, head: str, rows: list[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")


def test_events_that_nothing_tells_apart_are_counted(tmp_path: Path) -> None:
    write_csv(tmp_path / "data" / "orders.csv", "cust_id,prod_id,qty", [f"{i % 3},{i % 2},{i + 1}" for i in range(24)])
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert (draft.user, draft.product) == ("Customer", "Product")
    sink = MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), tmp_path / "data", sink)
    assert sink.edges["BOUGHT"].num_rows == 24
    assert set(sink.edges["BOUGHT"]["key"].to_pylist()) == {"1", "2", "3", "4"}


def test_columns_called_user_and_item_join_where_nothing_else_does(tmp_path: Path) -> None:
    write_csv(tmp_path / "data" / "likes.csv", "user,item,stars", [f"u{i % 3},i{i % 4},{i % 5}" for i in range(12)])
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert (draft.user, draft.product, draft.interactions) == ("User", "Item", {"RATED": 1.0, "RATED_LOW": -1.0})
    write_csv(tmp_path / "data" / "orders.csv", "user_id,item_id", [f"u{i % 3},i{i % 4}" for i in range(9)])
    draft = write_draft(tmp_path / "your.toml", tmp_path / "data")
    assert draft.interactions == {"BOUGHT": 1.0}
    assert "likes joins no two things that were recognised and is not used" in draft.questions


def test_a_few_bad_values_do_not_hide_what_a_column_is(tmp_path: Path) -> None:
    rows = [f"T{i},C{i % 9},P{i % 5},2024-01-{1 + i % 28:02},{i}.5" for i in range(100)]
    rows[7] = "T7,C7,P2,soon,7.5"
    rows[8] = "T8,C8,P3,2024-01-09,cheap"
    write_csv(tmp_path / "data" / "orders.csv", "order_id,customer_id,product_id,ordered,price", rows)
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert [question for question in draft.questions if question.startswith("orders")] == [
        "orders: 1 of ordered are no dates; a load rejects their rows",
        "orders: 1 of price are no numbers; a load rejects their rows",
    ]
    sink = MemorySink()
    report = run_load(
        load_mapping(tmp_path / "my.toml"), tmp_path / "data", sink, max_rejected=2, rejected_path=tmp_path / "out.csv"
    )
    assert (report.edges["BOUGHT"].created, report.edges["BOUGHT"].rejected) == (98, 2)
    assert [row.split(",")[1:6] for row in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [
        ['"ordered"', '"is not a date (want YYYY-MM-DD)"', '"soon"', '"orders.csv"', "9"],
        ['"price"', '"is not a number"', '"cheap"', '"orders.csv"', "10"],
    ]
    assert sink.edges["BOUGHT"].schema.field("price").type == "double"


def test_files_without_rows_and_headers_further_down_are_told(tmp_path: Path) -> None:
    for name, head in {"customers": "customer_id,name", "orders": "customer_id,product_id"}.items():
        write_csv(tmp_path / "data" / f"{name}.csv", head, [])
    with pytest.raises(SourceError) as caught:
        write_draft(tmp_path / "my.toml", tmp_path / "data")
    (tmp_path / "my.toml").unlink()
    assert str(caught.value).endswith(
        "the events too (customers has no rows and is not used; orders has no rows and is not used)"
    )
    write_csv(tmp_path / "data" / "orders.csv", "customer_id,product_id,,", [f"{i % 3},{i % 2},x,y" for i in range(9)])
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert "customers has no rows and is not used" in draft.questions
    assert (
        "orders.csv: its first line leaves 2 columns without a name; is the header below it (skip = 1)?"
        in draft.questions
    )


def test_complaints_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(f"C{i % 3},P{i % 2}" for i in range(6))
    (tmp_path / "data" / "complaints.csv").write_text(f"customer_id,product_id\n{rows}\n")
    draft = write_draft(tmp_path / "my.toml", tmp_path / "data")
    assert draft.interactions == {"REJECTED": 1.0}
    assert "roles: nothing is called like a purchase or a holding, so every interaction speaks for a product" in (
        draft.questions
    )


def test_numbers_that_could_be_either_stay_text(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = "\n".join(f'C{i % 3},P{i % 2},"1,{500 + i}","2,{500 + i}.50","3.{500 + i}"' for i in range(6))
    (tmp_path / "data" / "sales.csv").write_text(f"customer_id,product_id,either,point,plain\n{rows}\n")
    write_draft(tmp_path / "my.toml", tmp_path / "data")
    sink = MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), tmp_path / "data", sink)
    first = min(sink.edges["BOUGHT"].to_pylist(), key=lambda row: float(row["plain"]))
    assert (first["either"], first["point"], first["plain"]) == ("1,500", 2500.5, 3.5)


def test_words_singulars_and_identifiers() -> None:
    assert [words(name) for name in ("customerID", "risk_tolerance", "ISINCode", "day 1", "Gebühr %", "客户编号")] == [
        ["customer", "id"],
        ["risk", "tolerance"],
        ["isin", "code"],
        ["day", "1"],
        ["gebühr"],
        ["客户编号"],
    ]
    assert [singular(name) for name in ("customers", "categories", "glass", "classes", "Buchungen", "Kunden")] == [
        "customer",
        "category",
        "glass",
        "class",
        "Buchung",
        "kunde",
    ]
    named = ("customer_id", "ISIN", "Kundennummer", "客户编号", "paid", "Ordnung")
    assert [is_identifier(name) for name in named] == [True, True, True, True, False, False]
    assert [stem(name) for name in ("customer_id", "Kundennummer", "客户编号", "isin")] == [
        ["customer"],
        ["kunden"],
        ["客户"],
        ["isin"],
    ]


@pytest.mark.slow
def test_nested_values_become_text(library: Path) -> None:
    (library / "authors.csv").unlink()
    authors = ", ".join(
        f'{{"author_id": "A{i}", "names": ["Author {i}"], "born": {{"year": 19{i}0}}}}' for i in range(3)
    )
    (library / "authors.json").write_text(f"[{authors}]")
    write_draft(library / "my.toml", library)
    sink = MemorySink()
    report = run_load(load_mapping(library / "my.toml"), library, sink, rejected_path=library / "rejected.csv")
    assert sum(one.rejected for one in report.nodes.values()) == 0
    assert sink.nodes["Author"]["names"][0].as_py() == "[Author 0]"


@pytest.mark.slow
def test_what_joins_nothing_is_left_out(library: Path) -> None:
    (library / "more.xlsx").write_bytes(b"PK")
    (library / "meta.json").write_text('{"made_by": "a clerk", "years": [2023, 2024]}')
    draft = write_draft(library / "my.toml", library)
    assert any(one.startswith("more.xlsx is MISSING: more.xlsx cannot be read: ") for one in draft.questions)
    assert "meta joins no two things that were recognised and is not used" in draft.questions
    assert "meta" not in proposed(library / "my.toml")["source"]["files"]
