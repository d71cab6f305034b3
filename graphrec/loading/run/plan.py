"""What to check in the rows of one statement and what to keep of them, from the mapping and the statement's columns."""

from collections.abc import Mapping as Keys
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from graphrec.errors import SourceError
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.loading.mapping.specs import EdgeSpec, Mapping, NodeSpec, SeriesSpec
from graphrec.loading.run.columns import EDGE_OWN, NODE_OWN, Check, Columns
from graphrec.loading.sources.sql import name, value
from graphrec.schema import EdgeSchema, Kind, NodeSchema

TWICE = "is there twice"


@dataclass(frozen=True)
class Plan:
    """One statement: its staged table, the checks in their order, and the typed columns that go on."""

    statement: str
    sql: str
    table: str
    checks: tuple[Check, ...]
    identity: tuple[str, ...]
    """SQL of what may be there only once; nothing: no such rule."""
    twice: Check
    select: Keys[str, str]
    schema: pa.Schema
    has_lines: bool
    raw: Keys[str, str] = field(default_factory=dict)
    """SQL of columns before they were cleaned."""
    persons: tuple[str, ...] = ()
    """SQL of the ids of persons in it, where some are suppressed."""

    def columns(self) -> str:
        """The select list."""
        return ", ".join(f"{expression} AS {name(column)}" for column, expression in self.select.items())


def node_plan(mapping: Mapping, spec: NodeSpec, types: Keys[str, str]) -> tuple[Plan, NodeSchema]:
    """How one `[nodes.Label]` is checked and kept, and its schema."""
    columns = Columns(types, partial(mapping.place, "nodes", spec.label), spec.personal, spec.parse)
    key = columns.find(spec.key, "key")
    known_at = columns.find(spec.known_at, "known_at") if spec.known_at else None
    marks = {
        mark: tuple(columns.find(column, mark) for column in getattr(spec, mark))
        for mark in ("text", "personal", "protected", "sensitive")
    }
    named = {key: columns.find(wanted, key) if wanted else None for key, wanted in _named(spec).items()}
    show = {key: columns.find(wanted, "show") for key, wanted in spec.show.items()}
    given_name = columns.find(spec.name, "name") if spec.name else None
    used = {*marks["text"], *marks["protected"], *marks["sensitive"], *named.values(), *show.values()}
    structural = {column for column in (key, known_at) if column} - used
    vector = columns.find(spec.vector, "vector") if spec.vector else None
    kept = columns.properties(structural, NODE_OWN - {key}, {vector: "text"} if vector else None)
    select = {"id": columns.text(key), "known_at": columns.time(known_at) if known_at else "CAST(NULL AS TIMESTAMPTZ)"}
    select |= {column.name: columns.property(column) for column in kept}
    checks = [columns.empty(key)] + (columns.ill_time(known_at) if known_at else [])
    checks += [check for column in kept for check in columns.ill_property(column)]
    if vector:
        select[vector] = columns.vector(vector)
        checks += columns.ill_vector(vector, name(f"nodes.{spec.label}"))
    schema = NodeSchema(
        label=spec.label,
        columns=kept,
        name=given_name if given_name != key else None,
        text=marks["text"],
        vector=vector,
        personal=tuple(sorted(marks["personal"])),
        protected=tuple(sorted(marks["protected"])),
        sensitive=tuple(sorted(marks["sensitive"])),
        show=show,
        units={columns.find(column, "parse"): one.unit for column, one in spec.parse.items() if one.unit},
        crm_id=named.get("crm_id"),
        adviser=named.get("adviser"),
        data_as_of=named.get("data_as_of"),
    )
    _check_time(mapping, schema)
    plan = Plan(
        statement=f"nodes.{spec.label}",
        sql=spec.sql,
        table=name(f"nodes.{spec.label}"),
        checks=tuple(checks),
        identity=(columns.text(key),),
        twice=Check(key, TWICE, "", columns.shown(key)),
        select=select,
        schema=node_fields(kept),
        has_lines=columns.has_lines(),
    )
    return plan, schema


def _named(spec: NodeSpec) -> dict[str, str | None]:
    return {"crm_id": spec.crm_id, "adviser": spec.adviser, "data_as_of": spec.data_as_of}


def _check_time(mapping: Mapping, schema: NodeSchema) -> None:
    column = next((one for one in schema.columns if one.name == schema.data_as_of), None)
    if column is not None and column.kind != "time":
        raise SourceError(
            f"{mapping.place('nodes', schema.label, 'data_as_of')} names {column.name!r}, which is of type "
            f'{column.kind} and no time; say how it is read: parse = {{ {column.name} = {{ type = "time" }} }}'
        )


def edge_plan(mapping: Mapping, spec: EdgeSpec, types: Keys[str, str]) -> tuple[Plan, EdgeSchema]:
    """How one `[edges.TYPE]` is checked and kept, and its schema."""
    columns = Columns(types, partial(mapping.place, "edges", spec.type), _personal_ends(mapping, spec), spec.parse)
    source = columns.find(spec.source.column, "from")
    target = columns.find(spec.target.column, "to")
    key, at, known_at, weight = (
        columns.find(wanted, which) if wanted else None
        for wanted, which in ((spec.key, "key"), (spec.at, "at"), (spec.known_at, "known_at"), (spec.weight, "weight"))
    )
    structural = {column for column in (source, target, key, at, known_at, weight) if column}
    ends = {which: columns.find(wanted, which) for which, wanted in _ends(spec).items() if wanted}
    structural -= set(ends.values())
    kinds: dict[str, Kind] = {column: "real" if which == "quantity" else "time" for which, column in ends.items()}
    kept = columns.properties(structural, EDGE_OWN, kinds)
    select = {
        "source": columns.text(source),
        "target": columns.text(target),
        "key": _edge_key(columns, key, at),
        **_edge_times(columns, at, known_at),
        "weight": columns.number(weight) if weight else "CAST(NULL AS DOUBLE)",
        **{column.name: columns.property(column) for column in kept},
        **{
            column: columns.number(column) if kind == "real" else columns.time(column) for column, kind in kinds.items()
        },
    }
    shown_pair = " || ' ' || ".join(columns.shown(column) for column in (source, target))
    twice = Check(key, TWICE, "", columns.shown(key)) if key else Check(f"{source} {target}", TWICE, "", shown_pair)
    plan = Plan(
        statement=f"edges.{spec.type}",
        sql=spec.sql,
        table=name(f"edges.{spec.type}"),
        checks=(
            *_edge_checks(columns, spec, (source, target), (key, at, known_at, weight)),
            *(check for column in kept if column.name not in kinds for check in columns.ill_property(column)),
            *(check for column in kinds for check in columns.ill(column, kinds[column])),
        ),
        identity=(select["source"], select["target"], select["key"]),
        twice=twice,
        select=select,
        schema=edge_fields(kept),
        has_lines=columns.has_lines(),
    )
    schema = EdgeSchema(
        spec.type, spec.source.label, spec.target.label, kept, spec.protected, spec.risk, spec.sensitive, **ends,
        half_life_days=spec.half_life_days,
    )  # fmt: skip
    return plan, schema


def _ends(spec: EdgeSpec) -> dict[str, str | None]:
    return {"until": spec.until, "until_known_at": spec.until_known_at, "quantity": spec.quantity}


def series_plan(mapping: Mapping, spec: SeriesSpec, types: Keys[str, str]) -> Plan:
    """How one `[series.name]` is checked and kept."""
    columns = Columns(types, partial(mapping.place, "series", spec.name), parse=spec.parse)
    of = columns.find(spec.of.column, "of")
    at = columns.find(spec.at, "at")
    values = [columns.find(column, "values") for column in spec.values]
    checks = [columns.empty(of), columns.empty(at), *columns.ill_time(at)]
    checks += [columns.ill_number(column) for column in values]
    checks.append(columns.unknown_end(of, spec.of.label))
    stamp = pa.timestamp("us", tz="UTC")
    return Plan(
        statement=f"series.{spec.name}",
        sql=spec.sql,
        table=name(f"series.{spec.name}"),
        checks=tuple(checks),
        identity=(columns.text(of), columns.time(at)),
        twice=Check(f"{of} {at}", TWICE, "", f"{columns.shown(of)} || ' ' || {columns.shown(at)}"),
        select={
            "id": columns.text(of),
            "at": columns.time(at),
            **{column: columns.number(column) for column in values},
        },
        schema=pa.schema([("id", pa.string()), ("at", stamp), *((column, pa.float64()) for column in values)]),
        has_lines=columns.has_lines(),
    )


def split_plan(
    mapping: Mapping, part: str, sql: str, types: Keys[str, str], pairs: str | None, test: str | None
) -> Plan:
    """How `[split].test` or `.valid` is checked and kept.

    Args:
        pairs: table of the relevant (source, target) pairs, where this mapping brings them all.
        test: select of the test pairs, which no validation pair may repeat.
    """
    columns = Columns(types, partial(mapping.place, "split", part))
    visible = [column for column in types if not column.startswith("_")]
    if len(visible) != 2:
        raise SourceError(f"{columns.place()} gives {len(visible)} columns; want two, user key and product key")
    user, product = visible
    pair = f"({columns.text(user)}, {columns.text(product)})"
    shown = f"{columns.shown(user)} || ' ' || {columns.shown(product)}"
    checks = [columns.empty(user), columns.empty(product)]
    checks += [columns.unknown_end(user, mapping.roles.user), columns.unknown_end(product, mapping.roles.product)]
    if pairs:
        rule = f"is no pair of {' or '.join(mapping.roles.relevant)}"
        checks.append(Check(f"{user} {product}", rule, f"{pair} NOT IN (SELECT (source, target) FROM {pairs})", shown))
    if test:
        checks.append(Check(f"{user} {product}", "is a test pair too", f"{pair} IN ({test})", shown))
    return Plan(
        statement=f"split.{part}",
        sql=sql,
        table=name(f"split.{part}"),
        checks=tuple(checks),
        identity=(),
        twice=Check(f"{user} {product}", TWICE, "", shown),
        select={"user": columns.text(user), "product": columns.text(product)},
        schema=pa.schema([("user", pa.string()), ("product", pa.string())]),
        has_lines=columns.has_lines(),
    )


def _edge_key(columns: Columns, key: str | None, at: str | None) -> str:
    """The third part of an edge's identity: its key, else its time, else nothing."""
    if key:
        return columns.text(key)
    return f"strftime({columns.time(at)}, {value('%Y-%m-%dT%H:%M:%S.%fZ')})" if at else "''"


def _edge_times(columns: Columns, at: str | None, known_at: str | None) -> dict[str, str]:
    happened = columns.time(at) if at else "CAST(NULL AS TIMESTAMPTZ)"
    known = f"coalesce({columns.time(known_at)}, {happened})" if known_at else happened
    return {"at": happened, "known_at": known}


def _edge_checks(
    columns: Columns, spec: EdgeSpec, ends: tuple[str, str], fields: tuple[str | None, ...]
) -> tuple[Check, ...]:
    key, at, known_at, weight = fields
    checks = [columns.empty(column) for column in (*ends, key, at, weight) if column]
    checks += [check for column in (at, known_at) if column for check in columns.ill_time(column)]
    if weight:
        checks += [columns.ill_number(weight), columns.below_zero(weight)]
    checks += [columns.unknown_end(ends[0], spec.source.label), columns.unknown_end(ends[1], spec.target.label)]
    return tuple(checks)


def _personal_ends(mapping: Mapping, spec: EdgeSpec) -> set[str]:
    """Personal columns of either end: an edge's statement may carry them under the same name."""
    ends = (mapping.nodes.get(label) for label in (spec.source.label, spec.target.label))
    return {column for end in ends if end for column in end.personal}
