"""What a person asks of a store: a query of the analysts' library, or a statement of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from graphrec import queries
from graphrec.errors import StoreError
from graphrec.store.base import Bounds, Result, Store
from graphrec.store.checks.check import unfinished
from graphrec.store.questions.guard import check_statement
from graphrec.store.questions.names import check_names


@dataclass(frozen=True)
class Asked:
    """The answer to a person's question."""

    name: str | None
    """The query of the library; None: a statement."""
    result: Result
    notes: tuple[str, ...]
    """What the reader should know of it: rows that are left out, loads that are not complete."""


def ask(store: Store, query: str, parameters: Mapping[str, Any], bounds: Bounds) -> Asked:
    """The rows of a query of the library, or of a statement that only reads.

    Args:
        query: the name of a query, or Cypher.
        parameters: the parameters; texts for a query of the library, which knows their kinds.

    Raises:
        QueryError: it reads more than the graph, writes, takes too long, or the store refuses it.
        UnknownId: there is no such query.
        UsageError: a parameter is missing, unknown or of another kind.
    """
    stopped = unfinished(store.sources())
    name = query if re.fullmatch(r"[\w-]+", query) else None
    if name is not None:
        described = queries.describe(name)
        values = described.values({key: str(value) for key, value in parameters.items()})
        schema = store.read_schema()
        described.check(values, schema)
        text = queries.analyst(name, schema)
    else:
        check_statement(query)
        _check_names(store, query)
        text, values = queries.text(query), dict(parameters)
    result = store.query(text, values, bounds)
    cut = f"only the first {bounds.rows:,} rows: there are more; raise --limit" if result.is_cut else None
    return Asked(name, result, tuple(note for note in (cut, stopped) if note))


def _check_names(store: Store, query: str) -> None:
    """Refuse names that the graph does not have; what a store without a schema holds is not known."""
    if any(source.schema for source in store.sources()):
        info = cache(store.info)
        check_names(query, store.read_schema(), lambda: {*info().nodes, *info().edges})


def edit(store: Store, statement: str, parameters: Mapping[str, Any]) -> Result:
    """The rows of a statement that may change the graph.

    The store's account is marked first: the next snapshot takes its sums anew.

    Raises:
        QueryError: it reads more than the graph, or the store refuses it.
    """
    check_statement(statement, write=True)
    contents = store.contents()
    if contents is None:
        return store.write(queries.text(statement), parameters)
    account = queries.text("load/contents")
    store.write(account, {"text": replace(contents, is_edited=True).to_text()})
    try:
        result = store.write(queries.text(statement), parameters)
    except StoreError:
        store.write(account, {"text": contents.to_text()})  # a statement that failed has changed nothing
        raise
    totals = store.info().totals()
    edited = replace(contents, is_edited=True, totals={key: totals.get(key, 0) for key in contents.totals})
    store.write(account, {"text": edited.to_text()})
    return result
