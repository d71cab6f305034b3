"""A model against the hidden test part: full ranking of all candidates, next to baselines.

Each baseline is chosen on validation by the search that chooses ours, then fitted as ours was.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graphrec.errors import CheckpointMismatch, ModelError, UsageError
from graphrec.evaluation.details import Details, Wanted, detailed, paired_tests
from graphrec.evaluation.hidden_part import Comparison, HiddenPart, Metrics, headline, measure
from graphrec.evaluation.verdict import verdict
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.graph.folders.shelf import DIGITS
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.inputs import Inputs, Values
from graphrec.models.registry import models, tunable
from graphrec.policy.read import home_policy
from graphrec.progress import Progress, silent
from graphrec.serving.engine import Engine
from graphrec.terms.folder import Model, open_model, read_meta
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import ModelMeta
from graphrec.training.assemble import blend_of
from graphrec.training.search.choose import choose, fixed
from graphrec.training.split import Split, split_of
from graphrec.training.stages import choosing_graph
from graphrec.training.tune import tuned_configurations
from graphrec.training.validation import Validation


def baselines_there() -> tuple[str, ...]:
    """What can be compared with: every model that needs no feature blocks."""
    return tuple(spec.name for spec in models().values() if spec.is_alone and not spec.needs)


def baseline(name: str, snapshot: Snapshot, split: Split, visible: Graph, inputs: Inputs) -> Blend:
    """The baseline of that name with the configuration that validation prefers, fitted on the visible graph.

    A configuration that `graphrec tune` found (`inputs.tuned`) is taken as it is, as a training takes it.
    """
    train_graph = choosing_graph(visible_graph(snapshot, split.hidden("train")), split)
    validation = Validation.of(split, train_graph, inputs.seed)
    inputs = replace(inputs, metric=validation.metric)
    chosen = choose(name, train_graph, validation, inputs) if len(validation) else fixed(name, train_graph, inputs)
    return blend_of(chosen.configuration(), visible, inputs)


DEFAULT_KS = (1, 3, 10, 20)
DEFAULT_BASELINES = ("popularity", "itemknn")


@dataclass(frozen=True)
class EvaluatedSplit:
    """What was hidden, from whom, and what was fitted."""

    name: str
    hash: str
    users: int
    test_interactions: int
    fitted: str
    masked: str
    """What is no candidate."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """How good lists are, with intervals over users."""

    model: str
    split: EvaluatedSplit
    k: tuple[int, ...]
    metrics: Metrics
    baselines: Mapping[str, Metrics]
    seconds: float
    notes: tuple[str, ...] = ()
    """What a reader has to know besides what the split says."""
    details: Details | None = None
    """What a report shows beside the metrics; None where nobody asked."""
    verdict: tuple[str, ...] = ()
    """What it comes to: a sentence against the best baseline, and a warning where popularity wins."""


def evaluate(
    snapshot: Snapshot,
    folder: Path,
    *,
    ks: Sequence[int] = DEFAULT_KS,
    baselines: Sequence[str] = DEFAULT_BASELINES,
    seed: int = 0,
    home: Home | None = None,
    wanted: Wanted | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """The metrics of a model on the test part of its snapshot, next to baselines chosen and fitted as it was.

    Args:
        home: whose tuned configurations the baselines take, as the model did, and whose policy the lists of a report
            obey; None: nothing is tuned, and the built-in policy holds.
        wanted: what a report needs beside them; None: nothing.

    Raises:
        ModelError: the model is final or has seen test pairs, or there is nothing to find.
        CheckpointMismatch: the model belongs to another snapshot or split.
        UsageError: a baseline of that name is not known, or a k is below 1.
    """
    began = time.monotonic()
    _check_arguments(ks, baselines)
    tested = open_on_test(snapshot, folder)
    split, visible, model, part = tested.split, tested.visible, tested.model, tested.part
    spare = 0 if wanted is None else wanted.spare
    own = measure(model.blend, part, ks, seed=seed, spare=spare, progress=progress)
    others = {}
    inputs = _inputs(snapshot, split, model, home, seed, progress)
    for name in baselines:
        alone = baseline(name, snapshot, split, visible, inputs)
        others[name] = measure(alone, part, ks, seed=seed, spare=spare, progress=progress)
    details = None
    if wanted is not None:
        policy = home_policy(home, snapshot) if home else None
        engine = Engine(snapshot, model, policy=policy, masked=part.masked)
        comparison = Comparison(engine, visible, part, own, others, tuple(ks), seed)
        details = detailed(comparison, wanted, progress=progress)
    compared = {name: found.metrics for name, found in others.items()}
    seconds = time.monotonic() - began
    notes = _notes(model, baselines, inputs.tuned)
    described, k = _described(split), headline(ks, part.num_products)
    said = verdict(
        k, own.metrics, compared, paired_tests(own, others, k, seed), users=f"{described.users:,} users",
        one_each=described.users == described.test_interactions,
    )  # fmt: skip
    return Evaluation(model.kind, described, tuple(ks), own.metrics, compared, seconds, notes, details, said)


def _inputs(snapshot: Snapshot, split: Split, model: Model, home: Home | None, seed: int, progress: Progress) -> Inputs:
    """What the fits of baselines get: the attributes that the model may read, and what was tuned for them."""
    protected = model.meta.request.use_protected
    tuned = tuned_configurations(home, snapshot, split, use_protected=protected) if home else {}
    return Inputs(seed=seed, use_protected=protected, progress=progress, tuned=tuned)


def _notes(model: Model, baselines: Sequence[str], tuned: Mapping[str, Values]) -> tuple[str, ...]:
    """That a baseline had fewer trials than the model."""
    fewer = [name for name in baselines if name in tunable() and name not in tuned] if model.meta.tuned else []
    return tuple(
        f"the model was tuned by a study and {name} by the few trials of every training; run: "
        f"graphrec tune --model {name}, then graphrec evaluate"
        for name in fewer
    )


def _check_arguments(ks: Sequence[int], baselines: Sequence[str]) -> None:
    if not ks or min(ks) < 1:
        raise UsageError(f"k {','.join(map(str, ks)) or 'none'}: every k is at least 1, as in --k 1,3,10,20")
    for name in baselines:
        if name not in baselines_there():
            raise UsageError(f"there is no baseline {name!r}; there are {', '.join(baselines_there())}, and none")


@dataclass(frozen=True, eq=False)
class OnTest:
    """A tested model, and what was hidden from it."""

    split: Split
    visible: Graph
    """What it was fitted on, with every edge type."""
    model: Model
    part: HiddenPart


def open_on_test(snapshot: Snapshot, folder: Path) -> OnTest:
    """A tested model with the test part of its snapshot.

    Raises:
        ModelError: the model is final or has seen test pairs, or there is nothing to find.
        CheckpointMismatch: the model belongs to another snapshot or split.
    """
    split = checked_split(snapshot, read_meta(folder), folder)
    visible = visible_graph(snapshot, split.hidden(split.fitted))
    model = open_model(folder, snapshot, visible.hops, wealth=visible.wealth)
    return OnTest(split, visible, model, HiddenPart.of(snapshot, split, visible))


def checked_split(snapshot: Snapshot, meta: ModelMeta, folder: Path) -> Split:
    """The split that a model can be evaluated on."""
    kind = meta.kind
    if meta.final:
        raise ModelError(
            f"model {folder.name} is fitted on everything, the test part too, so nothing is hidden to evaluate it on; "
            f"run: graphrec train --model {kind}, then graphrec evaluate --model {kind}"
        )
    split = split_of(snapshot)
    if split.hash != meta.split.hash:
        raise CheckpointMismatch(
            f"model {folder.name} was trained with split {meta.split.hash[:DIGITS]}, this graphrec makes "
            f"split {split.hash[:DIGITS]}; run: graphrec train --model {kind}"
        )
    if not len(split.test):
        raise ModelError(
            f"the test part of snapshot {snapshot.hash[:DIGITS]} has no relevant edge to find; load more "
            "interactions, or give the mapping a [split] of its own"
        )
    return split


def _described(split: Split) -> EvaluatedSplit:
    counts = split.counts()
    return EvaluatedSplit(
        split.name, split.hash, counts["test_users"], counts["test_interactions"], split.fitted, split.masked,
        tuple(split.notes),
    )  # fmt: skip
