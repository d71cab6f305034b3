"""Reasons as a person would say them: the mapping's sentences, else those of the language.

A sentence is about one product, whose name it does not repeat, and may speak of several neighbours of the customer at
once. Whether it may be said is decided in groups.py; here it is worded.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from graphrec.errors import SourceError
from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Hop
from graphrec.languages import Language, Voice, language_of
from graphrec.schema import GraphSchema
from graphrec.serving.answer import Node
from graphrec.terms.ledger import LineGroup
from graphrec.times import moment_of

#: Neighbours of the customer that a sentence names.
NAMED = 3
#: Neighbours that a wording depends on, besides how many there are.
NAMES = NAMED + 1
#: Wordings that are kept.
KEPT = 100_000
#: Where the number of people stands in a sentence before it is filled in.
PEOPLE = "{people}"
#: A name with fewer letters says nothing without the word of its label: 3, B2.
_LETTERS = re.compile(r"[^\W\d_]")
_UNITS = frozenset(
    {
        "years",
        "months",
        "weeks",
        "days",
        "jahre",
        "monate",
        "wochen",
        "tage",
        "eur",
        "usd",
        "chf",
        "gbp",
        "cny",
        "jpy",
        "inr",
    }
)
_PERCENT = re.compile(r"\b(per ?cent|pct|prozent)$|percent$", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEAR = re.compile(r"\bbirth year\b|\byear of birth\b|geburtsjahr$|出生年", re.IGNORECASE)
_PLACE = re.compile(
    r"^(region|city|town|village|country|county|state|province|district|canton|residence|domicile|municipality|"
    r"ort|wohnort|stadt|land|wohnland|bundesland|kanton|kreis|landkreis|bezirk|gemeinde|wohnsitz\w*|domizil|ville|commune|"
    r"département|departement|pays|ciudad|provincia|país|pais|città|citta|comune|paese|regione|región|woonplaats|provincie|"
    r"région|localité|localidad|departamento|municipio|municipality|località|cidade|distrito|município|gemeente|stad|"
    r"poststed|fylke|kommune|kommun|bosted|bopæl|län|miasto|miejscowość|województwo|powiat|gmina|kraj|"
    r"město|obec|okres|megye|vármegye|város|település|ország)$|城市|省|地区|区域|国家|城镇"
)
#: Letters of a currency.
_CURRENCY = 3
#: Words of fewer letters within a name are no nouns.
_NOUN = 4
#: The most letters of a name in capitals that is an abbreviation, where others are not in capitals.
_ABBREVIATED = 4
#: Many people, of the three forms of a verb.
MANY = 2
_EVENT = re.compile(r"\{(at|weight)[}:!]")


@dataclass(frozen=True)
class Event:
    """The latest event of the edge that a line starts with, as far as the model knew it."""

    at: datetime | None
    weight: float | None


@dataclass(frozen=True)
class Since:
    """When the only edge was that the lines start with: one of both is said."""

    until: datetime | None = None
    """When what was held was over."""
    months: int | None = None
    """How long ago it was, where much of it has faded."""


@dataclass(frozen=True)
class PathParts:
    """What the lines of one reason have in common, for the sentence of real paths."""

    ways: tuple[tuple[Hop, ...], ...]
    """Their ways; several differ in what they say of the customer or of others, not in where they lead."""
    via: tuple[Node, ...] = ()
    """The customer's own neighbours, the strongest first; none where the paths begin with people."""
    mid: Node | None = None
    """What the product shares with them."""
    event: Event | None = None
    """Of the only edge that the lines start with."""
    people: bool = False
    """Whether the ways lead through other people."""
    ended: bool = False
    """Whether the customer held the neighbours and holds them no more."""
    since: Since | None = None
    """Of the only edge that the lines start with."""

    @property
    def own(self) -> tuple[Hop, ...]:
        """The first hops."""
        return tuple(dict.fromkeys(way[0] for way in self.ways))


class Sentences:
    """Words the reasons of a graph in one language and voice."""

    def __init__(self, schema: GraphSchema, language: Language | None = None, voice: Voice = "adviser") -> None:
        self.schema = schema
        self.language = language or language_of("en")
        self.voice: Voice = voice
        code = self.language.code
        words = schema.words.get(code, {})
        self._words = {**self.language.words, **words}
        owners = (schema.roles.product, schema.roles.user)
        owned = {owner + label: label for owner in owners for label in schema.nodes}
        self._unowned = {name: label for name, label in owned.items() if name not in self._words}
        """Labels without that of customers or products before it, by names: the risk level of a user is one."""
        columns = [column.name for node in schema.nodes.values() for column in node.columns]
        self._columns = {_label(name).casefold(): name for name in columns if "_" in name}
        """Columns by the label of a node that is made of one, as a draft writes it."""
        self._is_in_capitals = all(name.isupper() for name in columns)
        """Whether the bank writes all columns in capitals, so that short ones are no abbreviations."""
        self._verbs = {**self.language.verbs, **{name: words[name] for name in schema.edges if name in words}}
        address = re.compile(self.language.text("customer.address"))
        own = {**(schema.reasons if code == "en" else {}), **schema.reasons_in.get(code, {})}
        self.kept: dict[Hashable, str] = {}
        """Wordings by what tells them apart: see `remembered`."""
        self._counts: dict[int, str] = {}
        if "HELD" in schema.roles.holding and "HELD" not in words:
            # What is held until it ends is held now.
            self._verbs["HELD"] = self._verbs.get("HOLDS", self._verbs["HELD"])
        self._passing = {name for name in schema.roles.holding if name in schema.edges and schema.edges[name].ends}
        self._who, self._whose = self.say("customer.name"), self.say("customer.whose")
        self._own = {way: text for way, text in own.items() if voice == "customer" or not address.search(text)}

    def remembered(self, key: Hashable, said: Callable[[], str]) -> str:
        """A wording that was made before, or is made now.

        Args:
            key: tells it from all others of this language and voice.
        """
        found = self.kept.get(key)
        if found is None:
            if len(self.kept) >= KEPT:
                self.kept.clear()
            found = self.kept[key] = said()
        return found

    def says_event(self, hops: tuple[Hop, ...]) -> bool:
        """Whether the mapping's sentence of a way names the date or the weight of the customer's own edge."""
        return bool(_EVENT.search(self._own.get(_way(hops), "")))

    def has_own(self, hops: tuple[Hop, ...]) -> bool:
        """Whether the mapping has a sentence for a way."""
        return _way(hops) in self._own

    def path(self, parts: PathParts, *, concentrates: bool = False) -> str:
        """The sentence of real paths, with PEOPLE where a number of people stands.

        A sentence of the mapping with the date or the weight of an event that has none, or several, gives way to that
        of the language.

        Args:
            concentrates: what the product shares is a risk of the same kind once more.

        Raises:
            SourceError: the mapping's sentence names something that the path does not have.
        """
        way = _way(parts.ways[0])
        template = None if concentrates or parts.ended else self._own.get(way)
        if template is None:
            return self._plain(parts, concentrates=concentrates)
        values = self._values(parts)
        if self.says_event(parts.ways[0]):
            values |= self._event_values(parts.event)
            if any(name not in values for name in _EVENT.findall(template)):
                return self._plain(parts, concentrates=concentrates)
        try:
            return self.language.fill(template, values)
        except (KeyError, ValueError, IndexError) as error:
            raise SourceError(
                f"reasons: the sentence for {way!r} says {error}, and that way has only {', '.join(sorted(values))}; "
                "correct it in the mapping and load again"
            ) from None

    def learned(
        self,
        group: LineGroup,
        via: Sequence[Node],
        types: Sequence[Hop],
        *,
        favours: bool,
        words: Sequence[str] = (),
        own: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        is_frequent: bool = True,
        since: int | None = None,
    ) -> str:
        """The sentence of learned weights that favour the product or do not, with PEOPLE where a number stands.

        Args:
            group: what the lines are.
            via: the neighbours that they speak of, the strongest first; none for everyone and what is the user's own.
            types: the first hops to them.
            favours: whether they speak for the product.
            words: what a profile and the product have in common.
            own: the term's own sentences by sign and language, for a feature block that no language knows;
                without them the line says the name of the block, which the mapping may give a word.
            is_frequent: of everyone: whether the product is a frequent choice; of others only the number is said.
            since: of everyone: from when on it was taken, in microseconds since 1970; None: it is held.
        """
        sign, table = ("+", "reasons") if favours else ("-", "against")
        if group.kind == "general" or not via:
            key = group.kind if group.kind in ("general", "new", "nonlinear", "profit") else "profile"
            if key == "profile" and (said := self._own_sentence(own.get(f"own{sign}"), ())):
                return said
            if key == "profile" and favours and not words:
                block = self.word(group.part or "columns")
                return self.say("reasons.profile_block", block=block)
            last = self._chosen()
            if key == "general" and favours and (since is not None or not is_frequent):
                return self._of_everyone(is_frequent, since)
            return self.say(f"{table}.{key}", n=PEOPLE, last=last, words=self.language.texts["lists.comma"].join(words))
        if group.hop is not None and group.hop.type not in self.schema.roles.interactions:
            label, names = self.labelled(via[0].label, self._names(via, "and"))
            place = "_place" if _are_places(via) else ""
            return self.say(f"{table}.attribute{place}", label=label, names=names)
        if group.kind == "against":
            return self.say("against.rejected", things=self._rejected(via, types))
        things = self._over(via) if group.ended else self._things(via, types)
        if group.part in ("", "text", "learned"):
            return self.say(f"{table}.{group.part or 'learned'}", things=things)
        if said := self._own_sentence(own.get(sign), via, types):
            return said
        return self.say(f"{table}.block", block=self.word(group.part), things=things)

    def _of_everyone(self, is_frequent: bool, since: int | None) -> str:
        """The sentence of what many took since a day, or hold where it is no frequent choice."""
        if since is None:
            return self.say("reasons.chosen_by", n=PEOPLE, last=self._chosen())
        date = self.language.date(moment_of(since))
        if is_frequent:
            return self.say("reasons.lately", date=date, n=PEOPLE)
        return self.say("reasons.chosen_since", date=date, n=PEOPLE)

    def more_frequent(self, wording: str) -> str:
        """The sentence of people with an attribute where the product is more frequent among them, too."""
        return self.language.text("reasons.more_frequent").replace("{said}", wording)

    def pair(self, group: LineGroup, both: Sequence[Node], *, favours: bool) -> str:
        """The sentence of two neighbours that speak together, with PEOPLE where a number stands."""
        said = []
        for node, hop in zip(both, (group.hop, group.other), strict=True):
            is_held = hop is not None and hop.type in self.schema.roles.interactions
            said.append(self.called(node) if is_held else f"{self.word(node.label)} {self.called(node)}")
        things, last = self.language.joined(said), self._chosen()
        held = {hop.type for hop in (group.hop, group.other) if hop} & set(self.schema.roles.interactions)
        if favours and not held:
            # Nothing goes well with where somebody lives.
            return self.say("reasons.pair_traits", things=things, n=PEOPLE, last=last)
        table = "reasons" if favours else "against"
        return self.say(f"{table}.pair", things=things, n=PEOPLE, last=last)

    def moves(
        self,
        named: Sequence[tuple[Node, float]],
        volatilities: tuple[float, float] | None,
        part: float,
        *,
        favours: bool,
    ) -> str:
        """The sentence of a product that moves against some holdings, or with them.

        Args:
            named: holdings with their correlations with the product.
            volatilities: of the portfolio, before and after a part of the wealth went into the product; None: untold.
        """
        table, number = "reasons" if favours else "against", self.language.number
        things = [
            self.say("moves.correlated", name=self.called(node), correlation=number(one, 2)) for node, one in named
        ]
        said = self.say(f"{table}.moves", things=self.language.joined(things))
        if volatilities is None:
            return said
        before, after = (self.language.percent(100 * one, 1) for one in volatilities)
        told = self.say("moves.volatility", part=self.language.percent(100 * part, 0), before=before, after=after)
        return said + told

    def say(self, key: str, /, **values: str) -> str:
        """A text of the language, in the voice, with its placeholders filled."""
        return self.language.say(key, self.voice, **values)

    def called(self, node: Node) -> str:
        """The name of a node, or its id where it has none, in the mapping's word for it."""
        return self.value(called(node))

    def value(self, text: str) -> str:
        """A value of a column, such as the kind of a product, in the mapping's word for it."""
        return self._words.get(text, text)

    def fact(self, value: str | float | bool) -> str:
        """A value of a column as people of this language write it."""
        if isinstance(value, str):
            return self.value(value)
        if isinstance(value, bool):
            return self.say("policy.yes" if value else "policy.no")
        return self.language.number(value, 0 if value == int(value) else 2)

    def fact_of(self, name: str, value: str | float | bool) -> str:
        """A value of a column that says what it is: a day as people write it, a year without a mark of thousands."""
        if isinstance(value, str) and _DAY.fullmatch(value):
            return self.language.date(datetime.fromisoformat(value))
        if isinstance(value, str | bool) or not _YEAR.search(words(name)):
            return self.fact(value)
        return f"{value:.0f}"

    def word(self, name: str) -> str:
        """A label, a column, an edge type or a value in the words of the language; risk_class is named as RiskClass."""
        name = self._unowned.get(name, name)
        known = self._words.get(name) or self._words.get(_label(name))
        # Hosts write their heads in capitals.
        known = known or (self._words.get(_label(name.lower())) if name.isupper() else None)
        if known is None and not self._is_in_capitals and name.isupper() and len(name) <= _ABBREVIATED:
            return name
        return known or self._noun(self._columns.get(name.casefold(), name))

    def measured(self, name: str, value: str) -> tuple[str, str]:
        """A label or column and a value of it in words; a unit at the end of its name stands behind the value."""
        said = self.word(name)
        head, _, unit = said.rpartition(" ")
        if not head or name in self._words or unit.lower() not in _UNITS:
            return said, value
        return head, f"{value} {unit.upper() if len(unit) == _CURRENCY else unit}"

    def labelled(self, name: str, value: str) -> tuple[str, str]:
        """As `measured`, where both stand beside each other: Plan 3 of plan says "plan" once."""
        said, value = self.measured(name, value)
        first, _, rest = value.partition(" ")
        return said, rest if rest and " " not in rest and first.lower() == said.lower() else value

    def shown(self, what: str, value: str | float | bool) -> str:
        """What is shown beside a product, with the unit that its column has.

        Args:
            what: one of the keys of the mapping's `show`.
        """
        node = self.schema.nodes[self.schema.roles.product]
        column = node.show.get(what, "")
        unit = node.units.get(column) or ("%" if _PERCENT.search(words(column)) else "")
        if isinstance(value, str | bool) or not unit:
            return self.fact(value)
        if unit == "%":
            return self.language.percent(value, 0 if value == int(value) else 2)
        if unit != "‰" and not any(sign.isalpha() for sign in unit):
            return self.language.say("numbers.money", n=self.fact(value), unit=unit)
        return f"{self.fact(value)} {unit}"

    def _noun(self, name: str) -> str:
        """The words of a name as the language writes nouns."""
        if self.language.texts["forms.nouns"] != "capital":
            return _as_written(name)
        # Short words within a name are no nouns: Profil de Risque.
        parts = enumerate(_as_written(name, capitals=True).split(" "))
        return " ".join(word if place and len(word) < _NOUN else word[:1].upper() + word[1:] for place, word in parts)

    def edge(self, kind: str) -> str:
        """An edge type on its own: as a verb where the language has one, else by where it leads."""
        if kind in self._verbs and kind not in self._words:
            return self._verbs[kind].partition("|")[0]
        if self.language.code == "en" or kind not in self.schema.edges:
            return self.word(kind)
        known = self._words.get(kind)
        return known if known and "{" not in known else self.word(self.schema.edges[kind].target)

    def kind(self, name: str) -> str:
        """A kind of lines, or a part of scores, in words."""
        return self.language.texts.get(f"kinds.{name}") or self.word(name)

    def counted(self, wording: str, people: int | None) -> str:
        """A sentence with its number of people."""
        if people is None:
            return wording
        number = self._counts.get(people)
        if number is None:
            if len(self._counts) >= KEPT:
                self._counts = {}
            number = self._counts[people] = self.language.number(people)
        return wording.replace(PEOPLE, number)

    def _own_sentence(
        self, sentences: Mapping[str, str] | None, via: Sequence[Node], types: Sequence[Hop] = ()
    ) -> str | None:
        """A sentence that a term brings along, where it has it in the language and it fits the voice."""
        template = (sentences or {}).get(self.language.code)
        if template is None or (
            self.voice != "customer" and re.search(self.language.text("customer.address"), template)
        ):
            return None
        verb = self._verb(types, self._person)
        values = {"i": self.say("reasons.it"), "a": self._names(via, "and"), "verb": verb}
        return self.language.fill(template, {**values, "who": self._who})

    def _values(self, parts: PathParts) -> dict[str, str]:
        """What a path has to say to a sentence of the mapping: {i}, {n}, {a} and the labels of its nodes."""
        way = parts.ways[0]
        values = {"n": PEOPLE if parts.people else "", "i": self.say("reasons.it")}
        values |= {"who": self._who, "whose": self._whose}
        values |= {"verb": self._verb(parts.own, self._person), "last": self._verb(way[-1:], 2)}
        if parts.via:
            values["a"] = self._names(parts.via, "or" if parts.people else "and")
            values[_snake(parts.via[0].label)] = values["a"]
        if parts.mid:
            values.setdefault(_snake(parts.mid.label), self.called(parts.mid))
        return values

    def _event_values(self, event: Event | None) -> dict[str, str]:
        values = {}
        if event is not None and event.at is not None:
            values["at"] = self.language.date(event.at)
        if event is not None and event.weight is not None:
            values["weight"] = self.language.number(event.weight, 0 if event.weight == int(event.weight) else 2)
        return values

    def _plain(self, parts: PathParts, *, concentrates: bool) -> str:
        first, length = parts.ways[0][0], len(parts.ways[0])
        last = self._verb([way[-1] for way in parts.ways], 2)
        is_interaction = first.type in self.schema.roles.interactions
        if parts.ended and length == 1:
            until = parts.since.until if parts.since else None
            key = "own_over" if until is None else "own_until"
            return self.say(f"reasons.{key}", who=self._who, date="" if until is None else self.language.month(until))
        if length == 1:
            return self.say("reasons.own", who=self._who, verb=self._verb(parts.own, self._person))
        if not parts.via:
            key = "connected" if length == 2 else "connected_far"
            return self.say(f"reasons.{key}", n=PEOPLE, who=self._who, last=last)
        label = self.word(parts.via[0].label)
        if parts.people:
            names, verb = self._names(parts.via, "or"), self._verb([way[1] for way in parts.ways], 2)
            if not is_interaction:
                label, names = self.labelled(parts.via[0].label, names)
                key = "people_place" if _are_places(parts.via) else "people_attribute"
                return self.say(f"reasons.{key}", n=PEOPLE, label=label, names=names, last=last)
            key = "people_same" if verb == last else "people"
            return self.say(f"reasons.{key}", n=PEOPLE, verb=verb, names=names, last=last)
        whose = self._whose
        things = self._over(parts.via, parts.since) if parts.ended else self._things(parts.via, parts.own)
        if parts.since is not None and parts.since.months:
            things = self.say("things.aged", things=things, n=self.language.number(parts.since.months))
        if length == 2:
            if is_interaction:
                return self.say("reasons.linked", things=things)
            return self.say(
                "reasons.linked_attribute", whose=whose, label=label, **{"is": self._is(parts, parts.via[0])}
            )
        assert parts.mid is not None, "a path without people names its nodes"
        shared = self._is(parts, parts.mid)
        if not is_interaction:
            names = self._names(parts.via, "and")
            return self.say("reasons.shared_attribute", whose=whose, label=label, names=names, **{"is": shared})
        return self.say(f"reasons.{'concentration' if concentrates else 'shared'}", things=things, **{"is": shared})

    def _is(self, parts: PathParts, node: Node) -> str:
        """What the product is by the last edge of its way: is in Energy."""
        kind = parts.ways[0][-1].type
        return self.remembered(("is", kind, node), lambda: self._is_by(kind, node))

    def _is_by(self, kind: str, node: Node) -> str:
        name = self.called(node)
        template = self._words.get(kind, "")
        if "{mid}" not in template:
            template = self.language.link(kind)
            if "{label}" not in template and len(_LETTERS.findall(name)) < NAMED:
                template = self.language.links["*"]
        label, name = self.measured(node.label, name)
        return self.language.fill(template, {"mid": name, "label": label, "words": words(kind)})

    def _things(self, via: Sequence[Node], types: Sequence[Hop]) -> str:
        """The customer's own products behind a reason, at most NAMED by name."""
        named = self._named(via)
        key = "one" if len(via) == 1 else "few" if len(via) == len(named) else "many"
        names, number = self.language.joined(named), self.language.number(len(via))
        return self.say(f"things.{key}", names=names, n=number, who=self._who, verb=self._verb(types, self._person))

    def _named(self, via: Sequence[Node]) -> list[str]:
        """The first names of neighbours, at most NAMED, each once: several may be called alike."""
        found: list[str] = []
        for node in via:
            if (name := self.called(node)) not in found:
                found.append(name)
                if len(found) == NAMED:
                    break
        return found

    def _over(self, via: Sequence[Node], since: Since | None = None) -> str:
        """What the customer held and holds no more."""
        named = self._named(via)
        names = self.language.joined(named)
        if since is not None and since.until is not None:
            return self.say("things.until", names=names, who=self._who, date=self.language.month(since.until))
        key = "over" if len(via) == len(named) else "over_many"
        return self.say(f"things.{key}", names=names, who=self._who, n=self.language.number(len(via)))

    def _rejected(self, via: Sequence[Node], types: Sequence[Hop]) -> str:
        """What the customer turned down; what an edge type says is no purchase in any language."""
        known = [hop for hop in types if hop.type in self._verbs]
        return self._things(via, known or [Hop("REJECTED")])

    def _names(self, via: Sequence[Node], how: str) -> str:
        """Names of neighbours; of many the first, and how many more there are."""
        named = NAMED if len(via) > NAMED + 1 else len(via)  # "one of 1 more" takes no less room than its name
        names = list(dict.fromkeys(self.called(node) for node in via[:named]))
        if len(via) > named:
            rest = self.language.number(len(via) - named)
            return self.say(f"lists.{how}_more", names=self.language.texts["lists.comma"].join(names), n=rest)
        return self.language.joined(names, "or" if how == "or" else "and")

    def _chosen(self) -> str:
        """What many do who hold a product: the verbs of the relevant edge types."""
        return self._verb([Hop(name) for name in self.schema.roles.relevant], 2)

    @property
    def _person(self) -> int:
        return 0 if self.voice == "customer" else 1

    def _verb(self, hops: Sequence[Hop], person: int) -> str:
        """Edges of a user as verbs, with `or` between them; what they have in common at their end is said once.

        Args:
            person: 0 you, 1 the customer, 2 many people.
        """
        types = tuple(dict.fromkeys([hop.type for hop in hops]))
        return self.remembered(("verb", types, person), lambda: self._verb_of(types, person))

    def _verb_of(self, types: Sequence[str], person: int) -> str:
        verbs = list(dict.fromkeys(self._one_verb(kind, person) for kind in types))
        over = self._form("over", person)
        if person == MANY and over in verbs:  # who holds it has held it
            verbs = [verb for verb in verbs if verb != self._form("HOLDS", person)]
        ends = {verb.rpartition(" ")[2] for verb in verbs}
        if len(verbs) > 1 and len(ends) == 1 and all(" " in verb for verb in verbs):
            (end,) = ends
            return f"{self.language.joined([verb.rpartition(' ')[0] for verb in verbs], 'or')} {end}"
        return self.language.joined(verbs, "or")

    def _one_verb(self, kind: str, person: int, *, passes: bool = True) -> str:
        """An edge type as a verb: BOUGHT reads bought; what is no verb reads as a link."""
        known = self._verbs
        forms = known.get(kind) or next((known[part] for part in kind.split("_") if part in known), "")
        if not forms:
            said = words(kind)
            if self.language.code == "en" and said.endswith("ed"):
                return said
            forms = self.language.fill(known["unknown"], {"type": self._noun(said)})
        if passes and person == MANY and kind in self._passing:
            # Of other people who held it some hold it no more.
            forms = known["over"]
        return _of_person(forms, person)

    def are_said_alike(self, kind: str, other: str) -> bool:
        """Whether what is said of many people by the one edge type is so of those of the other one.

        Who bought a thing bought it, whether or not another table says that they hold it no more.
        """
        said = self._one_verb(kind, MANY)
        return said in (self._one_verb(other, MANY), self._one_verb(other, MANY, passes=False))

    def _form(self, kind: str, person: int) -> str:
        """A verb of the language as people of a sort do it."""
        return _of_person(self._verbs.get(kind, ""), person)


def _of_person(forms: str, person: int) -> str:
    """One of three forms of a verb, or the only one."""
    parts = forms.split("|")
    return parts[person] if len(parts) == 3 else parts[0]


def _are_places(nodes: Sequence[Node]) -> bool:
    """Whether people are from what these are called: places by their label, with names that are no codes."""
    found = [_LETTERS.findall(called(node)) for node in nodes]
    # Two signs are a name in Chinese, Japanese and Korean.
    named = all(len(one) >= (NAMED - 1 if any(sign >= "\u2e80" for sign in one) else NAMED) for one in found)
    return named and any(_PLACE.search(word) for word in words(nodes[0].label).split(" "))


def called(node: Node) -> str:
    """The name of a node, or its id where it has none."""
    return node.name or node.id


def words(label: str) -> str:
    """A label or an edge type in plain words: AgeBand -> age band, IN_SECTOR -> in sector."""
    return _snake(label).replace("_", " ")


_ABBREVIATION = re.compile("[A-Z]{2}")


@lru_cache(4096)
def _as_written(name: str, *, capitals: bool = False) -> str:
    """The words of a name, with abbreviations as they stand in one of both cases: Bogen_lt_WpHG -> bogen lt WpHG.

    Args:
        capitals: words that begin with a capital in such a name keep it.
    """
    if "_" not in name or name.isupper():
        return words(name)
    kept = (
        part if _ABBREVIATION.search(part) or (capitals and part.istitle()) else words(part) for part in name.split("_")
    )
    return " ".join(kept)


def _way(hops: tuple[Hop, ...]) -> str:
    return " ".join(str(hop) for hop in hops)


@lru_cache(4096)
def _label(name: str) -> str:
    """A column as a label is written: risk_class -> RiskClass."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


@lru_cache(4096)
def _snake(label: str) -> str:
    parts: list[str] = []
    for position, letter in enumerate(label):
        starts_word = letter.isupper() and position and not label[position - 1].isupper() and label[position - 1] != "_"
        parts.append(("_" if starts_word else "") + ("i" if letter == "İ" else letter.lower()))
    return "".join(parts)
