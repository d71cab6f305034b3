"""Rows that are versions, sides or ghosts of customers: warehouses, files of consents, deleted and test rows."""

import json
from pathlib import Path

import pytest

from graphrec.errors import RejectedRows
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from tests.loading.delivered import loaded, write


def bank(folder: Path, customers: int = 20, *, head: str = "", cells: str = "") -> None:
    """Customers, products and holdings of a small bank."""
    write(
        folder,
        "customers.csv",
        f"customer_id,city{head}",
        *(f"C{i:03},{('Ulm', 'Bonn')[i % 2]}{cells}" for i in range(customers)),
    )
    write(folder, "products.csv", "product_id,name", *(f"P{i},Fund {i}" for i in range(8)))
    rows = (f"H{i},C{i % customers:03},P{i % 8},2024-0{1 + i % 9}-05" for i in range(2 * customers))
    write(folder, "holdings.csv", "holding_id,customer_id,product_id,opened_on", *rows)


def delivery(folder: Path, day: str, consents: str) -> None:
    rows = [f"C{number:03},{('Ulm', 'Bonn')[number % 2]},{yes}" for number, yes in enumerate(consents)]
    write(folder, f"customers_{day}.csv", "customer_id,city,marketing_consent", *rows)


def test_the_next_delivery_of_customers_takes_the_place_of_the_one_before(data: Path) -> None:
    bank(data)
    (data / "customers.csv").unlink()
    delivery(data, "20260930", "Y" * 20)
    questions, sink, text = loaded(data)
    assert 'customers = { path = "customers_[0-9]*.csv", newest = true }' in text
    assert "customers_[0-9]*.csv: of later deliveries the newest alone is read (newest): is that right?" in questions
    mapping = data.parent / "later.toml"
    mapping.write_text(text, "utf-8")
    delivery(data, "20261031", "Y" * 10 + "N" * 10)
    sink = MemorySink()
    run_load(load_mapping(mapping), data, sink)
    said = {one["id"]: one["marketing_consent"] for one in sink.nodes["Customer"].to_pylist()}
    assert said == {f"C{number:03}": number < 10 for number in range(20)}
    mapping.write_text(text.replace(", newest = true", ""), "utf-8")
    with pytest.raises(RejectedRows) as error:
        run_load(load_mapping(mapping), data, MemorySink())
    told = str(error.value)
    assert "is there twice (where each file of customers_[0-9]*.csv has all that there is, write newest = true" in told
    assert "later.toml line 9: source.files.customers); 40 rows rejected" in told


def test_of_two_deliveries_that_differ_in_one_row_the_latest_is_read(data: Path) -> None:
    bank(data, 40)
    (data / "customers.csv").unlink()
    delivery(data, "20260930", "Y" * 40)
    delivery(data, "20261031", "Y" * 39 + "N")
    _, sink, _ = loaded(data)
    said = {one["id"]: one["marketing_consent"] for one in sink.nodes["Customer"].to_pylist()}
    assert said == {f"C{number:03}": number < 39 for number in range(40)}


def test_a_dimension_gives_the_last_version_under_the_lasting_key(data: Path) -> None:
    head = "customer_sk,customer_id,city,marketing_consent,valid_from,valid_to,is_current"
    old = [f"{100 + i},C{i:03},Ulm,Y,2020-01-01,2023-01-01,N" for i in range(5)]
    now = [f"{200 + i},C{i:03},Bonn,{'YN'[i % 2]},{2023 if i < 5 else 2020}-01-01,9999-12-31,Y" for i in range(20)]
    write(data, "dim_customer.csv", head, *now, *old)
    write(data, "dim_product.csv", "product_sk,product_code,name", *(f"{i},P{i},Fund {i}" for i in range(8)))
    facts = [f"{i},{100 + i if i < 5 else 200 + i % 20},{i % 8},{i + 1}" for i in range(40)]
    write(data, "fact_holding.csv", "holding_sk,customer_sk,product_sk,balance", *facts)
    questions, sink, _ = loaded(data)
    customers = sink.nodes["Customer"].to_pylist()
    assert sorted(one["id"] for one in customers) == [f"C{i:03}" for i in range(20)]
    assert {one["marketing_consent"] for one in customers if one["id"] in ("C001", "C003")} == {False}
    assert {one["city"] for one in customers} == {"Bonn"}
    held = {one["source"] for one in sink.edges["HELD"].to_pylist()}
    assert held == {f"C{i:03}" for i in range(20)}
    assert (
        "dim_customer: has 25 versions of 20 customer_id, and the last one of each is read: is that right?" in questions
    )


def test_who_has_no_version_that_holds_now_says_so(data: Path) -> None:
    head = "customer_id,city,valid_from,valid_to"
    rows = [f"C{i:03},Ulm,2020-01-01,2021-01-01" for i in range(10)]
    rows += [f"C{i:03},Bonn,2021-01-01,{'2022-01-01' if i == 3 else ''}" for i in range(20)]
    write(data, "customers.csv", head, *rows)
    bank(data.parent / "data", 20)
    write(data, "customers.csv", head, *rows)
    _, sink, _ = loaded(data)
    said = {one["id"]: one["is_current"] for one in sink.nodes["Customer"].to_pylist()}
    assert [one for one, current in said.items() if current is False] == ["C003"]


def test_contracts_with_a_begin_and_an_end_are_no_versions(data: Path) -> None:
    bank(data)
    rows = [f"H{i},C{i % 20:03},P{i % 8},20{15 + i // 20}-03-01,20{20 + i // 20}-05-01" for i in range(40)]
    write(data, "holdings.csv", "holding_id,customer_id,product_id,valid_from,valid_to", *rows)
    _, sink, _ = loaded(data)
    assert sink.edges["HELD"].num_rows == 40


def test_consents_of_a_history_by_purpose_become_columns_of_customers(data: Path) -> None:
    bank(data)
    head = "customer_id,purpose,status,valid_from,valid_to"
    rows = [f"C{i:03},advertising,{'granted' if i % 3 else 'revoked'},2023-01-01,9999-12-31" for i in range(20)]
    rows += [f"C{i:03},advertising,granted,2020-01-01,2023-01-01" for i in range(6)]
    rows += [f"C{i:03},statistics,granted,2020-01-01,9999-12-31" for i in range(20)]
    write(data, "consent_history.csv", head, *reversed(rows))
    questions, sink, _ = loaded(data)
    said = {one["id"]: one["consent_advertising"] for one in sink.nodes["Customer"].to_pylist()}
    assert [one for one, text in said.items() if text == "revoked"] == [f"C{i:03}" for i in range(0, 20, 3)]
    assert any("come from consent_history by customer_id, the last by valid_from" in one for one in questions)
    assert not [label for label in sink.nodes if "consent" in label.lower() or "agrees" in label.lower()]


@pytest.mark.slow
@pytest.mark.parametrize("answers", [("concedido", "revogado"), ("qoyt", "vezzu")])
def test_an_answer_is_kept_as_it_is_written_and_no_row_is_a_yes_by_itself(data: Path, answers: tuple[str, str]) -> None:
    bank(data)
    rows = [f"C{i:03},marketing,2023-01-{1 + i:02},{answers[i % 2]}" for i in range(20)]
    rows += [f"C{i:03},statistics,2023-02-{1 + i:02},{answers[0]}" for i in range(20)]
    write(data, "consents.csv", "customer_id,purpose,date,situacao", *rows)
    _, sink, _ = loaded(data)
    said = {one["id"]: one["consent_marketing"] for one in sink.nodes["Customer"].to_pylist()}
    assert said == {f"C{i:03}": answers[i % 2] for i in range(20)}


@pytest.mark.slow
def test_how_a_consent_came_is_no_answer(data: Path) -> None:
    bank(data)
    rows = [f"C{i:03},2023-01-{1 + i:02},{('Lobby', 'Kiosk')[i % 2]}" for i in range(0, 20, 2)]
    write(data, "consents.csv", "customer_id,date,source", *rows)
    _, sink, _ = loaded(data)
    said = {one["id"]: one["consent"] for one in sink.nodes["Customer"].to_pylist()}
    assert said == {f"C{i:03}": True if i % 2 == 0 else None for i in range(20)}


def test_a_consent_that_is_over_is_none(data: Path) -> None:
    bank(data)
    rows = [f"C{i:03},granted,2023-01-01,{'2023-06-01' if i == 4 else '9999-12-31'}" for i in range(20)]
    write(
        data,
        "consents.csv",
        "customer_id,status,valid_from,valid_to",
        *rows[:-1],
        rows[-1].replace("2023-01", "2024-01"),
    )
    _, sink, _ = loaded(data)
    said = {one["id"]: one["consent"] for one in sink.nodes["Customer"].to_pylist()}
    assert [one for one, text in said.items() if text is None] == ["C004"]


def test_consents_in_lists_of_json_become_columns_of_customers(data: Path) -> None:
    bank(data)
    (data / "customers.csv").unlink()
    with (data / "customers.jsonl").open("w") as stream:
        for i in range(20):
            consents = [{"type": one, "granted": bool(i % 2)} for one in ("marketing", "analytics")]
            birth = {"dateOfBirth": f"1970-01-{1 + i:02}", "score": 1 + i % 4}
            stream.write(json.dumps({"customer_id": f"C{i:03}", "profile": birth, "consents": consents}) + "\n")
    _, sink, text = loaded(data)
    said = {one["id"]: one["consent_marketing"] for one in sink.nodes["Customer"].to_pylist()}
    assert sum(said.values()) == 10
    assert "CONSENT]" not in text


@pytest.mark.slow
def test_what_lies_in_consents_keeps_their_name(data: Path) -> None:
    bank(data)
    (data / "customers.csv").unlink()
    with (data / "customers.jsonl").open("w") as stream:
        for i in range(20):
            row = {"customer_id": f"C{i:03}", "home": {"city": "Ulm"}, "persetujuan": {"promosi": i % 2 == 0}}
            stream.write(json.dumps(row) + "\n")
    _, sink, _ = loaded(data)
    assert sink.nodes["Customer"]["persetujuan_promosi"].to_pylist() == [i % 2 == 0 for i in range(20)]
    assert "city" in sink.nodes["Customer"].column_names


def test_a_questionnaire_of_its_own_gives_the_latest_class(data: Path) -> None:
    bank(data)
    rows = [f"Q{i:03},C{i % 20:03},{1 + i % 5 if i < 20 else 2},2024-0{1 + i // 20}-10" for i in range(30)]
    write(data, "questionnaires.csv", "questionnaire_id,customer_id,risk_profile,assessed_on", *rows)
    _, sink, _ = loaded(data)
    said = {one["id"]: one for one in sink.nodes["Customer"].to_pylist()}
    assert {said[f"C{i:03}"]["risk_profile"] for i in range(10)} == {2}
    assert str(said["C001"]["assessed_on"])[:7] == "2024-02"


@pytest.mark.parametrize(
    ("column", "yes", "no"),
    [
        ("is_deleted", "true", "false"),
        ("LOEKZ", "X", ""),
        ("is_test_user", "1", "0"),
        ("deleted_at", "2025-01-01", ""),
    ],
)
def test_rows_that_are_marked_are_left_out_with_what_is_theirs(data: Path, column: str, yes: str, no: str) -> None:
    bank(data)
    rows = (f"C{i:03},{('Ulm', 'Bonn')[i % 2]},{yes if i in (3, 7) else no}" for i in range(20))
    write(data, "customers.csv", f"customer_id,city,{column}", *rows)
    questions, sink, _ = loaded(data)
    assert {"C003", "C007"}.isdisjoint(one["id"] for one in sink.nodes["Customer"].to_pylist())
    assert sink.nodes["Customer"].num_rows == 18
    assert {"C003", "C007"}.isdisjoint(one["source"] for one in sink.edges["HELD"].to_pylist())
    assert sink.edges["HELD"].num_rows == 36
    assert (
        f"customers: 2 rows are marked by {column} and are left out, with what is theirs: is that right?" in questions
    )


def test_a_product_that_is_marked_stays_for_a_rule(data: Path) -> None:
    bank(data)
    write(data, "products.csv", "product_id,name,is_deleted", *(f"P{i},Fund {i},{int(i == 2)}" for i in range(8)))
    _, sink, _ = loaded(data)
    assert sink.nodes["Product"].num_rows == 8
    assert sink.edges["HELD"].num_rows == 40


def test_an_order_is_what_its_side_says(data: Path) -> None:
    bank(data)
    (data / "holdings.csv").unlink()
    rows = [
        f"E{i},C{i % 20:03},P{i % 8},order.executed,{'buy' if i % 5 else 'sell'},2024-01-0{1 + i % 9}"
        for i in range(40)
    ]
    rows += [f"V{i},C{i % 20:03},P{i % 8},instrument.viewed,,2024-02-0{1 + i % 9}" for i in range(40)]
    write(data, "events.csv", "event_id,customer_id,product_id,type,side,at_day", *rows)
    questions, sink, text = loaded(data)
    assert "VIEWED" in sink.edges
    assert 'interactions = ["BOUGHT", "VIEWED", "SOLD"]' in text or '"SOLD"' in text
    assert sink.edges["SOLD"].num_rows == 8
    assert sink.edges["BOUGHT"].num_rows == 32
    assert "events: what type order.executed is, side says (buy, sell): is that right?" in questions


def test_a_list_of_consents_says_yes_until_they_are_taken_back(data: Path) -> None:
    bank(data)
    rows = [f"C{i:03},{one},2024-01-02,{'2024-05-01' if i == 4 else ''}" for i in range(15) for one in ("email", "sms")]
    write(data, "consents.csv", "customer_id,channel,given_at,revoked_at", *rows)
    _, sink, _ = loaded(data)
    said = {one["id"]: one["consent_email"] for one in sink.nodes["Customer"].to_pylist()}
    assert [one for one, yes in said.items() if yes is None] == ["C004", *(f"C{i:03}" for i in range(15, 20))]
    assert said["C003"] is True


def test_what_rules_ask_of_customers_is_no_trait_that_people_share(data: Path) -> None:
    bank(data, head=",pep,SanctionsHit,Gesperrt", cells=",N,no,nein")
    rows = (data / "customers.csv").read_text().replace("C004,Ulm,N,no,nein", "C004,Ulm,Y,yes,ja")
    (data / "customers.csv").write_text(rows.replace("C005,Bonn,N,no,nein", "C005,Bonn,Y,yes,ja"))
    _, sink, _ = loaded(data)
    assert set(sink.nodes) == {"Customer", "Product", "City"}
    assert {"pep", "SanctionsHit", "Gesperrt"} <= set(sink.nodes["Customer"].column_names)
