"""A small bank as files, in which every customer has a name of their own."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

MAPPING = """
[source]
name = "small"
[source.files]
customers = "customers.csv"
products = "products.csv"
trades = "trades.csv"
balances = "balances.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
min_group = 2
[nodes.Customer]
key = "id"
name = "full_name"
personal = ["full_name", "mail"]
sql = "SELECT id, full_name, mail, region FROM customers"
[nodes.Product]
key = "isin"
name = "title"
sql = "SELECT isin, title, issuer FROM products"
[nodes.Job]
key = "job"
sql = "SELECT DISTINCT job FROM customers"
[nodes.Issuer]
key = "issuer"
sql = "SELECT DISTINCT issuer FROM products"
[edges.WORKS_AS]
from = "Customer.id"
to = "Job.job"
sql = "SELECT id, job FROM customers"
[edges.ISSUED_BY]
from = "Product.isin"
to = "Issuer.issuer"
sql = "SELECT isin, issuer FROM products"
[edges.BOUGHT]
from = "Customer.id"
to = "Product.isin"
key = "trade"
at = "done_at"
sql = "SELECT trade, id, isin, done_at FROM trades"
[series.balance]
of = "Customer.id"
at = "day"
values = ["eur"]
sql = "SELECT id, day, eur FROM balances"
"""


def name_of(number: int) -> str:
    """A name that no other customer has."""
    return f"Zdenka{number:02} Quarrelsome{number:02}"


def write_people(folder: Path, *, without: Collection[int] = (), customers: int = 40, products: int = 12) -> Path:
    """The mapping of the bank, beside its files.

    Args:
        without: numbers of customers whom the bank never had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    held = [rng.permutation(products)[: rng.integers(2, 6)] for _ in range(customers)]
    there = [number for number in range(customers) if number not in without]
    lines = ["id,full_name,mail,region,job"]
    for number in there:
        job = f"Lighthouse keeper {number}" if number % 20 == 7 else ("clerk", "nurse", "farmer")[number % 3]
        region = ("North", "South")[number % 2]
        lines.append(f"KUNDE-{number:03},{name_of(number)},q{number:02}@mail.example,{region},{job}")
    (folder / "customers.csv").write_text("\n".join(lines) + "\n", "utf-8")
    titles = [f"P{one:02},Fund {one},House {one % 3}" for one in range(products)]
    (folder / "products.csv").write_text("\n".join(["isin,title,issuer", *titles]) + "\n", "utf-8")
    trades = [
        f"T{number:03}-{one},KUNDE-{number:03},P{one:02},2025-{1 + (number + one) % 12:02}-05"
        for number in there
        for one in held[number]
    ]
    (folder / "trades.csv").write_text("\n".join(["trade,id,isin,done_at", *trades]) + "\n", "utf-8")
    balances = [f"KUNDE-{number:03},2025-0{month}-01,{number * 10 + month}" for number in there for month in (1, 2)]
    (folder / "balances.csv").write_text("\n".join(["id,day,eur", *balances]) + "\n", "utf-8")
    (folder / "small.toml").write_text(MAPPING, "utf-8")
    return folder / "small.toml"
