"""In which script texts are written, as far as an encoder has to know it."""

from collections.abc import Iterable, Sequence

FOREIGN = 0.1
"""Part of the letters in another script from which on an encoder of English does not read the texts."""
READ = 4_000
"""Texts that are looked at; of more, evenly spread ones."""
_DENSE = ((0x2E80, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
"""Chinese, Japanese and Korean signs."""
_LATIN = 0x24F
"""The last letter of the Latin script in Unicode's first blocks."""


def is_dense(text: str) -> bool:
    """Whether most letters of a text are Chinese, Japanese or Korean signs, of which one is a word or a syllable."""
    letters = [ord(sign) for sign in text if sign.isalpha()]
    return 2 * sum(any(low <= code <= high for low, high in _DENSE) for code in letters) > len(letters)


def foreign_share(texts: Iterable[str]) -> float:
    """The part of the letters of some texts that are not Latin; 0 without letters."""
    letters = foreign = 0
    for text in texts:
        codes = [ord(sign) for sign in text if sign.isalpha()]
        letters += len(codes)
        foreign += sum(code > _LATIN for code in codes)
    return foreign / letters if letters else 0.0


def some_of(texts: Sequence[str]) -> Sequence[str]:
    """At most READ of the texts, evenly spread."""
    return texts[:: max(1, -(-len(texts) // READ))]
