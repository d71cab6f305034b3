"""Languages: one TOML file for each, with all that people read; one of a bank's own is a file in its home.

A file of the home, `languages/xx.toml`, is complete, or it is called like a shipped one and stands over its texts. What
is missing, and a placeholder that the English text does not have, are refused when the language is asked for.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from graphrec.errors import SettingsError
from graphrec.frozen import dataclass

Voice = Literal["adviser", "customer"]
VOICES: tuple[Voice, ...] = ("adviser", "customer")
#: Shipped; the first is the default.
LANGUAGES = ("en", "de", "zh")
#: Tables whose keys are names of the data: a language has as many of them as it likes.
OPEN = ("links", "verbs", "words")
_NEEDED = {"links.*", "verbs.unknown", "verbs.over"}
_FOLDER = Path(__file__).parent
_CODE = re.compile(r"[a-z]{2,3}")
#: Marks of where a value begins and ends: signs that no text holds.
_BEGIN, _END = "\ue000", "\ue001"
# Texts of patterns, which `re` keeps compiled: most starts need neither.
_BORDER = (
    "(?<=[\u4e00-\u9fff])[\ue000\ue001]+(?=[A-Za-z\u00c0-\u024f])|(?<=[\u4e00-\u9fff])[\ue000\ue001]*\ue000(?=[0-9])|"
    "(?<=[A-Za-z\u00c0-\u024f])[\ue000\ue001]+(?=[\u4e00-\u9fff])|(?<=[0-9%+.])\ue001[\ue000\ue001]*(?=[\u4e00-\u9fff])|"
    "(?<=[A-Za-z0-9%+.\u00c0-\u024f])\ue001\ue000(?=[A-Za-z\u00c0-\u024f])"
)
_HAN_LATIN = r"(?<=[\u4e00-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u4e00-\u9fff])"


@dataclass(frozen=True, eq=False)
class Language:
    """How one language says what lines and lists mean."""

    code: str
    texts: Mapping[str, str]
    """Sentences by table and key, such as `reasons.shared`; where voices differ, by voice besides."""
    links: Mapping[str, str]
    """What a product shares with a node, by pattern of an edge type."""
    verbs: Mapping[str, str]
    """What an edge type says of a customer: you, one person, many people, with | between them; once where all agree."""
    words: Mapping[str, str]
    """Labels, values and blocks of features."""

    def text(self, key: str, voice: Voice = "adviser") -> str:
        """The template of a key."""
        found = self.texts.get(key)
        return self.texts[f"{key}.{voice}"] if found is None else found

    def fill(self, template: str, values: Mapping[str, str]) -> str:
        """A template with its placeholders filled and the spaces that the script asks for.

        Chinese has one between its signs and Latin words, and none around a number; never within a value: a name stays
        as it is.
        """
        if not self._is_han:
            return template.format_map(values)
        marked = {name: _marked(value) for name, value in values.items()}
        text = re.sub(_BORDER, " ", re.sub(_HAN_LATIN, " ", template).format_map(marked))
        return text.replace(_BEGIN, "").replace(_END, "")

    def say(self, key: str, /, voice: Voice = "adviser", **values: str) -> str:
        """The text of a key with its placeholders filled."""
        return self.fill(self.text(key, voice), values)

    def number(self, value: float, digits: int = 0, *, sign: bool = False) -> str:
        """A number, or a decimal, as people of this language write it."""
        # What rounds to nothing has no sign.
        text = f"{round(value, digits) + 0:{'+' if sign else ''},.{digits}f}"
        return text.translate(self._marks) if self._marks else text

    @cached_property
    def _marks(self) -> dict[int, str]:
        """What stands for a comma and a point in numbers; empty: they stand for themselves."""
        marks = {",": self.texts["numbers.thousands"], ".": self.texts["numbers.decimal"]}
        return str.maketrans(marks) if any(sign != mark for sign, mark in marks.items()) else {}

    def given(self, value: float) -> str:
        """A number with the digits that it was given with."""
        return f"{value:g}".replace(".", self.texts["numbers.decimal"])

    def percent(self, value: float, digits: int = 0) -> str:
        """A number of per cents as people of this language write it."""
        return self.texts["numbers.percent"].format(n=self.number(value, digits))

    def date(self, at: datetime) -> str:
        """A date as people of this language write it."""
        return self.texts["dates.form"].format(
            day=at.day, month=self.texts["dates.months"].split()[at.month - 1], year=at.year
        )

    def month(self, at: datetime) -> str:
        """A month as people of this language write it."""
        return self.texts["dates.month"].format(month=self.texts["dates.months"].split()[at.month - 1], year=at.year)

    def joined(self, names: list[str], how: Literal["and", "or"] = "and") -> str:
        """Names one after another."""
        if len(names) < 2:
            return "".join(names)
        return self.say(f"lists.{how}", head=self.texts["lists.comma"].join(names[:-1]), last=names[-1])

    def link(self, edge_type: str) -> str:
        """The template of what is shared over an edge type: the longest pattern that fits."""
        return self.links[max((one for one in self.links if fnmatchcase(edge_type, one)), key=len)]

    @cached_property
    def _is_han(self) -> bool:
        return any("\u4e00" <= sign <= "\u9fff" for sign in self.texts["heads.rank"])


def _marked(value: str) -> str:
    """A value with marks where it begins and ends, except beside digits that belong to no Latin name."""
    is_name = any("A" <= sign <= "Z" or "a" <= sign <= "z" or "\u00c0" <= sign <= "\u024f" for sign in value)
    begin = "" if value[:1].isdigit() and not is_name else _BEGIN
    end = "" if not is_name and (value[-1:].isdigit() or value[-1:] in "%+.") else _END
    return f"{begin}{value}{end}"


def is_code(text: str) -> bool:
    """Whether a text has the form of a language's code."""
    return bool(_CODE.fullmatch(text))


def codes(folder: Path) -> tuple[str, ...]:
    """The languages that can be asked for: the shipped ones, then those of a home's own.

    Args:
        folder: of the home's own languages; it need not be there.
    """
    own = sorted(file.stem for file in folder.glob("*.toml") if is_code(file.stem))
    return (*LANGUAGES, *(code for code in own if code not in LANGUAGES))


def language_of(code: str, folder: Path | None = None) -> Language:
    """A language by its code, such as de.

    Args:
        folder: of a home's own languages; a file there stands over a shipped one of the same name.

    Raises:
        SettingsError: there is no such language, or its file is not usable.
    """
    own = None if folder is None else folder / f"{code}.toml"
    if not is_code(code) or not (code in LANGUAGES or (own is not None and own.is_file())):
        where = f"or write {own or f'languages/{code}.toml in the home'}"
        raise SettingsError(f"language {code!r} is not known; want one of {', '.join(LANGUAGES)}, {where}")
    if own is None or not own.is_file():
        return _shipped(code)
    state = own.stat()
    return _own(code, own, (state.st_mtime_ns, state.st_size, state.st_ino))


@lru_cache
def _shipped(code: str) -> Language:
    return _language(code, _read(_FOLDER / f"{code}.toml"))


@lru_cache(maxsize=32)
def _own(code: str, file: Path, state: tuple[int, ...]) -> Language:  # noqa: ARG001 - part of the key
    """A language of a home; `state` tells one version of the file from another."""
    found = _read(file)
    base = _read(_FOLDER / f"{code}.toml") if code in LANGUAGES else {}
    _check(file, found, {**base, **found})
    return _language(code, {**base, **found})


def _language(code: str, texts: Mapping[str, str]) -> Language:
    tables = {
        name: {key.partition(".")[2]: text for key, text in texts.items() if key.startswith(f"{name}.")}
        for name in OPEN
    }
    return Language(code, texts, **tables)


def _read(file: Path) -> dict[str, str]:
    """The texts of a file by table and key."""
    # Settings and help do without.
    import tomllib

    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}; correct or remove it") from None
    return dict(_flat(file, content, ""))


def _flat(file: Path, table: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        key = f"{before}{name}"
        if isinstance(value, dict):
            yield from _flat(file, value, f"{key}.")
        elif isinstance(value, str):
            yield key, value
        else:
            raise SettingsError(f"{file}: {key} is {value!r}, which is no text; put it in quotes")


def _check(file: Path, own: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Refuse a language that lacks a text, has one that nobody says, or names a placeholder that is not filled."""
    english = _read(_FOLDER / "en.toml")
    if unknown := [
        key for key in own if key.partition(".")[0] not in OPEN and key not in english and not _of_voice(key, english)
    ]:
        raise SettingsError(f"{file} has texts that nobody says: {', '.join(sorted(unknown))}; remove them")
    if lacking := missing(texts, english):
        raise SettingsError(
            f"{file} lacks {len(lacking)} texts: {', '.join(lacking)}; write them, as in the English file"
        )
    for key, text in own.items():
        if wrong := sorted(placeholders(file, key, text) - _allowed(key, english)):
            raise SettingsError(f"{file}: {key} names {{{wrong[0]}}}, which is not filled there; correct it")


def missing(texts: Mapping[str, str], english: Mapping[str, str]) -> list[str]:
    """The keys of the English texts that a language has neither as they are nor for every voice."""
    wanted = {_stem(key) for key in english if key.partition(".")[0] not in OPEN or key in _NEEDED}
    return sorted(key for key in wanted if key not in texts and any(f"{key}.{voice}" not in texts for voice in VOICES))


def placeholders(file: Path, key: str, text: str) -> set[str]:
    """The names of the placeholders of a text."""
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise SettingsError(f"{file}: {key} = {text!r}: {error}; write {{{{ for a brace") from None


def _allowed(key: str, english: Mapping[str, str]) -> set[str]:
    """The placeholders that are filled in the text of a key."""
    table = key.partition(".")[0]
    if table == "links":
        return {"mid", "label", "words"}
    if table in ("reasons", "against", "things"):
        return {
            "n",
            "who",
            "whose",
            "verb",
            "last",
            "names",
            "things",
            "label",
            "is",
            "block",
            "words",
            "mid",
            "date",
            "said",
        }
    if table == "verbs":
        return {"type"}
    stem = _stem(key)
    texts = [text for name, text in english.items() if name == stem or _stem(name) == stem]
    return {name for text in texts for name in placeholders(_FOLDER / "en.toml", key, text)}


def _stem(key: str) -> str:
    """A key without its voice."""
    head, _, voice = key.rpartition(".")
    return head if voice in VOICES else key


def _of_voice(key: str, english: Mapping[str, str]) -> bool:
    stem = _stem(key)
    return stem in english or f"{stem}.{VOICES[0]}" in english
