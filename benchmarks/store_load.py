"""Seconds from the files of a demo bank to the embedded store and back, next to transactional batches in the same run.

    python benchmarks/store_load.py [--size M] [--merged 50000]

Wall and processor seconds: other work on the machine lengthens the first only. Budget of the first load of 1M edges:
75 s; of reading them: 15 s.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from graphrec.demo import write_bank
from graphrec.loading import load_mapping, run_load
from graphrec.store import open_store
from graphrec.store.base import Store
from graphrec.store.checks.sums import sum_rows
from graphrec.store.kinds import kinds_of
from graphrec.store.read import snapshot_inputs


class Clock:
    """Prints what each step took."""

    def __init__(self) -> None:
        self._began = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return time.monotonic(), used.ru_utime + used.ru_stime

    def lap(self, what: str, rows: int) -> float:
        """Print one step; its rows a processor second."""
        wall, processor = (now - began for now, began in zip(self._now(), self._began, strict=True))
        print(
            f"{what:34} {rows:>9,} rows {wall:7.1f} s {processor:7.1f} s of processor {rows / processor:>10,.0f} rows/s"
        )
        self._began = self._now()
        return rows / processor


def count(store: Store) -> int:
    """All nodes and edges."""
    info = store.info()
    return sum(info.nodes.values()) + sum(info.edges.values())


def merge_rate(store: Store, edges: int, clock: Clock) -> float:
    """Edges a processor second by MERGE in batches of 5,000, the plain way to write."""
    ids = store.read_nodes("Customer")["id"].to_pylist()
    products = store.read_nodes("Product")["id"].to_pylist()
    rows = [
        {"user": ids[number % len(ids)], "product": products[number % len(products)], "key": f"merged-{number}"}
        for number in range(edges)
    ]
    clock.lap("(ids)", len(ids))
    store.write(
        "UNWIND $rows AS row MATCH (u:Customer {id: row.user}) MATCH (p:Product {id: row.product}) "
        "MERGE (u)-[r:MERGED {key: row.key}]->(p)",
        rows=rows,
    )
    return clock.lap("MERGE in batches of 5,000", edges)


def main() -> None:
    """Load, read, load again, and merge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="M", choices=("S", "M", "L"))
    parser.add_argument("--merged", type=int, default=50_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, bank, clock = Path(folder), Path(folder, "bank"), Clock()
        write_bank(bank, size=chosen.size)
        clock.lap("(demo bank)", 1)
        with open_store(None, home / "store") as store:
            run_load(load_mapping("demo"), bank, store.sink())
            first = clock.lap("first load, from files", count(store))
            inputs = snapshot_inputs(store)
            read = sum(map(len, inputs.nodes.values())) + sum(map(len, inputs.edges.values()))
            clock.lap("read into Arrow, compared", read)
            for kind in kinds_of(inputs.schema):
                tables = inputs.nodes if kind.part == "nodes" else inputs.edges
                sum_rows(tables[kind.name], kind.identity)
            clock.lap("(of it the sums)", read)
            (bank / "customers.csv").write_bytes((bank / "customers.csv").read_bytes() + b"\n")
            run_load(load_mapping("demo"), bank, store.sink())
            clock.lap("full load again, nothing new", count(store))
            merged = merge_rate(store, chosen.merged, clock)
    print(f"first load / MERGE in batches: {first / merged:.1f} times the rows a processor second")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
