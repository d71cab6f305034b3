"""Forms in which data sets of research and shops come: moments as programs write them, `::`, plain numbers, lists."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphrec.loading.propose.column_profile import DATES
from graphrec.loading.propose.shapes.headless import names_of
from tests.loading.delivered import loaded, write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("form", [one for one in DATES if "%H" in one])
def test_moments_as_programs_write_them(form: str, data: Path) -> None:
    moments = [datetime(2024, 1 + i % 12, 1 + i % 28, i % 24, i % 60, 9, tzinfo=UTC) for i in range(60)]
    rows = (f'C{i % 12:03},P{i % 7:03},"{moment.strftime(form)}"' for i, moment in enumerate(moments))
    write(data, "orders.csv", "customer_id,product_id,created", *rows)
    _, sink, text = loaded(data)
    assert 'at = "created"' in text
    assert sorted(sink.edges["BOUGHT"]["at"].to_pylist()) == sorted(moments)


def test_two_colons_between_columns_and_bars_within_one(data: Path) -> None:
    genres = ("Drama|Crime", "Comedy", "Crime|Horror")
    write(data, "movies.dat", *(f"{100 + i:05}::Film {i} (19{50 + i})::{genres[i % 3]}" for i in range(30)))
    rows = (f"{1 + i % 25}::{100 + i % 30:05}::{1 + i % 10}::{1_362_062_307 + i * 7_919}" for i in range(200))
    write(data, "ratings.dat", *rows)
    _, sink, text = loaded(data)
    assert sink.nodes["Movie"].num_rows == 30
    assert set(sink.nodes["Kind"]["id"].to_pylist()) == {"Drama", "Crime", "Comedy", "Horror"}
    assert sum(edges.num_rows for kind, edges in sink.edges.items() if kind.startswith("RATED")) == 200
    assert 'weight = "rating"' in text


def test_numbers_with_a_space_between(data: Path) -> None:
    write(data, "ratings_data.txt", *(f"{1 + i % 25} {900 + i % 30} {1 + i % 5}" for i in range(200)))
    (data / "about.txt").write_text("In 2011 we asked 25 people.\nTheir 900 answers are in the other file.\n")
    questions, sink, _ = loaded(data)
    assert sum(edges.num_rows for kind, edges in sink.edges.items() if kind.startswith("RATED")) == 200
    assert "about.txt is no table and was left out" in questions


@pytest.mark.parametrize("gap", ["NA", "None", "?"])
def test_gaps_among_keys_that_are_numbers(gap: str, data: Path) -> None:
    rows = (f"{gap if i % 4 == 0 else 5 + i % 20},{800 + i % 9},2016-05-{1 + i % 28:02}" for i in range(120))
    write(data, "views.csv", "user_id,item_id,event_date", *rows)
    _, sink, _ = loaded(data)
    assert sink.nodes["User"].num_rows == 15
    assert gap not in sink.nodes["User"]["id"].to_pylist()


def test_what_is_a_gap_among_numbers_is_a_country_among_words(data: Path) -> None:
    rows = (f"{'NA' if i % 4 == 0 else 5 + i % 20},{800 + i % 9},{'NA' if i % 2 else 'ZA'}" for i in range(120))
    write(data, "views.csv", "user_id,item_id,country", *rows)
    _, _, text = loaded(data)
    assert "nullstr" not in text


def test_two_files_of_the_same_products_are_one(data: Path) -> None:
    write(data, "categories.csv", "item_id,category", *(f"{800 + i},{'abc'[i % 3]}" for i in range(24)))
    write(data, "products.csv", "item_id;price;tokens", *(f"{800 + i};{10 + i};{i},{i + 1},{i + 2}" for i in range(24)))
    write(
        data, "sales.csv", "user_id,item_id,date", *(f"{i % 20},{800 + i % 24},2024-02-{1 + i % 28}" for i in range(90))
    )
    questions, sink, _ = loaded(data)
    assert set(sink.nodes) - {"Category"} == {"Product", "User"}
    assert sink.nodes["Product"]["price"].to_pylist() == [10 + i for i in range(24)]
    assert "products: category come from categories by item_id: is that right?" in questions


def test_products_like_one_are_no_products_of_their_own(data: Path) -> None:
    books = (
        {"book_id": str(500 + i), "title": f"Book {i}", "similar_books": [str(500 + (i + 3) % 20)],
         "shelves": [{"count": "2", "name": ("love", "war")[i % 2]}, {"count": "1", "name": "to read"}]}
        for i in range(20)
    )  # fmt: skip
    (data / "books.json").write_text("".join(json.dumps(one) + "\n" for one in books))
    rows = ({"user_id": f"u{i % 12}", "book_id": str(500 + i % 20), "rating": 3 + i % 3} for i in range(100))
    (data / "ratings.json").write_text("".join(json.dumps(one) + "\n" for one in rows))
    _, sink, text = loaded(data)
    assert 'product = "Book"' in text
    assert set(sink.nodes["Shelve"]["id"].to_pylist()) == {"love", "war", "to read"}


def test_what_was_not_authorised_was_not_bought(data: Path) -> None:
    rows = (f"C{i % 12:02},M{i % 9:02},2024-03-{1 + i % 28:02},{'N' if i % 10 == 0 else 'Y'}" for i in range(100))
    write(data, "transactions.csv", "card_id,merchant_id,purchase_date,authorized_flag", *rows)
    questions, sink, _ = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 90
    assert any("a no for authorized_flag were not carried out" in one for one in questions)


def test_what_every_row_of_a_place_says_is_no_action(data: Path) -> None:
    kinds, places = ("Gym", "Bar", "Park"), [hashlib.md5(bytes([i])).hexdigest()[:24] for i in range(12)]
    moments = (f"Tue Apr 03 {i % 24:02}:{i % 60:02}:09 +0000 2012" for i in range(150))
    rows = (f"{1 + i % 25}\t{places[i % 12]}\t{kinds[i % 3]}\t{moment}" for i, moment in enumerate(moments))
    write(data, "checkins.txt", *rows)
    _, sink, _ = loaded(data)
    assert [one for one in sink.edges if not one.startswith("HAS_")] == ["CHECKIN"]
    assert sink.edges["CHECKIN"].num_rows == 150


def test_the_first_of_whole_numbers_is_of_whom_a_row_is() -> None:
    rows = [[str(7 ** (1 + i % 7)), f"2014-04-0{1 + i % 9}T10:51:09.277Z", str(214_536_500 + i)] for i in range(20)]
    assert names_of(rows) == ["id", "date", "id_2"]


def test_the_number_0_stays_where_letters_stand_before_others(data: Path) -> None:
    write(data, "customers.csv", "customer,name", *(f"C{i},N {i}" for i in range(30)))
    write(
        data, "sales.csv", "customer,product_id,date", *(f"{i % 30},P{i % 6},2024-02-{1 + i % 28}" for i in range(120))
    )
    _, sink, _ = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 120


def test_numbers_that_some_rows_lack_are_no_key(data: Path) -> None:
    write(data, "customers.csv", "customer_id,name", *(f"C{i:02},N {i}" for i in range(20)))
    rows = (f"{'NULL' if i % 50 == 9 else i},C{i % 20:02},P{i % 9},2024-01-{1 + i % 28:02}" for i in range(150))
    write(data, "trades.csv", "id,customer_id,product_id,date", *rows)
    _, sink, text = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 150
    assert '"id" AS "id_given"' in text


@pytest.mark.parametrize("odd", ["{}", "{0}", "{a}"])
def test_braces_in_cells_and_heads(odd: str, data: Path) -> None:
    write(
        data, "customers.csv", f"customer_id,name,consents,{odd}", *(f"C{i:02},N {i},{odd}|mail,{i}" for i in range(20))
    )
    kinds = (odd, "bond")
    write(data, "products.csv", f"product_id,name,{odd}", *(f"P{i},Fund {i},{kinds[i % 2]}" for i in range(9)))
    rows = (f"C{i % 20:02},P{i % 9},2024-01-{1 + i % 28:02},{('buy', odd)[i % 2]}" for i in range(150))
    write(data, "trades.csv", f"customer_id,product_id,{odd},event", *rows)
    _, sink, _ = loaded(data)
    assert sink.nodes["Product"].num_rows == 9


def test_those_who_lend_in_one_cell(data: Path) -> None:
    write(data, "lenders.csv", "PERMANENT_NAME,CITY", *(f"skylar{i},{('Oslo', 'Bergen')[i % 2]}" for i in range(40)))
    write(data, "loans.csv", "LOAN_ID,SECTOR,LOAN_AMOUNT", *(f"{6573 + i},{'ABC'[i % 3]},{i % 40}" for i in range(30)))
    cells = (", ".join(f"skylar{(i * 7 + n) % 40}" for n in range(1 + i % 5)) for i in range(30))
    write(data, "loans_lenders.csv", "LOAN_ID,LENDERS", *(f'{6573 + i},"{cell}"' for i, cell in enumerate(cells)))
    _, sink, text = loaded(data)
    assert 'user = "Lender"' in text
    (edges,) = (edges for kind, edges in sink.edges.items() if not kind.startswith("HAS_"))
    assert edges.num_rows == sum(1 + i % 5 for i in range(30))
