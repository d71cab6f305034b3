"""Additive response and uplift models beside LightGBM on two public data sets; figures of docs/benchmarks.md.

bank-marketing (Moro et al., 2014): who takes a term deposit, without `duration`, which is known after the call: the AUC
over five folds, that of the last quarter of the calls from the first three, the share of buyers in the better half.
hillstrom (2008): who visits after the women's mail, against no mail: the Qini of the difference of two models, per
treated customer, mean of three halves.

    python benchmarks/response.py --data DIR

reads DIR/bank-marketing/bank-additional-full.csv.gz and DIR/hillstrom/hillstrom.csv.
"""

import argparse
import csv
import gzip
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.campaigns.additive import auc, fit

BAR_FOLDS, BAR_TIME, BAR_HALF, BAR_QINI = 0.80, 0.68, 0.80, 0.0082
Table = Mapping[str, NDArray[Any]]
Fitted = Callable[[Table], NDArray[np.float64]]


def read(file: Path, delimiter: str) -> dict[str, NDArray[Any]]:
    """The columns of a file: numbers where all cells are."""
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = list(csv.DictReader(content.decode("utf-8").splitlines(), delimiter=delimiter))
    table: dict[str, NDArray[Any]] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        try:
            table[name] = np.array([float(one) for one in values])
        except ValueError:
            table[name] = np.array(values, object)
    return table


def taken(table: Table, rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Some rows of a table."""
    return {name: values[rows] for name, values in table.items()}


def additive(table: Table, response: NDArray[np.bool_]) -> Fitted:
    """Our model with its defaults."""
    model = fit(table, response)
    return model.probabilities


Pair = Callable[[Table, NDArray[np.bool_], NDArray[np.bool_]], tuple[Fitted, Fitted]]


def two(make: Callable[[Table, NDArray[np.bool_]], Fitted]) -> Pair:
    """A model of those who got the mail and one of those who did not, each of its own rows alone."""

    def pair(table: Table, response: NDArray[np.bool_], treated: NDArray[np.bool_]) -> tuple[Fitted, Fitted]:
        one, other = (make(taken(table, group), response[group]) for group in (treated, ~treated))
        return one, other

    return pair


def beside(table: Table, response: NDArray[np.bool_], treated: NDArray[np.bool_]) -> tuple[Fitted, Fitted]:
    """Our two models, both beside one of all rows, as `campaign fit --treatment` fits them."""
    every = fit(table, response)
    one, other = (fit(taken(table, group), response[group], beside=every) for group in (treated, ~treated))
    return one.probabilities, other.probabilities


def lightgbm(table: Table, response: NDArray[np.bool_]) -> Fitted:
    """LightGBM with its defaults but for smaller steps, texts as categories."""
    import lightgbm as lgb

    levels = {
        name: {one: n for n, one in enumerate(sorted(set(values)))}
        for name, values in table.items()
        if values.dtype == object
    }

    def matrix(part: Table) -> NDArray[np.float64]:
        columns = [
            np.array([levels[name].get(one, -1) for one in values], float) if name in levels else values
            for name, values in part.items()
        ]
        return np.column_stack(columns)

    named = [place for place, name in enumerate(table) if name in levels]
    model = lgb.LGBMClassifier(
        n_estimators=200, learning_rate=0.03, num_leaves=15, verbose=-1, n_jobs=1, random_state=0
    )
    model.fit(matrix(table), response, categorical_feature=named)
    return lambda part: np.asarray(model.predict_proba(matrix(part)))[:, 1]


def logistic(table: Table, response: NDArray[np.bool_]) -> Fitted:
    """A plain logistic regression: scaled numbers, a column a text."""
    from sklearn.compose import make_column_transformer  # type: ignore[import-untyped]  # noqa: TID251
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # noqa: TID251
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # noqa: TID251
    from sklearn.preprocessing import OneHotEncoder, StandardScaler  # type: ignore[import-untyped]  # noqa: TID251

    names = list(table)
    texts = [place for place, name in enumerate(names) if table[name].dtype == object]
    numbers = [place for place in range(len(names)) if place not in texts]

    def matrix(part: Table) -> NDArray[Any]:
        return np.column_stack([part[name].astype(object) for name in names])

    model = make_pipeline(
        make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), texts)),
        LogisticRegression(max_iter=2000),
    ).fit(matrix(table), response)
    return lambda part: np.asarray(model.predict_proba(matrix(part)))[:, 1]


def qini(score: NDArray[np.float64], treated: NDArray[np.bool_], response: NDArray[np.bool_]) -> float:
    """The area between the curve of additional responses and that of a random order, per treated customer.

    Source: Radcliffe (2007), Using control groups to target on predicted lift.
    """
    order = np.argsort(-score, kind="stable")
    t, y = treated[order], response[order]
    n_t, n_c = np.cumsum(t), np.cumsum(~t)
    gained = np.cumsum(y & t) - np.cumsum(y & ~t) * n_t / np.maximum(n_c, 1)
    share = np.arange(1, len(t) + 1) / len(t)
    return float(np.mean(gained - share * gained[-1]) / n_t[-1])


def bank_marketing(data: Path) -> bool:
    """Print the figures of bank-marketing; whether the bars hold."""
    table = read(data / "bank-marketing" / "bank-additional-full.csv.gz", ";")
    response = table.pop("y") == "yes"
    del table["duration"]
    fold = np.random.default_rng(0).permutation(len(response)) % 5
    cut = int(len(response) * 0.75)
    good = True
    for name, make in (("additive", additive), ("logistic", logistic), ("LightGBM", lightgbm)):
        began, found, halves = time.process_time(), [], []
        for part in range(5):
            scores = make(taken(table, fold != part), response[fold != part])(taken(table, fold == part))
            held = response[fold == part]
            found.append(auc(scores, held))
            halves.append(held[np.argsort(-scores)[: len(held) // 2]].sum() / held.sum())
        places = np.arange(len(response))
        later = make(taken(table, places < cut), response[:cut])(taken(table, places >= cut))
        by_time = auc(later, response[cut:])
        folds, half = float(np.mean(found)), float(np.mean(halves))
        seconds = time.process_time() - began
        print(
            f"bank-marketing, {name}: AUC {folds:.4f} over 5 folds, {by_time:.4f} by time, {half:.1%} in the better "
            f"half; {seconds:.0f} s"
        )
        if name == "additive":
            good = folds >= BAR_FOLDS and by_time >= BAR_TIME and half >= BAR_HALF
    print(f"bars {BAR_FOLDS}, {BAR_TIME}, {BAR_HALF:.0%}: {'held' if good else 'missed'}")
    return good


def hillstrom(data: Path) -> bool:
    """Print the figures of hillstrom; whether the bar holds."""
    table = read(data / "hillstrom" / "hillstrom.csv", ",")
    segment = table.pop("segment")
    response = table.pop("visit") > 0
    for name in ("conversion", "spend"):
        del table[name]
    rows = np.flatnonzero((segment == "Womens E-Mail") | (segment == "No E-Mail"))
    table, response, treated = taken(table, rows), response[rows], segment[rows] == "Womens E-Mail"
    good = True
    for name, make in (("additive", beside), ("logistic", two(logistic)), ("LightGBM", two(lightgbm))):
        uplift, plain = [], []
        for seed in range(3):
            seen = np.random.default_rng(seed).random(len(rows)) < 0.5
            held = taken(table, ~seen)
            one, other = (model(held) for model in make(taken(table, seen), response[seen], treated[seen]))
            uplift.append(qini(one - other, treated[~seen], response[~seen]))
            plain.append(qini(one, treated[~seen], response[~seen]))
        print(
            f"hillstrom, women's mail, {name}: Qini {np.mean(uplift):.4f} by the difference of two models, "
            f"{np.mean(plain):.4f} by the response"
        )
        if name == "additive":
            good = float(np.mean(uplift)) >= BAR_QINI
    print(f"bar {BAR_QINI}: {'held' if good else 'missed'}")
    return good


def main() -> int:
    """Measure both; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    return int(not all([hillstrom(data), bank_marketing(data)]))


if __name__ == "__main__":
    sys.exit(main())
