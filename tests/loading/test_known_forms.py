"""Forms in which data are published and shops deliver them: orders with items, reviews beside a catalogue, ratings."""

import json
from pathlib import Path

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft
from tests.loading.delivered import write


def loaded(folder: Path) -> tuple[str, str, MemorySink]:
    """The labels of users and products, and what is loaded by the proposal."""
    path, sink = folder.parent / "my.toml", MemorySink()
    write_draft(path, folder)
    mapping = load_mapping(path)
    report = run_load(mapping, folder, sink)
    assert sum(count.rejected for count in (*report.nodes.values(), *report.edges.values())) == 0, path.read_text()
    return mapping.roles.user, mapping.roles.product, sink


def test_reviews_in_json_beside_a_catalogue_with_lists(data: Path) -> None:
    with (data / "meta_Software.jsonl").open("w") as stream:
        for i in range(20):
            one = {"title": f"Tax program {i}", "features": ["fast", "safe"][: i % 3], "rating_number": 7 * i,
                   "store": ("Intuit", "TaxAct")[i % 2],
                   "details": {"Brand": "ABC"[i % 3]}, "parent_asin": f"B{i:04}"}  # fmt: skip
            stream.write(json.dumps(one) + "\n")
    with (data / "Software.jsonl").open("w") as stream:
        for i in range(120):
            one = {"rating": float(1 + i * i % 7 % 5), "title": f"Review {i % 40}", "asin": f"B{i * 7 % 20:04}",
                   "images": [], "parent_asin": f"B{i * 7 % 20:04}", "user_id": f"U{i % 15:03}",
                   "timestamp": 1588687728923 + i * 10**7}  # fmt: skip
            stream.write(json.dumps(one) + "\n")
    user, product, sink = loaded(data)
    assert (user, product) == ("User", "MetaSoftware")
    assert set(sink.edges) >= {"RATED", "RATED_LOW", "HAS_FEATURE", "HAS_STORE", "HAS_BRAND"}
    assert (sink.nodes[user].num_rows, sink.nodes[product].num_rows) == (15, 20)


def test_a_catalogue_with_several_kinds_in_a_text_beside_its_numbers_elsewhere(data: Path) -> None:
    kinds = ("Comedy|Drama", "Action|Sci-Fi", "Drama", "Comedy|Action|Drama")
    write(data, "links.csv", "movieId,imdbId,tmdbId", *(f"{i},{114709 + i:07},{862 + i}" for i in range(1, 41)))
    write(data, "movies.csv", "movieId,title,genres", *(f"{i},Movie {i} (1995),{kinds[i % 4]}" for i in range(1, 41)))
    rows = (f"{1 + i % 20},{1 + i * 7 % 40},{(0.5, 3.5, 4.0, 5.0)[i % 4]},{1147880044 + i * 1000}" for i in range(160))
    write(data, "ratings.csv", "userId,movieId,rating,timestamp", *rows)
    user, product, sink = loaded(data)
    assert (user, product) == ("User", "Movie")
    assert sorted(sink.nodes["Genre"]["id"].to_pylist()) == ["Action", "Comedy", "Drama", "Sci-Fi"]
    of_first = [one["target"] for one in sink.edges["HAS_GENRE"].to_pylist() if one["source"] == "1"]
    assert sorted(of_first) == ["Action", "Sci-Fi"]


def test_a_name_with_a_comma_is_one_value(data: Path) -> None:
    write(
        data,
        "customers.csv",
        "customer_id,branch",
        *(f'C{i:02},"Ulm, {("Mitte", "Ost")[i % 2]}"' for i in range(20)),
    )
    write(data, "products.csv", "product_id,name", *(f"P{i},Fund {i}" for i in range(9)))
    write(data, "orders.csv", "order_id,customer_id,product_id", *(f"O{i},C{i % 20:02},P{i % 9}" for i in range(60)))
    _, _, sink = loaded(data)
    assert sorted(sink.nodes["Branch"]["id"].to_pylist()) == ["Ulm, Mitte", "Ulm, Ost"]


def orders(folder: Path, *, head: str, customer: str) -> None:
    """Orders with two items each, of 15 customers."""
    write(
        folder,
        "shop_products_dataset.csv",
        "product_id,product_type_name",
        *(f"P{i:02},{('A', 'B')[i % 2]} wear" for i in range(20)),
    )
    rows = (
        f"O{i:03},{customer.format(i % 15)},{('done', 'canceled')[i % 10 == 9]},2024-0{1 + i % 9}-05" for i in range(60)
    )
    write(folder, "shop_orders_dataset.csv", f"order_id,{head},order_status,ordered_at", *rows)
    items = (f"O{i // 2:03},{1 + i % 2},P{(i * i + i // 7) % 20:02},2024-0{1 + i % 9}-09,9.90" for i in range(120))
    write(folder, "shop_order_items_dataset.csv", "order_id,item_no,product_id,shipping_limit,price", *items)
    write(folder, "shop_payments_dataset.csv", "order_id,payment_type", *(f"O{i:03},card" for i in range(60)))


def test_items_get_the_customer_the_day_and_the_state_of_their_order(data: Path) -> None:
    orders(data, head="customer_id", customer="C{:02}")
    write(
        data,
        "shop_customers_dataset.csv",
        "customer_id,city",
        *(f"C{i:02},{('Ulm', 'Bonn')[i % 2]}" for i in range(15)),
    )
    user, product, sink = loaded(data)
    assert (user, product) == ("ShopCustomer", "ShopProduct")
    bought = sink.edges["BOUGHT"].to_pylist()
    assert len(bought) == 108
    assert {str(one["at"])[8:10] for one in bought} == {"05"}
    assert sorted(sink.nodes["ProductType"]["id"].to_pylist()) == ["A wear", "B wear"]


def test_customers_that_no_file_describes_are_those_of_the_orders(data: Path) -> None:
    orders(data, head="user_id", customer="{}")
    user, product, sink = loaded(data)
    assert (user, product) == ("User", "ShopProduct")
    assert sink.nodes[user].num_rows == 15
    assert sink.edges["BOUGHT"].num_rows == 108


def test_versions_of_customers_do_not_stop_what_stands_in_every_row(data: Path) -> None:
    head = "customer_sk,customer_id,adviser_id,adviser_desk,valid_from,valid_to"
    rows = [
        f"{i},C{i % 30:02},A{i % 6},{'ABC'[i % 3]},20{20 + i // 30}-01-01,{2021 + i // 30}-01-01" for i in range(60)
    ]
    write(data, "dim_customer.csv", head, *rows)
    write(data, "products.csv", "product_id,name", *(f"P{i},Fund {i}" for i in range(9)))
    write(data, "orders.csv", "order_id,customer_sk,product_id", *(f"O{i},{i},P{i % 9}" for i in range(60)))
    user, _, sink = loaded(data)
    assert sink.nodes[user].num_rows == 30


def test_orders_that_name_products_by_their_ticker_get_the_key_of_positions(data: Path) -> None:
    tickers = ["ABX", "BCY", "CDZ", "DEW", "EFV", "FGU", "GHT", "HIS"]
    write(data, "instruments.csv", "ISIN,Ticker,Name", *(f"US{i:010},{one},Share {i}" for i, one in enumerate(tickers)))
    write(data, "clients.csv", "ClientId,City", *(f"{500 + i},{('Ulm', 'Bonn')[i % 2]}" for i in range(20)))
    rows = (f"O{i:03},{500 + i % 20},{tickers[i % 7]},{('BUY', 'SELL')[i % 9 == 8]},{1 + i}" for i in range(80))
    write(data, "orders.csv", "OrderID,ClientId,Ticker,Side,Qty", *rows)
    rows = (f"{500 + i % 20},US{(i + i // 20) % 8:010},{1 + i}" for i in range(60))
    write(data, "positions.csv", "ClientId,ISIN,Quantity", *rows)
    user, product, sink = loaded(data)
    assert (user, product) == ("Client", "Instrument")
    assert "Ticker" not in sink.nodes
    bought = sink.edges["BOUGHT"].to_pylist()
    assert (len(bought), {one["target"] for one in bought}) == (80, {f"US{i:010}" for i in range(7)})
