"""New products and new customers: recall@20 and nDCG@20 beside content kNN on the same vectors and popularity.

    python benchmarks/cold_start.py [--data ../shared/data] [--sets demo,citeulike-t,ml-1m] [--seeds 0,1,2]

A tenth of the products (customers) is hidden with all its interactions; citeulike-t has bags of words, whose vectors
are the first 256 singular vectors of tf-idf; the others have texts, read by the packaged encoder. Sets that are not
there are left out with a word. Intervals: bootstrap over customers within each seed.
"""

import argparse
import gzip
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphrec.demo import write_bank
from graphrec.evaluation.cold import Side, evaluate_cold
from graphrec.features.text import Encoder
from graphrec.features.vectors import VectorCache
from graphrec.graph.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.graph.snapshot import Snapshot
from graphrec.loaders import load_mapping, run_load

DIM = 256
Vectors = Mapping[str, NDArray[np.float32]]
RUNS: Mapping[str, tuple[tuple[Side, str], ...]] = {
    "demo": (("items", "blend"), ("users", "blend")),
    "citeulike-t": (("items", "blend"), ("items", "lightgcn")),
    "ml-1m": (("items", "blend"), ("items", "lightgcn"), ("users", "blend")),
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
    labels = [label for label in snapshot.labels if snapshot.meta["texts"][label]]
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
    """Print every set, side, kind and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", default="0,1,2")
    given = parser.parse_args()
    for name in given.sets.split(","):
        if name != "demo" and not (given.data / name).exists():
            print(f"cold_start: {name} skipped, there is no {given.data / name}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            snapshot, vectors = SETS[name](given.data, Path(folder))
            for side, kind in RUNS[name]:
                for seed in map(int, given.seeds.split(",")):
                    report(name, side, kind, seed, snapshot, vectors)


def report(name: str, side: Side, kind: str, seed: int, snapshot: Snapshot, vectors: Vectors) -> None:
    """Print one run."""
    done = evaluate_cold(snapshot, side, kind=kind, vectors=vectors, seed=seed)
    weights = ", ".join(f"{weight:g} x {term}" for term, weight in done.weights.items())
    print(
        f"{name} cold {side}, {kind} ({weights}), seed {seed}: {done.held_out:,} held out, {done.users:,} users, "
        f"{done.interactions:,} interactions, {done.seconds:.0f} s"
    )
    for candidates, models in done.metrics.items():
        for model, metrics in models.items():
            found = [(metric, metrics[metric]) for metric in ("recall@20", "ndcg@20")]
            cells = [f"{metric} {one.value:.4f} ({one.low:.4f}-{one.high:.4f})" for metric, one in found]
            print(f"  among {candidates:4} {model:16} " + ", ".join(cells), flush=True)


if __name__ == "__main__":
    main()
