"""Columns and their values in words, as the page and answers to questions write them."""

from graphrec.serving.reasons.sentences import Sentences

_SPANS = {
    "years": ("page.years", "page.one_year"), "months": ("page.months", "page.one_month"),
    "weeks": ("page.weeks", "page.one_week"), "days": ("page.days", "page.one_day"),
}  # fmt: skip
_PERIODS = {"month": "page.a_month", "year": "page.a_year"}
_MONEY = {"eur", "usd", "chf", "gbp", "jpy", "cny", "hkd", "sek", "nok", "dkk", "pln", "czk", "huf"}


def named(words: Sentences, name: str, value: str | float | bool) -> tuple[str, str]:
    """A column and a value of it in words; a unit at the end of the column's name stands behind the value."""
    name = name.partition(".")[2] or name
    said = words.fact_of(name, value)
    return (words.word(name), said) if isinstance(value, str | bool) else with_unit(words, name, said)


def with_unit(words: Sentences, name: str, number: str) -> tuple[str, str]:
    """A column without the unit at the end of its name, and a number of it, as it is written, with that unit."""
    head, _, unit = name.rpartition("_")
    if head and unit in _SPANS:
        return words.word(head), words.say(_SPANS[unit][number == "1"], n=number)
    if head and unit in _MONEY:
        return words.word(head), f"{number} {unit.upper()}"
    if unit in _PERIODS and (before := head.rpartition("_"))[0] and before[2] in _MONEY:
        return words.word(before[0]), words.say(_PERIODS[unit], n=f"{number} {before[2].upper()}")
    if head and unit == "percent":
        return words.word(head), words.language.texts["numbers.percent"].format(n=number)
    return words.measured(name, number)
