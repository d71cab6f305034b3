"""What the values of one column are: their kind, how they are read, how many differ."""

from collections.abc import Mapping as Keys
from dataclasses import dataclass

import duckdb

from graphrec.loading.propose.words import is_identifier, words
from graphrec.loading.sources.sql import name, value
from graphrec.schema import Kind

FEW_VALUES = 8
FEW_MISFITS = 50
"""One value in so many may be missing, or of another kind."""
NEARLY_UNIQUE = 0.95
"""The share of different values from which a key may have some that are there twice."""
DATE_FORMATS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%m-%Y", "%d-%b-%Y", "%Y年%m月%d日")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE")
_YES = ("true", "yes", "y", "ja", "j", "是")
_NO = ("false", "no", "n", "nein", "否")
_COMMA = r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"
_SURELY_COMMA = r".*(\.\d{3},\d+|,\d{1,2}|,\d{4,})"
_POINT = r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?"
_SURELY_POINT = r".*(,\d{3}\.\d+|,\d{3},\d{3})"


@dataclass(frozen=True)
class ColumnProfile:
    """One column: what its values are."""

    name: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    mean_length: float
    least: float
    convert: str
    """SQL of the typed value; a gap where the value is of another kind."""
    given: str
    """SQL of the value for a cast that rejects what is of another kind."""
    values: tuple[str, ...] = ()
    """The different values of a text column, where they are few."""
    is_ambiguous_date: bool = False
    """Whether its dates could begin with the day or with the month."""
    misfits: int = 0
    """Values that are not of its kind: a few are borne in dates and numbers."""

    @property
    def is_whole(self) -> bool:
        """Whether all but a few rows have a value."""
        return self.rows - self.filled <= self.rows // FEW_MISFITS

    @property
    def is_unique(self) -> bool:
        """Whether it could be a key."""
        return self.rows > 0 and self.filled == self.rows == self.distinct and self.kind in {"text", "integer"}

    @property
    def is_nearly_unique(self) -> bool:
        """Whether it is called like a key, and could be one but for a few rows."""
        return self.looks_like_id and self.kind in {"text", "integer"} and self.distinct > NEARLY_UNIQUE * self.rows

    @property
    def words(self) -> list[str]:
        """The words of its name, in lower case."""
        return words(self.name)

    @property
    def looks_like_id(self) -> bool:
        """Whether its name is that of an identifier."""
        return is_identifier(self.name)


def profile_column(
    database: duckdb.DuckDBPyConnection, source: str, column: str, declared: str, rows: int
) -> ColumnProfile:
    """What the values of a column of `source` are."""
    quoted = name(column)
    text = f"nullif(CAST({quoted} AS VARCHAR), '')"
    numbers = {"comma": decimal_comma(quoted), "point": f"replace({quoted}, ',', '')"}
    tests = {
        "filled": f"count({text})",
        "distinct": f"count(DISTINCT {text})",
        "mean": f"coalesce(avg(length({text})), 0)",
        "padded": f"count(*) FILTER (WHERE regexp_full_match({text}, '0\\d+'))",
        "integer": f"count(TRY_CAST({text} AS BIGINT)) FILTER (WHERE regexp_full_match({text}, '[-+]?\\d+'))",
        "real": f"count(TRY_CAST({text} AS DOUBLE))",
        "comma": _count_like(text, _COMMA),
        "surely_comma": _count_like(text, _SURELY_COMMA),
        "point": _count_like(text, _POINT),
        "surely_point": _count_like(text, _SURELY_POINT),
        "least": f"coalesce(min(TRY_CAST({text} AS DOUBLE)), 0)",
        "time": f"count(TRY_CAST({text} AS TIMESTAMPTZ))",
        "boolean": f"count(*) FILTER (WHERE lower({text}) IN ('true', 'false'))",
        "yes": f"count(*) FILTER (WHERE lower({text}) IN {_listed(_YES + _NO)})",
        **{
            f"format{number}": f"count(try_strptime({text}, {value(form)}))" for number, form in enumerate(DATE_FORMATS)
        },
    }
    answer = database.execute(f"SELECT {', '.join(tests.values())} FROM {source}").fetchall()[0]
    found = dict(zip(tests, answer, strict=True))
    kind, convert, given, fitting = _kind(column, found, numbers)
    if declared in _NUMBERS or declared == "DATE" or declared.startswith("TIMESTAMP"):
        convert = quoted
    if kind == "text" and (declared.startswith(("STRUCT", "MAP")) or declared.endswith("]")):
        convert = f"CAST({quoted} AS VARCHAR)"
    values: tuple[str, ...] = ()
    if kind == "text" and found["distinct"] <= FEW_VALUES:
        query = f"SELECT DISTINCT {text} AS v FROM {source} WHERE v IS NOT NULL ORDER BY v"
        values = tuple(row[0] for row in database.execute(query).fetchall())
    least = found["least"]
    if given in numbers.values():
        least = database.execute(f"SELECT min({convert}) FROM {source}").fetchall()[0][0]
    return ColumnProfile(
        column,
        kind,
        rows,
        found["filled"],
        found["distinct"],
        float(found["mean"]),
        float(least),
        convert,
        given,
        values,
        is_ambiguous_date=kind == "time" and found["format0"] == found["format1"] == fitting,
        misfits=found["filled"] - fitting,
    )


def decimal_comma(quoted: str) -> str:
    """SQL that writes 1.234,5 as 1234.5."""
    return f"replace(replace({quoted}, '.', ''), ',', '.')"


def _count_like(text: str, pattern: str) -> str:
    return f"count(*) FILTER (WHERE regexp_full_match({text}, {value(pattern)}))"


def _listed(texts: tuple[str, ...]) -> str:
    return f"({', '.join(value(text) for text in texts)})"


_Kind = tuple[Kind, str, str, int]
"""Kind, typed value, value as it is given, and how many values are of that kind."""


def _kind(column: str, found: Keys[str, int], numbers: Keys[str, str]) -> _Kind:
    """What nearly all values are; identifiers, and what is of no kind, are text."""
    quoted, filled = name(column), found["filled"]
    text: _Kind = "text", quoted, quoted, filled
    if filled == 0:
        return text
    if found["boolean"] == filled:
        return "boolean", f"TRY_CAST({quoted} AS BOOLEAN)", quoted, filled
    if found["yes"] == filled:
        return "boolean", f"lower({quoted}) IN {_listed(_YES)}", quoted, filled
    integer: _Kind = "integer", f"TRY_CAST({quoted} AS BIGINT)", quoted, found["integer"]
    whole = [integer] if found["integer"] == filled and not found["padded"] else []
    kinds = [*_times(column, found), *whole, *_numbers(quoted, found, numbers)]
    best = max(kinds, key=lambda kind: kind[3], default=text)
    enough = filled if is_identifier(column) else filled - filled // FEW_MISFITS
    return best if best[3] >= enough else text


def _times(column: str, found: Keys[str, int]) -> list[_Kind]:
    """Dates of every form, and seconds since 1970."""
    quoted = name(column)
    times: list[_Kind] = [("time", f"TRY_CAST({quoted} AS TIMESTAMPTZ)", quoted, found["time"])]
    for number, form in enumerate(DATE_FORMATS):
        read = f"try_strptime({quoted}, {value(form)})"
        times.append(("time", read, read, found[f"format{number}"]))
    if _are_seconds(column, found):
        read = f"to_timestamp(TRY_CAST({quoted} AS BIGINT))"
        times.append(("time", read, read, found["integer"]))
    return times


def _are_seconds(column: str, found: Keys[str, int]) -> bool:
    says_time = bool({"time", "timestamp", "ts", "date", "epoch"} & set(words(column)))
    return says_time and found["integer"] == found["filled"] and 100_000_000 < found["least"] < 10_000_000_000


def _numbers(quoted: str, found: Keys[str, int], numbers: Keys[str, str]) -> list[_Kind]:
    """Numbers with a point or a comma before the decimals; padded ones are none."""
    kinds: list[_Kind] = []
    if not found["padded"]:
        kinds.append(("real", f"TRY_CAST({quoted} AS DOUBLE)", quoted, found["real"]))
    sure = [form for form in ("comma", "point") if found[f"surely_{form}"]]
    return kinds + [("real", f"TRY_CAST({numbers[form]} AS DOUBLE)", numbers[form], found[form]) for form in sure]
