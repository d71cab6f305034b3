"""Accounts of money launderers among 20,000 invented ones, without labels and with them, beside peers.

    python benchmarks/amlsim.py --data DIR [--labels] [--folds 5]

reads DIR/amlsim/20K_fanin200cycle200.tgz (nodes.csv, transactions.csv): 120,558 transfers, 9 % of the accounts in
planted fans and cycles. The measures are those of all transfers; the forest sees the same measures. It ends with 1
where the sum of robust distances has an AUC or average precision below .791 / .369, or a part of it does not add up, or
a flagged account has no path.

With --labels the additive model of `graphrec risk` and LightGBM are fitted on four fifths of the accounts and score the
last one, on the same measures, for each of five parts (some minutes). It ends with 1 where the additive model's AUC or
average precision is more than .005 below LightGBM's.
"""

import argparse
import csv
import io
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped] # noqa: TID251 - a peer
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped] # noqa: TID251

from graphrec.finance.alerts.anomaly import Anomalies, anomalies
from graphrec.finance.alerts.signals import DAY, Transfers
from graphrec.finance.credit.fitting import fit, folds, lightgbm
from graphrec.finance.credit.scorecard import Values, taken

NAME, BARS, GOALS = "20K_fanin200cycle200", (0.791, 0.369), (0.85, 0.55)
GAP = 0.005
FLAGGED = 0.05
"""Part of the accounts that is flagged."""


def read(file: Path, name: str) -> np.ndarray:
    """The numbers of a CSV file in an archive."""
    with tarfile.open(file) as archive:
        found = archive.extractfile(f"{NAME}/{name}")
        assert found is not None
        rows = list(csv.reader(io.TextIOWrapper(found, "utf-8")))[1:]
    return np.array([[float(one) for one in row] for row in rows])


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", action="store_true")
    parser.add_argument("--folds", type=int, default=5, help="how many of the five parts are scored")
    asked = parser.parse_args()
    file = asked.data / "amlsim" / f"{NAME}.tgz"
    nodes, sent = read(file, "nodes.csv"), read(file, "transactions.csv")
    source, target, day = (sent[:, column].astype(np.int64) for column in (0, 1, 3))
    ids = tuple(str(int(one)) for one in nodes[:, 0])
    began = time.process_time()
    found = anomalies(Transfers(ids, source, target, day * DAY, sent[:, 2]), -1, int(day.max() + 1) * DAY)
    seconds = time.process_time() - began
    planted = nodes[found.accounts, 1] > 0
    table = np.stack([np.log1p(values) for values in found.measures.values()], axis=1)
    forest = -IsolationForest(random_state=0).fit(table).score_samples(table)
    print(f"{len(planted):,} accounts with transfers, {planted.mean():.1%} planted; {seconds:.1f} s of processor")
    figures = {}
    for name, scores in (("robust distances", found.scores), ("isolation forest", forest)):
        figures[name] = float(roc_auc_score(planted, scores)), float(average_precision_score(planted, scores))
        print(f"{name:17} AUC {figures[name][0]:.3f}  average precision {figures[name][1]:.3f}")
    own = figures["robust distances"]
    adds_up = float(np.abs(found.scores - np.sum(list(found.parts.values()), axis=0)).max()) <= 1e-9
    for what, value, bar, goal in zip(("AUC", "average precision"), own, BARS, GOALS, strict=True):
        said = [f"{name} {aim} {'met' if value >= aim else 'MISSED'}" for name, aim in (("bar", bar), ("goal", goal))]
        print(f"{what}: {', '.join(said)}")
    flagged = found.highest(FLAGGED).tolist()
    is_met = paths(found, flagged, "without labels") and adds_up and own[0] >= BARS[0] and own[1] >= BARS[1]
    if asked.labels:
        is_met &= with_labels(found, planted, asked.folds)
    return int(not is_met)


def paths(found: Anomalies, rows: list[int], what: str) -> bool:
    """Whether each flagged account has transfers of its own as a path."""
    ids, without = found.known.ids, 0
    for row in rows:
        account = ids[int(found.accounts[row])]
        steps = found.path(row)
        without += not steps or any(account not in step[:2] for step in steps)
    print(f"{what}: {len(rows):,} accounts flagged, {without} without a path")
    return not without


def with_labels(found: Anomalies, planted: np.ndarray, count: int) -> bool:
    """The additive model beside LightGBM on accounts that neither has seen."""
    table: dict[str, Values] = dict(found.measures)
    parts = folds(planted, 5, 0)
    scores = {name: np.full(len(planted), np.nan) for name in ("additive", "LightGBM")}
    for part in range(count):
        own, rest = taken(table, parts != part), taken(table, parts == part)
        began = time.process_time()
        card = fit(own, planted[parts != part]).scorecard
        scores["additive"][parts == part] = card.probabilities(rest)
        scores["LightGBM"][parts == part] = lightgbm(own, planted[parts != part])(rest)
        print(f"part {part}: {time.process_time() - began:.0f} s of processor", flush=True)
    seen = ~np.isnan(scores["additive"])
    figures = {}
    for name, values in scores.items():
        given = planted[seen], values[seen]
        figures[name] = float(roc_auc_score(*given)), float(average_precision_score(*given))
        print(f"{name:17} AUC {figures[name][0]:.4f}  average precision {figures[name][1]:.4f}")
    is_met = True
    for what, own, peer in zip(("AUC", "average precision"), figures["additive"], figures["LightGBM"], strict=True):
        is_met &= own >= peer - GAP
        said = "met" if own >= peer - GAP else "MISSED"
        print(f"with labels, {what}: additive - LightGBM {own - peer:+.4f}, bar -{GAP}: {said}")
    order = np.argsort(-np.where(seen, scores["additive"], -1.0), kind="stable")
    return paths(found, order[: int(FLAGGED * seen.sum())].tolist(), "with labels") and is_met


if __name__ == "__main__":
    sys.exit(main())
