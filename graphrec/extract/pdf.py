"""The text of PDF files: fact sheets, reports, terms."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.extras import needs_extra

MOST_PAGES = 2_000
HEADS, LEAST_PAGES = 3, 3
"""Lines at the top and at the end of a page that may stand on all, and the pages that have to have them."""
#: A word that goes on in the next line.
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n(?=[^\W\d_A-Z])")
#: The end of a line in the middle of a sentence of letters and of Chinese signs.
_HAN_LINE = re.compile("(?<=[\u3400-\u9fff，、])\n(?=[\u3400-\u9fff])")
_LINE = re.compile(r"(?<![.!?:;。！？；\n])\n(?!\n|\s*[•·▪–-])")


def pdf_text(folder: Path, name: str, place: str) -> str:
    """The text of a PDF file, its lines joined where a sentence goes on.

    Args:
        folder: of the data; the file lies below it.
        name: path of the file, from the folder.
        place: of the row that names it, for messages.

    Raises:
        SourceError: there is no such file below the folder, it is no PDF, it is locked, or it has pictures alone.
        MissingExtra: pypdf is not installed.
    """
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{place}: {name!r} lies outside {folder}; put the PDF file into that folder")
    if not file.is_file():
        raise SourceError(f"{place}: there is no file {file}; correct the path, or leave such rows out in its SQL")
    with needs_extra("language", "a PDF file"):
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    try:
        reader = PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise SourceError(f"{place}: {file} needs a password; give a copy without one")
        if len(reader.pages) > MOST_PAGES:
            raise SourceError(f"{place}: {file} has {len(reader.pages):,} pages; at most {MOST_PAGES:,} are read")
        text = "\n".join(without_heads([page.extract_text() for page in reader.pages]))
    except (PyPdfError, OSError, ValueError, KeyError, RecursionError) as error:
        raise SourceError(f"{place}: {file} cannot be read as PDF ({error}); replace the file") from None
    if not text.strip():
        raise SourceError(f"{place}: {file} has no text, as a scan has none; give one with text, or leave it out")
    return joined(text)


def without_heads(pages: Sequence[str]) -> list[str]:
    """The texts of pages without the lines at their tops and ends that most of them have, but for their numbers.

    >>> without_heads([f"Report\\nText {place} goes on\\nPage {page} of 3" for page, place in enumerate("abc", 1)])
    ['Text a goes on', 'Text b goes on', 'Text c goes on']
    """
    lines = [page.strip().split("\n") for page in pages]
    counts = Counter(head for page in lines for head in {_head(line) for line in _edges(page)})
    # What is between is left out with them.
    running = {head for head, count in counts.items() if count >= max(LEAST_PAGES, len(pages) / 2)} | {""}
    kept = []
    for page in lines:
        start, end = 0, len(page)
        while start < min(end, HEADS) and _head(page[start]) in running:
            start += 1
        while end > max(start, len(page) - HEADS) and _head(page[end - 1]) in running:
            end -= 1
        # A page of nothing else is a form, and no page without a text.
        kept.append("\n".join(page[start:end] or page))
    return kept


def _edges(page: Sequence[str]) -> Sequence[str]:
    """The first and the last lines of a page."""
    return [*page[:HEADS], *page[-HEADS:]]


def _head(line: str) -> str:
    """A line as it is compared: without its numbers."""
    return re.sub(r"\d+", "#", " ".join(line.split()))


def joined(text: str) -> str:
    """A text whose lines end where sentences and paragraphs do.

    >>> joined("The fund buys Euro-\\npean shares\\nof all sizes.\\nCosts: 1 %")
    'The fund buys European shares of all sizes.\\nCosts: 1 %'
    """
    text = "\n".join(" ".join(line.split()) for line in text.replace("\r", "").split("\n"))
    return _LINE.sub(" ", _HAN_LINE.sub("", _HYPHEN.sub("", text)))
