"""A picture of outcomes: one bar a group with its interval, as SVG that needs no other file."""

from collections.abc import Sequence
from html import escape

from graphrec.outcomes.tables import Group

_ROW, _LEFT, _WIDTH, _RIGHT, _TOP = 30, 190, 460, 150, 46


def picture(groups: Sequence[Group], control: Group | None, title: str) -> str:
    """Acceptance of groups and of the control, drawn to one scale that begins at 0.

    Args:
        groups: in the order in which they are drawn.
        title: of the picture.
    """
    rows = [*groups, *([] if control is None else [control])]
    most = max((one.high for one in rows), default=0.0) or 1.0
    height = _TOP + _ROW * len(rows) + 30
    width = _LEFT + _WIDTH + _RIGHT
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'role="img" font-family="system-ui, sans-serif" font-size="13">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="15" font-weight="600" fill="#1b1b1b">{escape(title)}</text>',
    ]
    for number, one in enumerate(rows):
        parts += _bar(one, _TOP + number * _ROW, most, is_control=one is control)
    parts.append(
        f'<text x="{_LEFT}" y="{height - 10}" fill="#555555">0 to {most:.1%} accepted; whiskers: 95 %</text></svg>'
    )
    return "\n".join(parts) + "\n"


def _bar(one: Group, top: int, most: float, *, is_control: bool) -> list[str]:
    def across(rate: float) -> float:
        return round(_LEFT + _WIDTH * rate / most, 1)

    colour, middle = ("#8a8a8a" if is_control else "#2f6f9f"), top + _ROW / 2
    low, high = across(one.low), across(one.high)
    name = one.value if len(one.value) <= 24 else f"{one.value[:23]}…"
    whisker = f'stroke="#1b1b1b" stroke-width="1.5" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"'
    ends = "".join(
        f'<line stroke="#1b1b1b" stroke-width="1.5" x1="{x}" x2="{x}" y1="{middle - 5}" y2="{middle + 5}"/>'
        for x in (low, high)
    )
    return [
        f'<text x="{_LEFT - 10}" y="{middle + 4}" text-anchor="end" fill="#1b1b1b">{escape(name)}</text>',
        (
            f'<rect x="{_LEFT}" y="{top + 6}" width="{round(across(one.rate) - _LEFT, 1)}" height="{_ROW - 12}" '
            f'fill="{colour}"/>'
        ),
        f"<line {whisker}/>{ends}",
        f'<text x="{_LEFT + _WIDTH + 12}" y="{middle + 4}" fill="#1b1b1b">{one.rate:.1%} of {one.shown:,}</text>',
    ]
