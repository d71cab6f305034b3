"""What a training was asked for, and everything that decides its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphrec.errors import UsageError
from graphrec.features.blocks import Sources
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import Interval
from graphrec.models.digests import code_digest, versions
from graphrec.models.inputs import PATH_SHARE, Inputs, Values
from graphrec.models.registry import BLEND, kinds, parts_of_kind, unknown
from graphrec.terms.folder import FORMAT, model_folder
from graphrec.terms.meta import Configuration, OnValidation, Request, SplitParts
from graphrec.training.overrides import check_overrides
from graphrec.training.split import Split

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class TrainOptions:
    """What a training was asked for.

    Raises:
        UsageError: there is no such kind of model, share or device.
    """

    model: str = BLEND
    fixed: bool = False
    """Defaults fixed beforehand; nothing is tuned."""
    final: bool = False
    """Refit what was chosen before on everything."""
    seed: int = 0
    use_protected: bool = False
    path_share: float = PATH_SHARE
    """Part of a blend's weight that goes to real paths where validation sees no loss, in [0, 1)."""
    overrides: Mapping[str, Values] = field(default_factory=dict)
    """Values of models' configurations by model and key, which no search changes."""
    device: str = "auto"
    """Where networks are trained: auto (a GPU where torch can use one), cpu or cuda."""
    thorough: bool = False
    """Choose among all models and on all validation users, however long it takes."""

    def __post_init__(self) -> None:
        if self.model not in kinds():
            raise UsageError(unknown(self.model))
        if not 0 <= self.path_share < 1:
            raise UsageError(f"--path-share {self.path_share:g}: want a part from 0 to below 1")
        if self.device not in DEVICES:
            raise UsageError(f"there is no device {self.device!r}; there are {', '.join(DEVICES)}")
        check_overrides(self.model, self.overrides)


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
    is_final: bool
    configuration: Configuration
    tuned: tuple[str, ...]
    """The terms whose configurations `graphrec tune` had found."""
    split: SplitParts
    validation: OnValidation
    notes: tuple[str, ...]
    unkept: str | None = None
    """Why it is not live, where a bound of the mapping's [live] is not kept."""


@dataclass(frozen=True, eq=False)
class Job:
    """Everything one training needs."""

    snapshot: Snapshot
    home: Home
    options: TrainOptions
    split: Split
    sources: Sources
    inputs: Inputs
    """With the blocks of the stage `train`."""

    @property
    def folder(self) -> Path:
        """Where the model is kept."""
        return model_folder(self.home, self.options.model, final=self.options.final)

    def tuned(self) -> dict[str, dict[str, Any]]:
        """The tuned configurations that this model takes."""
        names = {spec.name for spec in parts_of_kind(self.options.model)}
        return {name: dict(values) for name, values in self.inputs.tuned.items() if name in names}

    def request(self) -> Request:
        """What decides the result: an equal request gives an equal model."""
        return Request(
            format=FORMAT,
            code=code_of(self.options.model),
            packages=packages_of(self.options.model),
            kind=self.options.model,
            fixed=self.options.fixed,
            final=self.options.final,
            seed=self.options.seed,
            use_protected=self.options.use_protected,
            path_share=self.options.path_share,
            overrides={name: dict(values) for name, values in self.options.overrides.items()},
            device=self.options.device,
            thorough=self.options.thorough,
            snapshot=self.snapshot.hash,
            split=self.split.hash,
            blocks=self.inputs.blocks.digests(),
            tuned=self.tuned(),
        )


def code_of(kind: str) -> str:
    """The hash of the code that fits and chooses a kind of model."""
    modules = [getattr(spec.fit, "__module__", "") for spec in parts_of_kind(kind)]
    return code_digest(["graphrec.training.fit", *modules])


def packages_of(kind: str) -> dict[str, str]:
    """The versions of the packages that may change the result of a kind of model."""
    found = versions(sorted({name for spec in parts_of_kind(kind) for name in spec.packages}))
    # The version of graphrec is what `code_of` says more exactly; that of Python says which of two arithmetics it is.
    return {name: version for name, version in found.items() if name != "graphrec"}
