"""The words that two texts have in common and most others have not."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

#: Words that are named, and the shortest that says something; of Chinese signs, two in a row.
NAMED = 3
_WORD = re.compile(r"[^\W\d_\u4e00-\u9fff]{5,}")
_HAN = re.compile("[\u4e00-\u9fff]{2,}")
#: Part of the other texts that a word may be in.
RARE = 0.25


def in_common(one: str, other: str, others: Iterable[str]) -> tuple[str, ...]:
    """Up to NAMED words that are in both texts and in at most RARE of the others, the rarest first.

    >>> in_common("Garden and house", "A garden fund", ["A house fund", "A house bond", "A bond", "A share"])
    ('garden',)
    """
    mine = frozenset(words_of(one))
    shared = dict.fromkeys(word for word in words_of(other) if word in mine)
    if not shared:
        return ()
    texts = [words_of(text) for text in others]
    found = Counter(word for text in texts for word in shared.keys() & text)
    rare = [word for word in shared if found[word] <= RARE * len(texts)]
    return tuple(sorted(rare, key=lambda word: (found[word], -len(word), word))[:NAMED])


_OF_LANGUAGES = {
    "en": frozenset(("the", "and", "of", "in", "to", "with", "for", "is", "that", "who", "a", "on", "by")),
    "de": frozenset(("der", "die", "das", "und", "mit", "für", "von", "ist", "ein", "eine", "zu", "im", "den", "auf")),
}
"""The commonest words of languages with one alphabet."""
_LATIN = re.compile(r"[^\W\d_]+")


def is_foreign(text: str, code: str) -> bool:
    """Whether a text is of another language, so that its words would stand out in a sentence of this one.

    >>> [is_foreign("a walk in the woods", code) for code in ("en", "de", "zh", "fr")]
    [False, True, True, False]
    """
    if code == "zh":
        return _HAN.search(text) is None
    if code not in _OF_LANGUAGES:
        return False
    found = [word.casefold() for word in _LATIN.findall(text)]
    counts = {one: sum(word in common for word in found) for one, common in _OF_LANGUAGES.items()}
    return _HAN.search(text) is not None or any(count > counts[code] for one, count in counts.items() if one != code)


@lru_cache(maxsize=10_000)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded; of Chinese signs, every two in a row."""
    pairs = [run[place : place + 2] for run in _HAN.findall(text) for place in range(len(run) - 1)]
    return tuple(dict.fromkeys([word.casefold() for word in _WORD.findall(text)] + pairs))
