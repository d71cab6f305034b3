"""`graphrec fairness` beside fairlearn on the demo bank: the same lists, the same groups, their arithmetic.

    pip install fairlearn; python benchmarks/fairness.py [--model ease]

Of each attribute: users, mean nDCG and recall of every group (MetricFrame), its gap to all others (MetricFrame with
"in the group" as the feature), and acceptance (selection_rate over what was shown). The bar: no figure differs by more
than 1e-12. Ends with 1 beyond it.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from fairlearn.metrics import MetricFrame, count, selection_rate  # type: ignore[import-untyped]
from numpy.typing import NDArray

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.demo import write_bank
from graphrec.evaluation.evaluate import checked_split
from graphrec.evaluation.fairness import Accepted, fairness
from graphrec.evaluation.groups import told_apart
from graphrec.evaluation.hidden_part import HiddenPart, measure
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.terms.folder import open_model, read_meta

K = 10


def main() -> int:
    """0 when no figure differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="ease")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        write_bank(Path(name) / "files")
        bank = Bank(Settings(home=Path(name) / "home", policy="none"))
        bank.load(jobs.Load("demo", Path(name) / "files"))
        bank.train(jobs.Train(asked.model, fixed=True))
        found = list(differences(bank, f"{asked.model}-test"))
    worst = max(found)
    print(f"{len(found)} figures beside fairlearn: largest difference {worst:.1e}")
    return int(worst > 1e-12)


def differences(bank: Bank, model: str) -> Iterator[float]:
    """How far each figure is from that of fairlearn."""
    snapshot, folder = SnapshotShelf(bank.home.snapshots).latest(), bank.home.models / model
    split = checked_split(snapshot, read_meta(folder), folder)
    visible = visible_graph(snapshot, split.hidden(split.fitted))
    part = HiddenPart.of(snapshot, split, visible)
    own = measure(open_model(folder, snapshot, visible.hops).blend, part, [K], seed=0)
    rng = np.random.default_rng(0)
    shown = rng.integers(1, 9, len(part.users))
    accepted = Accepted(part.users, shown, rng.binomial(shown, 0.3))
    found = fairness(snapshot, folder, k=K, accepted=accepted)
    for members in told_apart(snapshot, visible, part.users):
        attribute = next(one for one in found.attributes if one.name == members.attribute)
        names = np.full(len(part.users), "", object)
        for name, mask in members.masks.items():
            names[mask] = name
        told = names != ""
        values = {name: own.per_user[f"{name}@{K}"][told] for name in ("ndcg", "recall")}
        frames = {name: frame(one, names[told]) for name, one in values.items()}
        taken = (
            np.repeat(names, shown),
            np.concatenate([np.arange(n) < t for n, t in zip(shown, accepted.taken, strict=True)]),
        )
        rate = MetricFrame(
            metrics=selection_rate, y_true=taken[1], y_pred=taken[1].astype(int), sensitive_features=taken[0]
        )
        for group in attribute.groups:
            yield abs(group.users - frames["ndcg"].by_group["users"][group.name])
            yield abs(group.ndcg.value - frames["ndcg"].by_group["mean"][group.name])
            yield abs(group.recall.value - frames["recall"].by_group["mean"][group.name])
            apart = frame(values["ndcg"], names[told] == group.name).by_group["mean"]
            yield abs(group.gap - (apart[True] - apart[False]))
            if group.acceptance is not None:
                yield abs(group.acceptance.value - rate.by_group[group.name])


def frame(values: NDArray[np.float64], groups: NDArray[np.object_]) -> MetricFrame:
    """Users and mean value of each group."""
    metrics = {"users": count, "mean": lambda _, given: float(np.mean(given))}
    return MetricFrame(metrics=metrics, y_true=values, y_pred=values, sensitive_features=groups)


if __name__ == "__main__":
    sys.exit(main())
