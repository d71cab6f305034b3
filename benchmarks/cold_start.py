"""New products and new customers: recall@20 and nDCG@20 beside content kNN on the same vectors and popularity.

    python benchmarks/cold_start.py [--data ../shared/data] [--sets demo,citeulike-t,ml-1m] [--seeds 0,1,2]

A tenth of the products (customers) is hidden with all its interactions, and of the other products a tenth of what
customers took (graphrec/evaluation/cold/split.py). Asked for are new products among the new ones, and everything hidden
among all products, of which new and known ones are judged apart as well. citeulike-t has bags of words, whose vectors
are the first 256 singular vectors of tf-idf; the others have texts, read by the packaged encoder. Sets that are not
there are left out with a word. Seeds draw other products; printed are their mean and, of the difference to content kNN,
the 95 % interval of Student's t over the seeds, and that of a bootstrap over customers in each.
"""

import argparse
import gzip
import tempfile
import time
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import t as student

from graphrec.demo import write_bank
from graphrec.evaluation.cold.evaluate import ColdStart, evaluate_cold
from graphrec.evaluation.cold.split import Side
from graphrec.features.blocks import Blocks, Sources
from graphrec.features.sources.text.cache import VectorCache
from graphrec.features.sources.text.encoder import Encoder
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.metrics.intervals import Interval

DIM = 256
SHOWN = ("recall@20", "ndcg@20", "new@20")
DIFFERENCE = "model - content"
Vectors = Mapping[str, NDArray[np.float32]]
RUNS: Mapping[str, tuple[tuple[Side, str], ...]] = {
    "demo": (("items", "blend"), ("users", "blend")),
    "citeulike-t": (("items", "blend"),),
    "ml-1m": (("items", "blend"), ("users", "blend")),
}


def snapshot_of(mapping: str, data: Path, folder: Path) -> Snapshot:
    """The snapshot of a mapping's files."""
    sink = MemorySink()
    run_load(load_mapping(mapping), data, sink)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    return write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, split)


def demo(_data: Path, folder: Path) -> tuple[Snapshot, Vectors]:
    """The demo bank."""
    write_bank(folder / "bank")
    snapshot = snapshot_of("demo", folder / "bank", folder)
    return snapshot, encoded(snapshot, folder)


def ml_1m(data: Path, folder: Path) -> tuple[Snapshot, Vectors]:
    """MovieLens-1M with titles, genres and the DBpedia graph."""
    snapshot = snapshot_of("ml-1m", data, folder)
    return snapshot, encoded(snapshot, folder)


def encoded(snapshot: Snapshot, folder: Path) -> Vectors:
    """The vectors of all texts."""
    cache = VectorCache(folder / "vectors", Encoder.open())
    labels = [label for label in snapshot.labels if snapshot.meta.texts[label]]
    return {label: cache.vectors(snapshot.texts(label))[1] for label in labels}


def citeulike(data: Path, folder: Path) -> tuple[Snapshot, Vectors]:
    """citeulike-t: people and the articles they keep, with words."""
    lines = (data / "citeulike-t" / "users.dat").read_text().splitlines()
    (folder / "files").mkdir()
    text = "".join(f"{user} {' '.join(line.split()[1:])}\n" for user, line in enumerate(lines))
    (folder / "files" / "train.txt").write_text(text)
    (folder / "files" / "test.txt").write_text("")
    snapshot = snapshot_of("lightgcn-split", folder / "files", folder)
    with gzip.open(data / "citeulike-t" / "mult.dat.gz", "rt") as file:
        words = word_vectors([line.split()[1:] for line in file])
    ids = [int(name) for name in snapshot.nodes("Item").ids]
    return snapshot, {"Item": words[ids]}


def word_vectors(articles: list[list[str]]) -> NDArray[np.float32]:
    """The first singular vectors of tf-idf times their values (num_articles, DIM), by a randomised decomposition."""
    pairs = [[int(part) for part in word.split(":")] for words in articles for word in words]
    columns, counts = np.array(pairs, np.int64).T
    indptr = np.concatenate(([0], np.cumsum([len(words) for words in articles])))
    matrix = csr_array((np.log1p(counts.astype(np.float32)), columns, indptr))
    frequency = np.maximum(np.bincount(columns, minlength=matrix.shape[1]), 1)
    matrix = csr_array(matrix.multiply(np.log(len(articles) / frequency)[None, :].astype(np.float32)))
    basis = np.random.default_rng(0).standard_normal((matrix.shape[1], DIM + 32), np.float32)
    for _ in range(3):
        basis = np.linalg.qr(matrix.T @ np.linalg.qr(matrix @ basis)[0])[0]
    left, values, _ = np.linalg.svd(matrix @ basis, full_matrices=False)
    return np.asarray((left * values)[:, :DIM], np.float32)


SETS = {"demo": demo, "citeulike-t": citeulike, "ml-1m": ml_1m}


def main() -> None:
    """Print every set, side, kind and seed, and the means over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", default="0,1,2")
    given = parser.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    for name in given.sets.split(","):
        if name != "demo" and not (given.data / name).exists():
            print(f"cold_start: {name} skipped, there is no {given.data / name}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            snapshot, vectors = SETS[name](given.data, Path(folder))
            for side, kind in RUNS[name]:
                what = f"{name} cold {side}, {kind}"
                found = [measured(what, side, kind, seed, snapshot, vectors) for seed in seeds]
                print(f"{what}: mean of {len(found)} seeds")
                for where, models in found[0].metrics.items():
                    for model in models:
                        print_means(where, model, [done.metrics[where].get(model, {}) for done in found])


def measured(what: str, side: Side, kind: str, seed: int, snapshot: Snapshot, vectors: Vectors) -> ColdStart:
    """One run, of which the choice, the processor time and the difference to content kNN are printed."""
    began = time.process_time()
    sources = Sources.of(Blocks.of("text", vectors))
    done = evaluate_cold(snapshot, side, kind=kind, sources=sources, seed=seed)
    weights = ", ".join(f"{weight:g} x {term}" for term, weight in done.weights.items())
    print(
        f"{what} ({weights}), seed {seed}: {done.held_out:,} held out, {done.users:,} users, "
        f"{done.interactions:,} interactions, {time.process_time() - began:.0f} s of processor"
    )
    for where, models in done.metrics.items():
        cells = [f"{metric} {cell(models[DIFFERENCE][metric])}" for metric in SHOWN if metric in models[DIFFERENCE]]
        print(f"  {where:10} {DIFFERENCE:16} " + ", ".join(cells), flush=True)
    return done


def print_means(where: str, model: str, found: Sequence[Mapping[str, Interval]]) -> None:
    """Print the means of one model over the seeds that have it, of the difference with intervals over the seeds."""
    cells = []
    for metric in SHOWN:
        values = [metrics[metric].value for metrics in found if metric in metrics]
        if not values:
            continue
        text = f"{mean(values):.4f}"
        if model == DIFFERENCE and len(values) > 1:
            half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values))
            text = cell(Interval(mean(values), mean(values) - half, mean(values) + half))
        cells.append(f"{metric} {text}")
    print(f"  {where:10} {model:16} " + ", ".join(cells), flush=True)


def cell(interval: Interval) -> str:
    """A value with its interval."""
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


if __name__ == "__main__":
    main()
