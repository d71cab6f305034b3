"""What a model would have earned on the drawn lists of the record: its own lists, computed as of each entry."""

from collections.abc import Iterator, Sequence

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskOffPolicy
from graphrec.app.results import OffPolicyOf
from graphrec.errors import NoSupport
from graphrec.metrics.off_policy import MeanRewards, off_policy
from graphrec.outcomes.impressions import Joined
from graphrec.outcomes.support import check
from graphrec.policy.facts import DAY
from graphrec.progress import Progress
from graphrec.records.read import Entry
from graphrec.records.replay import Replayer
from graphrec.terms.folder import latest, open_files


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
    files = open_files(latest(bank.home, request.model))
    over = int(request.window_days * DAY)
    logged = {
        (one.shown.entry, one.shown.product): one
        for one in joined
        if one.shown.way is not None and one.shown.at + over <= bank.now() + DAY
    }
    rows: list[tuple[str, int, str, str, float, float, bool]] = []
    failed = 0
    with Replayer(bank.home, model=files) as replayer:
        for done, entry in enumerate(drawn, start=1):
            shown = _of_entry(logged, entry)
            if shown:
                wanted = replayer.listed_by_another(entry, max(one.shown.rank for one in shown))
                failed += not wanted
                rows += _rows(entry, shown, wanted, request.success) if wanted else ()
            progress("lists", done, len(drawn))
    if not rows:
        raise NoSupport(
            "no drawn list whose window is over can be compared with the model's own; wait for outcomes, or give a "
            "shorter --window"
        )
    users, places = ({one: n for n, one in enumerate(dict.fromkeys(row[at] for row in rows))} for at in (0, 1))
    products = {one: n for n, one in enumerate(dict.fromkeys(one for row in rows for one in row[2:4]))}
    owners, ranks = np.array([users[row[0]] for row in rows]), np.array([places[row[1]] for row in rows])
    shown_products, own = (np.array([products[str(row[at])] for row in rows]) for at in (2, 3))
    rewards, chances = (np.array([float(row[at]) for row in rows]) for at in (4, 5))
    q = MeanRewards.of(shown_products, ranks, rewards, (len(products), len(places))).values
    weights = (shown_products == own) / chances
    found = off_policy(rewards, weights, q[shown_products, ranks], q[own, ranks], owners, seed=1)
    support = float(np.mean([row[6] for row in rows]))
    notes = [
        "places are judged one by one: that what stands beside a product changes nothing is assumed",
        f"what the model learned from outcomes of these lists speaks for it; its data ends {files.meta.get('as_of')}",
    ]
    if failed:
        notes.append(f"{failed} drawn lists are left out: the model has none for these customers")
    return OffPolicyOf(
        request.model or "", request.window_days, check(found, support, len(rows), float(rewards.mean()), tuple(notes))
    )  # fmt: skip


def _of_entry(logged: dict[tuple[int, str], Joined], entry: Entry) -> list[Joined]:
    items = entry.entry["answer"]["items"]
    return [logged[entry.number, item["product"]] for item in items if (entry.number, item["product"]) in logged]


def _rows(
    entry: Entry, shown: Sequence[Joined], wanted: Sequence[str], success: Sequence[str]
) -> Iterator[tuple[str, int, str, str, float, float, bool]]:
    """User, rank, product, the model's product, reward, propensity, whether the draw could have shown that product."""
    drawn = entry.entry["answer"]["drawn"]
    among = set(drawn["among"])
    for one in shown:
        rank = one.shown.rank
        if rank > len(wanted) or one.shown.propensity is None:
            continue
        own = wanted[rank - 1]
        is_possible = own in among if among else True
        yield (
            one.shown.user, rank, one.shown.product, own, float(one.is_one_of(success)),
            one.shown.propensity, is_possible,
        )  # fmt: skip
