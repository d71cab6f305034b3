"""Parts of a report that a bank is judged by: money, risk, suitability."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskOutcomes, CheckPolicy, EvaluateProfit, ListAlerts, ReportCampaign
from graphrec.app.report.figures import Concern, Details, Figure, Form, Part, part_of
from graphrec.errors import GraphrecError
from graphrec.evaluation.details import RECOMMENDED_USERS
from graphrec.evaluation.evaluate import open_on_test
from graphrec.evaluation.hidden_part import recommended
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.metrics.intervals import bootstrap_all
from graphrec.policy.read import home_policy
from graphrec.progress import Progress
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.terms.folder import latest, read_meta
from graphrec.times import microseconds_of

K, DAY = 10, 86_400_000_000
NAMED = 10
"""Campaigns and rules that a table holds, at most."""


def money(bank: Bank, progress: Progress) -> Part:
    """What customers took of what they were shown, what campaigns brought, what lists cost customers."""
    found = bank.outcomes(AskOutcomes(), progress=progress)
    figures, concerns = [], []
    if found.total is not None:
        total = found.total
        figures += [
            Figure("acceptance", total.rate, "share", total.low, total.high, 1),
            Figure("shown", float(total.shown), "count"),
            Figure("accepted", float(total.accepted), "count"),
        ]
        if not total.accepted and (age := _data_age(bank)) is not None and age > found.window_days:
            concerns.append(Concern("data_end", {"days": f"{ceil(age):,}"}))
    if found.lift is not None:
        figures.append(Figure("lift", found.lift.value, "share", found.lift.low, found.lift.high, 1))
        if found.lift.low <= 0:
            concerns.append(Concern("lift_unsure"))
    rows = []
    for one in bank.campaigns()[:NAMED]:
        if one.delivered_at is None:
            continue
        told = bank.report_campaign(ReportCampaign(one.campaign))
        plan = bank.planned_campaign(one.campaign)
        rows.append((one.campaign, float(told.contacted), plan.cost_eur, told.rate.value, told.uplift))
        figures.append(Figure("uplift", told.uplift, "share", told.low, told.high, 1, one.campaign))
    figures += _of_lists(bank, "fee", "fee_listed", "fee_held", better=-1)
    columns = ("campaign", "contacts", "cost_eur", "acceptance", "uplift")
    table = Details(columns, (None, "count", "number", "share", "share"), tuple(rows)) if rows else None
    missing = None if figures else "nothing that was shown is older than the 30 days in which it may be taken"
    return part_of("money", figures, concerns, table, missing)


def _data_age(bank: Bank) -> float | None:
    """Days since the last event of the data; None: nothing has a time."""
    last = SnapshotShelf(bank.home.snapshots).latest().meta.last
    return None if last is None else (bank.now() - microseconds_of(datetime.fromisoformat(last))) / DAY


def returns(bank: Bank, progress: Progress) -> Part:
    """What listed products earned afterwards, and what following past prices would bring and cost, on past dates."""
    found = bank.evaluate_profit(EvaluateProfit(), progress=progress)
    own = found.at(found.own)
    figures = [
        Figure("over_market", own.over_market, "rate", own.low, own.high, 1),
        Figure("monthly", own.monthly, "rate"),
        Figure("monthly_market", found.market, "rate"),
        Figure("ndcg_profit", own.ndcg, better=1),
        Figure("ndcg_chance", found.random_ndcg),
        Figure("profit_weight", found.own, "short"),
        Figure("dates", float(found.dates), "count"),
        Figure("lists", float(found.lists), "count"),
    ]
    concerns, weight = [], f"{found.own:g}"
    if own.ndcg_change is not None and own.ndcg_change.high < 0:
        concerns.append(Concern("profit_costs", {"weight": weight, "change": f"{own.ndcg_change.value:+.4f}"}))
    if found.own and not (own.low is not None and own.low > 0):
        concerns.append(Concern("profit_unproved", {"weight": weight}))
    columns = ["weight", "ndcg", "ndcg_low", "ndcg_high", "monthly", "over_market"]
    forms: list[Form] = ["short", "number", "number", "number", "rate", "rate"]
    ends = own.low is not None
    rows = [
        (
            one.weight, one.ndcg, *((0.0, 0.0) if one.ndcg_change is None else (
                one.ndcg_change.low, one.ndcg_change.high)), one.monthly, one.over_market,
            *((one.low, one.high) if ends else ()),
        )
        for one in found.points
    ]  # fmt: skip
    table = Details(
        (*columns, *(("low", "high") if ends else ())), (*forms, *(("rate", "rate") if ends else ())), tuple(rows)
    )  # fmt: skip
    part = part_of("returns", figures, concerns, table)
    return replace(part, command=f"graphrec evaluate --profit {found.learner}")


def risk(bank: Bank, progress: Progress) -> Part:
    """Risk classes of what lists show, models of risk, open alerts."""
    del progress
    figures = _of_lists(bank, "risk", "risk_listed", "risk_held", better=0)
    figures.append(Figure("risk_models", float(len(list((bank.home.path / "risk").glob("*.safetensors")))), "count"))
    alerts = [one for one in bank.alerts(ListAlerts()) if one.state != "closed"]
    severe = [one for one in alerts if one.severity == "critical"]
    figures += [
        Figure("open_alerts", float(len(alerts)), "count", better=-1),
        Figure("critical_alerts", float(len(severe)), "count", better=-1),
    ]
    concerns = [Concern("alerts_open", {"n": str(len(severe))})] if severe else []
    by_rule = Counter((one.rule, one.severity) for one in alerts).most_common(NAMED)
    rows = tuple((rule, severity, float(count)) for (rule, severity), count in by_rule)
    table = Details(("rule", "severity", "alerts"), (None, None, "count"), rows) if rows else None
    return part_of("risk", figures, concerns, table)


def suitability(bank: Bank, progress: Progress) -> Part:
    """What the policy refuses to whom."""
    if not bank.home.has_policy():
        why = "there is no policy, so that nothing is refused; make one: graphrec policy init"
        return part_of("suitability", missing=why)
    found = bank.check_policy(CheckPolicy(), progress=progress).report
    pairs = found.users * found.products
    figures = [
        Figure("refused_pairs", 1 - found.pairs_left / pairs if pairs else None, "share"),
        Figure("without_product", float(found.users_without_product), "count", better=-1),
        Figure("rules", float(len(found.rules)), "count"),
    ]
    idle = [one for one in found.rules if not one.pairs]
    concerns = []
    if found.users_without_product:
        concerns.append(Concern("nothing_left", {"n": f"{found.users_without_product:,}"}))
    concerns += [Concern("rule_idle", {"rule": one.id}) for one in idle]
    named = tuple(one.id for one in idle)
    concerns += [Concern("policy_warns", {"text": one}) for one in found.idle if one.split()[0] not in named]
    concerns += [Concern("policy_warns", {"text": one}) for one in found.warnings]
    rows = tuple(
        (one.id, one.severity, one.pairs / pairs if pairs else None, float(one.users), float(one.missing))
        for one in sorted(found.rules, key=lambda one: -one.pairs)[: 2 * NAMED]
    )
    columns = ("rule", "severity", "refused_pairs", "customers", "open_values")
    table = Details(columns, (None, None, "share", "count", "count"), rows)
    return part_of("suitability", figures, concerns, table)


@dataclass(frozen=True, eq=False)
class _Lists:
    """Lists of the tested model for its test users, and what they hold, by position.

    Shapes: lists (num_users, k); origin, held (num_holdings,): whose row, and which product.
    """

    snapshot: Snapshot
    lists: NDArray[np.int32]
    origin: NDArray[np.int64]
    held: NDArray[np.int32]


@dataclass(frozen=True)
class _Means:
    """A column of products, averaged by customer."""

    listed: NDArray[np.float64]
    held: NDArray[np.float64]


def _of_lists(bank: Bank, what: str, listed: str, held: str, *, better: int) -> list[Figure]:
    """The mean of a column of products over what lists show, and over what their customers hold; none without one."""
    try:
        found = _means(bank, what)
    except GraphrecError:
        return []  # accuracy says why there are no lists
    if found is None:
        return []
    means = bootstrap_all({listed: found.listed}, seed=0) | bootstrap_all({held: found.held}, seed=0)
    return [Figure.within(listed, means[listed], "short", better=better), Figure.within(held, means[held], "short")]


def _means(bank: Bank, what: str) -> _Means | None:
    """Of the lists that `recommend` gives to test users, with the tested model and the policy."""
    folder = latest(bank.home, None, prefer_final=False)
    settings, rules = bank.settings, home_policy(bank.home, SnapshotShelf(bank.home.snapshots).latest()).hash
    found = _lists(bank.home, folder, (read_meta(folder).hash, rules), settings.seed, settings.min_confidence)
    roles, nodes = found.snapshot.schema.roles, found.snapshot.schema.nodes
    name = nodes[roles.product].show.get(what)
    if name is None or name not in found.snapshot.meta.columns[roles.product]:
        return None
    column = found.snapshot.nodes(roles.product).column(name)
    values = np.asarray(column.values)
    if values.dtype.kind not in "fiu":
        return None
    values = np.where(np.asarray(column.valid), values, np.nan).astype(np.float64)
    shown = np.where(found.lists >= 0, values[np.maximum(found.lists, 0)], np.nan)
    has = ~np.isnan(values[found.held])
    sums = np.bincount(found.origin[has], values[found.held][has], len(shown))
    counts = np.bincount(found.origin[has], minlength=len(shown))
    with np.errstate(invalid="ignore", divide="ignore"):
        held = sums / counts
        known = np.isfinite(shown)
        listed = np.where(known, shown, 0).sum(axis=1) / known.sum(axis=1)
    listed, held = listed[np.isfinite(listed)], held[np.isfinite(held)]
    return _Means(listed, held) if len(listed) and len(held) else None


@lru_cache(maxsize=1)
def _lists(home: Home, folder: Path, _hashes: tuple[str, str], seed: int, min_confidence: float) -> _Lists:
    """The lists of a model under the policy, made once for fees and risk."""
    meta = read_meta(folder)
    snapshot = SnapshotShelf(home.snapshots).of_hash(meta.snapshot)
    tested = open_on_test(snapshot, folder)
    visible, model, part = tested.visible, tested.model, tested.part
    engine = Engine(snapshot, model, policy=home_policy(home, snapshot), masked=part.masked)
    drawn = np.random.default_rng(seed).choice(len(part.users), min(len(part.users), RECOMMENDED_USERS), replace=False)
    users = part.users[np.sort(drawn)]
    options = ListOptions(min_confidence=min_confidence)
    lists = recommended(engine, users, min(K, part.num_products), options)
    return _Lists(snapshot, lists, *visible.held().expand(users))
