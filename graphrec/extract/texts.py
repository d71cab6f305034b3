"""Plain sentences out of texts and HTML."""

import re
from html.parser import HTMLParser

_SKIPPED = {"script", "style", "template", "noscript", "head"}
_BLOCKS = {"p", "div", "br", "li", "tr", "td", "h1", "h2", "h3", "h4", "section", "article", "ul", "ol", "table"}
_END = re.compile(r"(?<=[.!?])\s+(?=[\"'“(A-Z\u00c0-\u00de0-9])|(?<=[。！？；])|\n+")
#: Words with a point that end no sentence.
_SHORT = re.compile(r"\b(?:[A-Z]|Inc|Corp|Co|Ltd|Mr|Mrs|Ms|Dr|St|No|vs|Jr|U\.S|z\.B|d\.h|bzw|ca|Nr)\.$")


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, _: object) -> None:
        self._skipped += tag in _SKIPPED
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in _SKIPPED and self._skipped > 0
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(data)


def plain(html: str) -> str:
    """The text of an HTML page, without scripts and styles, a line a block."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def sentences(text: str) -> list[str]:
    """The sentences of a text, their spaces in order.

    >>> sentences("Apple Inc. rose. It fell 2.5 % later.\\n公司上涨。利润下降。")
    ['Apple Inc. rose.', 'It fell 2.5 % later.', '公司上涨。', '利润下降。']
    """
    found: list[str] = []
    for part in _END.split(text):
        piece = " ".join(part.split())
        if not piece:
            continue
        if found and _SHORT.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found
