"""A first policy.toml for a graph: rules with its own column names, by the words that columns and values are called.

It works on any bank: the words are those of graphrec/loading/propose/concepts.py, and what is found is checked against
the values that are there. What was not found, or cannot be told, is listed with what is missing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from graphrec.errors import PolicyError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.languages import Language, language_of
from graphrec.loading.propose.concepts import (
    ACTIVE,
    CLOSED,
    CONCEPTS,
    LEFT,
    NO,
    NO_INVESTMENT,
    NOTHING,
    OF_AGE,
    OPEN,
    YES,
    answers_in,
    are_answers,
    in_order,
    is_attitude,
    normal,
    place,
    says_state,
    speaks,
    told,
)
from graphrec.loading.propose.looks import MOST_ANSWERS, is_known_name, looks
from graphrec.loading.propose.words import words
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.language.conditions import sides
from graphrec.policy.language.operands import parts_of
from graphrec.policy.read import parse_policy
from graphrec.policy.rules import NOT_AVAILABLE

_OTHER_STATUS = frozenset({"kyc", "marital", "tax", "employment", "payment", "residence", "residency", "fatca", "crs"})
"""Words of a status that says nothing of the relation to the bank."""
_OTHER_PURPOSE = re.compile(
    "edelivery|paperless|estatement|statementdelivery|electronicdelivery|electronicstatement|termsand|termsofuse|tandc|"
    "cookie|creditcheck|creditbureau|schufa|bureau|recording|aufzeichnung|elektronischepost|kontoauszug|agbzustimm|agb$|"
    "datasharing|datenweitergabe|thirdparty|dritte|cesion|cession|cessione|terceros|terzi|tiers|statisti|estadistic|"
    "estatistic|research|biometric|kycconsent|fatca|crs|w8|esign"
)
"""Within names of consents to something else than offers, such as statements without paper."""
_LIMITS = frozenset(
    {"until", "till", "to", "expires", "expiry", "bis", "ablauf", "end", "ende", "hasta", "jusqu", "fino"}
)
"""Words of days until which something holds."""
_MISSING = frozenset({-9.0, -99.0, -999.0, -9999.0, -1.0, -2.0, -8.0, 8.0, 9.0, 88.0, 98.0, 99.0, 998.0, 999.0, 9999.0})
"""Numbers that stand for no answer beside 0 and 1."""
_FILLED = frozenset({"funded", "financed", "filled", "oversubscribed", "finanziert", "platziert", "finance"})
"""States of products that nobody can take any more, and of no customer."""
_STATES = (("offered", True), ("withdrawn", False))
"""What a column of a state speaks of, and whether a yes is wanted."""
_NO_NAME = frozenset({"is", "has", "kz", "flag", "yn", "jn", "am", "on", "at", "date", "datum"})
"""Words of names of columns that are none of a rule."""
_LANGUAGES = ("en", "de", "zh")
"""Each rule says its sentence in all of them."""
Said = dict[str, str]
"""A sentence by language."""
_BY_EVENT = 'interactions = […, "REJECTED"], weights = { REJECTED = -1.0 }, [events.rejected] edge = "REJECTED"'
_MOSTLY = 0.6
"""So many products are sold, where nothing but a yes or no may tell which."""
MOST = 40
"""Different texts that a column of a rule may have."""
_USUAL = 0.9
"""The share of those with a text from which on one text is what nearly all have."""
HEAD = """\
# What may be shown to whom. Each rule says what it requires of a customer and a product; what does not meet it is left
# out before anything is ranked. `graphrec policy check` counts what each rule does, `graphrec policy explain` says it
# in words; docs/policy.md has the language. Rules are asked in this order. Give the policy a new version whenever you
# change it. graphrec wrote it from the names and values of columns: read every rule before you rely on it.
version = "1"
"""


@dataclass(frozen=True)
class Example:
    """The text of a policy, which rules are in it, and what was not found."""

    text: str
    kept: tuple[str, ...]
    left_out: tuple[str, ...]
    """What no rule could be written for, and why."""
    doubts: tuple[str, ...] = ()
    """What a person has to decide."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Files that lie beside it, by name."""


@dataclass(frozen=True)
class _Column:
    """A column that a rule may read; `texts` are its values where they are few."""

    side: str
    name: str
    kind: str
    texts: tuple[str, ...] = ()
    numbers: tuple[float, float] | None = None
    """The smallest and the largest value; of times as years."""
    protected: bool = False
    is_answer: bool = False
    """Whether it is a number that is 0 or 1, or one of those that stand for no answer."""
    is_sparse: bool = False
    """Whether most have no value, as where a code stands for a block and nothing for none."""
    has_gaps: bool = False
    """Whether some have a value and some have none."""
    says_yes: float = 0.0
    """The share of the answers that are yes; 0 where they are no answers."""
    usual: str | None = None
    """The text that nearly all have who have one, where there are few texts."""

    def __str__(self) -> str:
        return f"{self.side}.{self.name}" if re.fullmatch(r"[^\W\d]\w*", self.name) else f"{self.side}[{self.name!r}]"

    @property
    def said(self) -> tuple[str, ...]:
        """Its texts without those that stand for a gap."""
        return tuple(text for text in self.texts if normal(text) not in NOTHING)

    @property
    def place(self) -> str:
        """Where its value stands in a sentence."""
        return "{" + f"{self.side}.{self.name}" + "}"

    @property
    def is_flag(self) -> bool:
        """Whether it is a number that is 0 or 1."""
        return self.kind in ("integer", "real") and (self.is_answer or self.numbers in ((0, 1), (0, 0), (1, 1)))

    @property
    def is_number(self) -> bool:
        """Whether it counts or measures something."""
        return self.kind in ("integer", "real")


@dataclass
class _Draft:
    """What is written so far."""

    languages: tuple[Language, ...]
    """Of the sentences, the first one that of the home."""
    rules: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    levels: dict[str, list[str]] = field(default_factory=dict)
    known: list[_Column] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def add(
        self, name: str, sentence: Said, require: str, *, columns: tuple[_Column, ...] = (), **more: str | bool
    ) -> str:
        """Write a rule; the id that it has.

        Args:
            columns: of texts whose values become known, and those that may be protected.
            more: other keys of the rule.
        """
        rule_id = next(one for one in (name, *(f"{name}-{n}" for n in range(2, 1000))) if one not in self.rules)
        if any(one.protected for one in columns):
            more |= {"protected": True, "reason": "name the law that asks for it"}
        told = [f"sentence.{code} = {_quoted(text)}" for code, text in sentence.items()]
        lines = [f'id       = "{rule_id}"', *told, f"require  = {_quoted(require)}"]
        lines += [f"{key} = {'true' if value is True else _quoted(str(value))}" for key, value in more.items()]
        self.rules[rule_id] = "[[rule]]\n" + "\n".join(lines)
        self.conditions[rule_id] = require
        self.known += [one for one in columns if one.kind == "text" and one.texts and one not in self.known]
        return rule_id

    def said(self, key: str, **values: "str | Said") -> Said:
        """The sentence of a rule, by language."""
        return {
            language.code: language.say(
                f"rules.{key}", "adviser", user="{user}",
                **{name: one if isinstance(one, str) else one[language.code] for name, one in values.items()},
            )
            for language in self.languages
        }  # fmt: skip

    def note(self, key: str, **values: str) -> str:
        """What is said of the draft itself."""
        return self.languages[0].say(f"first.{key}", "adviser", **values)

    def lacks(self, found: "_Found", side: str, concept: str) -> str:
        """Why there is no column of a concept: it is personal, or there is none."""
        who = "user" if side == "user" else "product"
        hidden = [name for name in found.personal[side] if place(name, concept) is not None]
        if hidden:
            return self.note(f"personal_{who}", column=hidden[0])
        return self.note(f"none_{who}", what=self.languages[0].text(f"first.what_{concept.replace(' ', '_')}"))

    def unclear(self, column: _Column) -> str:
        """Why the values of a column say neither yes nor no."""
        return self.note("unclear", column=str(column), values=", ".join(column.texts[:4]) or column.kind)

    def miss(self, what: str, why: str) -> None:
        """List what no rule could be written for."""
        self.missing[what] = why


class _Found:
    """The columns of a graph by what they speak of."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.roles = snapshot.schema.roles
        self._products = snapshot.nodes(self.roles.product)
        self.columns = {side: list(_columns(snapshot, side)) for side in ("user", "product")}
        schema = snapshot.schema.nodes
        self.personal = {"user": schema[self.roles.user].personal, "product": schema[self.roles.product].personal}

    def all(self, side: str, concept: str) -> list[_Column]:
        """The columns of a side that speak of a concept, the most telling first; a tolerance by its values else, and a
        risk by the values that the tolerance of customers has."""
        found = [(place(one.name, concept), one) for one in self.columns[side]]
        named = [one for _, one in sorted(((n, c) for n, c in found if n is not None), key=lambda pair: pair[0])]
        if named or (side, concept) not in {("user", "tolerance"), ("product", "risk")}:
            return named
        if side == "user":
            return [one for one in self.columns[side] if is_attitude(one.texts)]
        steps = [set(one.texts) for one in self.all("user", "tolerance")]
        told = (one for one in self.columns[side] if len(one.texts) >= _STEPS)
        return [one for one in told if any(set(one.texts) <= some for some in steps)]

    def one(self, side: str, concept: str, kinds: Sequence[str] = ()) -> _Column | None:
        """The most telling column of a side and a concept, of some kinds."""
        return next((one for one in self.all(side, concept) if not kinds or one.kind in kinds), None)

    def kinds_without(self, column: _Column) -> tuple[_Column | None, list[str]]:
        """The column of kinds of products, and the kinds of no investment none of whose products has a value."""
        kind = self.one("product", "kind", ("text",))
        if kind is None or not kind.texts or not column.has_gaps:
            return kind, []
        kinds, has_kind = self._products.column(kind.name).values, np.asarray(self._products.column(kind.name).valid[:])
        has = np.asarray(self._products.column(column.name).valid[:])
        filled = {str(text) for text, there in zip(kinds, has & has_kind, strict=True) if there}
        return kind, [text for text in kind.texts if text not in filled and speaks(text, NO_INVESTMENT)]


_STEPS = 3
"""Fewer texts that two columns have alike say nothing of what they are."""


def example_policy(snapshot: Snapshot, as_of: int | None, language: Language | None = None) -> Example:
    """A first policy for a snapshot.

    Args:
        as_of: the date of answers in microseconds since 1970; None: the graph has no times.
        language: the first one of the sentences; None: English. Those that are shipped follow it.
    """
    first = language or language_of("en")
    others = (language_of(code) for code in _LANGUAGES if code != first.code)
    draft, found = _Draft((first, *others)), _Found(snapshot)
    for write in (
        _consents, _flags, _others, _held, _offered, _risk, _horizon, _knowledge, _means, _ages, _residence, _clients,
        _cooling,
    ):  # fmt: skip
        write(draft, found)
    _adults(draft, found, as_of)
    _drop_misfits(draft, snapshot, as_of)
    _confidential(draft, found)
    _drop_misfits(draft, snapshot, as_of)
    kind = found.one("product", "kind", ("text",))
    if kind is not None and kind.texts and kind not in draft.known:
        draft.known.append(kind)
    parts = [HEAD.rstrip(), *_tables(draft), *draft.rules.values()]
    if draft.missing:
        listed = "\n".join(f"# * {what}: {why}" for what, why in draft.missing.items())
        parts.append(f"# Not found, and not in force:\n{listed}")
    if draft.doubts:
        listed = "\n".join(f"# * {doubt}" for doubt in draft.doubts)
        parts.append(f"# To decide:\n{listed}")
    why = tuple(f"{what}: {why}" for what, why in draft.missing.items())
    return Example("\n\n".join(parts) + "\n", tuple(draft.rules), why, tuple(draft.doubts))


def shipped_policy(name: Literal["bank", "broker", "insurer"], snapshot: Snapshot, as_of: int | None) -> Example:
    """One of the policies that are shipped, and what of it a snapshot cannot answer."""
    folder = Path(str(files("graphrec.policy.examples")))
    text = (folder / f"{name}.toml").read_text("utf-8")
    policy, kept, misfits = parse_policy(text, name, folder), [], []
    for rule in policy.rules:
        try:
            CompiledPolicy(replace(policy, rules=(rule,)), snapshot, as_of=as_of)
        except PolicyError as error:
            misfits.append(f"{rule.id}: {error}")
        else:
            kept.append(rule.id)
    lists = {one: (folder / one).read_text("utf-8") for one in sorted({key.partition("#")[0] for key in policy.lists})}
    return Example(text, tuple(kept), tuple(misfits), lists=lists)


def speaks_of(snapshot: Snapshot, side: Literal["user", "product"], concept: str) -> tuple[str, ...]:
    """The columns of a side whose names speak of a concept, the most telling first; no protected ones."""
    return tuple(one.name for one in _Found(snapshot).all(side, concept) if not one.protected)


class RiskScale(NamedTuple):
    """What the rule about risk compares: columns, and their words from the lowest, nothing where they are numbers."""

    product: str
    user: str
    product_levels: tuple[str, ...]
    user_levels: tuple[str, ...]


def risk_scale(snapshot: Snapshot) -> RiskScale | None:
    """The columns of the rule about risk that `example_policy` writes; None: there are none, or one is protected."""
    draft, found = _Draft((language_of("en"),)), _Found(snapshot)
    compared = _compared(draft, found, "risk", *_risk_sides(found))
    if compared is None or any(one.protected for one in compared[:2]):
        return None
    one, other, _ = compared
    both = tuple(draft.levels.get("risk", ()))
    levels = (tuple(draft.levels.get(f"risk_{side}", both)) for side in ("product", "user"))
    return RiskScale(one.name, other.name, *levels)


def unread(snapshot: Snapshot, read: Sequence[str]) -> dict[str, str]:
    """Columns that speak of suitability and that no rule reads, with what they speak of.

    Args:
        read: what rules read, such as `user.country`.
    """
    found = _Found(snapshot)
    named: dict[str, str] = {}
    for side, concepts in (
        (
            "user",
            ("objection", "consent", "blocked", "sanctions", "pep", "tolerance", "horizon", "client", "knowledge"),
        ),
        ("product", ("risk", "binding", "end", "least age", "residents", "minimum", "clients", "knowledge")),
    ):
        for concept in concepts:
            for one in found.all(side, concept):
                if f"{side}.{one.name}" not in read:
                    named.setdefault(f"{side}.{one.name}", concept)
    return named


def _tables(draft: _Draft) -> Iterator[str]:
    """The tables before the rules: orders of texts, and the values that are known."""
    used = {
        name: order
        for name, order in draft.levels.items()
        if any(f'level("{name}"' in draft.conditions[rule_id] for rule_id in draft.rules)
    }
    if used:
        yield "[levels]\n" + "\n".join(f"{name} = {_listed(order)}" for name, order in used.items())
    for side in ("user", "product"):
        known = [one for one in draft.known if one.side == side]
        if known:
            lines = "\n".join(f"{_key(one.name)} = {_listed(one.texts)}" for one in known)
            note = (
                "# Any other value is remarked on.\n"
                if side == "user" or not any(k.side == "user" for k in draft.known)
                else ""
            )
            yield f"{note}[values.{side}]\n{lines}"


def _consents(draft: _Draft, found: _Found) -> None:
    objections = found.all("user", "objection")
    wanted = [(one, True) for one in found.all("user", "consent") if one not in objections]
    wanted += [(one, False) for one in objections]
    if any(column.kind != "time" for column, _ in wanted):
        # When it was given says no more than that it was; until when it holds does, and so does when somebody objected.
        wanted = [pair for pair in wanted if pair[0].kind != "time" or _is_limit(pair[0]) or not pair[1]]
    agreed: dict[str, _Column] = {}
    elsewhere = [one for one, is_consent in wanted if is_consent and _OTHER_PURPOSE.search(normal(one.name))]
    if len(elsewhere) < sum(is_consent for _, is_consent in wanted):
        wanted = [pair for pair in wanted if pair[0] not in elsewhere]
        for column in elsewhere:
            draft.miss(f"consent ({column})", draft.note("other_purpose"))
    untold: list[_Column] = []
    for column, is_consent in wanted:
        condition = _flag(column, wanted=is_consent)
        if condition is None:
            draft.miss(f"consent ({column})", draft.unclear(column))
            untold += [column] if is_consent else []
            continue
        name = _short_name(column.name, "consent" if is_consent else "objection")
        sentence = draft.said("consent" if is_consent else "objection", column=column.name)
        rule_id = draft.add(name, sentence, condition, columns=(column,))
        if is_consent:
            agreed[rule_id] = column
    several = [rule_id for rule_id, column in agreed.items() if column.kind != "time"]
    if len(several) > 1:
        draft.doubts.append(draft.note("several", rules=", ".join(several)))
    if not wanted:
        untold = [one for one in found.columns["user"] if _may_be_consent(one)]
        others = ", ".join(str(one) for one in found.columns["user"] if _is_yes_or_no(one))
        lacks = draft.lacks(found, "user", "consent")
        draft.miss("consent", draft.note("perhaps", text=lacks, columns=others) if others else lacks)
    if untold and not agreed:
        _undecided(draft, "undecided", untold)


def _undecided(draft: _Draft, said: str, untold: Sequence[_Column]) -> None:
    """A rule that nothing meets, where something may say who agreed, or what is sold, and cannot be read."""
    never = f"is_missing({untold[0]}) and not is_missing({untold[0]})"
    rule_id = draft.add(said.replace("_", "-"), draft.said(said, column=untold[0].name), never, columns=(untold[0],))
    draft.doubts.append(draft.note(said, columns=", ".join(map(str, untold)), rule=rule_id))


def _may_be_consent(column: _Column) -> bool:
    """Whether a column that no word names has few values, as a consent in a language that nobody here reads has."""
    is_few = column.kind == "boolean" or column.is_flag or 2 <= len(column.texts) <= MOST_ANSWERS
    return is_few and not is_known_name(column.name) and not is_attitude(column.texts)


def _flags(draft: _Draft, found: _Found) -> None:
    for column in found.all("user", "blocked"):
        condition = _flag(column, wanted=False) or _unusual(draft, column)
        if condition is None:
            draft.miss(f"blocked ({column})", draft.unclear(column))
        else:
            draft.add("blocked", draft.said("blocked", column=column.name), condition, columns=(column,))
    for column in found.columns["user"]:
        if ACTIVE.fullmatch(normal(column.name)) and (condition := _flag(column, wanted=True)) is not None:
            draft.add("active", draft.said("active", column=column.name), condition, columns=(column,))
    for column in found.columns["user"]:
        if column.kind == "time" and LEFT.fullmatch(normal("".join(words(column.name)))):
            condition = f"is_missing({column}) or {column} > now"
            draft.add("active", draft.said("active", column=column.name), condition, columns=(column,))
    _relation(draft, found)


def _unusual(draft: _Draft, column: _Column) -> str | None:
    """The condition that a customer has no reason of a block, where nearly nobody has one; a person has to look."""
    if column.kind != "text" or not column.texts:
        return None
    if column.is_sparse:
        draft.doubts.append(draft.note("sparse_user", column=str(column), values=", ".join(column.texts[:4])))
        return f"is_missing({column})"
    others = [text for text in column.texts if text != column.usual]
    if column.usual is None or not others:
        return None
    draft.doubts.append(draft.note("usual", column=str(column), value=column.usual, values=", ".join(others[:4])))
    return f"is_missing({column}) or {column} == {_in_quotes(column.usual)}"


def _relation(draft: _Draft, found: _Found) -> None:
    """Rules from what says whether somebody is a customer still: by its name, else by its values."""
    named = found.all("user", "relation")
    if not any(column.kind == "text" and _status(column, wanted=True) for column in named):
        named += _by_values(draft, [one for one in found.columns["user"] if one not in named])
    for column in named:
        if _OTHER_STATUS.intersection(words(column.name)):
            continue
        condition = _status(column, wanted=True) if column.kind == "text" else None
        if condition is None and (letter := _open_letter(column.texts)):
            condition = f"{column} in {_listed([letter])}"
            listed = ", ".join(column.texts)
            draft.doubts.append(draft.note("letters_user", column=str(column), values=listed, value=letter))
        if condition is not None:
            draft.add("active", draft.said("active", column=column.name), condition, columns=(column,))
            _ask_of_states(draft, column, wanted=True)
        elif column.kind == "text" and len(column.texts) > 1:
            draft.miss(f"active ({column})", draft.unclear(column))


def _others(draft: _Draft, found: _Found) -> None:
    """Rules for those who are no customers: staff, which has rules of its own, and prospects; a person has to look."""
    for name in ("staff", "prospect"):
        for column in found.columns["user"]:
            listed = [text for text in column.texts if speaks(text, CONCEPTS[name])]
            is_kind = any(place(column.name, one) is not None for one in ("client", "relation", name))
            is_kind = is_kind or bool(_KINDS.intersection(words(column.name))) or looks(column.name, "kind")
            condition = None
            own = {*map(normal, words(column.name))} - _OF_FLAGS
            is_named = place(column.name, name) is not None or (name == "staff" and len(own) == 1 and own <= _STAFF)
            if is_named and _is_yes_or_no(column):
                condition = _flag(column, wanted=False)
            elif listed and is_kind and len(listed) < len(column.texts):
                condition = f"is_missing({column}) or {column} not in {_listed(listed)}"
            if condition is not None:
                draft.add(name, draft.said(name, column=column.name), condition, columns=(column,))
                draft.doubts.append(draft.note(f"no_{name}", column=str(column)))


_OF_FLAGS = frozenset({"ind", "is", "est", "es", "flag", "kz", "indicator", "yn", "jn", "on", "sn"})
"""Words beside what a yes or no is of."""
_STAFF = frozenset({"employe", "employee", "empleado", "angestellt", "angestellter", "impiegato"})
"""Whole names of a yes or no of those who work for the bank; within a name they are what somebody is: self-employed."""
_KINDS = frozenset({"art", "type", "kind", "role", "rolle", "segment", "category", "kategorie", "relationship"})
"""Words of names of columns that say what somebody is to a bank."""


def _held(draft: _Draft, _found: _Found) -> None:
    draft.add("held", draft.said("held"), "not held")


def _offered(draft: _Draft, found: _Found) -> None:
    """One rule from the day on which a product ends and from its status: either may be the first to be kept up."""
    limits = (one for one in found.all("product", "offered") if one.kind == "time" and _is_limit(one))
    end, conditions, columns = found.one("product", "end", ("time",)) or next(limits, None), [], []
    places: list[Said] = []
    if end is not None:
        conditions, columns = [f"is_missing({end}) or {end} > now"], [end]
        places.append(draft.said("closed_on", a=end.place))
    untold: list[_Column] = []
    states = [(one, wanted) for concept, wanted in _STATES for one in found.all("product", concept)]
    states = states or _named_as_values(found.columns["product"])
    states = states or [(one, True) for one in _by_values(draft, found.columns["product"])]
    for column, wanted in states or [(one, True) for one in _only_answer(draft, found.columns["product"], end)]:
        condition = _status(column, wanted=wanted) if column not in columns else None
        if condition is not None and column.kind == "text":
            _ask_of_states(draft, column, wanted=wanted)
        if condition is None and (letter := _open_letter(column.texts)):
            condition = f"{column} in {_listed([letter])}"
            draft.doubts.append(draft.note("letters", column=str(column), values=", ".join(column.texts), value=letter))
        if condition is None and column.is_sparse and column.kind == "text":
            condition = f"is_missing({column})"
            draft.doubts.append(draft.note("sparse", column=str(column), values=", ".join(column.texts[:4])))
        if condition is not None:
            conditions.append(condition)
            places.append({one.code: f"{column.name} {column.place}" for one in draft.languages})
            columns.append(column)
        elif column.kind == "text" and column.texts and column not in columns:
            draft.miss(f"offered ({column})", draft.unclear(column))
            untold += [column] if len(column.texts) > 1 else []
    if not conditions:
        draft.miss("end of sale", draft.lacks(found, "product", "end"))
        if untold:
            _undecided(draft, "undecided_open", untold)
        return
    whole = conditions[0] if len(conditions) == 1 else " and ".join(f"({one})" for one in conditions)
    listed = {one.code: one.text("lists.comma").join(part[one.code] for part in places) for one in draft.languages}
    draft.add("open", draft.said("open", columns=listed), whole, columns=tuple(columns))


def _risk_sides(found: _Found) -> tuple[tuple[str, str], tuple[str, str]]:
    # A product may say for which profile it is: Anlegerprofil ab.
    only_profile = found.all("product", "tolerance") and not found.all("product", "risk")
    return ("product", "tolerance" if only_profile else "risk"), ("user", "tolerance")


def _risk(draft: _Draft, found: _Found) -> None:
    _ordered(draft, found, "risk", *_risk_sides(found))


def _horizon(draft: _Draft, found: _Found) -> None:
    _ordered(
        draft, found, "horizon", ("product", "binding"), ("user", "horizon"),
    )  # fmt: skip


def _knowledge(draft: _Draft, found: _Found) -> None:
    if found.all("product", "knowledge"):
        _ordered(
            draft, found, "knowledge", ("product", "knowledge"), ("user", "knowledge"),
        )  # fmt: skip


def _means(draft: _Draft, found: _Found) -> None:
    least, have = found.one("product", "minimum", ("integer", "real")), found.one("user", "means", ("integer", "real"))
    if least is None or have is None:
        draft.miss("means", draft.lacks(found, *(("product", "minimum") if least is None else ("user", "means"))))
        return
    free = _without_limit(draft, least)
    draft.add("means", draft.said("means", a=least.place, b=have.place), f"{free}{least} <= {have}")
    draft.add(
        "large-part", draft.said("large", a=least.place), f"{free}{least} <= 0.5 * {have}",
        severity="warn",
    )  # fmt: skip


def _without_limit(draft: _Draft, limit: _Column) -> str:
    """What lets through products with an empty minimum, where others have one: it would shut them out for all."""
    if not limit.has_gaps:
        return ""
    draft.doubts.append(draft.note("empty", column=str(limit)))
    return f"is_missing({limit}) or "


def _ages(draft: _Draft, found: _Found) -> None:
    limits = [(found.one("product", "least age", ("integer", "real")), ">=", "age")]
    limits.append((found.one("product", "most age", ("integer", "real")), "<=", "most_age"))
    born, year, age = (
        found.one("user", concept, kinds)
        for concept, kinds in (("born", ("time",)), ("birth year", ("integer",)), ("age", ("integer", "real")))
    )
    if limits[0][0] is None:
        draft.miss("minimum age", draft.lacks(found, "product", "least age"))
    for limit, sign, said in limits:
        if limit is None:
            continue
        if born is not None:
            column, years = born, f"years_since({born})"
        elif age is not None:
            column, years = age, str(age)
        elif year is not None:
            # The birthday of this year may be to come.
            column, years = year, f"year(now) - {year} - 1" if sign == ">=" else f"year(now) - {year}"
        else:
            draft.miss("minimum age" if sign == ">=" else "maximum age", draft.lacks(found, "user", "born"))
            continue
        name = "age" if sign == ">=" else "most-age"
        free = _without_limit(draft, limit) if sign == ">=" else f"is_missing({limit}) or "
        condition = f"{free}{years} {sign} {limit}"
        draft.add(name, draft.said(said, a=limit.place), condition, columns=(column,))


def _adults(draft: _Draft, found: _Found, as_of: int | None) -> None:
    """A rule that customers are of age, where some are not; a person has to look."""
    if as_of is None:
        return
    now = 1970 + as_of / _YEAR
    ages = (
        (found.one("user", "born", ("time",)), "years_since({0}) >= {1}", False),
        (found.one("user", "age", ("integer", "real")), "{0} >= {1}", True),
        (found.one("user", "birth year", ("integer",)), "year(now) - {0} - 1 >= {1}", False),
    )
    column, condition, is_age = next((one for one in ages if one[0] is not None), (None, "", False))
    if column is None or column.numbers is None:
        return
    youngest = column.numbers[0] if is_age else now - column.numbers[1]
    if youngest < OF_AGE:
        require = f"is_missing({column}) or {condition.format(column, OF_AGE)}"
        draft.add("adult", draft.said("adult"), require, columns=(column,))
        draft.doubts.append(draft.note("no_adult", column=str(column), age=str(OF_AGE)))


_YEAR = 365.2425 * 24 * 3600 * 1e6
"""Microseconds of one."""


def _residence(draft: _Draft, found: _Found) -> None:
    allowed, home = found.one("product", "residents", ("text",)), found.one("user", "residence", ("text",))
    if allowed is None or home is None:
        draft.miss(
            "residence", draft.lacks(found, *(("product", "residents") if allowed is None else ("user", "residence")))
        )
        return
    _listed_in(draft, "residence", allowed, home)


def _clients(draft: _Draft, found: _Found) -> None:
    allowed, own = found.one("product", "clients", ("text",)), found.one("user", "client", ("text",))
    if allowed is not None and own is not None:
        _listed_in(draft, "clients", allowed, own)


def _listed_in(draft: _Draft, name: str, allowed: _Column, own: _Column) -> None:
    """A rule that a value of the customer is among those of the product, where any of them is."""
    listed = {part for text in allowed.texts for part in parts_of(text)}
    if not listed & set(own.texts):
        many = draft.note("many")
        here, there = ", ".join(sorted(listed)[:3]) or many, ", ".join(own.texts[:3]) or many
        draft.miss(name, draft.note("apart", a=str(allowed), x=here, b=str(own), y=there))
        return
    sentence = draft.said(name, a=allowed.place, b=own.place)
    is_list = any(parts_of(text) != (text,) for text in allowed.texts)
    condition = f"contains({allowed}, {own})" if is_list else f"{allowed} == {own}"
    draft.add(name, sentence, f"is_missing({allowed}) or {condition}", columns=(allowed, own))


def _cooling(draft: _Draft, found: _Found) -> None:
    turned_down = [name for name in found.roles.interactions if found.roles.weight(name) < 0]
    for name in turned_down:
        draft.add("cooling-off", draft.said("cooling", a=f"{{last.{name}}}"), f'not happened("{name}", 180)')
    if not turned_down:
        draft.miss("cooling-off", draft.note("turned_down", form=_BY_EVENT))


def _confidential(draft: _Draft, found: _Found) -> None:
    written: list[str] = []
    for concept in ("sanctions", "pep"):
        for column in found.all("user", concept):
            condition = _flag(column, wanted=False)
            ordinary = (one for one in draft.rules if sides(draft.conditions[one]) == {"user"} and one not in written)
            shared = next(ordinary, None)
            if condition is None or shared is None:
                why = draft.unclear(column) if condition is None else draft.note("unshared")
                draft.miss(f"{concept} ({column})", why)
                continue
            if "code" not in draft.rules[shared]:
                draft.rules[shared] += f'\ncode     = "{NOT_AVAILABLE}"'
            sentence = draft.said("listed", column=column.name)
            rule_id = draft.add(concept, sentence, condition, confidential=True, columns=(column,))
            written.append(rule_id)
            draft.rules = {rule_id: draft.rules.pop(rule_id), **draft.rules}


def _ordered(draft: _Draft, found: _Found, name: str, above: tuple[str, str], below: tuple[str, str]) -> None:
    """A rule that the product is not above the customer on a scale of numbers or of texts that have an order."""
    compared = _compared(draft, found, name, above, below)
    if compared is not None:
        one, other, condition = compared
        kind, free = found.kinds_without(one)
        if kind is not None and free:
            condition = f"{kind} in {_listed(free)} or {condition}"
            draft.doubts.append(draft.note("kinds_without", column=str(one), values=", ".join(free), rule=name))
        draft.add(name, draft.said(name, a=one.place, b=other.place), condition, columns=(one, other))
        return
    first, second = found.all(*above), found.all(*below)
    unlike = draft.note("unlike", a=str(first[0]), b=str(second[0])) if first and second else None
    draft.miss(name, unlike or draft.lacks(found, *(below if first else above)))


def _compared(
    draft: _Draft, found: _Found, name: str, above: tuple[str, str], below: tuple[str, str]
) -> tuple[_Column, _Column, str] | None:
    """The first two columns that can be compared, and the condition that the product's is not above."""
    pairs = ((one, other) for one in found.all(*above) for other in found.all(*below))
    tried = ((one, other, _not_above(draft, name, one, other)) for one, other in pairs)
    return next(((one, other, condition) for one, other, condition in tried if condition is not None), None)


def _not_above(draft: _Draft, name: str, one: _Column, other: _Column) -> str | None:
    if one.is_number and other.is_number:
        if one.numbers and other.numbers and one.numbers[1] != other.numbers[1] and name == "risk":
            draft.doubts.append(
                f"{name}: "
                + draft.note("scale", a=str(one), x=f"{one.numbers[1]:g}", b=str(other), y=f"{other.numbers[1]:g}")
            )
        months, years = (_unit(one.name) == "month", _unit(other.name) == "year")
        if months and years:
            return f"{one} <= 12 * {other}"
        if _unit(one.name) == "year" and _unit(other.name) == "month":
            return f"12 * {one} <= {other}"
        return f"{one} <= {other}"
    if one.is_number or other.is_number:
        sides = _as_number(draft, f"{name}_product", one, other), _as_number(draft, f"{name}_user", other, one)
        return f"{sides[0]} <= {sides[1]}" if all(sides) else None
    if one.kind != "text" or other.kind != "text":
        return None
    together = in_order({*one.said, *other.said})
    if together and one.said and other.said and len({step for step, _ in together}) == len(together):
        draft.levels[name] = [text for _, text in together]
        return f'level("{name}", {one}) <= level("{name}", {other})'
    is_one_scale = together is not None
    return _by_steps(draft, name, one, other, is_one_scale=is_one_scale) or _alike(draft, name, one, other)


def _alike(draft: _Draft, name: str, one: _Column, other: _Column) -> str | None:
    """The condition that both have the same text, where they have the same ones and nothing tells their order."""
    if len(one.said) < 2 or not set(one.said) <= set(other.said):
        return None
    draft.doubts.append(f"{name}: " + draft.note("no_order", a=str(one), b=str(other), values=", ".join(other.said)))
    return f"{one} == {other}"


def _by_steps(draft: _Draft, name: str, one: _Column, other: _Column, *, is_one_scale: bool) -> str | None:
    """The condition of texts that have an order each, the same one or as many steps; None where they have not."""
    # A word that both sides have is a step of their scale, and no gap of one of them.
    is_shared = set(one.said) == set(other.said)
    first, second = (in_order(each.said, has_middle=is_shared) for each in (one, other))
    if not first or not second:
        return None
    if any(len({step for step, _ in each}) != len(each) for each in (first, second)):
        return None  # two words of one step, of which no order is known
    is_same = [step for step, _ in first] == [step for step, _ in second]
    shown = [", ".join(text for _, text in each) for each in (first, second)]
    if is_one_scale or all(any(map(str.isdigit, text)) for _, text in (*first, *second)):
        first, second = _on_one_scale(first, second)
    if len(first) != len(second):
        return None
    if not (is_same or is_one_scale):
        asked = draft.note("steps", a=str(one), b=str(other), x=shown[0], y=shown[1])
        draft.doubts.append(f"{name}: {asked}")
    draft.levels[f"{name}_product"] = [text for _, text in first]
    draft.levels[f"{name}_user"] = [text for _, text in second]
    return f'level("{name}_product", {one}) <= level("{name}_user", {other})'


def _on_one_scale(*orders: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """Orders of texts with numbers, each with a step for every number of the others: R1, R3 beside C1, C2, C3."""
    steps = sorted({step for order in orders for step, _ in order})
    return [[(step, dict(order).get(step, str(step))) for step in steps] for order in orders]


def _as_number(draft: _Draft, scale: str, column: _Column, beside: _Column) -> str:
    """A number, or texts that begin with numbers one after another, such as "1 - cautious", as what stands beside it;
    words in an order where the numbers beside them go up to as many.

    Nothing where a number beside them is on no such scale.
    """
    if column.is_number:
        return str(column)
    is_word = column.kind == "text" and not any(map(str.isdigit, "".join(column.said)))
    said = [text for _, text in (in_order(column.said) if is_word else None) or ()]
    if said and beside.numbers and beside.numbers[0] >= 1 and beside.numbers[1] == len(said):
        numbers = f"1, …, {len(said)}"
        asked = draft.note("steps", a=str(column), b=str(beside), x=", ".join(said), y=numbers)
        draft.doubts.append(f"{scale.partition('_')[0]}: {asked}")
        draft.levels[scale] = said
        return f'1 + level("{scale}", {column})'
    order = in_order(column.said) if column.kind == "text" and any(map(str.isdigit, "".join(column.said))) else None
    steps = [step for step, _ in order or ()]
    if not order or not beside.numbers or steps != list(range(steps[0], steps[0] + len(steps))):
        return ""
    if not (steps[0] <= beside.numbers[0] and beside.numbers[1] <= steps[-1]):
        return ""
    draft.levels[scale] = [text for _, text in order]
    return f'{steps[0]} + level("{scale}", {column})'


def _unit(name: str) -> str | None:
    plain = normal(name)
    if any(word in plain for word in ("month", "monat", "月")):
        return "month"
    return "year" if any(word in plain for word in ("year", "jahr", "年")) else None


def _flag(column: _Column, *, wanted: bool) -> str | None:
    """The condition that a yes or no is as wanted; None where the values cannot be told."""
    gap = "" if wanted else f"is_missing({column}) or "
    if column.kind == "boolean":
        return str(column) if wanted else f"{gap}not {column}"
    if column.is_flag:
        return f"{gap}{column} == {int(wanted)}"
    if column.kind == "time" and _is_limit(column):
        return f"is_missing({column}) or {column} {'>' if wanted else '<='} now"
    if column.kind == "time":
        return f"{column} <= now" if wanted else f"{gap}{column} > now"
    answers = answers_in(column.texts)
    listed = [text for text, answer in answers.items() if answer is wanted]
    other = [text for text, answer in answers.items() if answer is (not wanted)]
    if column.kind != "text" or not (listed or other):
        return None
    if not listed:
        return f"{gap}{column} not in {_listed(other)}"
    return f"{gap}{column} in {_listed(listed)}"


def _is_yes_or_no(column: _Column) -> bool:
    """Whether all values of a column say yes or no."""
    return column.kind == "boolean" or column.is_flag or are_answers(column.texts)


def _by_values(draft: _Draft, columns: Sequence[_Column]) -> list[_Column]:
    """Columns that no name tells, and whose values say open and closed; a person has to look at them."""
    found = [one for one in columns if _says_state(one)]
    for column in found:
        draft.doubts.append(draft.note("by_values", column=str(column), values=", ".join(column.texts)))
    return found


def _named_as_values(columns: Sequence[_Column]) -> list[tuple[_Column, bool]]:
    """Columns of yes and no that are called as values say open or closed, such as sunset; whether a yes is open."""
    said = ((one, told(one.name, OPEN, CLOSED)) for one in columns if _is_yes_or_no(one))
    return [(one, is_open) for one, is_open in said if is_open is not None]


def _only_answer(draft: _Draft, columns: Sequence[_Column], end: _Column | None) -> list[_Column]:
    """The one yes or no of products that no name tells, where most say yes: it may be whether they are sold."""
    named = (concept for concept in CONCEPTS if concept not in ("offered", "withdrawn"))
    other = {one.name for concept in named for one in columns if place(one.name, concept) is not None}
    found = [one for one in columns if one.name not in other and _is_yes_or_no(one)]
    if end is not None or len(found) != 1 or not _MOSTLY <= found[0].says_yes < 1:
        return []
    draft.doubts.append(draft.note("only_answer", column=str(found[0])))
    return found


def _open_letter(texts: Sequence[str]) -> str:
    """The letter for active or open among letters of states; nothing where they are none."""
    found = {text.strip().upper(): text for text in texts}
    letter = next((one for one in "AO" if one in found), "")
    others = found.keys() - {letter}
    return found[letter] if letter and others and others <= set("CDILSTWX") else ""


def _says_state(column: _Column) -> bool:
    """Whether two thirds of the values of a column, whatever it is called, say open or closed, and some say each."""
    is_other = _OTHER_STATUS.intersection(words(column.name)) or place(column.name, "consent") is not None
    return column.kind == "text" and says_state(column.texts, of_users=column.side == "user") and not is_other


def _is_limit(column: _Column) -> bool:
    """Whether a time is one until which something holds."""
    return bool(_LIMITS.intersection(words(column.name)))


def _status(column: _Column, *, wanted: bool) -> str | None:
    """The condition that a product is offered; None where the values cannot be told."""
    if column.kind != "text":
        return None if column.kind == "time" else _flag(column, wanted=wanted)
    said = _states(column, wanted=wanted)
    listed = [text for text, one in said.items() if one]
    other = [text for text, one in said.items() if one is False]
    if listed:
        return f"{column} in {_listed(listed)}"
    return f"is_missing({column}) or {column} not in {_listed(other)}" if other else None


def _states(column: _Column, *, wanted: bool) -> dict[str, bool | None]:
    """What each value of a state says: that it is as wanted, that it is not, or neither."""
    yes, no = (OPEN | YES, CLOSED | NO) if wanted else (NO | OPEN, YES | CLOSED)
    no |= _FILLED if column.side == "product" else frozenset(CONCEPTS["blocked"])
    return {text: told(text, yes, no) for text in column.texts}


def _ask_of_states(draft: _Draft, column: _Column, *, wanted: bool) -> None:
    """Ask about values that are neither open nor closed, where some are open: they are taken for closed."""
    said = _states(column, wanted=wanted)
    untold = [text for text, one in said.items() if one is None]
    if untold and True in said.values():
        draft.doubts.append(draft.note("untold_states", column=str(column), values=", ".join(untold[:6])))


def _columns(snapshot: Snapshot, side: str) -> Iterator[_Column]:
    """The columns of a side with what their values are like."""
    roles = snapshot.schema.roles
    label = roles.user if side == "user" else roles.product
    nodes, protected = snapshot.nodes(label), snapshot.schema.nodes[label].protected
    for name, kind in nodes.columns.items():
        column = nodes.column(name)
        valid = np.asarray(column.valid[:])
        texts: tuple[str, ...] = ()
        numbers, is_answer, usual, says_yes = None, False, None, 0.0
        if kind == "text":
            listed = Counter(str(text) for text, there in zip(column.values, valid, strict=True) if there)
            texts = tuple(sorted(listed)) if len(listed) <= MOST else ()
            usual = next((text for text, times in listed.items() if times >= _USUAL * listed.total()), None)
            answers = answers_in(texts)
            says_yes = sum(listed[text] for text in texts if answers[text]) / max(1, listed.total())
        elif kind == "boolean" and valid.any():
            says_yes = float(np.mean(np.asarray(column.values[:])[valid].astype(np.float64)))
        elif kind in ("integer", "real") and valid.any():
            values = np.asarray(column.values[:])[valid]
            numbers = (float(np.nanmin(values)), float(np.nanmax(values)))
            some = {float(one) for one in np.unique(values)[: len(_MISSING)]}
            is_answer = {0.0, 1.0} <= some and some - {0.0, 1.0} <= _MISSING and numbers[1] in some
            says_yes = float(np.mean(values == 1)) if some <= {0.0, 1.0} else 0.0
        elif kind == "time" and valid.any():
            years = 1970 + np.asarray(column.values[:])[valid].astype(np.int64) / _YEAR
            numbers = (float(years.min()), float(years.max()))
        yield _Column(
            side, name, str(kind), texts, numbers, name in protected, is_answer,
            is_sparse=0 < 2 * valid.sum() < valid.size, has_gaps=0 < valid.sum() < valid.size,
            usual=usual, says_yes=says_yes,
        )  # fmt: skip


def _drop_misfits(draft: _Draft, snapshot: Snapshot, as_of: int | None) -> None:
    """Leave out the rules that the snapshot cannot answer, and list them."""
    for rule_id in list(draft.rules):
        why = _misfit(draft, rule_id, snapshot, as_of)
        if why is not None:
            draft.miss(rule_id, why)
            del draft.rules[rule_id]


def _misfit(draft: _Draft, rule_id: str, snapshot: Snapshot, as_of: int | None) -> str | None:
    """Why a rule does not fit a snapshot, None when it does."""
    text = "\n\n".join(('version = "1"', *_tables(draft), draft.rules[rule_id].replace("confidential = true", "")))
    try:
        CompiledPolicy(parse_policy(text, "example"), snapshot, as_of=as_of)
    except PolicyError as error:
        return str(error).partition(": rule ")[2].partition(": ")[2] or str(error)
    return None


def _short_name(column: str, concept: str) -> str:
    """A name for a rule from that of its column: `contact_consent` is `contact`."""
    left = [word for word in words(column) if place(word, "consent") is None and place(word, "objection") is None]
    plain = "-".join(word for word in left if word.isascii() and word not in _NO_NAME)
    return plain if re.fullmatch(r"[A-Za-z][\w-]*", plain) else concept


def _quoted(text: str) -> str:
    """A text as a value of TOML."""
    return f"'{text}'" if '"' in text and "'" not in text else _in_quotes(text)


def _in_quotes(text: str) -> str:
    """A text as a literal of a rule."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join(map(_in_quotes, texts)) + "]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _in_quotes(name)
