"""Reasons as a person would say them: the mapping's sentences, else those of the language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from graphrec.errors import SourceError
from graphrec.graph.adjacency import Hop
from graphrec.schema import GraphSchema
from graphrec.serving.answer import Node, PathPart, Step
from graphrec.serving.reasons.languages import ENGLISH, Language
from graphrec.terms.ledger import LineGroup


@dataclass(frozen=True)
class Event:
    """The latest event of the edge that a line starts with, as far as the model knew it."""

    at: datetime | None
    weight: float | None


class Sentences:
    """Makes the sentence of a line from the way it takes."""

    def __init__(self, schema: GraphSchema, language: Language = ENGLISH) -> None:
        self.schema = schema
        self.language = language
        self._own = {**schema.reasons, **schema.reasons_in.get(language.name, {})}
        self._words = {**language.words, **schema.words.get(language.name, {})}

    def says_event(self, hops: tuple[Hop, ...]) -> bool:
        """Whether the mapping's sentence of a way names the date or the weight of the customer's own edge."""
        return bool(_EVENT.search(self._own.get(_way(hops), "")))

    def path(
        self, hops: tuple[Hop, ...], path: Sequence[PathPart], count: int | None, event: Event | None = None
    ) -> str:
        """The sentence of a real path.

        A sentence with the date or the weight of an event that has none gives way to that of the language.

        Args:
            hops: of the walk, from the user to the product.
            path: as in `serving.answer.Line.path`.
            count: of the other people that the path leads through; None: through nobody.
            event: of the customer's own edge.

        Returns:
            One sentence without a full stop.

        Raises:
            SourceError: the mapping's sentence names something that the path does not have.
        """
        way = _way(hops)
        values = self._values(path, count)
        template = self._own.get(way)
        if template is None:
            return self._plain(hops, path, values)
        if self.says_event(hops):
            values |= self._event_values(event)
            if any(name not in values for name in _EVENT.findall(template)):
                return self._plain(hops, path, values)
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
        via: Node | None,
        target: Node,
        *,
        favours: bool,
        own: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> str:
        """The sentence of a learned weight (similarity, attribute, general) that favours the product or does not.

        Args:
            group: what the line is.
            via: the neighbour that it speaks of, None for everyone and for what is the user's own.
            target: the product.
            favours: whether it speaks for the product.
            own: the term's own sentences by sign and language, for a feature block that no language knows;
                without them the line says the name of the block, which the mapping may give a word.
        """
        sign = "+" if favours else "-"
        product = self.called(target)
        if group.kind == "general" or via is None:
            key = group.kind if group.kind in ("general", "new", "self", "nonlinear") else "profile"
            if key == "profile" and f"own{sign}" in own:
                return self._own_sentence(own[f"own{sign}"], {"i": product})
            return self.say(f"{key}{sign}", i=product)
        values = {"i": product, "a": self.called(via), "verb": self._verb(group.hop)}
        if group.hop is not None and group.hop.type not in self.schema.roles.interactions:
            return self.say(f"attribute{sign}", label=self.word(via.label), **values)
        if via.id == target.id:
            return self.say("own", **values)
        if group.part in ("", "text", "learned"):
            return self.say(f"{group.part or 'learned'}{sign}", **values)
        if sign in own:
            return self._own_sentence(own[sign], values)
        return self.say(f"block{sign}", block=self.word(group.part), **values)

    def _own_sentence(self, sentences: Mapping[str, str], values: dict[str, str]) -> str:
        """A sentence that a term brings along, in the language where it has it, else in another."""
        template = sentences.get(self.language.name) or next(iter(sentences.values()))
        return self.language.fill(template, values)

    def say(self, key: str, /, **values: str) -> str:
        """A sentence of the language with its placeholders filled."""
        return self.language.fill(self.language.sentences[key], values)

    def called(self, node: Node) -> str:
        """The name of a node, or its id where it has none, in the mapping's word for it."""
        return self.value(called(node))

    def value(self, text: str) -> str:
        """A value of a column, such as the kind of a product, in the mapping's word for it."""
        return self._words.get(text, text)

    def word(self, name: str) -> str:
        """A label, an edge type or a value in the words of the language."""
        return self._words.get(name) or words(name)

    def _values(self, path: Sequence[PathPart], count: int | None) -> dict[str, str]:
        """What a path has to say: {i}, {n}, {a} and the labels of its nodes."""
        values = {"n": f"{count:,}" if count is not None else ""}
        *between, target = (part for part in path[1:] if not isinstance(part, Step))
        if isinstance(target, Node):
            values["i"] = self.called(target)
        for node in between:
            if isinstance(node, Node):
                values.setdefault(_snake(node.label), self.called(node))
        if between and isinstance(between[0], Node):
            values["a"] = self.called(between[0])
        return values

    def _event_values(self, event: Event | None) -> dict[str, str]:
        values = {}
        if event is not None and event.at is not None:
            values["at"] = self.language.write_date(event.at)
        if event is not None and event.weight is not None:
            values["weight"] = f"{event.weight:,.2f}".rstrip("0").rstrip(".")
        return values

    def _plain(self, hops: tuple[Hop, ...], path: Sequence[PathPart], values: dict[str, str]) -> str:
        first = hops[0]
        values = {**values, "verb": self._verb(first), "last": self._verb(hops[-1])}
        if len(hops) == 1:
            return self.say("own", **values)
        if "a" not in values:
            return self.say("connected", **values)
        sort = "interaction" if first.type in self.schema.roles.interactions else "attribute"
        if values["n"]:
            others = {**values, "verb": self._verb(hops[1]), "label": self._label(path[2])}
            return self.say(f"people {sort}", **others)
        if len(hops) == 2:
            return self.say(f"linked {sort}", **values)
        middle = path[4]
        assert isinstance(middle, Node), "a path without people names its nodes"
        shared = {**values, "between": self.word(middle.label), "mid": self.called(middle)}
        return self.say(f"shared {sort}", **shared)

    def _label(self, part: PathPart) -> str:
        return "" if isinstance(part, Step) else self.word(part.label)

    def _verb(self, hop: Hop | None) -> str:
        """An edge of a user as a verb: BOUGHT reads bought; what is no verb reads as a link."""
        if hop is None:
            return "have"
        if hop.type in self._words:
            return self._words[hop.type]
        said = words(hop.type)
        if self.language is ENGLISH and (said.endswith("ed") or said in _PAST):
            return said
        return self.say("unknown verb", type=said)


_PAST = {"bought", "sold", "held", "saw", "read", "chose", "took", "owns", "holds", "likes"}
_EVENT = re.compile(r"\{(at|weight)[}:!]")


def called(node: Node) -> str:
    """The name of a node, or its id where it has none."""
    return node.name or node.id


def words(label: str) -> str:
    """A label or an edge type in plain words: AgeBand -> age band, IN_SECTOR -> in sector."""
    return _snake(label).replace("_", " ")


def _way(hops: tuple[Hop, ...]) -> str:
    return " ".join(str(hop) for hop in hops)


@lru_cache(4096)
def _snake(label: str) -> str:
    parts: list[str] = []
    for position, letter in enumerate(label):
        starts_word = letter.isupper() and position and not label[position - 1].isupper() and label[position - 1] != "_"
        parts.append(("_" if starts_word else "") + letter.lower())
    return "".join(parts)
