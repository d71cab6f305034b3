"""Small charts as SVG text: intervals in rows, stacked parts, curves. Numbers in, markup out; no script, no font."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, cycle
from math import ceil, floor, isfinite, log10

from graphrec.metrics.intervals import Interval

#: Colours that people with any colour vision tell apart (Okabe and Ito, 2008), then greys for what one compares with.
MODEL, SECOND, THIRD, FOURTH, FIFTH = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"
GREYS = ("#6b7280", "#a3a9b3", "#c9cdd4", "#dfe2e7")
PALETTE = (MODEL, SECOND, THIRD, FOURTH, FIFTH, GREYS[0], GREYS[1])
WIDTH = 760
_INK, _LINES = "#374151", "#e5e7eb"


@dataclass(frozen=True)
class Mark:
    """One value with its interval in a row of a chart."""

    name: str
    interval: Interval


@dataclass(frozen=True)
class Series:
    """Points of a curve: (x, y); `band` holds the y intervals, or nothing."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Spot:
    """A point that a curve's reader should look at."""

    text: str
    at: tuple[float, float]


def rows_of_intervals(
    rows: Sequence[tuple[str, Sequence[Mark]]], *, title: str, percent: bool = False, low: float | None = 0.0
) -> str:
    """A group of dots with their intervals per row, the first mark of a row in colour."""
    values = [end for _, marks in rows for mark in marks for end in (mark.interval.low, mark.interval.high)]
    scale = _Scale.of([*values, *([] if low is None else [low])], 190, WIDTH - 70)
    names = list(dict.fromkeys(mark.name for _, marks in rows for mark in marks))
    colours = dict(zip(names, chain([MODEL], cycle((*GREYS, *PALETTE[1:5]))), strict=False))
    body, y = [], 34.0
    for label, marks in rows:
        middle = y + 15 * (len(marks) - 1) / 2
        body.append(_text(180, middle + 4, label, anchor="end"))
        for mark in marks:
            left, right, at = (scale.at(end) for end in (mark.interval.low, mark.interval.high, mark.interval.value))
            colour = colours[mark.name]
            body.append(f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="{colour}" '
                        'stroke-width="3" stroke-linecap="round" opacity="0.55"/>')  # fmt: skip
            body.append(f'<circle cx="{at:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')
            body.append(_text(right + 9, y + 4, _number(mark.interval.value, percent=percent), size=11))
            y += 15
        y += 13
    grid = _vertical_grid(scale, 22, y - 8, percent=percent)
    if len(names) == 1:
        return _svg(y + 6, title, [*grid, *body])
    legend, below = _legend([(name, colours[name]) for name in names], y + 26)
    return _svg(below, title, [*grid, *body, legend])


def stacked(parts: Sequence[tuple[str, float]], *, title: str) -> str:
    """One bar of parts of a whole; what is below 0 stands left of it."""
    known = [(name, value) for name, value in parts if abs(value) >= 0.0005]
    left, right = min(0.0, sum(min(v, 0) for _, v in known)), max(1.0, sum(max(v, 0) for _, v in known))
    scale = _Scale(left, right, 10, WIDTH - 10)
    body, above, below = [], 0.0, 0.0
    colours = dict(zip((name for name, _ in known), cycle(PALETTE), strict=False))
    for name, value in known:
        start = above if value > 0 else below + value
        x, wide = scale.at(start), scale.at(start + abs(value)) - scale.at(start)
        body.append(f'<rect x="{x:.1f}" y="8" width="{wide:.1f}" height="34" fill="{colours[name]}"/>')
        if wide > 46:
            body.append(_text(x + wide / 2, 30, f"{value:.0%}", anchor="middle", colour="#ffffff", bold=True))
        above, below = (above + value, below) if value > 0 else (above, below + value)
    legend, bottom = _legend([(f"{name} {value:.1%}", colours[name]) for name, value in known], 64)
    return _svg(bottom, title, [*body, legend])


def curves(
    lines: Sequence[Series], *, title: str, x_name: str, y_name: str, spots: Sequence[Spot] = (),
    x_percent: bool = False, y_percent: bool = False, from_zero: bool = False,
    lines_at: Sequence[tuple[float, str]] = (),
) -> str:  # fmt: skip
    """Lines with points and bands over a common pair of axes; `lines_at`: values of x with a name, as upright lines."""
    points = [point for line in lines for point in line.points]
    heights = [y for _, y in points] + [end for line in lines for band in line.band for end in band]
    high = 250.0
    x_scale = _Scale.of([x for x, _ in points] + [x for x, _ in lines_at], 76, WIDTH - 24)
    y_scale = _Scale.of([*heights, *([0.0] if from_zero else [])], high, 24)
    body = _horizontal_grid(y_scale, 76, WIDTH - 24, percent=y_percent)
    body += _axis_values(x_scale, high + 18, percent=x_percent)
    for x, text in lines_at:
        place = x_scale.at(x)
        body.append(f'<line x1="{place:.1f}" y1="24" x2="{place:.1f}" y2="{high}" stroke="{GREYS[0]}" '
                    'stroke-width="1.5" stroke-dasharray="5 4"/>')  # fmt: skip
        body.append(_text(place + 5, 34, text, size=11))
    for line, colour in zip(lines, cycle(PALETTE), strict=False):
        if line.band:
            above = [
                f"{x_scale.at(x):.1f},{y_scale.at(top):.1f}"
                for (x, _), (_, top) in zip(line.points, line.band, strict=True)
            ]
            below = [
                f"{x_scale.at(x):.1f},{y_scale.at(low):.1f}"
                for (x, _), (low, _) in zip(line.points, line.band, strict=True)
            ]
            body.append(f'<polygon points="{" ".join([*above, *reversed(below)])}" fill="{colour}" opacity="0.14"/>')
        path = " ".join(f"{x_scale.at(x):.1f},{y_scale.at(y):.1f}" for x, y in line.points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        dots = line.points if len(line.points) <= 40 else ()
        body += [
            f'<circle cx="{x_scale.at(x):.1f}" cy="{y_scale.at(y):.1f}" r="3.2" fill="{colour}"/>' for x, y in dots
        ]
    for spot in spots:
        x, y = x_scale.at(spot.at[0]), y_scale.at(spot.at[1])
        anchor = "end" if x > 0.85 * WIDTH else "start" if x < 0.25 * WIDTH else "middle"
        body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="#ffffff" stroke="{SECOND}" stroke-width="3.5"/>')
        body.append(_text(x, y + 28 if y < high - 40 else y - 14, spot.text, anchor=anchor, bold=True))
    body.append(_text((76 + WIDTH - 24) / 2, high + 38, x_name, anchor="middle"))
    body.append(_text(14, 12, y_name))
    bottom = high + 48
    if len(lines) > 1:
        names = [(line.name, colour) for line, colour in zip(lines, cycle(PALETTE), strict=False)]
        legend, bottom = _legend(names, high + 62)
        body.append(legend)
    return _svg(bottom, title, body)


@dataclass(frozen=True)
class _Scale:
    """From values to pixels."""

    low: float
    high: float
    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float], first: float, last: float) -> "_Scale":
        """A scale with round ends around the values."""
        known = [value for value in values if isfinite(value)] or [0.0, 1.0]
        low, high = min(known), max(known)
        step = _step(high - low or abs(high) or 1.0)
        return cls(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step or step, first, last)

    def at(self, value: float) -> float:
        return self.first + (value - self.low) / ((self.high - self.low) or 1.0) * (self.last - self.first)

    def ticks(self) -> list[float]:
        step = _step(self.high - self.low)
        first = ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, floor(self.high / step + 1e-9) + 1)]


def _step(span: float) -> float:
    """A round step that divides a span into some four to eight."""
    power = 10.0 ** floor(log10(span / 5)) if span > 0 else 1.0
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if span / (power * factor) <= 7.5)


def _vertical_grid(scale: _Scale, top: float, bottom: float, *, percent: bool) -> list[str]:
    lines = []
    for tick in scale.ticks():
        x = scale.at(tick)
        lines.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="{_LINES}"/>')
        lines.append(_text(x, top - 8, _number(tick, percent=percent, tick=True), anchor="middle", size=11))
    return lines


def _horizontal_grid(scale: _Scale, left: float, right: float, *, percent: bool) -> list[str]:
    lines = []
    for tick in scale.ticks():
        y = scale.at(tick)
        lines.append(f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{_LINES}"/>')
        lines.append(_text(left - 8, y + 4, _number(tick, percent=percent, tick=True), anchor="end", size=11))
    return lines


def _axis_values(scale: _Scale, y: float, *, percent: bool) -> list[str]:
    return [
        _text(scale.at(tick), y, _number(tick, percent=percent, tick=True), anchor="middle", size=11)
        for tick in scale.ticks()
    ]


def _number(value: float, *, percent: bool = False, tick: bool = False) -> str:
    if percent:
        return f"{round(100 * value, 6):.3g}%" if tick else f"{value:.1%}"
    return f"{value:.4g}" if tick else f"{value:.3f}"


def _legend(entries: Sequence[tuple[str, str]], y: float) -> tuple[str, float]:
    """Names with their colours, in as many lines as they need, and where what follows may begin."""
    parts, x = [], 14.0
    for name, colour in entries:
        wide = 34 + 6.6 * len(name)
        if x > 14 and x + wide > WIDTH:
            x, y = 14.0, y + 20
        parts.append(f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="11" height="11" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 16, y, name, size=12))
        x += wide
    return "".join(parts), y + 12


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, colour: str = _INK, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}"{weight}>'
        f"{escape(text)}</text>"
    )


def _svg(height: float, title: str, body: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )
