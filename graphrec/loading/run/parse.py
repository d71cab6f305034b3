"""SQL that reads the text of a column as what it is, by a mapping's `parse`; what does not fit it is NULL."""

import re
from collections.abc import Iterable

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.sources.sql import value

YES = ("true", "yes", "y", "ja", "j", "oui", "si", "sí", "sì", "sim", "是", "t")
NO = ("false", "no", "n", "nein", "nee", "non", "não", "否", "f")
ISO = "iso"
SECONDS = "seconds"
MILLISECONDS = "milliseconds"
MICROSECONDS = "microseconds"
DAYS_OF_1970 = "days"
DAYS_OF_SHEETS = "sheet_days"
ERAS = "era"
BUDDHIST = "buddhist"
MINGUO = "minguo"
HIJRI = "hijri"
_SPACE = r"[\s\x{A0}\x{202F}]*"
_BRACKETS = r"^\(([^()+-]+)\)$"
_DAY = 86_400_000_000
_EPOCHS = {SECONDS: 1_000_000, MILLISECONDS: 1000, MICROSECONDS: 1, DAYS_OF_1970: _DAY, DAYS_OF_SHEETS: _DAY}
"""Microseconds of one unit."""
_ERAS = {"M": ("明治", 1867), "T": ("大正", 1911), "S": ("昭和", 1925), "H": ("平成", 1988), "R": ("令和", 2018)}
"""Eras of Japan by their letters: the signs, and the year before their first."""
_OF_ERA = r"^(明治|大正|昭和|平成|令和|[MTSHRmtshr])\s*(元|[0-9]+)\s*[年./-]\s*([0-9]+)\s*[月./-]\s*([0-9]+)\s*日?$"
_CALENDARS = {BUDDHIST: (2_301, 2_700, -543), MINGUO: (1, 199, 1_911), HIJRI: (1_250, 1_550, 0)}
"""Other calendars: their first and last year here, and what makes one of theirs a year of ours, where years are as
long."""
_YEAR_FIRST = (
    r"^(?:民國|民国|中華民國|中华民国)?\s*([0-9]{2,4})\s*[年./-]\s*([0-9]{1,2})\s*[月./-]\s*([0-9]{1,2})\s*日?"
    r"(?:[T ](.*))?$"
)
_DAY_FIRST = r"^([0-9]{1,2})[./ -]([0-9]{1,2})[./ -]([0-9]{4})(?:[T ](.*))?$"
_DIGITS = r"^([0-9]{3,4})([0-9]{2})([0-9]{2})$"
_SHEETS_BEGIN = 25_569
"""What spreadsheets call the first day of 1970."""
FIRST_TIME = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
LAST_TIME = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
FIRST_YEAR = 1000
"""A year of fewer digits, where four are wanted, is no year."""


def text_sql(quoted: str, nulls: Iterable[str] = ()) -> str:
    """A column as text; an empty one, and what stands for a gap, is NULL."""
    text = f"nullif(CAST({quoted} AS VARCHAR), '')"
    for gap in nulls:
        text = f"nullif({text}, {value(gap)})"
    return text


def parsed_sql(quoted: str, spec: ParseSpec) -> str:
    """The typed value of a text column."""
    text = text_sql(quoted, spec.null)
    if spec.type == "time":
        return _time(text, spec.format, spec.latest)
    if spec.type in {"integer", "real"}:
        text = bare_number(text, spec.unit)
    if spec.type == "integer":
        plain = _without(text, spec.thousands)
        whole = f"TRY_CAST({_sign_first(plain)} AS BIGINT)"
        return f"CASE WHEN regexp_full_match({text}, {value(_whole(spec))}) THEN {whole} END"
    if spec.type == "real":
        return _with_factors(text, spec)
    if spec.type == "boolean":
        yes, no = _listed((*YES, "1")), _listed((*NO, "0"))
        return f"CASE WHEN lower({text}) IN {yes} THEN true WHEN lower({text}) IN {no} THEN false END"
    return text


def number_pattern(decimal: str, thousands: str) -> str:
    """A regular expression of numbers that are written so; India has two digits in all groups but the last."""
    point, comma = (f"[{each}]" if each else "" for each in (decimal, thousands))
    groups = rf"\d{{1,3}}({comma}\d{{2,3}})*{comma}\d{{3}}|" if thousands else ""
    return rf"[-+]?({groups}\d+)({point}\d+)?|({groups}\d+)({point}\d+)?-"


def _time(text: str, formats: tuple[str, ...], latest: int | None) -> str:
    if not formats:
        return f"TRY_CAST({text} AS TIMESTAMPTZ)"
    parts = [_read_time(text, form, latest) for form in formats]
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _read_time(text: str, form: str, latest: int | None) -> str:
    if form in _EPOCHS:
        digits = 18 - len(str(_EPOCHS[form])) + 1
        # No braces in it: statements are filled in by format.
        fits = f"regexp_full_match({text}, '-?\\d+') AND length(ltrim({text}, '-')) <= {digits}"
        whole = f"CASE WHEN {fits} THEN TRY_CAST({text} AS BIGINT) END"
        since = f"({whole} - {_SHEETS_BEGIN})" if form == DAYS_OF_SHEETS else whole
        return f"make_timestamptz({since} * {_EPOCHS[form]})"
    if form == ERAS:
        return _of_era(text)
    if form in _CALENDARS:
        return _of_calendar(text, form)
    read = f"TRY_CAST({text} AS TIMESTAMPTZ)" if form == ISO else f"try_strptime({text}, {value(form)})"
    if "%y" in form and latest is not None:
        years = f"CASE WHEN year({read}) > {latest} THEN 100 WHEN year({read}) <= {latest - 100} THEN -100 ELSE 0 END"
        return f"CAST({read} - to_years(CAST({years} AS INTEGER)) AS TIMESTAMPTZ)"
    if "%y" in form:
        return f"CAST({read} AS TIMESTAMPTZ)"
    return f"CASE WHEN year({read}) >= {FIRST_YEAR} THEN CAST({read} AS TIMESTAMPTZ) END"


def _of_era(text: str) -> str:
    """A day of an era of Japan: 令和5年3月1日 or R05.03.01."""
    era, year, month, day = (f"regexp_extract({text}, {value(_OF_ERA)}, {n})" for n in range(1, 5))
    first = " ".join(
        f"WHEN upper({era}) IN ({value(letter)}, {value(signs)}) THEN {before}"
        for letter, (signs, before) in _ERAS.items()
    )
    counted = f"CASE WHEN {year} = '元' THEN 1 ELSE TRY_CAST({year} AS BIGINT) END"
    written = f"concat_ws('-', CASE {first} END + {counted}, {month}, {day})"
    return f"CASE WHEN regexp_matches({text}, {value(_OF_ERA)}) THEN TRY_CAST({written} AS TIMESTAMPTZ) END"


def _of_calendar(text: str, calendar: str) -> str:
    """A day of Buddhist years, of those of the Republic of China, or of the Islamic calendar, with its clock.

    The year stands first or last. Days of the Islamic calendar are those of its tables, which may differ from what was
    seen in the sky by one.
    """
    least, most, years = _CALENDARS[calendar]
    first, last, bare = (f"regexp_matches({text}, {value(one)})" for one in (_YEAR_FIRST, _DAY_FIRST, _DIGITS))
    parts = []
    for number, (in_first, in_last) in enumerate(((1, 3), (2, 2), (3, 1), (4, 4))):
        found = [
            f"WHEN {first} THEN regexp_extract({text}, {value(_YEAR_FIRST)}, {in_first})",
            f"WHEN {last} THEN regexp_extract({text}, {value(_DAY_FIRST)}, {in_last})",
            *([f"WHEN {bare} THEN regexp_extract({text}, {value(_DIGITS)}, {in_first})"] if number < 3 else []),
        ]
        parts.append(f"CASE {' '.join(found)} END")
    year, month, day = (f"TRY_CAST({one} AS BIGINT)" for one in parts[:3])
    clock = f"coalesce(nullif({parts[3]}, ''), '00:00')"
    written = f"concat_ws('-', {year} + {years}, {month}, {day})"
    if calendar == HIJRI:
        is_leap = f"(11 * {year} + 14) % 30 < 11"
        fits = f"{month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND 29 + ({month} % 2) + "
        fits += f"CASE WHEN {month} = 12 AND {is_leap} THEN 1 ELSE 0 END"
        # Days since the first one of the calendar, and from there to the first of 1970.
        days = f"{day} + (59 * ({month} - 1) + 1) // 2 + ({year} - 1) * 354 + (3 + 11 * {year}) // 30"
        written = (
            f"CASE WHEN {fits} THEN CAST(DATE '1970-01-01' + CAST({days} - {_HIJRI_1970} AS INTEGER) AS VARCHAR) END"
        )
    moment = f"TRY_CAST({written} || ' ' || {clock} AS TIMESTAMPTZ)"
    return f"CASE WHEN {year} BETWEEN {least} AND {most} THEN {moment} END"


_HIJRI_1970 = 492_149
"""The first day of 1970, as days of the tables of the Islamic calendar are counted."""


def _with_factors(text: str, spec: ParseSpec) -> str:
    """A number, times what a word behind it says."""
    read = _real(text, spec)
    for word, factor in sorted(spec.factors.items(), key=lambda one: len(one[0])):  # 千万 is tried before 万
        bare = f"trim(left({text}, length({text}) - {len(word)}))"
        read = f"CASE WHEN ends_with({text}, {value(word)}) THEN {_real(bare, spec)} * {factor!r} ELSE {read} END"
    return read


def _real(text: str, spec: ParseSpec) -> str:
    if spec.decimal == "." and not spec.thousands:
        read = f"TRY_CAST({_sign_first(text)} AS DOUBLE)"
        return f"CASE WHEN isfinite({read}) THEN {read} END"
    plain = _without(text, spec.thousands)
    plain = plain if spec.decimal == "." else f"replace({plain}, {value(spec.decimal)}, '.')"
    pattern = value(number_pattern(spec.decimal, spec.thousands))
    return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN TRY_CAST({_sign_first(plain)} AS DOUBLE) END"


def _whole(spec: ParseSpec) -> str:
    sign = f"[{spec.thousands}]"
    groups = rf"\d{{1,3}}({sign}\d{{2,3}})*{sign}\d{{3}}|" if spec.thousands else ""
    return rf"[-+]?({groups}\d+)|({groups}\d+)-"


def _sign_first(text: str) -> str:
    """A number with its minus in front: ledgers write 12- too."""
    return f"regexp_replace({text}, '^([^-]+)-$', '-\\1')"


def bare_number(text: str, unit: str) -> str:
    """A number without its unit, which stands before or behind it; in brackets it is below 0, as accounts write it."""
    plain = re.escape(unit.strip())
    for pattern in (rf"^(\(?[-+]?){_SPACE}{plain}{_SPACE}", rf"{_SPACE}{plain}{_SPACE}([-)]?)$") if plain else ():
        text = f"regexp_replace({text}, {value(pattern)}, '\\1')"
    return f"regexp_replace({text}, {value(_BRACKETS)}, '-\\1')"


def _without(text: str, sign: str) -> str:
    return f"replace({text}, {value(sign)}, '')" if sign else text


def _listed(texts: Iterable[str]) -> str:
    return f"({', '.join(value(text) for text in texts)})"
