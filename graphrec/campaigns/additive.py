r"""Who responds: a logistic model that is a sum over columns, each cut into bins on the fit's rows alone.

    logit p(u) = base + sum over columns c of  w_c[bin of u in c]

fitted with a ridge penalty on w by Newton's method:

    minimise  -sum_u [y_u z_u - log(1 + exp z_u)] + (ridge / 2) penalty(w)

where the penalty of a text is the sum of its squared weights, and that of a number mostly the sum of the squares of
what neighbouring bins differ by, times the number of these steps: its line is smooth, and an even rise costs the same
in two bins as in sixty.

Every w is centred on the rows of the fit, so that `base` is the logit of an average row and a line says by how much a
column moves a row from it; base and lines add up to the logit.

Source: Hastie, Tibshirani, Friedman (2009), The Elements of Statistical Learning, sections 4.4 and 9.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.probabilities import sigmoid

Floats = NDArray[np.float64]
#: A column of a table: numbers (NaN is missing) or texts (None or "" is missing).
Values = NDArray[Any]

BINS = 64
"""Bins of a number at most, of equal counts."""
LEAST = 20
"""Rows of a text that get a bin of their own; rarer ones share one."""
RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Penalties that a choice tries."""
RIDGES_BESIDE = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""Those for a model beside another one: groups differ by less than customers do."""
LEVEL = 0.05
"""Part of the penalty of a number that draws its bins to 0; the rest draws each to its neighbours."""
_STEPS, _CLOSE = 100, 1e-8


@dataclass(frozen=True)
class Cut:
    """How one column becomes bins; bin 0 holds what is missing or was not seen."""

    name: str
    edges: tuple[float, ...] | None
    """Of a number: upper ends of all bins but the last; None: a text."""
    levels: tuple[str, ...] = ()
    """Of a text: those with a bin of their own, from bin 1 on; the rarer ones share the last bin."""

    @classmethod
    def of(cls, name: str, values: Values) -> "Cut":
        """The bins of a column on the rows of a fit."""
        if values.dtype.kind in "OUS":
            texts, counts = np.unique(_texts(values), return_counts=True)
            kept = [str(one) for one, count in zip(texts, counts, strict=True) if one and count >= LEAST]
            return cls(name, None, tuple(kept))
        known = np.asarray(values, np.float64)
        known = known[np.isfinite(known)]
        if not len(known):
            return cls(name, ())
        ends = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1], method="lower")
        return cls(name, tuple(float(one) for one in np.unique(ends) if one < known.max()))

    @property
    def size(self) -> int:
        """How many bins there are."""
        return 2 + (len(self.levels) if self.edges is None else len(self.edges))

    def bins(self, values: Values) -> NDArray[np.int64]:
        """The bin of each row."""
        if self.edges is None:
            places = {text: place for place, text in enumerate(self.levels, start=1)}
            return np.array([places.get(one, self.size - 1) if one else 0 for one in _texts(values)], np.int64)
        numbers = np.asarray(values, np.float64)
        found = 1 + np.searchsorted(np.array(self.edges), numbers, side="left")
        return np.where(np.isfinite(numbers), found, 0).astype(np.int64)

    def said(self, place: int) -> str:
        """A bin in words."""
        if place == 0:
            return "not known"
        if self.edges is None:
            return self.levels[place - 1] if place <= len(self.levels) else "another one"
        if not self.edges:
            return "known"
        if place == 1:
            return f"up to {self.edges[0]:g}"
        if place == self.size - 1:
            return f"above {self.edges[-1]:g}"
        return f"above {self.edges[place - 2]:g}, up to {self.edges[place - 1]:g}"


@dataclass(frozen=True, eq=False)
class Additive:
    """A fitted model."""

    cuts: tuple[Cut, ...]
    weights: tuple[Floats, ...]
    """For each column the weight of each bin, centred on the rows of the fit."""
    base: float
    ridge: float
    rows: int
    positives: int

    def lines(self, table: Mapping[str, Values]) -> Floats:
        """(rows, columns) what each column adds to the logit of each row."""
        parts = [weight[cut.bins(table[cut.name])] for cut, weight in zip(self.cuts, self.weights, strict=True)]
        return np.stack(parts, axis=1) if parts else np.zeros((len(next(iter(table.values()))), 0))

    def logits(self, table: Mapping[str, Values]) -> Floats:
        """base + lines of each row."""
        found: Floats = self.base + self.lines(table).sum(axis=1)
        return found

    def probabilities(self, table: Mapping[str, Values]) -> Floats:
        """Of a response, for each row."""
        return sigmoid(self.logits(table))

    def to_json(self) -> dict[str, Any]:
        """The model as plain values."""
        columns = [
            {"name": cut.name, "edges": cut.edges, "levels": cut.levels, "weights": weight.tolist()}
            for cut, weight in zip(self.cuts, self.weights, strict=True)
        ]
        return {
            "base": self.base,
            "ridge": self.ridge,
            "rows": self.rows,
            "positives": self.positives,
            "columns": columns,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Additive":
        """The model that `to_json` wrote."""
        cuts = tuple(
            Cut(one["name"], None if one["edges"] is None else tuple(one["edges"]), tuple(one["levels"]))
            for one in plain["columns"]
        )
        weights = tuple(np.array(one["weights"], np.float64) for one in plain["columns"])
        return cls(cuts, weights, plain["base"], plain["ridge"], plain["rows"], plain["positives"])


def fit(
    table: Mapping[str, Values],
    response: NDArray[np.bool_],
    *,
    ridge: float | None = None,
    ordered: bool = False,
    beside: Additive | None = None,
) -> Additive:
    """The model of a table.

    Args:
        table: columns by name, a row a customer.
        response: (rows,) whether each responded.
        ridge: None: the one of RIDGES, or RIDGES_BESIDE, that predicts held-out rows best.
        ordered: rows are in the order of time: then later rows are predicted from earlier ones to choose it.
        beside: a model of more rows, such as those of the other group too; the penalty then draws to it in place of 0,
            so that the new model differs from it only where its own rows say so.
    """
    if ridge is None:
        ridge = _chosen(table, response, ordered=ordered, beside=beside)
    newton = _Newton.of(table, response, beside)
    newton.solve(ridge, _CLOSE)
    return newton.model(ridge)


def auc(scores: Floats, response: NDArray[np.bool_]) -> float:
    """The chance that one who responds scores above one who does not; ties count half.

    >>> auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    ones = int(response.sum())
    zeros = len(response) - ones
    if not ones or not zeros:
        return 0.5
    return float((ranks[response].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def log_loss(logits: Floats, response: NDArray[np.bool_]) -> float:
    """Mean of -log p of what happened."""
    return float(np.mean(np.logaddexp(0.0, logits) - response * logits))


def _chosen(
    table: Mapping[str, Values], response: NDArray[np.bool_], *, ordered: bool, beside: Additive | None
) -> float:
    """The penalty with the least log loss on rows that its fits did not see."""
    rows = len(response)
    if ordered:
        folds = [
            (np.arange(rows * part // 4), np.arange(rows * part // 4, rows * (part + 1) // 4)) for part in (1, 2, 3)
        ]
    else:
        parts = np.random.default_rng(0).permutation(rows) % 4
        folds = [(np.flatnonzero(parts != part), np.flatnonzero(parts == part)) for part in range(3)]
    ridges = RIDGES if beside is None else RIDGES_BESIDE
    losses = np.zeros(len(ridges))
    for seen, held in folds:
        if not 0 < response[seen].sum() < len(seen):
            continue
        part, other = _rows(table, seen), _rows(table, held)
        newton = _Newton.of(part, response[seen], beside)
        for place in reversed(range(len(ridges))):
            newton.solve(ridges[place], 1e-4)
            model = newton.model(ridges[place])
            losses[place] += log_loss(model.logits(other), response[held]) * len(held)
    return ridges[int(np.argmin(losses))]


@dataclass(eq=False)
class _Newton:
    """Newton's method on the bins of some rows; the curvature is computed anew only where steps stop shrinking."""

    cuts: tuple[Cut, ...]
    places: NDArray[np.int64]
    """(rows, columns) the weight that each column of a row reads."""
    width: int
    y: Floats
    penalty: Floats
    """(width, width) of which half w' penalty w, times the ridge, is added to the loss."""
    start: Floats
    """(width,) the weights that the penalty draws to."""
    w: Floats
    """(width,) what is added to them."""
    base: float
    curvature: Floats | None = None

    @classmethod
    def of(cls, table: Mapping[str, Values], response: NDArray[np.bool_], beside: Additive | None) -> "_Newton":
        """A start at a model beside, or at the mean response."""
        cuts = tuple(Cut.of(name, values) for name, values in table.items()) if beside is None else beside.cuts
        starts = np.cumsum([0, *(cut.size for cut in cuts)])
        places = np.stack([cut.bins(table[cut.name]) + at for cut, at in zip(cuts, starts, strict=False)], axis=1)
        rows = len(response)
        rate = min(max(float(response.mean()), 0.5 / rows), 1 - 0.5 / rows)
        width = int(starts[-1])
        start = np.zeros(width) if beside is None else np.concatenate(beside.weights)
        base = float(np.log(rate / (1 - rate))) if beside is None else beside.base
        return cls(cuts, places, width, response.astype(np.float64), _penalty(cuts), start, np.zeros(width), base)

    def solve(self, ridge: float, close: float) -> None:
        """Go to the optimum of a penalty from where it is."""
        penalty = np.zeros((self.width + 1, self.width + 1))
        penalty[:-1, :-1] = ridge * self.penalty
        penalty[-1, -1] = 1e-9
        logits = self._logits()
        loss, before = self._loss(logits, ridge), np.inf
        for _ in range(_STEPS):
            p = sigmoid(logits)
            error = self.y - p
            sums = np.zeros(self.width)
            for column in range(self.places.shape[1]):
                sums += np.bincount(self.places[:, column], error, minlength=self.width)
            gradient = np.append(sums, error.sum()) - penalty @ np.append(self.w, 0.0)
            if self.curvature is None:
                self.curvature = self._curved(np.maximum(p * (1 - p), 1e-12))
            step = np.linalg.solve(self.curvature + penalty, gradient)
            size = float(np.abs(step).max())
            w, base, part = self.w, self.base, 1.0
            while True:
                self.w, self.base = w + part * step[:-1], base + part * float(step[-1])
                logits = self._logits()
                found = self._loss(logits, ridge)
                if found <= loss + 1e-12 * abs(loss) or part < 1e-4:
                    break
                part /= 2
            if size < close:
                return
            if size > 0.5 * before or part < 1:
                self.curvature = None
            loss, before = found, size

    def _logits(self) -> Floats:
        found: Floats = self.base + (self.start + self.w)[self.places].sum(axis=1)
        return found

    def _loss(self, logits: Floats, ridge: float) -> float:
        return log_loss(logits, self.y > 0) * len(self.y) + 0.5 * ridge * float(self.w @ self.penalty @ self.w)

    def _curved(self, curve: Floats) -> Floats:
        """The second derivatives of the log loss."""
        dense = np.zeros((len(curve), self.width + 1))
        dense[np.arange(len(curve))[:, None], self.places] = np.sqrt(curve)[:, None]
        dense[:, -1] = np.sqrt(curve)
        found: Floats = dense.T @ dense
        return found

    def model(self, ridge: float) -> Additive:
        """What was fitted, centred on its rows."""
        weights, middle, start, found = [], self.base, 0, self.start + self.w
        for column, cut in enumerate(self.cuts):
            own = found[start : start + cut.size]
            mean = float(found[self.places[:, column]].mean())
            middle += mean
            weights.append(own - mean)
            start += cut.size
        return Additive(self.cuts, tuple(weights), middle, ridge, len(self.y), int(self.y.sum()))


def _penalty(cuts: Sequence[Cut]) -> Floats:
    """The penalty matrix of all columns: differences of neighbouring bins of a number, every level of a text."""
    width = sum(cut.size for cut in cuts)
    found = np.zeros((width, width))
    start = 0
    for cut in cuts:
        own = np.eye(cut.size)
        if cut.edges is not None:
            steps = np.diff(np.eye(cut.size)[1:], axis=0)  # bin 0 is what is not known
            # An even rise from the lowest bin to the highest costs the same however many bins there are.
            own = LEVEL * own / (cut.size - 1) + (1 - LEVEL) * len(steps) * steps.T @ steps
            own[0, 0] = 1.0
        found[start : start + cut.size, start : start + cut.size] = own
        start += cut.size
    return found


def _texts(values: Values) -> list[str]:
    return ["" if one is None else str(one) for one in values]


def _rows(table: Mapping[str, Values], rows: NDArray[Any]) -> dict[str, Values]:
    return {name: values[rows] for name, values in table.items()}
