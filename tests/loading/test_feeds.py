"""What databases and platforms send: feeds of changes, data vaults, documents of MongoDB, fields of Salesforce."""

import datetime
import hashlib
import json
from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.looks import actions_in
from tests.loading.delivered import write

PRODUCTS = [f"P{i},Fund {i},Bonds" for i in range(8)]


def documents(folder: Path, file: str, rows: list[object]) -> None:
    write(folder, file, *(json.dumps(row) for row in rows))


def loaded(folder: Path) -> tuple[list[str], MemorySink]:
    """What a draft asks, and what a load by it makes; no row is rejected."""
    path, sink = folder.parent / "my.toml", MemorySink()
    questions = write_draft(path, folder).questions
    report = run_load(load_mapping(path), folder, sink)
    assert sum(count.rejected for count in (*report.nodes.values(), *report.edges.values())) == 0
    return questions, sink


def change(op: str, at: int, before: object, after: object) -> dict[str, object]:
    return {"before": before, "after": after, "op": op, "ts_ms": 1_700_000_000_000 + at, "source": {"lsn": at}}


def test_a_feed_of_changes_gives_the_last_state_and_leaves_out_what_is_gone(data: Path) -> None:
    new = [{"id": 500 + i, "full_name": f"Nora {i}", "marketing_consent": True} for i in range(20)]
    changes = [change("r", i, None, row) for i, row in enumerate(new)]
    changes += [change("u", 100, new[1], new[1] | {"marketing_consent": False}), change("d", 101, new[2], None)]
    documents(data, "core.public.customers.jsonl", [changes[-1], *changes[:-1]])
    products = [{"id": 10 + i, "name": f"Fund {i}"} for i in range(8)]
    documents(data, "core.public.products.jsonl", [change("c", i, None, row) for i, row in enumerate(products)])
    held = [
        {"id": i, "customer_id": 500 + i % 20, "product_id": 10 + i % 8, "opened_on": 19_000 + i, "closed_on": None}
        for i in range(40)
    ]
    feed = [change("c", i, None, row) for i, row in enumerate(held)]
    feed += [change("u", 90 + i, row, row | {"closed_on": 19_800}) for i, row in enumerate(held[:4])]
    documents(data, "core.public.holdings.jsonl", feed)
    questions, sink = loaded(data)
    customers = {one["id"]: one["marketing_consent"] for one in sink.nodes["Customer"].to_pylist()}
    assert len(customers) == 19
    assert "502" not in customers
    assert [customers["501"], customers["503"]] == [False, True]
    rows = {one["key"]: one for one in sink.edges["HELD"].to_pylist()}
    assert len(rows) == 38, "those of the customer who is gone are gone too"
    assert rows["0"]["at"].date() == datetime.date(2022, 1, 8)
    assert sum(row["closed_on"] is not None for row in rows.values()) == 3
    assert any("has 22 changes (__op) of 20 id" in one for one in questions)


def test_letters_of_changes_in_a_text_mark_what_was_deleted(data: Path) -> None:
    rows = [f"I,2024-01-01 00:00:{i:02},C{i:03},Ulm" for i in range(20)]
    rows += ["U,2024-02-01 00:00:00,C001,Bonn", "D,2024-02-01 00:00:01,C002,Ulm"]
    write(data, "customers.csv", "CDC_OPERATION,COMMIT_TS,CUSTOMER_ID,CITY", *rows)
    write(data, "products.csv", "product_id,name,kind", *PRODUCTS)
    write(
        data, "holdings.csv", "holding_id,customer_id,product_id,opened_on",
        *(f"H{i},C{i % 20:03},P{i % 8},2024-03-05" for i in range(40)),
    )  # fmt: skip
    _, sink = loaded(data)
    cities = {one["id"]: one["CITY"] for one in sink.nodes["Customer"].to_pylist()}
    assert len(cities) == 19
    assert cities["C001"] == "Bonn"


def test_debits_and_credits_are_no_changes(data: Path) -> None:
    write(data, "customers.csv", "customer_id,city", *(f"C{i:03},Ulm" for i in range(20)))
    write(data, "products.csv", "product_id,name,kind", *PRODUCTS)
    rows = [f"T{i},C{i % 20:03},P{i % 8},{'CD'[i % 2]},2024-03-05,{i + 1}" for i in range(60)]
    write(data, "bookings.csv", "booking_id,customer_id,product_id,operation,booked_on,amount", *rows)
    questions, _ = loaded(data)
    assert not any("changes" in one for one in questions)


def digest(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_a_data_vault_becomes_customers_products_and_dealings_under_their_business_keys(data: Path) -> None:
    customers, products = [f"K{i:03}" for i in range(20)], [f"PRD{i}" for i in range(8)]
    at, later = "2023-01-01 02:00:00", "2024-06-01 02:00:00"
    hub = "load_dts,record_source"
    write(data, "hub_customer.csv", f"hk_customer,customer_bk,{hub}", *(f"{digest(c)},{c},{at},X" for c in customers))
    write(data, "hub_product.csv", f"hk_product,product_bk,{hub}", *(f"{digest(p)},{p},{at},X" for p in products))
    said = [f"{digest(c)},{at},{digest(c + '1')},X,{'YN'[i % 2]},Ulm" for i, c in enumerate(customers)]
    said += [f"{digest(c)},{later},{digest(c + '2')},X,N,Bonn" for c in customers[:5]]
    write(data, "sat_customer.csv", "hk_customer,load_dts,hash_diff,record_source,marketing_consent,city", *said)
    named = [f"{digest(p)},{at},{digest(p + '1')},X,Fund {i}" for i, p in enumerate(products)]
    write(data, "sat_product.csv", "hk_product,load_dts,hash_diff,record_source,product_name", *named)
    pairs = [(c, p) for i, c in enumerate(customers) for p in (products[i % 8], products[(i + 3) % 8])]
    link = [f"{digest(c + p)},{digest(c)},{digest(p)},V{i:04},{at},X" for i, (c, p) in enumerate(pairs)]
    write(data, "link_contract.csv", f"hk_contract,hk_customer,hk_product,contract_bk,{hub}", *link)
    days = [f"{digest(c + p)},{at},{digest(c + p + '1')},X,2022-03-0{1 + i % 9}" for i, (c, p) in enumerate(pairs)]
    write(data, "sat_contract.csv", "hk_contract,load_dts,hash_diff,record_source,opened_on", *days)
    _, sink = loaded(data)
    found = {one["id"]: one for one in sink.nodes["Customer"].to_pylist()}
    assert sorted(found) == customers
    assert {found[c]["city"] for c in customers[:5]} == {"Bonn"}
    assert [found[c]["marketing_consent"] for c in ("K000", "K006", "K007")] == [False, True, False]
    assert {one["product_name"] for one in sink.nodes["Product"].to_pylist()} == {f"Fund {i}" for i in range(8)}
    rows = sink.edges["HELD"].to_pylist()
    assert {(one["source"], one["target"]) for one in rows} == set(pairs)
    assert {one["at"].year for one in rows} == {2022}


def test_documents_of_mongodb_have_their_ids_and_types(data: Path) -> None:
    oid = lambda kind, i: {"$oid": f"{kind:08x}{i:016x}"}  # noqa: E731
    users = [{"_id": oid(1, i), "email": f"u{i}@x.example", "marketing": i % 2 == 0} for i in range(20)]
    documents(data, "users.json", users)
    products = [
        {"_id": oid(2, i), "title": {"en": f"Vault {i}", "de": f"Topf {i}"}, "slug": f"v-{i}"} for i in range(8)
    ]
    documents(data, "products.json", products)
    held = [
        {
            "_id": oid(3, i), "userId": oid(1, i % 20), "productId": oid(2, i % 8),
            "state": ("active", "cancelled")[i % 4 == 0],
            "startedAt": {"$date": {"$numberLong": str(1_650_000_000_000 + i)}},
            "cancelledAt": {"$date": "2025-01-05T00:00:00Z"} if i % 4 == 0 else None,
        }
        for i in range(40)
    ]  # fmt: skip
    documents(data, "subscriptions.json", held)
    _, sink = loaded(data)
    assert sink.nodes["User"]["id"].to_pylist()[0] == f"{1:08x}{0:016x}"
    assert {one["title_en"] for one in sink.nodes["Product"].to_pylist()} == {f"Vault {i}" for i in range(8)}
    rows = sink.edges["BOUGHT"].to_pylist()
    assert len(rows) == 40, "what was cancelled was there until then"
    assert sum(one["cancelledAt"] is not None for one in rows) == 10
    assert {one["at"].year for one in rows} == {2022}


def test_fields_of_salesforce_are_read_without_the_package_that_brought_them(data: Path) -> None:
    head = "Id,IsDeleted,Name,PersonMailingPostalCode,PersonHasOptedOutOfEmail,FinServ__RiskTolerance__c"
    people = [f"0015g{i:010}AAA,false,Person {i},{70000 + i},{str(i % 2 == 0).lower()},Moderate" for i in range(20)]
    write(data, "Account.csv", head, *people)
    write(data, "Product2.csv", "Id,Name,Family", *(f"01t5g{i:010}AAA,Fund {i},Bonds" for i in range(8)))
    rows = [f"a0B5g{i:010}AAA,0015g{i % 20:010}AAA,01t5g{i % 8:010}AAA,2024-03-05" for i in range(40)]
    head = "Id,FinServ__PrimaryOwner__c,Product2__c,FinServ__OpenDate__c"
    write(data, "FinServ__FinancialAccount__c.csv", head, *rows)
    _, sink = loaded(data)
    first = sink.nodes["Account"].to_pylist()[0]
    assert first["id"] == "0015g0000000000AAA"
    assert first["RiskTolerance"] == "Moderate"
    assert sink.edges["HELD"].num_rows == 40


@pytest.mark.slow
def test_lines_of_orders_whose_customer_is_gone_take_no_time_from_the_others(data: Path) -> None:
    people = [f"0015g{i:010}AAA,{str(i == 7).lower()},Person {i},false" for i in range(20)]
    write(data, "Account.csv", "Id,IsDeleted,Name,PersonHasOptedOutOfEmail", *people)
    write(data, "Product2.csv", "Id,Name,Family", *(f"01t5g{i:010}AAA,Fund {i},Bonds" for i in range(8)))
    orders = [f"0065g{i:010}AAA,0015g{i % 20:010}AAA,Closed Won,2024-0{1 + i % 9}-05" for i in range(40)]
    write(data, "Opportunity.csv", "Id,AccountId,StageName,CloseDate", *orders)
    lines = [f"00k5g{i:010}AAA,0065g{i:010}AAA,01t5g{i % 8:010}AAA,1" for i in range(40)]
    write(data, "OpportunityLineItem.csv", "Id,OpportunityId,Product2Id,Quantity", *lines)
    _, sink = loaded(data)
    (edges,) = (one for kind, one in sink.edges.items() if not kind.startswith("HAS_"))
    assert edges.num_rows == 38
    assert {moment.month for moment in edges["at"].to_pylist()} == set(range(1, 10))


def test_codes_of_registrars_and_answers_to_offers_say_what_people_did() -> None:
    def types(*values: str) -> list[str | None]:
        return [action and action.type for action in actions_in(values).values()]

    assert types("P", "R", "SI", "SO") == ["BOUGHT", "SOLD", "BOUGHT", "SOLD"]
    assert types("accepted", "declined", "redeemed") == ["ACCEPTED", "REJECTED", "ACCEPTED"]
    assert types("purchase", "redeemed") == ["BOUGHT", "SOLD"]
