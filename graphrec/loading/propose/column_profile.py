"""What the values of one column are: their kind, how they are read, how many differ."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.persons.values import Shape, shape_of_text, shape_of_times
from graphrec.loading.propose.concepts import place
from graphrec.loading.propose.words import is_identifier, words
from graphrec.loading.run.parse import (
    BUDDHIST,
    DAYS_OF_1970,
    DAYS_OF_SHEETS,
    ERAS,
    HIJRI,
    ISO,
    MICROSECONDS,
    MILLISECONDS,
    MINGUO,
    NO,
    SECONDS,
    YES,
    bare_number,
    parsed_sql,
    text_sql,
)
from graphrec.loading.sources.sql import LETTERS, name, value
from graphrec.schema import Kind

if TYPE_CHECKING:
    import duckdb

FEW_VALUES = 8
MANY_STATES = 15
FEW_MISFITS = 50
"""One value in so many may be missing, or of another kind."""
NEARLY_UNIQUE = 0.95
"""The share of different values from which a key may have some that are there twice."""
DATES = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y.%m.%d", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y"),
    *(
        "%d%b%Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d %B %Y",
        "%d. %B %Y",
        "%Y.%m.%d.",
        "%Y. %m. %d.",
        "%d. %m. %Y",
        "%d.%m.%Y.",
        "%d.%m.%Y г.",
        "%d.%m.%Y р.",
    ),
    *("%y%m%d", "%Y年%m月%d日", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%y-%m-%d", "%d-%m-%y", "%m-%d-%y", "%d-%b-%y"),
    # As programs write moments: C and social networks, mails and the web, servers, SQL with an offset behind a space.
    *("%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT"),
    *("%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S.%f %z"),
    # As FIX and ISO 8601 without its signs have them.
    *("%Y%m%d-%H:%M:%S", "%Y%m%d-%H:%M:%S.%f", "%Y%m%dT%H%M%S"),
    ERAS,
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
DAYS, SHORT_DAYS = "%Y%m%d", "%y%m%d"
_NEVER = "('99991231', '99990101')"
"""How systems write that a contract has no end."""
GAPS = (
    *("NA", "n/a", "N/A", "n.a.", "N.A.", "#N/A", "-", "--", "---", "?", ".", "None", "none", "unknown", "unbekannt"),
    *("k.A.", "k. A.", "keine Angabe", "00.00.0000", "0000-00-00", "00000000", "无", "未知"),
)
"""What stands for a gap among dates and numbers; in a text it may be a word."""
_BLANK_DATES = (
    r"[-/_. ]{2,}|_+[./-]_+[./-]_+|0+[./-]0+[./-]0+( 00:00(:00)?)?|99[./-]99[./-]9999|9999[./-]99[./-]99|9{8}|0{6,8}"
)
"""Whole texts that stand for no date: the signs between its parts alone, zeros, nines."""
NUMBERS = (
    *((",", "."), (".", ","), (",", " "), (",", "\u00a0"), (",", "\u202f"), (".", "'"), (".", "’"), (".", " ")),
    *((".", "\u00a0"), (".", "\u202f")),
)
"""Signs before decimals and between thousands."""
_DIVIDED = r"[.,]\d|\d[ \x{A0}\x{202F}'’]\d"
"""Signs before decimals or between thousands."""
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE")
_NESTED = ("STRUCT", "MAP")
_ROWS = '"_rows of a value"'
"""Column of a table of values: in how many rows each is."""
_SURELY = {
    ",": r".*(\.\d{3},\d+|,\d{1,2}|,\d{4,}|\.\d{3}\.\d{3})",
    ".": r".*(,\d{3}\.\d+|,\d{2,3},\d{3}|\.\d{1,2}|\.\d{4,})",
}
_LIKE_DATES = (
    rf"((\d{{4}}|\d{{1,2}})([./-]|\. )\d{{1,2}}([./-]|\. )(\d{{4}}|\d{{1,2}})\.?|"
    rf"[{LETTERS}]{{3,9}}\.? \d{{1,2}}, \d{{4}}|"
    rf"[A-Z][a-z]{{2}},? .*\d:\d\d:\d\d.*|\d\d/[A-Z][a-z]{{2}}/\d{{4}}:.*|"
    rf"\d{{1,2}}[ .-]+[{LETTERS}]{{3,9}}\.?[ -]\d{{2,4}}|\d{{2}}[A-Za-z]{{3}}\d{{4}}|\d{{4}}年.*|"
    rf"\d{{3}}[./-]\d{{1,2}}[./-]\d{{1,2}}|(中華)?民[國国].*|"
    rf"(明治|大正|昭和|平成|令和)\S{{1,3}}年.*|[MTSHR]\d\d?[./-]\d\d?[./-]\d\d?|"
    rf"\d{{6}}[T ]\d.*|\d{{8}}[T-]\d.*)([T ].*)?"
)
_CURRENCIES = (
    "EUR|USD|GBP|CHF|JPY|CNY|RMB|HKD|SGD|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|ZAR|INR|BRL|MXN|AED|KRW|THB|"
    r"US\$|R\$|Fr\.|kr|zł|Kč|Ft|lei|TL|[€$£¥￥₹₩₽₺₪₴元円]"
)
_SPACES = r"[\s\x{A0}\x{202F}]"
_UNIT_BEFORE = rf"^\(?[-+]?\s*({_CURRENCIES}){_SPACES}*[-+]?\d"
_UNIT_BEHIND = (
    rf"^[^\d{LETTERS}]*\d(?:[\d.,'’]|{_SPACES})*?{_SPACES}*([%‰]|{_CURRENCIES}|{_SPACES}[{LETTERS}/%].{{0,11}})-?\)?$"
)
"""What stands before a number, and what behind it: a currency, a per cent sign, or a word after a space."""
_FACTORS = {
    "千": 1e3,
    "万": 1e4,
    "萬": 1e4,
    "百万": 1e6,
    "千万": 1e7,
    "亿": 1e8,
    "億": 1e8,
    "万亿": 1e12,
    "k": 1e3,
    "K": 1e3,
    "Tsd": 1e3,
    "M": 1e6,
    "mn": 1e6,
    "Mn": 1e6,
    "mio": 1e6,
    "Mio": 1e6,
    "million": 1e6,
    "bn": 1e9,
    "Bn": 1e9,
    "Mrd": 1e9,
    "mrd": 1e9,
    "billion": 1e9,
    "lakh": 1e5,
    "Lakh": 1e5,
    "lakhs": 1e5,
    "Lakhs": 1e5,
    "lac": 1e5,
    "Lac": 1e5,
    "lacs": 1e5,
    "Lacs": 1e5,
    "cr": 1e7,
    "Cr": 1e7,
    "CR": 1e7,
    "crore": 1e7,
    "Crore": 1e7,
    "crores": 1e7,
    "Crores": 1e7,
}
"""Words behind a number, each with what it is multiplied by."""
_FACTOR_BEHIND = (
    rf"^(.*\d){_SPACES}*({'|'.join(sorted(_FACTORS, key=lambda word: -len(word)))})(\.?)({_SPACES}*(?:{_CURRENCIES})?)$"
)
_POSTAL = frozenset({"plz", "zip", "postcode", "postal", "postleitzahl"})
_TIME = frozenset({"time", "timestamp", "ts", "date", "epoch", "at", "on", "since", "when"})
_WITHIN_TIMES = ("timestamp", "datum", "zeit", "时间", "日期", "時間", "วันที่", "ngày", "дата", "päivä", "pvm", "tanggal")
"""What names of times have, as words of their own and anywhere."""
_MAY_BE_NUMERIC = r"\d|(?i:infinity|epoch)"
"""What any date or number has: a digit, or the words of databases for moments without one."""
_LENGTH = r"2.5 * length({text}) - 1.5 * length(regexp_replace({text}, '\p{{Han}}', '', 'g'))"
"""How long a text is, in SQL."""
_OTHER_YEARS = {
    BUDDHIST: (r"(^|\D)2[45]\d\d(\D|$)|^2[45]\d{6}$", "of the Buddhist calendar, 543 more than ours"),
    MINGUO: (r"^1\d\d[./-]\d|民[國国]", "of the Republic of China, 1911 less than ours"),
    HIJRI: (r"(^|\D)1[345]\d\d(\D|$)|^1[345]\d{6}$", "of the Islamic calendar, whose days are those of its tables"),
}
"""How years of other calendars look, and what they are."""
_SOME_YEARS = 10
"""One day in so many has to have such a year."""
_FIELDS = {"%d": "day", "%m": "month", "%b": "month", "%B": "month", "%y": "year", "%Y": "year"}


@dataclass(frozen=True)
class ColumnProfile:
    """One column: what its values are."""

    name: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    mean_length: float
    """Characters; a Chinese sign, which is a word or half of one, counts as two and a half."""
    least: float = 0.0
    most: float = 0.0
    """The largest number; the last year of days of birth."""
    parse: ParseSpec | None = None
    """How its text is read; None where the reader of the file has done it, and for plain texts."""
    is_plain: bool = True
    """Whether the engine reads it without being told how, where it is a time or a weight."""
    is_nested: bool = False
    has_several: bool = False
    """Whether its texts hold several values, which stand in a table of their own."""
    values: tuple[str, ...] = ()
    """The different values of a text column, where they are few."""
    states: tuple[str, ...] = ()
    """The different values of a column of texts or whole numbers, where they could be states."""
    questions: tuple[str, ...] = ()
    """What its values leave open, each to be read after the column's name."""
    misfits: int = 0
    """Values that are not of its kind: a few are borne in dates and numbers."""
    in_graph: str = ""
    """Its name in the graph."""
    choice: "Choice | None" = None
    """Another way to read its text that fits as well: only a person knows which is right."""
    written: str = ""
    """SQL that writes a value as other files do, with {} for it; nothing: as it is."""
    shape: Shape = ""
    """What its values say of persons."""
    has_blanks: bool = False
    """Whether most of its texts are of several words."""

    @property
    def moment(self) -> str:
        """SQL of a time, however it is written."""
        return parsed_sql(name(self.name), self.parse or ParseSpec("time"))

    def key_of(self, rows: str, called: str = "") -> str:
        """SQL of a key in some rows, written as in the table of its things.

        Args:
            rows: their alias.
            called: what the column is called there, where that is another name.
        """
        return (self.written or "{}").format(f"CAST({rows}.{name(called or self.name)} AS VARCHAR)")

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


@dataclass(frozen=True)
class Choice:
    """Two ways to read a column."""

    asks: str
    """To be read after the column's name."""
    proposed: str
    otherwise: str
    parse: ParseSpec
    """Of the second."""


@dataclass(frozen=True)
class _Reading:
    """One way to read a column, and how many values it fits."""

    spec: ParseSpec
    count: int
    is_plain: bool = False
    questions: tuple[str, ...] = ()
    choice: "Choice | None" = None


def profile_column(
    database: "duckdb.DuckDBPyConnection",
    source: str,
    column: str,
    declared: str,
    rows: int,
    *,
    has_commas: bool = False,
) -> ColumnProfile:
    """What the values of a column of `source` are.

    Args:
        has_commas: commas are likely to stand before decimals, as where columns end in semicolons.
    """
    quoted, values = name(column), _values(database, source, column, declared)
    found = _kind_of(database, values, column, declared, rows, has_commas=has_commas)
    if found.is_nested or not found.filled:
        return found
    if found.kind == "time":
        moment = quoted if found.parse is None else parsed_sql(quoted, found.parse)
        most = 0.0
        if place(column, "born") is not None:
            most = float(database.execute(f"SELECT coalesce(max(year({moment})), 0) FROM {values}").fetchall()[0][0])
        return replace(found, shape=shape_of_times(database, values, moment), most=most)
    if found.kind in {"text", "integer"}:
        text = text_sql(quoted)
        asked = _Asked(database, values, text)
        states = asked.values("true") if 2 <= found.distinct <= MANY_STATES else ()
        has_blanks = found.kind == "text" and 2 * asked.count(n=f"trim({text}) LIKE '% %'")["n"] > found.filled
        shape = shape_of_text(database, source, text)
        return replace(found, shape=shape, states=states, has_blanks=has_blanks)
    return found


def _values(database: "duckdb.DuckDBPyConnection", source: str, column: str, declared: str) -> str:
    """A table of the different values of a column, each once with its number of rows; another column replaces it."""
    quoted, table = name(column), name("values of one column")
    # What holds values of its own is looked at row by row.
    if declared.startswith(_NESTED) or declared.endswith("]"):
        rows = f"SELECT {quoted}, 1 AS {_ROWS} FROM {source}"
    else:
        rows = f"SELECT {quoted}, count(*) AS {_ROWS} FROM {source} GROUP BY {quoted}"
    database.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {rows}")
    return table


def _kind_of(
    database: "duckdb.DuckDBPyConnection", source: str, column: str, declared: str, rows: int, *, has_commas: bool
) -> ColumnProfile:
    quoted = name(column)
    text = text_sql(quoted)
    asked = _Asked(database, source, text)
    found = asked.count(
        filled=f"{text} IS NOT NULL",
        gaps=f"{text} IN {_listed(GAPS)}",
        blanks=f"regexp_full_match({text}, {value(_BLANK_DATES)}) AND {text} NOT IN {_listed(GAPS)}",
        padded=f"regexp_full_match({text}, '0\\d+')",
        digits=f"regexp_full_match({text}, '[-+]?\\d+|\\d+-')",
        dates=f"regexp_full_match({text}, {value(_LIKE_DATES)})",
        yes=f"lower({text}) IN {_listed(YES + NO)}",
        numeric=f"regexp_matches({text}, {value(_MAY_BE_NUMERIC)})",
    )
    length = f"sum({_ROWS} * ({_LENGTH.format(text=text)})) / sum({_ROWS}) FILTER (WHERE {text} IS NOT NULL)"
    distinct, mean = database.execute(f"SELECT count(DISTINCT {text}), coalesce({length}, 0) FROM {source}").fetchall()[
        0
    ]
    profile = ColumnProfile(column, "text", rows, found["filled"], distinct, float(mean))
    if found["filled"] and (
        declared in _NUMERIC or declared in {"DATE", "BOOLEAN"} or declared.startswith("TIMESTAMP")
    ):
        kind: Kind = "integer" if declared in _NUMERIC[:4] else "real" if declared in _NUMERIC else "time"
        kind = "boolean" if declared == "BOOLEAN" else kind
        profile = replace(profile, kind=kind)
        reading = max(_numbers_of_times(asked, column, quoted), key=lambda one: one.count, default=None)
        if kind == "integer" and reading is not None and reading.count == found["filled"]:
            return replace(profile, kind="time", parse=reading.spec, is_plain=False)
        return _with_range(database, source, quoted, profile) if kind in {"integer", "real"} else profile
    if declared.startswith(_NESTED) or declared.endswith("]"):
        return replace(profile, is_nested=True)
    best = _best(asked, column, quoted, found, has_commas=has_commas) if found["filled"] else None
    if best is not None:
        best = _of_births(best, column) if best.spec.type == "time" else _in_units(best, column)
    if best is None:
        return _as_text(database, source, text, found, profile)
    of_gaps, missing = f"{text} IN {_listed(GAPS)}", found["gaps"]
    if best.spec.type == "time" and found["blanks"]:
        of_gaps = f"({of_gaps} OR regexp_full_match({text}, {value(_BLANK_DATES)}))"
        missing += found["blanks"]
    gaps = asked.values(of_gaps) if missing and best.spec.type in _WITH_GAPS else ()
    spec = replace(best.spec, null=gaps)
    questions = best.questions
    if gaps:
        questions += (f"is read with {', '.join(map(repr, gaps))} as gaps: is that right?",)
    real = found["filled"] - (missing if gaps else 0)
    found_so = replace(
        profile,
        kind=spec.type,
        filled=real,
        parse=spec,
        is_plain=best.is_plain and not gaps,
        questions=questions,
        choice=best.choice,
        misfits=real - best.count,
    )
    is_number = spec.type in {"integer", "real"}
    return _with_range(database, source, parsed_sql(quoted, spec), found_so) if is_number else found_so


_WITH_GAPS = ("time", "integer", "real")


def _of_births(reading: _Reading, column: str) -> _Reading:
    """Days of birth with years of two digits lie in the hundred years until now."""
    if place(column, "born") is None or not any("%y" in form for form in reading.spec.format):
        return reading
    now = datetime.now(UTC).year
    asks = f"has years of two digits, which are read as {now - 99} to {now}: is that right?"
    others = [one for one in reading.questions if not one.startswith("has years of two digits")]
    spec = replace(reading.spec, latest=now)
    return replace(reading, spec=spec, is_plain=False, questions=(*others, asks))


def _in_units(reading: _Reading, column: str) -> _Reading:
    """Numbers whose head says that they are thousands, or tens of thousands: 总资产（万元）, Umsatz (TEUR)."""
    found = _UNIT_OF_HEAD.search(column)
    if found is None or reading.spec.type not in {"integer", "real"} or reading.spec.factors:
        return reading
    word = next(one for one in found.groups() if one)
    factor = _FACTORS_OF_HEADS[word.lower()]
    asks = f"is called {found[0].strip()}, and its numbers are read times {factor:,.0f}: is that right?"
    spec = replace(reading.spec, type="real", factors={"": factor})
    return replace(reading, spec=spec, is_plain=False, questions=(*reading.questions, asks))


_FACTORS_OF_HEADS = {
    "千元": 1e3, "万元": 1e4, "万": 1e4, "百万元": 1e6, "亿元": 1e8, "亿": 1e8, "teur": 1e3, "tchf": 1e3, "tusd": 1e3,
    "keur": 1e3, "k€": 1e3, "t€": 1e3, "tsd": 1e3, "tausend": 1e3, "thousand": 1e3, "thousands": 1e3,
    "000s": 1e3, "000": 1e3, "millions": 1e6, "million": 1e6, "mio": 1e6, "mn": 1e6, "lakhs": 1e5, "lakh": 1e5,
    "crores": 1e7, "crore": 1e7, "migliaia": 1e3, "milioni": 1e6, "miles": 1e3, "millones": 1e6, "milliers": 1e3,
    "duizend": 1e3, "duizenden": 1e3, "miljoen": 1e6, "萬元": 1e4, "億元": 1e8,
}  # fmt: skip
"""What heads of columns say of all of their numbers."""
_UNIT_OF_HEAD = re.compile(
    r"(?<!\w)(?:in\s+)?(TEUR|TCHF|TUSD|KEUR|k€|T€)(?!\w)|[(（\[/]\s*(?:in\s+)?['’]?"
    r"(百万元|千元|万元|亿元|萬元|億元|万|亿|Tsd|Tausend|thousands?|000s?|millions?|Mio|mn|lakhs?|crores?|migliaia|"
    r"milioni|miles|millones|milliers|duizend(?:en)?|miljoen)(?![\w])[^)）\]]{0,8}[)）\]]?",
    re.IGNORECASE,
)


class _Asked:
    """Counts of the values of one column, from a table of them with their numbers of rows."""

    def __init__(self, database: "duckdb.DuckDBPyConnection", source: str, text: str) -> None:
        self._database, self._source, self.text = database, source, text

    def count(self, **conditions: str) -> dict[str, int]:
        """How many rows meet each condition."""
        counts = ", ".join(f"coalesce(sum({_ROWS}) FILTER (WHERE {condition}), 0)" for condition in conditions.values())
        answer = self._database.execute(f"SELECT {counts} FROM {self._source}").fetchall()[0]
        return dict(zip(conditions, map(int, answer), strict=True))

    def read(self, quoted: str, specs: list[ParseSpec]) -> list[int]:
        """How many values each way reads."""
        conditions = {f"c{number}": self.reads(quoted, spec) for number, spec in enumerate(specs)}
        return list(self.count(**conditions).values()) if specs else []

    def reads(self, quoted: str, spec: ParseSpec) -> str:
        """SQL that says whether a way reads a value."""
        return f"{parsed_sql(quoted, spec)} IS NOT NULL"

    def like(self, pattern: str) -> int:
        """How many values match a regular expression as a whole."""
        return self.count(n=self.matches(pattern))["n"]

    def affixes(self) -> dict[str, int]:
        """Currencies before numbers, and units behind them, with how often each is there."""
        query = f"SELECT {self.text} AS v, regexp_extract(v, {value(_UNIT_BEFORE)}, 1) AS b, sum({_ROWS}) AS n, "
        query += f"regexp_extract(v, {value(_UNIT_BEHIND)}, 1) AS a FROM {self._source} WHERE v IS NOT NULL GROUP BY v"
        counted = (
            f"SELECT coalesce(nullif(b, ''), nullif(trim(a), '')) AS u, sum(n) FROM ({query}) GROUP BY u ORDER BY u"
        )
        return {unit: int(count) for unit, count in self._database.execute(counted).fetchall() if unit}

    def factors(self) -> dict[str, float]:
        """The words that multiply numbers of the column."""
        parts = f"regexp_extract({self.text}, {value(_FACTOR_BEHIND)}, ['n', 'w', 'd'])"
        query = f"SELECT {parts} AS f FROM {self._source}"
        found = self._database.execute(
            f"SELECT DISTINCT f.w || f.d FROM ({query}) WHERE f.w <> '' ORDER BY 1"
        ).fetchall()
        return {word: _FACTORS[word.rstrip(".")] for (word,) in found}

    def without_factors(self, quoted: str) -> "_Asked":
        """The same column without words that multiply its numbers."""
        bare = f"regexp_replace({self.text}, {value(_FACTOR_BEHIND)}, '\\1\\4')"
        return _Asked(self._database, f"(SELECT {bare} AS {quoted}, {_ROWS} FROM {self._source})", self.text)

    def bare(self, quoted: str, unit: str) -> "_Asked":
        """The same column without a unit."""
        source = f"(SELECT {bare_number(self.text, unit)} AS {quoted}, {_ROWS} FROM {self._source})"
        return _Asked(self._database, source, self.text)

    def matches(self, pattern: str) -> str:
        """SQL that says whether a value matches a regular expression as a whole."""
        return f"regexp_full_match({self.text}, {value(pattern)})"

    def values(self, condition: str) -> tuple[str, ...]:
        """The different values that meet a condition."""
        query = f"SELECT DISTINCT {self.text} AS v FROM {self._source} WHERE {condition} AND v IS NOT NULL ORDER BY v"
        return tuple(row[0] for row in self._database.execute(query).fetchall())


def _with_range(
    database: "duckdb.DuckDBPyConnection", source: str, expression: str, profile: ColumnProfile
) -> ColumnProfile:
    least, most = database.execute(
        f"SELECT coalesce(min({expression}), 0), coalesce(max({expression}), 0) FROM {source}"
    ).fetchall()[0]
    return replace(profile, least=float(least), most=float(most))


def _listed(texts: tuple[str, ...]) -> str:
    return f"({', '.join(value(text) for text in texts)})"


def _as_text(
    database: "duckdb.DuckDBPyConnection", source: str, text: str, found: dict[str, int], profile: ColumnProfile
) -> ColumnProfile:
    """A column of texts; one that is nearly dates or numbers says so."""
    values: tuple[str, ...] = ()
    asked = _Asked(database, source, text)
    if profile.distinct <= FEW_VALUES:
        values = asked.values("true")
    questions: tuple[str, ...] = ()
    if found["filled"] and 2 * found["dates"] >= found["filled"]:
        questions = ("looks like a time and is not read as one; say how in its parse",)
    elif found["filled"] and not is_identifier(profile.name):
        thousands = asked.like(r"[-+]?\d{1,3},\d{3}")
        if thousands == found["filled"]:
            questions = ("is read as text: are its commas thousands or decimals? Say so in its parse",)
    return replace(profile, values=values, questions=questions)


def _best(asked: _Asked, column: str, quoted: str, found: dict[str, int], *, has_commas: bool) -> _Reading | None:
    """The way that reads nearly all values; None: they are texts, as identifiers are that are no whole numbers."""
    filled = found["filled"]
    # One letter of true and false alone may be anything, such as women; both are how databases write them.
    says_yes = found["yes"] == filled and {one.lower() for one in asked.values("true")} not in ({"t"}, {"f"})
    if not says_yes and any(place(column, one) is not None for one in ("consent", "objection")):
        says_yes = asked.like("[01]") == filled
    if says_yes:
        return _Reading(ParseSpec("boolean"), filled)
    if is_identifier(column) or _POSTAL.intersection(words(column)):
        whole = [_Reading(ParseSpec("integer"), asked.read(quoted, [ParseSpec("integer")])[0])]
        if _POSTAL.intersection(words(column)):
            return None  # 01067 is a place, and 1067 none
        return whole[0] if not found["padded"] and whole[0].count == filled else None
    real, readings = filled - found["gaps"], list[_Reading]()
    if real > found["blanks"]:
        # What is blank between signs is no number either; where the others are dates it is a gap.
        dated = real - found["blanks"]
        enough = dated - dated // FEW_MISFITS
        readings = _times(asked, column, quoted, found, enough) if found["numeric"] >= enough else []
        if found["blanks"] and readings and readings[0].count >= enough:
            return readings[0]
    enough = real - real // FEW_MISFITS
    if real <= 0 or found["numeric"] < enough:
        return None  # most have no digit, as names and words
    if not readings or readings[0].count < enough:
        readings += _numbers(asked, quoted, found, has_commas=has_commas)
        if all(reading.count < enough for reading in readings):
            readings += _with_unit(asked, quoted, enough, has_commas=has_commas)
    best = max(readings, key=lambda reading: reading.count, default=None)
    return best if best is not None and best.count >= enough else None


def _times(asked: _Asked, column: str, quoted: str, found: dict[str, int], enough: int) -> list[_Reading]:
    """Dates of every form, with and without a clock, and seconds since 1970; the best first."""
    if (elsewhere := _other_calendar(asked, column, quoted, found, enough)) is not None:
        return [elsewhere]
    if found["digits"] >= enough:
        return _numbers_of_times(asked, column, quoted)
    plain = ParseSpec("time", (ISO,))
    readings = [_Reading(ParseSpec("time"), asked.read(quoted, [plain])[0], is_plain=True)]
    if readings[0].count >= enough or found["dates"] < enough / 2:
        return readings
    specs = [ParseSpec("time", tuple(date + clock for clock in _clocks(date))) for date in DATES]
    counted = dict(zip(DATES, asked.read(quoted, specs), strict=True))
    for date in sorted((date for date in DATES if counted[date]), key=lambda date: -counted[date]):
        rivals = [other for other in DATES if counted[other] == counted[date] and _order(other) != _order(date)]
        choice = None
        if rivals:
            first, other = _order(date)[0], _order(rivals[0])[0]
            choice = Choice(
                "has dates that could begin otherwise", f"{first} first", f"{other} first",
                _only_used(asked, quoted, [rivals[0]]),
            )  # fmt: skip
        about = _about_date(date, rivals)
        readings.append(_Reading(_only_used(asked, quoted, [date]), counted[date], questions=about, choice=choice))
    readings.sort(key=lambda reading: -reading.count)
    if readings[0].count < enough:
        readings.insert(0, _mixed(asked, quoted, counted))
    return readings


def _other_calendar(asked: _Asked, column: str, quoted: str, found: dict[str, int], enough: int) -> _Reading | None:
    """Days whose years are too many or too few for ours; None where they are none."""
    if found["dates"] < enough / 2 and found["digits"] < enough:
        return None
    looks = {one: pattern for one, (pattern, _) in _OTHER_YEARS.items()}
    if _says_time(column):
        looks[MINGUO] += r"|^[01]\d{6}$"
    conditions = {one: f"regexp_matches({asked.text}, {value(pattern)})" for one, pattern in looks.items()}
    for one, seen in asked.count(**conditions).items():
        if not seen or seen * (_SOME_YEARS if one == MINGUO else 2) < enough:
            continue
        # Years of ours stand among them where a system writes that there is no end.
        for forms in ((one,), (one, "%d/%m/%Y", "%Y/%m/%d", ISO)):
            spec = ParseSpec("time", forms)
            if (count := asked.read(quoted, [spec])[0]) >= enough:
                return _Reading(spec, count, questions=(f"has years {_OTHER_YEARS[one][1]}: is that right?",))
    return None


def of_one_calendar(
    database: "duckdb.DuckDBPyConnection", source: str, columns: Mapping[str, ColumnProfile]
) -> dict[str, ColumnProfile]:
    """Columns with days of birth whose years of the Republic of China have two digits, as other days beside them tell.

    Args:
        source: SQL of the rows.
    """
    found = dict(columns)
    if not any(one.parse is not None and one.parse.format == (MINGUO,) for one in columns.values()):
        return found
    spec = ParseSpec("time", (MINGUO,))
    for column, one in columns.items():
        if place(column, "born") is None or (one.parse is not None and one.parse.format == (MINGUO,)):
            continue
        moment, text = parsed_sql(name(column), spec), text_sql(name(column))
        query = (
            f"SELECT count(*), max(year({moment})) FROM {source} WHERE regexp_matches({text}, '^\\d{{2,3}}[./-]\\d')"
        )
        count, latest = database.execute(f"{query} AND {moment} IS NOT NULL").fetchall()[0]
        if count and one.filled - count <= one.filled // FEW_MISFITS and latest <= datetime.now(UTC).year:
            asks = f"has years {_OTHER_YEARS[MINGUO][1]}: is that right?"
            found[column] = replace(
                one, kind="time", parse=spec, is_plain=False, questions=(asks,), choice=None, most=float(latest),
                shape="days of birth", misfits=one.filled - int(count),
            )  # fmt: skip
    return found


_DAYS_COUNTED = (
    ((DAYS_OF_1970, 3_653, 25_567), (DAYS_OF_SHEETS, 29_221, 55_153)),
    ((DAYS_OF_1970, -25_567, 21_914), (DAYS_OF_SHEETS, 29_221, 47_483)),
)
"""Days since 1970, and as spreadsheets count them: what dates of dealings lie between, 1980 and 2050, and births."""


def _numbers_of_times(asked: _Asked, column: str, quoted: str) -> list[_Reading]:
    """Whole numbers that are days such as 20240131, or days, seconds, milli- or microseconds since 1970."""
    says_time, text = _says_time(column), text_sql(quoted)
    counted = _DAYS_COUNTED[place(column, "born") is not None] if says_time else ()
    forms = [DAYS, *((SECONDS, MILLISECONDS, MICROSECONDS, SHORT_DAYS) if says_time else ())]
    found = asked.count(
        c0=f"length({text}) = 8 AND (year(try_strptime({text}, '{DAYS}')) BETWEEN 1900 AND 2100 OR {text} IN {_NEVER})",
        c1=f"TRY_CAST({text} AS BIGINT) BETWEEN 100000000 AND 10000000000",
        c2=f"TRY_CAST({text} AS BIGINT) BETWEEN 100000000000 AND 10000000000000",
        c3=f"TRY_CAST({text} AS BIGINT) BETWEEN 100000000000000 AND 10000000000000000",
        c4=f"length({text}) = 6 AND try_strptime({text}, '{SHORT_DAYS}') IS NOT NULL",
        **{f"d{form}": f"TRY_CAST({text} AS BIGINT) BETWEEN {least} AND {most}" for form, least, most in counted},
    )
    days = [_Reading(ParseSpec("time", (form,)), found[f"d{form}"]) for form, _, _ in counted]
    return days + [
        _Reading(
            ParseSpec("time", (form,)),
            found[f"c{number}"],
            questions=_about_date(form, []) if form == SHORT_DAYS else (),
        )
        for number, form in enumerate(forms)
    ]


def _says_time(column: str) -> bool:
    """Whether a column is called like a time."""
    return bool(_TIME.intersection(words(column)) or any(part in column.lower() for part in _WITHIN_TIMES))


def _clocks(date: str) -> tuple[str, ...]:
    """What may stand behind a day."""
    return CLOCKS[:1] if date == ERAS or "%H" in date else CLOCKS


def _order(date: str) -> list[str]:
    return [_FIELDS[date[place : place + 2]] for place in range(len(date) - 1) if date[place : place + 2] in _FIELDS]


def _about_date(date: str, rivals: list[str]) -> tuple[str, ...]:
    questions: tuple[str, ...] = ()
    first = (_order(date) or [""])[0]
    others = sorted({_order(other)[0] for other in rivals} - {first})
    if others:
        questions += (f"begins with the {first}, as it is read now, or with the {' or '.join(others)}?",)
    if "%y" in date:
        questions += ("has years of two digits, which are read as 1969 to 2068: is that right?",)
    return questions


def _only_used(asked: _Asked, quoted: str, dates: list[str]) -> ParseSpec:
    """The forms of these dates that occur; iso among them stays."""
    forms = [form for date in dates for form in ([ISO] if date == ISO else [date + clock for clock in _clocks(date)])]
    counts = asked.read(quoted, [ParseSpec("time", (form,)) for form in forms])
    return ParseSpec("time", tuple(form for form, count in zip(forms, counts, strict=True) if count))


def _mixed(asked: _Asked, quoted: str, counted: dict[str, int]) -> _Reading:
    """Several forms in one column, each read by the first that fits it."""
    taken = [ISO]
    for date in sorted((date for date in DATES if counted[date]), key=lambda date: -counted[date]):
        sign = next((sign for sign in "./- 年" if sign in date), "")
        if not any(sign in other and _order(other) != _order(date) for other in taken if other != ISO):
            taken.append(date)
    spec = _only_used(asked, quoted, taken)
    about = tuple(question for date in taken[1:] for question in _about_date(date, []))
    several = (f"has dates of {len(spec.format)} forms, {', '.join(spec.format)}: is each read rightly?", *about)
    return _Reading(spec, asked.read(quoted, [spec])[0], questions=several if len(spec.format) > 1 else about)


def _numbers(asked: _Asked, quoted: str, found: dict[str, int], *, has_commas: bool) -> list[_Reading]:
    """Whole numbers, and numbers with a point or a comma before the decimals; padded ones are none."""
    readings = []
    integer, real = ParseSpec("integer"), ParseSpec("real")
    signed, whole, plain, divided = asked.count(
        signed=asked.matches(r".*\d-"),
        whole=asked.reads(quoted, integer),
        plain=asked.reads(quoted, real),
        divided=f"regexp_matches({asked.text}, {value(_DIVIDED)})",
    ).values()
    is_plain = not signed
    if not found["padded"]:
        if whole == found["digits"] == plain:
            readings.append(_Reading(integer, whole, is_plain=is_plain))
            if whole == found["filled"] - found["gaps"]:
                return readings  # no sign between digits anywhere
        elif found["digits"] == plain:
            return []  # longer than numbers are: names of something
        readings.append(_Reading(real, plain, is_plain=is_plain))
    if not divided:
        return readings
    specs = [ParseSpec("real", (), decimal, thousands) for decimal, thousands in NUMBERS]
    counted = asked.count(
        **{sign: asked.matches(pattern) for sign, pattern in _SURELY.items()},
        short=asked.matches(r"[-+]?\d{1,3}-?"),
        **{f"grouped {sign}": asked.matches(rf"[-+]?[1-9]\d{{0,2}}[{sign}]\d{{3}}-?") for sign in _SURELY},
        **{f"c{number}": asked.reads(quoted, spec) for number, spec in enumerate(specs)},
    )
    for number, spec in enumerate(specs):
        count = counted[f"c{number}"]
        if count and (counted[spec.decimal] or (spec.thousands not in ".," and _is_grouped(asked, spec))):
            readings.append(_Reading(spec, count))
    return _settle(readings, counted, has_commas=has_commas)


def _is_grouped(asked: _Asked, spec: ParseSpec) -> bool:
    """Whether a value has the sign between thousands where it belongs."""
    sign = spec.thousands
    pattern = rf"[-+]?[1-9]\d{{0,2}}([{sign}]\d{{2,3}})*[{sign}]\d{{3}}([{spec.decimal}]\d+)?-?"
    return asked.like(pattern) > 0


def _with_unit(asked: _Asked, quoted: str, enough: int, *, has_commas: bool) -> list[_Reading]:
    """Numbers with one currency or unit before or behind each, or in brackets, or with words such as lakh and 亿."""
    factors = asked.factors()
    if factors:
        asked = asked.without_factors(quoted)
    units = asked.affixes()
    unit = max(units, key=lambda one: units[one], default="")
    if units and units[unit] < (enough + 1) // 2:
        return []
    if factors and not units and all(len(word) == 1 and word.isascii() for word in factors):
        return []  # 12M may be twelve months
    bare = asked.bare(quoted, unit)
    found = bare.count(
        filled=f"{bare.text} IS NOT NULL", gaps="false", padded=bare.matches(r"0\d+"),
        digits=bare.matches(r"[-+]?\d+|\d+-"),
    )  # fmt: skip
    readings = _numbers(bare, quoted, found, has_commas=has_commas)
    kind: Kind = "real" if factors else "integer"
    return [
        replace(
            one,
            spec=replace(one.spec, unit=unit, factors=factors, type=kind if one.spec.type == "integer" else "real"),
            is_plain=False,
        )
        for one in readings
    ]


def _settle(readings: list[_Reading], counted: dict[str, int], *, has_commas: bool) -> list[_Reading]:
    """With what is to be said where 1.800 could be a thousand and more, or less than two."""
    short = counted["short"]
    for sign, decimal in ((".", ","), (",", ".")):
        grouped = counted[f"grouped {sign}"]
        if not grouped or counted[sign] or counted[decimal]:
            continue
        total = short + grouped
        word = "points" if sign == "." else "commas"
        as_thousands = ParseSpec("real", (), decimal, sign)
        as_decimals = ParseSpec("real", (), sign, "")
        ways = (f"thousands: 1{sign}800 is 1800", f"decimals: 1{sign}800 is 1.8")
        asked_of = f"has {word} that could be thousands or decimals"
        if (has_commas and sign == ".") or (short and not has_commas):
            asks = (f"has {word} that are read as thousands: are they decimals?",)
            kept = [one for one in readings if one.spec.decimal != sign or one.spec.type == "integer"]
            choice = Choice(asked_of, *ways, as_decimals)
            return [*kept, _Reading(as_thousands, total, questions=asks, choice=choice)]
        if sign == "." or has_commas:
            asks = (f"has {word} that are read as decimals: are they thousands?",)
            kept = [one for one in readings if one.spec.decimal != sign or one.spec.type == "integer"]
            choice = Choice(asked_of, ways[1], ways[0], as_thousands)
            return [*kept, _Reading(as_decimals, total, is_plain=sign == ".", questions=asks, choice=choice)]
    return readings
