"""Which two rows are likely to be one person: probabilities by columns that agree, for a person to decide.

    log odds = log(M / (N - M)) + sum over columns of log(m(level) / u(level))

N pairs of rows, of which M are one person (Fellegi and Sunter, JASA 64 (1969)). The levels of a column: another value,
near, very near (Jaro-Winkler .8, .92), the same; a missing value says nothing. u is how often a level occurs in pairs
drawn at random; m and M are found by expectation and maximisation over the pairs that have one value in common which at
most `COMMON` rows have. Nothing is learned from labels. DuckDB joins and compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.probabilities import sigmoid

if TYPE_CHECKING:
    import duckdb

Levels = NDArray[np.int64]
COMMON = 60
"""Rows with one value, at most, for a pair of them to be looked at."""
DRAWN = 100_000
"""Pairs that are drawn at random."""
NEAR, VERY_NEAR = 0.8, 0.92
LEVELS = 4
AGREE = 2
"""Columns that are the same or very near in every pair that is named, at least."""
ROUNDS, CLOSE = 100, 1e-6


@dataclass(frozen=True)
class Pair:
    """Two rows that are likely to be one person."""

    one: str
    other: str
    probability: float
    same: tuple[str, ...]
    near: tuple[str, ...]


def duplicates(
    ids: Sequence[str], columns: Mapping[str, Sequence[str | None]], *, least: float = 0.5, seed: int = 0
) -> list[Pair]:
    """Pairs that are one person with a probability of at least `least`, the likeliest first.

    Args:
        columns: texts by column, in the order of the ids.
    """
    import duckdb
    import pyarrow as pa

    names = list(columns)
    if len(ids) < AGREE:
        return []
    plain = [[_plain(value) for value in columns[name]] for name in names]
    with duckdb.connect(config={"threads": 1}) as database:
        columns_of = {f"c{n}": pa.array(one, pa.string()) for n, one in enumerate(plain)}
        database.register("given", pa.table({"n": np.arange(len(ids)), **columns_of}))
        database.execute("CREATE TABLE people AS SELECT * FROM given")
        parts = [
            f"SELECT a.n AS i, b.n AS j FROM people a JOIN people b ON a.c{n} = b.c{n} AND a.n < b.n WHERE a.c{n} IN "
            f"(SELECT c{n} FROM people WHERE c{n} IS NOT NULL GROUP BY 1 HAVING count(*) BETWEEN 2 AND {COMMON})"
            for n in range(len(names))
        ]
        database.execute(f"CREATE TABLE pairs AS {' UNION '.join(parts)}")
        one, other, levels = _compared(database, "pairs", len(names))
        drawn = np.random.default_rng(seed).integers(len(ids), size=(DRAWN, 2))
        drawn = drawn[drawn[:, 0] != drawn[:, 1]]
        database.register("sample", pa.table({"i": drawn[:, 0], "j": drawn[:, 1]}))
        chance = _compared(database, "sample", len(names))[2]
    odds = _odds(levels, chance, len(ids))
    agree = (levels >= LEVELS - 2).sum(axis=1) >= min(AGREE, len(names))
    probability = sigmoid(odds)
    kept = np.flatnonzero(agree & (probability >= least))
    order = kept[np.lexsort((other[kept], one[kept], -probability[kept]))]
    return [
        Pair(
            ids[int(one[row])], ids[int(other[row])], float(probability[row]),
            tuple(name for n, name in enumerate(names) if levels[row, n] == LEVELS - 1),
            tuple(name for n, name in enumerate(names) if 0 < levels[row, n] < LEVELS - 1),
        )
        for row in order.tolist()
    ]  # fmt: skip


def _plain(value: str | None) -> str | None:
    """A text in lower case with single spaces; None where nothing is left."""
    return None if value is None else " ".join(value.split()).casefold() or None


def _compared(database: "duckdb.DuckDBPyConnection", pairs: str, count: int) -> tuple[Levels, Levels, Levels]:
    """The rows of pairs and the level of each column, -1 where a value is missing."""
    each = ", ".join(
        f"CASE WHEN a.c{n} IS NULL OR b.c{n} IS NULL THEN -1 WHEN a.c{n} = b.c{n} THEN 3 "
        f"WHEN jaro_winkler_similarity(a.c{n}, b.c{n}) >= {VERY_NEAR} THEN 2 "
        f"WHEN jaro_winkler_similarity(a.c{n}, b.c{n}) >= {NEAR} THEN 1 ELSE 0 END AS l{n}"
        for n in range(count)
    )
    found: dict[str, Any] = database.execute(
        f"SELECT i, j, {each} FROM {pairs} JOIN people a ON a.n = i JOIN people b ON b.n = j ORDER BY i, j"
    ).fetchnumpy()
    levels = [np.asarray(found[f"l{n}"], np.int64) for n in range(count)]
    return np.asarray(found["i"], np.int64), np.asarray(found["j"], np.int64), np.stack(levels, axis=1)


def _odds(levels: Levels, chance: Levels, rows: int) -> NDArray[np.float64]:
    """The log odds of each pair that it is one person."""
    count = levels.shape[1]
    among = np.array([[(chance[:, n] == level).sum() + 1 for level in range(LEVELS)] for n in range(count)], np.float64)
    among /= among.sum(axis=1, keepdims=True)
    of_one = np.tile([0.1, 0.1, 0.2, 0.6], (count, 1))
    every, same = rows * (rows - 1) / 2, min(rows / 10, rows * (rows - 1) / 4)
    odds = np.zeros(len(levels))
    for _ in range(ROUNDS):
        weights = np.log(of_one / among)
        odds = np.full(len(levels), np.log(same / (every - same)))
        for n in range(count):
            odds += np.where(levels[:, n] >= 0, weights[n][np.maximum(levels[:, n], 0)], 0.0)
        likely = sigmoid(odds)
        new = np.array([[likely[levels[:, n] == level].sum() + 0.1 for level in range(LEVELS)] for n in range(count)])
        new /= new.sum(axis=1, keepdims=True)
        same = min(max(float(likely.sum()), 1.0), every / 2)
        if np.abs(new - of_one).max() < CLOSE:
            break
        of_one = new
    return odds
