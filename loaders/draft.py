"""Proposes a first mapping from the files of a folder, for a person to edit."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.files import whole_file
from graphrec.loaders import looks
from graphrec.loaders.looks import label_name, property_name, type_name
from graphrec.loaders.profile import ColumnProfile, TableProfile, profile_folder, singular, words
from graphrec.loaders.sql import name, value
from graphrec.progress import Progress, silent

MANY_VALUES = 60
"""A column with more different values is no attribute node."""
LONG_TEXT = 40.0
"""Characters on average from which a column is a text to embed."""


@dataclass
class Draft:
    """What was proposed; `questions` are what only a person can know."""

    files: int
    labels: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    user: str = ""
    product: str = ""
    interactions: list[str] = field(default_factory=list)
    label_of: dict[str, str] = field(default_factory=dict)
    """Label by table name."""

    def ask(self, question: str) -> None:
        """Note what to look at."""
        self.questions.append(question)

    def add_node(self, label: str, *lines: str) -> None:
        """Propose a label."""
        self.labels.append(label)
        self.parts.append("\n".join([f"[nodes.{label}]", *lines]))

    def add_edge(self, kind: str, *lines: str) -> str:
        """Propose an edge type; its name, which may have had to change."""
        while kind in self.types:
            kind += "_2"
        self.types.append(kind)
        self.parts.append("\n".join([f"[edges.{kind}]", *lines]))
        return kind


def write_draft(path: Path, folder: Path, progress: Progress = silent) -> Draft:
    """Write a proposed mapping; returns what it says and what to look at.

    Raises:
        SourceError: the file is there already, no file can be read, or nothing looks like users and products.
    """
    if path.exists():
        raise SourceError(f"{path} is there already; name another file with --new, or remove it")
    if not folder.is_dir():
        raise SourceError(f"--data {folder}: no such folder; give the folder that holds the files")
    tables, left = profile_folder(folder, progress)
    draft = _propose(tables, left, folder)
    with whole_file(path) as temporary:
        temporary.write_text(_text(draft, tables, path), encoding="utf-8")
    return draft


def _propose(tables: list[TableProfile], left: list[str], folder: Path) -> Draft:
    if not tables:
        raise SourceError(
            f"--data {folder}: no file ends in .csv, .tsv, .json, .jsonl or .parquet; give another folder"
        )
    draft = Draft(len(tables), questions=[f"{file} has no reader by its suffix and was left out" for file in left])
    entities = [table for table in tables if table.key and not _is_event(table)]
    events = [table for table in tables if table not in entities]
    draft.label_of = {table.name: label_name(singular(table.name)) for table in entities}
    ends = {table.name: _ends(table, draft) for table in events}
    _choose_roles(draft, entities, [(table.rows, ends[table.name]) for table in events], folder)
    for table in entities:
        _add_entity(draft, table)
    for table in events:
        _add_missing_labels(draft, ends[table.name], tables)
    for table in entities:
        _add_references(draft, table)
    for table in events:
        if not _add_event(draft, table, ends[table.name]) and not _add_series(draft, table, ends[table.name]):
            draft.ask(f"{table.name} joins no two things that were recognised and is not used")
    return draft


def _is_event(table: TableProfile) -> bool:
    """Whether the rows join two other things, with or without a number of their own."""
    if len(table.references) < 2:
        return False
    referred = {singular(word) for column in table.references for word in words(column)}
    has_time = any(column.kind == "time" for column in table.others())
    return table.key is None or has_time or bool(referred & looks.USERS and referred & looks.PRODUCTS)


def _ends(table: TableProfile, draft: Draft) -> list[tuple[str, str]]:
    """Column and label of the things a row joins; identifiers without a table of their own become labels."""
    found = [(column, draft.label_of[other]) for column, other in table.references.items() if other in draft.label_of]
    for column in table.others():
        is_end = column.looks_like_id and column.kind in {"text", "integer"} and column.distinct < column.filled
        if len(found) < 2 and is_end:
            found.append((column.name, label_name("_".join(column.words[:-1]) or column.name)))
    return found[:2]


def _choose_roles(
    draft: Draft, entities: list[TableProfile], events: list[tuple[int, list[tuple[str, str]]]], folder: Path
) -> None:
    """User and product: by their names, else by who has a personal column, else as the largest event table has them."""
    pairs = [(rows, ends) for rows, ends in events if len({label for _, label in ends}) == 2]
    if not pairs:
        raise SourceError(
            f"--data {folder}: no file joins two things by their keys, as trades join customers and products; "
            "give the folder of the events too, or write the mapping by hand"
        )
    (_, first), (_, second) = max(pairs, key=lambda pair: pair[0])[1]
    personal = {
        draft.label_of[table.name]
        for table in entities
        if any(looks.is_personal(column, of_user=False) for column in table.others())
    }

    def like_user(label: str) -> int:
        about = {singular(word) for word in words(label)}
        return 2 * bool(about & looks.USERS) - 2 * bool(about & looks.PRODUCTS) + (label in personal)

    draft.user, draft.product = (first, second) if like_user(first) >= like_user(second) else (second, first)
    if like_user(draft.user) <= like_user(draft.product):
        draft.ask(f"roles: is {draft.user} the user and {draft.product} the product?")


def _add_entity(draft: Draft, table: TableProfile) -> None:
    label = draft.label_of[table.name]
    columns = table.others()
    personal = [column.name for column in columns if looks.is_personal(column, of_user=label == draft.user)]
    protected = [column.name for column in columns if looks.is_protected(column)]
    texts = [column for column in columns if column.kind == "text"]
    called = next((column.name for wish in looks.NAMES for column in texts if wish in column.words), None)
    long = [c.name for c in texts if c.mean_length > LONG_TEXT and c.name not in {*personal, *protected, called}]
    embedded = [called, *long] if called and called not in personal else long
    marks = {"text": embedded if long else [], "personal": personal, "protected": protected}
    draft.add_node(
        label,
        f"key = {_quote(property_name(table.key or ''))}",
        *([f"name = {_quote(property_name(called))}"] if called else []),
        *(
            f"{mark} = {_quote([property_name(column) for column in marked])}"
            for mark, marked in marks.items()
            if marked
        ),
        _select_from(table, _raw(table.key or ""), *(_typed(column) for column in columns)),
    )
    for mark in ("personal", "protected"):
        if marks[mark]:
            draft.ask(f"nodes.{label}: {', '.join(marks[mark])} look {mark}: is that all?")
    _ask_about_dates(draft, f"nodes.{label}", columns)
    if label in {draft.user, draft.product}:
        _add_attributes(draft, table, {*personal, *embedded, called})


def _add_attributes(draft: Draft, table: TableProfile, left: set[str | None]) -> None:
    """Columns with few values become nodes: first-hop neighbours like holdings."""
    label, own = draft.label_of[table.name], f"key_of_{singular(table.name)}"
    for column in table.others():
        few = 2 <= column.distinct <= min(MANY_VALUES, max(2, table.rows // 2)) and column.mean_length <= LONG_TEXT
        if column.name in left or column.kind != "text" or not few or column.looks_like_id:
            continue
        attribute = label_name(column.name)
        while attribute in {*draft.labels, *draft.label_of.values()}:
            attribute = label + attribute
        there = f"{name(column.name)} IS NOT NULL"
        draft.add_node(
            attribute,
            f"key = {_quote(property_name(column.name))}",
            _sql(f"SELECT DISTINCT {_raw(column.name)} FROM {name(table.name)} WHERE {there}"),
        )
        draft.add_edge(
            type_name(f"has_{column.name}"),
            f"from = {_quote(f'{label}.{own}')}",
            f"to = {_quote(f'{attribute}.{property_name(column.name)}')}",
            *(["protected = true"] if looks.is_protected(column) else []),
            _select_from(table, f"{name(table.key or '')} AS {name(own)}", _raw(column.name), where=there),
        )


def _add_missing_labels(draft: Draft, ends: list[tuple[str, str]], tables: list[TableProfile]) -> None:
    """A label for keys that no file describes: their different values, from all files that have them."""
    for column, label in ends if len(ends) == 2 else ():
        if label not in {*draft.labels, *draft.label_of.values()}:
            holders = [table.name for table in tables if column in table.columns and table.name not in draft.label_of]
            found = [f"SELECT {name(column)} AS id FROM {name(holder)}" for holder in holders]
            draft.add_node(
                label, 'key = "id"', _sql(f"SELECT DISTINCT id FROM ({' UNION ALL '.join(found)}) WHERE id IS NOT NULL")
            )
            draft.ask(f"nodes.{label}: no file describes them; is there one with names and texts?")


def _add_references(draft: Draft, table: TableProfile) -> None:
    label, own = draft.label_of[table.name], f"key_of_{singular(table.name)}"
    for column, other in table.references.items():
        target = draft.label_of.get(other)
        if target is not None and column != table.key:
            stem = [word for word in words(column) if word not in {"id", "code", "key"}] or words(target)
            draft.add_edge(
                type_name(f"has_{'_'.join(stem)}"),
                f"from = {_quote(f'{label}.{own}')}",
                f"to = {_quote(f'{target}.{column}')}",
                _select_from(
                    table, f"{name(table.key or '')} AS {name(own)}", name(column), where=f"{name(column)} IS NOT NULL"
                ),
            )


def _add_event(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose the edge types of an event table; False when it joins no two things."""
    if len({label for _, label in ends}) < 2:
        return False
    are_roles = {draft.user, draft.product} == {label for _, label in ends}
    (source, source_label), (target, target_label) = ends if not are_roles or ends[0][1] == draft.user else ends[::-1]
    others = [column for column in table.columns.values() if column.name not in {source, target}]
    heads, selected = _event_heads(others)
    heads = [f"from = {_quote(f'{source_label}.{source}')}", f"to = {_quote(f'{target_label}.{target}')}", *heads]
    action = next(
        (c for c in others if len(c.values) >= 2 and c.filled == c.rows and set(c.words) & looks.ACTIONS), None
    )
    base = type_name(singular(table.name))
    kinds = (
        {base: ""}
        if action is None
        else {type_name(one, base): f"{name(action.name)} = {value(one)}" for one in action.values}
    )
    if action is not None:
        draft.ask(f"{table.name}: each value of {action.name} became an edge type; which speak for a product?")
    _ask_about_dates(draft, table.name, others)
    for kind, where in kinds.items():
        given = draft.add_edge(kind, *heads, _select_from(table, name(source), name(target), *selected, where=where))
        draft.interactions += [given] if are_roles else []
    return True


def _event_heads(others: list[ColumnProfile]) -> tuple[list[str], list[str]]:
    """Lines for key, times and weight of an event, and its select list."""
    whole = [column for column in others if column.filled == column.rows]
    key = next((column for column in whole if column.is_unique and column.looks_like_id), None)
    times = [column for column in whole if column.kind == "time"]
    known = next((c for c in others if c.kind == "time" and set(c.words) & looks.KNOWN and times[:1] != [c]), None)
    numbers = [column for column in whole if column.kind in {"integer", "real"} and column.least >= 0]
    found = {
        "key": key,
        "at": next((column for column in times if column is not known), None),
        "known_at": known,
        "weight": next((column for column in numbers if set(column.words) & looks.WEIGHTS), None),
    }
    heads = [f"{line} = {_quote(property_name(column.name))}" for line, column in found.items() if column]
    # The engine casts these row by row, and rejects what it cannot: nothing becomes a gap on the way.
    raw = [column for column in found.values() if column and (column is key or column.convert.startswith("TRY_CAST"))]
    return heads, [_raw(column.name) if column in raw else _typed(column) for column in others]


def _add_series(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose numbers of one thing by day as a series; False when they are none."""
    day = next((c for c in table.others() if c.kind == "time" and c.filled == c.rows), None)
    numbers = [column for column in table.others() if column.kind in {"integer", "real"}]
    if len(ends) != 1 or day is None or not numbers:
        return False
    column, label = ends[0]
    draft.parts.append(
        "\n".join(
            [
                f"[series.{'_'.join(words(singular(table.name)))}]",
                f"of = {_quote(f'{label}.{column}')}",
                f"at = {_quote(property_name(day.name))}",
                f"values = {_quote([property_name(each.name) for each in numbers])}",
                _select_from(table, name(column), *(_typed(each) for each in (day, *numbers))),
            ]
        )
    )
    return True


def _ask_about_dates(draft: Draft, place: str, columns: list[ColumnProfile]) -> None:
    for column in columns:
        if column.is_ambiguous_date:
            draft.ask(f"{place}: does {column.name} begin with the day, as it is read now, or with the month?")


def _text(draft: Draft, tables: list[TableProfile], path: Path) -> str:
    looked = "".join(f"#   {question}\n" for question in draft.questions)
    weights = ", ".join(f"{kind} = 1.0" for kind in draft.interactions)
    head = [
        "# A first proposal, made from the files: read it, mend it, then load it with --check.",
        *([f"# Look at:\n{looked}"] if looked else []),
        f"[source]\nname = {_quote(path.stem)}\n",
        "[source.files]",
        *(f"{table.name} = {_quote(table.path)}" for table in tables),
        f"\n[roles]\nuser = {_quote(draft.user)}\nproduct = {_quote(draft.product)}",
        f"interactions = {_quote(draft.interactions)}",
        f"weights = {{ {weights} }}   # how much each speaks for a product; below 0: against it",
        f"relevant = {_quote(draft.interactions)}   # what is a hit in evaluation, and what counts as held",
        "min_group = 5   # the smallest number of other people that a reason may speak of\n",
    ]
    return "\n".join(head) + "\n" + "\n\n".join(draft.parts) + "\n"


def _select_from(table: TableProfile, *columns: str, where: str = "") -> str:
    condition = f" WHERE {where}" if where else ""
    return _sql(f"SELECT {', '.join(columns)}, _file, _line\nFROM {name(table.name)}{condition}")


def _typed(column: ColumnProfile) -> str:
    named = name(property_name(column.name))
    return named if column.convert == named else f"{column.convert} AS {named}"


def _raw(column: str) -> str:
    """A key as it is in the file: a number would lose its zeros."""
    named = property_name(column)
    return name(column) if named == column else f"{name(column)} AS {name(named)}"


def _quote(plain: str | list[str]) -> str:
    return json.dumps(plain, ensure_ascii=False)


def _sql(statement: str) -> str:
    escaped = statement.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'sql = """\n{escaped}\n"""'
