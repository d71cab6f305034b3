"""What questions look like: patterns.tsv has a list a language; the first pattern that fits says the intent.

A question comes folded, so that German has ss in place of its sharp s, and with its mentions replaced: `@p` stands for
a product, `@u` for a customer. Patterns that fit what no record can answer come before those that a careless word would
open: what will be, other people, secrets, orders. Rows that are no intent say more of a question: `less` and `gains`
which way a what-if goes, `cheap` and `safe` by what a list is ordered, `beyond` that it goes on after the last one,
`least` that the least amount is asked for, `popular` that the library's question of this name is. Before all of them
`plainer` puts plain words in place of careless ones. A `weak` intent counts only where neither another row nor the
nearest examples say one.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

Intent = Literal[
    "recommend", "why", "why_not", "what_if", "compare", "cost", "risk", "holdings", "portrait", "alerts", "product",
    "query", "complaint", "policy", "portfolio", "statement", "loan", "none",
]  # fmt: skip
Order = Literal["fee", "risk"]
INTENTS: dict[str, Intent] = {one: one for one in get_args(Intent)}

_FILE = Path(__file__).parent / "patterns.tsv"
_DEFAULT = "en"
_PLAINER, _MEANS = "plainer", " => "
_WEAK = "weak "
Mark = Literal["less", "gains", "beyond", "least", "popular"]
"""What a question says besides its intent."""
_ORDERS: dict[str, Order] = {"cheap": "fee", "safe": "risk"}


@lru_cache
def _patterns() -> dict[str, list[tuple[str, str]]]:
    """Each language's intents with their patterns, in their order."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in _FILE.read_text("utf-8").splitlines()[1:]:
        language, intent, pattern = line.split("\t")
        found.setdefault(language, []).append((intent, pattern))
    return found


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def fitting(text: str, language: str, *, weak: bool = False) -> Iterator[Intent]:
    """The intents whose patterns fit a question, the first one first.

    Args:
        text: folded, with its mentions replaced.
        weak: by those patterns that count only where nothing else says the intent.
    """
    for name, pattern in _patterns().get(language) or _patterns()[_DEFAULT]:
        known = name.removeprefix(_WEAK) if weak == name.startswith(_WEAK) else ""
        if (intent := INTENTS.get(known)) is not None and _compiled(pattern).search(text):
            yield intent


def plainer(text: str, language: str) -> str:
    """A question with plain words in place of careless ones, such as "what is" for "whats", and one word for customers.

    >>> plainer("whats the policyholder got", "en"), plainer("was gibts", "de"), plainer("咋不推荐", "zh")
    ('what is the customer got', 'was gibt es', '怎么不推荐')
    """
    for name, row in _patterns().get(language) or _patterns()[_DEFAULT]:
        if name == _PLAINER:
            careless, _, word = row.partition(_MEANS)
            text = _compiled(careless).sub(word, text)
    return text


def says(mark: Mark, text: str, language: str) -> bool:
    """Whether a question says something besides its intent."""
    return _fits(mark, text, language)


def order_of(text: str, language: str) -> Order | None:
    """What a list is to be ordered by, the least first; None: by rank."""
    return next((order for name, order in _ORDERS.items() if _fits(name, text, language)), None)


def _fits(name: str, text: str, language: str) -> bool:
    rows = _patterns().get(language) or _patterns()[_DEFAULT]
    return any(one == name and _compiled(pattern).search(text) for one, pattern in rows)
