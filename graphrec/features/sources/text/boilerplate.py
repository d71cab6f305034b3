"""What long texts have in common word for word says nothing of any of them: legal notices, greetings, risk warnings."""

import re
from collections import Counter
from collections.abc import Sequence

LONG = 1_000
"""Signs from which a text is long: about what an encoder reads at once. Shorter ones stay as they are."""
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?。！？]+|\n|$)")
_LEFT = 12
"""Letters that have to be left of a text."""


def without_boilerplate(texts: Sequence[str]) -> list[str]:
    """The texts, long ones without the sentences that stand in another text too.

    A text of which nothing would be left stays whole.

    >>> notice = "No offer to buy or to sell. " * 40
    >>> without_boilerplate([notice + "It buys gold mines.", notice + "It lends to makers of software.", "Houses."])
    ['It buys gold mines.', 'It lends to makers of software.', 'Houses.']
    """
    if not any(len(text) > LONG for text in texts):
        return list(texts)
    parts = [_sentences(text) for text in texts]
    found = Counter(one for some, text in zip(parts, texts, strict=True) if text for one in set(map(_same, some)))
    return [text if len(text) <= LONG else _own(text, some, found) for text, some in zip(texts, parts, strict=True)]


def _own(text: str, sentences: Sequence[str], found: Counter[str]) -> str:
    kept = "".join(one for one in sentences if found[_same(one)] == 1).strip()
    return kept if sum(sign.isalpha() for sign in kept) >= _LEFT else text


def _sentences(text: str) -> list[str]:
    return _SENTENCE.findall(text)


def _same(sentence: str) -> str:
    return " ".join(sentence.casefold().split())
