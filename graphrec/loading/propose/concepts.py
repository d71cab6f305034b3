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

from graphrec.loading.propose.words import bare, in_latin, simplified, words

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
_BEGINS = "*"
"""Behind a word of values that begins others: cancel* is in cancelled, and in canceló."""
_WORDS = {
    title: tuple(normal(word) + _BEGINS * word.endswith(_BEGINS) for word in " ".join(lines).split())
    for title, lines in _SECTIONS.items()
}
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

_ROMANS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
_ROMAN = re.compile(rf"(|.*[\W_])({'|'.join(_ROMANS)})", re.IGNORECASE)
"""A Roman number, behind words or none: II, Klasse IV."""


@lru_cache(maxsize=20_000)
def place(name: str, concept: str) -> int | None:
    """How well a name speaks of a concept, 0 best; None: it does not."""
    parts = [part for word in words(name) if (part := normal(word))]
    for number, term in enumerate(CONCEPTS[concept]):
        if any(_speaks(parts[first:], term) for first in range(len(parts))):
            return number
    # `in_latin` changes Cyrillic letters alone.
    other = in_latin(name)
    return None if name.isascii() or other == name.lower() else place(other, concept)


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


ACTIVE = re.compile(
    "(is|ist|est|es|row|rec)?(still)?(active|current|aktiv(er)?|actif|activo|attivo|actief|ativo|aktywny|aktivni|aktiv)"
    "(customer|client|user|member|kunde|klant|cliente|flag|kz|ind|indicator|yn|jn)?|是否有效|是否在籍|是否活跃客户"
    "|(is|ist|est|es)?(adult|ofage|volljaehrig|vuxen|myndig|majeur|maggiorenne|meerderjarig|mayordeedad|maiordeidade"
    "|pelnoletni|plnolety|nagykoru|taysiikainen)(flag|kz|ind|indicator|yn|jn)?|是否成年"
)
"""Whole names of a yes or no that says whether somebody is a customer now, and may decide for himself."""
LEFT = re.compile(
    "(date(de)?|datede|fecha(de)?|fec(de)?|data(di|de)?|datum)?"
    "(customer|client|member|user|account|relationship|relation|cust|kunden?|mitglied|beziehung|kundenbeziehung)?"
    "(closed|close|closure|closing|left|leaving|ended|end|exit|deactivated|deactivation|inactive|offboarded|churned|churn|"
    "until|bis|beendet|ende|austritt|austritts|abgang|abgangs|gekuendigt|aufgeloest|saldiert|sortie|cloture|baja|chiusura|"
    "encerramento|salida|uscita|avslutad|avsluttet|afsluttet)(date|datum|dt|day|tag|on|at|am|since)?"
    "|(kunde|klant|klient|cliente)(bis|tot|do|hasta|fino)|(解约|销户|退会|注销|カイヤク|タイカイ)(日|日期|ヒ)?"
    "|(дата)?(закриття|закрытия|розірвання|расторжения)|ngay(dong|tattoan)|วนปดบญช|asiakkuuspaattyy|datumukonceni"
)
"""Whole names of the day on which somebody ceased to be a customer."""
OF_AGE = 18
"""Years from which on people decide for themselves."""
AGREES = "agrees"
"""Before purposes to which customers agree and that offers do not hang on: statistics, sharing of data."""
_DENIED = frozenset(
    {"not", "no", "nicht", "kein", "keine", "non", "pas", "niet", "geen", "ikke", "inte", "nie", "never"}
    | {
        normal(word)
        for word in ("ei", "не", "không", "chưa", "ไม่", "tidak", "ne", "nu", "nije", "nav", "hapana", "नहीं")
    }
)
_DENIED_HAN = re.compile("[不未非无拒]")


def told(text: str, yes: Collection[str], no: Collection[str]) -> bool | None:
    """Whether a value is one of some words, or says one among others; None: it says neither.

    >>> [told(one, OPEN, CLOSED) for one in ("Closed - legacy", "No longer available", "正常销售", "终止销售", "Z9")]
    [False, False, True, False, None]
    >>> [told(one, OPEN, CLOSED) for one in ("În vigoare", "Reziliată", "Снят с продажи")]
    [True, False, False]
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
    if runs & set(no) or signs & set(no) or _begin(parts, no):
        return False
    if runs & set(yes) or signs & set(yes) or _begin(parts, yes):
        return not (runs & _DENIED or _DENIED_HAN.search(plain))
    other = in_latin(text)
    return None if text.isascii() or other == text.lower() else told(other, yes, no)


def _begin(parts: Collection[str], terms: Collection[str]) -> bool:
    """Whether a word begins as one of some terms says."""
    stems = tuple(one.removesuffix(_BEGINS) for one in terms if one.endswith(_BEGINS))
    return any(part.startswith(stems) for part in parts)


def answers_in(texts: Collection[str]) -> dict[str, bool | None]:
    """What each text says, yes or no; of two texts one of which denies the other, both say it.

    >>> answers_in(["接受", "不接受"]), answers_in(["nicht gewünscht", "gewünscht"])
    ({'接受': True, '不接受': False}, {'nicht gewünscht': False, 'gewünscht': True})
    """
    found = {text: told(text, YES, NO) for text in texts}
    if len(found) == 2 and all(map(normal, found)):  # signs alone say nothing
        plain, denied = sorted(found, key=lambda text: len(normal(text)))
        before, _, behind = normal(denied).partition(normal(plain))
        if not behind and (before in _DENIED or _DENIED_HAN.fullmatch(before)):
            found[plain], found[denied] = True, False
    return found


def says_state(texts: Collection[str], *, of_users: bool) -> bool:
    """Whether two thirds of some texts say open or closed, and some say each.

    >>> says_state(["Activ", "Închis", "Decedat"], of_users=True), says_state(["Activ", "Pasiune"], of_users=True)
    (True, False)
    """
    said = [told(text, OPEN, CLOSED | frozenset(CONCEPTS["blocked"]) if of_users else CLOSED) for text in texts]
    return {True, False} <= {*said} and 3 * said.count(None) <= len(said)


def are_answers(texts: Collection[str]) -> bool:
    """Whether there are texts, and each says yes or no.

    >>> are_answers(["ja", "nein"]), are_answers(["ja", "Ulm"]), are_answers([])
    (True, False, False)
    """
    return bool(texts) and all(answer is not None for answer in answers_in(texts).values())


_MUCH = (
    "very sehr très muy molto muito zeer bardzo velmi nagyon çok sangat rất meget mycket svært erittäin "
    "дуже очень mjög 非常 极"
)
_BETWEEN = frozenset({"to", "bis", "and", "und", "y", "e", "et", "a", "i"})
"""Words between two steps."""
_VERY = frozenset(map(normal, _MUCH.split()))
"""Words before a step that make it more of what it is."""


_LESS, _MORE = (
    frozenset(map(normal, words_.split()))
    for words_ in (
        "below under ниже нижче unter sub sotto debajo onder poniżej ispod",
        "above over выше вище über sopra peste",
    )
)
"""Words before a step that make it less or more: below average."""


def _step(text: str, plain: str, steps: Mapping[str, int], count: int) -> float | None:
    """The step of a text: that of its words, or half a step further out where they are very much so; between the steps
    of two words, as moderately conservative is; None: no step."""
    if plain in steps:
        return steps[plain]
    stem = bare(plain)
    if len(alike := {step for word, step in steps.items() if bare(word) == stem}) == 1:
        return alike.pop()
    parts = [part for word in words(_ASIDE.sub("", text)) if (part := normal(word)) and part not in _BETWEEN]
    if len(parts) == 2 and parts[0] in _LESS | _MORE and parts[1] in steps:
        return steps[parts[1]] + (0.5 if parts[0] in _MORE else -0.5)
    if len(parts) == 2 and {*parts} <= steps.keys():
        return (steps[parts[0]] + steps[parts[1]]) / 2
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


def is_attitude(texts: Collection[str]) -> bool:
    """Whether all of three texts or more say how much risk somebody bears, whatever their column is called.

    >>> is_attitude(["Prudent", "Moderat-prudent", "Agresiv"]), is_attitude(["gold", "growth", "income"])
    (True, False)
    """
    steps = {word: step for step, listed in enumerate(ORDERS[_ATTITUDE]) for word in listed}
    return len(texts) >= _ENOUGH_STEPS and all(_step(one, normal(one), steps, len(steps)) is not None for one in texts)


_ATTITUDE, _ENOUGH_STEPS = 1, 3
"""The place of the attitudes among the orders, and as many of them as say what a column is."""


def _with_middle(placed: dict[str, float | None], middle: float) -> dict[str, float | None]:
    """Steps with the middle for the one text that has none, where all others lie as often below it as above."""
    untold = [text for text, step in placed.items() if step is None]
    told = [step for step in placed.values() if step is not None]
    below, above = sum(step < middle for step in told), sum(step > middle for step in told)
    is_middle = len(untold) == 1 and 0 < below == above and below + above == len(told)
    return {text: middle if step is None else step for text, step in placed.items()} if is_middle else placed


def in_order(texts: Iterable[str], *, has_middle: bool = False) -> list[tuple[int, str]] | None:
    """Texts with their steps, the lowest first, by words that have an order or the number in each; else None.

    Args:
        has_middle: one text that no word tells lies in the middle of as many below as above it.

    >>> in_order(["Moderat-prudent", "Prudent", "Echilibrat"])
    [(1, 'Prudent'), (2, 'Moderat-prudent'), (4, 'Echilibrat')]
    >>> in_order(["high", "so-so", "low"]), in_order(["high", "so-so", "low"], has_middle=True)
    (None, [(0, 'low'), (1, 'so-so'), (2, 'high')])
    >>> in_order(["mittel (3-7 J.)", "kurz (bis 3 J.)"]), in_order(["RR2 - Konservativ", "RR1 - Sehr konservativ"])
    ([(0, 'kurz (bis 3 J.)'), (1, 'mittel (3-7 J.)')], [(1, 'RR1 - Sehr konservativ'), (2, 'RR2 - Konservativ')])
    """
    found = {text: normal(_ASIDE.sub("", text)) or normal(text) for text in texts}
    for order in ORDERS:
        steps = {word: step for step, listed in enumerate(order) for word in listed}
        placed = {text: _step(text, one, steps, len(order)) for text, one in found.items()}
        placed = _with_middle(placed, (len(order) - 1) / 2) if has_middle else placed
        if found and None not in placed.values():
            return _densely(placed, steps.values())
    numbers = {text: "".join(sign for sign in text if sign.isdigit()) for text in found}
    if found and all(numbers.values()) and len({text.replace(n, "#", 1) for text, n in numbers.items()}) == 1:
        return sorted((int(number), text) for text, number in numbers.items())
    roman = {text: _ROMAN.fullmatch(text.strip()) for text in found}
    if len(found) > 1 and all(roman.values()) and len({one[1].casefold() for one in roman.values() if one}) == 1:
        return sorted((_ROMANS.index(one[2].upper()) + 1, text) for text, one in roman.items() if one)
    leading = {text: _LEADING.match(text) for text in found}
    is_alike = len({one[1].casefold() for one in leading.values() if one}) == 1
    if is_alike and len({int(one[2]) for one in leading.values() if one}) == len(found):
        return sorted((int(one[2]), text) for text, one in leading.items() if one)
    return None
