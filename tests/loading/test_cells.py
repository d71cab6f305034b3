"""Several values in a cell, holders in another table, tables beside each other, days of other calendars."""

import datetime
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import profile_column
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.encodings import delivery_encoding, encoding_within
from tests.loading.delivered import write
from tests.loading.test_feeds import PRODUCTS, loaded


def bank(folder: Path, head: str = "", cells: str = "", customers: int = 20) -> None:
    rows = (f"C{i:03},{('Ulm', 'Bonn')[i % 2]}{cells.format(i)}" for i in range(customers))
    write(folder, "customers.csv", f"customer_id,city{head}", *rows)
    write(folder, "products.csv", "product_id,name,kind", *PRODUCTS)


def test_several_holders_in_a_cell_become_a_row_each(data: Path) -> None:
    bank(data)
    rows = [
        f"A{i:03},C{i % 20:03}{f']C{(i + 5) % 20:03}' if i % 4 == 0 else ''},P{i % 8},2024-03-05" for i in range(40)
    ]
    write(data, "arrangements.csv", "arrangement_id,CUSTOMER,product_id,opened_on", *rows)
    questions, sink = loaded(data)
    (edges,) = (one for kind, one in sink.edges.items() if not kind.startswith("HAS_"))
    held = [(one["source"], one["target"]) for one in edges.to_pylist()]
    assert len(held) == 50
    assert {("C000", "P0"), ("C005", "P0"), ("C001", "P1")} <= set(held)
    assert any("several values in a cell, between ]" in one for one in questions)


def test_a_list_of_channels_is_a_consent(data: Path) -> None:
    write(
        data, "customers.csv", "customer_id,city,CONSENTS",
        *(f"C{i:03},Ulm,{('email|sms', 'post', 'none', '')[i % 4]}" for i in range(20)),
    )  # fmt: skip
    write(data, "products.csv", "product_id,name,kind", *PRODUCTS)
    rows = [f"H{i},C{i % 20:03},P{i % 8},2024-03-05" for i in range(40)]
    write(data, "holdings.csv", "holding_id,customer_id,product_id,opened_on", *rows)
    _, sink = loaded(data)
    said = [one["CONSENTS"] for one in sink.nodes["Customer"].to_pylist()][:4]
    assert said == [True, True, False, False]


def test_purposes_and_answers_in_two_cells_become_a_column_each(data: Path) -> None:
    bank(data, ",CONSENT.TYPE,CONSENT.GIVEN", ",MARKETING]DATASHARING,NO]YES")
    rows = [f"H{i},C{i % 20:03},P{i % 8},2024-03-05" for i in range(40)]
    write(data, "holdings.csv", "holding_id,customer_id,product_id,opened_on", *rows)
    _, sink = loaded(data)
    assert {one["consent_MARKETING"] for one in sink.nodes["Customer"].to_pylist()} == {False}


def test_positions_of_portfolios_are_those_of_their_clients(data: Path) -> None:
    write(data, "clients.csv", "Client No,Client Name,Domicile", *(f"{20000 + i},Family {i},Zug" for i in range(20)))
    write(data, "portfolios.csv", "Portfolio No,Mandate Type", *(f"{20000 + i}.01,Advisory" for i in range(20)))
    link = [f"{20000 + i}.01,{20000 + i},Account holder" for i in range(20)]
    link += [f"{20000 + i}.01,{20001 + i},Joint account holder" for i in range(0, 18, 3)]
    link += [f"20019.01,{20002},Power of attorney"]
    write(data, "portfolio_clients.csv", "Portfolio No,Client No,Role", *link)
    write(data, "instruments.csv", "ISIN,Instrument Name,Kind", *(f"CH000000000{i},Eiger {i},Bonds" for i in range(8)))
    rows = [f"31.03.2025,{20000 + i % 20}.01,CH000000000{i % 8},{i + 1}" for i in range(40)]
    write(data, "positions.csv", "Position Date,Portfolio No,ISIN,Quantity", *rows)
    questions, sink = loaded(data)
    held = {(one["source"], one["target"]) for one in sink.edges["HELD"].to_pylist()}
    assert ("20000", "CH0000000000") in held
    assert ("20001", "CH0000000000") in held, "who holds a portfolio jointly"
    assert ("20002", "CH0000000003") not in held, "who may only act for it"
    assert any("Power of attorney (Role) hold nothing" in one for one in questions)


def test_a_cover_is_held_by_the_policyholder_and_not_by_the_insured(data: Path) -> None:
    write(data, "persons.csv", "PERSON_ID,LAST_NAME,CITY", *(f"P{i:03},Berg {i},Hull" for i in range(30)))
    write(data, "tariffs.csv", "TARIFF_CODE,TARIFF_NAME,LINE", *(f"TAR{i},Home {i},Property" for i in range(8)))
    policies = [f"PN{i:03},P{i % 20:03},2024-01-0{1 + i % 9}" for i in range(40)]
    write(data, "policies.csv", "POLICY_NO,POLICYHOLDER_ID,INCEPTION_DATE", *policies)
    covers = [f"C{i:03},PN{i:03},TAR{i % 8},P{(i % 20 + i % 2) % 30:03}" for i in range(40)]
    write(data, "coverages.csv", "COVERAGE_ID,POLICY_NO,TARIFF_CODE,INSURED_PERSON_ID", *covers)
    _, sink = loaded(data)
    (edges,) = (one for kind, one in sink.edges.items() if not kind.startswith("HAS_"))
    rows = edges.to_pylist()
    assert {(one["source"], one["target"]) for one in rows} == {(f"P{i % 20:03}", f"TAR{i % 8}") for i in range(40)}
    assert {one["at"].year for one in rows} == {2024}, "the contract says when"


def test_a_part_of_nothing_is_no_holding(data: Path) -> None:
    bank(data)
    rows = [f"C{i % 20:03},P{i % 8},{(0, 50, 100)[i % 3]},2024-03-05" for i in range(40)]
    write(data, "elections.csv", "customer_id,product_id,ALLOCATION_PCT,elected_on", *rows)
    questions, sink = loaded(data)
    assert sink.edges["HELD"].num_rows == 26
    assert "elections: rows with ALLOCATION_PCT of 0 are no holdings and are left out: is that right?" in questions


def test_a_table_of_codes_beside_another_on_a_sheet_is_none_of_it(data: Path) -> None:
    bank(data)
    (data / "products.csv").unlink()
    with xlsxwriter.Workbook(data / "products.xlsx") as book:
        sheet = book.add_worksheet("products")
        sheet.write_row(0, 0, ["product_id", "name", "risk_class"])
        sheet.write_row(0, 5, ["risk_class", "meaning"])
        for i in range(12):
            sheet.write_row(1 + i, 0, [f"P{i}", f"Fund {i}", 1 + i % 3])
        for i in range(3):
            sheet.write_row(1 + i, 5, [1 + i, ("low", "medium", "high")[i]])
    rows = [f"H{i},C{i % 20:03},P{i % 12},2024-03-05" for i in range(40)]
    write(data, "holdings.csv", "holding_id,customer_id,product_id,opened_on", *rows)
    _, sink = loaded(data)
    assert "meaning" not in sink.nodes["Product"].column_names


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("令和5年3月1日", "era", "2023-03-01"),
        ("令和元年5月1日", "era", "2019-05-01"),
        ("H31.04.30", "era", "2019-04-30"),
        ("昭和60年12月9日", "era", "1985-12-09"),
        ("X05.03.01", "era", None),
        ("19417", "days", "2023-03-01"),
        ("-365", "days", "1969-01-01"),
        ("44986", "sheet_days", "2023-03-01"),
    ],
)
def test_days_of_other_calendars(text: str, form: str, day: str | None) -> None:
    sql = f"SELECT CAST({parsed_sql('v', ParseSpec('time', (form,)))} AS DATE) FROM (SELECT '{text}' AS v)"
    read = duckdb.sql(sql).fetchall()[0][0]
    assert read == (datetime.date.fromisoformat(day) if day else None)


def test_numbers_of_days_and_eras_are_seen_as_days() -> None:
    database = duckdb.connect()
    database.execute(
        "CREATE TABLE t AS SELECT 19000 + i AS opened_on, 20 + i AS visits, "
        "format('R05.{:02d}.01', i % 12 + 1) AS closed FROM range(30) r(i)"
    )
    kinds = {
        column: profile_column(database, "t", column, declared, 30)
        for column, declared in (("opened_on", "BIGINT"), ("visits", "BIGINT"), ("closed", "VARCHAR"))
    }
    assert [one.kind for one in kinds.values()] == ["time", "integer", "time"]
    assert [one.parse.format for one in kinds.values() if one.parse] == [("days",), ("era",)]


def test_a_text_with_little_in_it_is_in_the_encoding_of_the_others(tmp_path: Path) -> None:
    names = "顧客番号,氏名,都道府県,リスク許容度\n" + "".join(f"{i},佐藤花子,富山県,積極型\n" for i in range(40))
    deals = "取引番号,お客さま番号,契約日\n" + "".join(f"T{i},{i},R05.03.01\n" for i in range(40))
    files = []
    for name, text in (("a.csv", names), ("b.csv", deals)):
        (tmp_path / name).write_text(text, "cp932")
        files.append((tmp_path / name, name))
    delivery = delivery_encoding(files)
    assert [encoding_within(path, shown, delivery) for path, shown in files] == ["cp932", "cp932"]


HEADS = {
    "Turkish": (
        "cp1254",
        "Müşteri No;Adı Soyadı;TC Kimlik No;Şehir;Risk Profili;Pazarlama İzni",
        ("İzmir", "Düşük", "Evet"),
        "Ürün Kodu;Ürün Adı;Risk Seviyesi;Satış Durumu",
        ("Düşük", "Satışta"),
        "Sözleşme No;Müşteri No;Ürün Kodu;Açılış Tarihi;Kapanış Tarihi",
    ),
    "Greek": (
        "cp1253",
        "Κωδικός Πελάτη;Επώνυμο;ΑΦΜ;Πόλη;Προφίλ Κινδύνου;Συγκατάθεση",
        ("Αθήνα", "Χαμηλό", "ΝΑΙ"),
        "Κωδικός Προϊόντος;Ονομασία;Επίπεδο Κινδύνου;Διαθεσιμότητα",
        ("Χαμηλό", "Διαθέσιμο"),
        "Αριθμός Σύμβασης;Κωδικός Πελάτη;Κωδικός Προϊόντος;Ημερομηνία Έναρξης;Ημερομηνία Λήξης",
    ),
}


@pytest.mark.parametrize("language", HEADS)
def test_heads_of_turkish_and_greek_banks_are_known(data: Path, language: str) -> None:
    encoding, customers, (city, tolerance, yes), products, (risk, sold), contracts = HEADS[language]
    rows = [f"{4000 + i};Name{i};{10000000000 + i};{city};{tolerance};{yes}" for i in range(20)]
    (data / "a.csv").write_text("\n".join((customers, *rows)), encoding)
    (data / "b.csv").write_text("\n".join((products, *(f"U{i};Fon {i};{risk};{sold}" for i in range(8)))), encoding)
    rows = [f"S{i};{4000 + i % 20};U{i % 8};0{1 + i % 9}.03.2024;{'05.01.2025' * (i % 4 == 0)}" for i in range(40)]
    (data / "c.csv").write_text("\n".join((contracts, *rows)), encoding)
    loaded(data)
    text = (data.parent / "my.toml").read_text("utf-8")
    assert "\nuntil = " in text
    assert text.count("\npersonal = [") == 1
    (personal,) = (line for line in text.splitlines() if line.startswith("personal = "))
    assert personal.count('"') == 4, "name and number of the person"


def test_a_header_with_the_mark_of_a_beginning_is_a_header_again(data: Path) -> None:
    bank(data)
    half = (data / "customers.csv").read_text("utf-8")
    (data / "customers.csv").write_text(half + "\ufeff" + half.replace("C0", "D0"), "utf-8")
    rows = [f"H{i},C{i % 20:03},P{i % 8},2024-03-05" for i in range(40)]
    write(data, "holdings.csv", "holding_id,customer_id,product_id,opened_on", *rows)
    questions, sink = loaded(data)
    assert sink.nodes["Customer"].num_rows == 40
    assert any("1 rows are its header again" in one for one in questions)
