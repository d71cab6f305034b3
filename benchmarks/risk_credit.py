"""Risk models on two public credit data sets, without protected columns; figures of docs/benchmarks.md.

taiwan-credit (UCI 350): 30,000 card clients, default next month, without sex, marriage and age.
german-credit (Statlog, UCI 144): 1,000 applicants, without status and sex, and age.

    python benchmarks/risk_credit.py --data DIR [--seeds 5] [--only german]

reads DIR/taiwan-credit/UCI_Credit_Card.csv and DIR/german-credit/germancredit.csv. Five folds with as many of both
outcomes in each; the peers see the same folds. It ends with 1 where a bar is missed:

    taiwan: additive AUC >= .7775 and >= LightGBM - .002, ECE <= .008; german: additive AUC >= .785;
    base and lines of every row add up to the logit within 1e-9; bars hold within one standard error

The standard error of an AUC is that of its interval, that of the ECE is its spread over the seeds by the root of their
number. Beside the ECE stand what chance alone gives, outcomes drawn with the model's own probabilities, and its
standard error over samples of the rows.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.finance.credit.fitting import fit, folds, lightgbm, logistic
from graphrec.finance.credit.scorecard import Values, taken
from graphrec.metrics.probabilities import Quality, calibration_error, quality

SETS = {
    "taiwan": (
        "taiwan-credit/UCI_Credit_Card.csv",
        "default.payment.next.month",
        "1",
        ("ID", "GENDER", "MARRIAGE", "AGE"),
    ),
    "german": ("german-credit/germancredit.csv", "creditability", "bad", ("personal_status_and_sex", "age_in_years")),
}
BARS = {"taiwan": 0.7775, "german": 0.785}
BAR_GAP, BAR_ECE, BAR_SUM = 0.002, 0.008, 1e-9


def read(file: Path, target: str, yes: str, out: tuple[str, ...]) -> tuple[dict[str, Values], NDArray[np.bool_]]:
    """The columns that a model may read, and what happened."""
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    table: dict[str, Values] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in (target, *out):
            continue
        try:
            table[name] = np.array([float(one) for one in values])
        except ValueError:
            table[name] = np.array(values, object)
    return table, np.array([row[target] == yes for row in rows])


def by_chance(p: NDArray[np.float64], draws: int = 200) -> float:
    """The mean ECE of outcomes that are drawn with the probabilities."""
    random = np.random.default_rng(0)
    return float(np.mean([calibration_error(p, random.random(len(p)) < p) for _ in range(draws)]))


def by_sample(p: NDArray[np.float64], target: NDArray[np.bool_], draws: int = 200) -> float:
    """The standard error of the ECE over samples of the rows."""
    random = np.random.default_rng(0)
    rows = (random.integers(0, len(p), len(p)) for _ in range(draws))
    return float(np.std([calibration_error(p[one], target[one]) for one in rows]))


def measured(
    table: dict[str, Values], target: NDArray[np.bool_], seed: int
) -> tuple[dict[str, Quality], float, tuple[float, float]]:
    """Figures of all models on five folds, how far lines are from the logit at most, the ECE of chance, its error."""
    parts, worst = folds(target, 5, seed), 0.0
    found = {name: np.zeros(len(target)) for name in ("additive", "logistic", "LightGBM")}
    for part in range(5):
        own, rest = taken(table, parts != part), taken(table, parts == part)
        card = fit(own, target[parts != part], seed=seed).scorecard
        p = card.probabilities(rest)
        worst = max(worst, float(np.abs(card.base + card.lines(rest).sum(axis=1) - np.log(p / (1 - p))).max()))
        found["additive"][parts == part] = p
        for name, make in (("logistic", logistic), ("LightGBM", lightgbm)):
            found[name][parts == part] = make(own, target[parts != part])(rest)
    own = found["additive"]
    about = by_chance(own), by_sample(own, target)
    return {name: quality(p, target) for name, p in found.items()}, worst, about


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=sorted(SETS))
    asked, missed = parser.parse_args(), False
    for name, (file, target_name, yes, out) in SETS.items():
        if asked.only not in (None, name):
            continue
        table, target = read(asked.data / file, target_name, yes, out)
        runs = []
        for seed in range(asked.seeds):
            began = time.monotonic()
            figures, worst, (chance, sampled) = measured(table, target, seed)
            runs.append(figures)
            for model, q in figures.items():
                print(
                    f"{name} seed {seed} {model:9} AUC {q.auc.value:.4f} ({q.auc.low:.4f} to {q.auc.high:.4f}) "
                    f"KS {q.ks.value:.4f} Brier {q.brier.value:.4f} ECE {q.ece:.4f}"
                )
            took = time.monotonic() - began
            said = f"ECE by chance {chance:.4f}, standard error over samples of the rows {sampled:.4f}"
            print(f"{name} seed {seed} lines within {worst:.1e} of the logit; {said}; {took:.0f} s")
            sys.stdout.flush()
            missed |= worst > BAR_SUM
        auc = {model: float(np.mean([run[model].auc.value for run in runs])) for model in runs[0]}
        eces = [run["additive"].ece for run in runs]
        ece = float(np.mean(eces))
        spread = float(np.std(eces, ddof=1)) / len(eces) ** 0.5 if len(eces) > 1 else 0.0
        interval = runs[0]["additive"].auc
        error = (interval.high - interval.low) / 3.92
        bars = [(f"AUC {auc['additive']:.4f}", BARS[name], auc["additive"] + error >= BARS[name], error)]
        if name == "taiwan":
            least = auc["LightGBM"] - BAR_GAP
            bars.append(
                (f"beside LightGBM {auc['LightGBM']:.4f}", round(least, 4), auc["additive"] + error >= least, error)
            )
            bars.append((f"ECE {ece:.4f}", BAR_ECE, ece - spread <= BAR_ECE, spread))
        for what, bar, is_met, one in bars:
            print(f"{name}: additive {what}, bar {bar}: {'met' if is_met else 'MISSED'} (standard error {one:.4f})")
            missed |= not is_met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
