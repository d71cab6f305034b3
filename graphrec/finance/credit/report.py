"""What a risk model is worth: itself and its peers on rows that their fits did not see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.finance.credit.fitting import fit, folds, lightgbm, logistic
from graphrec.finance.credit.scorecard import Floats, Values, taken
from graphrec.metrics.probabilities import Quality, calibration_error, isotonic, quality, venn_abers

Flags = NDArray[np.bool_]
PARTS = 5
"""Folds where no date cuts the rows."""
ADDITIVE = "additive"
Maker = Callable[[Mapping[str, Values], Flags], Callable[[Mapping[str, Values]], Floats]]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that fits did not see, and what each model says of them."""

    rows: NDArray[np.int64]
    probabilities: Mapping[str, Floats]
    isotonic_ece: float
    """ECE of the additive model where isotonic regression calibrates it in place of a slope and a level."""
    venn_abers_ece: float
    venn_abers_width: float
    """Mean of high - low."""


def held_out(
    table: Mapping[str, Values],
    target: Flags,
    *,
    monotone: Mapping[str, int],
    pairs: int,
    later: Flags | None = None,
    parts: int = PARTS,
    seed: int = 0,
    peers: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> HeldOut:
    """What models say of rows that they were not fitted on; the peers see the same rows.

    Args:
        later: rows after a date, predicted from those before; None: each of `parts` folds from the others.
    """
    splits = [later] if later is not None else [(folds(target, parts, seed) == part) for part in range(parts)]
    found: dict[str, Floats] = {}
    steps = [np.zeros(len(target)) for _ in range(3)]
    makers: dict[str, Maker] = {"logistic": logistic, "LightGBM": lightgbm} if peers else {}
    for number, test in enumerate(splits):
        if progress is not None:
            progress(number, len(splits))
        own, other = taken(table, ~test), taken(table, test)
        made = fit(own, target[~test], monotone=monotone, pairs=pairs, seed=seed)
        said = made.scorecard.probabilities(other)
        found.setdefault(ADDITIVE, np.zeros(len(target)))[test] = said
        values, rates = isotonic(made.held_out, target[~test])
        steps[0][test] = np.interp(said, values, rates)
        steps[1][test], steps[2][test] = venn_abers(made.held_out, target[~test], said)
        for name, make in makers.items():
            found.setdefault(name, np.zeros(len(target)))[test] = make(own, target[~test])(other)
    rows = np.flatnonzero(later) if later is not None else np.arange(len(target))
    low, high = steps[1][rows], steps[2][rows]
    merged = high / (1 - low + high)
    return HeldOut(
        rows,
        {name: values[rows] for name, values in found.items()},
        calibration_error(steps[0][rows], target[rows]),
        calibration_error(merged, target[rows]),
        float((high - low).mean()),
    )


def qualities(held: HeldOut, target: Flags) -> dict[str, Quality]:
    """The figures of each model."""
    return {name: quality(values, target[held.rows]) for name, values in held.probabilities.items()}
