"""Folders as data sets and plain databases have them: lists that lack things, names in small letters, debits, words."""

from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.words import is_identifier, words
from tests.loading.delivered import loaded, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def trades(data: Path, head: str = "trade_id,customer_id,product_id,amount,trade_date") -> None:
    rows = (f"{900 + i},{100 + i % 30},{700 + i * 7 % 20},{50 + i},2024-01-{1 + i % 28:02}" for i in range(120))
    write(data, "trades.csv", head, *rows)


def test_a_catalogue_of_what_is_sold_and_the_customers_of_today(data: Path) -> None:
    trades(data)
    rows = (f"{100 + i},N {i},{'YN'[i % 3 == 0]}" for i in range(21))
    write(data, "customers.csv", "customer_id,name,marketing_consent", *rows)
    write(
        data,
        "products.csv",
        "product_id,product_name,risk_class",
        *(f"{700 + i},Fund {i},{1 + i % 5}" for i in range(12)),
    )
    questions, sink, text = loaded(data)
    people, products = sink.nodes["Customer"], sink.nodes["Product"]
    assert dict(zip(people["id"].to_pylist(), people["is_current"].to_pylist(), strict=True)) == {
        str(100 + i): i < 21 for i in range(30)
    }
    assert dict(zip(products["id"].to_pylist(), products["listed"].to_pylist(), strict=True)) == {
        str(700 + i): i < 12 for i in range(20)
    }
    assert people["marketing_consent"].to_pylist().count(None) == 9
    assert sink.edges["BOUGHT"].num_rows == 120
    asked = "products: 8 different product_id of trades are not in it and have nothing but their key; listed tells"
    assert any(one.startswith(asked) for one in questions)
    assert "is not used" not in text


@pytest.mark.parametrize(("there", "kept"), [(18, 18), (17, 20), (12, 20)])
def test_few_that_are_not_there_are_slips(there: int, kept: int, data: Path) -> None:
    trades(data)
    write(data, "customers.csv", "customer_id,name", *(f"{100 + i},N {i}" for i in range(30)))
    write(data, "products.csv", "product_id,product_name", *(f"{700 + i},Fund {i}" for i in range(there)))
    path, sink = data.parent / "my.toml", MemorySink()
    write_draft(path, data)
    report = run_load(load_mapping(path), data, sink, max_rejected=999)
    assert sink.nodes["Product"].num_rows == kept
    assert report.edges["BOUGHT"].rejected == 6 * (20 - kept)


def test_what_few_customers_were_asked_says_nothing_of_the_others(data: Path) -> None:
    trades(data, "trade_id,household_key,product_id,amount,trade_date")
    write(
        data, "survey.csv", "age_group,household_key", *(f"{'young' if i % 2 else 'old'},{100 + i}" for i in range(12))
    )
    write(data, "products.csv", "product_id,product_name", *(f"{700 + i},Fund {i}" for i in range(20)))
    _, sink, text = loaded(data)
    assert sink.edges["HAS_AGE_GROUP"].num_rows == 12
    assert sink.nodes["Survey"].num_rows == 30
    assert "is_current" not in text


def test_a_list_of_other_things_with_the_same_numbers_is_no_list_of_these(data: Path) -> None:
    trades(data)
    write(data, "customers.csv", "customer_id,name", *(f"{100 + i},N {i}" for i in range(30)))
    write(data, "products.csv", "product_id,product_name", *(f"{718 + i},Fund {i}" for i in range(12)))
    questions, _, _ = loaded(data)
    assert "nodes.Product: no file describes them; is there one with names and texts?" in questions


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("visitorid", ["visitor", "id"]),
        ("productid", ["product", "id"]),
        ("categoryid", ["category", "id"]),
        ("accountno", ["account", "number"]),
        ("kundenid", ["customer", "id"]),
    ],
)
def test_identifiers_written_together(column: str, expected: list[str]) -> None:
    assert (words(column), is_identifier(column)) == (expected, True)


@pytest.mark.parametrize("word", ["valid", "paid", "grid", "liquid", "hybrid", "statement", "kundenstamm", "category"])
def test_words_that_only_end_so_are_whole(word: str) -> None:
    assert words(word) == [word]
    assert not is_identifier(word)


def test_a_plain_database_in_small_letters(data: Path) -> None:
    rows = (
        f"{1511544070 + 9999 * i},{40 + i % 30},{'view' if i % 4 else 'transaction'},{700 + i * 7 % 20}"
        for i in range(120)
    )
    write(data, "events.csv", "timestamp,visitorid,event,itemid", *rows)
    write(data, "items.csv", "itemid,itemname,categoryid", *(f"{700 + i},Fund {i},{3 + i % 4}" for i in range(20)))
    _, sink, text = loaded(data)
    assert 'user = "Visitor"' in text
    assert {name: edges.num_rows for name, edges in sink.edges.items()} == {"BOUGHT": 30, "VIEWED": 90}


def test_purchases_that_are_all_debits_are_no_returns(data: Path) -> None:
    rows = (f"{900 + i},C{i % 30:02},P{i * 7 % 20:02},-{50 + i}.00,2024-01-{1 + i % 28:02}" for i in range(120))
    write(data, "trades.csv", "trade_id,customer_id,product_id,amount,trade_date", *rows)
    _, sink, text = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 120
    assert "RETURNED" not in text
    assert "weight = " not in text


def test_one_product_twice_a_day_where_products_have_names_alone(data: Path) -> None:
    rows = (
        f"K{i % 9},Fund {i * 7 % 4},{'Buy' if i % 4 else 'Sell'},{50 + i},2024-01-{1 + i % 2:02}" for i in range(120)
    )
    write(data, "trades.csv", "client_ref,product_name,direction,amount,trade_day", *rows)
    _, sink, _ = loaded(data)
    assert {name: edges.num_rows for name, edges in sink.edges.items()} == {"BOUGHT": 90, "SOLD": 30}


def test_true_and_false_as_databases_write_them(data: Path) -> None:
    trades(data)
    rows = (f"{100 + i},N {i},{'tf'[i % 3 == 0]},F" for i in range(30))
    write(data, "customers.csv", "customer_id,name,marketingconsent,sex", *rows)
    write(data, "products.csv", "product_id,product_name", *(f"{700 + i},Fund {i}" for i in range(20)))
    _, sink, _ = loaded(data)
    assert sink.nodes["Customer"]["marketingconsent"].to_pylist().count(True) == 20
    assert set(sink.nodes["Customer"]["sex"].to_pylist()) == {"F"}
