"""The model folder that a training leaves, and what is said of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrec.errors import Damaged, NotTrained, SchemaOutdated
from graphrec.features.text import choose_device
from graphrec.files import replace_folder
from graphrec.graph.adjacency import Graph, Hidden
from graphrec.metrics.intervals import Interval
from graphrec.terms.blend import Blend
from graphrec.terms.folder import model_folder, read_meta
from graphrec.terms.folder import write_model as write_files
from graphrec.training.checkpoint import DECIDING
from graphrec.training.job import Job
from graphrec.training.networks import NETWORKS
from graphrec.training.provenance import versions


@dataclass(frozen=True)
class TrainReport:
    """What a training did."""

    model: str
    path: Path
    hash: str
    snapshot: str
    metrics: Mapping[str, Interval]
    """On validation users, of what was fitted on train; empty where nothing was chosen."""
    seconds: float
    is_new: bool
    """False when the same training had been done before."""
    meta: Mapping[str, Any]


def done_before(job: Job) -> TrainReport | None:
    try:
        meta = read_meta(job.folder)
    except (NotTrained, SchemaOutdated, Damaged):
        return None
    if meta["request"] != job.request():
        return None
    if job.options.final:
        tested = read_meta(model_folder(job.home, job.options.model, final=False))
        if tested["configuration"] != meta["configuration"]:
            return None
    return _report(job, meta, is_new=False)


def write_model(job: Job, meta: dict[str, Any], blend: Blend, graph: Graph, began: float) -> TrainReport:
    with replace_folder(job.folder) as folder:
        whole = {
            "kind": job.options.model,
            "final": job.options.final,
            "fixed": job.options.fixed,
            "seed": job.options.seed,
            "split": job.split.describe(),
            "hidden": _hidden(job.split.hidden(meta["fitted"])),
            "request": job.request(),
            **meta,
            "versions": versions(DECIDING),
            "device": _device(blend, job.options.device),
            "seconds": round(time.monotonic() - began, 3),
        }
        write_files(folder, blend, graph, job.snapshot, whole)
    return _report(job, read_meta(job.folder), is_new=True)


def _report(job: Job, meta: Mapping[str, Any], *, is_new: bool) -> TrainReport:
    metrics = {name: Interval(**interval) for name, interval in meta["metrics"].items()}
    return TrainReport(
        meta["kind"], job.folder, meta["hash"], meta["snapshot"], metrics, meta["seconds"], is_new, meta
    )  # fmt: skip


def _hidden(hidden: Hidden) -> dict[str, int | None]:
    """What the fit did not see: from which time on, and how many pairs."""
    return {"known_from": hidden.known_from, "pairs": 0 if hidden.pairs is None else len(hidden.pairs)}


def _device(blend: Blend, wanted: str) -> dict[str, str]:
    networks = [term.name for term in blend.terms if term.name in NETWORKS]
    if not networks:
        return {"name": "cpu", "reason": "every part of this model is fitted with numpy and numba"}
    device = choose_device(wanted)
    reason = f"{device.reason}; {' and '.join(networks)} with torch, all else with numpy and numba on the CPU"
    return {"name": device.name, "reason": reason}
