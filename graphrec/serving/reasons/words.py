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


@lru_cache(maxsize=10_000)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded; of Chinese signs, every two in a row."""
    pairs = [run[place : place + 2] for run in _HAN.findall(text) for place in range(len(run) - 1)]
    return tuple(dict.fromkeys([word.casefold() for word in _WORD.findall(text)] + pairs))
