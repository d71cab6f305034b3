"""What columns are called that a rule of suitability speaks of, and how values are written; the words are in
concepts.txt, in English, German, Chinese, and in other languages where banks have a word for it.

Words are compared without case, signs, spaces and accents, and with umlauts written out; words of up to five letters
have to be words of their own in a name.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from graphrec.loading.propose.words import simplified, words

_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ı": "i", "ς": "σ", "đ": "d", "ł": "l"})
_SHORT = 5


def normal(text: str) -> str:
    """A text without case, signs, spaces and accents, umlauts written out."""
    plain = unicodedata.normalize("NFKD", simplified(text).lower().translate(_WRITTEN_OUT))
    return unicodedata.normalize("NFC", "".join(sign for sign in plain if sign.isalnum()))


_SECTIONS = {
    title: lines.splitlines()
    for title, lines in re.findall(
        r"^\[([\w ]+)\]\n((?:[^\[#\n].*\n)+)", Path(__file__).with_name("concepts.txt").read_text("utf-8"), re.MULTILINE
    )
}
_WORDS = {title: tuple(map(normal, " ".join(lines).split())) for title, lines in _SECTIONS.items()}
_OF_VALUES = ("yes", "no", "open", "closed", "loans", "deposits", "nothing", "no investment")
CONCEPTS = {
    title: listed for title, listed in _WORDS.items() if title not in _OF_VALUES and not title.startswith("steps ")
}
"""Words of the names of columns, the most telling first."""
LOANS, DEPOSITS = _WORDS["loans"], _WORDS["deposits"]
"""Words of the kinds of products that lend money, and of those whose worth does not move with a market."""
NO_INVESTMENT = (*LOANS, *DEPOSITS, *_WORDS["no investment"])
"""Words of the kinds of products in which nothing is invested: they may have no risk class and bind no money."""
YES, NO, OPEN, CLOSED = (frozenset(_WORDS[title]) for title in _OF_VALUES[:4])
NOTHING = frozenset(("", *_WORDS["nothing"]))
"""Texts that stand for a gap."""
ORDERS = tuple(
    tuple(tuple(map(normal, line.split())) for line in lines)
    for title, lines in _SECTIONS.items()
    if title.startswith("steps ")
)
"""Texts that have an order: each entry lists the words of one step, the lowest first."""

_ASIDE = re.compile(r"\([^()]*\)\s*$")
_LEADING = re.compile(r"\s*([A-Za-z]{0,4})[ -]?(\d+)(?![\d.,])")
"""A number before words, behind a letter or none: 1 - cautious, R3 medium, C5进取型."""


@lru_cache(maxsize=20_000)
def place(name: str, concept: str) -> int | None:
    """How well a name speaks of a concept, 0 best; None: it does not."""
    parts = [part for word in words(name) if (part := normal(word))]
    for number, term in enumerate(CONCEPTS[concept]):
        if any(_speaks(parts[first:], term) for first in range(len(parts))):
            return number
    return None


def speaks(name: str, terms: Collection[str]) -> bool:
    """Whether a name speaks of one of some terms, as `place` asks of a concept.

    >>> [speaks(one, ("car", "vehicle")) for one in ("car_insurance", "Cards", "my_vehicles")]
    [True, False, True]
    """
    parts = [part for word in words(name) if (part := normal(word))]
    return any(_speaks(parts[first:], term) for term in terms for first in range(len(parts)))


def _speaks(parts: list[str], term: str) -> bool:
    """Whether a name whose words are these begins with a term, or has a long one within its first word."""
    is_short = term.isascii() and len(term) <= _SHORT
    if not is_short and term in parts[0]:
        return True
    joined = ""
    for part in parts:
        if (joined := joined + part) == term:
            return True
        inside = len(part) - (len(joined) - len(term))
        # A term may end within a word, as country does in countries, where it covers most of it.
        if not is_short and joined.startswith(term) and inside >= _SHORT - 1:
            return True
    return False


AGREES = "agrees"
"""Before purposes to which customers agree and that offers do not hang on: statistics, sharing of data."""
_DENIED = frozenset(
    {"not", "no", "nicht", "kein", "keine", "non", "pas", "niet", "geen", "ikke", "inte", "nie", "never"}
    | {normal(word) for word in ("ei", "не", "không", "chưa", "ไม่", "tidak", "ne")}
)
_DENIED_HAN = re.compile("[不未非无拒]")


def told(text: str, yes: Collection[str], no: Collection[str]) -> bool | None:
    """Whether a value is one of some words, or says one among others; None: it says neither.

    >>> [told(one, OPEN, CLOSED) for one in ("Closed - legacy", "No longer available", "正常销售", "终止销售", "Z9")]
    [False, False, True, False, None]
    >>> [told(one, YES, NO) for one in ("Ja, per E-Mail", "No (GDPR)", "同意接收短信", "不同意接收")]
    [True, False, True, False]
    """
    plain = normal(text)
    if plain in yes or plain in no:
        return plain in yes
    parts = [part for word in words(text) if (part := normal(word))]
    runs = {"".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
    runs = {run for run in runs if len(run) > 2 or (run == parts[0] and len(run) > 1)}
    signs = {word for word in (*yes, *no) if not word.isascii() and len(word) > 1 and word in plain}
    if runs & set(no) or signs & set(no):
        return False
    if runs & set(yes) or signs & set(yes):
        return not (runs & _DENIED or _DENIED_HAN.search(plain))
    return None


def answers_in(texts: Collection[str]) -> dict[str, bool | None]:
    """What each text says, yes or no; of two texts one of which denies the other, both say it.

    >>> answers_in(["接受", "不接受"]), answers_in(["nicht gewünscht", "gewünscht"])
    ({'接受': True, '不接受': False}, {'nicht gewünscht': False, 'gewünscht': True})
    """
    found = {text: told(text, YES, NO) for text in texts}
    if len(found) == 2:
        plain, denied = sorted(found, key=lambda text: len(normal(text)))
        before, _, behind = normal(denied).partition(normal(plain))
        if normal(plain) and not behind and (before in _DENIED or _DENIED_HAN.fullmatch(before)):
            found[plain], found[denied] = True, False
    return found


def are_answers(texts: Collection[str]) -> bool:
    """Whether there are texts, and each says yes or no.

    >>> are_answers(["ja", "nein"]), are_answers(["ja", "Ulm"]), are_answers([])
    (True, False, False)
    """
    return bool(texts) and all(answer is not None for answer in answers_in(texts).values())


_MUCH = "very sehr très muy molto muito zeer bardzo velmi nagyon çok sangat rất meget mycket svært erittäin 非常 极"
_VERY = frozenset(map(normal, _MUCH.split()))
"""Words before a step that make it more of what it is."""


def _step(plain: str, steps: Mapping[str, int], count: int) -> float | None:
    """The step of a text: that of its words, or half a step further out where they are very much so; None: no step."""
    if plain in steps:
        return steps[plain]
    for word in _VERY:
        if plain.startswith(word) and (base := plain.removeprefix(word)) in steps:
            return steps[base] + (0.5 if 2 * steps[base] >= count - 1 else -0.5)
    return None


def _densely(placed: Mapping[str, float | None], whole: Collection[int]) -> list[tuple[int, str]]:
    """Texts with their steps as whole numbers, those of the order itself where all are of it."""
    found = {text: step for text, step in placed.items() if step is not None}
    if set(found.values()) <= set(whole):
        return sorted((int(step), text) for text, step in found.items())
    numbers = {step: number for number, step in enumerate(sorted(set(found.values())))}
    return sorted((numbers[step], text) for text, step in found.items())


def in_order(texts: Iterable[str]) -> list[tuple[int, str]] | None:
    """Texts with their steps, the lowest first, by words that have an order or the number in each; else None.

    >>> in_order(["mittel (3-7 J.)", "kurz (bis 3 J.)"]), in_order(["RR2 - Konservativ", "RR1 - Sehr konservativ"])
    ([(0, 'kurz (bis 3 J.)'), (1, 'mittel (3-7 J.)')], [(1, 'RR1 - Sehr konservativ'), (2, 'RR2 - Konservativ')])
    """
    found = {text: normal(_ASIDE.sub("", text)) or normal(text) for text in texts}
    for order in ORDERS:
        steps = {word: step for step, listed in enumerate(order) for word in listed}
        placed = {text: _step(one, steps, len(order)) for text, one in found.items()}
        if found and None not in placed.values():
            return _densely(placed, steps.values())
    numbers = {text: "".join(sign for sign in text if sign.isdigit()) for text in found}
    if found and all(numbers.values()) and len({text.replace(n, "#", 1) for text, n in numbers.items()}) == 1:
        return sorted((int(number), text) for text, number in numbers.items())
    leading = {text: _LEADING.match(text) for text in found}
    is_alike = len({one[1].casefold() for one in leading.values() if one}) == 1
    if is_alike and len({int(one[2]) for one in leading.values() if one}) == len(found):
        return sorted((int(one[2]), text) for text, one in leading.items() if one)
    return None
