"""A risk model as points: bins of columns, and of pairs of columns, each with what it adds to the log-odds.

    logit p(u) = base + sum over parts c of  points_c[bin of u in c]

A part reads one column or two. What it adds is its line, so that base and lines are the logit, and a probability has a
ledger like a score. Files are read and rows are scored with numpy alone.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import Damaged
from graphrec.files import whole_file
from graphrec.metrics.probabilities import sigmoid

Floats = NDArray[np.float64]
#: A column of a table: numbers (NaN is missing) or texts (None or "" is missing).
Values = NDArray[Any]
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Axis:
    """How a column becomes bins; bin 0 holds what is missing."""

    name: str
    edges: Floats | None
    """Of a number, ascending: a value is above each edge that it reaches; None: a text."""
    levels: tuple[str, ...] = ()
    """Of a text: its values from bin 1 on; one that no fit has seen is in the last bin."""

    @property
    def size(self) -> int:
        """How many bins there are."""
        return 2 + (len(self.levels) if self.edges is None else len(self.edges))

    def bins(self, values: Values) -> NDArray[np.int64]:
        """The bin of each row."""
        if self.edges is None:
            places = {text: place for place, text in enumerate(self.levels, start=1)}
            texts = ["" if one is None else str(one) for one in values]
            return np.array([places.get(one, self.size - 1) if one else 0 for one in texts], np.int64)
        numbers = np.asarray(values, np.float64)
        found = 1 + np.searchsorted(self.edges, numbers, side="right")
        return np.where(np.isnan(numbers), 0, found).astype(np.int64)

    def said(self, place: int) -> str:
        """A bin in words."""
        if place == 0:
            return "not known"
        if self.edges is None:
            return self.levels[place - 1] if place <= len(self.levels) else "another one"
        if not len(self.edges):
            return "known"
        if place == 1:
            return f"below {self.edges[0]:g}"
        if place == self.size - 1:
            return f"{self.edges[-1]:g} or more"
        return f"{self.edges[place - 2]:g} to below {self.edges[place - 1]:g}"


@dataclass(frozen=True, eq=False)
class Part:
    """The points of the bins of one column, or of the pairs of bins of two."""

    axes: tuple[Axis, ...]
    points: Floats

    @property
    def name(self) -> str:
        """Its columns."""
        return " and ".join(axis.name for axis in self.axes)

    def bins(self, table: Mapping[str, Values]) -> tuple[NDArray[np.int64], ...]:
        """For each axis the bin of each row."""
        return tuple(axis.bins(table[axis.name]) for axis in self.axes)

    def without(self, texts: Collection[str]) -> "Part":
        """The part without the bins of these texts; itself where it has none of them."""
        axes, points = list(self.axes), self.points
        for place, axis in enumerate(self.axes):
            gone = [number for number, level in enumerate(axis.levels, start=1) if level in texts]
            if gone:
                axes[place] = replace(axis, levels=tuple(one for one in axis.levels if one not in texts))
                points = np.delete(points, gone, axis=place)
        return self if points is self.points else Part(tuple(axes), points)


@dataclass(frozen=True, eq=False)
class Scorecard:
    """A fitted model."""

    base: float
    parts: tuple[Part, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(dict.fromkeys(axis.name for part in self.parts for axis in part.axes))

    def lines(self, table: Mapping[str, Values]) -> Floats:
        """(rows, parts) what each part adds to the logit of each row."""
        found = [part.points[part.bins(table)] for part in self.parts]
        return np.stack(found, axis=1) if found else np.zeros((len(next(iter(table.values()))), 0))

    def logits(self, table: Mapping[str, Values]) -> Floats:
        """base + lines of each row."""
        found: Floats = self.base + self.lines(table).sum(axis=1)
        return found

    def probabilities(self, table: Mapping[str, Values]) -> Floats:
        """Of the event, for each row."""
        return sigmoid(self.logits(table))

    def scaled(self, slope: float, level: float) -> "Scorecard":
        """The model whose logit is slope times this one's, plus level: every line takes the slope."""
        parts = tuple(replace(part, points=slope * part.points) for part in self.parts)
        return Scorecard(slope * self.base + level, parts)

    def without(self, texts: Collection[str]) -> "Scorecard":
        """The model that does not know these values of columns of texts: they are read like ones that no fit has seen.

        The model itself where it knows none of them.
        """
        parts = tuple(part.without(texts) for part in self.parts)
        return self if parts == self.parts else replace(self, parts=parts)

    def write(self, file: Path, about: Mapping[str, Any]) -> None:
        """Write it as safetensors; the same model and `about` give the same bytes.

        Raises:
            Unwritable: the folder is full or read-only.
        """
        from safetensors.numpy import save

        arrays: dict[str, NDArray[Any]] = {"base": np.array([self.base])}
        parts = []
        for number, part in enumerate(self.parts):
            arrays[f"{number}.points"] = np.ascontiguousarray(part.points)
            for place, axis in enumerate(part.axes):
                if axis.edges is not None:
                    arrays[f"{number}.{place}.edges"] = axis.edges
            parts.append([{"name": axis.name, "levels": axis.levels} for axis in part.axes])
        text = json.dumps({"format": FORMAT, "parts": parts, "about": about}, ensure_ascii=False, sort_keys=True)
        with whole_file(file) as temporary:
            temporary.write_bytes(save(arrays, {"graphrec": text}))

    @classmethod
    def read(cls, file: Path) -> "tuple[Scorecard, Mapping[str, Any]]":
        """The model in a file, and what was written about it.

        Raises:
            Damaged: the file is not what was written.
            FileNotFoundError: there is none.
        """
        from safetensors import SafetensorError, safe_open

        if not file.is_file():
            raise FileNotFoundError(file)
        try:
            with safe_open(file, framework="np") as opened:
                header = json.loads(opened.metadata()["graphrec"])
                arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            if header["format"] != FORMAT:
                raise ValueError(f"format {header['format']}")
            parts = []
            for number, axes in enumerate(header["parts"]):
                made = tuple(
                    Axis(one["name"], arrays.get(f"{number}.{place}.edges"), tuple(one["levels"]))
                    for place, one in enumerate(axes)
                )
                points = arrays[f"{number}.points"]
                if points.shape != tuple(axis.size for axis in made):
                    raise ValueError(f"part {number} has {points.shape} points")
                parts.append(Part(made, points))
            return cls(float(arrays["base"][0]), tuple(parts)), header["about"]
        except (SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
            raise Damaged(f"{file} is damaged ({error}); run graphrec risk fit again") from None


def taken(table: Mapping[str, Values], rows: Any) -> dict[str, Values]:
    """Some rows of a table."""
    return {name: values[rows] for name, values in table.items()}


def names_of(table: Mapping[str, Values]) -> Sequence[str]:
    """The columns of texts of a table."""
    return [name for name, values in table.items() if values.dtype.kind in "OUS"]
