"""A page that needs nothing but itself: text, tables and drawings in one file; no script, no link, no font."""

from collections.abc import Sequence
from html import escape

from graphrec.metrics.intervals import Interval

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f3f4f6; color: #1f2937; }
body { font: 15px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 880px; margin: 0 auto; padding: 28px 20px 60px; }
section, header { background: #fff; border: 1px solid #e5e7eb; border-radius: 10px; }
section, header { padding: 20px 26px; margin: 0 0 18px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 19px; margin: 0 0 8px; }
h3 { font-size: 15px; margin: 22px 0 6px; }
p { margin: 6px 0 12px; max-width: 76ch; }
p.lead { font-size: 17px; }
.small, .interval { color: #6b7280; font-size: 12.5px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 16px 0 4px; }
.card { border: 1px solid #e5e7eb; border-radius: 8px; padding: 10px 14px; background: #f9fafb; }
.card b { display: block; font-size: 25px; line-height: 1.2; color: #0072B2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 8px 0 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px 4px 0; text-align: right; vertical-align: top; border-bottom: 1px solid #eef0f3; }
th { font-weight: 600; border-bottom: 1px solid #d1d5db; }
th, td { white-space: nowrap; }
th.words, td.words { text-align: left; }
td.words { white-space: normal; }
td.words:first-child { min-width: 130px; }
details { margin: 12px 0 0; }
summary { cursor: pointer; font-weight: 600; color: #0072B2; }
svg { display: block; width: 100%; height: auto; margin: 10px 0 4px; font-family: inherit; }
.warn { border-left: 4px solid #E69F00; padding: 6px 14px; background: #fdf6e7; }
code { font-size: 12.5px; overflow-wrap: anywhere; }
@media print { body { background: #fff; } section, header { border: 0; break-inside: avoid-page; } }
"""


def page(title: str, parts: Sequence[str]) -> str:
    """The whole document."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """A part of the page with a heading; nothing when it has no content."""
    body = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(title)}</h2>\n{body}</section>" if body else ""


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """A heading inside a section."""
    return f"<h3>{escape(text)}</h3>"


def cards(entries: Sequence[tuple[str, str]]) -> str:
    """Numbers in boxes: (what is shown large, what it is)."""
    boxes = (f'<div class="card"><b>{escape(value)}</b>{escape(what)}</div>' for value, what in entries)
    return f'<div class="cards">{"".join(boxes)}</div>'


def folded(title: str, text: str) -> str:
    """What is shown when somebody asks for it."""
    return f"<details><summary>{escape(title)}</summary>{text}</details>" if text else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str | Interval]], *, left: Sequence[int] = (0,)) -> str:
    """A table; an interval is a value with its ends in small type. The columns in `left` hold words."""
    side = [' class="words"' if place in left else "" for place in range(len(columns))]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(columns, side, strict=True))
    body = "".join(f"<tr>{''.join(map(_cell, row, side))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(cell: str | Interval, side: str) -> str:
    if isinstance(cell, str):
        return f"<td{side}>{escape(cell)}</td>"
    return f'<td>{cell.value:.4f} <span class="interval">({cell.low:.4f} to {cell.high:.4f})</span></td>'
