"""Accounts of money launderers among 20,000 invented ones, without labels, beside an isolation forest.

    python benchmarks/amlsim.py --data DIR

reads DIR/amlsim/20K_fanin200cycle200.tgz (nodes.csv, transactions.csv): 120,558 transfers, 9 % of the accounts in
planted fans and cycles. The measures are those of all transfers; the forest sees the same measures. It ends with 1
where the sum of robust distances has an AUC or average precision below .791 / .369, or a part of it does not add up.
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
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped] # noqa: TID251 - as others do

from graphrec.finance.alerts.anomaly import anomalies
from graphrec.finance.alerts.signals import DAY, Transfers

NAME, BARS, GOALS = "20K_fanin200cycle200", (0.791, 0.369), (0.85, 0.55)


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
    file = parser.parse_args().data / "amlsim" / f"{NAME}.tgz"
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
    return int(not adds_up or own[0] < BARS[0] or own[1] < BARS[1])


if __name__ == "__main__":
    sys.exit(main())
