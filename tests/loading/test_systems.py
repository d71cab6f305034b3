"""Files of other systems: XML, columns of a fixed width, no header, identifiers that each system writes its own way."""

import json
from pathlib import Path

import duckdb
import pytest

from graphrec.errors import SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.mapping.specs import FileSpec
from graphrec.loading.propose.column_profile import profile_column
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.shapes.headless import names_of
from graphrec.loading.sources.xml_files import read_xml

KINDS = (("F", "Fund"), ("B", "Bond"), ("E", "Tracker"))


@pytest.fixture
def old_system(tmp_path: Path) -> Path:
    """Clients in XML, products in fixed columns, trades without a header and with other letters in their ids."""
    folder = tmp_path / "data"
    folder.mkdir()
    clients = [
        f'<client id="KD-{i:04}"><name>Favre {i}</name><birthDate>1970-01-{1 + i % 28:02}</birthDate>'
        f'<consent marketing="{"YN"[i % 3 == 0]}"/><interests><interest>{("gold", "tech")[i % 2]}</interest>'
        f"<interest>{('wind', 'clinics')[i % 3 == 0]}</interest></interests></client>"
        for i in range(30)
    ]
    head = '<?xml version="1.0" encoding="GB18030"?>\n<export xmlns="urn:x"><at>2024</at><clients>'
    (folder / "clients.xml").write_text(head + "\n".join(clients) + "</clients></export>", "gb18030")
    lines = [f"{'PRODNO':<8}{'NAME':<20}{'TYPE_CD':<9}{'TYPE_DESC':<10}{'FEE':>7}{'MIN':>9}"]
    lines += [
        f"{f'PR{i:03}':<8}{f'Alpha Fund {i}':<20}{code:<9}{kind:<10}{0.1 + i / 10:>6.2f}%{1000 * i:>9}"
        for i, (code, kind) in enumerate(KINDS * 4)
    ]
    (folder / "PRODUCTS.TXT").write_text("\n".join(lines))
    trades = [
        f"T{i:04};kd-{i % 30:04} ;pr{i % 12:03};{1 + i % 28:02}.03.2024;{('BUY', 'SELL')[i % 6 == 5]};{i}00,00"
        for i in range(1, 61)
    ]
    (folder / "trades.csv").write_text("\n".join(trades))
    return folder


@pytest.mark.slow
def test_files_of_an_old_system(old_system: Path) -> None:
    path, sink = old_system.parent / "my.toml", MemorySink()
    questions = write_draft(path, old_system).questions
    report = run_load(load_mapping(path), old_system, sink)
    assert sum(count.rejected for count in (*report.nodes.values(), *report.edges.values())) == 0
    assert sink.nodes["Client"]["id"].to_pylist()[:2] == ["KD-0000", "KD-0001"]
    assert sink.nodes["Client"]["consent_marketing"].to_pylist()[:2] == [False, True]
    assert sink.nodes["Product"]["FEE"].to_pylist()[:2] == [0.1, 0.2]
    assert sink.edges["BOUGHT"].num_rows == 50
    assert sink.edges["HAS_INTEREST"].num_rows == 60
    text = path.read_text("utf-8")
    assert 'personal = ["name", "birthDate"]' in text
    assert 'show = { kind = "TYPE_DESC", fee = "FEE", minimum = "MIN" }' in text
    assert "TYPE_DESC = [38, 46], FEE = [47, 54], MIN = [55, 63] }, skip = 1 }" in text
    assert (
        "trades.csv has no header; its columns are named by what is in them (id, id_2, id_3, date, kind, amount): "
        "correct names" in questions
    )
    assert "trades: id_2 is written in other case in client; both are read as the same: is that right?" in questions
    assert "trades.csv: blanks around its values are left out (trim): is that right?" in questions


@pytest.mark.slow
@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("K{:03}", "k{:03}"),
        ("{:04}", "{}"),
        ("1{:03}", "1{:03}.0"),
        ("CH-12-{:03}", "ch12{:03}"),
        ("K{:05}", "{}"),
    ],
)
def test_ids_that_systems_write_in_their_own_way(here: str, there: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = "\n".join(f"{here.format(i)},Name {i}" for i in range(1, 31))
    (folder / "customers.csv").write_text(f"customer_id,name\n{rows}\n")
    rows = "\n".join(f"P{i},Fund {i}" for i in range(9))
    (folder / "products.csv").write_text(f"product_id,name\n{rows}\n")
    rows = "\n".join(f"{there.format(1 + i % 30)},P{i % 9},2024-01-{1 + i % 28:02}" for i in range(60))
    (folder / "trades.csv").write_text(f"customer,product_id,day\n{rows}\n")
    sink = MemorySink()
    write_draft(tmp_path / "my.toml", folder)
    run_load(load_mapping(tmp_path / "my.toml"), folder, sink)
    assert sink.edges["BOUGHT"].num_rows == 60


def test_keys_that_differ_in_case_alone_stay_different(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "customers.csv").write_text("customer_id,name\n" + "".join(f"{c}{i},n\n" for i in range(9) for c in "aA"))
    (folder / "products.csv").write_text("product_id,name\n" + "".join(f"P{i},F {i}\n" for i in range(9)))
    trades = "".join(f"{'aA'[i % 2]}{i % 9},P{i % 9},2024-01-{1 + i % 28:02}\n" for i in range(40))
    (folder / "trades.csv").write_text(f"customer_id,product_id,day\n{trades}")
    write_draft(tmp_path / "my.toml", folder)
    assert "upper(" not in (tmp_path / "my.toml").read_text()


@pytest.mark.slow
def test_lists_of_plain_values_in_json(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        {
            "customer_id": f"C{i:02}",
            "name": f"N{i}",
            "themes": ["wind", "gold"][: 1 + i % 2],
            "holdings": [f"PR{i % 9}"],
        }
        for i in range(30)
    ]
    (folder / "customers.json").write_text(json.dumps(rows))
    (folder / "products.csv").write_text("product_id,name\n" + "".join(f"PR{i},F {i}\n" for i in range(9)))
    sink = MemorySink()
    write_draft(tmp_path / "my.toml", folder)
    run_load(load_mapping(tmp_path / "my.toml"), folder, sink)
    assert sink.edges["HELD"].num_rows == 30
    assert sink.edges["HAS_THEME"].num_rows == 45


@pytest.mark.parametrize(
    ("records", "names"),
    [
        (["id,name", "1,a", "2,b", "3,c"], None),
        (["name,2023,2024", "a,1,2", "b,1,2", "c,4,5"], None),
        ([f"K{i},Ann {'ABCD'[i]},2024-01-0{1 + i},{i}.50" for i in range(4)], ["id", "name", "date", "amount"]),
        ([f"{i},{7 * 9**i},{i % 2},{1511544070 + 977 * i}" for i in range(1, 7)], ["id", "id_2", "id_3", "timestamp"]),
        ([f"{1511544070 + 977 * i},{i}.5,{1511544070 + i}" for i in range(6)], ["id", "amount", "id_2"]),
        (["anna,Zürich", "ben,Bern", "cleo,Genf", "dan,Basel"], None),
    ],
)
def test_a_first_line_that_is_a_row(records: list[str], names: list[str] | None) -> None:
    assert names_of([record.split(",") for record in records]) == names


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        (["2万元", "3.5亿元", "1,200元"], 1200, 350_000_000),
        (["₹ 2.5 Cr", "₹ 12 Lakh"], 1_200_000, 25_000_000),
        (["12,34,567.00", "5,00,000"], 500_000, 1_234_567),
        (["1,5 Mio. EUR", "2 Mrd. EUR"], 1_500_000, 2_000_000_000),
        (["€1.5M", "€20M"], 1_500_000, 20_000_000),
    ],
)
def test_amounts_with_words(values: list[str], least: float, most: float) -> None:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t AS SELECT unnest(?) AS amount", [values])
        found = profile_column(database, "t", "amount", "VARCHAR", len(values))
    assert (found.kind, found.least, found.most) == ("real", least, most)


def test_a_term_in_months_is_no_amount() -> None:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t AS SELECT unnest(['3M', '6M', '12M']) AS term")
        assert profile_column(database, "t", "term", "VARCHAR", 3).kind == "text"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<a><b/></a>", "no element that is there several times"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><a><b/><b/></a>', "line 1: it declares entities"),
        ("<a><b></a>", "mismatched tag"),
    ],
)
def test_xml_that_is_no_table(text: str, error: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.xml").write_text(text)
    with pytest.raises(SourceError, match=error):
        write_draft(tmp_path / "my.toml", folder)


def test_a_header_that_is_another_one_without_its_blanks_stays(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "customers.csv").write_text(
        "customer_id,segment,Segment ,\n" + "".join(f"C{i},a,b ,\n" for i in range(9))
    )
    with pytest.raises(SourceError, match="no file joins two things"):
        write_draft(tmp_path / "my.toml", folder)
    assert "trim = true" in (tmp_path / "my.toml").read_text()


def test_places_that_are_none(tmp_path: Path) -> None:
    mapping = """
        [source]
        name = "x"
        [source.files]
        a = { path = "a.txt", reader = "fixed", columns = { id = [5, 2] } }
        [roles]
        user = "A"
        product = "B"
        interactions = ["E"]
        [nodes.A]
        key = "id"
        sql = "SELECT id FROM a"
        [nodes.B]
        key = "id"
        sql = "SELECT id FROM a"
        [edges.E]
        from = "A.id"
        to = "B.id"
        sql = "SELECT id FROM a"
    """
    (tmp_path / "a.txt").write_text("1234567\n")
    (tmp_path / "x.toml").write_text(mapping)
    with pytest.raises(SourceError, match=r"columns.id is \[5, 2\]; want its first and last sign"):
        run_load(load_mapping(tmp_path / "x.toml"), tmp_path, MemorySink())


def test_an_element_called_by_an_answer_has_the_name_of_what_it_lies_in(tmp_path: Path) -> None:
    rows = "".join(
        f"<Pty><Id>C{i}</Id><Mktg><Ind>true</Ind><Dt>2025-01-02</Dt></Mktg><Dt>2024-01-02</Dt></Pty>" for i in range(3)
    )
    (tmp_path / "a.xml").write_text(f"<List>{rows}</List>")
    with duckdb.connect() as database:
        read_xml(database, FileSpec("a", "a.xml", "xml"), [(tmp_path / "a.xml", "a.xml")], "a")
        columns = [row[0] for row in database.execute("DESCRIBE a").fetchall()]
    assert columns[:4] == ["Id", "Mktg_Ind", "Mktg_Dt", "Dt"]
