"""Fitting of a scorecard, and of the models that it is measured beside.

The scorecard is an explainable boosting machine of `interpret`: shallow trees on one column at a time, then on pairs,
each a function of its bins. It is fitted once for each of FOLDS parts of the rows, without that part, and the mean of
these is the model; the rows of a part are scored by the fit that did not see them, and slope and level of the
probability come from those scores:

    p(u) = sigmoid(slope * logit(u) + level)                       Platt, Advances in Large Margin Classifiers (1999)

Sources: Lou, Caruana, Gehrke, Hooker, KDD 2013; Nori, Jenkins, Koch, Caruana, arXiv:1909.09223.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.finance.credit.scorecard import Axis, Floats, Part, Scorecard, Values, names_of
from graphrec.metrics.probabilities import sigmoid

Flags = NDArray[np.bool_]
Fitted = Callable[[Mapping[str, Values]], Floats]
"""Probabilities of the rows of a table."""

FOLDS = 8
PAIRS = 10
"""Pairs of columns, at most."""
_ROUNDS = 400
_PENALTY = 1.0


@dataclass(frozen=True, eq=False)
class Fit:
    """A scorecard, and what it says of rows that its fits did not see."""

    scorecard: Scorecard
    held_out: Floats
    """Probability of each row by the fit without it."""


def folds(target: Flags, count: int, seed: int) -> NDArray[np.int64]:
    """The part of each row, with as many of both outcomes in each.

    >>> sorted(folds(np.array([True, True, False, False]), 2, 0)[:2].tolist())
    [0, 1]
    """
    random, found = np.random.default_rng(seed), np.zeros(len(target), np.int64)
    for outcome in (True, False):
        rows = random.permutation(np.flatnonzero(target == outcome))
        found[rows] = np.arange(len(rows)) % count
    return found


def fit(
    table: Mapping[str, Values],
    target: Flags,
    *,
    monotone: Mapping[str, int] | None = None,
    pairs: int = PAIRS,
    seed: int = 0,
) -> Fit:
    """The scorecard of a table, calibrated on rows that its fits did not see.

    Args:
        table: columns by name, a row a case.
        target: (rows,) whether it happened.
        monotone: columns with 1 (more of it, more likely) or -1; they enter no pair.
        pairs: how many pairs of columns, at most.
        seed: of the folds and of the boosting.

    Raises:
        MissingExtra: `interpret` is not installed.
    """
    parts = folds(target, FOLDS, seed)
    machine = _boosted(table, target, parts, monotone or {}, pairs, seed)
    raw = _scorecard(machine, table, None)
    held_out = np.zeros(len(target))
    for part in range(FOLDS):
        rows = parts == part
        own = {name: values[rows] for name, values in table.items()}
        held_out[rows] = _scorecard(machine, table, part).logits(own)
    slope, level = platt(held_out, target)
    return Fit(raw.scaled(slope, level), sigmoid(slope * held_out + level))


def _boosted(
    table: Mapping[str, Values], target: Flags, parts: NDArray[np.int64], monotone: Mapping[str, int], pairs: int,
    seed: int,
) -> Any:  # fmt: skip
    """The machine of `interpret`, one fit for each part of the rows, which stops where that part gets no better."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from interpret.glassbox import ExplainableBoostingClassifier

        names, texts = list(table), names_of(table)
        bound = [place for place, name in enumerate(names) if monotone.get(name)]
        apart = [tuple(sorted((one, other))) for one in bound for other in range(len(names)) if one != other]
        free = len(names) - len(bound)
        machine = ExplainableBoostingClassifier(
            feature_names=names,
            feature_types=["nominal" if name in texts else "continuous" for name in names],
            interactions=min(pairs, free * (free - 1) // 2),
            exclude=sorted(set(apart)) or None,
            outer_bags=FOLDS,
            monotone_constraints=[monotone.get(name, 0) for name in names] if monotone else None,
            n_jobs=1,
            random_state=seed,
        )
        bags = np.where(parts[:, None] == np.arange(FOLDS)[None, :], -1, 1).astype(np.int8)
        machine.fit(_given(table), target.astype(np.int64), bags=bags)
    return machine


def _given(table: Mapping[str, Values]) -> dict[str, Values]:
    texts = names_of(table)
    return {
        name: np.array(["" if one is None else str(one) for one in values], object) if name in texts else values
        for name, values in table.items()
    }


def _scorecard(machine: Any, table: Mapping[str, Values], bag: int | None) -> Scorecard:
    """The points of the mean of all fits, or of one of them."""
    names, parts = list(table), []
    for number, features in enumerate(machine.term_features_):
        axes, points = [], machine.term_scores_[number] if bag is None else machine.bagged_scores_[number][bag]
        for feature in features:
            kept = machine.bins_[feature]
            found = kept[min(len(features), len(kept)) - 1]
            if isinstance(found, dict):
                axes.append(Axis(names[feature], None, tuple(sorted(found, key=found.__getitem__))))
            else:
                axes.append(Axis(names[feature], np.asarray(found, np.float64)))
                points = np.delete(points, -1, axis=len(axes) - 1)  # no number is of a kind that no fit has seen
        parts.append(Part(tuple(axes), np.asarray(points, np.float64)))
    base = machine.intercept_ if bag is None else machine.bagged_intercept_[bag]
    return Scorecard(float(np.ravel(base)[0]), tuple(parts))


def platt(logits: Floats, target: Flags) -> tuple[float, float]:
    """Slope and level with which logits say what happened, by Newton's method.

    >>> slope, level = platt(np.array([-1.0, -1.0, 1.0, 1.0, -1.0, 1.0]), np.array([0, 0, 1, 1, 1, 0], bool))
    >>> round(slope, 4), round(level, 4) + 0.0
    (0.6931, 0.0)
    """
    rows = np.stack([logits, np.ones(len(logits))], axis=1)
    found = _newton(rows, target.astype(np.float64), np.zeros(2))
    return float(found[0]), float(found[1])


def _newton(rows: Floats, y: Floats, penalty: Floats) -> Floats:
    """The weights with the least log loss plus half the penalty times their squares."""
    w = np.zeros(rows.shape[1])
    for _ in range(50):
        p = sigmoid(rows @ w)
        curve = (rows * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ rows + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curve, rows.T @ (y - p) - penalty * w)
        size = float(np.abs(step).max())
        w = w + step * min(1.0, 4.0 / max(size, 1e-12))
        if size < 1e-9:
            break
    return w


def logistic(table: Mapping[str, Values], target: Flags) -> Fitted:
    """Logistic regression on standardised numbers and on texts, a column each, with a ridge penalty."""
    numbers: dict[str, tuple[float, float]] = {}
    levels: dict[str, list[str]] = {}
    for name, values in table.items():
        if name in names_of(table):
            levels[name] = sorted({str(one) for one in values if one not in (None, "")})
            continue
        known = values[~np.isnan(values)]
        middle = float(known.mean()) if len(known) else 0.0
        numbers[name] = (middle, float(known.std()) or 1.0 if len(known) else 1.0)

    def rows(other: Mapping[str, Values]) -> Floats:
        columns = [np.ones(len(next(iter(other.values()))))]
        for name, (middle, spread) in numbers.items():
            values = (np.asarray(other[name], np.float64) - middle) / spread
            columns += [np.nan_to_num(values), np.isnan(values).astype(np.float64)]
        for name, known in levels.items():
            texts = np.array([str(one) for one in other[name]], object)
            columns += [(texts == one).astype(np.float64) for one in known]
        return np.stack(columns, axis=1)

    own = rows(table)
    penalty = np.full(own.shape[1], _PENALTY)
    penalty[0] = 0.0
    w = _newton(own, target.astype(np.float64), penalty)
    return lambda other: sigmoid(rows(other) @ w)


def lightgbm(table: Mapping[str, Values], target: Flags) -> Fitted:
    """LightGBM with small steps, texts as categories.

    Raises:
        MissingExtra: it is not installed.
    """
    import lightgbm as lgb

    levels = {
        name: {text: place for place, text in enumerate(sorted({str(one) for one in table[name]}))}
        for name in names_of(table)
    }

    def rows(other: Mapping[str, Values]) -> Floats:
        columns = [
            np.array([levels[name].get(str(one), math.nan) for one in values], np.float64) if name in levels else values
            for name, values in other.items()
        ]
        return np.stack(columns, axis=1)

    data = lgb.Dataset(rows(table), target, categorical_feature=[p for p, name in enumerate(table) if name in levels])
    chosen = {
        "objective": "binary", "learning_rate": 0.03, "num_leaves": 15, "min_data_in_leaf": 20, "verbose": -1,
        "num_threads": 1, "seed": 0, "deterministic": True,
    }  # fmt: skip
    machine = lgb.train(chosen, data, num_boost_round=200)
    return lambda other: np.asarray(machine.predict(rows(other)), np.float64)
