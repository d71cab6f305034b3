"""A small cut of the demo bank with minors and missing values, as source files and as a served home."""

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graphrec.demo import write_bank
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import FactorTerm, Neighbours
from tests.served import write_model

CUSTOMERS = 160
#: Every how many rows a column is emptied; and a day of birth that makes minors of every thirtieth customer.
CUSTOMER_GAPS = {"contact_consent": 31, "liquid_assets_eur": 37, "birth_date": 41}
PRODUCT_GAPS = {"risk_class": 17, "min_horizon_years": 19}
MINORS, BORN = 30, "2009-06-15"


def cut_bank(folder: Path) -> Path:
    """The files of the first customers of the demo bank, with minors and gaps."""
    bank = write_bank(folder / "bank").path
    customers = _read(bank / "customers.csv")[:CUSTOMERS]
    for customer in customers[::MINORS]:
        customer["birth_date"] = BORN
    _write(bank / "customers.csv", customers, CUSTOMER_GAPS)
    _write(bank / "products.csv", _read(bank / "products.csv"), PRODUCT_GAPS)
    events = pq.read_table(bank / "interactions.parquet")
    kept = pc.less_equal(events["customer_id"], customers[-1]["customer_id"])
    pq.write_table(events.filter(kept), bank / "interactions.parquet")
    return bank


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]], gaps: Mapping[str, int]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for number, row in enumerate(rows, start=1):
            writer.writerow({name: "" if name in gaps and number % gaps[name] == 0 else row[name] for name in row})


def snapshot_bank(bank: Path, home: Home, as_of: datetime | None = None) -> Snapshot:
    """The snapshot of a bank in a home."""
    sink = MemorySink()
    run_load(load_mapping("demo"), bank, sink, rejected_path=home.path / "rejected.csv")
    return SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, as_of=as_of)
    )


def random_model(snapshot: Snapshot, home: Home) -> None:
    """A final model that ranks at random, so that what is left out is left out by the policy alone."""
    graph = visible_graph(snapshot)
    rng = np.random.default_rng(3)
    tables: Mapping[str, np.ndarray] = {
        label: rng.normal(size=(graph.counts[label], 8)).astype(np.float32) for label in ("Product", "AgeBand")
    }
    bands = next(hop for hop in graph.hops if hop.type == "IN_AGE_BAND" and not hop.reverse)
    term = FactorTerm("factors", graph, [Neighbours(bands, tables["AgeBand"])], tables["Product"])
    write_model(home, snapshot, Blend([term], [1.0]), graph)
