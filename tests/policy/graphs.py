"""Small graphs with chosen columns, as snapshots."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import microseconds
from graphrec.policy.read import parse_policy
from graphrec.policy.rules import Policy
from graphrec.schema import Column, EdgeSchema, GraphSchema, Kind, NodeSchema, Roles

AS_OF = datetime(2025, 3, 1, 12, tzinfo=UTC)
Rows = Sequence[Mapping[str, Any]]
Event = tuple[Any, ...]
"""Type, user, product, time, and a weight where there is one."""
ISSUERS = 3


def snapshot_of(
    folder: Path,
    users: Rows,
    products: Rows,
    events: Sequence[Event] = (),
    *,
    kinds: Mapping[str, Kind],
    product_kinds: Mapping[str, Kind] | None = None,
    personal: tuple[str, ...] = (),
    protected: tuple[str, ...] = (),
    as_of: datetime | None = AS_OF,
) -> Snapshot:
    """Users U0, U1, … and products P0, P1, … with the columns of `kinds`, where a row has no value: missing.

    `product_kinds` are those of products where they differ.
    """
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    others = columns if product_kinds is None else tuple(Column(name, kind) for name, kind in product_kinds.items())
    schema = GraphSchema(
        Roles("User", "Product", ("BOUGHT", "REJECTED"), {"REJECTED": -1.0}, ("BOUGHT",)),
        {
            "User": NodeSchema("User", columns, personal=personal, protected=protected),
            "Product": NodeSchema("Product", others),
            "Issuer": NodeSchema("Issuer"),
        },
        {
            **{name: EdgeSchema(name, "User", "Product") for name in ("BOUGHT", "REJECTED")},
            "COMPLAINED": EdgeSchema("COMPLAINED", "User", "Issuer"),
            "ISSUED_BY": EdgeSchema("ISSUED_BY", "Product", "Issuer"),
        },
    )
    nodes = {
        label: pa.Table.from_pylist(
            [{"id": f"{letter}{number}", **row} for number, row in enumerate(rows)], schema=node_fields(of)
        )
        for label, letter, rows, of in (("User", "U", users, columns), ("Product", "P", products, others))
    }
    nodes["Issuer"] = pa.Table.from_pylist([{"id": f"I{number}"} for number in range(ISSUERS)], schema=node_fields(()))
    targets = {"COMPLAINED": "I", "BOUGHT": "P", "REJECTED": "P", "ISSUED_BY": "I"}
    edges = {
        name: pa.Table.from_pylist(
            [
                {
                    "source": f"{'P' if name == 'ISSUED_BY' else 'U'}{source}",
                    "target": f"{letter}{target}",
                    "key": str(key),
                    "at": at,
                    "known_at": at,
                    "weight": weight[0] if weight else None,
                }
                for key, (kind, source, target, at, *weight) in enumerate(events)
                if kind == name
            ],
            schema=edge_fields(()),
        )
        for name, letter in targets.items()
    }
    return write_snapshot(folder, schema, nodes, edges, as_of=as_of)


def days_ago(days: float) -> datetime:
    """A time before the date of the answers."""
    return AS_OF - timedelta(days=days)


def policy(*rules: str, head: str = "") -> Policy:
    """A policy of rules given as TOML without their header."""
    return parse_policy(f'version = "1"\n{head}\n' + "\n".join(f"[[rule]]\n{rule}" for rule in rules), "policy.toml")


def rule(require: str, *, name: str = "r", sentence: str = "no", more: str = "") -> str:
    """One rule as TOML."""
    return f"id = \"{name}\"\nsentence = \"{sentence}\"\nrequire = '''{require}'''\n{more}\n"


def compiled(snapshot: Snapshot, *rules: str, head: str = "") -> CompiledPolicy:
    """A policy over a snapshot as of AS_OF."""
    return CompiledPolicy(policy(*rules, head=head), snapshot, as_of=microseconds(AS_OF.isoformat()))
