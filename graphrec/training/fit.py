"""From a snapshot to a model folder: fit on train, choose on validation, refit, write whole.

train           fitted on train and chosen on validation, then refitted on train + validation (unless the mapping says
                `refit = false`); the test part stays hidden
train --final   the configuration chosen before, refitted on everything
"""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import Damaged, NotTrained, SchemaOutdated, UsageError
from graphrec.graph.adjacency import Graph, visible_graph
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import Interval, bootstrap_all
from graphrec.metrics.ranking import evaluate_lists
from graphrec.progress import Progress, silent
from graphrec.terms.blend import Blend
from graphrec.terms.folder import model_folder, read_meta
from graphrec.training.checkpoint import Work
from graphrec.training.job import Job, TrainOptions
from graphrec.training.lists import ranked_lists
from graphrec.training.provenance import check_vectors
from graphrec.training.recipes import Inputs, blend_of
from graphrec.training.search.choose import Chosen, choose, fixed
from graphrec.training.split import Stage, check_hidden, split_of
from graphrec.training.tracking import Tracker
from graphrec.training.tune import tuned_configurations
from graphrec.training.validation import Validation
from graphrec.training.writing import TrainReport, done_before, write_model

__all__ = ["TrainOptions", "TrainReport", "train"]

REPORTED_KS = (1, 3, 10, 20)


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
    job = Job(snapshot, home, options, split, inputs)
    if options.final:
        job = _final_job(job)
    work = Work.of(home.working, job.folder.name, job.request())
    before = done_before(job)
    if before is not None:
        # A kill after the model was in its place leaves the folder of the work behind.
        work.clear()
        return before
    job = replace(job, inputs=replace(job.inputs, work=work))
    with closing(tracker):
        meta, blend, graph = _final(job) if options.final else _tested(job)
    report = write_model(job, meta, blend, graph, began)
    work.clear()
    return report


def _tested(job: Job) -> tuple[dict[str, Any], Blend, Graph]:
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


def _shown(job: Job, stage: Stage) -> Graph:
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


def _final_job(job: Job) -> Job:
    """The job with options and texts of the last tested model; that is trained first where this snapshot has none.

    Raises:
        ModelError: the tested model had text vectors, and these are others.
        UsageError: an option is given that the tested model was not trained with.
    """
    tested = replace(job, options=replace(job.options, final=False))
    try:
        meta = read_meta(tested.folder)
    except (NotTrained, SchemaOutdated, Damaged):
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
    _check_taken_over(job.options, options)
    inputs = replace(job.inputs, seed=options.seed, use_protected=options.use_protected)
    if meta["request"]["vectors"] is None:
        inputs = replace(inputs, vectors={})
    check_vectors(meta, inputs.vectors)
    return replace(job, options=options, inputs=inputs)


def _check_taken_over(asked: TrainOptions, taken: TrainOptions) -> None:
    for name in ("fixed", "use_protected", "path_share", "given"):
        wanted, own = getattr(asked, name), getattr(taken, name)
        if wanted not in (own, getattr(TrainOptions(), name)):
            raise UsageError(
                f"--final refits the model that was tested, whose {name} is {own}, not {wanted}; leave the option out, "
                "or run: graphrec train with it, then graphrec train --final"
            )


def _final(job: Job) -> tuple[dict[str, Any], Blend, Graph]:
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


def _plain(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
