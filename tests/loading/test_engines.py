"""Files as engines of data write them: parts, Delta tables, full files beside changes, stars of tables."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.errors import SourceError
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.sources.delta_log import live
from tests.loading.delivered import loaded, write

CUSTOMERS = [f"K{i:03},{'Ulm' if i % 2 else 'Jena'},{'Y' if i % 3 else 'N'}" for i in range(24)]
PRODUCTS = [f"X{i:02},Alpha Fund {i},fund" for i in range(12)]
DEALS = [f"D{i:03},K{i % 24:03},X{i % 12:02},2025-01-{1 + i % 28:02}" for i in range(60)]


def part(folder: Path, name: str, head: str, lines: list[str]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    columns = zip(*(line.split(",") for line in lines), strict=True)
    pq.write_table(pa.table(dict(zip(head.split(","), map(list, columns), strict=True))), folder / name)
    return name


def commit(folder: Path, version: int, *actions: dict[str, dict[str, str]]) -> None:
    (folder / "_delta_log").mkdir(exist_ok=True)
    write(folder / "_delta_log", f"{version:020}.json", *map(json.dumps, actions))


def test_parts_of_a_delta_table_are_one_table_without_what_its_log_removed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    old = part(data / "customers", "part-00000-3f0c-c000.snappy.parquet", "customer_id,city,consent", CUSTOMERS)
    new = [line.replace(",N", ",Y") for line in CUSTOMERS]
    now = part(data / "customers", "part-00000-a41b-c000.snappy.parquet", "customer_id,city,consent", new)
    commit(data / "customers", 0, {"add": {"path": old}})
    commit(data / "customers", 1, {"remove": {"path": old}}, {"add": {"path": now}})
    part(data / "products", "1b4e28ba-2fa1-11d2-883f-0016d3cca427.parquet", "product_id,product_name,kind", PRODUCTS)
    for place, some in enumerate((DEALS[:30], DEALS[30:])):
        part(
            data / "deals",
            f"part-0000{place}-77{place}e-c000.snappy.parquet",
            "deal_id,customer_id,product_id,day",
            some,
        )
    (data / "deals" / "_SUCCESS").write_text("")
    _, sink, text = loaded(data)
    assert {row["consent"] for row in sink.nodes["Customer"].to_pylist()} == {True}
    assert sink.edges["DEAL"].num_rows == len(DEALS)
    assert "_delta_log" not in text


def test_a_log_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / part(tmp_path, "a.parquet", "a,b", ["1,2"])
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "_delta_log" / f"{0:020}.json").write_text("{")
    with pytest.raises(SourceError, match="_delta_log cannot be read"):
        live([file])


def test_a_checkpoint_counts_for_the_commits_before_it(tmp_path: Path) -> None:
    files = [tmp_path / part(tmp_path, f"{name}.parquet", "a,b", ["1,2"]) for name in "abc"]
    commit(tmp_path, 0, {"add": {"path": "a.parquet"}})
    pq.write_table(
        pa.table({"add": [{"path": "b.parquet"}, None]}), tmp_path / "_delta_log" / f"{1:020}.checkpoint.parquet"
    )
    commit(tmp_path, 2, {"add": {"path": "c.parquet"}})
    assert [path.name for path in live(files)] == ["b.parquet", "c.parquet"]


def test_changes_are_read_over_the_file_that_has_everything(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    write(data, "customers_full_20261101.csv", "customer_id,city,consent", *CUSTOMERS[:20])
    changed = [f"U,{CUSTOMERS[1].replace(',Y', ',N')}", f"D,{CUSTOMERS[2]}", *(f"I,{one}" for one in CUSTOMERS[20:])]
    write(data, "customers_delta_20261115.csv", "OP,customer_id,city,consent", *changed)
    write(data, "products.csv", "product_id,product_name,kind", *PRODUCTS)
    write(data, "deals_full_20261101.csv", "deal_id,customer_id,product_id,day", *DEALS[:50])
    write(
        data, "deals_delta_20261115.csv", "OP,deal_id,customer_id,product_id,day", *(f"I,{one}" for one in DEALS[50:])
    )
    questions, sink, _ = loaded(data)
    people = {row["id"]: row for row in sink.nodes["Customer"].to_pylist()}
    assert people["K001"]["consent"] is False
    assert people.keys() == {line[:4] for line in CUSTOMERS} - {"K002"}
    assert any("has 26 changes (OP) of 24 customer_id" in one for one in questions)


def test_accounts_that_name_their_product_and_whose_holders_a_bridge_names(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    write(data, "dim_customer.csv", "CUSTOMER_NO,TOWN,CONSENT", *CUSTOMERS)
    write(data, "dim_product.csv", "PRODUCT_CODE,PRODUCT_NAME,PRODUCT_GROUP", *PRODUCTS)
    accounts = [f"A{i:04},X{i % 12:02},2025-01-{1 + i % 28:02},{100 + i}" for i in range(48)]
    write(data, "fact_account.csv", "ACCOUNT_NO,PRODUCT_CODE,OPEN_DATE,BALANCE", *accounts)
    holders = [f"A{i:04},K{i % 24:03},PRIMARY" for i in range(48)] + ["A0000,K005,JOINT", "A0001,K006,ATTORNEY"]
    write(data, "bridge_account_customer.csv", "ACCOUNT_NO,CUSTOMER_NO,HOLDER_ROLE", *holders)
    _, sink, text = loaded(data)
    assert 'product = "Product"' in text
    pairs = {(row["source"], row["target"]) for row in sink.edges["HELD"].to_pylist()}
    assert ("K005", "X00") in pairs
    assert ("K006", "X01") not in pairs


def test_names_that_end_with_a_number_are_no_keys(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    things = [
        {"product_id": f"P{i:03}", "product_name": f"Fund {i % 8 + 1} {i // 8}", "fees": [{"x": 1}]} for i in range(32)
    ]
    (data / "products.json").write_text(json.dumps(things))
    write(data, "customers.csv", "customer_id,city,consent", *CUSTOMERS)
    deals = [f"D{i:03},K{i % 24:03},P{i % 32:03},2025-01-{1 + i % 28:02}" for i in range(60)]
    write(data, "deals.csv", "deal_id,customer_id,product_id,day", *deals)
    _, sink, _ = loaded(data)
    assert sink.nodes["Product"]["id"].to_pylist() == [f"P{i:03}" for i in range(32)]
    (deals_of,) = (edges for kind, edges in sink.edges.items() if not kind.startswith("HAS_"))
    assert deals_of.num_rows == 60


def test_a_table_of_changes_alone_is_read_as_before(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    write(data, "customers.csv", "customer_id,city,consent,OP", *(f"{one}," for one in CUSTOMERS[:20]), "K020,Ulm,Y,I")
    write(data, "products.csv", "product_id,product_name,kind", *PRODUCTS)
    write(data, "deals.csv", "deal_id,customer_id,product_id,day", *DEALS[:20])
    questions = write_draft(tmp_path / "my.toml", data).questions
    assert not any("changes (OP)" in one for one in questions)
