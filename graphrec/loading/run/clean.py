"""Declared cleaning of the columns of nodes: ranges, gaps that are filled, keys that differ in case and spaces alone.

Nothing is changed in silence. A value that was filled in has a mark beside it, the column COLUMN_imputed, which the
policy, rules of alerts and reasons read like any other; and the report of the load counts what was changed, by column.
"""

from collections.abc import Callable
from collections.abc import Mapping as Keys
from dataclasses import replace
from functools import partial

import duckdb
import pyarrow as pa

from graphrec.errors import SourceError
from graphrec.graph.rows import node_fields
from graphrec.loading.mapping.specs import CleanSpec, Mapping, NodeSpec
from graphrec.loading.run.columns import Check, Columns
from graphrec.loading.run.plan import Plan
from graphrec.loading.sources.sql import name, value
from graphrec.schema import Column, NodeSchema

MARK = "_imputed"
NUMBERS = ("integer", "real")

#: The values of some columns of a label that the store has, by id; None: it has none.
Stored = Callable[[str, tuple[str, ...]], pa.Table | None]


def cleaned(
    database: duckdb.DuckDBPyConnection, mapping: Mapping, spec: NodeSpec, types: Keys[str, str], plan: Plan,
    schema: NodeSchema,
) -> tuple[Plan, NodeSchema]:  # fmt: skip
    """A plan whose columns are cleaned as the mapping says, with the marks of what is filled in.

    Raises:
        SourceError: a column is not there, or its kind does not fit what is declared.
    """
    if not spec.clean:
        return plan, schema
    columns = Columns(types, partial(mapping.place, "nodes", spec.label), spec.personal, spec.parse)
    kinds, select = {one.name: one for one in schema.columns}, dict(plan.select)
    checks, marks = list(plan.checks), list[Column]()
    for wanted, one in spec.clean.items():
        place = mapping.place("nodes", spec.label, "clean", wanted)
        column = columns.find(wanted, "clean")
        if column not in kinds:
            raise SourceError(f"{place}: {column} is a key or a time of the mapping, and no property; leave it out")
        kind, expression = kinds[column].kind, plan.select[column]
        if one.range is not None:
            expression = _ranged(place, kind, expression, column, one, checks, columns)
        if one.missing is not None:
            given = None
            if one.of is not None:
                of = columns.find(one.of, "clean")
                _check_of(place, schema, column, of)
                given = kinds[of].kind, plan.select[of]
            filled = _filled(database, place, plan, (column, kind, expression), one, given)
            mark = f"{column}{MARK}"
            if mark in kinds:
                raise SourceError(f"{place}: the statement has a column {mark}, the name of its mark; rename it")
            select[mark] = f"({expression} IS NULL AND {filled} IS NOT NULL)"
            marks.append(Column(mark, "boolean"))
            expression = f"coalesce({expression}, {filled})"
        select[column] = expression
    kept = tuple(sorted((*schema.columns, *marks), key=lambda one: one.name))
    ordered = {field: select[field] for field in node_fields(kept).names}
    plan = replace(plan, raw=plan.select, select=ordered, schema=node_fields(kept), checks=tuple(checks))

    def with_marks(own: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({*own, *({f"{one}{MARK}" for one in own} & ordered.keys())}))

    return plan, replace(
        schema, columns=kept, personal=with_marks(schema.personal), protected=with_marks(schema.protected),
        sensitive=with_marks(schema.sensitive),
    )  # fmt: skip


def _check_of(place: str, schema: NodeSchema, column: str, of: str) -> None:
    """A column that is kept apart fills no other one: its values would be told by it."""
    for mark in ("personal", "protected", "sensitive"):
        if of in getattr(schema, mark) and column not in getattr(schema, mark):
            raise SourceError(f"{place}: of names {of}, which is {mark}, and {column} is not; name another column")


def _ranged(
    place: str, kind: str, expression: str, column: str, one: CleanSpec, checks: list[Check], columns: Columns
) -> str:
    """The value where it lies within the range; otherwise what is declared."""
    assert one.range is not None, "asked before"
    is_time = isinstance(one.range[0], str)
    if (kind == "time") != is_time or kind not in (*NUMBERS, "time"):
        wanted = "two days" if kind == "time" else "a column of numbers or times"
        raise SourceError(f"{place}: {column} is of type {kind}, which has no such range; want {wanted}")
    low, high = (f"TIMESTAMPTZ {value(str(end))}" if is_time else repr(end) for end in one.range)
    outside = f"{expression} NOT BETWEEN {low} AND {high}"
    if one.outside == "reject":
        rule = "is outside " + " to ".join(str(end) if is_time else f"{end:g}" for end in one.range)
        checks.append(Check(column, rule, outside, columns.shown(column)))
        return expression
    if one.outside == "missing":
        return f"(CASE WHEN NOT ({outside}) THEN {expression} END)"
    cast = "BIGINT" if kind == "integer" else "TIMESTAMPTZ" if is_time else "DOUBLE"
    ends = f"WHEN {expression} < {low} THEN {low} WHEN {expression} > {high} THEN {high}"
    return f"CAST(CASE {ends} ELSE {expression} END AS {cast})"


def _filled(
    database: duckdb.DuckDBPyConnection, place: str, plan: Plan, target: tuple[str, str, str], one: CleanSpec,
    given: tuple[str, str] | None,
) -> str:  # fmt: skip
    """SQL of what stands for a gap."""
    column, kind, expression = target
    table = plan.table
    if one.missing == "last":
        own = _last_table(plan.statement.partition(".")[2])
        database.execute(f"CREATE TABLE IF NOT EXISTS {own} (__id VARCHAR, __field VARCHAR, __value VARCHAR)")
        found = f"(SELECT any_value(__value) FROM {own} WHERE __id = {plan.select['id']} AND __field = {value(column)})"
        casts = {"integer": "BIGINT", "real": "DOUBLE", "boolean": "BOOLEAN", "time": "TIMESTAMPTZ"}
        return f"CAST({found} AS {casts.get(kind, 'VARCHAR')})"
    if kind not in NUMBERS:
        raise SourceError(f'{place}: {column} is of type {kind}; missing = "{one.missing}" wants numbers: want "last"')
    kept = "CAST(round({}) AS BIGINT)" if kind == "integer" else "CAST({} AS DOUBLE)"
    middle = f"(SELECT median({expression}) FROM {table})"
    if one.missing == "median":
        return kept.format(middle)
    assert given is not None, "the mapping is refused without it"
    of_kind, of = given
    own = name(f"filled {plan.statement}.{column}")
    both = f"{of} IS NOT NULL AND {expression} IS NOT NULL"
    known = f"SELECT {of} AS __o, median({expression}) AS __m FROM {table} WHERE {both} GROUP BY 1"
    if one.missing == "band":
        database.execute(f"CREATE OR REPLACE TABLE {own} AS {known}")
    else:
        if of_kind not in NUMBERS:
            raise SourceError(f"{place}: interpolation goes along numbers, and {one.of} is of type {of_kind}")
        database.execute(
            f"""CREATE OR REPLACE TABLE {own} AS WITH known AS ({known}), gaps AS (
            SELECT DISTINCT {of} AS __o FROM {table} WHERE {of} IS NOT NULL AND {expression} IS NULL)
            SELECT gaps.__o, CASE WHEN low.__o IS NULL THEN high.__m
            WHEN high.__o IS NULL OR high.__o = low.__o THEN low.__m
            ELSE low.__m + (high.__m - low.__m) * (gaps.__o - low.__o) / (high.__o - low.__o) END AS __m
            FROM gaps ASOF LEFT JOIN known low ON gaps.__o >= low.__o
            ASOF LEFT JOIN known high ON gaps.__o <= high.__o"""
        )
    return kept.format(f"coalesce((SELECT any_value(__m) FROM {own} WHERE __o = {of}), {middle})")


def fill_last(database: duckdb.DuckDBPyConnection, mapping: Mapping, stored: Stored | None) -> None:
    """Bring the values of the store that stand for gaps."""
    for label, spec in mapping.nodes.items():
        wanted = tuple(column for column, one in spec.clean.items() if one.missing == "last")
        found = stored(label, wanted) if wanted and stored is not None else None
        if found is None:
            continue
        ids = found.column("id").cast(pa.string())
        for column in wanted:
            rows = pa.table({"id": ids, "value": found.column(column).cast(pa.string())})
            database.register("stored values", rows)
            own = _last_table(label)
            database.execute(
                f'INSERT INTO {own} SELECT id, {value(column)}, value FROM "stored values" WHERE value IS NOT NULL'
            )
            database.unregister("stored values")


def _last_table(label: str) -> str:
    return name(f"last of {label}")


def fold_keys(
    database: duckdb.DuckDBPyConnection, mapping: Mapping, types: Keys[str, Keys[str, str]]
) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Make keys one that differ in case and spaces alone, of labels that say so.

    Returns how many other spellings there were, and the SQL that did it by statement, for a statement that runs again.

    The spelling that most rows have stands for all of them, and the first row that has it is the node.

    Args:
        types: the columns of each staged statement.
    """
    found, done = {}, dict[str, list[str]]()
    for label, spec in mapping.nodes.items():
        if not spec.fold:
            continue
        statement = f"nodes.{label}"
        place = partial(mapping.place, "nodes", label)
        key = name(Columns(types[statement], place).find(spec.key, "key"))
        ends = []
        for kind, edge in mapping.edges.items():
            of_edge = Columns(types[f"edges.{kind}"], partial(mapping.place, "edges", kind))
            for end, way in ((edge.source, "from"), (edge.target, "to")):
                if end.label == label:
                    ends.append((f"edges.{kind}", name(of_edge.find(end.column, way))))
        own = name(f"spellings of {label}")
        every = " UNION ALL ".join(
            f"SELECT CAST({column} AS VARCHAR) AS one FROM {name(table)}" for table, column in [(statement, key), *ends]
        )
        database.execute(
            f"""CREATE OR REPLACE TABLE {own} AS SELECT {_folded("one")} AS fold, one, count(*) AS n
            FROM ({every}) WHERE one IS NOT NULL GROUP BY ALL"""
        )
        chosen = f"SELECT fold, arg_max(trim(one), (n, one)) AS chosen FROM {own} GROUP BY fold"
        (other,) = database.execute(
            f"SELECT count(*) FROM {own} JOIN ({chosen}) USING (fold) WHERE one <> chosen"
        ).fetchone() or (0,)
        for table, column in [(statement, key), *ends]:
            done.setdefault(table, []).append(
                f"""UPDATE {name(table)} SET {column} = c.chosen FROM ({chosen}) c
                WHERE {_folded(f"CAST({column} AS VARCHAR)")} = c.fold AND CAST({column} AS VARCHAR) <> c.chosen"""
            )
            database.execute(done[table][-1])
        if other:
            done[statement].append(
                f"""DELETE FROM {name(statement)} WHERE {key} IS NOT NULL
                AND rowid NOT IN (SELECT min(rowid) FROM {name(statement)} GROUP BY {key})"""
            )
            database.execute(done[statement][-1])
            found[f"{label}: other spellings of a key"] = int(other)
    return found, done


def _folded(text: str) -> str:
    return rf"lower(trim(regexp_replace({text}, '\s+', ' ', 'g')))"


def counts_of(database: duckdb.DuckDBPyConnection, mapping: Mapping, plans: Keys[str, Plan]) -> dict[str, int]:
    """How many values were filled in or brought into a range, by column."""
    found = {}
    for label, spec in mapping.nodes.items():
        plan = plans[label]
        for wanted, one in spec.clean.items():
            column = next((each for each in plan.select if each.casefold() == wanted.casefold()), wanted)
            if one.missing is not None:
                (count,) = database.execute(
                    f"SELECT count(*) FROM {plan.table} WHERE {plan.select[f'{column}{MARK}']}"
                ).fetchone() or (0,)
                if count:
                    found[f"{label}.{column}: filled in ({one.missing})"] = int(count)
            if one.range is not None and one.outside != "reject":
                low, high = (
                    f"TIMESTAMPTZ {value(str(end))}" if isinstance(end, str) else repr(end) for end in one.range
                )
                raw = plan.raw.get(column, plan.select[column])
                (count,) = database.execute(
                    f"SELECT count(*) FROM {plan.table} WHERE {raw} NOT BETWEEN {low} AND {high}"
                ).fetchone() or (0,)
                if count:
                    found[f"{label}.{column}: outside the range ({one.outside})"] = int(count)
    return found
