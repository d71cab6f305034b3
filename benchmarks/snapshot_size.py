"""Memory and processor time of `graphrec snapshot --from` on generated Parquet files, one process a size.

    python benchmarks/snapshot_size.py                       # 1 and 3 million dealings, two minutes
    python benchmarks/snapshot_size.py --edges 100000000 --memory 3GB --folder /somewhere/large

Dealings of a tenth as many customers with 10,000 products lie in the files as a bank writes them: by time, so that no
customer's stand together. The database of the load may hold --memory; the rest is the snapshot's own. Prints what each
size takes, and how many bytes of the disk lay beside the home at most.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCTS = 10_000
MAPPING = """
[source]
name = "size"
[source.files]
customers = "customers.parquet"
products = "products.parquet"
dealings = "dealings-*.parquet"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id, _file, _line FROM customers"
[nodes.Product]
key = "id"
sql = "SELECT id, _file, _line FROM products"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
key = "booked"
at = "booked"
weight = "amount"
sql = "SELECT customer, product, booked, amount, _file, _line FROM dealings"
"""
RUN = """
import functools, json, resource, sys, threading, time
from pathlib import Path
from graphrec.app.bank import Bank
from graphrec.app.jobs import TakeSnapshot
from graphrec.config.settings import Settings
from graphrec.loading.run import engine

folder, memory = Path(sys.argv[1]), sys.argv[2]
engine.open_database = functools.partial(engine.open_database, memory=memory)
most = {"anonymous": 0, "disk": 0}
stages = []

def watch():
    while True:
        lines = Path("/proc/self/status").read_text().splitlines()
        most["anonymous"] = max(most["anonymous"], *(int(one.split()[1]) for one in lines if one.startswith("RssAnon")))
        try:
            size = sum(one.stat().st_blocks * 512 for one in (folder / "home").rglob("*") if one.is_file())
            most["disk"] = max(most["disk"], size)
        except OSError:
            pass
        time.sleep(0.2)

def progress(stage, done, total):
    if not stages or stages[-1][0] != stage:
        stages.append([stage, time.process_time(), most["anonymous"]])

threading.Thread(target=watch, daemon=True).start()
began = time.process_time()
taken = Bank(Settings(home=folder / "home", policy="none")).take_snapshot(
    TakeSnapshot(mapping=str(folder / "size.toml"), data=folder), progress=progress
)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "hash": taken.snapshot.hash, "edges": taken.snapshot.meta.edges, "processor": time.process_time() - began,
    "wall": taken.seconds, "peak": usage.ru_maxrss * 1024, "anonymous": most["anonymous"] * 1024,
    "disk": most["disk"], "stages": stages,
}))
"""


def write_files(folder: Path, edges: int) -> int:
    """Customers, products and dealings as Parquet; their bytes."""
    import duckdb

    customers = max(1, edges // 10)
    database = duckdb.connect()
    database.execute("SET threads = 1; SET memory_limit = '1GB'; SET preserve_insertion_order = false")
    copy = "COPY ({}) TO '{}' (FORMAT parquet)"
    name = "'{}' || lpad(({})::VARCHAR, {}, '0')"
    ids = "SELECT {} AS id FROM range({}) one(n)"
    database.execute(copy.format(ids.format(name.format("C", "n", 9), customers), folder / "customers.parquet"))
    database.execute(copy.format(ids.format(name.format("P", "n", 6), PRODUCTS), folder / "products.parquet"))
    part = 10_000_000
    for number, start in enumerate(range(0, edges, part)):
        bought = f"least(pow((hash(n + 1000000007) % 1000003) / 1000003.0, 2) * {PRODUCTS}, {PRODUCTS - 1})::INT"
        rows = f"""
            SELECT {name.format("C", f"hash(n) % {customers}", 9)} AS customer,
                {name.format("P", bought, 6)} AS product,
                TIMESTAMP '2020-01-01' + to_seconds((n * {150_000_000 / edges})::BIGINT) AS booked,
                (hash(n + 7) % 100000) / 100.0 AS amount
            FROM range({start}, {min(edges, start + part)}) one(n)"""
        database.execute(copy.format(rows, folder / f"dealings-{number:03}.parquet"))
    (folder / "size.toml").write_text(MAPPING, "utf-8")
    return sum(file.stat().st_size for file in folder.glob("*.parquet"))


def main() -> int:
    """Print what each size takes."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--edges", type=int, nargs="+", default=[1_000_000, 3_000_000])
    options.add_argument("--memory", default="1GB", help="of the database of the load")
    options.add_argument("--folder", type=Path, help="where files and home lie meanwhile")
    given = options.parse_args()
    for edges in given.edges:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            folder = Path(name)
            size = write_files(folder, edges)
            done = subprocess.run(
                [sys.executable, "-c", RUN, str(folder), given.memory], cwd=ROOT, capture_output=True, text=True,
                env={**os.environ, "GRAPHREC_TODAY": "2026-01-02"}, check=False,
            )  # fmt: skip
            if done.returncode:
                print(done.stderr[-2000:])
                return 1
            said = json.loads(done.stdout.splitlines()[-1])
            peak, anonymous, disk = (said[name] / 2**30 for name in ("peak", "anonymous", "disk"))
            print(
                f"{edges:,} dealings ({size / 2**20:,.0f} MiB of Parquet): {said['processor']:.0f} s of processor, "
                f"{said['wall']:.0f} s, peak {peak:.2f} GiB (not of files {anonymous:.2f}), home at most {disk:.2f} "
                f"GiB, snapshot {said['hash'][:16]}, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            for stage, at, anonymous in said["stages"]:
                print(f"    from {at:6.1f} s of processor, {anonymous / 2**20:5.2f} GiB so far: {stage}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
