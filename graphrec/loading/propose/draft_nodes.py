"""The labels of a proposed mapping: what a table says of things, and what they have in common."""

import re
from collections.abc import Sequence
from dataclasses import replace

from graphrec.loading.mapping.names import is_too_long
from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.persons.values import REACHING
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import ACTIVE, AGREES, are_answers, normal, place, says_state
from graphrec.loading.propose.draft_sql import (
    column_sql,
    end_of,
    graph_name,
    parsed,
    quote,
    raw_sql,
    select_from,
    sql_text,
)
from graphrec.loading.propose.drafted import LONG_TEXT, MANY_LEVELS, MANY_VALUES, UNDECIDED, Decision, Draft
from graphrec.loading.propose.looks import (
    MOST_ANSWERS,
    is_known_by_values,
    is_known_name,
    is_personal,
    is_protected,
    is_special,
    label_name,
    likeness,
    looks,
    type_name,
)
from graphrec.loading.propose.of_people import BIRTH_YEAR, WHOLE_NAME, birth_year, whole_name
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import free_name, singular, stem, words
from graphrec.loading.sources.sql import name


def add_entity(draft: Draft, table: TableProfile) -> None:
    """Propose the label of a table's rows, with every column as a property."""
    label, columns = draft.label_of[table.name], _columns_of(draft, table)
    # What another label has as its key cannot be kept from the graph here.
    is_own = {column.name: draft.label_of.get(table.references.get(column.name, "")) is None for column in columns}
    of_people = label == draft.user or likeness(label) > 0
    personal = [c.name for c in columns if is_own[c.name] and is_personal(c, of_user=of_people)]
    if label == draft.user:
        personal += _more_personal(draft, label, [c.name for c in columns if c.name not in personal], personal)
        personal += [c.name for c in columns if c.name not in personal and c.kind == "text" and _is_long(c)]
    titles = [c.name for c in columns if label == draft.user and "title" in c.words and len(c.values) > 1]  # Mr and Mrs
    protected = [c.name for c in columns if _is_protected(c, of_user=label == draft.user) or c.name in titles]
    texts = [column for column in columns if column.kind == "text" and column.name not in table.references]
    called = next(
        (column.name for column in texts if looks(column.name, "name") and column.name not in protected), None
    )
    if called is None and label != draft.user:
        called = next(
            (c.name for c in texts if looks(c.name, "description") and c.mean_length <= _TITLE and _is_varied(c)), None
        )
    long = [c.name for c in texts if _is_long(c) and c.name not in {*personal, *protected, called}]
    if called is None and label == draft.product:
        called = next((c.name for c in texts if c.name not in long and _is_title(c)), None)
        if called is not None:
            draft.ask(f"nodes.{label}: {called} is taken for the name that people read: is that right?")
    embedded = [called, *long] if called and called not in personal else long
    # A description that is taken for the name is a text still.
    is_told = any(c.name == called and _is_long(c) for c in texts) and called not in personal
    issued = next((c for c in columns if c.kind == "time" and looks(c.name, "issued")), None)
    known_at = issued if label == draft.product else None
    public = [column for column in columns if column.name not in personal]
    sensitive = [c.in_graph for c in public if label == draft.user and looks(c.name, "sensitive")]
    year = birth_year(columns) if label == draft.user and draft.has_ages else ""
    whole = whole_name(columns, called) if label == draft.user else ""
    nothing = f"CAST(NULL AS VARCHAR) AS {UNDECIDED}" if table.name in draft.undecided else ""
    if year:
        sensitive.append(BIRTH_YEAR)
    marks = {
        "text": [graph_name(table, column) for column in embedded] if long or is_told else [],
        "personal": [*([WHOLE_NAME] if whole else []), *(graph_name(table, column) for column in personal)],
        "protected": [graph_name(table, column) for column in protected],
        "sensitive": sensitive,
    }
    draft.add_node(
        label,
        f"key = {quote(graph_name(table, table.key))}",
        *([f"name = {quote(WHOLE_NAME if whole else graph_name(table, called))}"] if called else []),
        *(f"{mark} = {quote(marked)}" for mark, marked in marks.items() if marked),
        *([f"known_at = {quote(known_at.in_graph)}"] if known_at else []),
        *_outside(draft, label, public, graph_name(table, called)),
        select_from(table, table.columns[table.key or ""], *columns, more=[*filter(None, (whole, year, nothing))]),
        parse=parsed(columns, {known_at.name} if known_at else ()),
    )
    key = table.columns[table.key or ""]
    if label == draft.user and (key.shape in REACHING or looks(key.name, "personal")):
        draft.ask(
            f"nodes.{label}: {key.name} names a person, and as the key it stands in every list and record: is there "
            "another number of customers?"
        )
    for mark, marked in (("personal", personal), ("protected", protected)):
        if marked:
            draft.ask(f"nodes.{label}: {', '.join(marked)} look {mark}: is that all?")


def _columns_of(draft: Draft, table: TableProfile) -> list[ColumnProfile]:
    """The columns of a table beside its key that its label has."""
    label, columns = draft.label_of[table.name], [c for c in table.columns.values() if c.name != table.key]
    if label == draft.user:
        return _confirmed(draft, table, columns)
    return _with_fees_in_percent(draft, table, columns) if label == draft.product else columns


def _is_protected(column: ColumnProfile, *, of_user: bool) -> bool:
    """Whether it is part of no score: what nobody may be treated by, and what a person kept of a special kind."""
    return is_protected(column, of_user=of_user) or (of_user and is_special(column))


def _confirmed(draft: Draft, table: TableProfile, columns: list[ColumnProfile]) -> list[ColumnProfile]:
    """The columns of customers without those that nobody has said yes to: of a special kind, or telling nothing."""
    label, kept, unknown = draft.label_of[table.name], [], []
    agreed = any(place(column.name, one) is not None for column in columns for one in ("consent", "objection"))
    for column in columns:
        special = is_special(column) and place(column.name, "consent") is None
        known = is_known_name(column.name) or column.name in table.references or is_personal(column, of_user=True)
        known = known or is_known_by_values(column)
        if not special and known:
            kept.append(column)
            continue
        if not special and not agreed and _may_be_answers(column):
            kept.append(column)
            draft.answers.add((table.name, column.name))
            draft.ask(
                f"nodes.{label}: no column is called a consent; is {column.name} "
                f"({', '.join(column.values or column.states) or 'yes and no'}) one? A policy asks until it is told"
            )
            continue
        said = "is of a special kind (Article 9 and 10 of the GDPR)" if special else "is called by no known word"
        choices = ("left out", "for audits alone") if special else ("left out", "an attribute")
        if draft.decide(Decision(f"nodes.{label}: {column.name} {said}: what is it?", choices)) != choices[0]:
            kept.append(column)
            continue
        draft.left_out.add((table.name, column.name))
        if special:
            draft.ask(
                f"nodes.{label}: {column.name} {said} and is left out; add it to the sql where it has to be "
                f'(protected = ["{column.in_graph}"])'
            )
        else:
            unknown.append(column.name)
    if not agreed and any(2 <= len(one.values or one.states) <= MOST_ANSWERS for one in columns if one.name in unknown):
        draft.undecided.add(table.name)
        draft.ask(
            f"nodes.{label}: no column is called a consent, and one of those that no word tells may be one: "
            f"{UNDECIDED} stays empty, so that a policy gives no lists, until it says who has agreed"
        )
    if unknown:
        verb = "is" if len(unknown) == 1 else "are"
        draft.ask(
            f"nodes.{label}: {', '.join(unknown)} {verb} called by no known word and {verb} left out; add to the sql "
            "what has to be there (with its mark)"
        )
    return kept


def _may_be_answers(column: ColumnProfile) -> bool:
    """Whether a column could hold what customers answered when they were asked."""
    return column.kind == "boolean" or are_answers(column.values or column.states)


def _more_personal(draft: Draft, label: str, others: list[str], known: list[str]) -> list[str]:
    """Columns that name or reach a person by what a person says, one after another."""
    found: list[str] = []
    said = ", ".join(known) or "no column"
    while left := [name for name in others if name not in found]:
        answer = draft.decide(
            Decision(f"nodes.{label}: {', '.join([said, *found])} is personal; which other is?", ("no other", *left))
        )
        if answer == "no other":
            break
        found.append(answer)
    return found


def _outside(draft: Draft, label: str, columns: Sequence[ColumnProfile], called: str) -> list[str]:
    """Lines for what is shown beside customers and products, and for the systems that take the lists."""
    if label == draft.user:
        found = {key: _first(columns, like) for key, like in (("crm_id", "crm"), ("adviser", "adviser"))}
        return [f"{key} = {quote(column)}" for key, column in found.items() if column]
    if label == draft.product:
        shown = {key: _first(columns, key) for key in ("risk", "fee")}
        amounts = sorted((c for c in columns if _is_amount(c)), key=lambda c: place(c.name, "minimum") is None)
        shown["minimum"] = _first(amounts, "minimum")
        left = [column for column in columns if column.in_graph not in (*shown.values(), called)]
        shown = {"kind": _first(left, "kind"), **shown}
        listed = ", ".join(f"{key} = {quote(column)}" for key, column in shown.items() if column)
        return [f"show = {{ {listed} }}"] if listed else []
    return []


def _is_amount(column: ColumnProfile) -> bool:
    """Whether a smallest value may be one of money: no age, no class, and no time for which money is bound."""
    others = ("least age", "most age", "binding", "horizon", "risk", "tolerance")
    is_number = column.kind in {"integer", "real"} and not _OF_TIMES.search(column.name)
    return is_number and all(place(column.name, one) is None for one in others)


_OF_TIMES = re.compile(
    r"(?<![^\W_])(months?|years?|terms?|duration|monate?n?|jahre?n?|laufzeit\w*|mois|années?|durée|plazo|meses|años|durata|"
    r"mesi|anni|looptijd|prazo|löptid|løpetid|okres|rok|lat)(?![^\W_])|期限|年限|月数",
    re.IGNORECASE,
)


def _with_fees_in_percent(draft: Draft, table: TableProfile, columns: list[ColumnProfile]) -> list[ColumnProfile]:
    """The columns of products with a fee in per cent, where it is a share of one, such as .0045, or in basis points.

    Its name says so then, so that lists do; of a fee whose unit nothing tells a person is asked.
    """
    named = _first(columns, "fee")
    fee = next((one for one in columns if one.in_graph == named and one.kind in {"integer", "real"}), None)
    if fee is None or fee.most <= 0 or (fee.parse is not None and (fee.parse.factors or fee.parse.unit)):
        return columns
    is_in_points = bool(_POINTS.intersection(fee.words))
    if not is_in_points and not (fee.kind == "real" and fee.most <= _MOST_OF_SHARES):
        if not _TELLS_UNIT.search(fee.name):
            draft.ask(f"{table.name}: is {fee.name} in per cent or an amount? Nothing says so, and lists show no unit")
        return columns
    read = "is in basis points and is read in per cent" if is_in_points else (
        f"goes up to {fee.most:g} and is read as a share, times 100 for per cent"
    )  # fmt: skip
    draft.ask(f"{table.name}: {fee.name} {read}: is that right?")
    factor = 0.01 if is_in_points else 100.0
    parse = replace(fee.parse or ParseSpec("real"), type="real", factors={"": factor})
    bare = re.sub(r"(?i)[ _-]*(bps?|basis_?points?|basispunkte)$", "", fee.in_graph) or fee.in_graph
    called = bare if _TELLS_UNIT.search(bare) else f"{bare}_percent"
    called = free_name(called, {one.in_graph for one in columns if one is not fee})
    return [replace(one, parse=parse, is_plain=False, in_graph=called) if one is fee else one for one in columns]


_POINTS = frozenset({"bp", "bps", "basispoints", "basispunkte"})
"""Words of names of fees in hundredths of a per cent."""
_TELLS_UNIT = re.compile(
    r"(?i)percent|per_cent|pct|prozent|%|pourcent|porcent|percentage|(?<![a-z])(ter|ocf|eur|usd|chf|gbp|inr|cny|ratio)(?![a-z])"
)
"""Within names of fees that say what they are in."""


_MOST_OF_SHARES = 0.06
"""Fees of all products up to it are shares of one: in per cent some product costs more than that."""


def _first(columns: Sequence[ColumnProfile], like: str) -> str | None:
    """The first column of a sort; where it is a code, the one that says the same in words."""
    found = sorted(
        (one for one in columns if looks(one.name, like)), key=lambda one: bool(_LOOSE.intersection(one.words))
    )
    if not found:
        return None
    first = found[0]
    twins = [one for one in found if set(first.words) & set(one.words)] if _is_code(first) else []
    return next((one for one in twins if not _is_code(one)), first).in_graph


_LOOSE = frozenset({"sector", "branch", "line", "sheet"})
"""Words of columns that say a kind where no other column does."""
_TITLE = 60.0
"""Descriptions of so few letters on average are titles, where nothing else is called a name."""
_CODE = 3.0
"""Texts of so few letters on average are codes."""


def _is_code(column: ColumnProfile) -> bool:
    """Whether a column of texts holds codes, which people do not read."""
    return column.looks_like_id or (column.kind == "text" and column.mean_length <= _CODE)


def _is_title(column: ColumnProfile) -> bool:
    """Whether a column that no word names has a text of its own in each row, as names are."""
    is_own = column.is_whole and column.distinct >= 0.9 * column.rows
    return is_own and column.mean_length > _CODE and not _is_code(column)


def _is_varied(column: ColumnProfile) -> bool:
    """Whether most rows have a text of their own."""
    return 2 * column.distinct > column.rows


def _is_long(column: ColumnProfile) -> bool:
    """Whether a column holds sentences: long values, few of them alike unless it is called a description."""
    is_varied = column.distinct > min(MANY_VALUES, column.filled / 2)
    return column.mean_length > LONG_TEXT and (is_varied or (looks(column.name, "description") and column.distinct > 1))


def add_attributes(draft: Draft, table: TableProfile) -> None:
    """Propose columns with few values as nodes: first-hop neighbours like holdings."""
    label = draft.label_of[table.name]
    for column in table.others():
        if (table.name, column.name) in draft.left_out | draft.answers or not _is_attribute(
            column, table, of_user=label == draft.user
        ):
            continue
        trait = _trait(column.name)
        attribute = _attribute_label(draft, label, trait)
        there = f"{name(column.name)} IS NOT NULL"
        draft.add_node(
            attribute,
            f"key = {quote(column.in_graph)}",
            sql_text(f"SELECT DISTINCT {raw_sql(column)} FROM {table.rows_with([column.name])} WHERE {there}"),
        )
        draft.add_edge(
            type_name(f"has_{trait}"),
            label,
            end_of("from", label, table, table.key),
            end_of("to", attribute, table, column.name),
            *(["protected = true"] if _is_protected(column, of_user=label == draft.user) else []),
            *(["risk = true"] if label == draft.product and looks(column.name, "issuer") else []),
            *(["sensitive = true"] if label == draft.user and looks(column.name, "sensitive") else []),
            select_from(table, table.columns[table.key or ""], column, where=there),
        )


def _trait(column: str) -> str:
    """What the values of a column are, without a last word that they are names or texts: of genre_name, genre."""
    said = words(column)
    return "_".join(said[:-1]) if len(said) > 1 and said[-1] in _OF_TEXTS else column


_OF_TEXTS = frozenset({"name", "desc", "descr", "description", "text", "txt", "label", "bezeichnung", "bez"})


def _attribute_label(draft: Draft, label: str, trait: str) -> str:
    """A label for the values of a trait of a label, which no other one has."""
    attribute, taken = label_name(trait), {*draft.labels, *draft.label_of.values()}
    while attribute in taken:
        # The class of a share class is no class class.
        attribute = f"{attribute}Type" if attribute == label else label + attribute
        if is_too_long(attribute):
            attribute = next(one for n in range(2, 1000) if (one := f"{label_name(trait)}{n}") not in taken)
    return attribute


_NO_TRAITS = ("consent", "objection", "blocked", "sanctions", "pep")
"""What rules ask of a customer, and is no trait that people have in common."""


def _is_attribute(column: ColumnProfile, table: TableProfile, *, of_user: bool) -> bool:
    """Whether people, or products, with one value of a column have something in common."""
    if column.looks_like_id or is_personal(column, of_user=of_user):
        return False
    if any(looks(column.name, like) for like in ("fee", "minimum")):
        return False
    if ACTIVE.fullmatch(normal(column.name)):
        return False
    if any(place(column.name, concept) is not None for concept in _NO_TRAITS) or column.name.startswith(f"{AGREES} "):
        return False
    if (
        looks(column.name, "state")
        or says_state(column.states, of_users=of_user)
        or (of_user and looks(column.name, "adviser"))
        or column.has_several
    ):
        return False
    # A product_type_name says a type in words; a name alone names one thing.
    if looks(column.name, "name") and (of_user or len(column.words) == 1):
        return False
    if column.kind == "integer":
        return of_user and 2 <= column.distinct <= MANY_LEVELS
    most = min(MANY_VALUES, max(2, table.rows // 2))
    return column.kind == "text" and 2 <= column.distinct <= most and column.mean_length <= 40


def add_tags(draft: Draft, table: TableProfile, owner: TableProfile | None) -> bool:
    """Propose several values of each customer or product, such as interests, as nodes; False: the table has none."""
    reference = next(iter(table.references), "")
    label = draft.label_of.get(table.references.get(reference, ""), "")
    if owner is None or len(table.references) != 1 or label not in {draft.user, draft.product}:
        return False
    of_owner = owner.columns
    own = [one for one in table.others() if one.name not in of_owner or of_owner[one.name].has_several]
    is_list = table.of != table.name and label == draft.product
    # Whole numbers alone in a list are codes, and no amounts; a name there is that of what a product has.
    texts = [replace(one, kind="text") if one.kind == "integer" and len(table.columns) == 2 else one for one in own]
    tags = [one for one in texts if one.kind == "text" and _is_attribute(one, table, of_user=label == draft.user)]
    tags += [one for one in texts if is_list and one.words == ["name"] and 2 <= one.distinct <= MANY_VALUES]
    for column in tags:
        # The names in a list of genres are genres.
        called = singular(table.name.removeprefix(f"{table.of}_")) if column.words == ["name"] else _trait(column.name)
        attribute = _attribute_label(draft, label, called)
        there = f"{name(column.name)} IS NOT NULL"
        draft.add_node(
            attribute, f"key = {quote(column.in_graph)}",
            sql_text(f"SELECT DISTINCT {raw_sql(column)} FROM {table.rows_with([column.name])} WHERE {there}"),
        )  # fmt: skip
        ends = table.columns[reference], column
        rows = table.rows_with(one.name for one in ends)
        draft.add_edge(
            type_name(f"has_{called}"),
            label,
            end_of("from", label, table, reference),
            end_of("to", attribute, table, column.name),
            sql_text(f"SELECT DISTINCT {', '.join(map(raw_sql, ends))}\nFROM {rows} WHERE {there}"),
        )
    return bool(tags)


def add_missing_label(draft: Draft, column: str, label: str, tables: list[TableProfile]) -> set[str]:
    """Propose a label for keys that no file describes: their different values, from all of `tables` that have them.

    Returns:
        The columns of the one table that has them that describe what they name, and nothing of the event.
    """
    if label in {*draft.labels, *draft.label_of.values()}:
        return set()
    holders = [table for table in tables if column in table.columns]
    described = holders[0].described.get(column) if len(holders) == 1 else None
    if described is None:
        found = [f"SELECT {column_sql(table.columns[column])} AS id FROM {table.rows_sql}" for table in holders]
        draft.add_node(
            label, 'key = "id"', sql_text(f"SELECT DISTINCT id FROM ({' UNION ALL '.join(found)}) WHERE id IS NOT NULL")
        )
        draft.ask(f"nodes.{label}: no file describes them; is there one with names and texts?")
        return set()
    draft.label_of[described.name] = label
    add_entity(draft, described)
    if label in {draft.user, draft.product}:
        add_attributes(draft, described)
    own = {one.name for one in described.others()}
    left = [one for one in holders[0].columns.values() if one.kind == "time" and one.name not in own]
    # Where all dealings with a thing are of one day, as those of an issue are, the day stays that of the dealing too.
    days = [one for one in described.others() if one.kind == "time" and place(one.name, "born") is None]
    kept = set() if left else {one.name for one in days}
    draft.ask(
        f"nodes.{label}: {', '.join(one for one in holders[0].columns if one in own)} of {holders[0].name} say the "
        f"same in nearly all rows of one {column} and are read as theirs, as the last row has them: is that right?"
    )
    return own - kept


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
            end_of("from", label, table, table.key),
            end_of("to", target, table, column),
            select_from(
                table, table.columns[table.key or ""], table.columns[column], where=f"{name(column)} IS NOT NULL"
            ),
        )
