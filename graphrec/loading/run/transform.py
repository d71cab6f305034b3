"""Transform: run the SQL of a mapping, check every row, and keep the good ones; tables in, tables out."""

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Keys
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time

import duckdb
import pyarrow as pa

from graphrec.errors import SourceError
from graphrec.graph.rows import Counts, Part
from graphrec.loading.mapping.names import suggest
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.run.clean import cleaned, fold_keys
from graphrec.loading.run.columns import Check, ids_table
from graphrec.loading.run.plan import Plan, edge_plan, node_plan, series_plan, split_plan
from graphrec.loading.run.select import tables_of
from graphrec.loading.sources.database import run_limited
from graphrec.loading.sources.sql import explain_error, name, value
from graphrec.progress import Progress
from graphrec.schema import EdgeSchema, EventSchema, GraphSchema, NodeSchema, SeriesSchema, SplitRule
from graphrec.times import microseconds_of

BATCH_ROWS = 500_000
REJECTED = name("rejected rows")
_PAIRS = name("relevant pairs")
_MISSING_COLUMN = re.compile(
    r'Referenced column "(?P<column>[^"]+)" not found|'
    r'(?:Table|Values list) "(?P<table>[^"]+)" does not have a column named "(?P<other>[^"]+)"'
)

#: What stands for the time of edges that have none.
_NO_TIME = "CAST(NULL AS TIMESTAMPTZ)"
_DAY = 86_400_000_000

#: Those of some persons who were forgotten.
Suppressed = Callable[[Iterable[str]], set[str]]
_SUPPRESSED = name("suppressed persons")
_HIDDEN = -1
"""The rule that rows of suppressed persons break: they are counted, and nobody reads them."""

#: The ids of a label that are there already, or None.
KnownIds = Callable[[str], pa.Array | None]


@dataclass(frozen=True)
class Staged:
    """The results of all statements, not yet checked, and what they mean."""

    mapping: Mapping
    schema: GraphSchema
    nodes: dict[str, Plan]
    edges: dict[str, Plan]
    series: dict[str, Plan]
    split: dict[Part, tuple[str, dict[str, str]]]
    """SQL and columns of the pairs."""
    sql_seconds: float
    hides: bool = False
    """Whether rows of suppressed persons are left out."""
    folded: Keys[str, int] = field(default_factory=dict)
    """Other spellings of keys that became one, by label."""
    folds: Keys[str, list[str]] = field(default_factory=dict)
    """The SQL by statement that made them one."""


@dataclass(frozen=True)
class Checked:
    """The statements after the checks; the good rows can be read by `rows`."""

    nodes: dict[str, Plan]
    edges: dict[str, Plan]
    series: dict[str, Plan]
    split: dict[Part, Plan]
    counts: dict[str, Counts]
    """Rows read and rejected by statement."""


def stage(
    database: duckdb.DuckDBPyConnection, mapping: Mapping, absent: list[str], sql_seconds: float, progress: Progress
) -> Staged:
    """Run every statement into a table of its own.

    Args:
        mapping: its statements are those of `only_selects`.
        absent: the tables whose optional files are not there.
        sql_seconds: how long a statement may run.

    Raises:
        SourceError: a statement is wrong or takes too long, or a key of the mapping names no column of its statement.
    """
    nodes: dict[str, tuple[Plan, NodeSchema]] = {}
    edges: dict[str, tuple[Plan, EdgeSchema]] = {}
    series: dict[str, Plan] = {}
    total = len(mapping.nodes) + len(mapping.edges) + len(mapping.series)

    def run(statement: str, sql: str) -> dict[str, str]:
        progress("running statements", len(nodes) + len(edges) + len(series), total)
        return _run(database, mapping, statement, sql, absent, sql_seconds)

    of_nodes = {label: run(f"nodes.{label}", node.sql) for label, node in mapping.nodes.items()}
    for label, node in mapping.nodes.items():
        plan, schema_of = node_plan(mapping, node, of_nodes[label])
        nodes[label] = plan, schema_of
    of_edges = dict[str, dict[str, str]]()
    for kind, edge in mapping.edges.items():
        of_edges[kind] = run(f"edges.{kind}", edge.sql)
        edges[kind] = edge_plan(mapping, edge, of_edges[kind])
    types = {
        **{f"nodes.{one}": kinds for one, kinds in of_nodes.items()},
        **{f"edges.{one}": kinds for one, kinds in of_edges.items()},
    }
    folded, folds = fold_keys(database, mapping, types)
    for label, node in mapping.nodes.items():
        # Rows that fold into one count once in what gaps are filled with.
        nodes[label] = cleaned(database, mapping, node, of_nodes[label], *nodes[label])
    for key, one in mapping.series.items():
        series[key] = series_plan(mapping, one, run(f"series.{key}", one.sql))
    split: dict[Part, tuple[str, dict[str, str]]] = {}
    if mapping.split:
        split["test"] = (mapping.split.test, run("split.test", mapping.split.test))
        if mapping.split.valid:
            split["valid"] = (mapping.split.valid, run("split.valid", mapping.split.valid))
    schema = GraphSchema(
        roles=mapping.roles,
        nodes={label: plan_and_schema[1] for label, plan_and_schema in nodes.items()},
        edges={kind: plan_and_schema[1] for kind, plan_and_schema in edges.items()},
        series={key: SeriesSchema(key, one.of.label, one.values) for key, one in mapping.series.items()},
        reasons=mapping.reasons,
        reasons_in=mapping.reasons_in,
        words=mapping.words,
        split=_split_rule(database, mapping, sql_seconds),
        events=_events(mapping, {label: pair[1] for label, pair in nodes.items()}),
        live=mapping.live,
    )
    schema = replace(schema, edges={**_edges_of_events(mapping), **schema.edges})
    progress("running statements", total, total)
    plans = {label: pair[0] for label, pair in nodes.items()}, {kind: pair[0] for kind, pair in edges.items()}
    return Staged(
        mapping, schema, *plans, series, _without_empty_valid(database, split), sql_seconds, folded=folded, folds=folds
    )  # fmt: skip


def check_rows(
    database: duckdb.DuckDBPyConnection,
    staged: Staged,
    known_ids: KnownIds,
    progress: Progress,
    *,
    full: bool,
    suppressed: Suppressed | None = None,
) -> Checked:
    """Find the rows that break a rule and put them into the table of rejected rows.

    Args:
        full: this load brings all edges, so that a pair of `[split]` must be one of them.
        suppressed: says whose rows are left out.

    Raises:
        SourceError: an end or a role names a label that neither this mapping nor `known_ids` has.
    """
    database.execute(
        f"CREATE OR REPLACE TABLE {REJECTED} (number INTEGER, statement VARCHAR, field VARCHAR, rule VARCHAR, "
        "shown VARCHAR, file VARCHAR, line BIGINT, position BIGINT)"
    )
    counts: dict[str, Counts] = {}
    staged = _without_suppressed(database, staged, suppressed)
    plans = [*staged.nodes.values(), *staged.edges.values(), *staged.series.values()]
    for plan in staged.nodes.values():
        progress("checking rows", len(counts), len(plans))
        counts[plan.statement] = _check(database, staged, plan, len(counts))
    _collect_ids(database, staged, known_ids)
    for plan in plans[len(staged.nodes) :]:
        progress("checking rows", len(counts), len(plans))
        counts[plan.statement] = _check(database, staged, plan, len(counts))
    split = _check_split(database, staged, counts, full=full)
    progress("checking rows", len(plans), len(plans))
    return Checked(staged.nodes, staged.edges, staged.series, split, counts)


def rows(database: duckdb.DuckDBPyConnection, plan: Plan) -> Iterator[pa.Table]:
    """The good rows of a statement in batches, in their final types."""
    query = f"SELECT {plan.columns()} FROM {plan.table} WHERE {_good(plan)}"
    for batch in database.sql(query).to_arrow_reader(BATCH_ROWS):
        yield pa.Table.from_batches([batch]).cast(plan.schema)


def covered_until(
    database: duckdb.DuckDBPyConnection, staged: Staged, checked: Checked, sql_seconds: float
) -> dict[str, int]:
    """Up to when the files have the events of each type, in microseconds since 1970; types of which nobody knows it are
    left out.

    Without `covered_until` it is the latest time of the edges that such events become. A day stands for its end.

    Raises:
        SourceError: a statement gives no time.
    """
    found = {}
    for kind, event in staged.schema.event_types().items():
        spec = staged.mapping.events.get(kind)
        plan = checked.edges.get(event.edge or "")
        if spec is not None and spec.covered_until:
            place, sql = (
                staged.mapping.place("events", kind, "covered_until"),
                f"SELECT * FROM (\n{spec.covered_until}\n)",
            )
        elif plan is not None and plan.select["at"] != _NO_TIME:
            place, sql = (
                staged.mapping.place("edges", event.edge or ""),
                f"SELECT max({plan.select['at']}) FROM {plan.table}",
            )
        else:
            continue
        try:
            answer = run_limited(database, sql, sql_seconds, place)
        except duckdb.Error as error:
            raise SourceError(f"{place}: {explain_error(error)}; want a SELECT of one time") from error
        moment = answer[0][0] if len(answer) == 1 and len(answer[0]) == 1 else ""
        if moment is not None and not isinstance(moment, date):
            raise SourceError(f"{place}: the SQL gives no time; want a SELECT of one time, such as max(booked_at)")
        if moment is not None:
            found[kind] = _end_of(moment)
    return found


def _end_of(moment: date) -> int:
    """A time as microseconds since 1970; that of a day, or of midnight as days are kept, is its end."""
    whole = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    found = microseconds_of(whole)
    return found + _DAY - 1 if found % _DAY == 0 else found


def identity_rows(database: duckdb.DuckDBPyConnection, plan: Plan) -> pa.Table:
    """What names the good rows of a statement: id, or source, target and key."""
    names = ["id"] if "id" in plan.select else ["source", "target", "key"]
    columns = ", ".join(f"{plan.select[column]} AS {name(column)}" for column in names)
    return database.sql(f"SELECT {columns} FROM {plan.table} WHERE {_good(plan)}").to_arrow_table()


def split_rows(database: duckdb.DuckDBPyConnection, plan: Plan) -> pa.Table:
    """The good pairs of a part, each once, sorted."""
    query = f"SELECT DISTINCT {plan.columns()} FROM {plan.table} WHERE {_good(plan)} ORDER BY ALL"
    return database.sql(query).to_arrow_table().cast(plan.schema)


def _run(
    database: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    statement: str,
    sql: str,
    absent: list[str],
    sql_seconds: float,
) -> dict[str, str]:
    """Run one statement into its table; returns its columns with their types."""
    place = _place(mapping, statement)
    while True:
        try:
            _create(database, statement, sql, sql_seconds, place)
            break
        except duckdb.Error as error:
            if not _add_missing_column(database, error, absent):
                missing = _missing_column(database, mapping, sql, error, place)
                raise SourceError(missing or f"{place}: {explain_error(error)}; correct its SQL") from error
    found = database.execute(f"DESCRIBE {name(statement)}").fetchall()
    return {column: kind for column, kind, *_ in found}


def _place(mapping: Mapping, statement: str) -> str:
    """File, line and key of a statement, for messages."""
    part, _, name_of = statement.partition(".")
    return mapping.place(part, name_of) if part == "split" else mapping.place(part, name_of, "sql")


def _create(database: duckdb.DuckDBPyConnection, statement: str, sql: str, seconds: float, place: str) -> None:
    run_limited(database, f"CREATE OR REPLACE TABLE {name(statement)} AS SELECT * FROM (\n{sql}\n)", seconds, place)


def _add_missing_column(database: duckdb.DuckDBPyConnection, error: duckdb.Error, absent: list[str]) -> bool:
    """Give the absent optional files the column that a statement asks for: nobody else can know it."""
    found = _MISSING_COLUMN.search(str(error))
    if not found or not isinstance(error, duckdb.BinderException):
        return False
    column = found["column"] or found["other"]
    added = False
    for table in absent:
        there = {row[0].casefold() for row in database.execute(f"DESCRIBE {name(table)}").fetchall()}
        if column.casefold() not in there:
            database.execute(f"ALTER TABLE {name(table)} ADD COLUMN {name(column)} VARCHAR")
            added = True
    return added


def _missing_column(
    database: duckdb.DuckDBPyConnection, mapping: Mapping, sql: str, error: duckdb.Error, place: str
) -> str | None:
    """Which file has lost or renamed a column, and what is new in it; None where it is another error."""
    found = _MISSING_COLUMN.search(str(error))
    if not found or not isinstance(error, duckdb.BinderException):
        return None
    column = found["column"] or found["other"]
    read = tables_of(database, sql, mapping.files, place)
    read = {alias: table for alias, table in read.items() if alias == str(found["table"]).casefold()} or read
    files = sorted(set(read.values()))
    if not files:
        return None
    mentioned = _mentioned(mapping)
    there = {
        row[0]: row[0].casefold() in mentioned
        for table in files
        for row in database.execute(f"DESCRIBE {name(table)}").fetchall()
        if not row[0].startswith("_")
    }
    new = [one for one, is_known in there.items() if not is_known]
    hint = f"; new there: {', '.join(new)}" if new else suggest(column, there)
    has = "has" if len(files) == 1 else "have"
    return (
        f"{' and '.join(mapping.files[table].shown for table in files)} {has} no column {column}{hint}; write the name "
        f"of now in {place}, or have it delivered as before; then: graphrec load {mapping.where} --check"
    )


def _mentioned(mapping: Mapping) -> set[str]:
    """Every word of the SQL of a mapping: a column that is not among them is new to it."""
    statements = [one.sql for part in (mapping.nodes, mapping.edges, mapping.series) for one in part.values()]
    if mapping.split:
        statements += [mapping.split.test, mapping.split.valid or ""]
    words = (word.strip('"') for sql in statements for word in re.findall(r'"[^"]+"|\w+', sql))
    return {word.casefold() for word in words}


def _events(mapping: Mapping, nodes: dict[str, NodeSchema]) -> dict[str, EventSchema]:
    """What events are to the graph.

    Raises:
        SourceError: one sets what is no column of users that answers may read.
    """
    user = nodes.get(mapping.roles.user)
    for kind, event in mapping.events.items():
        for column in event.sets if user is not None else ():
            known = {one.name for one in user.public_columns()} if user is not None else set()
            if column not in known:
                raise SourceError(
                    f"{mapping.place('events', kind, 'sets')} names {column!r}, which is no column of "
                    f"{mapping.roles.user} that answers read{suggest(column, known)}"
                )
    return {
        kind: EventSchema(kind, event.edge, event.key is not None, event.sets) for kind, event in mapping.events.items()
    }


def _edges_of_events(mapping: Mapping) -> dict[str, EdgeSchema]:
    """The edge types that only events bring."""
    roles, wanted = mapping.roles, (event.edge for event in mapping.events.values())
    return {name: EdgeSchema(name, roles.user, roles.product) for name in wanted if name and name not in mapping.edges}


def _split_rule(database: duckdb.DuckDBPyConnection, mapping: Mapping, sql_seconds: float) -> SplitRule | None:
    if mapping.split is None:
        return None
    refit = mapping.split.refit
    if isinstance(refit, str):
        place = mapping.place("split", "refit")
        refit = _ask_boolean(database, place, refit, sql_seconds)
    return SplitRule(refit, mapping.split.mask)


def _ask_boolean(database: duckdb.DuckDBPyConnection, place: str, sql: str, seconds: float) -> bool:
    try:
        answer = run_limited(database, f"SELECT * FROM (\n{sql}\n)", seconds, place)
    except duckdb.Error as error:
        raise SourceError(f"{place}: {explain_error(error)}; want true, false or SQL that gives a boolean") from error
    if len(answer) != 1 or len(answer[0]) != 1 or not isinstance(answer[0][0], bool):
        raise SourceError(f"{place}: the SQL gives no boolean; want true, false or SQL that gives one")
    return answer[0][0]


def _without_empty_valid(
    database: duckdb.DuckDBPyConnection, split: dict[Part, tuple[str, dict[str, str]]]
) -> dict[Part, tuple[str, dict[str, str]]]:
    """Validation pairs of an absent optional file are no validation part: it is drawn then."""
    empty = "valid" in split and not _count(database, f"SELECT count(*) FROM {name('split.valid')}")
    return {part: statement for part, statement in split.items() if part != "valid" or not empty}


def _collect_ids(database: duckdb.DuckDBPyConnection, staged: Staged, known_ids: KnownIds) -> None:
    """A table of ids for every label that something may name: of this load and of what is there."""
    mapping = staged.mapping
    named: dict[str, tuple[str, ...]] = {
        end.label: ("edges", edge.type) for edge in mapping.edges.values() for end in (edge.source, edge.target)
    }
    named |= {series.of.label: ("series", series.name, "of") for series in mapping.series.values()}
    named |= {mapping.roles.user: ("roles", "user"), mapping.roles.product: ("roles", "product")}
    for label, place in named.items():
        known = known_ids(label)
        known = pa.array([], pa.string()) if known is None else known.cast(pa.string())
        plan = staged.nodes.get(label)
        if plan is None and len(known) == 0:
            raise SourceError(
                f"{mapping.place(*place)} names {label!r}: neither this mapping nor the home has such nodes"
                f"{suggest(label, staged.nodes)}"
            )
        database.register("_known", pa.table({"id": known}))
        own = f" UNION SELECT {plan.select['id']} FROM {plan.table} WHERE {_good(plan)}" if plan else ""
        database.execute(f"CREATE OR REPLACE TABLE {ids_table(label)} AS SELECT id FROM _known{own}")
        database.unregister("_known")


def _check(database: duckdb.DuckDBPyConnection, staged: Staged, plan: Plan, number: int) -> Counts:
    _mark(database, plan)
    if plan.identity and _has_twice(database, plan):
        if not plan.has_lines:
            _restage_in_order(database, staged, plan)
            _mark(database, plan)
        _mark_twice(database, plan)
    read = _count(database, f"SELECT count(*) FROM {plan.table}")
    rejected = _count(database, f"SELECT count(*) FROM {_bad(plan)} WHERE _broken <> {_HIDDEN}")
    suppressed = _count(database, f"SELECT count(*) FROM {_bad(plan)}") - rejected if plan.persons else 0
    if rejected:
        _note(database, plan, number)
    return Counts(read=read, rejected=rejected, suppressed=suppressed)


def _without_suppressed(database: duckdb.DuckDBPyConnection, staged: Staged, suppressed: Suppressed | None) -> Staged:
    """The statements, each with the columns that name persons where some of these are suppressed."""
    if suppressed is None:
        return staged
    mapping = staged.mapping
    user, persons = mapping.roles.user, {}
    for plan in staged.nodes.values():
        persons[plan.statement] = [plan.select["id"]] if plan.statement == f"nodes.{user}" else []
    for kind, plan in staged.edges.items():
        ends = {"source": mapping.edges[kind].source.label, "target": mapping.edges[kind].target.label}
        persons[plan.statement] = [plan.select[end] for end, label in ends.items() if label == user]
    for key, plan in staged.series.items():
        persons[plan.statement] = [plan.select["id"]] if mapping.series[key].of.label == user else []
    plans = {plan.statement: plan for plan in (*staged.nodes.values(), *staged.edges.values(), *staged.series.values())}
    parts = [f"SELECT {one} AS id FROM {plans[name].table}" for name, found in persons.items() for one in found]
    known = (
        database.execute(f"SELECT DISTINCT id FROM ({' UNION '.join(parts)}) WHERE id IS NOT NULL").fetchall()
        if parts
        else []
    )
    hidden = suppressed(row[0] for row in known)
    database.register("_hidden", pa.table({"id": pa.array(sorted(hidden), pa.string())}))
    database.execute(f"CREATE OR REPLACE TABLE {_SUPPRESSED} AS SELECT id FROM _hidden")
    database.unregister("_hidden")

    def hiding(group: dict[str, Plan]) -> dict[str, Plan]:
        return {key: replace(plan, persons=tuple(persons[plan.statement])) for key, plan in group.items()}

    nodes, edges, series = hiding(staged.nodes), hiding(staged.edges), hiding(staged.series)
    return replace(staged, nodes=nodes, edges=edges, series=series, hides=bool(hidden)) if hidden else staged


def _bad(plan: Plan) -> str:
    return name(f"bad {plan.statement}")


def _good(plan: Plan) -> str:
    return f"rowid NOT IN (SELECT _position FROM {_bad(plan)})"


def _mark(database: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Put the first rule that each row breaks into the plan's table of bad rows."""
    hidden = " OR ".join(f"{person} IN (SELECT id FROM {_SUPPRESSED})" for person in plan.persons)
    cases = f"WHEN {hidden} THEN {_HIDDEN} " if hidden else ""
    cases += " ".join(f"WHEN {check.fails} THEN {number}" for number, check in enumerate(plan.checks))
    database.execute(
        f"CREATE OR REPLACE TABLE {_bad(plan)} AS SELECT _position, _broken FROM "
        f"(SELECT rowid AS _position, CASE {cases} END AS _broken FROM {plan.table}) WHERE _broken IS NOT NULL"
    )


def _twice_hashes(plan: Plan) -> str:
    hashed = f"hash({', '.join(plan.identity)}) AS _hash"
    return f"SELECT {hashed} FROM {plan.table} WHERE {_good(plan)} GROUP BY _hash HAVING count(*) > 1"


def _has_twice(database: duckdb.DuckDBPyConnection, plan: Plan) -> bool:
    return _count(database, f"SELECT count(*) FROM ({_twice_hashes(plan)})") > 0


def _restage_in_order(database: duckdb.DuckDBPyConnection, staged: Staged, plan: Plan) -> None:
    """Run the statement again on one thread: which of two rows is the first must not be a matter of luck."""
    threads = _count(database, "SELECT current_setting('threads')")
    database.execute("SET threads = 1")
    try:
        _create(database, plan.statement, plan.sql, staged.sql_seconds, _place(staged.mapping, plan.statement))
    finally:
        database.execute(f"SET threads = {threads}")
    for fold in staged.folds.get(plan.statement, ()):
        database.execute(fold)


def _mark_twice(database: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    order = "_file, _line, rowid" if plan.has_lines else "rowid"
    identity = ", ".join(plan.identity)
    database.execute(
        f"INSERT INTO {_bad(plan)} SELECT _position, {len(plan.checks)} FROM (SELECT rowid AS _position, "
        f"row_number() OVER (PARTITION BY {identity} ORDER BY {order}) AS _nth FROM {plan.table} "
        f"WHERE {_good(plan)} AND hash({identity}) IN ({_twice_hashes(plan)})) WHERE _nth > 1"
    )


def _note(database: duckdb.DuckDBPyConnection, plan: Plan, number: int) -> None:
    """Copy the plan's bad rows into the table of rejected rows, in words."""

    def case(part: Callable[[Check], str]) -> str:
        each = " ".join(f"WHEN {i} THEN {part(check)}" for i, check in enumerate((*plan.checks, plan.twice)))
        return f"CASE _broken {each} END"

    place = "CAST(_file AS VARCHAR), CAST(_line AS BIGINT)" if plan.has_lines else "NULL, NULL"
    database.execute(
        f"INSERT INTO {REJECTED} SELECT {number}, {value(plan.statement)}, {case(lambda check: value(check.column))}, "
        f"{case(lambda check: value(check.rule))}, {case(lambda check: check.shown)}, {place}, _position + 1 "
        f"FROM {_bad(plan)} JOIN (SELECT rowid AS _position, * FROM {plan.table}) USING (_position) "
        f"WHERE _broken <> {_HIDDEN}"
    )


def _check_split(
    database: duckdb.DuckDBPyConnection, staged: Staged, counts: dict[str, Counts], *, full: bool
) -> dict[Part, Plan]:
    checked: dict[Part, Plan] = {}
    relevant = staged.mapping.roles.relevant
    pairs = _PAIRS if full and staged.split and all(kind in staged.edges for kind in relevant) else None
    if pairs:
        parts = [
            f"SELECT {plan.select['source']} AS source, {plan.select['target']} AS target "
            f"FROM {plan.table} WHERE {_good(plan)}"
            for plan in (staged.edges[kind] for kind in relevant)
        ]
        database.execute(f"CREATE OR REPLACE TABLE {_PAIRS} AS {' UNION ALL '.join(parts)}")
    for part, (sql, types) in staged.split.items():
        test = checked.get("test")
        select = f"SELECT ({test.select['user']}, {test.select['product']}) FROM {test.table}" if test else None
        plan = split_plan(staged.mapping, part, sql, types, pairs, select)
        plan = replace(plan, persons=(plan.select["user"],)) if staged.hides else plan
        counts[plan.statement] = _check(database, staged, plan, len(counts))
        checked[part] = plan
    return checked


def _count(database: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(database.execute(query).fetchall()[0][0])
