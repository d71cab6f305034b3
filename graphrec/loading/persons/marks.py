"""Whether the marks of a mapping hold: what it refuses, and what it should look at."""

from collections.abc import Iterator

import duckdb

from graphrec.errors import SourceError
from graphrec.loading.persons.names import sort_of
from graphrec.loading.persons.values import REACHING, shape_of_text
from graphrec.loading.run.plan import Plan
from graphrec.loading.run.transform import Staged
from graphrec.schema import NodeSchema

_LEAST = 5
"""Different values from which on two columns may be compared."""
_LONG = 4
"""Characters of a value that tells a person."""
_SHARED = 0.5
_SENTENCE = 40
"""Characters of a mean text from which on it is written about somebody."""


def refuse_elsewhere(database: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Stop where what is personal under one label stands under another one, as a key, a property or of an edge.

    Raises:
        SourceError: it does.
    """
    for label, schema in staged.schema.nodes.items():
        personal = [
            column.name for column in schema.columns if column.name in schema.personal and column.kind == "text"
        ]
        plan = staged.nodes.get(label)
        for column in personal if plan is not None else ():
            assert plan is not None
            for other, which, text, table in _elsewhere(staged, label):
                own = f"SELECT DISTINCT {plan.select[column]} AS v FROM {plan.table}"
                query = (
                    f"WITH mine AS ({own}), theirs AS (SELECT DISTINCT {text} AS v FROM {table}) SELECT count(*), "
                    f"count(*) FILTER (WHERE v IN (SELECT v FROM mine WHERE length(v) >= {_LONG})) FROM theirs "
                    "WHERE v IS NOT NULL"
                )
                there, shared = database.execute(query).fetchall()[0]
                if shared >= _LEAST and shared >= _SHARED * there:
                    raise SourceError(
                        f"{staged.mapping.place(*other.split('.', 1))}: {which} holds {shared:,} values of "
                        f"nodes.{label}.{column}, which is personal and stays in the store; leave it out of {other}, "
                        f"or take {column} out of nodes.{label}.personal"
                    )


def _elsewhere(staged: Staged, label: str) -> Iterator[tuple[str, str, str, str]]:
    """Statement, column, SQL and table of every text that is not of a label and not marked personal."""
    for other, schema in staged.schema.nodes.items():
        plan = staged.nodes.get(other)
        if plan is None or other == label:
            continue
        yield plan.statement, "its key", plan.select["id"], plan.table
        for column in schema.columns:
            if column.kind == "text" and column.name not in schema.personal:
                yield plan.statement, column.name, plan.select[column.name], plan.table
    for kind, edge in staged.schema.edges.items():
        plan = staged.edges.get(kind)
        for column in edge.columns if plan is not None else ():
            if plan is not None and column.kind == "text":
                yield plan.statement, column.name, plan.select[column.name], plan.table


def unmarked(database: duckdb.DuckDBPyConnection, staged: Staged) -> tuple[str, ...]:
    """What a mapping does not mark and looks as if it should, each with the line that would."""
    user = staged.schema.roles.user
    found: list[str] = []
    for label, schema in staged.schema.nodes.items():
        plan = staged.nodes.get(label)
        if plan is not None:
            found += _of_label(database, plan, schema, is_user=label == user)
    for kind, edge in staged.schema.edges.items():
        if edge.source != user or edge.protected or edge.target in (user, staged.schema.roles.product):
            continue
        sort = sort_of(edge.target)
        if sort in ("special", "protected", "personal"):
            found.append(f"edges.{kind}: {edge.target} looks {_said(sort)} and is in scores: protected = true")
    return tuple(found)


def _of_label(database: duckdb.DuckDBPyConnection, plan: Plan, schema: NodeSchema, *, is_user: bool) -> Iterator[str]:
    for column in schema.columns:
        if column.name in schema.personal:
            continue
        said, where = plan.select[column.name], f"{plan.statement}: {column.name}"
        shape = shape_of_text(database, plan.table, f"CAST({said} AS VARCHAR)") if column.kind == "text" else ""
        if shape in REACHING:
            yield f'{where} holds {shape}: personal = ["{column.name}"]'
            continue
        sort = sort_of(column.name) if is_user else None
        if column.kind == "boolean" and sort == "personal":
            continue
        if sort == "personal":
            yield f'{where} looks personal: personal = ["{column.name}"]'
        elif sort in ("special", "protected") and column.name not in schema.protected:
            yield f'{where} looks {_said(sort)}: leave it out, or protected = ["{column.name}"]'
        elif is_user and column.kind == "text" and _is_written(database, plan.table, said):
            more = " and is in scores (text)" if column.name in schema.text else ""
            yield f'{where} is free text about people{more}: personal = ["{column.name}"], if nobody agreed to its use'


def _said(sort: str) -> str:
    return {"special": "like data of a special kind (Article 9 and 10 of the GDPR)"}.get(sort, sort)


def _is_written(database: duckdb.DuckDBPyConnection, table: str, text: str) -> bool:
    mean = database.execute(f"SELECT avg(length({text})) FROM {table}").fetchall()[0][0]
    return mean is not None and mean > _SENTENCE
