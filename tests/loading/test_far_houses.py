"""Deliveries of houses elsewhere: other calendars and scripts, lists of who wants nothing, years with other heads."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import profile_column
from graphrec.loading.propose.concepts import CLOSED, NO, OPEN, YES, answers_in, in_order, place, told
from graphrec.loading.propose.looks import (
    action_of,
    action_of_table,
    actions_in,
    is_accounting,
    likeness,
    property_name,
)
from graphrec.loading.propose.words import is_identifier, split_words
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.encodings import delivery_encoding, encoding_within
from tests.loading.delivered import loaded


def write(data: Path, file: str, head: str, rows: Sequence[str], encoding: str = "utf-8") -> None:
    (data / file).write_text("\n".join([head, *rows]) + "\n", encoding)


def day_of(text: str, form: str) -> datetime.date | None:
    query = f"SELECT CAST({parsed_sql('v', ParseSpec('time', (form,)))} AS DATE) FROM (SELECT '{text}' AS v)"
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        found: datetime.date | None = database.execute(query).fetchall()[0][0]
    return found


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("29/02/2567", "buddhist", (2024, 2, 29)),
        ("2567-03-15", "buddhist", (2024, 3, 15)),
        ("25670315", "buddhist", (2024, 3, 15)),
        ("29/02/2568", "buddhist", None),
        ("15/03/2024", "buddhist", None),
        ("112/03/01", "minguo", (2023, 3, 1)),
        ("1120301", "minguo", (2023, 3, 1)),
        ("民國112年3月1日", "minguo", (2023, 3, 1)),
        ("1445/09/01", "hijri", (2024, 3, 11)),
        ("01-09-1445", "hijri", (2024, 3, 11)),
        ("1446/02/30", "hijri", None),
    ],
)
def test_days_of_other_calendars(text: str, form: str, day: tuple[int, int, int] | None) -> None:
    assert day_of(text, form) == (day and datetime.date(*day))


@pytest.mark.parametrize(
    ("values", "formats", "null"),
    [
        ([f"{1 + i:02}/03/{2560 + i % 7}" for i in range(25)], ("buddhist",), ()),
        ([f"{1385 + i}/{1 + i % 12:02}/30" for i in range(0, 60, 2)], ("hijri",), ()),
        ([f"{95 + i % 18}/03/{1 + i:02}" for i in range(25)], ("minguo",), ()),
        (["--/--/--", "03/31/2025", "12/24/2024"], ("%m/%d/%Y",), ("--/--/--",)),
        (["99999999", "20250331", "20241224"], ("%Y%m%d",), ("99999999",)),
        (["20250331-14:30:00.250", "20241224-09:00:00.000"], ("%Y%m%d-%H:%M:%S.%f",), ()),
        (["31.03.2025.", "24.12.2024."], ("%d.%m.%Y.",), ()),
        (["31.03.2025 г.", "24.12.2024 г."], ("%d.%m.%Y г.",), ()),
        ([f"{1 + i:02}/03/{2018 + i % 7}" for i in range(25)], ("%d/%m/%Y",), ()),
    ],
)
def test_calendars_and_blank_dates_are_seen(values: list[str], formats: tuple[str, ...], null: tuple[str, ...]) -> None:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t (day VARCHAR)")
        database.executemany("INSERT INTO t VALUES (?)", [[one] for one in values])
        found = profile_column(database, "t", "day", "VARCHAR", len(values))
    assert found.kind == "time"
    assert found.parse is not None
    assert (found.parse.format, found.parse.null, found.misfits) == (formats, null, 0)


@pytest.mark.parametrize(
    "steps",
    [
        ["I", "II", "III", "IV", "V"],
        ["Klasse I", "Klasse II", "Klasse IV"],
        ["Συντηρητικό", "Ισορροπημένο", "Δυναμικό"],
        ["נמוך", "בינוני", "גבוה"],
        ["нисък", "среден", "висок"],
        ["nízke", "stredné", "vysoké"],
    ],
)
def test_steps_of_risk_in_roman_numbers_and_other_languages(steps: list[str]) -> None:
    assert [text for _, text in in_order(sorted(steps)) or ()] == steps


def test_words_and_letters_that_are_no_steps() -> None:
    assert in_order(["Civil", "Mix", "Vi"]) is None


@pytest.mark.parametrize("values", [("K", "S"), ("Αγορά", "Πώληση"), ("קניה", "מכירה"), ("BELI", "JUAL SEMUA")])
def test_what_is_bought_and_sold_elsewhere(values: tuple[str, str]) -> None:
    found = actions_in(values)
    assert [one.type for text in values if (one := found[text])] == ["BOUGHT", "SOLD"]


def test_words_in_cyrillic_letters_are_those_of_serbian_too() -> None:
    assert [likeness(one) for one in ("клијенти", "производи")] == [2, -2]
    assert [told(one, OPEN, CLOSED) for one in ("активан", "угашен", "преминуо")] == [True, False, False]
    assert place("датум рођења", "born") is not None
    assert action_of_table("уговори") is not None


@pytest.mark.parametrize("blank", ["00000000", "99999999", "000000", "--/--/--"])
def test_a_column_of_nothing_but_blank_dates_is_read(blank: str) -> None:
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t (closed VARCHAR)")
        database.executemany("INSERT INTO t VALUES (?)", [[blank]] * 9)
        found = profile_column(database, "t", "closed", "VARCHAR", 9)
    assert (found.filled, found.kind) == (9, "integer" if blank == "99999999" else "text")


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Markkinointilupa", "consent"),
        ("Згода на маркетинг", "consent"),
        ("Đồng ý nhận quảng cáo", "consent"),
        ("ยินยอมรับข่าวสาร", "consent"),
        ("ﾄﾞｳｲﾌﾗｸﾞ", "consent"),
        ("ระดับความเสี่ยงที่รับได้", "tolerance"),
        ("風險屬性", "tolerance"),
        ("Myynti päättyy", "end"),
        ("Obchodovatelný", "offered"),
        ("min_entry_age", "least age"),
    ],
)
def test_columns_of_other_languages(name: str, concept: str) -> None:
    assert place(name, concept) is not None


def test_values_of_other_languages() -> None:
    assert [told(one, YES, NO) for one in ("Kyllä", "Ei", "Так", "Ні", "Có", "Không")] == [True, False] * 3
    assert answers_in(["ยินยอม", "ไม่ยินยอม"]) == {"ยินยอม": True, "ไม่ยินยอม": False}
    said = [told(one, OPEN, CLOSED) for one in ("Đang bán", "Ngừng bán", "販売中", "販売停止", "OFFEN", "SALDIERT")]
    assert said == [True, False] * 3
    for steps in (
        ["Matala", "Kohtalainen", "Korkea"],
        ["Thấp", "Trung bình", "Cao"],
        ["Low", "Low to Moderate", "Moderate", "Moderately High", "High", "Very High"],
    ):
        assert [text for _, text in in_order(steps) or ()] == steps


def test_tables_and_numbers_of_other_languages() -> None:
    assert [likeness(one) for one in ("clienti", "ลูกค้า", "khach_hang", "Клієнти", "asiakkaat", "KOKYAKU")] == [2] * 6
    assert [likeness(one) for one in ("prodotti", "กองทุน", "san_pham", "tuotteet", "SHOHIN")] == [-2] * 5
    told_by = [action_of_table(one) for one in ("hop_dong", "Договори", "KEIYAKU", "encours")]
    assert [one and one.type for one in told_by] == ["HELD"] * 4
    assert all(is_identifier(one) for one in ("รหัสลูกค้า", "Mã khách hàng", "Код клієнта", "ｺｷｬｸｺｰﾄﾞ", "Asiakasnumero"))
    sides = actions_in(["ซื้อ", "ขายคืน"]).values()
    assert [one and one.type for one in sides] == ["BOUGHT", "SOLD"]


def test_vowels_above_letters_stay_in_names() -> None:
    assert split_words("รหัสลูกค้า") == "รหัสลูกค้า"
    assert property_name("ﾄﾞｳｲﾌﾗｸﾞ") == "ドウイフラグ"


def test_a_fund_is_opened_on_a_screen_and_an_account_at_a_bank() -> None:
    found = [action_of(one) for one in ("instrument_opened", "account_opened", "email_opened")]
    assert [one and one.type for one in found] == ["VIEWED", "HELD", "VIEWED"]
    assert is_accounting("Control - not contacted")


def people(data: Path, more: str = "", rows: Sequence[str] = ()) -> None:
    """Thirty customers and eight products."""
    write(
        data,
        "customers.csv",
        f"customer_id,full_name,city{more}",
        [f"{20000 + 37 * i},Lee {i},{('Ulm', 'Bonn')[i % 2]}{rows[i] if rows else ''}" for i in range(30)],
    )
    write(
        data,
        "products.csv",
        "product_id,product_name,status",
        [f"P{i:03},Fund {i},{('open', 'closed')[i == 3]}" for i in range(8)],
    )


def contracts(data: Path) -> None:
    write(
        data,
        "contracts.csv",
        "contract_no,customer_id,product_id,opened_on",
        [f"K{i},{20000 + 37 * (i % 30)},P{i % 7:03},2024-03-{1 + i % 28:02}" for i in range(80)],
    )


@pytest.mark.slow
@pytest.mark.parametrize("file", ["do_not_contact.csv", "opt_out_list.csv", "consent_withdrawals.csv"])
def test_who_is_on_a_list_wants_nothing(data: Path, file: str) -> None:
    people(data)
    contracts(data)
    write(
        data,
        file,
        "customer_id,listed_on,reason",
        [f"{20000 + 37 * i},2024-01-0{1 + i % 9},court" for i in range(0, 30, 3)],
    )
    _, sink, _ = loaded(data)
    customers = sink.nodes["Customer"]
    (column,) = (one for one in customers.column_names if place(one, "objection") is not None)
    assert sum(one is True for one in customers[column].to_pylist()) == 10


@pytest.mark.slow
def test_consents_by_channel_and_purpose(data: Path) -> None:
    people(data)
    contracts(data)
    write(
        data,
        "consents.csv",
        "customer_id,channel,purpose,consent,given_on",
        [
            f"{20000 + 37 * i},{channel},{purpose},{'yes' if purpose == 'service' or i % 2 else 'no'},2024-01-05"
            for i in range(30)
            for purpose in ("marketing", "service")
            for channel in ("E-mail", "SMS")
        ],
    )
    _, sink, _ = loaded(data)
    customers = sink.nodes["Customer"]
    assert customers["consent_E_mail_marketing"].to_pylist()[:2] == [False, True]
    assert customers["agrees_SMS_service"].to_pylist()[:2] == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize(("later", "column"), [("2025-01-01", ""), ("2022-01-05", "consent_marketing_until")])
def test_a_consent_that_ends_in_a_column_called_to(data: Path, later: str, column: str) -> None:
    """Ends before the last word of anybody are over; a rule holds the others against the day of the list."""
    people(data)
    contracts(data)
    rows = [
        f"{20000 + 37 * i},{purpose},true,2022-01-05,{'2024-05-01' if i % 2 and purpose == 'marketing' else ''}"
        for i in range(30)
        for purpose in ("marketing", "service")
    ]
    write(data, "consents.csv", "customer_id,purpose,granted,from,to", [*rows, f"20000,other,true,{later},"])
    _, sink, _ = loaded(data)
    customers = sink.nodes["Customer"]
    assert customers["consent_marketing"].to_pylist()[:2] == [True, True if column else None]
    ends = customers[column].to_pylist()[:2] if column else []
    assert [end and end.year for end in ends] == ([None, 2024] if column else [])


@pytest.mark.slow
def test_columns_that_were_renamed_between_years(data: Path) -> None:
    people(data)
    for year, head in ((2023, "cust,fund,sum,day"), (2024, "customer_id,product_id,sum_eur,value_day")):
        write(
            data,
            f"payments_{year}.csv",
            head,
            [f"{20000 + 37 * (i % 30)},P{i % 7:03},{100 + 7 * i}.50,{year}-03-{1 + i % 28:02}" for i in range(60)],
        )
    questions, sink, _ = loaded(data)
    assert sum(table.num_rows for kind, table in sink.edges.items() if not kind.startswith("HAS")) == 120
    assert any("cust is customer_id, fund is product_id" in one for one in questions)


@pytest.mark.slow
def test_a_check_digit_that_one_file_has(data: Path) -> None:
    people(data)
    numbers = [str(20000 + 37 * (i % 30)) for i in range(80)]
    write(
        data,
        "contracts.csv",
        "contract_no,owner_customer_id,product_id,opened_on",
        [f"K{i},{one}{sum(map(int, one)) % 10},P{i % 7:03},2024-03-{1 + i % 28:02}" for i, one in enumerate(numbers)],
    )
    questions, sink, _ = loaded(data)
    assert any("has a check digit" in one for one in questions)
    assert sink.edges["HELD"].num_rows == 80


@pytest.mark.slow
@pytest.mark.parametrize(("mine", "theirs"), [("{:08}", "CIF{:08}"), ("BP{}", "{}")])
def test_customers_keep_their_numbers_where_a_file_writes_letters_before_them(
    data: Path, mine: str, theirs: str
) -> None:
    numbers = [20000 + 37 * i for i in range(30)]
    write(data, "customers.csv", "customer_id,full_name", [f"{mine.format(one)},Lee {one}" for one in numbers])
    write(data, "products.csv", "product_id,product_name", [f"P{i:03},Fund {i}" for i in range(8)])
    rows = [f"K{i},{theirs.format(numbers[i % 30])},P{i % 7:03},2024-03-{1 + i % 28:02}" for i in range(80)]
    write(data, "contracts.csv", "contract_no,customer_id,product_id,opened_on", rows)
    _, sink, _ = loaded(data)
    assert {*sink.nodes["Customer"]["id"].to_pylist()} == {mine.format(one) for one in numbers}
    assert sink.edges["HELD"].num_rows == 80


@pytest.mark.slow
def test_who_sold_and_who_bought_in_one_row(data: Path) -> None:
    people(data)
    contracts(data)
    write(
        data,
        "secondary_trades.csv",
        "trade_id,product_id,seller_id,buyer_id,nominal,traded_on",
        [
            f"T{i},P{i % 7:03},{20000 + 37 * (i % 30)},{20000 + 37 * ((i + 5) % 30)},{100 + i},2024-06-0{1 + i % 9}"
            for i in range(40)
        ],
    )
    questions, _, text = loaded(data)
    assert any("seller_id sells and buyer_id buys" in one for one in questions)
    assert "BOUGHT" in text


@pytest.mark.slow
def test_codes_of_a_column_that_a_rule_asks_for(data: Path) -> None:
    people(data, ",profile_code", [f",Q{1 + i % 3}" for i in range(30)])
    contracts(data)
    write(data, "profiles.csv", "profile_code,risk_profile", ["Q1,cautious", "Q2,balanced", "Q3,dynamic"])
    _, sink, _ = loaded(data)
    assert sink.nodes["Customer"]["risk_profile"].to_pylist()[:3] == ["cautious", "balanced", "dynamic"]


@pytest.mark.slow
def test_codes_of_attitudes_that_their_table_also_counts(data: Path) -> None:
    people(data, ",profile", [f",{'ABC'[i % 3]}" for i in range(30)])
    contracts(data)
    write(data, "profiles.csv", "profile,label,level", ["A,Sécurité,1", "B,Equilibre,2", "C,Actions,3"])
    _, sink, _ = loaded(data)
    assert sink.nodes["Customer"]["profile"].to_pylist()[:3] == ["Sécurité", "Equilibre", "Actions"]


def test_signs_alone_are_of_the_encoding_of_the_others(tmp_path: Path) -> None:
    texts = {
        "a.csv": "Prénom;Libellé\nÉmile;Société\nZoé;Équilibré\n",
        "b.csv": "N° contrat;Montant\nAV1;1 000,00 €\nAV2;50,00 €\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text * 5, "cp1252")
    files = [(tmp_path / name, name) for name in texts]
    delivery = delivery_encoding(files)
    assert [encoding_within(path, shown, delivery) for path, shown in files] == ["cp1252", "cp1252"]
