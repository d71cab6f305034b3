"""How often the planted reason of a late purchase is the first one that a model fitted before it gives."""

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from graphrec.demo import write_bank
from graphrec.features.text import Encoder
from graphrec.features.vectors import VectorCache
from graphrec.graph.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.graph.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.loaders import load_mapping, run_load
from graphrec.serving.answer import Line
from graphrec.serving.engine import Engine
from graphrec.training.fit import TrainOptions, train


def planted_engine(folder: Path, seed: int, vectors: Path | None = None) -> tuple[Engine, Path]:
    """The default model, fitted on a demo bank as of its test cut, and the file of planted pairs."""
    bank = folder / "bank"
    report = write_bank(bank, seed=seed)
    home = Home(folder / "home").prepare()
    sink = MemorySink()
    run_load(load_mapping("demo"), bank, sink, rejected_path=folder / "rejected.csv")
    cut = datetime.fromisoformat(report.test_cut)
    snapshot = SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, as_of=cut)
    )
    cache = VectorCache(vectors or home.vectors, Encoder.open(None))
    texts = {label: cache.vectors(snapshot.texts(label))[1] for label in ("Customer", "Product")}
    train(snapshot, home, TrainOptions(final=True), vectors=texts)
    return Engine.open(home), bank / "truth" / "planted.csv"


def relation_of(line: Line) -> str:
    """What a line says of its neighbour: sector, issuer, holders or text; else its kind or its edges."""
    if line.path is None:
        return {"text": "text"}.get(line.term, "holders" if line.kind == "similarity" else line.kind)
    types = [part["type"] for part in line.path[1::2]]
    if "IN_SECTOR" in types or "ISSUED_BY" in types:
        return "sector" if "IN_SECTOR" in types else "issuer"
    by_product = line.via is not None and line.via["label"] == "Product"
    return "holders" if by_product and any("count" in part for part in line.path) else " ".join(types)


def count_planted(engine: Engine, truth: Path) -> tuple[Mapping[str, int], Mapping[str, int], int]:
    """Per relation: planted pairs whose first reason names the planted neighbour and relation, and all; neighbours."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    neighbours = 0
    with truth.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            (item,) = engine.explain(row["user"], row["product"], 5).items
            first = item.lines[0]
            total[row["relation"]] += 1
            if first.via is not None and first.via["id"] == row["via"]:
                neighbours += 1
                right[row["relation"]] += relation_of(first) == row["relation"]
    return right, total, neighbours
