"""The parts of a proposed mapping: a label, an edge type or a series each, as TOML around SQL."""

import json
import re
from dataclasses import dataclass, field

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.looks import (
    action_of,
    action_of_table,
    is_personal,
    label_name,
    looks,
    property_name,
    type_name,
)
from graphrec.loading.propose.profile import TableProfile
from graphrec.loading.propose.words import singular, stem, words
from graphrec.loading.sources.sql import name, value

MANY_VALUES = 60
"""A column with more different values is no attribute node."""
MANY_LEVELS = 12
"""A whole number with more different values is no level, such as one of risk tolerance."""
LONG_TEXT = 25.0
"""Characters on average from which a column is a text to embed."""


@dataclass
class Draft:
    """What was proposed; `questions` are what only a person can know."""

    questions: list[str]
    labels: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    user: str = ""
    product: str = ""
    interactions: dict[str, float] = field(default_factory=dict)
    """Weight by edge type."""
    label_of: dict[str, str] = field(default_factory=dict)
    """Label by table name, for the tables that are used; an event's has none."""
    is_loose: bool = False
    """Whether a column that is called like users or products alone is taken for their identifier."""

    @property
    def files(self) -> int:
        """How many tables are used."""
        return len(self.label_of)

    def relevant(self) -> list[str]:
        """The interactions that are a hit: those of full weight."""
        return [kind for kind, weight in self.interactions.items() if weight >= 1.0]

    def ask(self, question: str) -> None:
        """Note what to look at."""
        self.questions.append(question)

    def add_node(self, label: str, *lines: str) -> None:
        """Propose a label."""
        self.labels.append(label)
        self.parts.append("\n".join([f"[nodes.{toml_key(label)}]", *lines]))

    def add_edge(self, kind: str, source: str, *lines: str) -> str:
        """Propose an edge type; its name, which takes that of its source where another has it already."""
        if kind in self.types:
            kind = f"{type_name(source)}_{kind}"
        while kind in self.types:
            kind += "_2"
        self.types.append(kind)
        self.parts.append("\n".join([f"[edges.{toml_key(kind)}]", *lines]))
        return kind


def add_entity(draft: Draft, table: TableProfile) -> None:
    """Propose the label of a table's rows, with every column as a property."""
    label, columns = draft.label_of[table.name], [c for c in table.columns.values() if c.name != table.key]
    personal = [column.name for column in columns if is_personal(column, of_user=label == draft.user)]
    protected = [column.name for column in columns if looks(column.name, "protected")]
    texts = [column for column in columns if column.kind == "text" and column.name not in table.references]
    called = next((column.name for column in texts if looks(column.name, "name")), None)
    long = [c.name for c in texts if _is_long(c) and c.name not in {*personal, *protected, called}]
    embedded = [called, *long] if called and called not in personal else long
    issued = next((c for c in columns if c.kind == "time" and looks(c.name, "issued")), None)
    known_at = issued if label == draft.product else None
    marks = {"text": embedded if long else [], "personal": personal, "protected": protected}
    draft.add_node(
        label,
        f"key = {quote(property_name(table.key or ''))}",
        *([f"name = {quote(property_name(called))}"] if called else []),
        *(
            f"{mark} = {quote([property_name(column) for column in marked])}"
            for mark, marked in marks.items()
            if marked
        ),
        *([f"known_at = {quote(property_name(known_at.name))}"] if known_at else []),
        _select_from(table, _raw(table.key or ""), *(_given(c) if c is known_at else _typed(c) for c in columns)),
    )
    for mark in ("personal", "protected"):
        if marks[mark]:
            draft.ask(f"nodes.{label}: {', '.join(marks[mark])} look {mark}: is that all?")
    _ask_about_dates(draft, f"nodes.{label}", columns)


def _is_long(column: ColumnProfile) -> bool:
    """Whether a column holds sentences: long values, few of them alike; a Chinese sign says as much as two letters."""
    return column.mean_length > LONG_TEXT and column.distinct > min(MANY_VALUES, column.filled / 2)


def add_attributes(draft: Draft, table: TableProfile) -> None:
    """Propose columns with few values as nodes: first-hop neighbours like holdings."""
    label = draft.label_of[table.name]
    for column in table.others():
        if not _is_attribute(column, table, of_user=label == draft.user):
            continue
        attribute = label_name(column.name)
        while attribute in {*draft.labels, *draft.label_of.values()}:
            attribute = label + attribute
        there = f"{name(column.name)} IS NOT NULL"
        draft.add_node(
            attribute,
            f"key = {quote(property_name(column.name))}",
            _sql(f"SELECT DISTINCT {_raw(column.name)} FROM {name(table.name)} WHERE {there}"),
        )
        draft.add_edge(
            type_name(f"has_{column.name}"),
            label,
            _end("from", label, table.key or ""),
            _end("to", attribute, column.name),
            *(["protected = true"] if looks(column.name, "protected") else []),
            _select_from(table, _raw(table.key or ""), _raw(column.name), where=there),
        )


def _is_attribute(column: ColumnProfile, table: TableProfile, *, of_user: bool) -> bool:
    """Whether people, or products, with one value of a column have something in common."""
    if column.looks_like_id or is_personal(column, of_user=of_user):
        return False
    if looks(column.name, "state") or looks(column.name, "name"):
        return False
    if column.kind == "integer":
        return of_user and 2 <= column.distinct <= MANY_LEVELS
    most = min(MANY_VALUES, max(2, table.rows // 2))
    return column.kind == "text" and 2 <= column.distinct <= most and column.mean_length <= 40


def add_missing_label(draft: Draft, column: str, label: str, tables: list[TableProfile]) -> None:
    """Propose a label for keys that no file describes: their different values, from all files that have them."""
    if label in {*draft.labels, *draft.label_of.values()}:
        return
    holders = [table.name for table in tables if column in table.columns and not draft.label_of.get(table.name)]
    found = [f"SELECT {name(column)} AS id FROM {name(holder)}" for holder in holders]
    draft.add_node(
        label, 'key = "id"', _sql(f"SELECT DISTINCT id FROM ({' UNION ALL '.join(found)}) WHERE id IS NOT NULL")
    )
    draft.ask(f"nodes.{label}: no file describes them; is there one with names and texts?")


def add_references(draft: Draft, table: TableProfile) -> None:
    """Propose an edge type for every column that holds keys of another table."""
    label = draft.label_of[table.name]
    for column, other in table.references.items():
        target = draft.label_of.get(other)
        if not target or column == table.key:
            continue
        draft.add_edge(
            type_name(f"has_{'_'.join(stem(column))}"),
            label,
            _end("from", label, table.key or ""),
            _end("to", target, column),
            _select_from(table, _raw(table.key or ""), _raw(column), where=f"{name(column)} IS NOT NULL"),
        )


def add_event(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose the edge types of an event table; False when it joins no two things."""
    if len({label for _, label in ends}) < 2:
        return False
    are_roles = {draft.user, draft.product} == {label for _, label in ends}
    (source, source_label), (target, target_label) = ends if not are_roles or ends[0][1] == draft.user else ends[::-1]
    others = [column for column in table.columns.values() if column.name not in {source, target}]
    heads, selected = _event_heads(others, (source, target))
    heads = [
        _end("from", source_label, source),
        _end("to", target_label, target),
        *heads,
    ]
    column = _action_column(others) if are_roles else None
    if column is not None:
        draft.ask(f"{table.name}: each value of {column.name} became an edge type; which speak for a product?")
    _ask_about_dates(draft, table.name, others)
    for (kind, weight), values in _kinds(table, column, are_roles=are_roles).items():
        where = _is_one_of(column.name, values) if column else ""
        given = draft.add_edge(
            kind, source_label, *heads, _select_from(table, _raw(source), _raw(target), *selected, where=where)
        )
        if are_roles:
            draft.interactions[given] = weight
    return True


def _is_one_of(column: str, values: list[str]) -> str:
    listed = ", ".join(value(one) for one in values)
    return f"{name(column)} = {listed}" if len(values) == 1 else f"{name(column)} IN ({listed})"


def _action_column(others: list[ColumnProfile]) -> ColumnProfile | None:
    """The column that says what people did: most of its values are known actions, or it is called like one."""
    found = [column for column in others if len(column.values) >= 2 and column.filled == column.rows]
    known = {column.name: sum(action_of(one) is not None for one in column.values) for column in found}
    found = [column for column in found if 2 * known[column.name] >= len(column.values) or looks(column.name, "action")]
    return max(found, key=lambda column: known[column.name], default=None)


def _kinds(table: TableProfile, column: ColumnProfile | None, *, are_roles: bool) -> dict[tuple[str, float], list[str]]:
    """Edge type and weight of what people do, each with the values that say so."""
    base = type_name(singular(table.name))
    if column is None:
        action = action_of_table(table.name) if are_roles else None
        return {(action.type, action.weight) if action else (base, 1.0): []}
    kinds: dict[tuple[str, float], list[str]] = {}
    for one in column.values:
        action = action_of(one)
        kinds.setdefault((action.type, action.weight) if action else (type_name(one, base), 1.0), []).append(one)
    return dict(sorted(kinds.items(), key=lambda kind: -kind[0][1]))


def _event_heads(others: list[ColumnProfile], ends: tuple[str, str]) -> tuple[list[str], list[str]]:
    """Lines for key, times and weight of an event, and its select list."""
    whole = [column for column in others if column.filled == column.rows]
    times = [column for column in others if column.kind == "time" and column.is_whole]
    key = next((c for c in whole if (c.is_unique and c.looks_like_id) or c.is_nearly_unique), None)
    known = next((c for c in others if c.kind == "time" and looks(c.name, "known") and times[:1] != [c]), None)
    numbers = [c for c in whole if c.kind in {"integer", "real"} and c.least >= 0 and not c.misfits]
    found = {
        "key": key,
        "at": next((column for column in times if column is not known), None),
        "known_at": known,
        "weight": next((column for column in numbers if looks(column.name, "weight")), None),
    }
    heads = [f"{line} = {quote(property_name(column.name))}" for line, column in found.items() if column]
    # The engine casts these row by row, and rejects what it cannot: nothing becomes a gap on the way.
    cast = [column for column in found.values() if column]
    selected = [
        _raw(column.name) if column is key else _given(column) if column in cast else _typed(column)
        for column in others
    ]
    if key is None and found["at"] is None:
        # Nothing tells two events of one pair apart: each is one of several.
        selected.append(f"row_number() OVER (PARTITION BY {', '.join(map(name, ends))} ORDER BY _file, _line) AS nth")
        heads.insert(0, 'key = "nth"')
    return heads, selected


def add_series(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose numbers of one thing by day as a series; False when they are none."""
    day = next((c for c in table.others() if c.kind == "time" and c.filled == c.rows), None)
    numbers = [column for column in table.others() if column.kind in {"integer", "real"}]
    if len(ends) != 1 or ends[0][1] not in draft.labels or day is None or not numbers:
        return False
    column, label = ends[0]
    draft.parts.append(
        "\n".join(
            [
                f"[series.{toml_key('_'.join(words(singular(table.name))))}]",
                _end("of", label, column),
                f"at = {quote(property_name(day.name))}",
                f"values = {quote([property_name(each.name) for each in numbers])}",
                _select_from(table, _raw(column), *(_typed(each) for each in (day, *numbers))),
            ]
        )
    )
    return True


def _ask_about_dates(draft: Draft, place: str, columns: list[ColumnProfile]) -> None:
    for column in columns:
        if column.is_ambiguous_date:
            draft.ask(f"{place}: does {column.name} begin with the day, as it is read now, or with the month?")


def _end(word: str, label: str, column: str) -> str:
    return f"{word} = {quote(f'{label}.{property_name(column)}')}"


def _select_from(table: TableProfile, *columns: str, where: str = "") -> str:
    condition = f" WHERE {where}" if where else ""
    return _sql(f"SELECT {', '.join(columns)}, _file, _line\nFROM {name(table.name)}{condition}")


def _typed(column: ColumnProfile) -> str:
    return _named(column.convert, column.name)


def _given(column: ColumnProfile) -> str:
    return _named(column.given, column.name)


def _raw(column: str) -> str:
    """A key as it is in the file: a number would lose its zeros."""
    return _named(name(column), column)


def _named(expression: str, column: str) -> str:
    named = name(property_name(column))
    return expression if expression == named else f"{expression} AS {named}"


def quote(plain: str | list[str]) -> str:
    """A text, or a list of them, as TOML writes it."""
    return json.dumps(plain, ensure_ascii=False)


def toml_key(plain: str) -> str:
    """A key as TOML writes it: quoted where it has other than plain letters."""
    return plain if re.fullmatch(r"[A-Za-z0-9_-]+", plain) else quote(plain)


def _sql(statement: str) -> str:
    escaped = statement.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'sql = """\n{escaped}\n"""'
