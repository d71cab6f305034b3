"""What a training was asked for, and everything that decides its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphrec.errors import UsageError
from graphrec.graph.snapshot import Snapshot
from graphrec.home import Home
from graphrec.terms.folder import FORMAT, model_folder
from graphrec.training.provenance import source_digest, vectors_digest
from graphrec.training.recipes import PATH_SHARE, Inputs, Plain
from graphrec.training.search.choose import check_given, terms_of
from graphrec.training.split import Split

KINDS = (
    "blend", "kernel", "learned-kernel", "spectral", "lightgcn", "ease", "softmax", "itemknn", "popularity", "text",
    "lightgcn-id", "graphsage", "als", "rp3beta",
)  # fmt: skip
"""What can be trained; the first is what is served when nothing else is asked for."""
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


@dataclass(frozen=True, eq=False)
class Job:
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
