"""The parts of a proposed mapping: a label, an edge type or a series each, as TOML around SQL."""

import json
import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace

from graphrec.loading.mapping.names import is_too_long
from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.persons.values import REACHING
from graphrec.loading.propose.column_profile import FEW_MISFITS, ColumnProfile
from graphrec.loading.propose.concepts import ACTIVE, AGREES, are_answers, normal, place, says_state
from graphrec.loading.propose.looks import (
    MOST_ANSWERS,
    THINGS,
    Action,
    action_of,
    action_of_table,
    actions_in,
    is_accounting,
    is_known_by_values,
    is_known_name,
    is_personal,
    is_protected,
    is_rating,
    is_special,
    label_name,
    likeness,
    looks,
    says_who,
    type_name,
)
from graphrec.loading.propose.of_people import BIRTH_YEAR, WHOLE_NAME, birth_year, whole_name
from graphrec.loading.propose.shapes.states import Asks, State, States, is_state, meaning, states_in
from graphrec.loading.propose.table_profile import Ended, TableProfile
from graphrec.loading.propose.words import free_name, singular, stem, words
from graphrec.loading.run.parse import YES, parsed_sql
from graphrec.loading.sources.sql import name, value

MANY_VALUES = 60
"""A column with more different values is no attribute node."""
MANY_LEVELS = 12
"""A whole number with more different values is no level, such as one of risk tolerance."""
UNKNOWN = 0.5
"""Weight of what customers did with a product where nothing tells what it was: evidence, and no holding."""
UNDECIDED = "consent_undecided"
"""A property that stays empty where nobody can tell who has agreed: a rule lets nobody through."""
LONG_TEXT = 25.0
"""Characters on average from which a column is a text to embed."""


Parse = Sequence[tuple[str, ParseSpec]]
"""Names in the graph, each with how its text is read."""


@dataclass(frozen=True)
class Decision:
    """What only a person can know; the first choice is the proposal."""

    question: str
    choices: tuple[str, ...]


Decide = Callable[[Decision], str]


def as_proposed(decision: Decision) -> str:
    """The proposal."""
    return decision.choices[0]


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
    undated: list[str] = field(default_factory=list)
    """Interactions that have no time."""
    label_of: dict[str, str] = field(default_factory=dict)
    """Label by table name, for the tables that are used; an event's has none."""
    decide: Decide = as_proposed
    """Asks a person, or takes what is proposed."""
    has_ages: bool = False
    """Whether products have a minimum or maximum age."""
    people: set[str] = field(default_factory=set)
    """Tables with columns that are personal."""
    left_out: set[tuple[str, str]] = field(default_factory=set)
    """Table and column of what nobody has said yes to."""
    answers: set[tuple[str, str]] = field(default_factory=set)
    """Table and column of what customers may have answered when they were asked for a consent."""
    undecided: set[str] = field(default_factory=set)
    """Tables of customers one of whose columns may be a consent, in words that nobody here reads."""
    owners: dict[str, frozenset[str]] = field(default_factory=dict)
    """Labels that the rows of a label name: a plan its customer."""
    files: int = 0
    """How many files, and tables of a database, are used."""
    is_loose: bool = False
    """Whether a column that is called like users or products alone is taken for their identifier."""

    def relevant(self) -> list[str]:
        """The interactions that are a hit: those of full weight."""
        return [kind for kind, weight in self.interactions.items() if weight >= 1.0]

    def ask(self, question: str) -> None:
        """Note what to look at, once."""
        if question not in self.questions:
            self.questions.append(question)

    def add_node(self, label: str, *lines: str, parse: Parse = ()) -> None:
        """Propose a label."""
        self.labels.append(label)
        self.add_part(f"nodes.{toml_key(label)}", *lines, parse=parse)

    def add_part(self, part: str, *lines: str, parse: Parse = ()) -> None:
        """Propose a table, and below it how columns are read."""
        parsed = [f"{toml_key(column)} = {_parse(spec)}" for column, spec in parse]
        self.parts.append("\n".join([f"[{part}]", *lines, *([f"[{part}.parse]", *parsed] if parsed else [])]))

    def leave_out(self, kind: str) -> None:
        """Propose an edge type no more."""
        self.types.remove(kind)
        self.interactions.pop(kind, None)
        head = f"[edges.{toml_key(kind)}]\n"
        self.parts = [part for part in self.parts if not part.startswith(head)]

    def add_edge(self, kind: str, source: str, *lines: str, parse: Parse = ()) -> str:
        """Propose an edge type; its name, which takes that of its source where another has it already."""
        if kind in self.types and not is_too_long(longer := f"{type_name(source)}_{kind}"):
            kind = longer
        while kind in self.types:
            kind += "_2"
        self.types.append(kind)
        self.add_part(f"edges.{toml_key(kind)}", *lines, parse=parse)
        return kind


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
        "text": [_in_graph(table, column) for column in embedded] if long or is_told else [],
        "personal": [*([WHOLE_NAME] if whole else []), *(_in_graph(table, column) for column in personal)],
        "protected": [_in_graph(table, column) for column in protected],
        "sensitive": sensitive,
    }
    draft.add_node(
        label,
        f"key = {quote(_in_graph(table, table.key))}",
        *([f"name = {quote(WHOLE_NAME if whole else _in_graph(table, called))}"] if called else []),
        *(f"{mark} = {quote(marked)}" for mark, marked in marks.items() if marked),
        *([f"known_at = {quote(known_at.in_graph)}"] if known_at else []),
        *_outside(draft, label, public, _in_graph(table, called)),
        _select_from(table, table.columns[table.key or ""], *columns, more=[*filter(None, (whole, year, nothing))]),
        parse=_parsed(columns, {known_at.name} if known_at else ()),
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
            _sql(f"SELECT DISTINCT {_raw(column)} FROM {table.rows_with([column.name])} WHERE {there}"),
        )
        draft.add_edge(
            type_name(f"has_{trait}"),
            label,
            _end("from", label, table, table.key),
            _end("to", attribute, table, column.name),
            *(["protected = true"] if _is_protected(column, of_user=label == draft.user) else []),
            *(["risk = true"] if label == draft.product and looks(column.name, "issuer") else []),
            *(["sensitive = true"] if label == draft.user and looks(column.name, "sensitive") else []),
            _select_from(table, table.columns[table.key or ""], column, where=there),
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
            _sql(f"SELECT DISTINCT {_raw(column)} FROM {table.rows_with([column.name])} WHERE {there}"),
        )  # fmt: skip
        ends = table.columns[reference], column
        rows = table.rows_with(one.name for one in ends)
        draft.add_edge(
            type_name(f"has_{called}"),
            label,
            _end("from", label, table, reference),
            _end("to", attribute, table, column.name),
            _sql(f"SELECT DISTINCT {', '.join(map(_raw, ends))}\nFROM {rows} WHERE {there}"),
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
        found = [f"SELECT {_expression(table.columns[column])} AS id FROM {table.rows_sql}" for table in holders]
        draft.add_node(
            label, 'key = "id"', _sql(f"SELECT DISTINCT id FROM ({' UNION ALL '.join(found)}) WHERE id IS NOT NULL")
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
            _end("from", label, table, table.key),
            _end("to", target, table, column),
            _select_from(
                table, table.columns[table.key or ""], table.columns[column], where=f"{name(column)} IS NOT NULL"
            ),
        )


#: Words of tables that hold what a model is tested by: they are no events of customers.
_HIDDEN = frozenset({"truth", "planted", "holdout", "solution", "groundtruth"})


def add_event(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose the edge types of an event table; False when it joins no two things, or is there to test lists by."""
    if len({label for _, label in ends}) < 2 or _HIDDEN.intersection(table.name.lower().split("_")):
        return False
    are_roles = {draft.user, draft.product} == {label for _, label in ends}
    (source, source_label), (target, target_label) = ends if not are_roles or ends[0][1] == draft.user else ends[::-1]
    others = [column for column in table.columns.values() if column.name not in {source, target}]
    if named := [one.name for one in others if is_personal(one, of_user=False) or says_who(one)]:
        draft.ask(f"{table.name}: {', '.join(named)} may name people and is left out of the edges")
    others = [column for column in others if column.name not in named]
    # A number that some rows lack is no key, and id is the name of one.
    others = [replace(c, in_graph="id_given") if c.in_graph == "id" and c.filled < c.rows else c for c in others]
    column = _action_column(table, others) if are_roles else None
    heads, parse, more, kinds = _said_of_event(draft, table, others, (source, target), column, are_roles=are_roles)
    some = _of_something(draft, table, others) if are_roles and column is None else ""
    came = _carried_out(draft, table, others) if are_roles else ""
    there = " AND ".join(filter(None, (_with_ends(draft, table, (source, target)), some, came)))
    if are_roles and (states := _states_of(draft, table, others, column)) is not None:
        heads, more, kinds, there = _with_states(table, states, heads, more, kinds, there)
    ends_of = [_end("from", source_label, table, source), _end("to", target_label, table, target)]
    if column is not None:
        _ask_about_kinds(draft, table, column)
    for kind in kinds:
        weight = kind.weight
        if are_roles and kind.is_asked:
            asked = Decision(f"{table.name}: {kind.says}: does it speak for a product?", _VOICES[weight > 0])
            against = -1.0 if weight == UNKNOWN else -abs(weight)
            weight = {"for": abs(weight), "against": against}[draft.decide(asked)]
        given = draft.add_edge(
            kind.type,
            source_label,
            *ends_of,
            *(line for line in _own_heads(heads, kind)),
            _select_from(
                table, table.columns[source], table.columns[target], *others, more=more,
                where=" AND ".join(filter(None, (kind.where, there))),
            ),
            parse=parse,
        )  # fmt: skip
        if are_roles:
            draft.interactions[given] = weight
            if not any(line.startswith("at = ") for line in heads):
                draft.undated.append(given)
        if kind.is_asked and column is None:
            draft.ask(f"{table.name}: {kind.says} became {given}, which speaks against a product: is that right?")
    return True


def _ask_about_kinds(draft: Draft, table: TableProfile, column: ColumnProfile) -> None:
    """What the values of a column that says what people did leave open."""
    told = actions_in(column.values)
    if gone := [one for one in column.values if told[one] is None and is_accounting(one)]:
        draft.ask(f"{table.name}: {column.name} {', '.join(gone)} is nothing that a customer chose and is left out")
    draft.ask(f"{table.name}: each value of {column.name} became an edge type; which speak for a product?")


def _states_of(
    draft: Draft,
    table: TableProfile,
    others: Sequence[ColumnProfile],
    column: ColumnProfile | None,
) -> States | None:
    """The status of each row, where it says that something is over or never was; what it says is asked."""

    def asks(name: str, text: str) -> State:
        choices: tuple[State, ...] = ("held", "over", "never held")
        told = draft.decide(Decision(f"{table.name}: what has {name} {text!r}: what is it?", choices))
        return next(one for one in choices if one == told)

    if table.ended is not None and any(one.name == table.ended.state for one in others):
        return _told_by_end(draft, table, table.ended, asks)
    action = action_of_table(table.name)
    # What ends on a day was carried out, whatever it is called.
    ends = any(one.kind == "time" and looks(one.name, "end") for one in others)
    did = {one.type for one in actions_in(column.values).values() if one is not None} if column is not None else set()
    of_orders = (bool(did & {"BOUGHT", "SOLD"}) if did else action is not None and action.type == "BOUGHT") and not ends
    found = states_in([one for one in others if one is not column], asks, of_orders=of_orders)
    if found is None:
        return None
    if found.untold:
        listed = ", ".join(map(repr, found.untold))
        draft.ask(f"{table.name}: what has {found.column.name} {listed} counts as held: which of them are over?")
    if found.over:
        draft.ask(
            f"{table.name}: what has {found.column.name} {', '.join(found.over)} is over, is no holding and stays as "
            "evidence: is that right?"
        )
    if found.never:
        draft.ask(f"{table.name}: what has {found.column.name} {', '.join(found.never)} never was and is left out")
    return found


def _told_by_end(draft: Draft, table: TableProfile, ended: Ended, asks: Asks) -> States | None:
    """The status beside the days of an end: what is undone or over by its words, and has no such day, never was."""
    states: dict[str, State] = {}
    for one in ended.running if len(ended.running) > 1 else ():
        said = meaning(one)
        is_undone = meaning(one, of_orders=True) == "never held" or said in {"over", "never held"}
        states[one] = "never held" if is_undone else said or asks(ended.state, one)
        if not is_undone and said is None and states[one] == "held":
            draft.ask(f"{table.name}: what has {ended.state} {one!r} has no {ended.end} and counts as held: is it so?")
    never, over = (tuple(one for one, said in states.items() if said == state) for state in ("never held", "over"))
    if len(never) == len(states):
        return None  # nothing of it would be held
    if never:
        draft.ask(f"{table.name}: what has {ended.state} {', '.join(never)} never was and is left out")
    return States(table.columns[ended.state], over, never) if never or over else None


def _with_states(
    table: TableProfile, states: States, heads: list[str], more: list[str], kinds: "list[_Kind]", there: str
) -> "tuple[list[str], list[str], list[_Kind], str]":
    """The lines, the select list, the edge types and the condition of an event whose rows may be over, or none."""
    said = f"CAST({_expression(states.column)} AS VARCHAR)"
    if states.never:
        there = " AND ".join(filter(None, (there, f"coalesce({said} NOT IN {_texts(states.never)}, true)")))
    if states.over and not any(line.startswith("quantity = ") for line in heads):
        taken = {column.in_graph.casefold() for column in table.columns.values()}
        named = free_name("still_held", taken)
        more = [*more, f"CASE WHEN {said} IN {_texts(states.over)} THEN 0 ELSE 1 END AS {named}"]
        heads = [*heads, f"quantity = {quote(named)}"]
    kinds = [
        replace(kind, type="HELD", weight=1.0) if kind.weight == UNKNOWN and not kind.says else kind for kind in kinds
    ]
    return heads, more, kinds, there


def _with_ends(draft: Draft, table: TableProfile, ends: tuple[str, str]) -> str:
    """SQL that leaves out the rows that name no customer or no product, where so many do that it is no mistake."""
    conditions = []
    for column in (table.columns[end] for end in ends):
        gaps = table.rows - column.filled
        if not gaps:
            continue
        gap = f"{table.name}: {gaps} rows have no {column.name}"
        if FEW_MISFITS * gaps < table.rows:
            draft.ask(f"{gap}; a load rejects them")
        elif draft.decide(Decision(f"{gap}: what becomes of them?", ("left out", "rejected"))) == "left out":
            draft.ask(f"{gap} and are left out, as visitors are who did not say who they are: is that right?")
            conditions.append(f"nullif(CAST({name(column.name)} AS VARCHAR), '') IS NOT NULL")
    return " AND ".join(conditions)


def _said_of_event(
    draft: Draft,
    table: TableProfile,
    others: list[ColumnProfile],
    ends: tuple[str, str],
    column: ColumnProfile | None,
    *,
    are_roles: bool,
) -> "tuple[list[str], Parse, list[str], list[_Kind]]":
    """Lines of an event, how its columns are read, more for its select list, and the edge types that it becomes."""
    endings = _endings(draft, table, others) if are_roles else []
    ending = endings[0] if endings else None
    if endings:
        named = ", ".join(one.name for one in endings)
        looks_like = "looks like the day" if len(endings) == 1 else "look like days, the first of them the one"
        draft.ask(
            f"{table.name}: {named} {looks_like} on which it ends (until); what has ended is no holding "
            "and stays as evidence: is that right?"
        )
    heads, parse, more = _event_heads(table, others, ends, is_signed=are_roles and column is None, ending=ending)
    if len(endings) > 1:
        heads, more = _with_first_end(table, endings, heads, more)
    position = _position(draft, table, others, column) if are_roles else None
    if position is None:
        kinds = _kinds(table, others, column, are_roles=are_roles)
        if ending is not None and column is None:
            # What ends is held until then, whatever it is called.
            kinds = [replace(kind, type="HELD", weight=1.0) if kind.weight == UNKNOWN else kind for kind in kinds]
        if table.are_contracts:
            kinds = [replace(kind, type=type_name(f"held_{singular(table.name)}"), weight=1.0) for kind in kinds]
        if are_roles and all(kind.type.startswith("HELD") for kind in kinds):
            pieces = {f"weight = {quote(one.in_graph)}" for one in others if looks(one.name, "quantity")}
            heads = [line.replace("weight", "quantity", 1) if line in pieces else line for line in heads]
        return heads, parse, more, kinds
    # What else is below 0 in a row is so because it gives up pieces: no refusal, and no weight.
    signed = [one for one in others if one.kind in {"integer", "real"} and one.least < 0]
    heads = [line for line in heads if line not in {f"weight = {quote(one.in_graph)}" for one in signed}]
    kinds = _kinds(table, [one for one in others if one not in (position.quantity, *signed)], column, are_roles=True)
    return *position.completed(heads, parse, more), position.joined(kinds) if position.given else kinds


def _endings(draft: Draft, table: TableProfile, others: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The days on which a holding ends, by their names; or one that few rows have, where a person says so.

    A contract that has a day on which it would run out and one on which it was cancelled has two.
    """
    times = [one for one in others if one.kind == "time"]
    if table.ended is not None and any(one.name == table.ended.end for one in others):
        return [table.columns[table.ended.end]]
    named = [one for one in times if looks(one.name, "end")]
    if named:
        return [] if _is_when(named[0], times) else named
    whole = [one for one in times if one.is_whole]
    sold = [one for one in times if whole and 0 < one.filled < _PARTLY * one.rows and _OF_SALES.search(one.name)]
    if sold:
        return sold[:1]
    for one in times:
        if whole and 0 < one.filled < _PARTLY * one.rows and not looks(one.name, "known"):
            told = f"{table.name}: {one.name} is there in {one.filled} of {one.rows} rows: what is it?"
            if draft.decide(Decision(told, ("another day", "the day on which it ends"))) != "another day":
                return [one]
            draft.ask(f"{table.name}: {one.name} is there in {one.filled} of {one.rows} rows: is it the end (until)?")
    return []


def _with_first_end(
    table: TableProfile, endings: Sequence[ColumnProfile], heads: list[str], more: list[str]
) -> tuple[list[str], list[str]]:
    """The lines and the select list of an event that ends on the first of several days."""
    taken = {column.in_graph.casefold() for column in table.columns.values()}
    named = free_name("ends_on", taken)
    days = ", ".join(parsed_sql(name(one.name), one.parse or ParseSpec("time")) for one in endings)
    until = f"until = {quote(endings[0].in_graph)}"
    heads = [f"until = {quote(named)}" if line == until else line for line in heads]
    return heads, [*more, f"least({days}) AS {named}"]


def _is_when(column: ColumnProfile, times: Sequence[ColumnProfile]) -> bool:
    """Whether the only time of an event, such as the day on which a sale was closed, is when it was, and no end."""
    return len(times) == 1 and bool({"close", "closed", "closing"}.intersection(column.words))


_OF_SALES = re.compile(
    r"(?i)verkauf|sold|sell|sale|redem|rückgabe|rueckgabe|vente|venta|vendita|verkoop|sprzeda|卖出|赎回"
)
"""Within names of days on which something was given up, where it has a day of its own on which it was bought."""
_PARTLY = 0.9
"""A time that fewer rows have may be that of their end."""


def _own_heads(heads: Sequence[str], kind: "_Kind") -> list[str]:
    """The lines of one edge type: no weight where numbers say no, a position only where something is bought."""
    unsaid = (["weight"] if kind.is_unweighed else []) + (["quantity", "until"] if kind.weight < UNKNOWN else [])
    return [line for line in heads if line.partition(" = ")[0] not in unsaid]


@dataclass(frozen=True)
class _Position:
    """A signed quantity: what is held is what sums to more than 0."""

    quantity: ColumnProfile | None
    """None: each row is one more or one less."""
    named: str
    """Its name in the graph."""
    given: str = ""
    """SQL that is true in the rows that give something away; nothing: their numbers are below 0."""
    over: tuple[str, ...] = ("SOLD",)
    """The edge types that those rows would be."""

    def completed(self, heads: list[str], parse: Parse, more: list[str]) -> tuple[list[str], Parse, list[str]]:
        """Lines, parsing and select list of an event with it."""
        if self.quantity is None:
            more = [*more, f"CASE WHEN {self.given} THEN -1 ELSE 1 END AS {name(self.named)}"]
            return [*heads, f"quantity = {quote(self.named)}"], list(parse), more
        own = [(column, how) for column, how in parse if column != self.named]
        how = next((how for column, how in parse if column == self.quantity.in_graph), self.quantity.parse)
        is_parsed = how is not None and not (how.decimal == "." and not how.thousands and not how.null)
        # A number below 0 may have its minus behind it, or be in brackets.
        is_parsed = is_parsed or (self.quantity.kind != "text" and self.quantity.least < 0)
        if self.given:
            text = f"CAST({name(self.quantity.name)} AS VARCHAR)"
            gives = f"{self.given} AND {text} NOT LIKE '%-%'" if self.quantity.least < 0 else self.given
            more = [*more, f"CASE WHEN {gives} THEN '-' || {text} ELSE {text} END AS {name(self.named)}"]
        # Pieces are no money: a portfolio wants their prices.
        pieces = {f"weight = {quote(one)}" for one in (self.named, self.quantity.in_graph)}
        lines = [line for line in heads if line not in pieces]
        return (
            [*lines, f"quantity = {quote(self.named)}"],
            [*own, *([(self.named, how)] if how is not None and is_parsed else [])],
            more,
        )

    def joined(self, kinds: "Sequence[_Kind]") -> "list[_Kind]":
        """What is bought and what is sold as one edge type."""
        sold = [kind for kind in kinds if kind.type in self.over]
        given = next(kind for kind in kinds if kind.type in {"BOUGHT", "HELD"})
        where = " OR ".join(kind.where for kind in (given, *sold))
        return [
            replace(kind, where=f"({where})", is_asked=False) if kind is given else kind
            for kind in kinds
            if kind not in sold
        ]


def _position(
    draft: Draft, table: TableProfile, others: list[ColumnProfile], column: ColumnProfile | None
) -> _Position | None:
    """The quantity that tells what is still held: numbers below 0, or a column that says bought or sold."""
    quantity = next((c for c in others if c.kind in {"integer", "real"} and looks(c.name, "quantity")), None)
    kinds = {kind.type: kind for kind in _kinds(table, others, column, are_roles=True)} if column else {}
    # What is undone in a table of contracts was held before; of orders nothing came.
    over = tuple(one for one in ("CLOSED", "RETURNED") if one in kinds and (one == "CLOSED" or "HELD" in kinds))
    if column is not None and over and kinds.keys() & {"BOUGHT", "HELD"}:
        for one in over:
            draft.ask(f"{table.name}: {kinds[one].says} gives up what was held: is that right?")
        where = " OR ".join(kinds[one].where for one in over)
        return _Position(None, "held_change", where, over)
    if quantity is None or quantity.misfits or quantity is column:
        return None
    if column is None:
        says, given = f"{quantity.name} below 0", ""
        if not quantity.least < 0 < quantity.most:
            return None
    else:
        if not {"BOUGHT", "SOLD"} <= kinds.keys():
            return None
        says, given = kinds["SOLD"].says, kinds["SOLD"].where
    asked = Decision(
        f"{table.name}: {says}: does it give up what was held, or speak against a product?", ("given up", "against")
    )
    if draft.decide(asked) == "against":
        return None
    draft.ask(f"{table.name}: {says} gives up what was held (quantity): is that right?")
    named = f"signed_{quantity.in_graph}" if given else quantity.in_graph
    return _Position(quantity, named, given)


def _of_something(draft: Draft, table: TableProfile, others: Sequence[ColumnProfile]) -> str:
    """SQL that leaves out rows of 0 pieces or per cent, which are no holding; nothing where none is."""
    found = next((c for c in others if c.kind in {"integer", "real"} and looks(c.name, "quantity")), None)
    if found is None or found.least != 0 or found.most <= 0 or found.filled < found.rows:
        return ""
    draft.ask(f"{table.name}: rows with {found.name} of 0 are no holdings and are left out: is that right?")
    read = parsed_sql(name(found.name), found.parse or ParseSpec(found.kind))
    return f"coalesce({read} <> 0, true)"


def _carried_out(draft: Draft, table: TableProfile, others: Sequence[ColumnProfile]) -> str:
    """SQL that leaves out rows of which a yes or no says that nothing came of them; nothing where none does."""
    found = next((one for one in others if one.kind == "boolean" and _CARRIED_OUT & {*map(normal, one.words)}), None)
    if found is None:
        return ""
    draft.ask(f"{table.name}: rows with a no for {found.name} were not carried out and are left out: is that right?")
    return f"coalesce({parsed_sql(name(found.name), found.parse or ParseSpec(found.kind))}, true)"


_CARRIED_OUT = frozenset(
    {
        *("authorized", "authorised", "approved", "successful", "success", "succeeded", "executed", "settled"),
        *("confirmed", "posted", "genehmigt", "autorisiert", "erfolgreich", "ausgefuehrt", "ausgeführt", "gebucht"),
        *(
            "bestaetigt",
            "bestätigt",
            "autorise",
            "autorisé",
            "execute",
            "exécuté",
            "confirme",
            "confirmé",
            "autorizado",
        ),
        *("aprobado", "ejecutado", "confirmado", "autorizzato", "eseguito", "confermato", "uitgevoerd", "bevestigd"),
        *("已授权", "是否成功", "成功", "已成交", "已确认"),
    }
)
"""Words of columns that say whether what was asked for was done."""


_VOICES = {True: ("for", "against"), False: ("against", "for")}


@dataclass(frozen=True)
class _Kind:
    """One edge type of an event table."""

    type: str
    weight: float
    where: str = ""
    says: str = ""
    is_asked: bool = False
    is_unweighed: bool = False
    """Its numbers are below 0 or small because they say no, and are no measure of how much."""


def _is_one_of(column: str, values: list[str]) -> str:
    listed = ", ".join(value(one) for one in values)
    return f"{name(column)} = {listed}" if len(values) == 1 else f"{name(column)} IN ({listed})"


def _action_column(table: TableProfile, others: list[ColumnProfile]) -> ColumnProfile | None:
    """The column that says what people did: most of its values are known actions, or it is called like one."""
    found = [c for c in others if c.kind == "text" and len(c.values) >= 2 and c.filled == c.rows]
    # What says what became of an order or a contract says nothing of what people did.
    found = [c for c in found if not _is_state(c) and (table.ended is None or c.name != table.ended.state)]
    # What is the same in all rows of a thing, such as the sort of a place, is said of it.
    of_things = {one.name for described in table.described.values() for one in described.others()}
    found = [c for c in found if c.name not in of_things]
    known = {column.name: sum(one is not None for one in actions_in(column.values).values()) for column in found}
    if any(one.kind in {"integer", "real"} and looks(one.name, "quantity") and one.least < 0 for one in others):
        # The sign of the pieces says more than codes that no word tells.
        found = [column for column in found if known[column.name]]
    found = [column for column in found if 2 * known[column.name] >= len(column.values) or looks(column.name, "action")]
    if _is_of_one_action(table):
        found = [column for column in found if known[column.name]]  # whose contribution it is says not what was done
    return max(found, key=lambda column: known[column.name], default=None)


def _is_of_one_action(table: TableProfile) -> bool:
    """Whether a table is called by one thing that is done: contributions, and no orders, trades or transactions."""
    action = action_of_table(table.name)
    if action is None or action.type != "BOUGHT":
        return False
    return not set(map(singular, words(table.name))) & action.names & THINGS


def _action_of_all(others: list[ColumnProfile]) -> Action | None:
    """What the one value of a column that is called like an action says of every row: a table of product_viewed."""
    same = [one for one in others if one.kind == "text" and len(one.values) == 1 and one.filled == one.rows]
    told = [action_of(one.values[0]) for one in same if looks(one.name, "action") and not is_state(one)]
    return next((action for action in told if action is not None), None)


def _is_state(column: ColumnProfile) -> bool:
    """Whether a column is called a status, and has no more than one sort of what people do, or states alone."""
    types = {action.type for action in actions_in(column.values).values() if action is not None}
    if not (looks(column.name, "state") or is_state(column)):
        return False
    return not types - {"RETURNED", "REJECTED", "CLOSED"} or all(meaning(one) is not None for one in column.values)


def _kinds(
    table: TableProfile, others: list[ColumnProfile], column: ColumnProfile | None, *, are_roles: bool
) -> list[_Kind]:
    """The edge types of what people do, those that speak most for a product first."""
    base = type_name(singular(table.name))
    if not are_roles:
        return [_Kind(base, 1.0)]
    if column is None:
        action = action_of_table(table.name) or _action_of_all(others)
        if action is None and any(map(is_rating, others)):
            action = action_of("rated")
        kind = _Kind(action.type, action.weight) if action else _Kind(base, UNKNOWN)
        return _with_refusals(others, kind)
    found: dict[tuple[str, float], list[str]] = {}
    for one, action in actions_in(column.values).items():
        if action is None and is_accounting(one):
            continue
        found.setdefault((action.type, action.weight) if action else (type_name(one, base), UNKNOWN), []).append(one)
    kinds = [
        _Kind(type_, weight, _is_one_of(column.name, values), f"{column.name} {', '.join(values)}", is_asked=True)
        for (type_, weight), values in found.items()
    ]
    return sorted(kinds, key=lambda kind: -kind.weight)


def _with_refusals(others: list[ColumnProfile], kind: _Kind) -> list[_Kind]:
    """A kind that speaks for products, apart from the rows that say no: returns, amounts below 0, low ratings."""
    if kind.weight <= 0:
        return [kind]
    for column in others:
        says = action_of(column.name)
        if column.kind == "boolean" and says is not None and says.weight < 0:
            no = f"coalesce(lower(CAST({name(column.name)} AS VARCHAR)) IN {_texts(YES)}, false)"
            refusal = _Kind(says.type, says.weight, no, f"rows with {column.name}", is_asked=True)
            return [replace(kind, where=f"NOT {no}"), refusal]
        if column.kind in {"integer", "real"} and looks(column.name, "weight") and column.least < 0 < column.most:
            no = f"coalesce(CAST({name(column.name)} AS VARCHAR) LIKE '%-%', false)"
            refusal = _Kind("RETURNED", -1.0, no, f"{column.name} below 0", is_asked=True, is_unweighed=True)
            return [replace(kind, where=f"NOT {no}"), refusal]
        if (low := _low_rating(column)) is not None:
            no = f"coalesce({parsed_sql(name(column.name), column.parse or ParseSpec('real'))} <= {low:g}, false)"
            says_low = f"{column.name} of {low:g} and less"
            refusal = _Kind(f"{kind.type}_LOW", -1.0, no, says_low, is_asked=True, is_unweighed=True)
            return [replace(kind, where=f"NOT {no}"), refusal]
    return [kind]


def _low_rating(column: ColumnProfile) -> float | None:
    """The highest rating that says no, on the usual scales of 5 and 10 where some are that low."""
    if not is_rating(column) or column.least < 0:
        return None
    scale = 5.0 if 3 < column.most <= 5 else 10.0 if 5 < column.most <= 10 else None
    low = None if scale is None else scale * 0.4
    return low if low is not None and column.least <= low else None


def _texts(values: Sequence[str]) -> str:
    return f"({', '.join(value(one) for one in values)})"


def _event_heads(
    table: TableProfile,
    others: list[ColumnProfile],
    ends: tuple[str, str],
    *,
    is_signed: bool,
    ending: ColumnProfile | None,
) -> tuple[list[str], Parse, list[str]]:
    """Lines for key, times and weight of an event, how its columns are read, and more for its select list.

    Args:
        is_signed: rows with numbers below 0 become edges of their own, without a weight.
        ending: when a holding ends.
    """
    whole = [column for column in others if column.filled == column.rows]
    times = [column for column in others if column.kind == "time" and column.is_whole]
    # When a file was written is no time of what is in it.
    times = [column for column in times if column.distinct > 1] or times
    key = next((c for c in whole if (c.is_unique and c.looks_like_id) or c.is_nearly_unique), None)
    key = next((c for c in whole if c.name == table.key), None) or key
    over = [c for c in others if c.kind == "time" and looks(c.name, "end")]
    times = [column for column in times if column not in over or _is_when(column, times)]
    known = next((c for c in others if c.kind == "time" and looks(c.name, "known") and times[:1] != [c]), None)
    numbers = [c for c in whole if c.kind in {"integer", "real"} and not c.misfits]
    # Where all are below 0 the sign says how a house books, and neither how much nor that somebody said no.
    numbers = [c for c in numbers if c.least >= 0 or (is_signed and c.most > 0)]
    found = {
        "key": key,
        "at": next((column for column in times if column is not known), None),
        "known_at": known,
        "until": ending,
        "weight": _weight(numbers),
    }
    heads = [f"{line} = {quote(column.in_graph)}" for line, column in found.items() if column]
    cast = {column.name for column in found.values() if column}
    parse = _parsed([column for column in others if column is not key], cast)
    more = []
    at = found["at"]
    if key is None and (at is None or (*ends, at.name) in table.twins):
        # Nothing tells two events of one pair, or of one day, apart: each is one of several.
        nth = "nth"
        while nth in {column.in_graph.casefold() for column in table.columns.values()}:
            nth += "_event"
        by = ", ".join(_expression(table.columns[end]) for end in ends)
        more.append(f"row_number() OVER (PARTITION BY {by} ORDER BY _file, _line) AS {nth}")
        heads.insert(0, f"key = {quote(nth)}")
    return heads, parse, more


def _weight(numbers: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The number that says how much: money before pieces, no cost beside it, such as freight, and then the price."""
    found = [column for column in numbers if looks(column.name, "weight")]
    main = [column for column in found if not _BESIDE.search(column.name)]
    main = sorted(main, key=lambda column: looks(column.name, "quantity"))
    prices = [column for column in numbers if _PRICE.search(column.name)] if found and not main else []
    return next(iter([*main, *prices]), None)


_BESIDE = re.compile(
    r"(?i)freight|shipping|postage|discount|(?<![a-z])(tax|vat|fee|tip)|commission|versand|fracht|porto|rabatt|steuer|"
    r"mwst|gebühr|gebuehr|frete|envio|envío|livraison|spedizione|运费|税|手续费"
)
"""Within names of what comes on top of an amount, or is taken off."""
_PRICE = re.compile(r"(?i)price|preis|prix|precio|preço|prezzo|prijs|pris(?![a-z])|cena|价格|单价")


def add_series(draft: Draft, table: TableProfile, ends: list[tuple[str, str]]) -> bool:
    """Propose numbers of one thing by day as a series; False when they are none."""
    day = next((c for c in table.others() if c.kind == "time" and c.filled == c.rows), None)
    numbers = [column for column in table.others() if column.kind in {"integer", "real"}]
    if len(ends) != 1 or ends[0][1] not in draft.labels or day is None or not numbers:
        return False
    column, label = ends[0]
    shown = [day, *numbers]
    draft.add_part(
        f"series.{toml_key('_'.join(words(singular(table.name))))}",
        _end("of", label, table, column),
        f"at = {quote(day.in_graph)}",
        f"values = {quote([each.in_graph for each in numbers])}",
        _select_from(table, table.columns[column], *shown),
        parse=_parsed(shown, {each.name for each in shown}),
    )
    return True


def _in_graph(table: TableProfile, column: str | None) -> str:
    return table.columns[column].in_graph if column else ""


def _end(word: str, label: str, table: TableProfile, column: str | None) -> str:
    return f"{word} = {quote(f'{label}.{_in_graph(table, column)}')}"


def _select_from(table: TableProfile, *columns: ColumnProfile, more: Sequence[str] = (), where: str = "") -> str:
    condition = f" WHERE {where}" if where else ""
    selected = [*(_raw(column) for column in columns), *more]
    rows = table.rows_with(column.name for column in columns)
    return _sql(f"SELECT {', '.join(selected)}, _file, _line\nFROM {rows}{condition}")


def _parsed(columns: Sequence[ColumnProfile], cast: Container[str]) -> Parse:
    """How columns are read; those of `cast`, times and numbers to the engine, only where it must be told."""
    return [
        (column.in_graph, column.parse)
        for column in columns
        if column.parse is not None and not (column.is_plain and column.name in cast)
    ]


def _parse(spec: ParseSpec) -> str:
    """A way to read a column as an inline table."""
    given = {
        "type": quote(spec.type),
        "format": quote(spec.format[0] if len(spec.format) == 1 else list(spec.format)) if spec.format else "",
        "decimal": quote(spec.decimal) if spec.decimal != "." else "",
        "thousands": quote(spec.thousands) if spec.thousands else "",
        "null": quote(list(spec.null)) if spec.null else "",
        "unit": quote(spec.unit) if spec.unit else "",
        "factors": quote({word: int(one) if one == int(one) else one for word, one in spec.factors.items()})
        if spec.factors
        else "",
        "latest": quote(spec.latest) if spec.latest else "",
    }
    return f"{{ {', '.join(f'{key} = {text}' for key, text in given.items() if text)} }}"


def _raw(column: ColumnProfile) -> str:
    """A column as it is in the file: a number would lose its zeros, and a value what it cannot be read as."""
    expression, named = _expression(column), name(column.in_graph)
    return expression if expression == named else f"{expression} AS {named}"


def _expression(column: ColumnProfile) -> str:
    quoted = name(column.name)
    if column.written:
        return column.written.format(f"CAST({quoted} AS VARCHAR)")
    return f"CAST({quoted} AS VARCHAR)" if column.is_nested else quoted


def quote(plain: object) -> str:
    """A text, a number, or a list or table of them, as TOML writes it."""
    if isinstance(plain, dict):
        return f"{{ {', '.join(f'{toml_key(key)} = {quote(one)}' for key, one in plain.items())} }}"
    return json.dumps(plain, ensure_ascii=False)


def toml_key(plain: str) -> str:
    """A key as TOML writes it: quoted where it has other than plain letters."""
    return plain if re.fullmatch(r"[A-Za-z0-9_-]+", plain) else quote(plain)


def _sql(statement: str) -> str:
    escaped = statement.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'sql = """\n{escaped}\n"""'
