"""Deliveries of kinds that no other file has: monthly files, hive folders, notes, invoices, owners of owners."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.sources.encodings import guess_encoding
from tests.loading.delivered import write


def loaded(folder: Path) -> tuple[str, MemorySink, tuple[str, ...]]:
    """The draft of a folder, what a load of it gives without a rejected row, and what is to be looked at."""
    path, sink = folder.parent / "my.toml", MemorySink()
    questions = tuple(write_draft(path, folder).questions)
    report = run_load(load_mapping(path), folder, sink)
    assert sum(count.rejected for count in (*report.nodes.values(), *report.edges.values())) == 0
    return path.read_text("utf-8"), sink, questions


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def customers(count: int = 40) -> list[str]:
    return [f"C{i:03},{('Ulm', 'Bonn')[i % 2]},{'YN'[i % 3 == 0]}" for i in range(count)]


def test_the_same_tables_of_two_months(data: Path) -> None:
    for month, gone in (("202511", 40), ("202512", 13)):
        write(
            data, f"customers_{month}.csv", "customer_id,city,consent_marketing",
            *(f"C{i:03},Ulm,{'YN'[i >= gone]}" for i in range(40)),
        )  # fmt: skip
        write(
            data, f"products_{month}.csv", "product_id,product_name,status",
            *(f"P{i:02},Fund {i},{'open' if i < gone else 'closed'}" for i in range(20)),
        )  # fmt: skip
        write(
            data, f"contracts_{month}.csv", "contract_id,customer_id,product_id,start_date,end_date",
            *(f"{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02},{'2025-12-10' if i > 60 > gone + 40 else ''}"
              for i in range(80)),
        )  # fmt: skip
    text, sink, questions = loaded(data)
    assert 'user = "Customer"' in text
    assert sink.nodes["Customer"]["consent_marketing"].to_pylist() == [True] * 13 + [False] * 27
    assert sink.nodes["Product"]["status"].to_pylist() == ["open"] * 13 + ["closed"] * 7
    assert sink.edges["HELD"].num_rows == 80
    assert sum(one is not None for one in sink.edges["HELD"]["end_date"].to_pylist()) == 19
    assert "contracts: delivered_on is the day in the name of its file: is that right?" in questions


def test_files_of_months_that_each_have_their_own_rows_get_no_day(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city,consent", *customers())
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    for month in ("2025-11", "2025-12"):
        write(
            data, f"trades_{month}.csv", "trade_id,customer_id,product_id,traded_on",
            *(f"{month}-{i},C{i % 40:03},P{i % 20:02},{month}-{1 + i % 28:02}" for i in range(60)),
        )  # fmt: skip
    _, sink, questions = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 120
    assert not any("delivered_on" in one for one in questions)


def test_a_number_that_is_a_key_of_two_tables_is_of_the_one_that_it_is_called_like(data: Path) -> None:
    write(data, "customers.csv", "id,city,accepts_marketing", *(f"{i},Faro,{i % 2}" for i in range(1, 141)))
    write(data, "products.csv", "id,name,category", *(f"{i},Fund {i},{'AB'[i % 2]} kind" for i in range(101, 125)))
    rows = (f"{i},{1 + i % 140},{101 + i % 24},2024-01-{1 + i % 28:02}" for i in range(1, 301))
    write(data, "subscriptions.csv", "id,customer_id,product_id,created_at", *rows)
    text, sink, _ = loaded(data)
    assert 'product = "Product"' in text
    assert sink.edges["BOUGHT"].num_rows == 300


def test_contracts_with_one_invoice_each_stay_events(data: Path) -> None:
    write(
        data, "Leasingnehmer.csv", "Leasingnehmer-Nr;Ort;Werbeeinwilligung",
        *(f"K-{i};Bonn;{('ja', 'nein')[i % 2]}" for i in range(50)),
    )  # fmt: skip
    write(data, "Leasingobjekte.csv", "Objekt-Nr;Bezeichnung", *(f"OBJ{i};Bagger {i}" for i in range(20)))
    contracts = (f"V{i};K-{i % 50};OBJ{i % 20};01.02.2024;31.12.2028" for i in range(100))
    write(data, "Leasingvertraege.csv", "Vertragsnummer;Leasingnehmer-Nr;Objekt-Nr;Beginn;Vertragsende", *contracts)
    invoices = (f"R{i};V{i};450,00;01.03.2025" for i in range(90))
    write(data, "Rechnungen.csv", "Rechnungsnr;Vertragsnummer;Betrag;Faellig am", *invoices)
    text, sink, _ = loaded(data)
    assert 'user = "Leasingnehmer"' in text
    assert 'until = "Vertragsende"' in text
    assert sink.edges["HELD"].num_rows == 100


def test_who_agreed_is_the_user_whatever_an_account_is_called(data: Path) -> None:
    write(
        data, "entities.csv", "entity_id,entity_type,contact_permission",
        *(f"E{i:03},{('Trust', 'Company')[i % 2]},{('granted', 'withdrawn')[i % 2]}" for i in range(40)),
    )  # fmt: skip
    write(data, "accounts.csv", "account_no,entity_id", *(f"A{i:04},E{i % 40:03}" for i in range(45)))
    write(data, "securities.csv", "isin,security_name", *(f"US{i:010},Bond {i}" for i in range(20)))
    rows = (f"A{i % 45:04},US{i % 20:010},{i + 1},2025-{1 + i // 15:02}-28" for i in range(60))
    write(data, "positions.csv", "account_no,isin,quantity,as_of", *rows)
    text, sink, _ = loaded(data)
    assert 'user = "Entity"' in text
    assert set(sink.edges["HELD"]["source"].to_pylist()) == {f"E{i:03}" for i in range(40)}


def test_notes_of_loans_are_held_and_their_borrowers_have_no_names(data: Path) -> None:
    write(
        data,
        "investors.csv",
        "investor_id,city,newsletter_consent",
        *(f"I{i:03},Tampa,{'YN'[i % 2]}" for i in range(40)),
    )
    write(data, "borrowers.csv", "borrower_id,first_name,last_name", *(f"B{i},Ann {i},Wu {i}" for i in range(20)))
    write(data, "loans.csv", "loan_id,borrower_id,title", *(f"L{i:02},B{i},Car loan {i}" for i in range(20)))
    notes = (
        f"N{i},I{i % 40:03},L{i % 20:02},25.00,{('Current', 'Fully Paid')[i % 8 == 0]},2024-01-01" for i in range(80)
    )
    write(data, "notes.csv", "note_id,investor_id,loan_id,note_amount,note_status,purchase_date", *notes)
    text, sink, questions = loaded(data)
    assert 'relevant = ["HELD"]' in text
    assert 'personal = ["first_name", "last_name"]' in text
    assert any("Fully Paid is over" in one for one in questions)
    assert sink.edges["HELD"].num_rows == 80


def test_folders_of_partitions_are_called_after_the_table(data: Path) -> None:
    for day in ("2025-11-30", "2025-12-31"):
        folder = data / "customers" / f"dt={day}"
        folder.mkdir(parents=True)
        write(folder, "part-0000.csv", "customer_id,city,consent", *customers())
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    write(
        data, "trades.csv", "trade_id,customer_id,product_id", *(f"T{i},C{i % 40:03},P{i % 20:02}" for i in range(60))
    )
    text, sink, _ = loaded(data)
    assert 'customers = "customers/dt=*/part-*.csv"' in text
    assert sink.nodes["Customer"].num_rows == 40


def test_days_as_sas_writes_them(data: Path) -> None:
    write(data, "customer.csv", "CUST_ID,CITY,MKT_CONSENT_FL", *(f"{100 + i},Graz,{i % 2}" for i in range(40)))
    write(data, "product.csv", "PROD_ID,PROD_NM", *(f"P{i},Fonds {i}" for i in range(20)))
    rows = (
        f"{i},{100 + i % 40},P{i % 20},0{1 + i % 9}JAN2024,{('31DEC9999', '30JUN2025')[i % 4 == 0]}" for i in range(80)
    )
    write(data, "contract.csv", "CONTR_ID,CUST_ID,PROD_ID,START_DT,END_DT", *rows)
    text, sink, _ = loaded(data)
    assert 'START_DT = { type = "time", format = "%d%b%Y" }' in text
    assert sorted({one.year for one in sink.edges["HELD"]["END_DT"].to_pylist()}) == [2025, 9999]


def test_a_day_of_sale_beside_one_of_purchase_is_the_end(data: Path) -> None:
    write(
        data,
        "Kunden.csv",
        "Kunden-Nr;Ort;Werbung erlaubt",
        *(f"{1000 + i};Bern;{('Ja', 'Nein')[i % 2]}" for i in range(40)),
    )
    write(data, "Titel.csv", "ISIN;Bezeichnung", *(f"CH{i:010};Aktie {i}" for i in range(20)))
    rows = (f"{1000 + i % 40};CH{i % 20:010};3.2.2024;{'30.6.2025' if i % 9 == 0 else ''}" for i in range(80))
    write(data, "Positionen.csv", "Kunden-Nr;ISIN;Kaufdatum;Verkaufsdatum", *rows)
    text, _, _ = loaded(data)
    assert "[edges.HELD]" in text
    assert 'until = "Verkaufsdatum"' in text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1256", "رقم العميل,الاسم,المدينة\n1,أحمد,الرياض\n2,سارة,جدة\n"),
        ("cp1255", "מספר לקוח,שם,עיר\n1,דוד,תל אביב\n2,משה,חיפה\n"),
        ("cp874", "รหัสลูกค้า,ชื่อ,จังหวัด\n1,สมชาย,กรุงเทพ\n2,สมหญิง,เชียงใหม่\n"),
        ("cp1251", "Номер клиента,Имя,Город\n1,Иван,Москва\n"),
        ("cp1253", "Αριθμός,Όνομα,Πόλη\n1,Γιώργος,Αθήνα\n"),
    ],
)
def test_letters_of_arabic_hebrew_and_thai(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "x.csv").write_text(text, encoding=encoding)
    assert guess_encoding(tmp_path / "x.csv", "x.csv") == encoding


def test_customers_with_a_number_for_each_order_are_their_persons(data: Path) -> None:
    write(
        data, "customers.csv", "customer_id,customer_unique_id,customer_city",
        *(f"c{i:03},u{i % 50:03},{('Recife', 'Natal')[i % 50 % 2]}" for i in range(80)),
    )  # fmt: skip
    write(
        data,
        "orders.csv",
        "order_id,customer_id,order_date",
        *(f"o{i:03},c{i:03},2024-01-{1 + i % 28:02}" for i in range(80)),
    )
    write(data, "products.csv", "product_id,product_category_name", *(f"p{i:02},{'ab'[i % 2]}x" for i in range(20)))
    rows = (f"o{i % 80:03},{1 + i // 80},p{i % 20:02},{10 + i}.50,{3 + i % 5}.10" for i in range(100))
    write(data, "order_items.csv", "order_id,order_item_id,product_id,price,freight_value", *rows)
    text, sink, questions = loaded(data)
    assert 'key = "customer_unique_id"' in text
    assert sink.nodes["Customer"].num_rows == 50
    (bought,) = (table for kind, table in sink.edges.items() if kind in {"BOUGHT", "ORDER_ITEM"})
    assert set(bought["source"].to_pylist()) == {f"u{i:03}" for i in range(50)}
    assert 'weight = "price"' in text, "what the carrier got says nothing of the product"
    assert any("customer_unique_id is the person" in one for one in questions)


def test_positions_that_fall_to_nothing_were_held_until_then(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city,consent", *customers())
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    rows = [f"{day},C{i % 30:03},P{i % 20:02},{0 if i < 15 and day > '2025-12' else i}"
            for day in ("2025-11-30", "2025-12-31") for i in range(1, 41)]  # fmt: skip
    write(data, "positions.csv", "position_date,customer_id,product_id,quantity", *rows)
    _, sink, _ = loaded(data)
    until = sink.edges["HELD"]["held_until"].to_pylist()
    assert (len(until), sum(one is not None for one in until)) == (40, 14)


@pytest.mark.parametrize("is_told", [True, False])
def test_consents_as_bits_of_a_number(data: Path, is_told: bool) -> None:
    write(data, "member.csv", "member_number,branch,preference_mask", *(f"{7000 + i},Main,{i % 8}" for i in range(40)))
    write(data, "product.csv", "product_code,product_name", *(f"P{i:02},Saver {i}" for i in range(20)))
    rows = (f"A{i},{7000 + i % 40},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "contract.csv", "contract_number,member_number,product_code,start_date", *rows)
    if is_told:
        write(data, "preference_bits.csv", "bit,description", "1,marketing consent", "2,paperless", "4,data sharing")
    _, sink, _ = loaded(data)
    member = sink.nodes["Member"]
    if is_told:
        assert member["marketing_consent"].to_pylist() == [i % 2 == 1 for i in range(40)]
        assert "preference_mask" not in member.column_names
    else:
        assert "preference_mask" in member.column_names, "so that a policy asks what it says"


@pytest.mark.parametrize("is_told", [True, False])
def test_consents_as_letters_of_a_text(data: Path, is_told: bool) -> None:
    said = [f"{'YN'[i % 2]}{'YN'[i % 3 == 0]}Y" for i in range(40)]
    write(data, "clients.csv", "client_ref,city,contact_permissions", *(f"C{i:03},York,{said[i]}" for i in range(40)))
    write(data, "products.csv", "product_ref,product_name", *(f"P{i:02},Cover {i}" for i in range(20)))
    rows = (f"A{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "policies.csv", "policy_no,client_ref,product_ref,inception_date", *rows)
    if is_told:
        told = 'clients,contact_permissions,"3 letters: marketing, post, phone"', "clients,city,where they live"
        write(data, "comments.csv", "table,column,comment", *told, "products,product_name,what it is called")
    _, sink, _ = loaded(data)
    client = sink.nodes["Client"]
    if is_told:
        assert client["marketing"].to_pylist() == [i % 2 == 0 for i in range(40)]
        assert client["consent_post"].to_pylist() == [i % 3 != 0 for i in range(40)]
    else:
        assert client["contact_permissions"].to_pylist() == said


def test_attributes_and_values_below_each_other(data: Path) -> None:
    rows = ["entity_type,entity_id,attribute,value,valid_from"]
    for i in range(40):
        rows += [f"customer,C{i:03},city,Oulu,2024-01-01", f"customer,C{i:03},segment,{'ab'[i % 2]}x,2024-01-01"]
        rows += [f"customer,C{i:03},marketing_consent,{('no', 'yes')[(i + k) % 2]},202{3 + k}-01-01" for k in (0, 1)]
    for i in range(20):
        rows += [f"product,P{i:02},name,Fund {i},2024-01-01", f"product,P{i:02},category,invest,2024-01-01"]
        rows += [f"product,P{i:02},on_sale,{('no', 'yes')[i > 2]},2024-01-01"]
    write(data, "attributes.csv", *rows)
    contracts = (f"{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "contracts.csv", "contract_id,customer_id,product_id,opened", *contracts)
    _, sink, _ = loaded(data)
    assert sink.nodes["Customer"]["marketing_consent"].to_pylist() == [i % 2 == 0 for i in range(40)]
    assert sink.nodes["Product"]["on_sale"].to_pylist() == [i > 2 for i in range(20)]
    assert sink.nodes["Product"]["name"].to_pylist()[:2] == ["Fund 0", "Fund 1"]


def test_a_feed_of_events_of_several_types(data: Path) -> None:
    events = []
    for i in range(40):
        user = {"userId": f"u{i:03}", "profile": {"firstName": f"A{i}"}, "plan": ("free", "metal")[i % 2]}
        events.append(("user.created", "2023-01-01", user))
        for year, granted in ((2024, i % 3 == 0), (2025, i % 3 != 0)):
            events.append(("consent.updated", f"{year}-01-01", {"userId": f"u{i:03}", "granted": granted}))
    for i in range(20):
        product = {"productId": f"p{i:02}", "displayName": f"Pot {i}", "isAvailable": i > 2}
        events.append(("product.catalogued", "2023-01-01", product))
    for i in range(80):
        account = {"accountId": f"a{i:03}", "userId": f"u{i % 40:03}", "productId": f"p{i % 20:02}"}
        events.append(("account.opened", "2024-03-01", account))
        events += [("account.closed", "2025-03-01", account)] if i % 8 == 0 else []
    lines = [
        json.dumps({"eventId": f"e{n:04}", "eventType": kind, "occurredAt": f"{day}T10:00:00Z", "payload": payload})
        for n, (kind, day, payload) in enumerate(events)
    ]
    write(data, "events.jsonl", *lines)
    text, sink, _ = loaded(data)
    assert 'user = "User"\nproduct = "Product"' in text
    assert 'personal = ["firstName"]' in text
    user = sink.nodes["User"]
    (consent,) = (one for one in user.column_names if "granted" in one or "consent" in one)
    assert user[consent].to_pylist() == [i % 3 != 0 for i in range(40)]
    assert sink.nodes["Product"]["isAvailable"].to_pylist() == [i > 2 for i in range(20)]
    held = sink.edges["HELD"]
    assert (held.num_rows, sum(held["held_change"].to_pylist())) == (90, 70)


def test_versions_with_a_day_of_their_beginning_alone_are_read(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city", *(f"C{i:03},Ulm" for i in range(40)))
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    rows = (f"C{i % 40:03},{'YN'[i >= 40]},202{i // 40}-01-01" for i in range(80))
    write(data, "consents.csv", "customer_id,consent,valid_from", *rows)
    contracts = (f"{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "contracts.csv", "contract_id,customer_id,product_id,opened", *contracts)
    _, sink, _ = loaded(data)
    assert not any(sink.nodes["Customer"]["consent"].to_pylist())


def test_switches_of_funds_and_contributions(data: Path) -> None:
    write(data, "members.csv", "MemberRef,Town,MarketingOptOut", *(f"M{i:03},Leeds,{'YN'[i % 2]}" for i in range(40)))
    write(data, "funds.csv", "FundCode,FundName", *(f"F{i:03},Equity Fund {i}" for i in range(20)))
    paid = (f"M{i:03},F{i % 20:03},{('Employee', 'Employer')[k % 2]},28/{1 + k:02}/2024,{100 + i}.00,8.50"
            for i in range(40) for k in range(3))  # fmt: skip
    write(data, "contributions.csv", "MemberRef,FundCode,ContributionType,ContributionDate,Amount,Units", *paid)
    moved = (f"SW{i},M{i:03},F{i % 20:03},F{(i + 3) % 20:03},15/08/2024,25.50,20.00" for i in range(30))
    write(
        data, "fund_switches.csv", "SwitchId,MemberRef,FromFundCode,ToFundCode,SwitchDate,UnitsSold,UnitsBought", *moved
    )  # fmt: skip
    text, sink, questions = loaded(data)
    assert "EMPLOYER" not in text, "who paid says not what was done"
    assert "FromFundCode is given up and ToFundCode is taken" in " ".join(questions)
    assert sorted(table.num_rows for table in sink.edges.values() if "key" in table.column_names)[-2:] == [60, 120]
    (switched,) = (table for table in sink.edges.values() if table.num_rows == 60)
    (units,) = (one for one in switched.column_names if one.startswith("signed_"))
    assert sorted(set(switched[units].to_pylist())) == [-25.5, 20.0]


def test_columns_of_a_fixed_width_that_a_file_beside_them_tells(data: Path) -> None:
    def fixed(name: str, fields: dict[str, int], rows: list[list[str]]) -> None:
        write(
            data,
            f"{name}.txt",
            *("".join(c.ljust(n) for c, n in zip(row, fields.values(), strict=True)) for row in rows),
        )
        starts = [1 + sum([*fields.values()][:k]) for k in range(len(fields))]
        told = (f"{field},{first},{length}" for (field, length), first in zip(fields.items(), starts, strict=True))
        write(data, f"{name}_layout.csv", "FIELD,START,LENGTH", *told)

    customers = [[f"{1000 + i:010}", "YORK", "YN"[i % 2]] for i in range(40)]
    fixed("CUSTMAST", {"CUST_NO": 10, "CITY": 8, "MKT_CONSENT": 1}, customers)
    fixed("PRODMAST", {"PROD_CD": 5, "PROD_NAME": 12}, [[f"{300 + i:05}", f"SAVER {i}"] for i in range(20)])
    held = [[f"{i:08}", f"{1000 + i % 40:010}", f"{300 + i % 20:05}", f"202401{1 + i % 28:02}"] for i in range(80)]
    fixed("ACCTMAST", {"ACCT_NO": 8, "CUST_NO": 10, "PROD_CD": 5, "OPEN_DT": 8}, held)
    _, sink, _ = loaded(data)
    assert sink.nodes["Customer"]["MKT_CONSENT"].to_pylist()[:2] == [True, False]
    assert sink.edges["HELD"].num_rows == 80


@pytest.mark.parametrize(
    ("column", "values", "shown", "first"),
    [
        ("ongoing_fee_bps", ("10", "25"), "ongoing_fee_percent", 0.1),
        ("Fee p.a.", ("0.0045", "0.0125"), "Fee_p_a_percent", 0.45),
        ("fee", ("5.00", "7.50"), "fee", 5.0),
    ],
)
def test_fees_say_what_they_are_in(data: Path, column: str, values: tuple[str, str], shown: str, first: float) -> None:
    write(data, "customers.csv", "customer_id,city,consent", *customers())
    write(data, "products.csv", f"product_id,name,{column}", *(f"P{i:02},Fund {i},{values[i % 2]}" for i in range(20)))
    rows = (f"{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "contracts.csv", "contract_id,customer_id,product_id,opened", *rows)
    text, sink, questions = loaded(data)
    assert f'fee = "{shown}"' in text
    assert sink.nodes["Product"][shown].to_pylist()[0] == pytest.approx(first)
    assert ("products: is fee in per cent or an amount? Nothing says so, and lists show no unit" in questions) == (
        column == "fee"
    )


def test_a_consent_in_words_that_nobody_reads_stays_open(data: Path) -> None:
    write(
        data,
        "customers.csv",
        "customer_id,city,zzyx",
        *(f"C{i:03},Ulm,{('qoyt', 'vezzu')[i % 2]}" for i in range(40)),
    )
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    rows = (f"{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "contracts.csv", "contract_id,customer_id,product_id,opened", *rows)
    _, sink, questions = loaded(data)
    customer = sink.nodes["Customer"]
    assert "zzyx" not in customer.column_names, "it could be anything"
    assert customer["consent_undecided"].null_count == 40
    assert any("consent_undecided stays empty, so that a policy gives no lists" in one for one in questions)


def test_a_feed_whose_events_all_join_the_same_things_stays_one(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city,consent", *customers())
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    events = []
    for i in range(120):
        event = {"eventId": f"e{i:03}", "customerId": f"C{i % 40:03}", "productId": f"P{i % 20:02}"}
        done = {"type": "order.executed", "side": ("buy", "sell")[i % 9 == 0], "units": 1 + i % 5, "amount": 10 + i}
        event |= done if i % 2 else {"type": "product.viewed", "screen": "detail", "seconds": i, "device": "ios"}
        events.append(json.dumps(event | {"occurredAt": f"2024-01-{1 + i % 28:02}T10:00:00Z"}))
    write(data, "events.jsonl", *events)
    text, sink, _ = loaded(data)
    assert 'interactions = ["BOUGHT", "VIEWED"]' in text
    assert sink.edges["VIEWED"].num_rows == 60


def test_one_archive_with_a_note_in_it(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city,consent", *customers())
    write(data, "products.csv", "product_id,name", *(f"P{i:02},Fund {i}" for i in range(20)))
    rows = (f"{i},C{i % 40:03},P{i % 20:02},2024-01-{1 + i % 28:02}" for i in range(80))
    write(data, "contracts.csv", "contract_id,customer_id,product_id,opened", *rows)
    with zipfile.ZipFile(data / "export_2025-12-31.zip", "w") as archive:
        for path in sorted(data.glob("*.csv")):
            archive.write(path, f"export/data/{path.name}")
            path.unlink()
        archive.writestr("export/README.txt", "Export of 31.12.2025\n")
        archive.writestr("__MACOSX/export/data/._customers.csv", b"\0\5\x16\7")
    _, sink, _ = loaded(data)
    assert sink.edges["HELD"].num_rows == 80


def test_money_says_how_much_and_pieces_are_no_money(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city,consent_marketing", *customers())
    write(data, "products.csv", "product_id,product_name", *(f"P{i:02},Fund {i}" for i in range(20)))
    write(
        data, "positions.csv", "customer_id,product_id,units,market_value",
        *(f"C{i % 40:03},P{(i * 7 + i // 40) % 20:02},{1 + i % 9},{(1 + i % 9) * 10.5}" for i in range(80)),
    )  # fmt: skip
    write(
        data, "trades.csv", "trade_id,customer_id,product_id,traded_on,side,qty",
        *(f"{i},C{i % 40:03},P{i % 20:02},2025-01-{1 + i % 28:02},{('BUY', 'BUY', 'SELL')[i % 3]},{1 + i % 5}"
          for i in range(120)),
    )  # fmt: skip
    text, _, _ = loaded(data)
    assert 'weight = "market_value"' in text
    assert 'quantity = "signed_qty"' in text
    assert 'weight = "qty"' not in text


def test_a_holding_in_pieces_alone_is_a_quantity(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city,consent_marketing", *customers())
    write(data, "products.csv", "product_id,product_name", *(f"P{i:02},Fund {i}" for i in range(20)))
    write(
        data, "holdings.csv", "customer_id,product_id,units",
        *(f"C{i % 40:03},P{(i * 7 + i // 40) % 20:02},{1 + i % 9}" for i in range(80)),
    )  # fmt: skip
    text, sink, _ = loaded(data)
    assert 'quantity = "units"' in text
    assert 'weight = "units"' not in text
    assert sink.edges["HELD"].num_rows == 80


def test_a_table_beside_the_data_says_what_columns_are_called(data: Path) -> None:
    clients = (f"C{i:03};{i % 2 + 1};{('Ulm', 'Bonn')[i % 2]}" for i in range(40))
    bought = (f"C{i % 40:03};P{i % 12:02};{1 + i % 28:02}.03.2025" for i in range(90))
    write(data, "E01.csv", "E0100101;E0100201;E0100301", *clients)
    write(data, "E02.csv", "E0200101;E0200201", *(f"P{i:02};Fonds {chr(65 + i)}" for i in range(12)))
    write(data, "E03.csv", "E0100101;E0200101;E0300101", *bought)
    write(
        data, "Feldkatalog.csv", "Feld;Bezeichnung;Werte", "E0100101;Kundennummer;",
        "E0100201;Werbeeinwilligung (DSGVO);1 = ja, 2 = nein", "E0100301;Wohnort;", "E0200101;Produktnummer;",
        "E0200201;Produktname;", "E0300101;Kaufdatum;",
    )  # fmt: skip
    text, sink, questions = loaded(data)
    user = re.search(r'^user = "(\w+)"', text, re.MULTILINE)
    assert user is not None
    assert sink.nodes[user[1]]["Werbeeinwilligung"].to_pylist() == [True, False] * 20
    assert "Kaufdatum" in text
    assert any("columns are called as feldkatalog says (E0100101 is Kundennummer" in one for one in questions)


def test_rows_that_say_a_word_in_place_of_a_key_are_left_out(data: Path) -> None:
    keys = [f"{30000000 + 37 * i}" for i in range(20)]
    write(data, "customers.csv", "customer_id,city,consent_marketing", *customers())
    write(data, "securities.csv", "cusip,security_name", *(f"{one},Share {one}" for one in keys))
    held = [f"C{i % 40:03},{keys[i % 20]},{i + 1}.5" for i in range(90)]
    write(data, "positions.csv", "customer_id,cusip,market_value", *held, *(f"C{i:03},CASH,7.0" for i in range(40)))
    _, sink, questions = loaded(data)
    assert sink.edges["HELD"].num_rows == 90
    assert any("40 rows have CASH for cusip" in one for one in questions)


def test_what_lies_in_a_customer_has_not_the_state_of_the_customer(data: Path) -> None:
    rows = [
        {"customer_id": f"C{i:03}", "status": ("active", "closed")[i % 2], "consent_marketing": True,
         "name": f"Ann {i}", "holdings": [{"product_id": f"P{n % 12:02}", "balance": 10.5 + n} for n in (i, i + 5)]}
        for i in range(40)
    ]  # fmt: skip
    (data / "customers.json").write_text(json.dumps(rows), "utf-8")
    write(data, "products.csv", "product_id,product_name", *(f"P{i:02},Fund {chr(65 + i)}" for i in range(12)))
    text, sink, _ = loaded(data)
    assert sink.edges["HELD"].num_rows == 80
    assert "still_held" not in text


def test_a_workbook_a_year_with_a_sheet_a_month(data: Path) -> None:
    import xlsxwriter

    write(data, "customers.csv", "customer_id,city,consent_marketing", *customers())
    write(data, "products.csv", "product_id,product_name", *(f"P{i:02},Fund {chr(65 + i)}" for i in range(12)))
    for year in (2024, 2025):
        with xlsxwriter.Workbook(data / f"trades_{year}.xlsx") as book:
            for month in ("Jan", "Feb", "Mar")[: year - 2022]:
                sheet = book.add_worksheet(f"{month} {year}")
                sheet.write_row(0, 0, ["customer_id", "product_id", "side", "amount"])
                for i in range(30):
                    sheet.write_row(1 + i, 0, [f"C{i:03}", f"P{i % 12:02}", ("buy", "sell")[i % 5 == 0], 10.5 + i])
    text, sink, _ = loaded(data)
    assert sum(table.num_rows for name, table in sink.edges.items() if name in ("BOUGHT", "SOLD")) == 5 * 30
    assert 'sheet = ["Jan *", "Feb *", "Mar *"]' in text
