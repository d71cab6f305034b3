"""From a snapshot to a model folder: fit on train, choose on validation, refit, write whole.

train           fitted on train and chosen on validation, then refitted on train + validation (unless the mapping says
                `refit = false`); the test part stays hidden
train --final   the configuration chosen before, refitted on everything
"""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import NotTrained, SchemaOutdated, UsageError
from graphrec.features.text import choose_device
from graphrec.files import replace_folder
from graphrec.graph.adjacency import Graph, Hidden, visible_graph
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import Interval, bootstrap_all
from graphrec.metrics.ranking import evaluate_lists
from graphrec.progress import Progress, silent
from graphrec.terms.blend import Blend
from graphrec.terms.files import write_blend
from graphrec.training.checkpoint import DECIDING, Work
from graphrec.training.folder import FORMAT, KINDS, check_vectors, content_hash, model_folder, read_meta
from graphrec.training.lists import ranked_lists
from graphrec.training.networks import NETWORKS
from graphrec.training.provenance import source_digest, vectors_digest, versions
from graphrec.training.recipes import PATH_SHARE, Inputs, Plain, blend_of
from graphrec.training.search import Chosen, check_given, choose, fixed, terms_of
from graphrec.training.split import Split, Stage, check_hidden, split_of
from graphrec.training.tracking import Tracker
from graphrec.training.tune import tuned_configurations
from graphrec.training.validation import Validation

REPORTED_KS = (1, 3, 10, 20)
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class TrainOptions:
    """What a training was asked for.

    Raises:
        UsageError: there is no such kind of model, share or device.
    """

    model: str = "blend"
    fixed: bool = False
    """Defaults fixed beforehand; nothing is tuned."""
    final: bool = False
    """Refit what was chosen before on everything."""
    seed: int = 0
    use_protected: bool = False
    path_share: float = PATH_SHARE
    """Part of a blend's weight that goes to real paths where that costs at most 2 % on validation, in [0, 1)."""
    given: Mapping[str, Plain] = field(default_factory=dict)
    """Values of terms' configurations by term and name, which no search changes."""
    device: str = "auto"
    """Where networks are trained: auto (a GPU where torch can use one), cpu or cuda."""

    def __post_init__(self) -> None:
        if self.model not in KINDS:
            raise UsageError(f"there is no model {self.model!r}; there are {', '.join(KINDS)}")
        if not 0 <= self.path_share < 1:
            raise UsageError(f"--path-share {self.path_share:g}: want a part from 0 to below 1")
        if self.device not in DEVICES:
            raise UsageError(f"there is no device {self.device!r}; there are {', '.join(DEVICES)}")
        check_given(self.model, self.given)


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


@dataclass(frozen=True, eq=False)
class _Job:
    """Everything one training needs."""

    snapshot: Snapshot
    home: Home
    options: TrainOptions
    split: Split
    inputs: Inputs

    @property
    def folder(self) -> Path:
        return model_folder(self.home, self.options.model, final=self.options.final)

    def tuned(self) -> dict[str, Plain]:
        """The tuned configurations that this model takes."""
        names = terms_of(self.options.model)
        return {name: dict(plain) for name, plain in self.inputs.tuned.items() if name in names}

    def request(self) -> dict[str, Any]:
        """What decides the result: an equal request gives an equal model."""
        return {
            "format": FORMAT,
            "source": source_digest(),
            "kind": self.options.model,
            "fixed": self.options.fixed,
            "final": self.options.final,
            "seed": self.options.seed,
            "use_protected": self.options.use_protected,
            "path_share": self.options.path_share,
            "given": {name: dict(plain) for name, plain in self.options.given.items()},
            "device": self.options.device,
            "snapshot": self.snapshot.hash,
            "split": self.split.hash,
            "vectors": vectors_digest(self.inputs.vectors),
            "tuned": self.tuned(),
        }


def train(
    snapshot: Snapshot,
    home: Home,
    options: TrainOptions | None = None,
    *,
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    log_dir: Path | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Fit a model and write its folder; nothing is done when the same was done before.

    A training that was killed goes on where it was and ends with the same bytes.

    Args:
        vectors: text vectors (num_nodes, dim) by label, for terms that read texts.
        log_dir: a folder for TensorBoard events of fits by epochs.

    Raises:
        ModelError: a term cannot be fitted on this snapshot, or a fit would see what is hidden from it.
        UsageError: events are asked for and the package that writes them is not installed.
    """
    options = options or TrainOptions()
    began = time.monotonic()
    split = split_of(snapshot)
    tracker = Tracker(log_dir)
    tuned = {} if options.fixed else tuned_configurations(home, snapshot, split, use_protected=options.use_protected)
    inputs = Inputs(
        seed=options.seed,
        use_protected=options.use_protected,
        path_share=options.path_share,
        given=options.given,
        vectors=vectors or {},
        progress=progress,
        tuned=tuned,
        tracker=tracker,
        device=options.device,
    )
    job = _Job(snapshot, home, options, split, inputs)
    if options.final:
        job = _final_job(job)
    work = Work.of(home.working, job.folder.name, job.request())
    before = _same_before(job)
    if before is not None:
        # A kill after the model was in its place leaves the folder of the work behind.
        work.clear()
        return before
    job = replace(job, inputs=replace(job.inputs, work=work))
    with closing(tracker):
        meta, blend, graph = _final(job) if options.final else _tested(job)
    report = _write(job, meta, blend, graph, began)
    work.clear()
    return report


def _tested(job: _Job) -> tuple[dict[str, Any], Blend, Graph]:
    """Choose on validation, refit on what the test may know."""
    train_graph = _shown(job, "train")
    validation = Validation.of(job.split, train_graph, job.options.seed)
    notes = list(job.split.notes)
    inputs = replace(job.inputs, metric=validation.metric)
    record: dict[str, Any]
    blend: Blend | None = None
    if job.options.fixed or not len(validation):
        chosen = fixed(job.options.model, train_graph, inputs)
        record = {"configuration": chosen.configuration(), "metrics": {}, "alone": {}, "curves": []}
        notes.append(
            "defaults fixed beforehand: nothing was tuned, validation was not looked at" if job.options.fixed
            else "the validation part is empty, so nothing could be chosen: defaults fixed beforehand"
        )  # fmt: skip
    else:
        choosing = cache(lambda: choose(job.options.model, train_graph, validation, inputs))
        record = inputs.work.once("chosen", lambda: _record(choosing(), train_graph, validation, inputs))
        blend = None if job.split.refit else choosing().blend
    graph = train_graph
    if blend is None:
        graph = _shown(job, job.split.fitted)
        blend = blend_of(record["configuration"], graph, replace(inputs, stage="refit"))
    meta = {
        "configuration": record["configuration"],
        "metrics": record["metrics"],
        "validation": {"metric": validation.metric, "users": len(validation), "alone": record["alone"]},
        "curves": [*record["curves"], *inputs.tracker.curves("refit")],
        "tuned": sorted(job.tuned()),
        "fitted": job.split.fitted,
        "notes": notes,
    }
    return meta, blend, graph


def _shown(job: _Job, stage: Stage) -> Graph:
    """The graph that a fit of this stage may see, looked over for what it may not."""
    graph = visible_graph(job.snapshot, job.split.hidden(stage))
    check_hidden(job.split, graph, stage)
    return graph


def _record(chosen: Chosen, graph: Graph, validation: Validation, inputs: Inputs) -> dict[str, Any]:
    """What is kept of a choice, as plain values."""
    assert chosen.blend is not None, "a choice is fitted"
    metrics = _validation_metrics(chosen.blend, graph, validation, inputs.seed)
    return {
        "configuration": chosen.configuration(),
        "metrics": {name: _plain(interval) for name, interval in metrics.items()},
        "alone": dict(chosen.tried),
        "curves": inputs.tracker.curves("choosing"),
    }


def _final_job(job: _Job) -> _Job:
    """The job with options and texts of the last tested model; that is trained first where this snapshot has none.

    Raises:
        ModelError: the tested model had text vectors, and these are others.
    """
    tested = replace(job, options=replace(job.options, final=False))
    try:
        meta = read_meta(tested.folder)
    except (NotTrained, SchemaOutdated):
        meta = None
    if meta is None or meta["snapshot"] != job.snapshot.hash or meta["request"].keys() != job.request().keys():
        train(job.snapshot, job.home, tested.options, vectors=job.inputs.vectors, progress=job.inputs.progress)
        meta = read_meta(tested.folder)
    options = replace(
        job.options,
        fixed=meta["fixed"],
        seed=meta["seed"],
        use_protected=meta["request"]["use_protected"],
        path_share=meta["request"]["path_share"],
        given=meta["request"]["given"],
    )
    inputs = replace(job.inputs, seed=options.seed, use_protected=options.use_protected)
    if meta["request"]["vectors"] is None:
        inputs = replace(inputs, vectors={})
    check_vectors(meta, inputs.vectors)
    return replace(job, options=options, inputs=inputs)


def _final(job: _Job) -> tuple[dict[str, Any], Blend, Graph]:
    """The chosen configuration on everything."""
    tested = read_meta(model_folder(job.home, job.options.model, final=False))
    graph = visible_graph(job.snapshot, job.split.hidden("all"))
    blend = blend_of(tested["configuration"], graph, replace(job.inputs, stage="refit"))
    notes = ["fitted on everything, the test part too; metrics are those of the tested model"]
    notes += [job.snapshot.uncut] if job.snapshot.uncut else []
    meta = {"configuration": tested["configuration"], "metrics": tested["metrics"], "fitted": "all", "notes": notes}
    meta |= {"validation": tested["validation"], "tuned": tested["tuned"], "curves": job.inputs.tracker.curves("refit")}
    return meta, blend, graph


def _validation_metrics(blend: Blend, graph: Graph, validation: Validation, seed: int) -> dict[str, Interval]:
    lists = ranked_lists(blend, validation.users, graph.held(), max(REPORTED_KS))
    relevant = validation.relevant
    return bootstrap_all(evaluate_lists(lists, relevant.indptr, relevant.indices, REPORTED_KS), seed=seed)


def _same_before(job: _Job) -> TrainReport | None:
    try:
        meta = read_meta(job.folder)
    except (NotTrained, SchemaOutdated):
        return None
    if meta["request"] != job.request():
        return None
    if job.options.final:
        tested = read_meta(model_folder(job.home, job.options.model, final=False))
        if tested["configuration"] != meta["configuration"]:
            return None
    return _report(job, meta, is_new=False)


def _write(job: _Job, meta: dict[str, Any], blend: Blend, graph: Graph, began: float) -> TrainReport:
    with replace_folder(job.folder) as folder:
        description = write_blend(folder, blend, graph)
        whole = {
            "format": FORMAT,
            "kind": job.options.model,
            "final": job.options.final,
            "fixed": job.options.fixed,
            "seed": job.options.seed,
            "hash": content_hash(folder, description),
            "snapshot": job.snapshot.hash,
            "as_of": job.snapshot.as_of,
            "split": job.split.describe(),
            "hidden": _hidden(job.split.hidden(meta["fitted"])),
            "request": job.request(),
            **meta,
            "versions": versions(DECIDING),
            "device": _device(blend, job.options.device),
            "description": description,
            "seconds": round(time.monotonic() - began, 3),
        }
        (folder / "meta.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1), "utf-8")
    return _report(job, read_meta(job.folder), is_new=True)


def _report(job: _Job, meta: Mapping[str, Any], *, is_new: bool) -> TrainReport:
    metrics = {name: Interval(**interval) for name, interval in meta["metrics"].items()}
    return TrainReport(
        meta["kind"], job.folder, meta["hash"], meta["snapshot"], metrics, meta["seconds"], is_new, meta
    )  # fmt: skip


def _hidden(hidden: Hidden) -> dict[str, int | None]:
    """What the fit did not see: from which time on, and how many pairs."""
    return {"known_from": hidden.known_from, "pairs": 0 if hidden.pairs is None else len(hidden.pairs)}


def _plain(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _device(blend: Blend, wanted: str) -> dict[str, str]:
    networks = [term.name for term in blend.terms if term.name in NETWORKS]
    if not networks:
        return {"name": "cpu", "reason": "every part of this model is fitted with numpy and numba"}
    device = choose_device(wanted)
    reason = f"{device.reason}; {' and '.join(networks)} with torch, all else with numpy and numba on the CPU"
    return {"name": device.name, "reason": reason}
