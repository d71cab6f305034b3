"""What blocks of a portrait add to ranking, with paired p-values: the demo bank, zimnat, bank-marketing.

    python benchmarks/portrait.py --data DIR [--only demo] [--models ease,kernel] [--seeds 1]
    python benchmarks/portrait.py --only texts --models text [--worded FILE]

demo: bank S; bands (fifths) of the numbers of the portrait as of the day before which 70 % of the purchases were known,
kept by `portrait --keep`, so that validation and test lie after it. zimnat: bands of how many products a client is
known to own, without the hidden one. Models of fixed configurations are trained without bands and with them
(`--fixed`), and nDCG of the same users is compared by sign-flip permutation. bank-marketing: logistic regression on the
numbers of a client as they are, and with their bands (tenths of the training part) beside them; five folds; p of the
difference of AUC by DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988). `duration` is left out: it is known after
the call. texts: bank S; customers' own descriptions against those with the text of the portrait beside them, as of the
same day, and against the portrait as a language model worded it (FILE: one object a line, id and text; others keep
their own text, and are not asked).
"""

import argparse
import csv
import gzip
import io
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.jobs import Load, MakePortraits, TakeSnapshot
from graphrec.config.settings import Settings
from graphrec.demo import write_bank
from graphrec.evaluation.hidden_part import HiddenPart, measure, open_tested
from graphrec.features.registry import sources_of
from graphrec.finance.credit.fitting import folds, logistic
from graphrec.finance.credit.scorecard import Values, taken
from graphrec.finance.portrait import Portraits, band_name
from graphrec.finance.portrait_file import PortraitFile
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.metrics.intervals import paired_test
from graphrec.policy.facts import DAY
from graphrec.schema import EdgeSchema, NodeSchema
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of

METRIC, K = "ndcg@10", 10
TODAY = date(2026, 1, 2)


def quality(snapshot: Snapshot, model: str, seed: int, k: int) -> Mapping[str, NDArray[np.float64]]:
    """The metrics of every test user with a model of fixed configuration."""
    with tempfile.TemporaryDirectory() as folder:
        report = train(
            snapshot, Home(Path(folder)).prepare(), TrainOptions(model, fixed=True, seed=seed, path_share=0.0)
        )
        split = split_of(snapshot)
        part = HiddenPart.of(snapshot, split, visible_graph(snapshot, split.hidden(split.fitted)))
        return measure(open_tested(report.path, snapshot).blend, part, (k,), seed=seed).per_user


def compare(name: str, without: Snapshot, banded: Snapshot, models: list[str], seeds: int, k: int) -> None:
    """Print what the bands add."""
    for model in models:
        for seed in range(seeds):
            before, after = (quality(one, model, seed, k)[f"ndcg@{k}"] for one in (without, banded))
            p = paired_test(after, before, seed)
            print(
                f"{name} {model} seed {seed}: nDCG@{k} {before.mean():.4f} without, {after.mean():.4f} with bands, "
                f"{len(before):,} users, p {p:.4f}",
                flush=True,
            )


def demo(folder: Path, models: list[str], seeds: int) -> None:
    """The demo bank."""
    files = write_bank(folder / "demo").path
    bank = Bank(Settings(home=folder / "home", today=TODAY))
    bank.load(Load("demo", files))
    without = bank.take_snapshot(TakeSnapshot()).snapshot
    known = np.concatenate([np.asarray(without.edges(name).known_at[:]) for name in without.schema.roles.relevant])
    day = str(np.datetime64(int(np.quantile(known[known != ALWAYS], 0.7)), "us"))[:10]
    bank.make_portraits(MakePortraits(folder / "numbers.csv", as_of=day, record=False))
    with (folder / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["[bands]"]
    for name in list(rows[0])[2:]:
        values = np.array([float(row[name]) for row in rows if row[name]])
        edges = sorted({float(one) for one in np.quantile(values, [0.2, 0.4, 0.6, 0.8])}) if len(values) else []
        lines += [f'"{name}" = {edges}'] if len(edges) > 1 else []
    (bank.home.path / "portrait.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    bank.make_portraits(MakePortraits(keep=True, as_of=day, record=False))
    print(f"demo: bands of {len(lines) - 1} numbers as of {day}")
    banded = bank.take_snapshot(TakeSnapshot()).snapshot
    compare("demo", without, banded, models, seeds, K)
    assert SnapshotShelf(bank.home.snapshots).latest().hash == banded.hash


def texts(folder: Path, models: list[str], worded: Path | None) -> None:
    """Texts of portraits beside the customers' own."""
    write_bank(folder / "demo")
    sink = MemorySink()
    run_load(load_mapping("demo"), folder / "demo", sink)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    user = sink.schema.roles.user
    column = sink.schema.nodes[user].text[0]

    def with_texts(name: str, said: Mapping[str, str]) -> Snapshot:
        table = sink.nodes[user]
        rows = zip(table["id"].to_pylist(), table[column].to_pylist(), strict=True)
        values = [" ".join(part for part in (own, said.get(one)) if part) or None for one, own in rows]
        table = table.set_column(table.column_names.index(column), column, pa.array(values, table[column].type))
        nodes = {**sink.nodes, user: table}
        return write_snapshot(folder / name, sink.schema, nodes, sink.edges, sink.series, split)

    own = with_texts("own", {})
    known = np.concatenate([np.asarray(own.edges(name).known_at[:]) for name in own.schema.roles.relevant])
    day = int(np.datetime64(int(np.quantile(known[known != ALWAYS], 0.7)), "us").astype("datetime64[D]").astype(int))
    portraits = Portraits(own, PortraitFile(), day * DAY)
    plain = {one: portraits.one(place).text for place, one in enumerate(own.nodes(user).ids)}
    lines = [] if worded is None else worded.read_text("utf-8").splitlines()
    by_model = {row["id"]: row["text"] for row in map(json.loads, lines)}
    plain = {one: text for one, text in plain.items() if one in by_model or not by_model}
    snapshots = {"own": own, "portrait": with_texts("portrait", plain)}
    if by_model:
        snapshots["worded"] = with_texts("worded", by_model)
    home = Home(folder / "home").prepare()
    for model in models:
        found = {name: _of_users(one, model, home) for name, one in snapshots.items()}
        asked = sorted(set(found["own"]) & set(by_model or found["own"]))
        means = ", ".join(f"{name} {np.mean([rows[user] for user in asked]):.4f}" for name, rows in found.items())
        print(f"texts {model}: nDCG@{K} {means}, {len(asked):,} users")
        for first, second in (("portrait", "own"), ("worded", "own"), ("worded", "portrait")):
            if first in found:
                one, other = (np.array([found[name][user] for user in asked]) for name in (first, second))
                print(f"  {first} against {second}: p {paired_test(one, other, 0):.4f}", flush=True)


def _of_users(snapshot: Snapshot, model: str, home: Home) -> Mapping[str, float]:
    """nDCG of each test user by id."""
    options = TrainOptions(model, fixed=True, path_share=0.0)
    report = train(snapshot, home, options, sources=sources_of(["text"], home))
    split = split_of(snapshot)
    part = HiddenPart.of(snapshot, split, visible_graph(snapshot, split.hidden(split.fitted)))
    values = measure(open_tested(report.path, snapshot).blend, part, (K,), seed=0).per_user[METRIC]
    ids = snapshot.nodes(snapshot.schema.roles.user).ids
    return {ids[user]: float(value) for user, value in zip(part.users.tolist(), values, strict=True)}


def zimnat(data: Path, folder: Path, models: list[str], seeds: int) -> None:
    """Insurance clients."""
    sink = MemorySink()
    run_load(load_mapping("zimnat"), data / "zimnat", sink)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    without = write_snapshot(folder / "without", sink.schema, sink.nodes, sink.edges, sink.series, split)
    seen = split_of(without)
    held = visible_graph(without, seen.hidden("train")).held().degrees()
    user = without.schema.roles.user
    names = [f"products: {band_name((2.0, 3.0, 4.0), float(one))}" for one in held]
    label, kind = "PortraitBand", "IN_PORTRAIT_BAND"
    nodes = pa.Table.from_pylist([{"id": one} for one in sorted(set(names))], node_fields(()))
    rows = [{"source": one, "target": name} for one, name in zip(without.nodes(user).ids, names, strict=True)]
    edges = pa.Table.from_pylist(rows, edge_fields(()))
    schema = replace(
        sink.schema,
        nodes={**sink.schema.nodes, label: NodeSchema(label)},
        edges={**sink.schema.edges, kind: EdgeSchema(kind, user, label)},
    )
    every = {**sink.nodes, label: nodes}, {**sink.edges, kind: edges}
    banded = write_snapshot(folder / "banded", schema, *every, sink.series, split)
    compare("zimnat", without, banded, models, seeds, 3)


def bank_marketing(data: Path) -> None:
    """Calls for a deposit."""
    with gzip.open(data / "bank-marketing" / "bank-additional-full.csv.gz") as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8"), delimiter=";"))
    target = np.array([row["y"] == "yes" for row in rows])
    table: dict[str, Values] = {}
    for name in rows[0]:
        if name in ("y", "duration"):
            continue
        try:
            table[name] = np.array([float(row[name]) for row in rows])
        except ValueError:
            table[name] = np.array([row[name] for row in rows], object)
    parts, scores = folds(target, 5, 0), {name: np.zeros(len(target)) for name in ("numbers", "bands")}
    for part in range(5):
        own, rest = taken(table, parts != part), taken(table, parts == part)
        scores["numbers"][parts == part] = logistic(own, target[parts != part])(rest)
        edges = {
            name: tuple(np.unique(np.quantile(values, np.arange(0.1, 1, 0.1))).tolist())
            for name, values in own.items()
            if values.dtype.kind == "f"
        }
        more = [{**one, **_bands(one, edges)} for one in (own, rest)]
        scores["bands"][parts == part] = logistic(more[0], target[parts != part])(more[1])
    places = {name: _placements(values, target) for name, values in scores.items()}
    auc = {name: float(of_yes.mean()) for name, (of_yes, _) in places.items()}
    apart = [places["bands"][side] - places["numbers"][side] for side in (0, 1)]
    spread = math.sqrt(sum(float(one.var(ddof=1)) / len(one) for one in apart))
    p = math.erfc(abs(auc["bands"] - auc["numbers"]) / spread / math.sqrt(2))
    print(
        f"bank-marketing logistic: AUC {auc['numbers']:.4f} of numbers, {auc['bands']:.4f} with bands, {len(target):,} "
        f"calls, p {p:.2g}"
    )


def _placements(scores: NDArray[np.float64], target: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Of each yes the share of noes below it, and of each no the share of yeses above it, ties half."""
    sides = np.sort(scores[~target]), np.sort(scores[target])
    of_yes = [np.searchsorted(sides[0], scores[target], side=way) for way in ("left", "right")]
    of_no = [len(sides[1]) - np.searchsorted(sides[1], scores[~target], side=way) for way in ("left", "right")]
    return sum(of_yes) / (2 * len(sides[0])), sum(of_no) / (2 * len(sides[1]))


def _bands(table: Mapping[str, Values], edges: Mapping[str, tuple[float, ...]]) -> dict[str, Values]:
    return {
        f"band of {name}": np.searchsorted(np.array(own), table[name], side="right").astype(str).astype(object)
        for name, own in edges.items()
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=["demo", "texts", "zimnat", "bank-marketing"])
    parser.add_argument("--worded", type=Path)
    parser.add_argument("--models", default="ease,kernel")
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    models = asked.models.split(",")
    with tempfile.TemporaryDirectory() as folder:
        if asked.only in (None, "demo"):
            demo(Path(folder), models, asked.seeds)
        if asked.only == "texts":
            texts(Path(folder), models, asked.worded)
        for name in ("zimnat", "bank-marketing"):
            if asked.only not in (None, name):
                continue
            if not (asked.data / name).exists():
                print(f"portrait: {name} skipped, there is no {asked.data / name}")
            elif name == "zimnat":
                zimnat(asked.data, Path(folder), models, asked.seeds)
            else:
                bank_marketing(asked.data)


if __name__ == "__main__":
    main()
