"""Loads into Neo4j next to the plain ways to write, the bulk path, and the way back, in one run.

    python benchmarks/neo4j_load.py [--size M]

Starts a server of its own (Java 17 and Maven). Bars: edges over Bolt >= 30 times one statement a row and >= 1.5 times
UNWIND of 1,000 rows in one session, without a retry in the log; --bulk and import >= 5 times the load over Bolt;
snapshot of 1M edges within 60 s and 1.5 GB above the idle process.
"""

import argparse
import logging
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neo4j import GraphDatabase

from graphrec import queries
from graphrec.config.settings import StoreLogin
from graphrec.demo import write_bank
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import Sink, Source
from graphrec.loading import load_mapping, run_load
from graphrec.store.neo4j.driver import Neo4jStore
from graphrec.store.neo4j.import_files import ImportFilesSink, import_command
from graphrec.store.values import to_stored
from graphrec.store.writing.loading import property_rows
from tests.neo4j.server import Server, prepare

ROWS_ONE_BY_ONE, ROWS_UNWIND = 2_000, 100_000
SERVERS: list[int] = []
INTERACTIONS = ("BOUGHT", "REJECTED", "VIEWED")


class Retries(logging.Handler):
    """Counts the driver's lines about transactions that are tried again."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.count += "will be retried" in record.getMessage()


@contextmanager
def timed(what: str, rows: int, rates: dict[str, float]) -> Iterator[None]:
    """Print what a step took: seconds, and processor seconds of server and client, which other work lengthens less.

    Its rows a second go into `rates`, the mean of several runs; those a processor second under the name with a star.
    """
    began, used = time.monotonic(), processor()
    yield
    seconds, work = time.monotonic() - began, processor() - used
    for name, rate in ((what, rows / seconds), (f"{what}*", rows / max(work, 0.01))):
        rates[name] = (rates[name] + rate) / 2 if name in rates else rate
    print(
        f"{what:34} {rows:>9,} rows {seconds:7.1f} s {rows / seconds:>9,.0f} rows/s {work:7.1f} s of processor",
        flush=True,
    )


def processor() -> float:
    """Processor seconds of this process and its server so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    found = own.ru_utime + own.ru_stime
    for pid in SERVERS:
        status = Path(f"/proc/{pid}/stat")
        if status.exists():
            fields = status.read_text().rpartition(")")[2].split()
            found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def feed(memory: MemorySink, sink: Sink, step: Callable[[str, int], Any]) -> None:
    """Put what was kept in memory into a sink, nodes and edges as one step each."""
    sink.begin(Source("demo", "r1", True, memory.schema, "f1"))
    with step("nodes", sum(map(len, memory.nodes.values()))):
        for label, rows in memory.nodes.items():
            sink.add_nodes(label, rows)
    for what, types in (("interactions", INTERACTIONS), ("other edges", memory.edges.keys() - set(INTERACTIONS))):
        with step(what, sum(len(memory.edges[one]) for one in types)):
            for edge_type in sorted(types):
                sink.add_edges(edge_type, memory.edges[edge_type])
    with step("finish", 1):
        sink.finish(None)


def sample(memory: MemorySink) -> list[dict[str, Any]]:
    """Interactions of all types in the proportions of the bank, in random order."""
    share = min(1.0, ROWS_UNWIND / sum(len(memory.edges[one]) for one in INTERACTIONS))
    rows = []
    for edge_type in INTERACTIONS:
        table = to_stored(memory.edges[edge_type])
        rows += property_rows(table.slice(0, int(len(table) * share)), ("source", "target", "key"), gaps=False)
    random.Random(0).shuffle(rows)
    return rows


def peak() -> int:
    """Most memory this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would begin with that of the process that started this one
        return 1_000 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peers(server: Server, memory: MemorySink, rates: dict[str, float]) -> None:
    """The plain ways to write the same edges, under a type of their own that is removed afterwards."""
    text = queries.text("load/new_edges", {"Source": "Customer", "EDGE": "PEER", "Target": "Product"})
    rows = sample(memory)
    given = {"run": "r1", "source": "demo"}
    with (
        GraphDatabase.driver(server.uri, auth=(server.username, server.password)) as driver,
        driver.session() as session,
    ):

        def write(chunk: Sequence[dict[str, Any]]) -> None:
            session.execute_write(lambda transaction: transaction.run(text, rows=chunk, **given).consume())

        with timed("one statement a row", ROWS_ONE_BY_ONE, rates):
            for row in rows[:ROWS_ONE_BY_ONE]:
                session.run(text, rows=[row], **given).consume()
        with timed("UNWIND of 1,000 rows, one session", len(rows), rates):
            for start in range(0, len(rows), 1_000):
                write(rows[start : start + 1_000])
        session.run("MATCH ()-[r:PEER]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS").consume()


def snapshot(uri: str, folder: Path) -> None:
    """Read the server's graph and write a snapshot: seconds, and memory above the idle process."""
    from graphrec.graph.folders.build import write_snapshot
    from graphrec.store.read import snapshot_inputs

    with Neo4jStore(uri, folder / "series", StoreLogin.from_environment()) as store:
        schema = store.read_schema()
        idle = peak()
        began = time.monotonic()
        read = snapshot_inputs(store)
        seconds = time.monotonic() - began
        write_snapshot(folder / "snapshot", schema, read.nodes, read.edges, read.series, read.split)
    edges = sum(map(len, read.edges.values()))
    whole = time.monotonic() - began
    above = (peak() - idle) / 1e9
    rate = edges / seconds
    print(f"snapshot: {edges:,} edges read in {seconds:.1f} s ({rate:,.0f}/s), written in {whole - seconds:.1f} s")
    print(f"snapshot: 1M edges {whole / edges * 1e6:.1f} s (bar 60), {above:.2f} GB above the idle process (bar 1.5)")


def run(size: str, folder: Path) -> None:
    """All measurements of one run."""
    print(f"2 minutes of load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    write_bank(folder / "bank", size=size)
    memory, small = MemorySink(), MemorySink()
    run_load(load_mapping("demo"), folder / "bank", memory)
    write_bank(folder / "small", size="S")
    run_load(load_mapping("demo"), folder / "small", small)
    nodes, edges = (sum(map(len, part.values())) for part in (memory.nodes, memory.edges))
    rates: dict[str, float] = {}
    retries = Retries()
    logging.getLogger("neo4j").addHandler(retries)

    server = prepare(folder / "server", heap="1g", page_cache="1g").start()
    SERVERS.append(server.pid or 0)
    login = StoreLogin(server.username, server.password)
    try:
        with Neo4jStore(server.uri, folder / "series", login) as store:
            feed(small, store.sink(), lambda what, rows: timed(f"(warm-up: {what})", rows, rates))
            store.write("MATCH (n) DETACH DELETE n")
            for label in ("Customer", "Product"):
                ids = memory.nodes[label].select(["id"]).to_pylist()
                store.write(f"UNWIND $rows AS row CREATE (n:{label} {{id: row.id}})", rows=ids)  # type: ignore[arg-type]
            peers(server, memory, rates)
            store.write("MATCH (n) CALL (n) { DETACH DELETE n }")
            began = time.monotonic()
            feed(memory, store.sink(), lambda what, rows: timed(f"Bolt: {what}", rows, rates))
            bolt = time.monotonic() - began
        peers(server, memory, rates)
        environment = {**os.environ, **server.environment}
        subprocess.run([sys.executable, __file__, "--snapshot", server.uri], env=environment, check=True)
    finally:
        server.stop()

    fresh = prepare(folder / "fresh", heap="1g")
    began = time.monotonic()
    feed(
        memory,
        ImportFilesSink(folder / "files", folder / "series"),
        lambda what, rows: timed(f"--bulk: {what}", rows, rates),
    )
    command = import_command(folder / "files").partition(" && neo4j-admin ")[2]
    with timed("neo4j-admin import", nodes + edges, rates):
        fresh.admin(*command.split(), folder=folder / "files", is_brief=False)
    bulk = time.monotonic() - began

    ours = rates["Bolt: interactions"]
    one, unwind = rates["one statement a row"], rates["UNWIND of 1,000 rows, one session"]
    print(f"over Bolt: {ours / one:.1f} times one statement a row (bar 30), {ours / unwind:.2f} times UNWIND (bar 1.5)")
    work = rates["Bolt: interactions*"] / rates["UNWIND of 1,000 rows, one session*"]
    print(f"over Bolt: {work:.2f} times UNWIND a processor second")
    print(f"over Bolt: {retries.count} retries in the log (bar 0); the whole load {bolt:.1f} s")
    print(f"--bulk and import: {bulk:.1f} s, {bolt / bulk:.1f} times the load over Bolt (bar 5)")


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="M", choices=("S", "M", "L"))
    parser.add_argument("--snapshot", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.snapshot:
            snapshot(chosen.snapshot, Path(folder))
        else:
            run(chosen.size, Path(folder))


if __name__ == "__main__":
    main()
