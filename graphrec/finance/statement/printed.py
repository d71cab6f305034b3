"""A statement as Markdown, as HTML for the screen and for paper, and as PDF.

PDF is made by WeasyPrint, which needs the libraries of Pango and fonts with the letters of the text. Where it has
none, a browser prints the HTML, or keeps it as PDF.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from graphrec.errors import UsageError
from graphrec.finance.statement.statement import Element, Statement

_STYLE = """
body { font: 11pt/1.5 Georgia, serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #111; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.05rem; margin: 1.4rem 0 .2rem; }
p, ul { margin: .3rem 0; } ul { padding-left: 1.2rem; }
.missing, .refused { border-left: 4px solid #a00; padding-left: .6rem; }
.small { font-size: .85rem; color: #444; } .line { margin-top: 3rem; border-top: 1px solid #111; padding-top: .3rem; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } section { break-inside: avoid; } }
@page { size: A4; margin: 22mm 20mm; }
"""


@dataclass(frozen=True)
class Page:
    """A statement with what stands around it."""

    statement: Statement
    about: tuple[tuple[str, str], ...]
    """Lines at its head: what, and its value."""
    decision: tuple[str, tuple[str, ...]]
    """A heading, and what was decided."""
    origin: str
    """Entry of the record, model, policy."""
    signature: str


def markdown(page: Page) -> str:
    """The statement as Markdown."""
    found = page.statement
    lines = [f"# {_plain(found.title)}", ""]
    lines += [f"* {_plain(name)}: {_plain(value)}" for name, value in page.about]
    if found.refused is not None:
        lines += ["", f"> **{_plain(found.refused)}**"]
    for heading, element in _sections(page):
        lines += ["", f"## {_plain(heading)}", ""]
        if element.missing:
            lines.append(f"**{_plain(element.text)}**")
            continue
        lead, points = listed(element)
        lines += [_plain(lead)] * bool(lead) + [""] * bool(lead and points) + [f"* {_plain(one)}" for one in points]
    lines += [
        "",
        *(f"*{_plain(one)}*\n" for one in found.notices),
        _plain(page.origin),
        "",
        f"{_plain(page.signature)}: ____",
    ]
    return "\n".join(lines) + "\n"


def html(page: Page) -> str:
    """The statement as one HTML page without anything from elsewhere, to be read or printed."""
    found = page.statement
    refused = "" if found.refused is None else f'<p class="refused"><b>{escape(found.refused)}</b></p>\n'
    about = "".join(f"<p>{escape(name)}: <b>{escape(value)}</b></p>\n" for name, value in page.about)
    sections = "".join(
        f"<section><h2>{escape(heading)}</h2>\n{_section(element)}</section>\n" for heading, element in _sections(page)
    )
    notices = "".join(f'<p class="small">{escape(one)}</p>\n' for one in (*found.notices, page.origin))
    return (
        f'<!doctype html>\n<html lang="{escape(found.language)}">\n<head><meta charset="utf-8">'
        f"<title>{escape(found.title)}: {escape(found.name)}</title><style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>{escape(found.title)}</h1>\n{about}{refused}{sections}{notices}"
        f'<p class="line">{escape(page.signature)}</p>\n</body>\n</html>\n'
    )


def pdf(text: str) -> bytes:
    """The HTML of a statement as PDF, the same bytes for the same text, libraries and fonts.

    Raises:
        UsageError: the machine has not the libraries of Pango, or no font with the letters of the text.
    """
    try:
        from weasyprint import HTML
    except OSError as error:
        raise UsageError(
            f"PDF needs the libraries of Pango, which are not here ({str(error).partition(':')[0]}); run: apt-get "
            "install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, or print the HTML (--format html) in a "
            "browser"
        ) from None
    log, gaps = logging.getLogger("weasyprint"), _Gaps()
    log.addHandler(gaps)
    try:
        made = HTML(string=text).write_pdf()
    finally:
        log.removeHandler(gaps)
    if gaps.said:
        raise UsageError(
            f"no font here has the letters of the text ({gaps.said[0]}); install one, for Chinese apt-get install "
            "fonts-noto-cjk, or print the HTML (--format html) in a browser"
        )
    assert isinstance(made, bytes), "without a target it gives bytes"
    return made


class _Gaps(logging.Handler):
    """What WeasyPrint says of letters that no font has."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if "notdef" in said:
            self.said.append(said.rpartition(": ")[2])


def listed(element: Element) -> tuple[str, tuple[str, ...]]:
    """What stands as a paragraph, and then point by point: sentences about products that are compared, one each.

    >>> listed(Element("Two: A. B.", sentences=("Two:", "A.", "B.")))
    ('Two:', ('A.', 'B.'))
    >>> listed(Element("A. B.", sentences=("A.", "B.")))
    ('A. B.', ())
    """
    first, *points = element.sentences or ("",)
    if not first.endswith((":", "：")) or not points:
        return element.text, ()
    return first, tuple(points)


def _section(element: Element) -> str:
    lead, points = listed(element)
    paragraph = f"<p{' class=missing' if element.missing else ''}>{escape(lead)}</p>"
    return paragraph + ("<ul>" + "".join(f"<li>{escape(one)}</li>" for one in points) + "</ul>" if points else "")


def _sections(page: Page) -> Iterator[tuple[str, Element]]:
    found = page.statement
    for name, element in found.elements.items():
        yield found.headings[name], element
    heading, said = page.decision
    yield heading, Element(" ".join(said))


def _plain(text: str) -> str:
    """A text with its own marks of Markdown taken literally, on one line."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in " ".join(text.split()))
