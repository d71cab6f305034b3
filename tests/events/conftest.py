"""A small bank with a trained model, to which events come."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Load, Train
from graphrec.config.settings import Settings

CUSTOMERS, PRODUCTS = 30, 12
TODAY = date(2025, 6, 1)
MAPPING = """
[source]
name = "shop"
[source.files]
customers = "customers.csv"
products = "products.csv"
bought = "bought.csv"
viewed = "viewed.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT", "VIEWED", "REJECTED"]
relevant = ["BOUGHT"]
weights = { REJECTED = 0 }
[nodes.Customer]
key = "id"
sql = "SELECT id, consent, CAST(risk AS INTEGER) AS risk FROM customers"
[nodes.Product]
key = "id"
sql = "SELECT id, name, CAST(risk AS INTEGER) AS risk FROM products"
name = "name"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
key = "trade"
at = "day"
weight = "amount"
sql = "SELECT customer, product, trade, CAST(booked AS DATE) AS day, CAST(amount AS DOUBLE) AS amount FROM bought"
[edges.VIEWED]
from = "Customer.customer"
to = "Product.product"
at = "day"
sql = "SELECT customer, product, CAST(viewed.at AS TIMESTAMP) AS day FROM viewed"
[events.bought]
edge = "BOUGHT"
key = "trade"
covered_until = "SELECT max(CAST(booked AS TIMESTAMP)) FROM bought"
[events.viewed]
edge = "VIEWED"
[events.rejected]
edge = "REJECTED"
[events.advised]
sets = ["consent", "risk"]
"""
POLICY = """
version = "1"
[[rule]]
id = "consent"
sentence = "{user} has not agreed"
require = "user.consent == 'yes'"
[[rule]]
id = "risk"
sentence = "risk {product.risk} is above {user.risk}"
require = "product.risk <= user.risk"
[[rule]]
id = "held"
sentence = "is held"
require = "not held"
[[rule]]
id = "cooling"
sentence = "was rejected on {last.REJECTED}"
require = "not happened('REJECTED', 90)"
"""
Row = tuple[str, str, str, str, str]


def purchases() -> list[Row]:
    """Two tastes: even customers buy even products, odd ones odd products, each all but two."""
    found = []
    for n in range(CUSTOMERS):
        taste = [p for p in range(PRODUCTS) if p % 2 == n % 2]
        out = {taste[(n // 2) % len(taste)], taste[(n // 2 + 1) % len(taste)]}
        found += [
            (f"c{n:02}", f"p{p}", f"t{n}-{p}", f"2025-0{1 + p % 4}-1{n % 9}", str(100 * (1 + p)))
            for p in taste
            if p not in out
        ]
    return found


def views() -> list[tuple[str, str, str]]:
    """Everybody looked at two products."""
    return [(f"c{n:02}", f"p{(n + d) % PRODUCTS}", f"2025-04-0{d}T08:00:00") for n in range(CUSTOMERS) for d in (1, 2)]


def write_files(
    folder: Path,
    bought: list[Row] | None = None,
    viewed: list[tuple[str, str, str]] | None = None,
    *,
    consents: dict[str, str] | None = None,
    mapping: str = MAPPING,
) -> None:
    """The files of the bank."""
    folder.mkdir(exist_ok=True)
    told = consents or {}
    rows = "".join(f"c{n:02},{told.get(f'c{n:02}', 'yes')},{3 + n % 3}\n" for n in range(CUSTOMERS))
    (folder / "customers.csv").write_text(f"id,consent,risk\n{rows}")
    rows = "".join(f"p{n},Thing {n},{1 + n % 4}\n" for n in range(PRODUCTS))
    (folder / "products.csv").write_text(f"id,name,risk\n{rows}")
    rows = "".join(",".join(row) + "\n" for row in bought or purchases())
    (folder / "bought.csv").write_text(f"customer,product,trade,booked,amount\n{rows}")
    rows = "".join(",".join(row) + "\n" for row in viewed or views())
    (folder / "viewed.csv").write_text(f"customer,product,at\n{rows}")
    (folder / "shop.toml").write_text(mapping)


def bank_in(folder: Path) -> Bank:
    """The bank in a folder."""
    return Bank(Settings(home=folder / "home", today=TODAY))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files and a home in which they are loaded and models are trained."""
    folder = tmp_path_factory.mktemp("events")
    write_files(folder / "files")
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "shop.toml")))
    (folder / "home" / "policy.toml").write_text(POLICY)
    for kind in ("kernel", "ease", "als"):
        bank.train(Train(kind, fixed=True))
    return folder


@pytest.fixture
def shop(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to which events may come."""
    folder = tmp_path / "shop"
    shutil.copytree(trained, folder)
    return folder


@pytest.fixture
def bank(shop: Path) -> Bank:
    """Its bank."""
    return bank_in(shop)
