"""Texts in other encodings than UTF-8: known by their bytes, decoded before anything else reads them."""

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.loading.sources.packed import open_unpacked

_BLOCK = 1 << 24
_LOOKED_AT = 1 << 26
_FEW_BROKEN = 9
"""A text has so many letters of UTF-8 for every byte that is none, if it is UTF-8."""
USUAL = (
    *("cp1252", "gb18030", "big5", "cp932", "euc_kr", "cp1250", "cp1251", "cp1253", "cp1254", "cp1256", "cp1255"),
    *("cp874", "cp850"),
)
"""Encodings that banks' files come in, the most usual first: Western, Chinese twice, Japanese, Korean, Central
European, Cyrillic, Greek, Turkish, Arabic, Hebrew, Thai, DOS."""
WIDE = ("gb18030", "big5", "cp932", "euc_kr")
"""Those of two bytes a letter."""
_LETTERS = 1 << 18
"""Bytes that are looked at for their letters."""
_CHAOS, _SENSE = 0.01, 0.04
"""Encodings whose disorder and coherence differ by no more look alike."""
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def is_utf8(encoding: str, shown: str) -> bool:
    """Whether an encoding is UTF-8 by any of its names.

    Raises:
        SourceError: there is no such encoding.
    """
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError as error:
        raise SourceError(f"{shown}: {error}; set another encoding") from error


def write_utf8(path: Path, shown: str, encoding: str, target: Path) -> None:
    """Write a text of another encoding, packed or not, as UTF-8.

    Raises:
        SourceError: a line is not of that encoding.
    """
    lines = 0
    decoder = codecs.getincrementaldecoder(encoding)()
    with open_unpacked(path, shown) as stream, target.open("w", encoding="utf-8", newline="") as copy:
        try:
            while block := stream.read(_BLOCK):
                text = decoder.decode(block)
                lines += text.count("\n")
                copy.write(text)
            copy.write(decoder.decode(b"", final=True))
        except UnicodeDecodeError as error:
            lines += error.object[: error.start].decode(encoding, errors="ignore").count("\n")
            raise _not_of(encoding, shown, lines + 1) from error
        except UnicodeError as error:  # a missing byte order mark
            raise _not_of(encoding, shown, 1) from error


def _not_of(encoding: str, shown: str, line: int) -> SourceError:
    return SourceError(f"{shown} line {line} is not {encoding}; set another encoding")


def marked_encoding(path: Path, shown: str) -> str | None:
    """The encoding other than UTF-8 that a file names by its byte order mark."""
    with open_unpacked(path, shown) as stream:
        first = bytes(stream.read(4))
    return next((encoding for mark, encoding in _MARKS.items() if first.startswith(mark)), None)


@contextmanager
def text_of(path: Path, shown: str, encoding: str, errors: str = "replace") -> Iterator[io.TextIOWrapper]:
    """A text to read, packed or not.

    Args:
        errors: what becomes of bytes that are not of its encoding; the engine refuses them too, and names the line.
    """
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with (
        open_unpacked(path, shown) as stream,
        io.TextIOWrapper(stream, encoding=codec, errors=errors, newline="") as text,
    ):
        yield text


def guess_encoding(path: Path, shown: str) -> str:
    """The encoding that fits the bytes of a text: utf-8, utf-16, or the likeliest of USUAL.

    Several make letters of nearly every byte: the one whose letters look most like those of a language is taken, and
    the more usual one of those that look alike. Where no letters tell, Chinese comes in pairs of bytes above 127,
    Western letters alone between ASCII ones. Among those of one byte a letter the alphabets of languages tell.

    Raises:
        SourceError: the file cannot be read, or is UTF-8 but for a few bytes.
    """
    with open_unpacked(path, shown) as stream:
        content = bytes(stream.read(_LOOKED_AT))
    marked = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), None)
    if marked is not None:
        return marked
    if _decodes(content, "utf-8"):
        return "utf-8"
    line = first_broken_line(content)
    if line is not None:
        raise SourceError(f"{shown} line {line} is not UTF-8, and the rest of the file is; correct that line")
    wants = ("gb18030", "cp1252") if _in_pairs(content) else ("cp1252", "gb18030")
    found = next((one for one in (*_likely(content), *wants) if _decodes(content, one)), "latin-1")
    if found not in WIDE and (even := _by_even_runs(content)) is not None:
        return even
    return found if found in WIDE and _in_pairs(content) else by_letters(content) or found


def delivery_encoding(files: Iterable[tuple[Path, str]]) -> str | None:
    """The encoding that the texts of a delivery are in, by the letters of all of them.

    A short file says little alone. None where no encoding reads them all, or all are UTF-8.
    """
    contents, wide = list[bytes](), list[bytes]()
    for path, shown in files:
        with open_unpacked(path, shown) as stream:
            content = bytes(stream.read(_LETTERS))
        is_marked = any(content.startswith(mark) for mark in _MARKS)
        if not is_marked and not _decodes(content, "utf-8"):
            (wide if _in_pairs(content) else contents).append(content)
    if wide and len(wide) + len(contents) > 1:
        everything = (*wide, *contents)
        said = Counter(next(iter(_likely(one)), "") for one in (*wide, b"\n".join(everything)))
        read = (one for one, _ in said.most_common() if one in WIDE and all(_decodes(each, one) for each in everything))
        return next(read, None)
    return by_letters(b"\n".join(contents)) if len(contents) > 1 else None


def encoding_within(path: Path, shown: str, delivery: str | None) -> str:
    """The encoding of a text, that of the whole delivery where its letters fit as well."""
    own = guess_encoding(path, shown)
    if delivery is None or own == delivery or own not in (*ALPHABETS, "latin-1"):
        return own
    with open_unpacked(path, shown) as stream:
        content = bytes(stream.read(_LOOKED_AT))
    if delivery in WIDE:
        return delivery if _decodes(content, delivery) and _is_written_wide(content, delivery) else own
    if not _decodes(content, delivery):
        return own
    content = content[: _LETTERS << 2]
    beyond = [sign for sign in content.decode(delivery, errors="ignore") if sign > "\x7f"]
    # Degrees and signs of money alone say nothing of the encoding, and are those of the other files.
    are_signs = bool(beyond) and all(sign in _SIGNS for sign in beyond)
    return delivery if are_signs or _fit(content, delivery) > _FITS else own


def _is_written_wide(content: bytes, encoding: str) -> bool:
    """Whether what is beyond ASCII are signs of Chinese, Japanese or Korean, and not halves of them by chance."""
    beyond = [sign for sign in content[:_LETTERS].decode(encoding, errors="ignore") if sign > "\x7f"]
    signs = sum("\u3000" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7a3" for sign in beyond)
    return signs > _FITS * len(beyond)


def by_letters(content: bytes) -> str | None:
    """The encoding of one byte a letter whose letters are those of one language; None where none fits well.

    In Western letters Hungarian has õ and û beside á and í, as no Western language has; in those of DOS, German has ³
    in the middle of words.
    """
    content = content[: _LETTERS << 2]
    fits = {encoding: _fit(content, encoding) for encoding in ALPHABETS if _decodes(content, encoding)}
    if "cp1255" in fits and not _CAPITALS.intersection(content):
        for one in ("cp1251", "cp1253"):
            fits.pop(one, None)  # their small letters are those of Hebrew, which has no capitals
    best = max(fits, key=lambda encoding: fits[encoding], default=None)
    return best if best is not None and fits[best] > _FITS else None


def _fit(content: bytes, encoding: str) -> float:
    """The share of the letters beyond ASCII that one language has, less signs that stand where none can."""
    text = content.decode(encoding, errors="ignore")
    letters = {sign: count for sign, count in Counter(text).items() if sign > "\x7f" and sign.isalpha()}
    odd = sum(1 for _ in _ODD.finditer(text))
    total = sum(letters.values()) + odd
    return (max(_count_of(letters, one) for one in ALPHABETS[encoding]) - odd) / total if total else 0.0


_CAPITALS = frozenset(range(0xC0, 0xE0))
"""Bytes of the capitals of Cyrillic and Greek, and of letters of Greek with accents."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_SOME_RUNS = 6
"""So many different words are even by chance in one of 64 texts of one byte a letter."""
_SIGNS = frozenset("°ºª€£§µ«»–—’‘“”…·©®±²³½¼¾×\xa0")
"""Signs that texts of any language have."""
_FITS = 0.9
"""The least share of the letters beyond ASCII that one language has; the more usual of those that fit alike."""
_WESTERN = (
    *(
        "äöüß",
        "àâæçéèêëîïôœùûüÿ",
        "áéíóúüñç",
        "áâãàçéêíóôõúü",
        "àèéìíòóùú",
        "åäöéü",
        "åæøéòô",
        "ëïéèüöóá",
        "áðéíóúýþæö",
    ),
)
ALPHABETS: dict[str, tuple[str, ...]] = {
    "cp1252": _WESTERN,
    "cp1250": (*("áéíóöőúüű", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ăâîșțşţ", "čćđšž", "äöüß"),),
    "cp1251": ("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђјљњћџѓќѕ",),
    "cp1253": ("αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",),
    "cp1254": ("çğıöşüâîûİ",),
    "cp1256": ("ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئىةپچژگ،؛؟ـ",),
    "cp1255": ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",),
    "cp874": ("".join(map(chr, range(0x0E01, 0x0E5C))),),
    "cp850": _WESTERN,
}
"""Encodings of one byte a letter, the most usual first, each with the letters beyond ASCII of its languages."""
_ODD = re.compile(
    "(?<=[a-zß-ÿ])[³²¹„”“‚‘¬½¼«»§¤¥¦¨©ª®¯°±´µ¶·¸¿×÷‰‹›†‡ƒ…ˆ˜™‘\x80-\x9f](?=[a-zß-ÿ])"
    "|(?<=[a-zß-ÿ])[À-Þ](?=[a-zß-ÿ])"
    "|(?<=[A-Za-z])[\u0370-\u06ff\u0e00-\u0e7f]|[\u0370-\u06ff\u0e00-\u0e7f](?=[A-Za-z])"
    r"|(?<=\d) ?[À-ÿ](?![A-Za-zÀ-ÿ])|[\u2500-\u259f]"
    "|(?<=[ά-ωа-яё])[Ά-ΫА-ЯЁЂЃЄІЇЉЊЋЌЎЏ]"
)
"""Signs within small letters, capitals within them, and letters of two scripts in one word: no language has them."""


def _count_of(letters: Mapping[str, int], alphabet: str) -> int:
    """How many letters are those of one language."""
    return sum(count for sign, count in letters.items() if sign in alphabet or sign.lower() in alphabet)


def _likely(content: bytes) -> tuple[str, ...]:
    """The likeliest encodings by what letters look like (charset-normalizer); none where they say nothing."""
    return _likely_of(content[:_LETTERS])


@lru_cache(maxsize=32)
def _likely_of(content: bytes) -> tuple[str, ...]:
    from charset_normalizer import from_bytes

    found = list(from_bytes(content, cp_isolation=list(USUAL)))
    if not found:
        return ()
    near = [
        one for one in found if one.chaos <= found[0].chaos + _CHAOS and one.coherence >= found[0].coherence - _SENSE
    ]
    # Encodings that read the same text stand together.
    names = {name for one in near for name in one.could_be_from_charset}
    return tuple(name for name in USUAL if name in names)


def first_broken_line(content: bytes) -> int | None:
    """The first line that is not UTF-8 in a text that is, but for one in ten of its letters beyond ASCII; else None."""
    text = content.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    letters = sum(sign > "\x7f" for sign in text) - broken
    if not broken or letters < _FEW_BROKEN * broken:
        return None
    return text[: text.index("\ufffd")].count("\n") + 1


def _in_pairs(content: bytes) -> bool:
    high = [position for position, byte in enumerate(content[: 1 << 20]) if byte > 127]
    return sum(after == one + 1 for one, after in pairwise(high)) > len(high) / 3


def _by_even_runs(content: bytes) -> str | None:
    """The encoding of a text whose bytes above 127 come in even numbers alone, as those of two bytes a letter do.

    Words of one byte a letter are odd as often as even. Syllables of Korean begin with B0 to C8, Chinese goes beyond.
    """
    runs = set(_HIGH.findall(content[:_LETTERS]))
    if len(runs) < _SOME_RUNS or any(len(run) % 2 for run in runs):
        return None
    is_korean = all(0xB0 <= byte <= 0xC8 for run in runs for byte in run[::2])
    found = "euc_kr" if is_korean else "gb18030"
    return found if _decodes(content, found) and _is_written_wide(content, found) else None


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    return True
