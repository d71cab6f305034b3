"""What an export on a cluster costs: constants measured here, core hours by arithmetic and by simulation.

A synthetic bank (100 holdings a customer, 64 factors over the holdings, exact shares, record, top 20 with five reasons,
Parquet folder) is exported through the seam that workers stand behind, in one process and one thread. Processor time
is taken apart: what a worker spends on a customer, what the process that asks spends, and the bytes between them, at
three sizes of the catalogue. A line through these says what 100,000 products cost; a simulation of shards, workers that
die, and the one process that writes says how long the whole takes. Nothing of this size was run: it is arithmetic.

    python benchmarks/scale.py                    # a few minutes
    python benchmarks/scale.py --customers 400    # quick
"""

import argparse
import heapq
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "NUMBA")})
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pickle

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.app.lists import deliver
from graphrec.app.lists.workers import Job, Made, Shards
from graphrec.config.settings import Settings
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.matrix import csr
from graphrec.terms.forms.blend import Blend
from tests.quality.synthetic import SCHEMA, factors, holdings, tables
from tests.served import write_model

HELD, DIM, K, SEED, SHARD = 100, 64, 20, 7, 1_000
CATALOGUES = (1_000, 4_000, 16_000)
CUSTOMERS, PRODUCTS, EDGES = 10**8, 10**5, 10**10
"""Of the cluster that is computed, not run."""
PART, WORKERS = 10, (16, 64, 256, 1024)
"""One in so many customers is simulated, so that a shard for each worker is a small part of it."""
OPENING = 10.0
"""Seconds until a new worker makes its first shard: assumed. A process imports for 2 to 3 s of processor here."""
DEATHS_AN_HOUR = 0.01
"""Of a worker: a machine of 32 that is taken away every three hours, as cheap ones are."""


@dataclass
class Spent:
    """Seconds of processor, and bytes."""

    opening: float = 0.0
    worker: float = 0.0
    whole: float = 0.0
    bytes: int = 0
    users: int = 0
    folder: int = 0

    @property
    def each(self) -> float:
        """What a worker spends on a customer."""
        return self.worker / self.users

    @property
    def asker(self) -> float:
        """What the process that asks spends on a customer."""
        return (self.whole - self.opening - self.worker) / self.users


class _Here:
    """A worker in this process, by the clock of its processor."""

    def __init__(self, job: Job, spent: Spent) -> None:
        self._shards, self._spent = Shards(job), spent
        self._is_open = False

    def batches(self, parts: Sequence[tuple[int, Sequence[int]]]) -> Iterator[Made]:
        """Every batch, pickled and read again as between two processes."""
        for number, users in parts:
            began = time.process_time()
            if not self._is_open:
                self._shards.made(number, users[:1])  # opens the model and compiles, or reads what is compiled
                self._is_open = True
                self._spent.opening += time.process_time() - began
                began = time.process_time()
            made = pickle.dumps(self._shards.made(number, users))
            self._spent.worker += time.process_time() - began
            self._spent.bytes += len(made)
            self._spent.users += len(users)
            yield pickle.loads(made)


def measured(customers: int, products: int) -> Spent:
    """One export of a synthetic bank."""
    held = holdings(customers, products, HELD * customers, SEED)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder, "home")).prepare()
        snapshot = SnapshotShelf(home.snapshots).add(lambda path: write_snapshot(path, SCHEMA, *tables(held, products)))
        graph = visible_graph(snapshot)
        write_model(home, snapshot, Blend([factors(graph, DIM, SEED)], [1.0]), graph)
        spent = Spent(folder=sum(file.stat().st_size for file in home.snapshots.rglob("*") if file.is_file()))

        @contextmanager
        def opened(job: Job, _on: str | None, _count: int) -> Iterator[_Here]:
            yield _Here(job, spent)

        deliver._opened = opened  # type: ignore[assignment]
        bank = Bank(Settings(home=home.path, policy="none"))
        bank.export(Export(to=f"{folder}/warm/", k=1, workers=1))  # what is read and compiled once
        began = time.process_time()
        bank.export(Export(to=f"{folder}/lists/", k=K, on="ray"))
        spent.whole = time.process_time() - began
    return spent


def simulated(workers: int, worker: float, asker: float, opening: float, shards: int, seed: int) -> tuple[float, float]:
    """Hours of the clock and core hours: shards in order, two a worker ahead, workers that die, one that writes.

    Args:
        worker: seconds that a worker needs for a shard, give or take a tenth.
        asker: seconds that the process that asks needs for one.
        opening: seconds before the first shard of a worker.
    """
    rng = np.random.default_rng(seed)
    takes = worker * np.clip(rng.normal(1.0, 0.1, shards), 0.5, 2.0)
    free = [opening] * workers
    done: NDArray[np.float64] = np.zeros(shards)
    written = np.zeros(shards)
    busy = opening * workers
    dies = DEATHS_AN_HOUR / 3600
    for shard in range(shards):
        # Like `Workers.batches`: shard n is begun when shard n - 2 * workers has been written.
        ahead = shard - 2 * workers - 1
        begin = max(heapq.heappop(free), written[ahead] if ahead >= 0 else 0.0)
        took = takes[shard]
        while rng.random() < 1 - np.exp(-dies * took):
            lost = rng.random() * took + opening
            begin, busy = begin + lost, busy + lost
        done[shard] = begin + took
        busy += took
        heapq.heappush(free, done[shard])
        written[shard] = max(done[shard], written[shard - 1] if shard else 0.0) + asker
    hours = written[-1] / 3600
    return hours, (busy + asker * shards) / 3600


def counted() -> float:
    """Seconds of processor per pair of two holdings of one customer, of a Gram matrix in float64."""
    customers, products = 20_000, 10_000
    held = holdings(customers, products, HELD * customers, SEED)
    matrix = csr_matrix(csr(held, products, np.float64))
    pairs = float((held.degrees().astype(np.float64) ** 2).sum())
    began = time.process_time()
    (matrix.T @ matrix).sum()
    return (time.process_time() - began) / pairs


def main() -> int:
    """Print the constants, then what they come to."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--customers", type=int, default=3_000)
    customers = options.parse_args().customers
    print(f"{customers:,} customers, {HELD} holdings each, {DIM} factors, top {K}, load {os.getloadavg()[0]:.1f}")
    found = {products: measured(customers, products) for products in CATALOGUES}
    for products, one in found.items():
        print(
            f"{products:>7,} products: worker {1e3 * one.each:.2f} ms a customer, asker {1e3 * one.asker:.3f} ms, "
            f"{one.bytes / one.users / 1024:.1f} KiB between them, "
            f"snapshot {one.folder / one.users / HELD:.1f} bytes an edge"
        )
    slope, base = np.polyfit(CATALOGUES, [one.each for one in found.values()], 1)
    worker, first, last = base + slope * PRODUCTS, found[CATALOGUES[0]], found[CATALOGUES[-1]]
    asker, pair = float(np.mean([one.asker for one in found.values()])), counted()
    hours, counts = CUSTOMERS / 3600, EDGES / CUSTOMERS * EDGES * pair / 3600
    disk, back = EDGES * first.folder / first.users / HELD / 1e12, CUSTOMERS * last.bytes / last.users / 1e12
    lines = [
        f"a worker: {1e3 * base:.2f} ms + {1e6 * slope:.4f} us a product = {1e3 * worker:.2f} ms at {PRODUCTS:,}",
        f"co-counts: {1e9 * pair:.1f} ns a pair of holdings",
        f"\n{CUSTOMERS:.0e} customers x {PRODUCTS:.0e} products x {EDGES:.0e} edges, by arithmetic:",
        f"  workers {hours * worker:,.0f} core hours, the process that asks {hours * asker:,.1f} h",
        f"  {worker / asker:,.0f} workers keep it busy; more wait for it",
        f"  snapshot {disk:.2f} TB; {back:.2f} TB come back from workers",
        f"  co-counts {counts:,.0f} core hours, {8 * PRODUCTS**2 / 1e9:.0f} GB of sums in each process",
    ]
    print("\n".join(lines))
    print(f"\nby simulation ({CUSTOMERS // PART:,} of these customers, shards of {SHARD:,}; workers die; three seeds):")
    for workers in WORKERS:
        shards = CUSTOMERS // SHARD // PART
        runs = [simulated(workers, worker * SHARD, asker * SHARD, OPENING, shards, seed) for seed in range(3)]
        hours, cores = np.mean(runs, axis=0)
        busy = cores / hours / (workers + 1)
        print(f"  {workers:>5} workers: {hours:8.3f} h by the clock, {cores:9.2f} core hours, {busy:5.0%} busy")
    return 0


if __name__ == "__main__":
    sys.exit(main())
