"""Names in sentences, linked to nodes of the graph: a gazetteer of names, aliases and tickers, with context for doubts.

The longest name wins. A name of several nodes goes to the one whose text shares most words with the sentence, if one
does; else nobody gets it, and it is put before a person. A ticker counts only as it is written, and a name of Latin
letters only as whole words; one of a single word is none in small letters ("the next day" is not Next plc). Hyphens are
spaces, and a name is found without its accents, too. A name that goes on as that of another company, and a Chinese one
that is a common word (it is a part of other names), are no name.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphrec.extract.classifier import words

SHORTEST_LATIN, SHORTEST_HAN = 3, 2
_HAN = re.compile("[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W_]")
_TICKER = re.compile(r"(?=[^A-Z]*[A-Z]|\d{5})[A-Z0-9][A-Z0-9.\-]{1,9}")
"""Letters, or five digits and more: a smaller number in a text is an amount."""
#: What names of companies end with, and texts leave out.
_ENDINGS = re.compile(
    r"[\s,]+(?:&\s*)?(?:inc|corp|corporation|company|co|ltd|limited|plc|llc|ag|se|gmbh|mbh|kg|kgaa|ohg|s\.?a|n\.?v|b\.?v|"
    r"s\.?p\.?a|s\.?a\.?r\.?l|asa|oyj|pty|group|holdings?)\.?$|(?:股份有限公司|有限责任公司|有限公司|股份公司)$",
    re.IGNORECASE,
)
_WITHOUT_ACCENTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "æ": "ae", "å": "aa"})
#: What follows a name that is only the beginning of the name of another company.
_GOES_ON = re.compile(
    r"(?:集团|控股(?!股东|子公司|权))|(?:[\s-][A-Z][\w&.'-]*){1,3}?,?\s(?:Inc|Corp|Corporation|Co|Ltd|Limited|PLC|plc|LLC|AG|SE|"
    r"GmbH|SA|NV)\b"
)


@dataclass(frozen=True, order=True)
class Entity:
    """A node of the graph."""

    label: str
    id: str


@dataclass(frozen=True)
class Known:
    """A node with what it is called."""

    entity: Entity
    names: tuple[str, ...]
    tickers: tuple[str, ...] = ()
    text: str = ""
    """Of the node, for doubts."""


@dataclass(frozen=True)
class Link:
    """A name in a sentence."""

    start: int
    end: int
    name: str
    """As the sentence writes it."""
    entities: tuple[Entity, ...]
    """The node; several where nothing decides between them."""

    @property
    def entity(self) -> Entity | None:
        """The node that is meant; None: it is not clear which."""
        return self.entities[0] if len(self.entities) == 1 else None


class Gazetteer:
    """What the graph's nodes are called."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._by_name: dict[str, set[Entity]] = {}
        self._by_ticker: dict[str, set[Entity]] = {}
        self._texts: dict[Entity, frozenset[str]] = {}
        small: set[str] = set()
        for one in known:
            self._texts[one.entity] = frozenset(words(one.text))
            for name in {form for written in one.names for form in _forms(written)}:
                self._by_name.setdefault(name, set()).add(one.entity)
            small |= {form for written in one.names if written[:1].islower() for form in _forms(written)}
            for ticker in one.tickers:
                if _TICKER.fullmatch(ticker):
                    self._by_ticker.setdefault(ticker, set()).add(one.entity)
        # A name with its accents comes before one that is alike without them.
        for name, entities in [*self._by_name.items()]:
            for plain in _without_accents(name) - self._by_name.keys():
                self._by_name[plain] = entities
        #: Words that are a name with a capital alone.
        self._proper = {name for name in self._by_name if " " not in name and not _HAN.search(name)} - small
        starts: dict[str, set[int]] = {}
        for name in self._by_name:
            starts.setdefault(name[:2], set()).add(len(name))
        self._lengths = {start: sorted(lengths, reverse=True) for start, lengths in starts.items()}
        self._common = {part for name in self._by_name if _HAN.search(name) for part in self._parts(name)}

    def links(self, sentence: str) -> list[Link]:
        """The names of a sentence, in their order; none overlaps another."""
        sentence = unicodedata.normalize("NFKC", sentence)
        folded = _folded(sentence)
        is_cased = sentence != sentence.lower()
        found: list[Link] = []
        place = 0
        while place < len(folded):
            end = self._longest(folded, place, is_small=is_cased and sentence[place].islower())
            end = end or self._ticker(sentence, place)
            if end is None:
                place += 1
                continue
            written = sentence[place:end]
            entities = self._by_name.get(folded[place:end]) or self._by_ticker[written]
            if (more := _GOES_ON.match(sentence, end)) is None:
                found.append(Link(place, end, written, self._meant(entities, sentence)))
            place = more.end() if more else end
        return found

    def _longest(self, text: str, place: int, *, is_small: bool) -> int | None:
        """Where the longest name ends that begins at a place; None: none does.

        Args:
            is_small: whether the place has a small letter in a text that has capitals.
        """
        for length in self._lengths.get(text[place : place + 2], ()):
            end = place + length
            if (
                text[place:end] in self._by_name
                and _is_whole(text, place, end)
                and not (is_small and text[place:end] in self._proper)
                and not self._is_chance(text, place, end)
            ):
                return end
        return None

    def _is_chance(self, text: str, start: int, end: int) -> bool:
        """Whether a Chinese name stands amid other signs, and has two signs or is a part of other names.

        There it is a part of a longer word, or a common word, as often.
        """
        if not _HAN.match(text[start]) or (end - start > 2 and text[start:end] not in self._common):
            return False
        return bool(_HAN.match(text[start - 1 : start] if start else "") or _HAN.match(text[end : end + 1]))

    def _parts(self, name: str) -> Iterator[str]:
        """The names that are a part of a name of other nodes."""
        for start in range(len(name)):
            for length in self._lengths.get(name[start : start + 2], ()):
                part = name[start : start + length]
                if len(part) < len(name) and not self._by_name.get(part, self._by_name[name]) & self._by_name[name]:
                    yield part

    def _ticker(self, text: str, place: int) -> int | None:
        if place and _LETTER.match(text[place - 1]):
            return None
        match = _TICKER.match(text, place)
        if match is None or match.group() not in self._by_ticker or not _is_whole(text, place, match.end()):
            return None
        return match.end()

    def _meant(self, entities: set[Entity], sentence: str) -> tuple[Entity, ...]:
        if len(entities) == 1:
            return tuple(entities)
        near = set(words(sentence))
        shared = {one: len(self._texts[one] & near) for one in entities}
        most = max(shared.values())
        best = sorted(one for one in entities if shared[one] == most)
        return tuple(best) if len(best) > 1 else (best[0],)


def _folded(text: str) -> str:
    """A text as names are compared: one form of each sign, small letters, hyphens as spaces; each sign stays one."""
    return "".join(
        " " if sign in "-‐‑" else folded if len(folded := sign.casefold()) == 1 else sign
        for sign in unicodedata.normalize("NFKC", text)
    )


def _without_accents(name: str) -> set[str]:
    """What a name is written as where letters have no accents.

    >>> sorted(_without_accents("müller são"))
    ['mueller sao', 'muller sao']
    """
    forms = {name.translate(_WITHOUT_ACCENTS), name}
    return {
        "".join(sign for sign in unicodedata.normalize("NFKD", form) if not unicodedata.combining(sign))
        for form in forms
    }


def _forms(name: str) -> set[str]:
    """A name, folded, and without what companies' names end with; none that is too short to be one.

    More than the last ending is left out where two words or more are left: GmbH & Co. KG.
    """
    whole = " ".join(_folded(name).split())
    forms, last = {whole}, whole
    while (short := _ENDINGS.sub("", last).strip(" ,&")) != last and (last == whole or " " in short):
        forms.add(short)
        last = short
    return {one for one in forms if len(one) >= (SHORTEST_HAN if _HAN.search(one) else SHORTEST_LATIN)}


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a part of a text is no part of a longer Latin word or number."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    joins_before = bool(before and _LETTER.match(before) and not _HAN.match(before) and not _HAN.match(text[start]))
    joins_after = bool(after and _LETTER.match(after) and not _HAN.match(after) and not _HAN.match(text[end - 1]))
    return not joins_before and not joins_after
