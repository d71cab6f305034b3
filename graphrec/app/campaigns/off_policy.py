"""What a model would have earned on the drawn lists of the record: its own lists, computed as of each entry."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskOffPolicy
from graphrec.app.results import OffPolicyOf
from graphrec.errors import NoSupport
from graphrec.metrics.off_policy import MeanRewards, off_policy
from graphrec.outcomes.impressions import Impression, Joined
from graphrec.outcomes.support import Estimate, check
from graphrec.policy.facts import DAY
from graphrec.progress import Progress
from graphrec.records.read import Entry
from graphrec.records.replay import Replayer
from graphrec.terms.folder import latest, open_files


@dataclass(frozen=True)
class Choice:
    """One place of a drawn list, and what the model would show there."""

    shown: Impression
    own: str
    """The product of the model."""
    is_possible: bool
    """Whether the draw could have shown that one."""


def estimate_model(
    bank: Bank, request: AskOffPolicy, drawn: Sequence[Entry], joined: Sequence[Joined], progress: Progress
) -> OffPolicyOf:
    """The value of a model by IPS, SNIPS and DR: the share of its places that customers would have accepted.

    Args:
        drawn: entries of lists with drawn places.
        joined: impressions of the record with what belongs to them.

    Raises:
        NoSupport: too little of what the model shows was ever drawn.
    """
    over = int(request.window_days * DAY)
    logged = {
        (one.shown.entry, one.shown.product): one
        for one in joined
        if one.shown.way is not None and one.shown.at + over <= bank.now() + DAY
    }
    choices, left_out = choices_of(
        bank, request.model, drawn, {key: one.shown for key, one in logged.items()}, progress
    )
    rewards = [float(logged[choice.shown.entry, choice.shown.product].is_one_of(request.success)) for choice in choices]
    files = open_files(latest(bank.home, request.model))
    notes = (
        "places are judged one by one: that what stands beside a product changes nothing is assumed",
        f"what the model learned from outcomes of these lists speaks for it; its data ends {files.meta.as_of}",
        *([f"{left_out} drawn lists are left out: the model has none for these customers"] if left_out else []),
    )
    return OffPolicyOf(request.model or "", request.window_days, estimate(choices, rewards, notes))


def choices_of(
    bank: Bank,
    model: str | None,
    drawn: Sequence[Entry],
    logged: Mapping[tuple[int, str], Impression],
    progress: Progress,
) -> tuple[list[Choice], int]:
    """The places of drawn lists beside those of a model, and for how many lists the model has none.

    Args:
        logged: impressions by entry and product.
    """
    found: list[Choice] = []
    left_out = 0
    with Replayer(bank.home, model=open_files(latest(bank.home, model))) as replayer:
        for done, entry in enumerate(drawn, start=1):
            items = entry.entry["answer"]["items"]
            shown = [logged[entry.number, one["product"]] for one in items if (entry.number, one["product"]) in logged]
            if shown:
                own = replayer.listed_by_another(entry, max(one.rank for one in shown))
                left_out += not own
                found += _beside(entry, shown, own)
            progress("lists", done, len(drawn))
    return found, left_out


def _beside(entry: Entry, shown: Sequence[Impression], own: Sequence[str]) -> Iterator[Choice]:
    among = set(entry.entry["answer"]["drawn"]["among"])
    for one in shown:
        if one.rank <= len(own) and one.propensity is not None:
            product = own[one.rank - 1]
            yield Choice(one, product, product in among if among else True)


def estimate(choices: Sequence[Choice], rewards: Sequence[float], notes: tuple[str, ...] = ()) -> Estimate:
    """What the model would have earned.

    Args:
        rewards: of the choices.

    Raises:
        NoSupport: too little of what it shows was ever drawn.
    """
    if not choices:
        raise NoSupport(
            "no drawn list whose window is over can be compared with the model's own; wait for outcomes, or give a "
            "shorter --window"
        )
    earned = np.array(rewards, np.float64)
    users = {one: place for place, one in enumerate(dict.fromkeys(choice.shown.user for choice in choices))}
    products = {one: n for n, one in enumerate(dict.fromkeys(p for c in choices for p in (c.shown.product, c.own)))}
    owners = np.array([users[choice.shown.user] for choice in choices])
    ranks = np.array([choice.shown.rank - 1 for choice in choices])
    shown, own = (
        np.array([products[one] for one in names])
        for names in ([choice.shown.product for choice in choices], [choice.own for choice in choices])
    )
    q = MeanRewards.of(shown, ranks, earned, (len(products), int(ranks.max()) + 1)).values
    weights = (shown == own) / np.array([choice.shown.propensity for choice in choices], np.float64)
    found = off_policy(earned, weights, q[shown, ranks], q[own, ranks], owners, seed=1)
    support = float(np.mean([choice.is_possible for choice in choices]))
    return check(found, support, len(choices), float(earned.mean()), notes)
