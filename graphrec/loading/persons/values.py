"""What values say of persons: addresses of mail, numbers of telephones, accounts and cards, days of birth."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from graphrec.loading.sources.sql import LETTERS, value

if TYPE_CHECKING:
    import duckdb

Shape = Literal["", "e-mail addresses", "telephone numbers", "IBANs", "card numbers", "days of birth", "numbers"]
REACHING: tuple[Shape, ...] = ("e-mail addresses", "telephone numbers", "IBANs", "card numbers")
"""What reaches one person wherever it stands; days and numbers do so where they are of customers."""
_MOST = 0.8
"""Share of the values that have a shape, from which on the column has it."""
_SAMPLE = 200
"""Different values whose check digits are computed."""
_MAIL = rf"[^@\s]+@[^@\s]+\.[{LETTERS}]{{2,}}"
_PHONE = r"(\+|00)?\(?\d[\d ()/.-]{6,20}"
_MARKED_PHONE = r"((\+|00)[1-9]|0\d*[ /-]|\(\d).*"
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.*"
_IBAN = r"[A-Za-z]{2}\d{2}( ?[A-Za-z0-9]){11,30}"
_CARD = r"\d([ -]?\d){12,18}"
_DIGITS = r"\d{6,}"
_UNIQUE = 0.95
_ADULT = 14
"""Years that lie between the last birthday of a customer and now, at least."""


def shape_of_text(database: "duckdb.DuckDBPyConnection", source: str, text: str) -> Shape:
    """What the values of a column of texts are; nothing where they tell no one.

    Args:
        text: SQL of the value as a text, NULL where there is none.
    """
    counts = ", ".join(
        f"count(*) FILTER (WHERE {condition})"
        for condition in (
            f"{text} IS NOT NULL",
            _whole(text, _MAIL),
            f"{_whole(text, _PHONE)} AND {_whole(text, _MARKED_PHONE)} AND NOT {_whole(text, _DATE)}",
            _whole(text, _IBAN),
            _whole(text, _CARD),
            _whole(text, _DIGITS),
        )
    )
    found = database.execute(f"SELECT {counts}, count(DISTINCT {text}) FROM {source}").fetchall()[0]
    filled, mail, phone, iban, card, digits, distinct = (int(one) for one in found)
    enough = max(_MOST * filled, 1)
    if mail >= enough:
        return "e-mail addresses"
    if iban >= enough and _hold(database, source, text, _IBAN, is_iban):
        return "IBANs"
    if card >= enough and _hold(database, source, text, _CARD, is_card):
        return "card numbers"
    if phone >= enough:
        return "telephone numbers"
    return "numbers" if digits >= enough and distinct >= max(_UNIQUE * filled, 5) else ""


def shape_of_times(database: "duckdb.DuckDBPyConnection", source: str, moment: str) -> Shape:
    """Whether times are days of birth: long ago, over many years, and none of the last years.

    Args:
        moment: SQL of the time.
    """
    query = f"SELECT min(year({moment})), max(year({moment})), max(year(current_date)) FROM {source}"
    first, last, now = database.execute(query).fetchall()[0]
    if first is None or last is None:
        return ""
    return "days of birth" if first < now - 60 and last - first > 25 and last <= now - _ADULT else ""


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN are right.

    >>> is_iban("DE89 3704 0044 0532 0130 00"), is_iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    plain = text.replace(" ", "").upper()
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether the check digit of a card number is right (Luhn).

    >>> is_card("4111 1111 1111 1111"), is_card("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(sign) for sign in text if sign.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _whole(text: str, pattern: str) -> str:
    return f"coalesce(regexp_full_match({text}, {value(pattern)}), false)"


def _hold(
    database: "duckdb.DuckDBPyConnection", source: str, text: str, pattern: str, is_right: Callable[[str], bool]
) -> bool:
    query = f"SELECT DISTINCT {text} AS v FROM {source} WHERE {_whole(text, pattern)} ORDER BY v LIMIT {_SAMPLE}"
    found = [bool(is_right(row[0])) for row in database.execute(query).fetchall()]
    return sum(found) >= _MOST * len(found)
