"""A sequence model of monthly dealings beside the additive model and LightGBM: a measured challenger of risk models.

    python benchmarks/sequence.py --data DIR [--additive]

reads DIR/taiwan-credit/UCI_Credit_Card.csv (30,000 card clients, six months of repayment status, bill and payment;
default next month), without sex, marriage and age. The challenger is a GRU of 32 units over the six months (status,
bill and payment as parts of the limit, in logarithms), with limit and education beside its last state; Adam, stopped by
the log loss of a tenth of the training part. Five folds with as many of both outcomes in each, those of risk_credit.py
with seed 0; the interval of a difference of AUC is that of 500 bootstrap samples. --additive fits the additive model on
the same folds too (some minutes). The challenger is kept only if it wins.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from risk_credit import SETS, read

from graphrec.finance.credit.fitting import fit, folds, lightgbm
from graphrec.finance.credit.scorecard import Values, taken
from graphrec.metrics.probabilities import quality

Floats = NDArray[np.float64]
STATUS = ("PAY_6", "PAY_5", "PAY_4", "PAY_3", "PAY_2", "PAY_0")
UNITS, EPOCHS, PATIENCE, BATCH = 32, 30, 4, 512


class Sequence(torch.nn.Module):
    """A GRU over months, and a linear layer over its last state and what stays."""

    def __init__(self, width: int, static: int) -> None:
        super().__init__()
        self.months = torch.nn.GRU(width, UNITS, batch_first=True)
        self.last = torch.nn.Sequential(
            torch.nn.Linear(UNITS + static, UNITS), torch.nn.ReLU(), torch.nn.Linear(UNITS, 1)
        )

    def forward(self, months: torch.Tensor, static: torch.Tensor) -> torch.Tensor:
        """Logits (rows,) of months (rows, 6, width) and what stays (rows, static)."""
        _, state = self.months(months)
        found: torch.Tensor = self.last(torch.cat([state[0], static], dim=1)).squeeze(1)
        return found


def inputs(table: dict[str, Values]) -> tuple[Floats, Floats]:
    """Months (rows, 6, 4) and what stays (rows, 5)."""
    limit = np.asarray(table["LIMIT_BAL"], np.float64)
    status = np.stack([np.asarray(table[name], np.float64) for name in STATUS], axis=1)
    bill, paid = (
        np.stack([np.asarray(table[f"{name}{n}"], np.float64) for n in range(6, 0, -1)], axis=1) / limit[:, None]
        for name in ("BILL_AMT", "PAY_AMT")
    )
    months = np.stack(
        [status, (status > 0).astype(np.float64), np.sign(bill) * np.log1p(np.abs(bill)), np.log1p(paid)], 2
    )
    education = np.asarray(table["EDUCATION"], np.float64)
    static = np.stack([np.log(limit), *((education == one).astype(np.float64) for one in (1, 2, 3, 4))], axis=1)
    return months, static


def challenger(months: Floats, static: Floats, target: NDArray[np.bool_], train: NDArray[np.bool_]) -> Floats:
    """Probabilities of the rows that are not trained on."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    own = random.permutation(np.flatnonzero(train))
    stop, fitted = own[: len(own) // 10], own[len(own) // 10 :]
    ends = [(months[fitted].mean((0, 1)), months[fitted].std((0, 1))), (static[fitted].mean(0), static[fitted].std(0))]
    given = [
        torch.tensor((values - mean) / np.where(spread > 0, spread, 1.0), dtype=torch.float32)
        for values, (mean, spread) in zip((months, static), ends, strict=True)
    ]
    wanted = torch.tensor(target.astype(np.float32))
    model = Sequence(months.shape[2], static.shape[1])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-5)
    loss = torch.nn.BCEWithLogitsLoss()
    best, kept, waited = np.inf, {name: one.clone() for name, one in model.state_dict().items()}, 0
    for _ in range(EPOCHS):
        order = random.permutation(fitted)
        for start in range(0, len(order), BATCH):
            rows = torch.tensor(order[start : start + BATCH])
            optimiser.zero_grad()
            loss(model(given[0][rows], given[1][rows]), wanted[rows]).backward()
            optimiser.step()
        with torch.no_grad():
            held = float(loss(model(given[0][stop], given[1][stop]), wanted[stop]))
        if held < best - 1e-5:
            best, kept, waited = held, {name: one.clone() for name, one in model.state_dict().items()}, 0
        elif (waited := waited + 1) == PATIENCE:
            break
    model.load_state_dict(kept)
    rest = np.flatnonzero(~train)
    with torch.no_grad():
        return np.asarray(torch.sigmoid(model(given[0][rest], given[1][rest])).numpy(), np.float64)


def area(p: Floats, target: NDArray[np.bool_]) -> float:
    """The area under the ROC curve, ties by halves."""
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - counts / 2 + 0.5)[place]
    ones = int(target.sum())
    return float((rank[target].sum() - ones * (ones + 1) / 2) / (ones * (len(target) - ones)))


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--additive", action="store_true")
    asked, began = parser.parse_args(), time.process_time()
    file, name, yes, out = SETS["taiwan"]
    table, target = read(asked.data / file, name, yes, out)
    months, static = inputs(table)
    parts = folds(target, 5, 0)
    names = ("GRU", "LightGBM", *(["additive"] if asked.additive else []))
    found = {one: np.zeros(len(target)) for one in names}
    for part in range(5):
        train = parts != part
        found["GRU"][~train] = challenger(months, static, target, train)
        own, rest = taken(table, train), taken(table, ~train)
        found["LightGBM"][~train] = lightgbm(own, target[train])(rest)
        if asked.additive:
            found["additive"][~train] = fit(own, target[train], seed=0).scorecard.probabilities(rest)
    for one, p in found.items():
        q = quality(p, target)
        print(f"{one:9} AUC {q.auc.value:.4f} ({q.auc.low:.4f} to {q.auc.high:.4f}) Brier {q.brier.value:.4f} "
              f"ECE {q.ece:.4f}")  # fmt: skip
    random = np.random.default_rng(0)
    draws = [random.integers(0, len(target), len(target)) for _ in range(500)]
    for one in names[1:]:
        away = [area(found["GRU"][rows], target[rows]) - area(found[one][rows], target[rows]) for rows in draws]
        low, high = np.quantile(away, (0.025, 0.975))
        print(f"GRU - {one}: AUC {np.mean(away):+.4f} ({low:+.4f} to {high:+.4f})")
    print(f"{time.process_time() - began:.0f} s of processor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
