"""Plain sentences out of texts and HTML."""

import re
from html.parser import HTMLParser

_SKIPPED = {
    "script",
    "style",
    "template",
    "noscript",
    "head",
    "nav",
    "footer",
    "aside",
    "form",
    "button",
    "select",
    "svg",
}
_PARTS_OF_A_SITE = {"navigation", "contentinfo", "complementary", "search", "banner"}
"""Roles of what a page has around its text."""
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_BEGINS = {"body", "main", "article"}
"""What is read, even where something before it was never closed."""
_BLOCKS = {"p", "div", "br", "li", "tr", "td", "h1", "h2", "h3", "h4", "section", "article", "ul", "ol", "table"}
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'“(A-Z\u00c0-\u00de0-9])|(?<=[。！？；])|\n+")
#: Words with a point that end no sentence.
_SHORT = re.compile(
    r"\b(?:[A-Z]|(?i:Inc|Corp|Co|Ltd|Plc)|Mr|Mrs|Ms|Dr|Prof|St|No|vs|Jr|U\.S|z\.B|d\.h|u\.a|p\.a|bzw|ca|"
    r"Nr|Mio|Mrd|Tsd)\.$"
)
_DAY = re.compile(r"\b\d{1,2}\.$")
_AFTER_DAY = re.compile(
    r"(?:Jan|Feb|März|Mär|Apr|Mai|Juni?|Juli?|Aug|Sep|Okt|Nov|Dez|Quartal|Halbjahr|Jahrhundert)(?:uar|ruar|il|ust|tember|"
    r"ober|ember|s)?\b"
)


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipped, self._depth = "", 0
        """The tag of what is left out now, and how many of it are open."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BEGINS:
            self._skipped, self._depth = "", 0
        if self._skipped:
            self._depth += tag == self._skipped
        elif tag in _SKIPPED or (tag not in _VOID and _is_around(dict(attrs))):
            self._skipped, self._depth = tag, 1
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, _: object) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._depth -= 1
            self._skipped = self._skipped if self._depth else ""
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(data)


def _is_around(attributes: dict[str, str | None]) -> bool:
    """Whether an element is no part of the text: navigation, a banner, or something that nobody sees."""
    return (
        attributes.get("role") in _PARTS_OF_A_SITE
        or "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or "display:none" in (attributes.get("style") or "").replace(" ", "")
    )


def plain(html: str) -> str:
    """The text of an HTML page, a line a block, without scripts, styles, navigation, footers and what is hidden."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def sentences(text: str) -> list[str]:
    """The sentences of a text, their spaces in order.

    >>> sentences("Apple Inc. rose. It fell 2.5 % later.\\n公司上涨。利润下降。")
    ['Apple Inc. rose.', 'It fell 2.5 % later.', '公司上涨。', '利润下降。']
    >>> sentences("Am 3. Mai stieg die MEYER GMBH & CO. KG.")
    ['Am 3. Mai stieg die MEYER GMBH & CO. KG.']
    """
    found: list[str] = []
    for part in _END.split(text):
        piece = " ".join(part.split())
        if not piece:
            continue
        if found and (_SHORT.search(found[-1]) or (_DAY.search(found[-1]) and _AFTER_DAY.match(piece))):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found
