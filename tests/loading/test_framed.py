"""Files as people export them: titles above, totals below, archives, texts of other suffixes, units beside numbers."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphrec.errors import RejectedRows, SourceError
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.sources.csv_form import guess_frame

CLIENTS = ["N° client\tNom\tNaissance\tCanton\tConsentement"]
CLIENTS += [
    f"{7 * i:06}\tFavre\t{1 + i % 28:02}/02/1970\t{'GV'[i % 2]}\t{('OUI', 'NON')[i % 3 == 0]}" for i in range(30)
]
TITLES = [
    "Banque du Léman;;;;",
    "Référentiel au 31.12.2024;;;;",
    ";;;;",
    "Code ISIN;Libellé;SRI;Frais;Minimum",
    *(f"CH{i:010};Fonds {i};{1 + i % 7} / 7;0.{10 + i} %;CHF {1 + i}'000.00" for i in range(12)),
    "Nombre de titres : 12;;;;",
]
MOVES = ["Réf. opération;Client;ISIN;Date;Sens;Quantité;Montant"]


def moves(year: int) -> str:
    rows = [
        f"OP{year}{i:04};{7 * (i % 30)};CH{(i % 12):010};{1 + i % 28:02}/03/{year};{('Achat', 'Vente')[i % 6 == 5]};"
        f"{'-' * (i % 6 == 5)}5;{'-' * (i % 6 == 5)}1'{100 + i}.00"
        for i in range(40)
    ]
    return "\r\n".join([*MOVES, *rows, f"TOTAL;;;;;;{40 * year}", ""])


@pytest.fixture
def geneva(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "clients.txt").write_text("\r\n".join(CLIENTS), encoding="utf-16")
    (folder / "Titres.csv").write_text("\r\n".join(TITLES), encoding="cp1252")
    (folder / "read me.txt").write_text("Some words.\nAnd more.\n")
    (folder / "~$Titres.xlsx").write_bytes(b"\x05Pat")
    with zipfile.ZipFile(folder / "mouvements.zip", "w") as archive:
        for year in (2023, 2024):
            archive.writestr(zipfile.ZipInfo(f"mouvements_{year}.csv"), moves(year))
        archive.writestr(zipfile.ZipInfo("__MACOSX/mouvements_2023.csv"), b"\0")
    return folder


def drafted(folder: Path) -> tuple[list[str], MemorySink, str]:
    path, sink = folder.parent / "my.toml", MemorySink()
    questions = write_draft(path, folder).questions
    run_load(load_mapping(path), folder, sink)
    return questions, sink, path.read_text("utf-8")


@pytest.mark.slow
def test_a_bank_of_geneva(geneva: Path) -> None:
    questions, sink, text = drafted(geneva)
    assert sink.nodes["Client"].num_rows == 30
    assert sink.nodes["Titre"]["Minimum"].to_pylist()[:2] == [1000.0, 2000.0]
    assert sink.nodes["Titre"]["SRI"].to_pylist()[:2] == [1, 2]
    assert sink.nodes["Titre"]["Frais"].to_pylist()[:2] == [0.1, 0.11]
    assert sink.edges["BOUGHT"].num_rows == 80
    assert sum(one < 0 for one in map(float, sink.edges["BOUGHT"]["signed_Quantité"].to_pylist())) == 12
    assert 'personal = ["Nom", "Naissance"]' in text
    assert 'mouvements = { path = "mouvements.zip/mouvements_*.csv", footer = ["TOTAL"] }' in text
    assert 'Minimum = { type = "real", thousands = "\'", unit = "CHF" }' in text
    assert not {"Nom", "Consentement"} & sink.nodes.keys()
    assert (
        "Titres.csv: its first 3 lines and what begins with 'Nombre de titres : #' at its end are no rows and are left "
        "out: is that right?" in questions
    )
    assert "read me.txt is no table and was left out" in questions
    assert not any("~$" in question for question in questions)


@pytest.mark.slow
def test_a_row_is_named_by_its_line_below_titles(geneva: Path) -> None:
    drafted(geneva)
    (geneva / "Titres.csv").write_text("\r\n".join([*TITLES[:6], "", ";no key;1 / 7;0.1 %;", *TITLES[6:]]), "cp1252")
    with pytest.raises(RejectedRows, match=r"Titres.csv line 8: Code_ISIN is empty"):
        run_load(load_mapping(geneva.parent / "my.toml"), geneva, MemorySink())


@pytest.mark.slow
def test_a_total_that_does_not_come_takes_no_row_with_it(geneva: Path) -> None:
    drafted(geneva)
    (geneva / "Titres.csv").write_text("\r\n".join(TITLES[:-1]), "cp1252")
    sink = MemorySink()
    run_load(load_mapping(geneva.parent / "my.toml"), geneva, sink)
    assert sink.nodes["Titre"].num_rows == 12


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (["a,b,c", *["1,2,3"] * 9], {}),
        (["a,b,c", "1,,", *["1,2,3"] * 9, "4,,"], {}),
        (["a,b", *["x,1"] * 9, "Total Return,2", "last,3"], {}),
        (["a,b", *["x,1"] * 9, "Total:,9"], {"footer": ["Total:"]}),
        (["a;b;c", *["x;1;2"] * 9, "", "(9 rows affected)", ""], {"footer": ["(# rows affected)"]}),
        (["a;b;c", *["x;1;2"] * 9, ";;18"], {"footer": [";;#"]}),
        (["a,b,c", *["x,1,2"] * 9, "合计,9,"], {"footer": ["合计"]}),
        (["A list of May", "", "a\tb\tc", *["x\t1\t2"] * 9], {"skip": 2}),
        (['"A list, of May";;', "a;b;c", *["x;1;2"] * 9], {"skip": 1}),
        (["sep=;", "a;b;c", *["x;1;2"] * 9], {}),
        (["2024;1;2", "", *["x;1;2"] * 9], {}),
        (["words", "and words"], {}),
    ],
)
def test_what_is_around_rows(lines: list[str], options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    assert guess_frame(tmp_path / "a.csv", "a.csv", "utf-8")[1] == options


def sheets(path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Read me").write(0, 0, "A catalogue")
        for place, kind in enumerate(("Deposits", "Loans")):
            sheet = book.add_worksheet(kind)
            sheet.write(0, 0, f"{kind} of today")
            sheet.write_row(2, 0, ["Product Code", "Product Name", "Rate"])
            for i in range(8):
                sheet.write_row(3 + i, 0, [f"{kind[0]}{i}", f"{kind} {i}", 1.5 + i])
            if place:
                sheet.write_row(11, 0, ["Total", None, 8.0])


@pytest.mark.slow
def test_sheets_with_one_header_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    sheets(folder / "Catalogue.xlsx")
    rows = [f'{i},{1000 + i % 20},{"DL"[i % 2]}{i % 8},"Jan {1 + i % 28}, 2023","(${i + 1:,}.50)"' for i in range(60)]
    text = "\n".join(["Acct No,Member #,Product Cd,Open Dt,Balance", *rows, "Record count: 60"])
    (folder / "accounts_20241231.csv").write_text(text)
    rows = [f"{1000 + i},Pat,{'AB'[i % 2]},{'NY'[i % 2]}" for i in range(20)]
    (folder / "members.csv").write_text("\n".join(["Member #,Last Name,Tier,Opt-Out (Y/N)", *rows]))
    _, sink, text = drafted(folder)
    assert 'path = "Catalogue.xlsx", skip = 2, footer = ["Total"], sheet = ["Deposits", "Loans"]' in text
    assert 'accounts = { path = "accounts_[0-9]*.csv", footer = ["Record count: #"] }' in text
    assert sink.nodes["Catalogue"].num_rows == 16
    assert set(sink.nodes["Catalogue"]["sheet"].to_pylist()) == {"Deposits", "Loans"}
    assert sink.edges["HELD"].num_rows == 60
    assert sink.edges["HELD"]["Balance"].to_pylist()[0] == -1.5
    assert sink.nodes["Member"].num_rows == 20
    assert {"Opt_Out"} <= set(sink.nodes["Member"].column_names)
    assert 'kind = "sheet"' in text


@pytest.mark.parametrize(("empty", "is_left_out"), [(1, False), (6, True)])
def test_rows_without_a_customer(empty: int, is_left_out: bool, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "customers.csv").write_text("\n".join(["customer_id,segment", *(f"C{i},a" for i in range(9))]))
    (folder / "products.csv").write_text("\n".join(["product_id,name", *(f"P{i},Fund {i}" for i in range(9))]))
    rows = [f"{'' if i < empty else f'C{i % 9}'},P{i % 9},2024-01-{1 + i % 28:02}" for i in range(90)]
    (folder / "views.csv").write_text("\n".join(["customer_id,product_id,seen_on", *rows]))
    questions = write_draft(tmp_path / "my.toml", folder).questions
    told = f"views: {empty} rows have no customer_id"
    assert any(question.startswith(told) for question in questions)
    sink = MemorySink()
    run_load(load_mapping(tmp_path / "my.toml"), folder, sink, max_rejected=0 if is_left_out else 1)
    assert sink.edges["VIEWED"].num_rows == len(set(rows[empty:]))


@pytest.mark.slow
def test_a_year_of_birth_for_rules_where_products_have_an_age(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"{i:04}A,{1 + i % 28:02}-05-{1950 + i},S" for i in range(20)]
    (folder / "clientes.csv").write_text("\n".join(["DNI,F. Nacimiento,Acepta publicidad", *rows]))
    rows = [f"H-{i},Hogar {i},18" for i in range(9)]
    (folder / "productos.csv").write_text("\n".join(["Código producto,Nombre,Edad mínima", *rows]))
    rows = [f"{i},{i % 20:04}A,H-{i % 9}" for i in range(40)]
    (folder / "polizas.csv").write_text("\n".join(["Nº póliza,DNI tomador,Cód. producto", *rows]))
    _, sink, text = drafted(folder)
    assert sink.nodes["Cliente"]["birth_year"].to_pylist()[:2] == [1950, 1951]
    assert 'sensitive = ["birth_year"]' in text
    # A minimum age is no amount to begin with.
    assert "minimum" not in text
    assert "HELD" in sink.edges


def test_a_text_for_people_is_no_table_though_it_has_commas(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"T{i},C{i % 7},P{i % 5},2024-01-{1 + i % 28:02}" for i in range(30)]
    (folder / "trades.csv").write_text("\n".join(["trade_id,customer_id,product_id,day", *rows]))
    told = "Lieferung, Kunden, Verträge, 2023\nStamm, Produkte, Verträge. Hr. Schröder, Abt. V\nGesperrte nicht, nie\n"
    (folder / "Lies_mich.txt").write_text(told, "utf-8")
    questions, _, text = drafted(folder)
    assert "Lies_mich.txt is no table and was left out" in questions
    assert "MISSING" not in text


def test_files_with_a_longer_name_are_not_read_with_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, first in (("trades_2023", 0), ("trades_2024", 40), ("trades_void_2023", 80), ("trades_void_2024", 90)):
        rows = [f"T{first + i},C{i % 7},P{i % 5},2024-01-{1 + i % 28:02}" for i in range(10)]
        (folder / f"{name}.csv").write_text("\n".join(["trade_id,customer_id,product_id,day", *rows]))
    write_draft(tmp_path / "my.toml", folder)
    assert 'trades = "trades_[0-9]*.csv"' in (tmp_path / "my.toml").read_text()


@pytest.mark.parametrize(
    ("names", "wanted", "asked"),
    [
        # Years apart and together are one table.
        (("2023", "2024", "2025_2026"), 'trades = "trades_*.csv"', ""),
        (("2023", "2024", "2022_old"), 'trades = "trades_[0-9][0-9][0-9][0-9].csv"', ""),
        (
            ("2023", "2024_2025", "2022_old"),
            'trades = "trades_[0-9]*.csv"',
            "trades_2022_old.csv is read with the others",
        ),
    ],
)
def test_no_file_is_read_twice(tmp_path: Path, names: tuple[str, ...], wanted: str, asked: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for first, name in enumerate(names):
        rows = [f"T{first * 10 + i},C{i % 7},P{i % 5},2024-01-{1 + i % 28:02}" for i in range(10)]
        (folder / f"trades_{name}.csv").write_text("\n".join(["trade_id,customer_id,product_id,day", *rows]))
    questions, sink, text = drafted(folder)
    assert wanted in text
    assert any(asked in question for question in questions)
    assert sum(edges.num_rows for edges in sink.edges.values()) == 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "wrong", "message"),
    [
        ("some.zip/nothing.csv", False, "no file 'some.zip/nothing.csv'"),
        ("some.zip/*.csv", True, "some.zip cannot be read"),
    ],
)
def test_archives_that_do_not_hold_it(
    pattern: str, wrong: bool, message: str, tmp_path: Path, geneva: Path, edit: Callable[[Path, str, str], None]
) -> None:
    drafted(geneva)
    with zipfile.ZipFile(geneva / "some.zip", "w") as archive:
        archive.writestr("trades.csv", moves(2024))
    if wrong:
        (geneva / "some.zip").write_bytes(b"PK no archive")
    edit(tmp_path / "my.toml", "mouvements.zip/mouvements_*.csv", pattern)
    with pytest.raises(SourceError, match=message):
        run_load(load_mapping(tmp_path / "my.toml"), geneva, MemorySink())


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    def change(path: Path, old: str, new: str) -> None:
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    return change


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("CHF 1'000.50", "CHF", 1000.5), ("1'000.50 CHF", "CHF", 1000.5), ("(CHF 5.00)", "CHF", -5.0),
        ("-5", "CHF", -5.0), ("CHF-5.00", "CHF", -5.0), ("5.00\u00a0CHF", "CHF", 5.0), ("EUR 5.00", "CHF", None),
        ("(5.00)", "", -5.0), ("((5.00))", "", None), ("3 / 7", "/ 7", 3.0), ("0.20 %", "%", 0.2), ("5 %", "", None),
    ],
)  # fmt: skip
def test_numbers_beside_a_unit(text: str, unit: str, number: float | None) -> None:
    import duckdb

    from graphrec.loading.mapping.specs import ParseSpec
    from graphrec.loading.run.parse import parsed_sql

    spec = ParseSpec("real", (), ".", "'", (), unit)
    assert duckdb.execute(f"SELECT {parsed_sql('v', spec)} FROM (SELECT ? AS v)", [text]).fetchall() == [(number,)]


@pytest.mark.slow
def test_a_column_for_each_product(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    head = "customer_id,last_name,segment,marketing_consent,has_savings_account,has_credit_card,has_home_loan"
    rows = [
        f"C{i:03},Lee,{'AB'[i % 2]},{i % 2},{int(i % 3 > 0)},{int(i % 4 == 0)},{int(i % 5 == 0)}" for i in range(40)
    ]
    (folder / "customers.csv").write_text("\n".join([head, *rows]))
    questions, sink, text = drafted(folder)
    assert set(sink.nodes["Product"]["id"].to_pylist()) == {"savings account", "credit card", "home loan"}
    assert sink.edges["HELD"].num_rows == sum((i % 3 > 0) + (i % 4 == 0) + (i % 5 == 0) for i in range(40))
    assert sink.nodes["Customer"].num_rows == 40
    assert "has_savings_account" not in sink.nodes["Customer"].column_names
    assert (
        "customers_holdings: reads has_savings_account, has_credit_card, has_home_loan of customers as products that "
        "are held or not: is that right?" in questions
    )
    assert 'personal = ["last_name"]' in text


@pytest.mark.slow
def test_a_deposit_list_of_a_host(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"{i * 97 + 1000:010};Hr.;Jansen;{('Kiel', 'Husum')[i % 2]};" for i in range(30)]
    (folder / "GPSTAMM_20241231_0600.TXT").write_text("\n".join(["GP-Nr.;Anr.;Zuname;Wohnort;", *rows]))
    rows = [f"A{i:02}X;Fonds {i};{1 + i % 3};{i % 6},00 %" for i in range(9)]
    (folder / "wp_stamm.csv").write_text("\n".join(["WKN;Bezeichnung;RK;Ausgabeaufschlag", *rows]))
    rows = [f"{9000 + i};{i % 30 * 97 + 1000};A{i % 9:02}X;5;0{1 + i % 9}.03.2024" for i in range(60)]
    (folder / "Depotbestand per 31.12.2024.csv").write_text(
        "\n".join(["Depot-Nr.;Kunde;WKN;Stück;Kaufdatum", *rows, "Summe:;;;300;"])
    )
    questions, sink, text = drafted(folder)
    assert sink.edges["HELD"].num_rows == 60
    assert set(sink.edges["HELD"]["source"].to_pylist()) <= set(sink.nodes["Gpstamm"]["id"].to_pylist())
    assert not any("without a name" in question for question in questions)
    assert 'protected = ["Anr"]' in text
    assert 'risk = "RK"' in text
    assert 'path = "Depotbestand per [0-9]*.csv"' in text
