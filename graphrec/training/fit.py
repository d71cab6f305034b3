"""From a snapshot to a model folder: fit on train, choose on validation, refit, write whole.

train           fitted on train and chosen on validation, then refitted on train + validation (unless the mapping says
                `refit = false`); the test part stays hidden
train --final   the configuration chosen before, refitted on everything
"""

import time
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import convert, structs, to_builtins

from graphrec.errors import Damaged, NotTrained, SchemaOutdated, UsageError
from graphrec.features.blocks import Blocks, Sources
from graphrec.features.device import choose_device
from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import Graph, Hidden
from graphrec.graph.folders.block_rows import write_blocks
from graphrec.graph.folders.meta import plain
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import Interval, bootstrap_all
from graphrec.metrics.ranking import evaluate_lists
from graphrec.models.digests import versions
from graphrec.models.inputs import Inputs
from graphrec.models.registry import models
from graphrec.progress import Progress, silent
from graphrec.terms.folder import FORMAT, blocks_beside, model_folder, read_meta, write_model
from graphrec.terms.forms.blend import Blend
from graphrec.terms.live import keep_replaced
from graphrec.terms.meta import (
    Configuration,
    Curve,
    DescribedBlock,
    Device,
    HiddenParts,
    Measured,
    ModelMeta,
    OnValidation,
    SplitParts,
    Stage,
    Trained,
)
from graphrec.training.assemble import blend_of
from graphrec.training.checkpoint import FileWork
from graphrec.training.job import Job, TrainOptions, TrainReport
from graphrec.training.lists import ranked_lists
from graphrec.training.search.choose import Chosen, choose, fixed
from graphrec.training.search.folds import Fold, number_of_folds
from graphrec.training.split import Split, fold_of, split_of
from graphrec.training.stages import blocks_of, check_blocks, choosing_graph, graph_of
from graphrec.training.tracking import EpochTracker
from graphrec.training.tune import tuned_configurations
from graphrec.training.validation import Validation

__all__ = ["TrainOptions", "TrainReport", "train"]

REPORTED_KS = (1, 3, 10, 20)
PACKAGES = ("numba", "numpy", "optuna", "scipy", "torch")
"""Whose versions a model folder names."""


def train(
    snapshot: Snapshot,
    home: Home,
    options: TrainOptions | None = None,
    *,
    sources: Sources | None = None,
    log_dir: Path | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Fit a model and write its folder; nothing is done when the same was done before.

    A training that was killed goes on where it was and ends with the same bytes.

    Args:
        snapshot: the graph.
        home: whose models, tuned configurations and working folder it is.
        options: what is asked for.
        sources: of feature blocks, for models that read some.
        log_dir: a folder for TensorBoard events of fits by epochs.
        progress: of the steps.

    Returns:
        What was done.

    Raises:
        ModelError: a term cannot be fitted on this snapshot, or a fit would see what is hidden from it.
        UsageError: events are asked for and the package that writes them is not installed.
    """
    options = options or TrainOptions()
    began = time.monotonic()
    split = split_of(snapshot)
    tracker = EpochTracker(log_dir)
    tuned = {} if options.fixed else tuned_configurations(home, snapshot, split, use_protected=options.use_protected)
    inputs = Inputs(
        seed=options.seed,
        use_protected=options.use_protected,
        path_share=options.path_share,
        overrides=options.overrides,
        progress=progress,
        tuned=tuned,
        tracker=tracker,
        device=options.device,
        thorough=options.thorough,
    )
    job = Job(snapshot, home, options, split, sources or Sources(), inputs)
    graph = graph_of(snapshot, split, "train")
    job = _final_job(job, graph) if options.final else _with_blocks(job, graph)
    request = job.request()
    work = FileWork.of(home.working, job.folder.name, plain(request))
    before = _done_before(job)
    if before is not None:
        # A kill after the model was in its place leaves the folder of the work behind.
        work.clear()
        return before
    job = replace(job, inputs=replace(job.inputs, work=work))
    with closing(tracker):
        fitted, blend, graph = _final(job) if options.final else _tested(job, graph)
    report = _write(job, fitted, blend, graph, began)
    work.clear()
    return report


def _with_blocks(job: Job, graph: Graph) -> Job:
    """The job with the blocks of the stage `train`."""
    blocks = blocks_of(job.options.model, job.sources, job.snapshot, job.split, "train", graph)
    return replace(job, inputs=replace(job.inputs, blocks=blocks))


def _blocks(job: Job, stage: Stage, graph: Graph) -> Blocks:
    """The blocks of another stage; where nothing new may be seen, those of the stage `train`."""
    if not job.inputs.blocks or stage == "train":
        return job.inputs.blocks
    return blocks_of(job.options.model, job.sources, job.snapshot, job.split, stage, graph)


def _tested(job: Job, train_graph: Graph) -> tuple[Trained, Blend, Graph]:
    """Choose on validation, refit on what the test may know."""
    validation = Validation.of(job.split, train_graph, job.options.seed, is_whole=job.options.thorough)
    notes = list(job.split.notes)
    inputs = replace(job.inputs, metric=validation.metric)
    record: dict[str, Any]
    blend: Blend | None = None
    if job.options.fixed or not len(validation):
        chosen = fixed(job.options.model, train_graph, inputs)
        record = _plain(chosen.configuration())
        notes.append(
            "defaults fixed beforehand: nothing was tuned, validation was not looked at" if job.options.fixed
            else "the validation part is empty, so nothing could be chosen: defaults fixed beforehand"
        )  # fmt: skip
    else:
        folds = partial(folds_of, job, validation, inputs)
        asked = choosing_graph(train_graph, job.split)
        choosing = cache(lambda: choose(job.options.model, asked, validation, inputs, folds))
        record = inputs.work.once("chosen", lambda: _record(choosing(), asked, validation, inputs))
        notes += record["notes"]
        blend = None if job.split.refit else choosing().blend
    configuration = convert(record["configuration"], Configuration)
    graph = train_graph
    blocks = inputs.blocks
    if blend is None:
        graph = graph_of(job.snapshot, job.split, job.split.fitted)
        blocks = _blocks(job, job.split.fitted, graph)
        blend = blend_of(configuration, graph, replace(inputs, stage="refit", blocks=blocks))
    fitted = Trained(
        kind=job.options.model,
        final=False,
        configuration=configuration,
        metrics=convert(record["metrics"], dict[str, Measured]),
        validation=OnValidation(validation.metric, len(validation), record["alone"]),
        curves=convert([*record["curves"], *inputs.tracker.curves("refit")], tuple[Curve, ...]),
        tuned=tuple(sorted(job.tuned())),
        blocks=described_blocks(blocks),
        fitted=job.split.fitted,
        notes=tuple(notes),
    )
    return fitted, blend, graph


def folds_of(job: Job, validation: Validation, inputs: Inputs) -> list[Fold]:
    """Other validation parts, where validation users are few."""
    found = []
    for number in range(1, number_of_folds(len(validation), validation.num_products) + 1):
        split = fold_of(job.snapshot, job.split, number)
        if split is None:
            break
        graph = choosing_graph(graph_of(job.snapshot, split, "train"), split)
        blocks = inputs.blocks and blocks_of(job.options.model, job.sources, job.snapshot, split, "train", graph)
        asked = Validation.of(split, graph, job.options.seed)
        found.append(Fold(graph, asked, replace(inputs, blocks=blocks, stage=f"fold-{number}", evaluate=None)))
    return found


def _record(chosen: Chosen, graph: Graph, validation: Validation, inputs: Inputs) -> dict[str, Any]:
    """What is kept of a choice that was made on validation, as plain values."""
    assert chosen.blend is not None, "a choice is fitted"
    return {
        **_plain(chosen.configuration()),
        "metrics": to_builtins(_validation_metrics(chosen.blend, graph, validation, inputs.seed)),
        "alone": dict(chosen.tried),
        "notes": list(chosen.notes),
        "curves": inputs.tracker.curves("choosing"),
    }


def _plain(configuration: Configuration) -> dict[str, Any]:
    """What is kept of a configuration that was fixed beforehand, as plain values."""
    return {"configuration": to_builtins(configuration), "metrics": {}, "alone": {}, "curves": [], "notes": []}


def described_blocks(blocks: Blocks) -> tuple[DescribedBlock, ...]:
    """What a model folder says of the feature blocks that it was fitted with."""
    return convert(blocks.describe(), tuple[DescribedBlock, ...])


def described_split(split: Split) -> SplitParts:
    """What a model folder says of a split."""
    return convert(split.describe(), SplitParts)


def _final_job(job: Job, graph: Graph) -> Job:
    """The job with options and blocks of the last tested model; that is trained first where this snapshot has none.

    Raises:
        ModelError: the tested model read feature blocks, and these are others.
        UsageError: an option is given that the tested model was not trained with.
    """
    tested = replace(job, options=replace(job.options, final=False))
    meta: ModelMeta | None
    try:
        meta = read_meta(tested.folder)
    except (NotTrained, SchemaOutdated, Damaged):
        meta = None
    if meta is None or meta.snapshot != job.snapshot.hash:
        train(job.snapshot, job.home, tested.options, sources=job.sources, progress=job.inputs.progress)
        meta = read_meta(tested.folder)
    options = replace(
        job.options,
        fixed=meta.fixed,
        seed=meta.seed,
        use_protected=meta.request.use_protected,
        path_share=meta.request.path_share,
        overrides=meta.request.overrides,
        thorough=meta.request.thorough,
    )
    _check_taken_over(job.options, options)
    inputs = replace(job.inputs, seed=options.seed, use_protected=options.use_protected)
    sources = Sources(tuple(one for one in job.sources.sources if one.name in meta.block_names), job.sources.progress)
    job = _with_blocks(replace(job, options=options, inputs=inputs, sources=sources), graph)
    check_blocks(meta, job.inputs.blocks)
    return job


def _check_taken_over(asked: TrainOptions, taken: TrainOptions) -> None:
    for name in ("fixed", "use_protected", "path_share", "overrides", "thorough"):
        wanted, own = getattr(asked, name), getattr(taken, name)
        if wanted not in (own, getattr(TrainOptions(), name)):
            raise UsageError(
                f"--final refits the model that was tested, whose {name} is {own}, not {wanted}; leave the option out, "
                "or run: graphrec train with it, then graphrec train --final"
            )


def _final(job: Job) -> tuple[Trained, Blend, Graph]:
    """The chosen configuration on everything."""
    tested = read_meta(model_folder(job.home, job.options.model, final=False))
    graph = graph_of(job.snapshot, job.split, "all")
    blocks = _blocks(job, "all", graph)
    blend = blend_of(tested.configuration, graph, replace(job.inputs, stage="refit", blocks=blocks))
    notes = ["fitted on everything, the test part too; metrics are those of the tested model"]
    notes += [job.snapshot.uncut] if job.snapshot.uncut else []
    fitted = Trained(
        kind=job.options.model,
        final=True,
        configuration=tested.configuration,
        metrics=tested.metrics,
        validation=tested.validation,
        curves=convert(job.inputs.tracker.curves("refit"), tuple[Curve, ...]),
        tuned=tested.tuned,
        blocks=described_blocks(blocks),
        fitted="all",
        notes=tuple(notes),
    )
    return fitted, blend, graph


def _validation_metrics(blend: Blend, graph: Graph, validation: Validation, seed: int) -> dict[str, Interval]:
    lists = ranked_lists(blend, validation.users, graph.held(), max(REPORTED_KS))
    relevant = validation.relevant
    return bootstrap_all(evaluate_lists(lists, relevant.indptr, relevant.indices, REPORTED_KS), seed=seed)


def _done_before(job: Job) -> TrainReport | None:
    try:
        meta = read_meta(job.folder)
    except (NotTrained, SchemaOutdated, Damaged):
        return None
    if meta.request != job.request():
        return None
    if job.options.final:
        tested = read_meta(model_folder(job.home, job.options.model, final=False))
        if tested.configuration != meta.configuration:
            return None
    return _report(job, meta, is_new=False)


def _write(job: Job, fitted: Trained, blend: Blend, graph: Graph, began: float) -> TrainReport:
    keep_blocks(blend, job.snapshot, job.folder.parent)
    if job.options.final and (job.folder / "meta.json").exists():
        keep_replaced(job.home, job.folder, FORMAT)
    with replace_folder(job.folder) as folder:
        whole = structs.replace(
            fitted,
            fixed=job.options.fixed,
            seed=job.options.seed,
            split=described_split(job.split),
            hidden=hidden_parts(job.split.hidden(fitted.fitted)),
            request=job.request(),
            versions=versions(PACKAGES),
            device=_device(blend, job.options.device),
            seconds=round(time.monotonic() - began, 3),
            notes=(*fitted.notes, *(note for term in blend.terms for note in term.notes)),
        )
        write_model(folder, blend, graph, job.snapshot, whole)
    return _report(job, read_meta(job.folder), is_new=True)


def keep_blocks(blend: Blend, snapshot: Snapshot, models: Path) -> None:
    """Keep the rows of the users' feature blocks that a blend reads, beside the facts of the home of some models."""
    for term in blend.terms:
        # A block that the terms read stands in their graph as it was fitted.
        rows = {digest: np.asarray(block) for digest, block in term.graph.blocks.items()}
        write_blocks(blocks_beside(models), rows, snapshot.nodes(snapshot.schema.roles.user).ids)


def _report(job: Job, meta: ModelMeta, *, is_new: bool) -> TrainReport:
    return TrainReport(
        model=meta.kind,
        path=job.folder,
        hash=meta.hash,
        snapshot=meta.snapshot,
        metrics={name: Interval(one.value, one.low, one.high) for name, one in meta.metrics.items()},
        seconds=meta.seconds,
        is_new=is_new,
        is_final=meta.final,
        configuration=meta.configuration,
        tuned=meta.tuned,
        split=meta.split,
        validation=meta.validation,
        notes=meta.notes,
    )


def hidden_parts(hidden: Hidden) -> HiddenParts:
    """What a model folder says of what the fit did not see."""
    return HiddenParts(hidden.known_from, 0 if hidden.pairs is None else len(hidden.pairs))


def _device(blend: Blend, wanted: str) -> Device:
    networks = [term.name for term in blend.terms if term.name in models() and models()[term.name].uses_torch]
    if not networks:
        return Device("cpu", "every part of this model is fitted with numpy and numba")
    device = choose_device(wanted)
    reason = f"{device.reason}; {' and '.join(networks)} with torch, all else with numpy and numba on the CPU"
    return Device(device.name, reason)
