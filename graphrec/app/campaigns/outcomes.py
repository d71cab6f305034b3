"""What came of the lists: outcomes, experiments, estimates of models before they serve."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.campaigns import arms
from graphrec.app.jobs import AskOffPolicy, AskOutcomes, EvaluateExperiments, StopExperiment
from graphrec.app.moments import parse_moment
from graphrec.app.recording import record_event
from graphrec.app.results import Experimented, OffPolicyOf, OutcomesOf
from graphrec.errors import NoSupport, NotTrained, UsageError
from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.outcomes.evaluate import ExperimentResult, evaluated
from graphrec.outcomes.experiments import Experiments, Stopped, write_stopped
from graphrec.outcomes.impressions import Exposure, Happened, Impression, exposures, impressions, joined
from graphrec.outcomes.tables import Question, outcomes
from graphrec.policy.facts import DAY
from graphrec.progress import Progress, silent
from graphrec.records.read import Entry, entries
from graphrec.schema import SOLD
from graphrec.times import microseconds_of

if TYPE_CHECKING:
    from graphrec.graph.folders.snapshot import Snapshot

#: Values of a segment that are counted one by one; numbers with more of them are counted by quarters.
MOST_VALUES = 12


@dataclass
class _Seen:
    """What the record and the log of events hold for one question."""

    shown: list[Impression] = field(default_factory=list)
    exposed: list[Exposure] = field(default_factory=list)
    drawn: list[Entry] = field(default_factory=list)
    events: list[Happened] = field(default_factory=list)


def _seen(bank: Bank, progress: Progress, *, with_drawn: bool = False) -> _Seen:
    """Everything that was shown and everything that happened, in one pass over each."""
    found = _Seen()
    for done, one in enumerate(entries(bank.home.records), start=1):
        mine = list(impressions([one]))
        found.shown += mine
        found.exposed += exposures([one])
        if with_drawn and mine and mine[0].way is not None:
            found.drawn.append(replace(one))  # without the content that was read
        if not done % 1000:
            progress("entries", done, None)
    users = {one.user for one in found.shown} | {one.user for one in found.exposed}
    found.events = happened(bank, users)
    return found


def happened(bank: Bank, users: Iterable[str]) -> list[Happened]:
    """What the log of events and the files say that customers did.

    Args:
        users: customers whose bookings count; events count of all.
    """
    return [*_events(bank), *_bookings(_facts(bank), users)]


def _events(bank: Bank) -> Iterator[Happened]:
    from graphrec.events.log import EventLog

    for logged in EventLog(bank.home).since():
        event = logged.event
        yield Happened(event.user, event.type, event.microseconds, event.product, event.entry)


def _bookings(facts: Snapshot | None, users: Iterable[str]) -> Iterator[Happened]:
    """What files say that customers did, such as purchases of a nightly load; one that is an event too counts once.

    A booking with a day and no time happened by the end of that day: it may be of a product that was shown on it.
    """
    if facts is None:
        return
    roles, kinds = facts.schema.roles, facts.schema.event_types()
    ids, products = facts.nodes(roles.user).ids, facts.nodes(roles.product).ids
    places = {user: place for user in users if (place := ids.find(user)) >= 0}
    for name, kind in kinds.items():
        if kind.edge not in facts.types or name == SOLD:
            continue
        edges = facts.edges(kind.edge)
        for user, place in places.items():
            start, end = (int(one) for one in edges.indptr[place : place + 2])
            gives = np.zeros(end - start) if edges.quantity is None else np.asarray(edges.quantity[start:end])
            times, targets = edges.at[start:end].tolist(), edges.indices[start:end].tolist()
            for at, target, quantity in zip(times, targets, gives.tolist(), strict=True):
                if at != ALWAYS and not quantity < 0:
                    yield Happened(user, name, at if at % DAY else at + DAY - 1, products[target])


def ask_outcomes(bank: Bank, request: AskOutcomes, progress: Progress) -> OutcomesOf:
    """Acceptance of what was shown, by group and against the control."""
    end = bank.now() + DAY
    since, until = (None if one is None else microseconds_of(parse_moment(one, name)) for one, name in (
        (request.since, "--since"), (request.until, "--until")
    ))  # fmt: skip
    if request.window_days <= 0:
        raise UsageError(f"--window {request.window_days:g}: want a number of days above 0")
    if since is not None and until is not None and until <= since:
        raise UsageError(f"--until {request.until} is not after --since {request.since}")
    seen = _seen(bank, progress)
    wanted = [
        one
        for one in seen.shown
        if (since is None or since <= one.at) and one.at < (end if until is None else min(until, end))
    ]
    window = timedelta(days=request.window_days)
    found = joined(wanted, seen.events, window)
    span = window // timedelta(microseconds=1)
    over = [one for one in found if one.shown.at + span <= end]
    facts = _facts(bank)
    question = Question(
        request.by,
        request.success,
        5 if facts is None else facts.schema.roles.min_group,
        _kinds(facts, {one.shown.product for one in over}) if request.by == "kind" else {},
        _segments(facts, request, {one.shown.user for one in over}) if request.by == "segment" else {},
    )
    made = outcomes(over, question, still_open=len(found) - len(over))
    return OutcomesOf(
        **vars(made), since=request.since, until=request.until, window_days=request.window_days, success=request.success
    )


def _facts(bank: Bank) -> Snapshot | None:
    """What is known of customers and products now; None: nothing was loaded."""
    try:
        return bank.opened.engine(bank.home, None, bank.now()).snapshot
    except NotTrained:
        return None


def _kinds(facts: Snapshot | None, products: Iterable[str]) -> dict[str, str]:
    if facts is None:
        return {}
    label = facts.schema.roles.product
    column, ids = facts.schema.nodes[label].show.get("kind", "kind"), facts.nodes(label).ids
    found = {one: facts.value(label, column, place) for one in products if (place := ids.find(one)) >= 0}
    return {one: str(value) for one, value in found.items() if value is not None}


def _segments(facts: Snapshot | None, request: AskOutcomes, users: Iterable[str]) -> dict[str, str]:
    """The value of a column for each user; numbers of many values by quarters.

    Raises:
        UsageError: there is no such column, or the role may not read it.
    """
    if facts is None:
        return {}
    label = facts.schema.roles.user
    nodes, schema = facts.nodes(label), facts.schema.nodes[label]
    allowed = [name for name in sorted(nodes.columns) if request.with_protected or name not in schema.protected]
    if request.segment not in allowed:
        raise UsageError(
            f"--by segment wants --segment and a column of {label}, and got {request.segment}; want one of "
            f"{', '.join(allowed) or 'none'}"
        )
    places = {one: place for one in users if (place := nodes.ids.find(one)) >= 0}
    values = {one: facts.value(label, request.segment, place) for one, place in places.items()}
    known = {one: value for one, value in values.items() if value is not None}
    numbers = [value for value in known.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(known) and len(set(numbers)) > MOST_VALUES:
        bounds = np.quantile(np.array(numbers, float), [0, 0.25, 0.5, 0.75, 1])
        names = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(bounds)]
        return {one: names[min(int(np.searchsorted(bounds[1:], float(value))), 3)] for one, value in known.items()}
    return {one: str(value) for one, value in known.items()}


def evaluate_experiments(bank: Bank, request: EvaluateExperiments, progress: Progress) -> Experimented:
    """What experiments have shown so far; those that have to stop are stopped where the request acts.

    Raises:
        ExperimentError: the file cannot be used, or names no such experiment.
    """
    found = arms.experiments(bank) or Experiments()
    wanted = found.experiments if request.name is None else (found.named(request.name),)
    if not wanted:
        return Experimented((), found.holdout, found.explore, ())
    seen, end, today = _seen(bank, progress), bank.now() + DAY, arms.today(bank)
    facts = _facts(bank)
    least = 5 if facts is None else facts.schema.roles.min_group
    results: list[ExperimentResult] = []
    stopped_now: list[str] = []
    for one in wanted:
        result = evaluated(
            one, seen.exposed, seen.shown, seen.events, until=end, today=today,
            stopped=found.stopped.get(one.name), min_group=least,
        )  # fmt: skip
        if request.act and result.stop is not None and result.state == "running":
            _stop(bank, one.name, Stopped(today.isoformat(), result.stop, "rule"))
            stopped_now.append(one.name)
            result = replace(result, state="stopped")
        results.append(result)
    return Experimented(tuple(results), found.holdout, found.explore, tuple(stopped_now))


def stop_experiment(bank: Bank, request: StopExperiment) -> Stopped:
    """End an experiment: all customers get the usual lists from now on.

    Raises:
        ExperimentError: there is no such experiment.
        UsageError: it was stopped before.
    """
    found = arms.experiments(bank) or Experiments()
    found.named(request.name)
    if request.name in found.stopped:
        before = found.stopped[request.name]
        raise UsageError(f"experiment {request.name} was stopped on {before.on}: {before.why}")
    stopped = Stopped(arms.today(bank).isoformat(), request.why, bank.settings.actor or "a person")
    _stop(bank, request.name, stopped)
    return stopped


def _stop(bank: Bank, name: str, stopped: Stopped) -> None:
    write_stopped(bank.home.path, name, stopped)
    record_event(bank, "experiment", {"stopped": name, **vars(stopped)})


def stop_those_that_have_to(bank: Bank) -> tuple[str, ...]:
    """Stop the experiments that have to; which and why, a sentence each."""
    found = evaluate_experiments(bank, EvaluateExperiments(act=True), silent)
    return tuple(
        f"experiment {one.name} is stopped: {one.stop}" for one in found.experiments if one.name in found.stopped_now
    )


def ask_off_policy(bank: Bank, request: AskOffPolicy, progress: Progress) -> OffPolicyOf:
    """What a model, or a policy in a file, would have earned on choices that were logged.

    Raises:
        NoSupport: too little of it was ever drawn.
        SourceError: a log cannot be read.
        NotTrained: there is no such model.
    """
    if request.log is not None:
        from graphrec.outcomes.logs import estimate_log, read_log, read_target

        log = read_log(request.log)
        if request.target is None:
            raise UsageError("--log FILE wants --target FILE (item_id, position, probability, or a log), or even")
        return OffPolicyOf(str(request.target), None, estimate_log(log, read_target(request.target, log)))
    if request.model is None:
        raise UsageError("an off-policy estimate wants --model NAME, or --log FILE --target FILE")
    seen = _seen(bank, progress, with_drawn=True)
    if not seen.drawn:
        raise NoSupport(
            "no list in the record was drawn, so that nothing says what other products would have done; set a share of "
            "[explore] or [holdout] in experiments.toml and wait for outcomes"
        )
    from graphrec.app.campaigns.off_policy import estimate_model

    return estimate_model(bank, request, seen.drawn, joined(seen.shown, seen.events, _window(request)), progress)


def _window(request: AskOffPolicy) -> timedelta:
    return timedelta(days=request.window_days)
