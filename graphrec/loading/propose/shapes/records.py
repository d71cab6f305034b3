"""Texts with several kinds of records in one file: customers, products and contracts, told apart by how lines begin.

What the columns are called, and in texts of a fixed width where they are, stands in a table of its own that such dumps
come with: kind, field, from and to.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.loading.propose.concepts import normal
from graphrec.loading.propose.shapes import copybook
from graphrec.loading.propose.shapes.headless import forced_names
from graphrec.loading.sources.csv_form import first_records, guess_frame
from graphrec.loading.sources.encodings import guess_encoding, text_of

_MOST_LINES = 200_000
_MOST_KINDS = 15
_LEAST_LINES = 3
"""Fewer lines are a head, or the count at the end."""
_LONGEST = 6
_ALIKE = 0.98
_SAMPLE = 300
_APART = 0.15
"""The share of places with other signs from which on records are of two kinds."""
_WORDS = {
    "kind": "satzart recordtype rectype record recordkind sa kind type typ segment 记录类型",
    "field": "feld feldname field fieldname name column spalte attribut attribute 字段 字段名",
    "first": "von from start begin beginn ab pos position offset stelle 起始",
    "last": "bis to end ende 结束",
    "length": "laenge length len size width breite stellen 长度",
}
_HEADS: Mapping[str, frozenset[str]] = {what: frozenset(text.split()) for what, text in _WORDS.items()}
"""How the columns of a table of fields are called."""


_KIND = "_kind"
"""The column that says the kind, which is the same in all rows."""


@dataclass(frozen=True)
class Kinds:
    """How the lines of one file begin that are records of several kinds."""

    delimiter: str
    """Between columns; nothing: they have a fixed width."""
    counts: Mapping[str, int]
    """Lines by kind."""
    left: tuple[str, ...]
    """How other lines begin: heads, and counts at the end."""

    def begins(self, kind: str) -> str:
        """What a line of a kind begins with."""
        return kind + self.delimiter


@dataclass(frozen=True)
class Layout:
    """What a table says of the columns of each kind: their names, and from which sign to which each is."""

    path: str
    columns: Mapping[str, Mapping[str, list[int]]]

    def of_file(self, path: str) -> dict[str, list[int]]:
        """The columns of a text, which the file of the layout is called after: CUSTMAST_layout.csv; else nothing."""
        own, other = (normal(Path(one).stem) for one in (path, self.path))
        is_other = own != other or Path(self.path).suffix.lower() in copybook.SUFFIXES
        return dict(self.columns.get("", {})) if own and is_other and own in other else {}

    def of(self, kinds: Kinds) -> bool:
        """Whether it tells the columns of these kinds."""
        return set(kinds.counts) <= self.columns.keys()


def kinds_of(path: Path, shown: str, encoding: str) -> Kinds | None:
    """The kinds of records in a text; None where all its lines are of one, or are none."""
    is_between_delimiters = bool(guess_frame(path, shown, encoding)[0])
    with text_of(path, shown, encoding) as text:
        lines = [line.rstrip("\r\n\x1a\f") for line in islice(text, _MOST_LINES)]
    lines = [line for line in lines if line.strip()]
    for delimiter in ("|", ";", "\t", ","):
        firsts = Counter(line.partition(delimiter)[0] for line in lines if delimiter in line)
        if len(firsts) <= 2 * _MOST_KINDS and (kinds := _by_width(lines, delimiter, firsts)) is not None:
            return kinds
    return None if is_between_delimiters else _fixed(lines)


def _by_width(lines: Sequence[str], delimiter: str, firsts: Counter[str]) -> Kinds | None:
    """Kinds between delimiters: as many columns in each line of a kind, and not as many in all kinds."""
    found = {kind: count for kind, count in firsts.items() if count >= _LEAST_LINES and 0 < len(kind) <= _LONGEST}
    if not 2 <= len(found) <= _MOST_KINDS:
        return None
    widths: dict[str, Counter[int]] = {}
    for record in csv.reader(iter(lines), delimiter=delimiter):
        widths.setdefault(record[0] if record else "", Counter())[len(record)] += 1
    alike = all(max(widths[kind].values()) >= _ALIKE * widths[kind].total() for kind in found if kind in widths)
    usual = {widths[kind].most_common(1)[0][0] for kind in found if kind in widths}
    rest = len(lines) - sum(found.values())
    if not alike or len(usual) < 2 or min(usual) < 2 or rest > max(2, len(lines) // 50):
        return None
    left = sorted({line.partition(delimiter)[0] for line in lines} - found.keys())
    return Kinds(delimiter, dict(sorted(found.items())), tuple(left))


def _fixed(lines: Sequence[str]) -> Kinds | None:
    """Kinds in columns of a fixed width: few beginnings, behind each of which other signs stand at other places."""
    for length in (1, 2, 3, 4):
        firsts = Counter(line[:length] for line in lines)
        found = {kind: count for kind, count in firsts.items() if count >= _LEAST_LINES and kind.isalnum()}
        rest = len(lines) - sum(found.values())
        if not 2 <= len(found) <= _MOST_KINDS or rest > max(3, len(lines) // 50):
            continue
        looks = {kind: _look([line for line in lines if line.startswith(kind)][:_SAMPLE], length) for kind in found}
        first, *others = looks.values()
        if any(_differ(first, other) for other in others):
            return Kinds("", dict(sorted(found.items())), tuple(sorted(firsts.keys() - found.keys())))
    return None


def _look(lines: Sequence[str], start: int) -> str:
    """At each place behind the beginning: 9 for digits, a for letters, a blank, or ? where lines differ."""
    found = []
    for place in range(start, max(map(len, lines))):
        signs = Counter(_sort(line[place]) if place < len(line) else " " for line in lines)
        sort, count = signs.most_common(1)[0]
        found.append(sort if count >= _ALIKE * len(lines) else "?")
    return "".join(found)


def _sort(sign: str) -> str:
    return "9" if sign.isdigit() else "a" if sign.isalpha() else " " if sign == " " else "."


def _differ(one: str, other: str) -> bool:
    """Whether records look so different that they are of two kinds."""
    width = max(len(one), len(other))
    pairs = zip(one.ljust(width), other.ljust(width), strict=True)
    return sum(a != b and "?" not in (a, b) for a, b in pairs) > _APART * width


def layout_in(path: Path, shown: str) -> Layout | None:
    """What a table, or a copybook, says of the columns of others; None where it is none."""
    try:
        encoding = guess_encoding(path, shown)
        if path.suffix.lower() in copybook.SUFFIXES:
            with text_of(path, shown, encoding) as text:
                of_file = copybook.columns_in(text.read())
            return Layout(shown, {"": of_file}) if of_file else None
        if not guess_frame(path, shown, encoding)[0]:
            return None
        head, *rows = first_records(path, shown, {"encoding": encoding} if encoding != "utf-8" else {})
    except (SourceError, ValueError):
        return None
    places = {
        what: place
        for what, named in _HEADS.items()
        for place, cell in reversed(list(enumerate(head)))
        if normal(cell) in named or {normal(one) for one in re.split(r"\W+", cell)} & named
    }
    of_one = (
        not {"kind"} <= places.keys() and {"first", "field"} <= places.keys() and {"last", "length"} & places.keys()
    )
    is_told = {"kind", "field"} <= places.keys() and places["kind"] != places["field"]
    if not (is_told or of_one) or len(rows) < _LEAST_LINES - bool(of_one):
        return None
    columns: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        if len(row) < len(head):
            return None
        told = columns.setdefault("" if of_one else row[places["kind"]].strip(), {})
        numbers = {what: row[places[what]].strip() for what in ("first", "last", "length") if what in places}
        if not all(one.isdigit() for one in numbers.values()):
            return None
        told[_free(row[places["field"]].strip(), told)] = _span({what: int(one) for what, one in numbers.items()})
    return Layout(shown, columns)


def _span(numbers: Mapping[str, int]) -> list[int]:
    """First and last sign of a column; nothing where the table does not say."""
    first = numbers.get("first")
    if first is None or not numbers.keys() & {"last", "length"}:
        return []
    return [first, numbers["last"] if "last" in numbers else first + numbers["length"] - 1]


def _free(name: str, taken: Mapping[str, object]) -> str:
    name = name or "column"
    while name.casefold() in {one.casefold() for one in taken}:
        name += "_2"
    return name


def options_of(kinds: Kinds, kind: str, layout: Layout | None, path: Path, shown: str) -> dict[str, object] | None:
    """The options that read one kind; None where nothing says where its columns are."""
    told = dict(layout.columns[kind]) if layout is not None else {}
    if not kinds.delimiter:
        if not told or not all(told.values()):
            return None
        return {"columns": told, "begins": kind}
    given = {"header": False, "delim": kinds.delimiter, "begins": kinds.begins(kind)}
    records = first_records(path, shown, given)
    width = max(map(len, records))
    names = list(told)
    if len(names) == width - 1:
        names = [_KIND, *names]
    if len(names) != width:
        names = [_KIND, *forced_names([record[1:] for record in records if len(record) == width])]
    return {**given, "names": names}
