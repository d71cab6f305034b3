"""What `min_group` costs: nDCG@10 and nDCG@20 with 1 and with 5, for the default blend and for each kind of model.

    python benchmarks/min_group.py [--banks S M zimnat ml-1m] [--models blend kernel ...] [--data ../shared/data]
                                   [--groups 1 5] [--seeds 0] [--customers N]

Every bank is split, tuned and tested the same way with each `min_group`; only ways, pairs and groups of fewer people
are gone. The bar: the default blend loses at most 2 % of nDCG@10 on demo bank M with 5. Ends with 1 below it; a bank
whose files are not there is left out with a word. `--customers` draws so many of a bank's customers at random: fewer
customers have less in common, so that the price of a part is above that of the whole.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphrec.demo.bank import write_bank
from graphrec.errors import ModelError
from graphrec.evaluation.evaluate import evaluate
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.models.registry import BLEND, models
from graphrec.training.fit import TrainOptions, train

DEMO = ("S", "M", "L")
BESIDE = ("ml-1m",)
"""Banks whose mapping reads several folders of --data."""
BAR, BAR_BANK = 0.02, "M"
KS = (10, 20)


def snapshots(
    bank: str, data: Path, folder: Path, groups: Sequence[int], customers: int | None
) -> Iterator[tuple[int, Snapshot]]:
    """The snapshot of a bank with each `min_group`; none where its files are not there."""
    mapping = "demo" if bank in DEMO else bank
    data = data if bank in BESIDE else data / bank
    if bank in DEMO:
        data = folder / "files"
        write_bank(data, size=bank)
    elif not data.exists():
        print(f"min_group: {bank} is left out, there is no {data}")
        return
    sink = MemorySink()
    run_load(load_mapping(mapping), data, sink)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()} or None
    if customers is not None:
        split = fewer(sink, customers, split)
    for group in groups:
        schema = replace(sink.schema, roles=replace(sink.schema.roles, min_group=group))
        yield group, write_snapshot(folder / str(group), schema, sink.nodes, sink.edges, sink.series, split)


def fewer(sink: MemorySink, customers: int, split: dict[str, pa.Table] | None) -> dict[str, pa.Table] | None:
    """Leave some customers, drawn at random, in the tables of a sink; their part of the split."""
    user = sink.schema.roles.user
    rows = sink.nodes[user]
    if len(rows) > customers:
        chosen = np.sort(np.random.default_rng(0).choice(len(rows), customers, replace=False))
        sink.nodes[user] = rows.take(chosen)
    ids = sink.nodes[user]["id"]

    def kept(table: pa.Table, column: str) -> pa.Table:
        return table.filter(pc.is_in(table[column], value_set=ids))

    for name, edge in sink.schema.edges.items():
        for label, column in ((edge.source, "source"), (edge.target, "target")):
            if label == user:
                sink.edges[name] = kept(sink.edges[name], column)
    return split and {part: kept(pairs, pairs.column_names[0]) for part, pairs in split.items()}


def measured(snapshot: Snapshot, model: str, seeds: Sequence[int]) -> tuple[list[float], str]:
    """The means of nDCG over the seeds, and what the last model is made of."""
    found: list[list[float]] = []
    weights: Mapping[str, float] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            report = train(snapshot, Home(Path(folder, "home")).prepare(), TrainOptions(model, seed=seed))
            metrics = evaluate(snapshot, report.path, ks=KS, baselines=()).metrics
        found.append([metrics[f"ndcg@{k}"].value for k in KS])
        weights = report.configuration.weights
    return np.mean(found, axis=0).tolist(), ", ".join(f"{weight:g} x {name}" for name, weight in weights.items())


def main() -> int:
    """0 where the default blend keeps enough on the bank of the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--banks", nargs="+", default=["S", "M", "zimnat", "ml-1m"])
    parser.add_argument(
        "--models", nargs="+", default=[BLEND, *(name for name, one in models().items() if one.is_alone)]
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--groups", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--customers", type=int, help="at most so many of each bank (default: all)")
    given = parser.parse_args()
    missed = False
    for bank in given.banks:
        before: dict[str, list[float]] = {}
        with tempfile.TemporaryDirectory() as folder:
            for group, snapshot in snapshots(bank, given.data, Path(folder), given.groups, given.customers):
                for model in given.models:
                    began = time.monotonic()
                    try:
                        values, weights = measured(snapshot, model, given.seeds)
                    except ModelError as error:
                        print(f"{bank} {model}: {error}", flush=True)
                        continue
                    first = before.setdefault(model, values)
                    change = [value / one - 1 if one else 0.0 for value, one in zip(values, first, strict=True)]
                    missed |= bank == BAR_BANK and model == BLEND and change[0] < -BAR
                    figures = ", ".join(
                        f"ndcg@{k} {value:.4f} ({part:+.1%})" for k, value, part in zip(KS, values, change, strict=True)
                    )
                    took = time.monotonic() - began
                    print(f"{bank} {model}, min_group {group}: {figures}; {weights}; {took:.0f} s", flush=True)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
