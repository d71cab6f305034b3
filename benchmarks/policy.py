"""How fast the shipped policy judges 50,000 users and 5,000 products: all pairs, one user, one pair; one core."""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pyarrow as pa

from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.policy.check import check_policy
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.example import example_policy
from graphrec.policy.facts import microseconds
from graphrec.policy.read import parse_policy
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles
from tests.policy.graphs import AS_OF

USERS, PRODUCTS, HELD, REJECTED, GAPS, SEED = 50_000, 5_000, 10, 1, 0.01, 0
BLOCK = 200
"""Users at a time: a million pairs."""


def main() -> None:
    """Print the seconds of each; only the all-pairs figure has a bar: seconds, not minutes."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = random_bank(Path(folder) / "snapshot")
        as_of = microseconds(AS_OF.isoformat())
        policy = parse_policy(example_policy(snapshot, as_of).text, "shipped")
        compiled = CompiledPolicy(policy, snapshot, as_of=as_of)
        print(f"{len(policy.rules)} rules, {USERS * PRODUCTS / 1e6:.0f} million pairs, {GAPS:.0%} of values missing")
        show("one user, cold", lambda: compiled.masks(np.array([5])))
        show("one user, warm", lambda: [compiled.masks(np.array([user])) for user in range(100)], 100)
        show("why one pair is refused", lambda: [compiled.refusals(user, 7) for user in range(100)], 100)
        starts = range(0, USERS, BLOCK)
        show("all pairs", lambda: [compiled.masks(np.arange(start, start + BLOCK)) for start in starts])
        show("policy check", lambda: check_policy(compiled))


def show(what: str, run: Callable[[], Any], times: int = 1) -> None:
    """Print the processor's and the clock's seconds of one run."""
    processor, clock = time.process_time(), time.perf_counter()
    run()
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    print(f"{what}: {processor / times:.4f} s of processor, {clock / times:.4f} s")


def random_bank(path: Path) -> Snapshot:
    """A bank with the columns that the shipped rules read."""
    rng = np.random.default_rng(SEED)
    countries = np.array(["AT", "CH", "DE", "FR"])
    users = {
        "contact_consent": ("boolean", rng.random(USERS) < 0.92),
        "profiling_consent": ("boolean", rng.random(USERS) < 0.97),
        "risk_tolerance": ("integer", rng.integers(1, 6, USERS)),
        "horizon_years": ("integer", rng.choice([1, 2, 3, 5, 7, 10, 15, 20, 30], USERS)),
        "liquid_assets_eur": ("real", np.round(np.exp(rng.normal(10, 1, USERS)), -2)),
        "born_by": ("time", days(rng.integers(-14_000, 13_500, USERS))),
        "country": ("text", countries[rng.integers(0, 4, USERS)]),
    }
    products = {
        "closed_on": ("time", days(rng.integers(19_000, 20_500, PRODUCTS))),
        "risk_class": ("integer", rng.integers(1, 6, PRODUCTS)),
        "min_horizon_years": ("integer", rng.choice([0, 1, 3, 5], PRODUCTS)),
        "minimum_amount_eur": ("real", rng.choice([0.0, 50, 500, 1_000], PRODUCTS)),
        "min_age": ("integer", rng.choice([0, 16, 18], PRODUCTS)),
        "residents_of": ("text", np.full(PRODUCTS, "AT")),
    }
    missing = {"closed_on": 0.95, "residents_of": 0.9}
    labels = {"User": (users, USERS), "Product": (products, PRODUCTS)}
    schemas = {
        label: NodeSchema(label, tuple(Column(name, kind) for name, (kind, _) in columns.items()))  # type: ignore[arg-type]
        for label, (columns, _) in labels.items()
    }
    nodes = {}
    for label, (columns, count) in labels.items():
        fields = node_fields(schemas[label].columns)
        table: dict[str, Any] = {"id": ids(label, np.arange(count)), "known_at": pa.nulls(count, fields.field(1).type)}
        for name in fields.names[2:]:
            gaps = rng.random(count) < missing.get(name, GAPS)
            table[name] = pa.array(columns[name][1], mask=gaps).cast(fields.field(name).type)
        nodes[label] = pa.table(table, fields)
    kinds = {"BOUGHT": HELD, "REJECTED": REJECTED}
    roles = Roles("User", "Product", tuple(kinds), {"REJECTED": -1.0}, ("BOUGHT",))
    schema = GraphSchema(roles, schemas, {name: EdgeSchema(name, "User", "Product") for name in kinds})
    return write_snapshot(path, schema, nodes, {name: events(each * USERS, rng) for name, each in kinds.items()})


def events(count: int, rng: np.random.Generator) -> pa.Table:
    """Random events before the date of the answers."""
    fields = edge_fields(())
    at = pa.array(days(rng.integers(19_000, 20_148, count))).cast(fields.field("at").type)
    pairs = {
        "source": ids("User", rng.integers(0, USERS, count)),
        "target": ids("Product", rng.integers(0, PRODUCTS, count)),
    }
    keys = pa.array(np.arange(count)).cast(pa.string())
    return pa.table({**pairs, "key": keys, "at": at, "known_at": at, "weight": pa.nulls(count, pa.float64())}, fields)


def ids(label: str, numbers: np.ndarray) -> pa.Array:
    """Ids such as U0000012."""
    return pa.array([f"{label[0]}{number:07}" for number in numbers])


def days(numbers: np.ndarray) -> np.ndarray:
    """Days since 1970 as times."""
    return numbers.astype("datetime64[D]").astype("datetime64[us]")


if __name__ == "__main__":
    main()
