"""Generated banks of many shapes, on which nobody tunes anything: the data that `defaults.py` asks the default on.

Each customer has a few tastes, each product belongs to some; what a customer takes follows the tastes that they share,
how popular a product is, what describes the customer, and what they took last. A shape says how much of each, how many
customers and products there are, whether the files have times, and whether tastes move.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

START, DAYS = np.datetime64("2024-01-01"), 700

MAPPING = """
[source]
name = "shape"

[source.files]
customers = "customers.csv"
products  = "products.csv"
holdings  = "holdings.csv"
{files}
[roles]
user         = "Customer"
product      = "Product"
interactions = ["HOLDS"]
relevant     = ["HOLDS"]
min_group    = {min_group}

[nodes.Customer]
key = "customer"
sql = "SELECT customer FROM customers"

[nodes.Product]
key = "product"
sql = "SELECT product FROM products"

[nodes.Segment]
key = "segment"
sql = "SELECT DISTINCT segment FROM customers"

[edges.IN_SEGMENT]
from = "Customer.customer"
to   = "Segment.segment"
sql = "SELECT customer, segment FROM customers"

[nodes.Region]
key = "region"
sql = "SELECT DISTINCT region FROM customers"

[edges.IN_REGION]
from = "Customer.customer"
to   = "Region.region"
sql = "SELECT customer, region FROM customers"

[nodes.Category]
key = "category"
sql = "SELECT DISTINCT category FROM products"

[edges.IN_CATEGORY]
from = "Product.product"
to   = "Category.category"
sql = "SELECT product, category FROM products"

[edges.HOLDS]
from = "Customer.customer"
to   = "Product.product"
{holds}
"""
TIMED = """key = "event"
at = "taken_on"
sql = "SELECT event, customer, product, taken_on FROM holdings"
"""
UNTIMED = """sql = "SELECT DISTINCT customer, product FROM holdings"
"""
LISTED = """
[split]
test = "SELECT customer, product FROM later"
"""


@dataclass(frozen=True)
class Shape:
    """How a bank looks."""

    customers: int
    products: int
    each: float
    """Events of a customer, in the mean."""
    tastes: int = 6
    sharp: float = 2.0
    """How far tastes decide."""
    popular: float = 1.0
    """How unequal products are."""
    described: float = 0.0
    """How far segment and region decide, and both together."""
    near: float = 0.0
    """How far the category of the last product decides."""
    drift: float = 0.0
    """How far tastes and what is popular move within the time of the files."""
    repeats: bool = False
    """Whether a product is taken again."""
    dated: bool = False
    """Whether the files have times."""
    listed: bool = False
    """Whether a file names the latest fifth of each customer as what has to be found."""
    min_group: int = 5


SHAPES = {
    "tiny": Shape(60, 12, 3.5, 3, dated=True, described=1.0),
    "small": Shape(200, 30, 5, 4, described=0.5),
    "small-dated": Shape(400, 60, 6, 5, dated=True, described=0.5),
    "small-drift": Shape(500, 80, 8, 6, drift=1.5, dated=True),
    "dense": Shape(700, 120, 30, 8, min_group=1),
    "sparse": Shape(4_000, 1_200, 6, 24, sharp=3.0, min_group=1),
    "circles": Shape(3_000, 1_500, 10, 150, sharp=6.0, popular=0.5, min_group=1),
    "drift": Shape(1_500, 250, 12, 8, drift=2.0, dated=True),
    "drift-listed": Shape(1_500, 250, 15, 8, drift=2.0, listed=True, min_group=1),
    "last-listed": Shape(2_000, 400, 15, 8, near=2.0, listed=True, min_group=1),
    "repeats": Shape(1_000, 80, 14, 6, repeats=True, dated=True),
    "described": Shape(3_000, 24, 3, 4, sharp=0.5, described=2.0, listed=True),
    "few-products": Shape(2_000, 9, 3, 3, dated=True, described=0.5),
    "popular-only": Shape(1_000, 100, 6, 4, sharp=0.0, dated=True),
}


@dataclass(frozen=True, eq=False)
class _World:
    """Who likes what, before anybody takes anything."""

    likes: NDArray[np.float64]
    """(customers, products) at the beginning."""
    later: NDArray[np.float64]
    """(customers, products) at the end."""
    segments: NDArray[np.int64]
    regions: NDArray[np.int64]
    categories: NDArray[np.int64]


def write_shape(shape: Shape, folder: Path, seed: int = 0) -> Path:
    """The files of a bank of a shape; returns its mapping."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    world = _world(shape, rng)
    rows = list(_events(shape, world, rng))
    _table(folder, "customers", "customer,segment,region", zip(world.segments, world.regions, strict=True), "c")
    _table(folder, "products", "product,category", ((one,) for one in world.categories), "p")
    kept, later = ([row for row in rows if row[3] == part] for part in (False, True)) if shape.listed else (rows, [])
    lines = [f"{n},c{who},p{what},{when}" for n, (who, what, when, _) in enumerate([*kept, *later])]
    (folder / "holdings.csv").write_text("\n".join(("event,customer,product,taken_on", *lines)) + "\n", "utf-8")
    hidden = {(who, what) for who, what, *_ in later} - {(who, what) for who, what, *_ in kept}
    lines = [f"c{who},p{what}" for who, what in sorted(hidden)]
    (folder / "later.csv").write_text("\n".join(("customer,product", *lines)) + "\n", "utf-8")
    mapping = folder / "shape.toml"
    text = MAPPING.format(
        files='later = "later.csv"' if shape.listed else "", holds=TIMED if shape.dated else UNTIMED,
        min_group=shape.min_group,
    )  # fmt: skip
    mapping.write_text(text + (LISTED if shape.listed else ""), "utf-8")
    return mapping


def _world(shape: Shape, rng: np.random.Generator) -> _World:
    """Draws tastes, popularity and what describes."""
    categories = rng.integers(shape.tastes, size=shape.products)
    segments, regions = rng.integers(5, size=shape.customers), rng.integers(8, size=shape.customers)
    belongs = 0.3 * rng.standard_normal((shape.products, shape.tastes))
    belongs[np.arange(shape.products), categories] += 1.0
    popular = shape.popular * rng.standard_normal(shape.products)
    by_segment = rng.standard_normal((5, shape.products))
    by_region = rng.standard_normal((8, shape.products))
    by_both = rng.standard_normal((5, 8, shape.products))
    known = by_segment[segments] + by_region[regions] / 2 + by_both[segments, regions]
    own = rng.dirichlet(np.full(shape.tastes, 0.4), shape.customers)
    moved = rng.dirichlet(np.full(shape.tastes, 0.4), shape.customers)
    change = shape.drift * rng.standard_normal(shape.products)
    part = min(shape.drift / 3, 1.0)
    likes = 2 * shape.sharp * own @ belongs.T + popular + shape.described * known
    later = 2 * shape.sharp * ((1 - part) * own + part * moved) @ belongs.T + popular + change + shape.described * known
    return _World(likes, later, segments, regions, categories)


def _events(shape: Shape, world: _World, rng: np.random.Generator) -> Iterator[tuple[int, int, str, bool]]:
    """Customer, product, when, and whether it is of the latest fifth of the customer."""
    counts = np.maximum(1, rng.poisson(rng.gamma(2.0, shape.each / 2, shape.customers)))
    for who, count in enumerate(counts.tolist()):
        count = count if shape.repeats else min(count, shape.products - 1)
        times = np.sort(rng.random(count))
        open_ones, last = np.ones(shape.products, np.bool_), -1
        for n, time in enumerate(times.tolist()):
            likes = (1 - time) * world.likes[who] + time * world.later[who]
            if shape.near and last >= 0:
                likes = likes + shape.near * (world.categories == world.categories[last])
            noisy = np.where(open_ones, likes + rng.gumbel(size=shape.products), -np.inf)
            last = int(np.argmax(noisy))
            open_ones[last] = shape.repeats
            yield who, last, str(START + np.timedelta64(int(time * DAYS), "D")), n >= count - count // 5


def _table(folder: Path, name: str, head: str, rows: Iterator[tuple[np.int64, ...]], letter: str) -> None:
    lines = [",".join((f"{letter}{n}", *(f"{head.split(',')[k + 1]} {one}" for k, one in enumerate(row))))
             for n, row in enumerate(rows)]  # fmt: skip
    (folder / f"{name}.csv").write_text("\n".join((head, *lines)) + "\n", "utf-8")
