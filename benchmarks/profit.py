"""What a profit term brings and costs, the FAR-Trans way: nDCG and monthly return side by side, on rolling dates.

    python benchmarks/profit.py --data DIR

reads DIR/senate/all_transactions.csv (purchases that US senators disclosed) and
DIR/stock-prices/close_2013_2017.parquet. On each date, every 21 trading days, everything is learned from what was
before it: preference (EASE on purchases, with popularity for those who bought nothing yet), and expected returns of
the next 21 days by ridge and by gradient boosting (graphrec.models.general.profit). Each senator who buys a share that
is new to them in the following 126 trading days gets ten shares not bought before:

    nDCG@10          of these against what was bought in the following 126 days
    monthly return   of these, equally weighed, over the following 126 days: (last / first) ^ (1 / 6) - 1

beside the market (all shares weighed alike) and ten drawn at random. Lists are ranked by (1 - w) z(preference) + w
z(expected return). Differences have 95 % intervals over dates, six of which overlap: blocks of six are drawn. Protocol:
Sanz-Cruzado, Droukas, McCreadie, FAR-Trans, arXiv:2407.08692. What prices did is no promise.
"""

import argparse
import csv
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from graphrec.models.general.profit import AHEAD, LEAST, expected_returns, monthly

Floats = NDArray[np.float64]
Pairs = list[tuple[float, float]]
"""nDCG and monthly return by date."""
K, AFTER, BLOCK = 10, 126, 6
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
RIDGE = 20.0


def prices(file: Path) -> tuple[NDArray[np.datetime64], list[str], Floats]:
    """Days, tickers and (tickers, days) closes of those with a price on nearly all days, gaps filled with the last."""
    table = pq.read_table(file, columns=["ticker", "date", "close"])
    names, place = np.unique(table["ticker"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
    days, day = np.unique(table["date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    closes = np.full((len(names), len(days)), np.nan)
    closes[place, day] = table["close"].to_numpy()
    closes[~(closes > 0)] = np.nan
    kept = (np.isfinite(closes).mean(axis=1) > 0.98) & np.isfinite(closes[:, 0])
    closes = closes[kept]
    last = np.maximum.accumulate(np.where(np.isfinite(closes), np.arange(len(days)), 0), axis=1)
    return days, [str(one) for one in names[kept]], np.take_along_axis(closes, last, axis=1)


def purchases(file: Path, tickers: list[str]) -> list[tuple[str, int, np.datetime64]]:
    """Senator, ticker and day of each purchase."""
    place = {one: number for number, one in enumerate(tickers)}
    found = []
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["type"].startswith("Purchase") and row["ticker"] in place:
                month, day, year = row["transaction_date"].split("/")
                found.append((row["senator"], place[row["ticker"]], np.datetime64(f"{year}-{month}-{day}")))
    return found


def preference(bought: Floats) -> Floats:
    """(users, items) EASE (Steck, WWW 2019) with a thousandth of popularity."""
    gram = bought.T @ bought
    inverse = np.linalg.inv(gram + RIDGE * np.eye(len(gram)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    found: Floats = bought @ weights + 1e-3 * bought.sum(axis=0) / max(float(bought.sum(axis=0).max()), 1.0)
    return found


def standard(values: Floats) -> Floats:
    """In standard deviations of each row."""
    spread = values.std(axis=-1, keepdims=True)
    return (values - values.mean(axis=-1, keepdims=True)) / np.where(spread > 0, spread, 1.0)


def interval(values: Floats, rng: np.random.Generator, draws: int = 2000) -> tuple[float, float]:
    """95 % of means of blocks of dates that are drawn."""
    starts = np.arange(len(values) - BLOCK + 1)
    chosen = rng.choice(starts, (draws, -(-len(values) // BLOCK)))
    rows = (chosen[:, :, None] + np.arange(BLOCK)).reshape(draws, -1)[:, : len(values)]
    low, high = np.quantile(values[rows].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def main() -> int:
    """Print the curve of each learner, and the market and chance beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--learners", default="ridge,boosting")
    asked, began = parser.parse_args(), time.process_time()
    days, tickers, closes = prices(asked.data / "stock-prices" / "close_2013_2017.parquet")
    trades = purchases(asked.data / "senate" / "all_transactions.csv", tickers)
    people = {one: n for n, one in enumerate(sorted({who for who, *_ in trades}))}
    returns = closes[:, 1:] / closes[:, :-1] - 1
    rng, learners = np.random.default_rng(0), asked.learners.split(",")
    found: dict[tuple[str, float], Pairs] = {}
    beside: dict[str, Pairs] = {"market": [], "random": []}
    lists = 0
    for date in range(LEAST, len(days) - AFTER, AHEAD):
        bought, later = (np.zeros((len(people), len(tickers))) for _ in range(2))
        for who, what, day in trades:
            if day < days[date]:
                bought[people[who], what] = 1.0
            elif day < days[date + AFTER]:
                later[people[who], what] = 1.0
        later *= 1 - bought
        users = np.flatnonzero(later.sum(axis=1) > 0)
        if len(users) < 3:
            continue
        lists += len(users)
        # The close of the day before is the last one that is known; a list is bought at it.
        grown = monthly(closes[:, date - 1 + AFTER] / closes[:, date - 1] - 1, AFTER)
        wanted = standard(preference(bought)[users])
        seen = bought[users] > 0
        drawn = np.stack([rng.choice(np.flatnonzero(~row), K, replace=False) for row in seen])
        beside["market"].append((np.nan, float(grown.mean())))
        beside["random"].append((ndcg(drawn, later[users]), float(grown[drawn].mean())))
        for learner in learners:
            ahead = standard(expected_returns(returns[:, : date - 1], learner))
            for weight in WEIGHTS:
                score = np.where(seen, -np.inf, (1 - weight) * wanted + weight * ahead)
                top = np.argsort(-score, axis=1, kind="stable")[:, :K]
                found.setdefault((learner, weight), []).append((ndcg(top, later[users]), float(grown[top].mean())))
    print(f"{len(tickers)} shares, {len(people)} senators, {len(beside['market'])} dates, {lists} lists of {K}")
    tell(found, beside, rng)
    print(f"{time.process_time() - began:.0f} s of processor; what prices did is no promise")
    return 0


def tell(found: Mapping[tuple[str, float], Pairs], beside: Mapping[str, Pairs], rng: np.random.Generator) -> None:
    """Print the market and chance, and the curve of each learner with intervals."""
    market = np.array(beside["market"])[:, 1]
    for name, values in beside.items():
        table = np.array(values)
        print(f"{name:14} nDCG@{K} {table[:, 0].mean():.4f}  monthly return {table[:, 1].mean():+.4%}")
    for (learner, weight), values in sorted(found.items(), key=lambda one: (-ord(one[0][0][0]), one[0][1])):
        table, base = np.array(values), np.array(found[learner, 0.0])
        lost, over = (interval(one, rng) for one in (table[:, 0] - base[:, 0], table[:, 1] - market))
        said = f"nDCG@{K} {table[:, 0].mean():.4f} ({lost[0]:+.4f} to {lost[1]:+.4f} against 0)"
        gain = f"{table[:, 1].mean():+.4%} ({over[0]:+.4%} to {over[1]:+.4%} against the market)"
        print(f"{learner:9} {weight:4.2f} {said}  monthly return {gain}")


def ndcg(lists: NDArray[np.int64], later: Floats) -> float:
    """The mean nDCG of lists (users, K) against what was bought (users, items)."""
    gains = 1 / np.log2(np.arange(2, K + 2))
    hits = np.take_along_axis(later, lists, axis=1)
    ideal = np.array([gains[: int(min(count, K))].sum() for count in later.sum(axis=1)])
    return float(((hits * gains).sum(axis=1) / ideal).mean())


if __name__ == "__main__":
    sys.exit(main())
