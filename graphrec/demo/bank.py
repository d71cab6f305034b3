"""Writes the demo bank: a whole folder or nothing, the same bytes for the same size and seed."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from graphrec.demo import tables
from graphrec.demo.draw.customers import draw_customers
from graphrec.demo.draw.interactions import EVENT_KINDS, draw_interactions
from graphrec.demo.draw.prices import draw_prices
from graphrec.demo.draw.products import draw_products
from graphrec.demo.draw.purchases import RELATIONS, Taste, draw_purchases
from graphrec.demo.draw.truth import find_truth
from graphrec.demo.habits import write_habits
from graphrec.demo.holdings import write_holdings
from graphrec.demo.money import FOLDER, write_money
from graphrec.demo.sizes import SIZES
from graphrec.errors import UsageError
from graphrec.files import replace_folder
from graphrec.progress import Progress, silent

FORMAT = 4
"""Goes up when the same size and seed give other bytes."""
MARKER = "demo-bank.json"
TRUTH = "truth/planted.csv"
Marker: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class BankReport:
    """What the bank holds; `changed` is False when it was there already."""

    path: Path
    size: str
    seed: int
    changed: bool
    counts: dict[str, int]
    planted: dict[str, int]
    test_cut: str
    bytes: int
    seconds: float


def write_bank(folder: Path | str, *, size: str = "S", seed: int = 7, progress: Progress = silent) -> BankReport:
    """The bank of that size and seed at `folder`, written unless it is there already.

    Raises:
        UsageError: the size is unknown, or `folder` holds something else.
    """
    began = time.perf_counter()
    folder = Path(folder)
    if size not in SIZES:
        raise UsageError(f"size '{size}' is unknown; want one of {', '.join(SIZES)}")
    marker = _check_place(folder)
    if marker is None or not _is_same(folder, marker, size, seed):
        with replace_folder(folder) as fresh:
            marker = _write(fresh, size, seed, progress)
        changed = True
    else:
        changed = False
    return BankReport(
        path=folder,
        size=size,
        seed=seed,
        changed=changed,
        counts=marker["counts"],
        planted=marker["planted"],
        test_cut=marker["test_cut"],
        bytes=sum(each["bytes"] for each in marker["files"].values()),
        seconds=time.perf_counter() - began,
    )


def _check_place(folder: Path) -> Marker | None:
    """The marker of the demo bank at `folder`; None where there is nothing."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; the demo bank is a folder: choose another --out")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    if not names:
        return None
    marker = _read_marker(folder / MARKER)
    if marker is None:
        raise UsageError(f"{folder} is not empty and no demo bank ({names[0]} is there); choose another --out")
    foreign = [name for name in names if name != MARKER and name not in marker["files"]]
    if foreign:
        raise UsageError(f"{folder} holds {foreign[0]}, which is not of the demo bank; move it or choose another --out")
    return marker


def _read_marker(path: Path) -> Marker | None:
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) and isinstance(marker.get("files"), dict) else None


def _is_same(folder: Path, marker: Marker, size: str, seed: int) -> bool:
    if (marker.get("format"), marker.get("size"), marker.get("seed")) != (FORMAT, size, seed):
        return False
    return all((folder / name).is_file() and _file(folder / name) == kept for name, kept in marker["files"].items())


def _file(path: Path) -> dict[str, int | str]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _write(folder: Path, size: str, seed: int, progress: Progress) -> Marker:
    """Draw everything and write it; returns the marker, written last."""
    streams = [np.random.default_rng([seed, part]) for part in range(7)]
    progress("demo bank", 0, 5)
    customers = draw_customers(SIZES[size], streams[0])
    products = draw_products(SIZES[size], streams[1])
    taste = Taste(customers, products)
    purchases = draw_purchases(customers, products, taste, streams[2], progress)
    progress("demo bank", 1, 5)
    interactions = draw_interactions(customers, products, purchases, taste, streams[3])
    truth = find_truth(customers, products, purchases, interactions)
    progress("demo bank", 2, 5)
    _write_csv(folder / "customers.csv", tables.customer_table(customers))
    _write_csv(folder / "products.csv", tables.product_table(products, streams[4]))
    _write_csv(folder / "issuers.csv", tables.issuer_table(products))
    _write_csv(folder / "sectors.csv", tables.sector_table(products))
    _write_csv(folder / "categories.csv", tables.category_table())
    _write_csv(folder / "countries.csv", tables.country_table())
    _write_csv(folder / TRUTH, tables.truth_table(truth, customers, products))
    progress("demo bank", 3, 5)
    ids = tables.product_ids(products.count)
    prices = _write_parquet(folder / "prices.parquet", draw_prices(products, ids, streams[5]))
    progress("demo bank", 4, 5)
    events = tables.interaction_batches(products, interactions, customers)
    _write_parquet(folder / "interactions.parquet", events)
    money = write_money(folder, customers, products, interactions, seed)
    money |= write_habits(folder, folder / FOLDER, customers.count, seed)
    write_holdings(folder, customers.count, products, interactions, seed)
    by_kind = np.bincount(interactions.kind, minlength=len(EVENT_KINDS))
    counts = {"customers": customers.count, "products": products.count, "prices": prices}
    counts |= {"interactions": interactions.count, **money}
    counts |= {f"{kind}s": int(number) for kind, number in zip(EVENT_KINDS, by_kind, strict=True)}
    planted = dict(zip(RELATIONS, np.bincount(truth.relation, minlength=len(RELATIONS)).tolist(), strict=True))
    cut = datetime.fromtimestamp(truth.cut, UTC).isoformat()
    return _write_marker(folder, size, seed, counts=counts, planted=planted, cut=cut)


def _write_marker(
    folder: Path, size: str, seed: int, *, counts: dict[str, int], planted: dict[str, int], cut: str
) -> Marker:
    files = {path.relative_to(folder).as_posix(): _file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    marker = {"format": FORMAT, "size": size, "seed": seed, "test_cut": cut, "counts": counts, "planted": planted}
    marker["files"] = files
    (folder / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
    return marker


def _write_csv(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(exist_ok=True)
    pa_csv.write_csv(table, path)


def _write_parquet(path: Path, batches: Iterator[pa.RecordBatch]) -> int:
    """Rows written, one row group per batch."""
    first = next(batches)
    rows = int(first.num_rows)
    with pa_parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows
