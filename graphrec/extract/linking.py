"""Names in sentences, linked to nodes of the graph: a gazetteer of names, aliases and tickers, with context for doubts.

The longest name wins. A name of several nodes goes to the one whose text shares most words with the sentence, if one
does; else nobody gets it, and it is put before a person. A ticker counts only as it is written, and a name of Latin
letters only as whole words. A name that goes on as that of another company, and a Chinese one that is a common word
(it is a part of other names), are no name.
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
    r"[\s,]+(?:inc|corp|corporation|company|co|ltd|limited|plc|llc|ag|se|gmbh|sa|nv|group|holdings?)\.?$", re.IGNORECASE
)
#: What follows a name that is only the beginning of the name of another company.
_GOES_ON = re.compile(
    r"(?:集团|控股(?!股东|子公司|权))|(?:\s[A-Z][\w&.'-]*){1,3}?,?\s(?:Inc|Corp|Corporation|Co|Ltd|Limited|PLC|plc|LLC|AG|SE|"
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
        for one in known:
            self._texts[one.entity] = frozenset(words(one.text))
            for name in {form for written in one.names for form in _forms(written)}:
                self._by_name.setdefault(name, set()).add(one.entity)
            for ticker in one.tickers:
                if _TICKER.fullmatch(ticker):
                    self._by_ticker.setdefault(ticker, set()).add(one.entity)
        starts: dict[str, set[int]] = {}
        for name in self._by_name:
            starts.setdefault(name[:2], set()).add(len(name))
        self._lengths = {start: sorted(lengths, reverse=True) for start, lengths in starts.items()}
        self._common = {part for name in self._by_name if _HAN.search(name) for part in self._parts(name)}

    def links(self, sentence: str) -> list[Link]:
        """The names of a sentence, in their order; none overlaps another."""
        folded = _folded(sentence)
        if len(folded) != len(sentence):
            sentence = folded
        found: list[Link] = []
        place = 0
        while place < len(folded):
            end = self._longest(folded, place) or self._ticker(sentence, place)
            if end is None:
                place += 1
                continue
            written = sentence[place:end]
            entities = self._by_name.get(folded[place:end]) or self._by_ticker[written]
            if (more := _GOES_ON.match(sentence, end)) is None:
                found.append(Link(place, end, written, self._meant(entities, sentence)))
            place = more.end() if more else end
        return found

    def _longest(self, text: str, place: int) -> int | None:
        for length in self._lengths.get(text[place : place + 2], ()):
            end = place + length
            if (
                text[place:end] in self._by_name
                and _is_whole(text, place, end)
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
    return unicodedata.normalize("NFKC", text).casefold()


def _forms(name: str) -> set[str]:
    """A name, folded, and without what companies' names end with; none that is too short to be one."""
    whole = " ".join(_folded(name).split())
    forms = {whole, " ".join(_ENDINGS.sub("", whole).split())}
    return {one for one in forms if len(one) >= (SHORTEST_HAN if _HAN.search(one) else SHORTEST_LATIN)}


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a part of a text is no part of a longer Latin word or number."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    joins_before = bool(before and _LETTER.match(before) and not _HAN.match(before) and not _HAN.match(text[start]))
    joins_after = bool(after and _LETTER.match(after) and not _HAN.match(after) and not _HAN.match(text[end - 1]))
    return not joins_before and not joins_after
