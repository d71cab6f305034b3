"""A study of a term's configurations on the validation part, never on test; its winner is what `train` fits.

    <home>/tuning/<term>.db         the study (Optuna, SQLite): every trial with its epochs
    <home>/tuning/<term>.json       the winner, for the snapshot and split that it was found on

A trial is drawn from what is finished and its own seed alone, so a study that was killed goes on with the trial that it
would have made; its fit goes on from its last epoch.
"""

import json
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import ModelError, UsageError
from graphrec.extras import needs_extra
from graphrec.features.blocks import Sources
from graphrec.files import make_folder, private, whole_file
from graphrec.graph.edges.adjacency import Graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.digests import digest
from graphrec.models.fitting.callbacks import Epoch, Fit
from graphrec.models.inputs import Inputs, Values
from graphrec.models.registry import BLEND, is_affordable, parts_of_kind, tunable
from graphrec.models.spec import ModelSpec
from graphrec.progress import Progress, silent
from graphrec.training.checkpoint import FileWork
from graphrec.training.job import code_of, packages_of
from graphrec.training.overrides import check_overrides, trials_of
from graphrec.training.search.choose import evaluated
from graphrec.training.split import Split, split_of
from graphrec.training.stages import blocks_of, graph_of
from graphrec.training.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

FORMAT = 1
TRIALS_OF_A_SEED = 1_000_003
STARTUP_TRIALS = 5
"""Finished trials before the sampler learns from them, and before the pruner compares."""


@dataclass(frozen=True)
class TuneOptions:
    """What a study was asked for.

    Raises:
        UsageError: there is nothing to tune for this model, or no trial is allowed.
    """

    model: str = BLEND
    """A model, or the blend: each of its models in turn."""
    trials: int = 30
    """Trials in the whole study, those of earlier calls counted."""
    timeout: float | None = None
    """Seconds after which this call begins no other trial."""
    seed: int = 0
    use_protected: bool = False
    overrides: Mapping[str, Values] = field(default_factory=dict)
    """Values by model and key that every trial has."""

    def __post_init__(self) -> None:
        if self.model not in (BLEND, *tunable()):
            names = ", ".join((BLEND, *tunable()))
            raise UsageError(f"there is nothing to tune for model {self.model!r}; there are {names}")
        if self.trials < 1:
            raise UsageError(f"--trials {self.trials}: want at least 1")
        check_overrides(self.model, self.overrides)


@dataclass(frozen=True)
class Tuned:
    """What a study found so far."""

    model: str
    metric: str
    best: float
    """The metric of the winner on validation users."""
    untuned: float
    """The metric of the best configuration that every training tries; those are the first trials."""
    configuration: Mapping[str, Any]
    trials: int
    """Finished trials, pruned ones too."""
    pruned: int
    new: int
    """Trials that this call has made."""
    path: Path
    """The file of the winner, which `train` reads."""


def tune(
    snapshot: Snapshot,
    home: Home,
    options: TuneOptions | None = None,
    *,
    sources: Sources | None = None,
    progress: Progress = silent,
) -> list[Tuned]:
    """The studies of a model's parts after their trials; the winners are written for `train`.

    Args:
        snapshot: the graph.
        home: where studies and winners are kept.
        options: what is asked for.
        sources: of feature blocks, for models that read some.
        progress: of the trials.

    Returns:
        What each study found.

    Raises:
        ModelError: the split has no validation part, or the blend would leave out every term.
    """
    options = options or TuneOptions()
    until = time.monotonic() + options.timeout if options.timeout is not None else None
    split = split_of(snapshot)
    graph = graph_of(snapshot, split, "train")
    validation = Validation.of(split, graph, options.seed)
    if not len(validation):
        raise ModelError("the validation part is empty, so nothing can be tuned; run: graphrec train --fixed")
    inputs = Inputs(
        seed=options.seed,
        use_protected=options.use_protected,
        blocks=blocks_of(options.model, sources or Sources(), snapshot, split, "train", graph),
        progress=progress,
        overrides=options.overrides,
        stage="tuning",
        metric=validation.metric,
    )
    specs = [spec for spec in parts_of_kind(options.model) if spec.space is not None]
    if options.model == BLEND:
        specs = [spec for spec in specs if is_affordable(spec, graph, inputs)]
    found = []
    for spec in specs:
        study = _Study(spec, home, options, snapshot, split, graph, validation, inputs)
        found.append(study.run(until))
    return found


def tuned_configurations(home: Home, snapshot: Snapshot, split: Split, *, use_protected: bool) -> dict[str, Values]:
    """The winners for this snapshot and split, by term."""
    found = {}
    for path in sorted(home.tuning.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        if content["format"] == FORMAT and content["for"] == _subject(snapshot, split, use_protected):
            found[path.stem] = content["configuration"]
    return found


def _subject(snapshot: Snapshot, split: Split, use_protected: bool) -> dict[str, Any]:
    return {"snapshot": snapshot.hash, "split": split.hash, "use_protected": use_protected}


@dataclass(frozen=True, eq=False)
class _Study:
    """One model's study."""

    spec: ModelSpec[Any]
    home: Home
    options: TuneOptions
    snapshot: Snapshot
    split: Split
    graph: Graph
    validation: Validation
    inputs: Inputs

    @property
    def name(self) -> str:
        """Of the model."""
        return self.spec.name

    @property
    def usual(self) -> list[Values]:
        """The configurations that every training tries."""
        return list(trials_of(self.spec, self.spec.trials(self.graph), self.inputs.overrides))

    @property
    def overrides(self) -> Values:
        """What every trial has."""
        return self.inputs.overrides.get(self.name, {})

    def run(self, until: float | None) -> Tuned:
        with needs_extra("train", "graphrec tune"):
            from optuna.trial import TrialState

        request = {
            **_subject(self.snapshot, self.split, self.options.use_protected),
            "seed": self.options.seed,
            "blocks": self.inputs.blocks.only(self.spec.blocks()).digests(),
            "overrides": dict(self.overrides),
        }
        deciding = {"code": code_of(self.name), "packages": packages_of(self.name)}
        work = FileWork.of(self.home.working, f"tune-{self.name}", request | deciding)
        with _quiet_optuna(), self._open(f"{self.name}-{digest(request)}") as study:
            for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                # Left by a process that was killed: made again below.
                study.tell(trial.number, state=TrialState.FAIL)
            before = len(_finished(study))
            done = before
            while done < self.options.trials and (done == before or until is None or time.monotonic() < until):
                self.inputs.progress(_shown(self.name, self.validation.metric, study), done, self.options.trials)
                self._trial(study, done, work)
                done += 1
            self.inputs.progress(_shown(self.name, self.validation.metric, study), done, self.options.trials)
            found = self._write(study, done - before)
        if done >= self.options.trials:
            work.clear()
        return found

    @contextmanager
    def _open(self, name: str) -> "Iterator[Study]":
        import optuna

        make_folder(self.home.tuning)
        # SQLite gives its other files the mode of this one.
        open(self.home.tuning / f"{self.name}.db", "ab", opener=private).close()
        storage = optuna.storages.RDBStorage(f"sqlite:///{self.home.tuning / self.name}.db")
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=2)
        try:
            yield optuna.create_study(
                storage=storage, study_name=name, direction="maximize", pruner=pruner, load_if_exists=True
            )
        finally:
            storage.remove_session()
            storage.engine.dispose()

    def _trial(self, study: "Study", number: int, work: FileWork) -> None:
        """Make the trial after `number` finished ones; those that every training tries come first."""
        import optuna

        seed = self.options.seed * TRIALS_OF_A_SEED + number
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
        trial = study.ask()
        usual = self.usual
        plain = usual[number] if number < len(usual) else {**self.spec.draw(trial, self.graph), **self.overrides}
        trial.set_user_attr("configuration", json.dumps(dict(plain)))
        inputs = replace(self.inputs, work=work, tracker=_Reporting(trial), progress=silent)
        try:
            choice = evaluated(self.spec, plain, self.graph, self.validation, inputs)
        except (optuna.TrialPruned, ModelError) as error:
            if isinstance(error, ModelError) and number < len(usual):
                raise
            # A loss that is no number is what a study may find at a bound; what every training tries must work.
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
        study.tell(trial, choice.value)

    def _write(self, study: "Study", new: int) -> Tuned:
        finished = _finished(study)
        best = study.best_trial
        path = self.home.tuning / f"{self.name}.json"
        configuration = json.loads(best.user_attrs["configuration"])
        content = {
            "format": FORMAT,
            "for": _subject(self.snapshot, self.split, self.options.use_protected),
            "metric": self.validation.metric,
            "value": best.value,
            "trials": len(finished),
            "configuration": configuration,
        }
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        pruned = sum(trial.state.name == "PRUNED" for trial in finished)
        untuned = max(trial.value or 0.0 for trial in finished[: len(self.usual)])
        assert best.value is not None, "the best trial is complete"
        return Tuned(
            self.name, self.validation.metric, best.value, untuned, configuration, len(finished), pruned, new, path
        )


class _Reporting:
    """Reports every epoch to a study, and ends the fit where the median of other trials was better."""

    def __init__(self, trial: "Trial") -> None:
        self._trial = trial

    def callback(self, _fit: Fit) -> "Callable[[Epoch], None]":
        """The function that gets the epochs of a trial."""
        from optuna import TrialPruned

        def on_epoch(epoch: Epoch) -> None:
            if epoch.value is not None:
                self._trial.report(epoch.value, epoch.number)
                if self._trial.should_prune():
                    raise TrialPruned

        return on_epoch

    def curves(self, _stage: str) -> list[dict[str, Any]]:
        """None: the study keeps them."""
        return []


def _finished(study: "Study") -> "list[FrozenTrial]":
    """The trials that count, in their order; those that were killed do not."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _shown(name: str, metric: str, study: "Study") -> str:
    values = [trial.value for trial in _finished(study) if trial.state.name == "COMPLETE" and trial.value is not None]
    return f"tuning {name}" + (f": best {metric} {max(values):.4f}" if values else "")


@contextmanager
def _quiet_optuna() -> "Iterator[None]":
    """Optuna without its own log lines: progress says the same."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
