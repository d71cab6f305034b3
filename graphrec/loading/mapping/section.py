"""Reads TOML tables key by key, and refuses what nobody asked for."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TypeVar

from graphrec.errors import SourceError

Choice = TypeVar("Choice", bound=str)
CLOSE = 0.5
"""How like a known word one must be to be taken for it, from 0 to 1."""
MANY = 8
"""More known words than these are not all listed."""


class Section:
    """A TOML table that remembers which of its keys were asked for."""

    def __init__(self, values: dict[str, Any], where: str, at: str = "") -> None:
        self.where = where
        self.at = at
        self._values = values
        self._asked: list[str] = []

    def place(self, key: str) -> str:
        """File and full key, for messages."""
        return f"{self.where}: {self.at}.{key}" if self.at else f"{self.where}: {key}"

    def at_place(self) -> str:
        """File and full name of the table itself."""
        return f"{self.where}: {self.at}"

    def names(self) -> list[str]:
        """The keys that are there."""
        return list(self._values)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def take(self, key: str) -> Any:
        """The raw value of a key, or None."""
        self._asked.append(key)
        return self._values.get(key)

    def rest(self) -> dict[str, Any]:
        """All values that nobody asked for."""
        left = {key: value for key, value in self._values.items() if key not in self._asked}
        self._asked.extend(left)
        return left

    def close(self) -> None:
        """Refuse the first key that nobody asked for, with the nearest known one."""
        for key in self._values:
            if key not in self._asked:
                raise SourceError(f"{self.place(key)} is no key{suggest(key, self._asked)}")

    def section(self, key: str, *, optional: bool = False) -> "Section":
        """The table under a key."""
        value = self.take(key)
        if value is None and optional:
            value = {}
        if not isinstance(value, dict):
            raise SourceError(f"{self.place(key)} is missing; want a table [{self._full(key)}]")
        return Section(value, self.where, self._full(key))

    def sections(self, key: str) -> Iterator[tuple[str, "Section"]]:
        """Name and table of every `[key.Name]`."""
        outer = self.section(key, optional=True)
        for name in outer.names():
            yield name, outer.section(name)

    def text(self, key: str) -> str:
        """A required string."""
        value = self.text_or_none(key)
        if value is None:
            self._refuse_missing(key)
        return str(value)

    def text_or_none(self, key: str) -> str | None:
        """A string, or None when the key is absent."""
        value = self.take(key)
        if value is not None and not (isinstance(value, str) and value.strip()):
            raise SourceError(f"{self.place(key)} is {value!r}; want a text")
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of strings."""
        value: Any = self.take(key)
        if value is None:
            if required:
                self._refuse_missing(key)
            return ()
        good = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
        if not good or (required and not value):
            raise SourceError(f"{self.place(key)} is {value!r}; want a list of texts")
        if len(set(value)) < len(value):
            raise SourceError(f"{self.place(key)} is {value!r}; the same text is there twice")
        return tuple(value)

    def numbers(self, key: str) -> dict[str, float]:
        """A table of finite numbers."""
        inner = self.section(key, optional=True)
        for name in inner.names():
            value = inner.take(name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise SourceError(f"{inner.place(name)} is {value!r}; want a number")
        return {name: float(inner.take(name)) for name in inner.names()}

    def whole(self, key: str, *, default: int, least: int) -> int:
        """A whole number of at least `least`."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise SourceError(f"{self.place(key)} is {value!r}; want a whole number of at least {least}")
        return value

    def flag(self, key: str) -> bool:
        """A boolean, false when absent."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            raise SourceError(f"{self.place(key)} is {value!r}; want true or false")
        return bool(value)

    def flag_or_text(self, key: str, *, default: bool) -> bool | str:
        """A boolean or a string."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool | str):
            raise SourceError(f"{self.place(key)} is {value!r}; want true, false or SQL that gives a boolean")
        return value

    def one_of(self, key: str, choices: tuple[Choice, ...], default: Choice | None = None) -> Choice:
        """One of some words."""
        value = self.take(key)
        if value is None and default is not None:
            return default
        for choice in choices:
            if value == choice:
                return choice
        raise SourceError(f"{self.place(key)} is {value!r}; want one of {', '.join(choices)}")

    def _full(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key

    def _refuse_missing(self, key: str) -> NoReturn:
        for given in self._values:
            if nearest(given, [key], cutoff=0.7) and given not in self._asked:
                raise SourceError(f"{self.place(given)} is no key; did you mean {key!r}?")
        raise SourceError(f"{self.place(key)} is missing")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.0) -> str | None:
    """The known word most like this one, or None when none is like it."""
    by_fold = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=cutoff)
    return by_fold[found[0]] if found else None


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or where nothing is like the word, what there is; nothing where there is nothing."""
    names = sorted(known)
    if (close := nearest(word, names, CLOSE)) is not None:
        return f"; did you mean {close!r}?"
    more = " …" if len(names) > MANY else ""
    return f"; there is {', '.join(names[:MANY])}{more}" if names else ""


def parse_name(name: str, place: str, what: str) -> None:
    """Refuse a name that could not be a label, an edge type or a property."""
    if not name.isidentifier() or name.startswith("_"):
        raise SourceError(f"{place}: {name!r} is not {what}; want letters, digits and _, beginning with a letter")


def parse_end(value: str, place: str) -> tuple[str, str]:
    """Label and column of `Label.column`."""
    label, dot, column = value.partition(".")
    if not (label and dot and column):
        raise SourceError(f"{place} is {value!r}; want Label.column, a label and a column of this SQL")
    parse_name(label, place, "a label")
    return label, column


def snake_case(label: str) -> str:
    """A label as sentences name it: `AgeBand` is `age_band`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", label).lower()
