"""How often the planted reason of a late purchase is the first one that a model fitted before it gives."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from graphrec.demo import write_bank
from graphrec.features.blocks import Blocks, Sources
from graphrec.features.sources.text.cache import VectorCache
from graphrec.features.sources.text.encoder import Encoder
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.memory import MemorySink
from graphrec.home import Home
from graphrec.loading import load_mapping, run_load
from graphrec.serving.answer import Line, Node, People
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
    train(snapshot, home, TrainOptions(final=True), sources=Sources.of(Blocks.of("text", texts)))
    return Engine.open(home), bank / "truth" / "planted.csv"


def relation_of(line: Line) -> str:
    """What a line says of its neighbour: sector, issuer, holders or text; else its kind or its edges."""
    if line.path is None:
        return {"text": "text"}.get(line.term, "holders" if line.kind == "similarity" else line.kind)
    types = [step.type for step in line.steps]
    if "IN_SECTOR" in types or "ISSUED_BY" in types:
        return "sector" if "IN_SECTOR" in types else "issuer"
    by_product = line.via is not None and line.via.label == "Product"
    return "holders" if by_product and any(isinstance(node, People) for node in line.nodes) else " ".join(types)


Edge = tuple[str, str, str]


@dataclass(frozen=True)
class Found:
    """What was found of the planted reasons."""

    right: Mapping[str, int]
    """Pairs per relation whose first reason names the planted neighbour and relation."""
    total: Mapping[str, int]
    """Planted pairs per relation."""
    neighbours: int
    """Pairs whose first reason names the planted neighbour."""
    auc: float
    """Mean over the pairs of the area under the ROC curve of the edges' shares against the edges that were planted."""


def edges_of(user: str, line: Line) -> list[Edge]:
    """The edges that a line speaks of: those of its path, or the one to the neighbour."""
    if line.path is None:
        return [(user, "", line.via.id)] if line.via is not None else []
    nodes = [node.id if isinstance(node, Node) else "others" for node in line.nodes]
    types = ["", *(step.type for step in line.steps[1:])]
    return list(zip(nodes[:-1], types, nodes[1:], strict=True))


def edge_auc(user: str, lines: Sequence[Line], via: str, relation: str) -> float:
    """Area under the ROC curve of one pair: how often a planted edge has more of the score than another edge.

    An edge has the positive contrasts of the lines over it. Planted are the edge from the customer to the neighbour
    and, where lines take the planted relation from there, theirs.
    """
    mass: Counter[Edge] = Counter()
    planted = {(user, "", via)}
    for line in lines:
        for edge in edges_of(user, line):
            mass[edge] += max(line.contrast, 0.0)
        if line.path is not None and line.via is not None and line.via.id == via and relation_of(line) == relation:
            planted.update(edges_of(user, line))
    true = np.array([mass[edge] for edge in sorted(planted)])
    false = np.array([share for edge, share in sorted(mass.items()) if edge not in planted])
    if not len(false):
        return 1.0
    return float((true[:, None] > false).mean() + 0.5 * (true[:, None] == false).mean())


def count_planted(engine: Engine, truth: Path) -> Found:
    """How many planted reasons come first, and how well the shares point out the planted edges."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    neighbours = 0
    areas = []
    with truth.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            (item,) = engine.explain(row["user"], row["product"], 5).items
            first = item.lines[0]
            areas.append(edge_auc(row["user"], item.lines, row["via"], row["relation"]))
            total[row["relation"]] += 1
            if first.via is not None and first.via.id == row["via"]:
                neighbours += 1
                right[row["relation"]] += relation_of(first) == row["relation"]
    return Found(right, total, neighbours, float(np.mean(areas)))
