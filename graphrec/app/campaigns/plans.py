"""Campaigns of a home: planned, delivered, and compared with the control group.

vault/campaigns/NAME/plan.json       who would hear about what, and who of them is the control
vault/campaigns/NAME/delivered.json  who was contacted, when, with the entry of the decision record
"""

import hashlib
import hmac
import json
import re
import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from graphrec import log
from graphrec.app.answers import Served
from graphrec.app.bank import Bank
from graphrec.app.jobs import DeliverCampaign, ListContacts, PlanCampaign, ReportCampaign
from graphrec.app.lists.deliver import users_in
from graphrec.app.recording import engine_of, record_event
from graphrec.app.requests import Explain
from graphrec.app.results import (
    CampaignContact,
    CampaignContacts,
    CampaignDelivered,
    CampaignPlan,
    CampaignReport,
    KnownCampaign,
)
from graphrec.app.views import viewer
from graphrec.campaigns.assignment import Assignment, Bounds, Offers, assign
from graphrec.campaigns.file import CampaignFile, ChannelTable, read_campaign
from graphrec.delivery.rows import Rows, Run
from graphrec.delivery.sinks import SinkReport, Target, sink_for
from graphrec.errors import Damaged, UnknownId, UsageError
from graphrec.files import make_folder, place_folder, private_folder, whole_file
from graphrec.graph.lookup import nearest_ids
from graphrec.home import Home
from graphrec.policy.facts import Occasion
from graphrec.policy.read import parse_policy
from graphrec.progress import Progress
from graphrec.serving.answer import ListOptions, PolicyName
from graphrec.serving.audience import Standings, chosen, standings
from graphrec.serving.eligible import Eligibility
from graphrec.serving.engine import Engine
from graphrec.serving.views import Viewer
from graphrec.times import microseconds_of

PLAN, DELIVERED = "plan.json", "delivered.json"
#: Length of the list that the reasons of a contact are contrasted with.
_LIST = 10
#: Reasons of a contact that are kept beside it.
_REASONS = 3
_KEPT = ("user", "product", "channel", "adviser", "rank", "confidence", "value", "cost_eur")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Contact:
    """One product for one customer by one channel."""

    user: str
    product: str
    channel: str
    adviser: str | None
    value: float
    cost_eur: float
    rank: int
    confidence: float


@dataclass(frozen=True, eq=False)
class _Channel:
    """One channel as the plan of everybody in the audience asks for it."""

    table: ChannelTable
    standings: Standings
    consents: NDArray[np.bool_]
    """(users,)"""


def plan(bank: Bank, request: PlanCampaign, progress: Progress) -> CampaignPlan:
    """Who hears about what, kept in the home until it is delivered."""
    home, began = bank.home, time.monotonic()
    home.need_vault("graphrec campaign plan")
    campaign = read_campaign(request.file, request.text)
    folder = folder_of(home, campaign.name)
    if (folder / DELIVERED).exists():
        raise UsageError(f"campaign {campaign.name} is delivered; give the next one another name")
    first = campaign.channel[0]
    engine = engine_of(bank, home, None, Occasion(None, first.name, campaign.purpose), every=True)
    with log.stage("campaign", name=campaign.name) as stage:
        products = _products(engine, campaign)
        users = chosen(engine, None if campaign.where is UNSET else campaign.where)
        if campaign.exclude is not UNSET:
            users = np.setdiff1d(users, users_in(engine, request.file.parent / campaign.exclude, "exclude"))
        channels = _channels(engine, campaign, users, products, progress)
        caps = _caps(home, bank.now(), campaign, [engine.users.ids[int(user)] for user in users])
        advisers = [_adviser(engine, int(user)) for user in users]
        names = sorted({one for one in advisers if one is not None})
        numbers = {name: number for number, name in enumerate(names)}
        places = np.array([-1 if one is None else numbers[one] for one in advisers], np.int64)
        response = _response(bank, engine, campaign, users)
        offers = _offers(campaign, channels, caps, places, products, engine, response)
        progress("assigning", 0, 1)
        bounds = Bounds(
            cap=caps,
            budget=_or_inf(campaign.budget_eur),
            capacity=np.array([_or_inf(one.capacity) for one in campaign.channel]),
            per_adviser=np.array([_or_inf(one.capacity_per_adviser) for one in campaign.channel]),
            quota=np.array([float(campaign.quotas.get(engine.products.ids[one], np.inf)) for one in products]),
            advisers=max(len(names), 1),
        )
        found = assign(offers, bounds)
        stage.count(users=len(users), offers=len(offers), taken=len(found.taken))
    kept = [_contact(engine, campaign, channels, offers, users, advisers, int(place)) for place in found.taken]
    withheld = [one for one in kept if is_control(home.secret(), campaign, one.user)]
    contacts = [one for one in kept if not is_control(home.secret(), campaign, one.user)]
    made = _summary(engine, campaign, channels, caps, offers, found, contacts, withheld)
    content = {
        "campaign": campaign.name, "summary": asdict(made),
        "file_sha256": hashlib.sha256(_bytes_of(request)).hexdigest(),
        "channels": {one.name: None if one.require is UNSET else one.require for one in campaign.channel},
        "purpose": campaign.purpose, "cap": [campaign.cap.contacts, campaign.cap.days],
        "planned_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "contacts": [asdict(one) for one in contacts], "control": [asdict(one) for one in withheld],
    }  # fmt: skip
    make_folder(folder)
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    summary = {**asdict(made), "plan_sha256": hashlib.sha256(text.encode()).hexdigest()}
    number, notes = record_event(bank, "campaign", {"did": "plan", **summary}, wanted=request.record)
    with whole_file(folder / PLAN) as temporary:
        temporary.write_text(text, "utf-8")
    seconds = round(time.monotonic() - began, 3)
    return replace(made, file=folder / PLAN, record=number, notes=(*made.notes, *notes), seconds=seconds)


def deliver(bank: Bank, request: DeliverCampaign, progress: Progress) -> CampaignDelivered:
    """The contacts of a plan with their reasons, in a folder with a file a channel and adviser.

    Policy, consents and caps are asked again: what they refuse by now is left out and counted.
    """
    home = bank.home
    home.need_vault("graphrec campaign deliver")
    folder, content = _plan_of(home, request.campaign)
    if (folder / DELIVERED).exists():
        raise UsageError(f"campaign {request.campaign} is delivered already; see: graphrec campaign report")
    if request.to.exists():
        raise UsageError(f"--to {request.to} is there already; name a new folder")
    delivery = _Delivery(bank, request, content, _contacts_since(home, bank.now(), content["cap"][1]))
    with private_folder(request.to.parent, request.to.name) as scratch:
        fresh = scratch / request.to.name
        fresh.mkdir()
        for channel, require in content["channels"].items():
            delivery.write(channel, require, fresh / channel, progress)
        done, gone = delivery.done, delivery.gone
        at = datetime.fromtimestamp(bank.now() / 1e6, UTC).isoformat()
        record = {
            "campaign": request.campaign, "delivered_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "as_of": at, "contacts": done, "control": content["control"],
        }  # fmt: skip
        text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
        did = {
            "did": "deliver", "campaign": request.campaign, "contacts": len(done), "left_out": dict(gone),
            "control": len(content["control"]), "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }  # fmt: skip
        number, notes = record_event(bank, "campaign", did, wanted=request.record)
        with whole_file(folder / DELIVERED) as temporary:
            temporary.write_text(text, "utf-8")
        place_folder(fresh, request.to)
    files = sum(1 for path in request.to.rglob("*") if path.is_file())
    return CampaignDelivered(request.campaign, request.to, files, len(done), dict(gone), number, notes)


def campaigns(bank: Bank, adviser: str | None = None) -> tuple[KnownCampaign, ...]:
    """The campaigns of a home, the newest first; for an adviser those with contacts for this adviser."""
    found = []
    for file in (bank.home.vault / "campaigns").glob(f"*/{PLAN}"):
        content, delivered = _both(bank.home, file.parent.name)
        own = (delivered or content)["contacts"] if adviser is None else _for(bank, delivered, adviser)
        if own or adviser is None:
            at = None if delivered is None else delivered["delivered_at"]
            found.append(KnownCampaign(content["campaign"], content["planned_at"], at, len(own)))
    return tuple(sorted(found, key=lambda one: (one.planned_at, one.campaign), reverse=True))


def planned(bank: Bank, name: str) -> CampaignPlan:
    """What the plan of a campaign came to, as it was made."""
    folder, content = _plan_of(bank.home, name)
    try:
        summary = content["summary"]
        policy = None if summary["policy"] is None else PolicyName(**summary["policy"])
        return CampaignPlan(**{**summary, "policy": policy, "file": folder / PLAN, "notes": tuple(summary["notes"])})
    except (KeyError, TypeError):
        raise Damaged(f"{folder / PLAN} is of an older graphrec; run graphrec campaign plan again") from None


def contacts(bank: Bank, request: ListContacts) -> CampaignContacts:
    """Contacts of a campaign: those that were delivered, else those of the plan."""
    content, delivered = _both(bank.home, request.campaign)
    if request.for_adviser and request.adviser is not None:
        if delivered is None:
            raise UnknownId(f"there is no delivered campaign {request.campaign!r}")
        found = _for(bank, delivered, request.adviser)
    else:
        found = [one for one in (delivered or content)["contacts"] if request.adviser in (None, one["adviser"])]
    if request.channel is not None:
        found = [one for one in found if one["channel"] == request.channel]
    engine = engine_of(bank, bank.home, None, Occasion())
    found.sort(key=lambda one: (-one["value"], one["user"], one["product"]))
    shown = [
        CampaignContact(
            name=_name(engine, one["product"]),
            reasons=tuple(one.get("reasons", ())),
            record=one.get("record"),
            **{key: one[key] for key in _KEPT},
        )
        for one in found[request.skip : request.skip + request.k]
    ]
    at = None if delivered is None else delivered["delivered_at"]
    return CampaignContacts(request.campaign, at, len(found), tuple(shown))


def _both(home: Home, name: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The plan of a campaign, and what was delivered of it; None: nothing yet."""
    folder, content = _plan_of(home, name)
    try:
        return content, json.loads((folder / DELIVERED).read_text("utf-8"))
    except FileNotFoundError:
        return content, None


def _for(bank: Bank, delivered: Mapping[str, Any] | None, adviser: str) -> list[Mapping[str, Any]]:
    """The delivered contacts of an adviser whose customers still are this adviser's."""
    found = [one for one in (delivered or {"contacts": ()})["contacts"] if one["adviser"] == adviser]
    return [one for one in found if bank.adviser_of(one["user"]) == adviser]


def _name(engine: Engine, product: str) -> str | None:
    place = engine.products.ids.find(product)
    return None if place < 0 else engine.snapshot.name(engine.roles.product, place)


class _Delivery:
    """Contacts on their way to files, each asked about once more."""

    def __init__(self, bank: Bank, request: DeliverCampaign, content: Mapping[str, Any], before: Counter[str]) -> None:
        self._bank, self._request, self._content, self._before = bank, request, content, before
        self._planned = [Contact(**one) for one in content["contacts"]]
        self.gone: Counter[str] = Counter()
        """Contacts that are left out, by why."""
        self.done: list[dict[str, Any]] = []

    def write(self, channel: str, require: str | None, folder: Path, progress: Progress) -> None:
        """The contacts of one channel: a file an adviser."""
        bank, language = self._bank, self._request.language or self._bank.settings.language
        occasion = Occasion(None, channel, self._content["purpose"])
        engine = engine_of(bank, bank.home, None, occasion)
        consents = None if require is None else {engine.users.ids[int(one)] for one in chosen(engine, require)}
        seer = viewer(bank, "adviser", engine.reasons_in(language).sentences)
        rows = Rows(engine, Run.of(engine, _LIST, ListOptions(language=language)), seer)
        by_file: dict[str, list[Contact]] = {}
        for one in self._planned:
            if one.channel == channel:
                by_file.setdefault(_file_name(one.adviser), []).append(one)
        for name, group in sorted(by_file.items()):
            served = []
            for one in group:
                progress("contacts", len(self.done) + sum(self.gone.values()), len(self._planned))
                found = self._explained(one, occasion, consents, seer)
                served += [] if found is None else [found]
            if served:
                make_folder(folder)
                file = folder / f"{name}.{self._request.form}"
                _write(engine, file, rows, [one.answer for one in served], [one.record for one in served])

    def _explained(
        self, one: Contact, occasion: Occasion, consents: Container[str] | None, seer: Viewer
    ) -> Served | None:
        """Why the product fits the customer, recorded; None: the contact is not made any more."""
        if consents is not None and one.user not in consents:
            self.gone["no consent"] += 1
            return None
        if self._before[one.user] >= self._content["cap"][0]:
            self.gone["contact cap"] += 1
            return None
        request = self._request
        asked = Explain(
            one.user, one.product, _LIST, language=request.language, record=request.record, occasion=occasion
        )
        served = self._bank.explain(asked)
        if not served.answer.items:
            self.gone["policy"] += 1
            return None
        self._before[one.user] += 1
        reasons = [reason.text for reason in seer.item(served.answer.items[0]).reasons[:_REASONS]]
        self.done.append({**asdict(one), "record": served.record, "reasons": reasons})
        return served


def report(bank: Bank, request: ReportCampaign) -> CampaignReport:
    """What those who were contacted did, beside the control."""
    from graphrec.metrics.rates import wilson

    folder, _ = _plan_of(bank.home, request.campaign)
    try:
        content = json.loads((folder / DELIVERED).read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"campaign {request.campaign} is not delivered yet; run: graphrec campaign deliver {request.campaign}"
        ) from None
    engine = engine_of(bank, bank.home, None, Occasion(), every=True)
    since = microseconds_of(datetime.fromisoformat(content["as_of"]))
    treated = [_took(engine, one["user"], one["product"], since) for one in content["contacts"]]
    control = [_took(engine, one["user"], one["product"], since) for one in content["control"]]
    one, other = (wilson(sum(found), len(found)) for found in (treated, control))
    uplift = one.value - other.value
    # Newcombe (1998), method 10: the interval of a difference from those of the two rates.
    low = uplift - ((one.value - one.low) ** 2 + (other.high - other.value) ** 2) ** 0.5
    high = uplift + ((one.high - one.value) ** 2 + (other.value - other.low) ** 2) ** 0.5
    by_product = Counter(one["product"] for one, took in zip(content["contacts"], treated, strict=True) if took)
    return CampaignReport(
        campaign=request.campaign,
        since=content["as_of"],
        contacted=len(treated),
        accepted=sum(treated),
        rate=one,
        control=len(control),
        control_accepted=sum(control),
        control_rate=other,
        uplift=uplift,
        low=low,
        high=high,
        by_product=dict(by_product),
    )


def is_control(secret: bytes, campaign: CampaignFile, user: str) -> bool:
    """Whether a customer belongs to the control: by a hash with the secret of the home and the campaign's name."""
    drawn = hmac.new(secret, f"campaign\0{campaign.name}\0{user}".encode(), hashlib.sha256).digest()[:8]
    return int.from_bytes(drawn, "big") < campaign.control * 2**64


def folder_of(home: Home, name: str) -> Path:
    """Where a campaign is kept.

    Raises:
        UsageError: it is no name of a campaign.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", name):
        raise UsageError(f"{name!r} is no name of a campaign; want letters, digits, - and _")
    return home.vault / "campaigns" / name


def _plan_of(home: Home, name: str) -> tuple[Path, dict[str, Any]]:
    folder = folder_of(home, name)
    try:
        found: dict[str, Any] = json.loads((folder / PLAN).read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(path.parent.name for path in folder.parent.glob(f"*/{PLAN}"))) or "none"
        raise UnknownId(f"there is no plan of campaign {name!r}; there are {known}") from None
    except ValueError as error:
        raise Damaged(f"{folder / PLAN} is damaged ({error}); run graphrec campaign plan again") from None
    return folder, found


def _bytes_of(request: PlanCampaign) -> bytes:
    return request.file.read_bytes() if request.text is None else request.text.encode()


def _products(engine: Engine, campaign: CampaignFile) -> list[int]:
    """The products, by position in the snapshot, ascending."""
    if campaign.goal is not UNSET:
        if re.search(r"\buser\b|\bheld\b|\bhappened\b", campaign.goal):
            raise UsageError(f"goal = {campaign.goal!r}: want a condition on product.… alone")
        rule = f"version = '1'\n[[rule]]\nid = 'goal'\nsentence = 'goal'\nrequire = {json.dumps(campaign.goal)}\n"
        asked = Eligibility(engine.snapshot, parse_policy(rule, "goal"), now=engine.now)
        found = np.flatnonzero(asked.masks(np.zeros(1, np.int64))[0]).tolist()
        if not found:
            raise UsageError(f"goal = {campaign.goal!r}: no product meets it")
        goal: list[int] = found
        return goal
    places = []
    for product in campaign.products if campaign.products is not UNSET else ():
        place = engine.products.ids.find(product)
        if place < 0:
            near = ", ".join(nearest_ids(engine.products, product))
            raise UnknownId(f"products: no product {product!r}{f'; the nearest are {near}' if near else ''}")
        places.append(place)
    return sorted(set(places))


def _channels(
    engine: Engine, campaign: CampaignFile, users: NDArray[np.int64], products: Sequence[int], progress: Progress
) -> list[_Channel]:
    """What may be offered by each channel; customers are scored anew only where its rules differ."""
    found: list[_Channel] = []
    for table in campaign.channel:
        asking = engine.asking(Occasion(None, table.name, campaign.purpose))
        where = None
        if found and not engine.owns:
            wanted = np.asarray(products, np.int64)
            refused = asking.eligibility.first_rules(users, wanted)
            where = found[0].standings if np.array_equal(refused, found[0].standings.refused) else None
        where = where or standings(asking, users, products, progress)
        consents = np.ones(len(users), np.bool_)
        if table.require is not UNSET:
            consents = np.isin(users, chosen(engine, table.require))
        found.append(_Channel(table, where, consents))
    return found


def _offers(
    campaign: CampaignFile,
    channels: Sequence[_Channel],
    caps: NDArray[np.int64],
    advisers: NDArray[np.int64],
    products: Sequence[int],
    engine: Engine,
    response: NDArray[np.float64] | None,
) -> Offers:
    """The offers that policy, consents and the campaign allow."""
    worth = np.array([campaign.values.get(engine.products.ids[one], 1.0) for one in products])
    parts = []
    for number, channel in enumerate(channels):
        found = channel.standings
        allowed = found.eligible & (found.ranks > 0) & channel.consents[:, None] & (caps > 0)[:, None]
        allowed &= found.confidence >= campaign.least_confidence
        if campaign.rank is not UNSET:
            allowed &= found.ranks <= campaign.rank
        if channel.table.capacity_per_adviser is not UNSET:
            allowed &= (advisers >= 0)[:, None]
        value = found.confidence if response is None else response[:, None] * np.ones(len(products))
        if campaign.objective != "fit":
            value = value * worth
        value = value * channel.table.effect
        rows, columns = np.nonzero(allowed & (value > 0))
        cost = np.full(len(rows), float(channel.table.cost_eur))
        parts.append((rows, columns, np.full(len(rows), number), advisers[rows], value[rows, columns], cost))
    rows, columns, numbers, of, value, cost = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Offers(rows, columns, numbers, of, value, cost)


def _response(
    bank: Bank, engine: Engine, campaign: CampaignFile, users: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """The probability of each customer by the response model; None: the campaign names none."""
    if campaign.response is UNSET:
        return None
    from graphrec.app.campaigns.response import score_customers

    return score_customers(bank, engine, campaign.response, users)


def _contact(
    engine: Engine,
    campaign: CampaignFile,
    channels: Sequence[_Channel],
    offers: Offers,
    users: NDArray[np.int64],
    advisers: Sequence[str | None],
    place: int,
) -> Contact:
    row, column, channel = int(offers.customer[place]), int(offers.product[place]), int(offers.channel[place])
    found = channels[channel].standings
    return Contact(
        user=engine.users.ids[int(users[row])],
        product=engine.products.ids[int(found.products[column])],
        channel=campaign.channel[channel].name,
        adviser=advisers[row],
        value=float(offers.value[place]),
        cost_eur=float(offers.cost[place]),
        rank=int(found.ranks[row, column]),
        confidence=float(found.confidence[row, column]),
    )


def _summary(
    engine: Engine,
    campaign: CampaignFile,
    channels: Sequence[_Channel],
    caps: NDArray[np.int64],
    offers: Offers,
    found: Assignment,
    contacts: Sequence[Contact],
    withheld: Sequence[Contact],
) -> CampaignPlan:
    asked = channels[0].standings
    refused: Counter[str] = Counter()
    for column in range(len(asked.products)):
        refused.update(asked.counts(column))
    cost = sum(one.cost_eur for one in contacts)
    return CampaignPlan(
        campaign=campaign.name,
        as_of=engine.as_of,
        model=engine.model.name,
        snapshot=engine.fitted_on,
        facts=engine.snapshot.hash,
        policy=engine.policy_name,
        objective=campaign.objective,
        audience=len(asked.users),
        products=len(asked.products),
        refused=dict(refused),
        without_consent={one.table.name: int((~one.consents).sum()) for one in channels},
        capped=int((caps == 0).sum()),
        offers=len(offers),
        contacts=len(contacts),
        customers=len({one.user for one in contacts}),
        control=len({one.user for one in withheld}),
        withheld=len(withheld),
        cost_eur=round(cost, 2),
        reserved_eur=round(sum(one.cost_eur for one in withheld), 2),
        budget_eur=None if campaign.budget_eur is UNSET else campaign.budget_eur,
        value=found.value,
        bound=found.bound,
        gap=found.gap,
        unconstrained=found.free,
        loss=found.loss,
        prices={_named(campaign, engine, asked, name): price for name, price in found.prices.items()},
        by_channel=dict(Counter(one.channel for one in contacts)),
        by_product=dict(Counter(one.product for one in contacts)),
        by_adviser=dict(Counter(one.adviser for one in contacts if one.adviser is not None)),
    )


def _named(campaign: CampaignFile, engine: Engine, asked: Standings, name: str) -> str:
    """What a price is of, in the words of the file."""
    kind, _, number = name.partition(" ")
    if kind == "channel":
        return f"channel {campaign.channel[int(number)].name}"
    if kind == "product":
        return f"product {engine.products.ids[int(asked.products[int(number)])]}"
    return name


def _caps(home: Home, now: int, campaign: CampaignFile, users: Sequence[str]) -> NDArray[np.int64]:
    """How many contacts each customer may get."""
    before = _contacts_since(home, now, campaign.cap.days)
    left = [campaign.cap.contacts - before[user] for user in users]
    return np.clip(np.array(left, np.int64), 0, campaign.cap.per_campaign)


def _contacts_since(home: Home, now: int, days: int) -> Counter[str]:
    """How often each customer was contacted in the days before now, by any campaign."""
    found: Counter[str] = Counter()
    start = datetime.fromtimestamp(now / 1e6, UTC) - days * _DAY
    for file in sorted((home.vault / "campaigns").glob(f"*/{DELIVERED}")):
        content = json.loads(file.read_text("utf-8"))
        if datetime.fromisoformat(content["as_of"]) > start:
            found.update(one["user"] for one in content["contacts"])
    return found


def _adviser(engine: Engine, user: int) -> str | None:
    column = engine.snapshot.schema.nodes[engine.roles.user].adviser
    found = None if column is None else engine.snapshot.value(engine.roles.user, column, user)
    return None if found is None else str(found)


def _took(engine: Engine, user: str, product: str, since: int) -> bool:
    """Whether a customer took a product after a moment, by files and events."""
    own = engine.of_customer(user)
    here, there = own.users.ids.find(user), own.products.ids.find(product)
    if here < 0 or there < 0:
        return False
    for name in engine.roles.relevant or engine.roles.interactions:
        edges = own.snapshot.edges(name)
        start, end = int(edges.indptr[here]), int(edges.indptr[here + 1])
        targets, at = np.asarray(edges.indices[start:end]), np.asarray(edges.at[start:end])
        if ((targets == there) & (at >= since)).any():
            return True
    return False


def _write(engine: Engine, file: Path, rows: Rows, answers: Sequence[Any], numbers: Sequence[int | None]) -> None:
    """The rows of one adviser by the sink of the file's form."""
    spec, path = sink_for(file, None)
    target = Target(engine, path, raw=False, bom=False, open_store=_no_store, texts=lambda: None)
    with spec.open(target) as sink:
        batch = rows.batch(answers, numbers)
        sink.write(batch)
        sink.finish(SinkReport(len(answers), len(batch.rows), len(batch.without)))
    # The second table of an export: every contact has a product.
    file.with_name(f"{file.stem}.without{file.suffix}").unlink(missing_ok=True)


def _no_store() -> Any:
    raise AssertionError("files need no store")


def _file_name(adviser: str | None) -> str:
    """A plain file name for an adviser's id."""
    if adviser is None:
        return "without-adviser"
    if re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", adviser):
        return adviser
    return f"adviser-{hashlib.sha256(adviser.encode()).hexdigest()[:12]}"


def _or_inf(value: Any) -> float:
    return np.inf if value is UNSET else float(value)
