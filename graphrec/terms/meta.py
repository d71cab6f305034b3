"""What a model folder says about itself, typed."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from msgspec import Struct

from graphrec.frozen import dataclass


@dataclass(frozen=True)
class Configuration:
    """What a model is made of: enough to fit it again."""

    terms: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """The configuration of each term, by name."""
    weights: Mapping[str, float] = field(default_factory=dict)
    half_life_days: Mapping[str, int | float] = field(default_factory=dict)
    """By interaction type; what is not in it does not fade."""


@dataclass(frozen=True)
class OnValidation:
    """How the choice was made."""

    metric: str
    users: int
    alone: Mapping[str, float]
    """The metric of every term alone, those that were left out too."""


@dataclass(frozen=True)
class SplitParts:
    """The split in numbers."""

    name: str
    hash: str
    validation_users: int
    validation_interactions: int
    test_users: int
    test_interactions: int
    fitted: str
    """train, or train + validation: what the tested model is fitted on."""
    masked: str
    """What lists of the test leave out."""
    notes: tuple[str, ...]


class Measured(Struct, frozen=True):
    """A metric with the two ends of its interval."""

    value: float
    low: float
    high: float


class HiddenParts(Struct, frozen=True):
    """What a fit did not see."""

    known_from: int | None = None
    """Edges that became known at or after it, in microseconds since 1970."""
    pairs: int = 0
    """How many pairs of user and product."""


class Device(Struct, frozen=True):
    """Where networks were trained, and why there."""

    name: str
    reason: str


class Curve(Struct, frozen=True):
    """Loss and validation metric by epoch of one fit."""

    stage: str
    """choosing, refit or tuning."""
    term: str
    configuration: dict[str, Any]
    metric: str
    """What `value` is."""
    loss: tuple[float, ...]
    value: tuple[float, ...]


class DescribedBlock(Struct, frozen=True):
    """A feature block that a model read."""

    name: str
    label: str
    digest: str
    width: int
    as_of: str | None = None
    definition: dict[str, Any] = {}


class Request(Struct, frozen=True):
    """What decides the result of a training: an equal request gives an equal model."""

    format: int
    code: str
    """Hash of the code that fits and chooses."""
    packages: dict[str, str]
    kind: str
    fixed: bool
    final: bool
    seed: int
    use_protected: bool
    path_share: float
    overrides: dict[str, dict[str, Any]]
    device: str
    snapshot: str
    split: str
    blocks: dict[str, str]
    """Digests of the feature blocks of the stage `train`."""
    tuned: dict[str, dict[str, Any]]
    thorough: bool = False
    """Whether all models were tried, on all validation users."""


class StoredTerm(Struct, frozen=True):
    """One term of a blend, without its arrays."""

    form: str
    """A key of `FORMS`."""
    name: str
    weight: int | float
    settings: dict[str, Any]
    arrays: dict[str, tuple[str | None, ...]]
    """By name, the label of each axis."""
    rows: dict[str, tuple[str, str]]
    """By name, the labels from and to which a sparse matrix leads."""


class Description(Struct, frozen=True, omit_defaults=True):
    """What decides the scores of a model, beside its arrays."""

    terms: tuple[StoredTerm, ...]
    hops: tuple[str, ...]
    twins: dict[str, str]
    """Arrays that are written once, under another name."""
    half_life_days: dict[str, int | float] = {}


NO_REQUEST = Request(0, "", {}, "", False, False, 0, False, 0.0, {}, "", "", "", {}, {})
"""Of a model that no training wrote."""
NO_SPLIT = SplitParts("", "", 0, 0, 0, 0, "", "", ())


Stage = Literal["train", "train+valid", "all"]
"""What a fit sees: all but validation and test, all but test, or all."""


class Trained(Struct, frozen=True, kw_only=True):
    """What a training says of its model; a model that no training wrote has a kind alone."""

    kind: str
    final: bool
    """Fitted on everything, the test part too."""
    fixed: bool = False
    seed: int = 0
    split: SplitParts = NO_SPLIT
    hidden: HiddenParts = HiddenParts()
    request: Request = NO_REQUEST
    configuration: Configuration = Configuration()
    metrics: dict[str, Measured] = {}
    """On validation users, of what was fitted on train."""
    validation: OnValidation = OnValidation("", 0, {})
    curves: tuple[Curve, ...] = ()
    tuned: tuple[str, ...] = ()
    blocks: tuple[DescribedBlock, ...] = ()
    fitted: Stage = "all"
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    device: Device = Device("cpu", "")
    seconds: float = 0.0

    @property
    def block_names(self) -> tuple[str, ...]:
        """The names of the feature blocks that it reads, each once."""
        return tuple(sorted({block.name for block in self.blocks}))


class ModelMeta(Trained, frozen=True, kw_only=True):
    """The meta.json of a model folder."""

    format: int
    hash: str
    """Of what decides its scores."""
    snapshot: str
    """The content hash of the snapshot that it was trained on."""
    as_of: str | None
    labels: tuple[str, ...]
    """Those whose ids the folder carries."""
    known_until: int | None = None
    """The time before which all edges of the fit were known, in microseconds since 1970."""
    now: int | None = None
    """The date that ages counted to at the fit, in microseconds since 1970."""
    types: tuple[str, ...] = ()
    """The edge types of the snapshot."""
    digests: dict[str, str] = {}
    """SHA-256 of the edges of every type of the snapshot."""
    schema: str
    """Digest of what it takes for granted of a schema."""
    platform: str
    description: Description
