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

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, UsageError
from graphrec.files import whole_file
from graphrec.graph.adjacency import Graph, visible_graph
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.progress import Progress, silent
from graphrec.training.checkpoint import Work
from graphrec.training.provenance import digest, vectors_digest
from graphrec.training.recipes import Inputs, Plain, is_affordable
from graphrec.training.search.choose import check_given, judged, terms_of
from graphrec.training.spaces import SPACES
from graphrec.training.split import Split, check_hidden, split_of
from graphrec.training.tracking import Fit, Tracker
from graphrec.training.trials import usual_trials, with_given
from graphrec.training.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from graphrec.models.fitting.epochs import Epoch

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

    model: str = "blend"
    """A term, or the blend: each of its terms in turn."""
    trials: int = 30
    """Trials in the whole study, those of earlier calls counted."""
    timeout: float | None = None
    """Seconds after which this call begins no other trial."""
    seed: int = 0
    use_protected: bool = False
    given: Mapping[str, Plain] = field(default_factory=dict)
    """Values by term and name that every trial has."""

    def __post_init__(self) -> None:
        if self.model != "blend" and self.model not in SPACES:
            raise UsageError(f"there is nothing to tune for model {self.model!r}; there are blend, {', '.join(SPACES)}")
        if self.trials < 1:
            raise UsageError(f"--trials {self.trials}: want at least 1")
        check_given(self.model, self.given)


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
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    progress: Progress = silent,
) -> list[Tuned]:
    """The studies of a model's terms after their trials; the winners are written for `train`.

    Raises:
        ModelError: the split has no validation part, or the blend would leave out every term.
    """
    options = options or TuneOptions()
    until = time.monotonic() + options.timeout if options.timeout is not None else None
    split = split_of(snapshot)
    graph = visible_graph(snapshot, split.hidden("train"))
    check_hidden(split, graph, "train")
    validation = Validation.of(split, graph, options.seed)
    if not len(validation):
        raise ModelError("the validation part is empty, so nothing can be tuned; run: graphrec train --fixed")
    inputs = Inputs(options.seed, options.use_protected, vectors or {}, progress, given=options.given, stage="tuning")
    inputs = replace(inputs, metric=validation.metric)
    names = [name for name in terms_of(options.model) if name in SPACES]
    if options.model == "blend":
        names = [name for name in names if is_affordable(name, graph, inputs)]
    found = []
    for name in names:
        study = _Study(name, home, options, snapshot, split, graph, validation, inputs)
        found.append(study.run(until))
    return found


def tuned_configurations(home: Home, snapshot: Snapshot, split: Split, *, use_protected: bool) -> dict[str, Plain]:
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
    """One term's study."""

    name: str
    home: Home
    options: TuneOptions
    snapshot: Snapshot
    split: Split
    graph: Graph
    validation: Validation
    inputs: Inputs

    @property
    def usual(self) -> list[Plain]:
        """The configurations that every training tries."""
        return list(with_given(usual_trials(self.name, self.graph), self.given))

    @property
    def given(self) -> Plain:
        """What every trial has."""
        return self.inputs.given.get(self.name, {})

    def run(self, until: float | None) -> Tuned:
        from optuna.trial import TrialState

        request = {
            **_subject(self.snapshot, self.split, self.options.use_protected),
            "seed": self.options.seed,
            "vectors": vectors_digest(self.inputs.vectors),
            "given": dict(self.given),
        }
        work = Work.of(self.home.working, f"tune-{self.name}", request)
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

        self.home.tuning.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.RDBStorage(f"sqlite:///{self.home.tuning / self.name}.db")
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=2)
        try:
            yield optuna.create_study(
                storage=storage, study_name=name, direction="maximize", pruner=pruner, load_if_exists=True
            )
        finally:
            storage.remove_session()
            storage.engine.dispose()

    def _trial(self, study: "Study", number: int, work: Work) -> None:
        """Make the trial after `number` finished ones; those that every training tries come first."""
        import optuna

        seed = self.options.seed * TRIALS_OF_A_SEED + number
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
        trial = study.ask()
        usual = self.usual
        plain = usual[number] if number < len(usual) else {**SPACES[self.name](trial, self.graph), **self.given}
        trial.set_user_attr("configuration", json.dumps(dict(plain)))
        inputs = replace(self.inputs, work=work, tracker=_Reporting(trial), progress=silent)
        try:
            choice = judged(self.name, plain, self.graph, self.validation, inputs)
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


class _Reporting(Tracker):
    """Tells a study of every epoch, and ends the fit where the median of other trials was better."""

    def __init__(self, trial: "Trial") -> None:
        super().__init__()
        self._trial = trial

    def hears(self, _fit: Fit) -> "Callable[[Epoch], None]":
        """What hears of the epochs of a trial."""
        from optuna import TrialPruned

        def hear(epoch: "Epoch") -> None:
            if epoch.value is not None:
                self._trial.report(epoch.value, epoch.number)
                if self._trial.should_prune():
                    raise TrialPruned

        return hear


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
