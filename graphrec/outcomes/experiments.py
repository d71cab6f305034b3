"""Who is in which arm: experiments.toml of a home, and a hash of customer and experiment under the home's key.

A customer is in one arm of one experiment at most: the first of the file whose share it falls into. The holdout comes
before all of them, and what is in neither may be explored.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from graphrec.config.document import Document, read_toml
from graphrec.errors import ExperimentError
from graphrec.files import whole_file
from graphrec.serving.answer import Draw, ListOptions
from graphrec.serving.drawn import seed_of

FILE = "experiments.toml"
STATE = "experiments.json"
HOLDOUT, EXPLORE = "holdout", "explore"
"""Names that no experiment may have: the record calls these lists so."""


@dataclass(frozen=True)
class Arm:
    """How the lists of some customers are made; None: as without experiment."""

    name: str
    weight: float = 1.0
    model: str | None = None
    k: int | None = None
    min_confidence: float | None = None
    prefer: Any = None
    plain: bool = False
    drawn: bool = False


@dataclass(frozen=True)
class Experiment:
    """One experiment; its first arm is the control."""

    name: str
    arms: tuple[Arm, ...]
    share: float = 1.0
    starts: date | None = None
    ends: date | None = None
    window_days: float = 30.0
    alpha: float = 0.05
    success: tuple[str, ...] = ("accepted", "bought")
    most_customers: int | None = None
    complaints: float | None = None
    unsuitable: int = 0

    @property
    def control(self) -> Arm:
        """The first arm."""
        return self.arms[0]

    @property
    def window(self) -> timedelta:
        """How long after the first list an event counts."""
        return timedelta(days=self.window_days)

    def is_running(self, today: date) -> bool:
        """Whether its dates allow it."""
        return (self.starts is None or self.starts <= today) and (self.ends is None or today < self.ends)


@dataclass(frozen=True)
class Stopped:
    """Why an experiment ended before its date."""

    on: str
    """Date."""
    why: str
    by: str
    """rule: it stopped by itself; or who stopped it."""


@dataclass(frozen=True)
class Assigned:
    """What a customer's list is made with, and what the record calls it."""

    experiment: str
    arm: Arm
    draw: Draw | None = None

    @property
    def entry(self) -> Mapping[str, str]:
        """What the entry says."""
        return {"experiment": self.experiment, "arm": self.arm.name}

    def options(self, options: ListOptions) -> ListOptions:
        """The options of the list."""
        arm = self.arm
        return replace(
            options,
            min_confidence=options.min_confidence if arm.min_confidence is None else arm.min_confidence,
            prefer=arm.prefer or options.prefer,
            plain=arm.plain or options.plain,
            draw=self.draw,
        )


@dataclass(frozen=True)
class Experiments:
    """What experiments.toml says, and what was stopped."""

    experiments: tuple[Experiment, ...] = ()
    holdout: float = 0.0
    explore: float = 0.0
    pool: int = 10
    stopped: Mapping[str, Stopped] = field(default_factory=dict)

    def named(self, name: str) -> Experiment:
        """The experiment with this name.

        Raises:
            ExperimentError: there is none.
        """
        for one in self.experiments:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.experiments) or "none"
        raise ExperimentError(f"there is no experiment {name!r} in {FILE}; there is {known}")

    def running(self, today: date) -> tuple[Experiment, ...]:
        """Those that decide lists on a day."""
        return tuple(one for one in self.experiments if one.name not in self.stopped and one.is_running(today))

    def assigned(self, user: str, secret: bytes, today: date) -> Assigned | None:
        """What decides the list of a customer on a day; None: it is made as always."""
        if _fraction(secret, HOLDOUT, user) < self.holdout:
            # The list of a day is the same whenever it is asked for.
            draw = Draw("even", seed_of(secret, HOLDOUT, today.isoformat()))
            return Assigned(HOLDOUT, Arm(HOLDOUT, drawn=True), draw)
        for one in self.running(today):
            if _fraction(secret, f"share of {one.name}", user) < one.share:
                arm = _arm(one, _fraction(secret, f"arm of {one.name}", user))
                seed = seed_of(secret, f"arm {arm.name} of {one.name}", today.isoformat())
                return Assigned(one.name, arm, Draw("even", seed) if arm.drawn else None)
        if self.explore:
            seed = seed_of(secret, EXPLORE, today.isoformat())
            return Assigned(EXPLORE, Arm(EXPLORE), Draw("swap", seed, self.explore, self.pool))
        return None

    @property
    def models(self) -> tuple[str, ...]:
        """The kinds of models that arms name."""
        return tuple(sorted({arm.model for one in self.experiments for arm in one.arms if arm.model is not None}))


def _fraction(secret: bytes, purpose: str, user: str) -> float:
    """A number from 0 to below 1 that looks drawn, and stays the same for a purpose and a customer."""
    digest = hashlib.blake2b(f"{purpose}\n{user}".encode(), key=secret[:64], digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def _arm(experiment: Experiment, fraction: float) -> Arm:
    left = fraction * sum(arm.weight for arm in experiment.arms)
    for arm in experiment.arms:
        left -= arm.weight
        if left < 0:
            return arm
    return experiment.arms[-1]


def read_experiments(home: Path) -> Experiments:
    """The experiments of a home; none where it has no file.

    Args:
        home: its folder.

    Raises:
        ExperimentError: a file cannot be used.
    """
    file = home / FILE
    if not file.exists():
        return Experiments()
    return replace(_read(read_toml(file, ExperimentError)), stopped=_stopped(home / STATE))


def _read(document: Document) -> Experiments:
    # Late: a home without experiments does not pay for msgspec.
    from msgspec import UNSET

    from graphrec.config.convert import convert
    from graphrec.outcomes.file import ArmTable, ExperimentsFile

    def plain(table: object) -> dict[str, Any]:
        return {
            name: value
            for name in getattr(table, "__struct_fields__", ())
            if (value := getattr(table, name)) is not UNSET and name not in ("arm", "guard")
        }

    def arm(table: ArmTable) -> Arm:
        return Arm(**plain(table))

    table = convert(document, ExperimentsFile)
    found: list[Experiment] = []
    for place, one in enumerate(table.experiment):
        where = ("experiment", place)
        if one.name in (HOLDOUT, EXPLORE) or one.name in (other.name for other in found):
            document.refuse((*where, "name"), f"experiment {one.name}: that name is taken; give it its own")
        names = [one_arm.name for one_arm in one.arm]
        if len(set(names)) < len(names):
            document.refuse((*where, "arm"), f"experiment {one.name}: two arms have one name; give each its own")
        experiment = Experiment(arms=tuple(map(arm, one.arm)), **plain(one), **plain(one.guard))
        if experiment.starts and experiment.ends and experiment.ends <= experiment.starts:
            document.refuse((*where, "ends"), f"experiment {one.name} ends on {one.ends}, not after its start")
        found.append(experiment)
    return Experiments(tuple(found), table.holdout.share, table.explore.share, table.explore.pool)


def _stopped(file: Path) -> dict[str, Stopped]:
    try:
        plain = json.loads(file.read_text("utf-8"))
        return {name: Stopped(**one) for name, one in plain["stopped"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExperimentError(f"{file} cannot be read: {error}; restore it, or remove it to start anew") from None


def write_stopped(home: Path, name: str, stopped: Stopped) -> None:
    """Remember that an experiment has ended."""
    file = home / STATE
    known = {**_stopped(file), name: stopped}
    plain = {"stopped": {one: asdict(why) for one, why in sorted(known.items())}}
    with whole_file(file) as temporary:
        temporary.write_text(json.dumps(plain, indent=2) + "\n", "utf-8")
