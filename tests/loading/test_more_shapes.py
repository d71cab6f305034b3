"""Workbooks that people read too, events that undo others, and names in two columns."""

import json
from pathlib import Path

import pytest

from graphrec.loading.propose.concepts import CLOSED, OPEN, in_order, is_attitude, told
from graphrec.loading.propose.shapes.copybook import columns_in
from graphrec.loading.propose.shapes.states import meaning
from tests.loading.delivered import loaded, write

EPOCH = 1_700_000_000_000
"""In milliseconds."""
PRODUCTS = [f"P{i},Fund {i},{1 + i % 3}" for i in range(6)]


def customers(data: Path) -> None:
    write(data, "customers.csv", "customer_id,first_name,last_name,consent", *(f"{i},Ann{i},Ng,Y" for i in range(20)))


def test_cells_merged_over_rows_are_in_each_and_sums_between_are_none(tmp_path: Path) -> None:
    import xlsxwriter

    (data := tmp_path / "data").mkdir()
    book = xlsxwriter.Workbook(data / "overview.xlsx")
    sheet = book.add_worksheet("Deals")
    sheet.write_row(0, 0, ("Customer ID", "Town", "Product ID", "Day", "Amount"))
    line = 1
    for customer in range(20):
        sheet.merge_range(line, 0, line + 1, 0, f"C{customer:02}")
        sheet.merge_range(line, 1, line + 1, 1, "Ulm")
        for place in range(2):
            sheet.write_row(line + place, 2, (f"P{(customer + 2 * place) % 6}", f"2025-01-{1 + customer:02}", 10))
        sheet.write_row(line + 2, 0, (f"Subtotal C{customer:02}", None, None, None, 20))
        line += 3
    book.close()
    write(data, "products.csv", "Product ID,Product Name,Risk", *PRODUCTS)
    questions, sink, _ = loaded(data)
    kind = next(kind for kind, rows in sink.edges.items() if rows.num_rows == 40)
    assert {row["source"] for row in sink.edges[kind].to_pylist()} == {f"C{i:02}" for i in range(20)}
    assert any("20 rows are sums and are left out" in one for one in questions)


def test_a_cross_in_a_column_called_as_a_product_is_a_holding(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    customers(data)
    write(data, "products.csv", "product_name,kind", *(f"Fund {i},fund" for i in range(6)))
    heads = ",".join(f"Fund {i}" for i in range(6))
    held = (",".join("X" if (i + j) % 3 == 0 else "" for j in range(6)) for i in range(20))
    write(data, "matrix.csv", f"customer_id,{heads}", *(f"{i},{row}" for i, row in enumerate(held)))
    _, sink, _ = loaded(data)
    assert sum(rows.num_rows for kind, rows in sink.edges.items() if not kind.startswith("HAS_")) == 40


def test_both_names_of_a_customer_are_the_name(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    customers(data)
    write(data, "products.csv", "product_id,product_name,risk", *PRODUCTS)
    write(
        data, "deals.csv", "deal_id,customer_id,product_id,day", *(f"D{i},{i},P{i % 6},2025-01-02" for i in range(20))
    )
    _, sink, text = loaded(data)
    assert 'name = "whole_name"' in text
    assert '"whole_name", "first_name"' in text  # personal too
    assert "Ann3 Ng" in sink.nodes["Customer"]["whole_name"].to_pylist()


def test_events_that_undo_others(tmp_path: Path) -> None:
    """Orders cancelled, accounts closed, consents taken back and given again."""
    events: list[dict[str, object]] = []
    for i in range(30):
        user = f"u{i:02}"
        props = {"state": "NY", "dob": f"1980-01-{1 + i % 28:02}", "riskTolerance": 1 + i % 5}
        events.append({"type": "account_created", "userId": user, "ts": EPOCH + 60_000 * (10 * i), "props": props})
        for place, said in enumerate(("granted", "withdrawn", "granted")[: 1 + i % 3]):
            at = {
                "type": f"consent_{said}",
                "userId": user,
                "ts": EPOCH + 60_000 * (1000 + 10 * i + place),
                "props": {"purpose": "marketing"},
            }
            events.append(at)
        order = {"orderId": f"o{i:02}", "symbol": f"S{i % 6}X", "side": "BUY", "qty": 1}
        events.append({"type": "order_placed", "userId": user, "ts": EPOCH + 60_000 * (2000 + i), "props": order})
        if i < 10:
            events.append(
                {
                    "type": "order_cancelled",
                    "userId": user,
                    "ts": EPOCH + 60_000 * (3000 + i),
                    "props": {"orderId": f"o{i:02}"},
                }
            )
        if i >= 25:
            events.append(
                {
                    "type": "account_closed",
                    "userId": user,
                    "ts": EPOCH + 60_000 * (4000 + i),
                    "props": {"reason": f"other {i}"},
                }
            )
    (data := tmp_path / "data").mkdir()
    write(data, "events.jsonl", *(json.dumps(one | {"eventId": f"e{n:04}"}) for n, one in enumerate(events)))
    products = [{"symbol": f"S{i}X", "displayName": f"Stock {i}", "riskScore": 1 + i % 5} for i in range(6)]
    (data / "instruments.json").write_text(json.dumps(products))
    questions, sink, _ = loaded(data)
    assert any("order_cancelled has by orderId never was" in one for one in questions)
    people = next(rows for label, rows in sink.nodes.items() if rows.num_rows == 30)
    found = {row["id"]: row for row in people.to_pylist()}
    assert {one for one, row in found.items() if row["blocked_account_closed"]} == {f"u{i}" for i in range(25, 30)}
    agreed = {one for one, row in found.items() if told(str(row["consent"]), {"granted"}, {"withdrawn"})}
    assert agreed == {f"u{i:02}" for i in range(30) if i % 3 != 1}
    bought = next(rows for kind, rows in sink.edges.items() if "ORDER" in kind or kind == "BOUGHT")
    assert {row["source"] for row in bought.to_pylist()} == {f"u{i:02}" for i in range(10, 30)}


@pytest.mark.parametrize(
    ("text", "state"),
    [("Аннулирован", "never held"), ("Закрыт", "over"), ("Încetat", "over"), ("În vigoare", "held"), ("Z9", None)],
)
def test_what_became_of_a_contract(text: str, state: str | None) -> None:
    assert meaning(text) == state


def test_steps_between_two_words() -> None:
    russian = ["низкий", "ниже среднего", "средний", "выше среднего", "высокий"]
    assert [text for _, text in in_order(reversed(russian)) or ()] == russian
    italian = ["Prudente", "Moderato", "Bilanciato", "Dinamico", "Aggressivo"]
    assert [text for _, text in in_order(sorted(italian)) or ()] == italian
    assert is_attitude(italian)
    assert not is_attitude(["Basic", "Silver", "Gold"])


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("Снят с продажи", False),
        ("В продаже", True),
        ("Descontinuado", False),
        ("Vigente", True),
        ("Nu disponibil", False),
    ],
)
def test_what_is_sold(text: str, is_open: bool) -> None:
    assert told(text, OPEN, CLOSED) is is_open


def test_texts_of_a_fixed_width_are_cut_as_their_copybook_says(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    head = ["      * LAYOUT OF CUSTOMERS", "       01  CUST-RECORD."]
    fields = (
        "CM-CUST-NO PIC 9(04)",
        "CM-SURNAME PIC X(08)",
        "CM-CITY PIC X(05)",
        "CM-CONSENT-IND PIC X",
        "FILLER PIC X(2)",
    )
    write(data, "CUSTMAST.cpy", *head, *(f"           05  {one}." for one in fields))
    cities = ("ULM", "JENA")
    write(data, "CUSTMAST.dat", *(f"{i + 1000}NG{i:<6}{cities[i % 2]:<5}{'YN'[i % 3 == 0]}  " for i in range(30)))
    write(data, "products.csv", "product_id,product_name,risk", *PRODUCTS)
    write(
        data,
        "deals.csv",
        "deal_id,cust_no,product_id,day",
        *(f"D{i},{i + 1000},P{i % 6},2025-01-02" for i in range(30)),
    )
    _, sink, text = loaded(data)
    assert "CUST-NO = [1, 4], SURNAME = [5, 12], CITY = [13, 17], CONSENT-IND = [18, 18]" in text
    people = next(rows for rows in sink.nodes.values() if rows.num_rows == 30)
    assert people["CITY"].to_pylist()[:2] == ["ULM", "JENA"]


def test_a_copybook_of_packed_numbers_cuts_no_text() -> None:
    assert columns_in("01 R. 05 A-NO PIC 9(4). 05 A-SUM PIC S9(7)V99 COMP-3.") == {}


def test_copybooks_say_places_again_and_several_times() -> None:
    text = (
        "01 R. 05 A-NO PIC 9(4). 05 A-TEXT REDEFINES A-NO. 10 A-X PIC X(2). 05 A-FLAG PIC X OCCURS 2. 05 A-Z PIC S9(2)."
    )
    assert columns_in(text) == {"NO": [1, 4], "FLAG-1": [5, 5], "FLAG-2": [6, 6], "Z": [7, 8]}


def test_who_wrote_stop_wants_nothing_until_start(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    people = (f"M{i:02},Ann {i},2547{i:08},1980-01-{1 + i % 28:02}" for i in range(30))
    write(data, "members.csv", "member_no,name,MSISDN,dob", *people)
    stops = [f"2025-01-01 10:00:00,2547{i:08},STOP" for i in range(8)]
    starts = [f"2025-02-01 10:00:00,2547{i:08},START" for i in range(3)]
    write(data, "sms_optout_log.csv", "Timestamp,MSISDN,Keyword", *stops, *starts)
    write(data, "products.csv", "product_id,product_name,risk", *PRODUCTS)
    write(
        data, "deals.csv", "deal_id,member_no,product_id,day", *(f"D{i},M{i:02},P{i % 6},2025-01-02" for i in range(30))
    )
    _, sink, _ = loaded(data)
    found = {row["id"] for row in sink.nodes["Member"].to_pylist() if row["sms_optout_log"]}
    assert found == {f"M{i:02}" for i in range(3, 8)}


def test_customers_of_another_branch_under_other_names_are_asked_about(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    for number, head in enumerate(("customer_id,city,consent", "CLIENT_NO,TOWN,MARKETING_OK")):
        write(data, f"branch{'ab'[number]}_people.csv", head, *(f"{number}{i:03},Ulm,{'YN'[i % 2]}" for i in range(20)))
    write(data, "products.csv", "product_id,product_name,risk", *PRODUCTS)
    for number, key in enumerate(("customer_id", "CLIENT_NO")):
        deals = (f"D{number}{i},{number}{i:03},P{i % 6},2025-01-02" for i in range(20))
        write(data, f"deals_{'ab'[number]}.csv", f"deal_id,{key},product_id,day", *deals)
    questions, _, _ = loaded(data)
    assert sum("looks like customers too" in one for one in questions) == 1


def test_years_of_birth_of_two_digits_are_of_the_calendar_of_the_days_beside_them(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    people = (f"A{i:03},{60 + i % 30}/0{1 + i % 9}/11,1{10 + i % 4}/03/02,Y" for i in range(30))
    write(data, "customers.csv", "customer_id,出生年月日,開戶日,consent", *people)
    write(data, "products.csv", "product_id,product_name,min_age", *(f"P{i},Fund {i},{20 + i}" for i in range(6)))
    write(
        data,
        "deals.csv",
        "deal_id,customer_id,product_id,day",
        *(f"D{i},A{i:03},P{i % 6},2025-01-02" for i in range(30)),
    )
    _, sink, text = loaded(data)
    assert sink.nodes["Customer"]["birth_year"].to_pylist()[:2] == [1971, 1972]
    assert "whole_name" not in text
