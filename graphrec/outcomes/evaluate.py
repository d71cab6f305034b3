"""What an experiment has shown so far, by intervals that hold at every look, and whether it has to stop."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.metrics.sequential import Bounds, confidence_sequence, difference
from graphrec.outcomes.experiments import Experiment, Stopped
from graphrec.outcomes.impressions import Exposure, Happened, Impression
from graphrec.policy.facts import DAY

COMPLAINED = "complained"
State = Literal["planned", "running", "ended", "stopped"]


@dataclass(frozen=True)
class Difference:
    """An arm minus the control, in the share of customers with a success."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ArmResult:
    """One arm: customers whose window is over, each with the first list as its beginning."""

    name: str
    customers: int
    successes: int
    rate: float
    """Customers with a success, 0 to 1; the interval holds at all looks together."""
    low: float
    high: float
    difference: Difference | None
    """None: the control."""
    complaints: int
    complaint_rate: float
    complaint_low: float
    complaint_high: float
    unsuitable: int
    """Products that were shown although a rule refuses them."""


@dataclass(frozen=True)
class ExperimentResult:
    """An experiment so far."""

    name: str
    state: State
    arms: tuple[ArmResult, ...]
    """The control first; none where fewer customers than `min_group` are in one of them."""
    verdict: str
    """In one sentence."""
    stop: str | None
    """Why it has to stop, or was stopped; None: it goes on."""
    waiting: int
    """Customers whose window is not over."""
    in_two_arms: int
    """Customers who were in more than one arm, as the file was changed; they are in no figure."""
    window_days: float
    alpha: float


@dataclass(frozen=True)
class _Customer:
    user: str
    arm: str
    at: int
    is_success: bool
    complained: bool


def evaluated(
    experiment: Experiment,
    exposures: Iterable[Exposure],
    shown: Iterable[Impression],
    events: Iterable[Happened],
    *,
    until: int,
    today: date,
    stopped: Stopped | None = None,
    min_group: int = 1,
) -> ExperimentResult:
    """What an experiment has shown by a moment.

    Customers come in the order of their first list, and all have the same window, so that later looks only add to the
    end: the intervals hold whenever one looks.

    Args:
        until: events and ends of windows before it count, in microseconds since 1970.
        today: decides with the dates of the experiment whether it runs.
        min_group: arms with fewer customers are not shown.
    """
    mine = [one for one in shown if one.experiment == experiment.name]
    customers, waiting, doubled = _customers(experiment, exposures, mine, events, until)
    unsuitable = {arm.name: sum(one.unsuitable for one in mine if one.arm == arm.name) for arm in experiment.arms}
    state: State = "running"
    if stopped is not None:
        state = "stopped"
    elif not experiment.is_running(today):
        state = "planned" if experiment.starts and today < experiment.starts else "ended"
    arms = _arms(experiment, customers, unsuitable)
    stop = stopped.why if stopped is not None else _stop(experiment, arms, customers)
    verdict = _verdict(experiment, arms)
    if any(arm.customers < max(min_group, 1) for arm in arms):
        least = max(min_group, 1)
        verdict = f"too early: an arm has fewer than {least} customers whose {experiment.window_days:g} days are over"
        arms = ()
    return ExperimentResult(
        experiment.name, state, arms, verdict, stop, waiting, doubled, experiment.window_days, experiment.alpha
    )  # fmt: skip


def _customers(
    experiment: Experiment,
    exposures: Iterable[Exposure],
    shown: Sequence[Impression],
    events: Iterable[Happened],
    until: int,
) -> tuple[list[_Customer], int, int]:
    """The customers whose window is over by their first list; how many wait, and how many were in two arms."""
    first: dict[str, Exposure] = {}
    arms: dict[str, set[str]] = defaultdict(set)
    for one in exposures:
        if one.experiment == experiment.name and one.at < until:
            arms[one.user].add(one.arm)
            if one.user not in first or one.at < first[one.user].at:
                first[one.user] = one
    seen: dict[tuple[str, str], int] = {}
    for impression in shown:
        key = impression.user, impression.product
        seen[key] = min(seen.get(key, impression.at), impression.at)
    window = int(experiment.window_days * DAY)
    successes, complaints = set(), set()
    for event in events:
        begun = first.get(event.user)
        if begun is None or not begun.at <= event.at < begun.at + window:
            continue
        if event.type in experiment.success and event.product is not None:
            at = seen.get((event.user, event.product))
            if at is not None and at <= event.at:
                successes.add(event.user)
        if event.type == COMPLAINED:
            complaints.add(event.user)
    single = [one for one in first.values() if len(arms[one.user]) == 1]
    known = {arm.name for arm in experiment.arms}
    over = [one for one in single if one.at + window <= until and one.arm in known]
    over.sort(key=lambda one: (one.at, one.user))
    found = [_Customer(one.user, one.arm, one.at, one.user in successes, one.user in complaints) for one in over]
    return found, len(single) - len(over), len(first) - len(single)


def _arms(experiment: Experiment, customers: Sequence[_Customer], unsuitable: dict[str, int]) -> tuple[ArmResult, ...]:
    names = np.array([one.arm for one in customers])
    outcomes = np.array([one.is_success for one in customers], np.float64)
    complaints = np.array([one.complained for one in customers], np.float64)
    # Each arm is compared with the control; together they err with probability alpha.
    alpha = experiment.alpha / max(len(experiment.arms) - 1, 1)
    return tuple(
        _arm(experiment, number, names, outcomes, complaints, alpha, unsuitable[arm.name])
        for number, arm in enumerate(experiment.arms)
    )


def _arm(
    experiment: Experiment,
    number: int,
    names: NDArray[np.str_],
    outcomes: NDArray[np.float64],
    complaints: NDArray[np.float64],
    alpha: float,
    unsuitable: int,
) -> ArmResult:
    arm, control = experiment.arms[number], experiment.control
    mine = names == arm.name if len(names) else np.zeros(0, np.bool_)
    rate = confidence_sequence(outcomes[mine], Bounds(0, 1), alpha=experiment.alpha)
    complained = confidence_sequence(complaints[mine], Bounds(0, 1), alpha=experiment.alpha)
    apart = None
    if number:
        both = mine | (names == control.name) if len(names) else mine
        share = arm.weight / (arm.weight + control.weight)
        found = difference(outcomes[both], mine[both], share, alpha=alpha)
        means = [float(outcomes[one].mean()) if one.any() else 0.0 for one in (mine, both & ~mine)]
        apart = Difference(means[0] - means[1], found.low, found.high)
    return ArmResult(
        name=arm.name,
        customers=int(mine.sum()),
        successes=int(outcomes[mine].sum()),
        rate=rate.value,
        low=rate.low,
        high=rate.high,
        difference=apart,
        complaints=int(complaints[mine].sum()),
        complaint_rate=complained.value,
        complaint_low=complained.low,
        complaint_high=complained.high,
        unsuitable=unsuitable,
    )


def _stop(experiment: Experiment, arms: Sequence[ArmResult], customers: Sequence[_Customer]) -> str | None:
    """Why it has to stop."""
    for arm in arms:
        if arm.unsuitable > experiment.unsuitable:
            most = f"and {experiment.unsuitable} are allowed"
            return f"guard: arm {arm.name} showed {arm.unsuitable} products that a rule refuses, {most}"
        if experiment.complaints is not None and arm.complaint_low > experiment.complaints:
            return (
                f"guard: {arm.complaint_rate:.2%} of the customers of arm {arm.name} complained, surely more than the "
                f"{experiment.complaints:.2%} that are allowed (at least {arm.complaint_low:.2%})"
            )
    decided = [_is_decided(arm) for arm in arms[1:]]
    if decided and all(decided):
        return _verdict(experiment, arms)
    if experiment.most_customers is not None and len(customers) >= experiment.most_customers:
        return f"{len(customers)} customers were followed, and {experiment.most_customers} were wanted: " + _verdict(
            experiment, arms
        )
    return None


def _is_decided(arm: ArmResult) -> bool:
    return arm.difference is not None and not arm.difference.low <= 0 <= arm.difference.high


def _verdict(experiment: Experiment, arms: Sequence[ArmResult]) -> str:
    sentences = []
    for arm in arms[1:]:
        apart = arm.difference
        assert apart is not None, "every arm but the first is compared with it"
        between = f"{apart.low:+.1%} to {apart.high:+.1%}"
        if not _is_decided(arm):
            sentences.append(f"{arm.name} against {experiment.control.name}: nothing is sure yet ({between})")
        else:
            which = "better" if apart.low > 0 else "worse"
            sentences.append(f"{arm.name} is {which} than {experiment.control.name} by {between}")
    return "; ".join(sentences)
