"""Columns and their values in words, as the page and answers to questions write them."""

from graphrec.serving.reasons.sentences import Sentences

_SPANS = {"years", "months", "weeks", "days"}
_MONEY = {"eur", "usd", "chf", "gbp", "jpy", "cny", "hkd", "sek", "nok", "dkk", "pln", "czk", "huf"}


def named(words: Sentences, name: str, value: str | float | bool) -> tuple[str, str]:
    """A column and a value of it in words; a unit at the end of the column's name stands behind the value."""
    name = name.partition(".")[2] or name
    head, _, unit = name.rpartition("_")
    said = words.fact_of(name, value)
    if not head or isinstance(value, str | bool):
        return words.word(name), said
    if unit in _SPANS:
        said = words.say(f"page.{unit}", n=said)
    elif unit in _MONEY:
        said = f"{said} {unit.upper()}"
    elif unit == "percent":
        said = words.language.percent(value, 0 if value == int(value) else 2)
    else:
        return words.word(name), said
    return words.word(head), said
