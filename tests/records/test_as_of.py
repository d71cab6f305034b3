"""The past cannot see the future: what is planted after a date changes no byte of any answer as of that date."""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.records.blocks import canonical
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.training.fit import TrainOptions, train
from tests.served import export_lists

CUT = datetime(2024, 7, 1, tzinfo=UTC)
FIRST = date(2024, 1, 1)
USERS, PRODUCTS = 30, 9

MAPPING = """
[source]
name = "dated"
[source.files]
customers = "customers.csv"
products = "products.csv"
trades = "trades.csv"
views = "views.csv"
news = "news.csv"
prices = "prices.csv"
held_out = "held_out.csv"

[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT", "VIEWED"]
weights = { BOUGHT = 1.0, VIEWED = 0.2 }
relevant = ["BOUGHT"]
min_group = 1
metapaths = ["BOUGHT <BOUGHT BOUGHT", "VIEWED", "BOUGHT <MENTIONS MENTIONS"]

[nodes.Customer]
key = "customer"
sql = "SELECT DISTINCT customer FROM customers"

[nodes.Product]
key = "product"
text = ["name"]
sql = "SELECT product, name FROM products"

[nodes.News]
key = "news"
text = ["headline"]
known_at = "published"
sql = "SELECT news, headline, published FROM news"

[edges.MENTIONS]
from = "News.news"
to = "Product.product"
known_at = "published"
sql = "SELECT news, product, published FROM news"

[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
key = "trade"
at = "traded"
known_at = "booked"
sql = "SELECT trade, customer, product, traded, booked FROM trades"

[edges.VIEWED]
from = "Customer.customer"
to = "Product.product"
at = "viewed"
sql = "SELECT customer, product, viewed FROM views"

[series.price]
of = "Product.product"
at = "day"
values = ["close"]
sql = "SELECT product, day, close FROM prices"
"""
SPLIT = """
[split]
test = "SELECT customer, product FROM held_out"
"""
HEADS = {
    "customers": "customer",
    "products": "product,name",
    "trades": "trade,customer,product,traded,booked",
    "views": "customer,product,viewed",
    "news": "news,product,headline,published",
    "prices": "product,day,close",
    "held_out": "customer,product",
}


@dataclass
class Bank:
    """The rows of every file."""

    rows: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in HEADS})

    def write(self, folder: Path) -> None:
        folder.mkdir()
        for name, head in HEADS.items():
            (folder / f"{name}.csv").write_text("\n".join([head, *self.rows[name]]) + "\n", "utf-8")


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def known_bank(rng: np.random.Generator) -> Bank:
    """What is known before the cut: two tastes, news about products, a year of prices."""
    bank = Bank()
    bank.rows["customers"] = [f"C{n:02}" for n in range(USERS)]
    bank.rows["products"] = [f"P{n},{('green', 'gold', 'grey')[n % 3]} fund {n}" for n in range(PRODUCTS)]
    for n in range(USERS):
        for place, product in enumerate(rng.permutation(PRODUCTS)[:4]):
            traded = int(rng.integers(0, 150))
            bank.rows["trades"].append(f"T{n:02}-{place},C{n:02},P{product},{day(traded)},{day(traded + 2)}")
        bank.rows["views"].append(f"C{n:02},P{rng.integers(PRODUCTS)},{day(int(rng.integers(0, 150)))}")
        bank.rows["held_out"].append(bank.rows["trades"][-1].split(",")[1] + "," + f"P{product}")
    bank.rows["news"] = [f"N{n},P{n % PRODUCTS},green gold {n},{day(10 * n)}" for n in range(12)]
    for n in range(PRODUCTS):
        bank.rows["prices"] += [f"P{n},{day(7 * week)},{100 + rng.normal():.4f}" for week in range(25)]
    return bank


def plant(bank: Bank, rng: np.random.Generator) -> None:
    """Things that became known on the day of the cut or later, in no order of their files."""
    later = (CUT.date() - FIRST).days
    dealt = {tuple(row.split(",")[1:3]) for row in bank.rows["trades"]}
    dealt |= {tuple(row.split(",")[:2]) for row in bank.rows["views"]}
    for n in range(20):
        customer, product = f"C{rng.integers(USERS):02}", f"P{rng.integers(PRODUCTS)}"
        booked = later + int(rng.integers(0, 90))
        # Some were traded before the date and booked after it: known_at decides, not at.
        traded = booked - int(rng.choice([0, 3, 40]))
        bank.rows["trades"].append(f"F{n},{customer},{product},{day(traded)},{day(booked)}")
        bank.rows["views"].append(f"{customer},{product},{day(booked)}")
        bank.rows["news"].append(f"{rng.choice(['A', 'M', 'Z'])}{n},{product},gold rush {n},{day(booked)}")
        if (customer, product) not in dealt:  # A list of pairs has no dates: a pair of the past is in it or not.
            bank.rows["held_out"].append(f"{customer},{product}")
        bank.rows["prices"].append(f"{product},{day(later + n)},{1000 * rng.random():.3f}")
    for name in ("trades", "views", "news", "prices", "held_out"):
        bank.rows[name] = [bank.rows[name][n] for n in rng.permutation(len(bank.rows[name]))]


def answers(folder: Path, bank: Bank, mapping: str, as_of: datetime | None) -> dict[str, bytes]:
    """The bytes of every answer of a bank, from its files on: load, snapshot, train, recommend, explain, export."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    bank.write(folder / "files")
    (folder / "files" / "dated.toml").write_text(mapping, "utf-8")
    sink = MemorySink()
    chosen = load_mapping(str(folder / "files" / "dated.toml"))
    run_load(chosen, folder / "files", sink, rejected_path=folder / "rejected.csv")
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    home = Home(folder / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, split, as_of)
    )
    parts = {"snapshot": snapshot.hash.encode()}
    for final in (False, True):
        done = train(snapshot, home, TrainOptions("kernel", final=final))
        parts[f"model {final}"] = done.hash.encode()
        engine = Engine.open(home, "kernel")
        for user in ("C00", "C07", "C29"):
            answer = engine.recommend(user, 3, ListOptions(reasons=None))
            parts[f"recommend {user} {final}"] = canonical(answer)
            for item in answer.items:
                parts[f"explain {user} {item.product} {final}"] = canonical(engine.explain(user, item.product, 3))
        export_lists(engine, folder / "lists.csv", 3)
        parts[f"export {final}"] = (folder / "lists.csv").read_bytes()
    return parts


@pytest.mark.slow
@pytest.mark.parametrize("mapping", [MAPPING, MAPPING + SPLIT], ids=["split by time", "split of the mapping"])
def test_planting_the_future_changes_no_byte(mapping: str, tmp_path: Path) -> None:
    bank = known_bank(np.random.default_rng(11))
    before = answers(tmp_path / "bank", bank, mapping, CUT)
    assert len([name for name in before if name.startswith("explain")]) == 18
    for seed in (1, 2):
        planted = known_bank(np.random.default_rng(11))
        plant(planted, np.random.default_rng(seed))
        after = answers(tmp_path / "bank", planted, mapping, CUT)
        assert {name for name in before if before[name] != after.get(name)} == set()
        assert set(after) == set(before)
        # The same rows are no secret without a date: the test would see them if they came through.
        assert answers(tmp_path / "bank", planted, mapping, None)["export True"] != before["export True"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("trades", "F1,C00,P8,2024-06-30,2024-07-01"),
        ("views", "C00,P8,2024-07-01"),
        ("news", "A0,P8,gold,2024-07-01"),
        ("prices", "P8,2024-07-01,9999"),
    ],
)
def test_a_row_of_the_day_itself_is_the_future_and_one_of_the_day_before_is_not(
    name: str, row: str, tmp_path: Path
) -> None:
    def hash_with(*rows: str) -> str:
        bank = known_bank(np.random.default_rng(11))
        bank.rows[name] += rows
        return taken(tmp_path / "bank", bank).hash

    assert hash_with(row) == hash_with()
    assert hash_with(row.replace("2024-07-01", "2024-06-30")) != hash_with()


def taken(folder: Path, bank: Bank, as_of: datetime = CUT) -> Snapshot:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    bank.write(folder / "files")
    (folder / "files" / "dated.toml").write_text(MAPPING, "utf-8")
    sink = MemorySink()
    run_load(
        load_mapping(str(folder / "files" / "dated.toml")), folder / "files", sink, rejected_path=folder / "no.csv"
    )
    return write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, None, as_of)


def test_a_snapshot_says_what_its_date_does_not_cut(tmp_path: Path) -> None:
    snapshot = taken(tmp_path / "bank", known_bank(np.random.default_rng(11)))
    assert snapshot.uncut == (
        "attributes are as last loaded, not as of 2024-07-01, and so is what carries no time: Customer, Product"
    )


def test_the_home_of_a_date_has_its_own_snapshots_and_models(tmp_path: Path) -> None:
    home = Home(tmp_path)
    dated = home.at(CUT)
    assert (dated.as_of, home.at(CUT + timedelta(hours=9)).as_of) == ("2024-07-01", "2024-07-01T09:00:00")
    assert dated.models == tmp_path / "serving" / "as-of" / "2024-07-01" / "models"
    assert dated.snapshots == tmp_path / "serving" / "as-of" / "2024-07-01" / "snapshots"
    assert {dated.working.parent, dated.tuning.parent} == {tmp_path / "vault" / "as-of" / "2024-07-01"}
    assert (dated.store, dated.vectors, dated.records) == (home.store, home.vectors, home.records)
