"""Alerts of a home: rules on customers and signals on transfers, as of a date.

alerts.toml of the home says which. Alerts and what became of them are entries of the decision record, each under the
key of the customer that it is about, so that they go with that customer. The same alert is raised once while it is not
closed, and not again for `repeat_days`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListAlerts, RunAlerts, SetAlert
from graphrec.app.results import Alert, AlertsRun, AlertStep
from graphrec.delivery.alerts import AlertRow, AlertsDelivered, check_takes_tables, deliver_alerts
from graphrec.delivery.sinks import TableTarget, sink_for
from graphrec.errors import RecordError, UnknownId, UsageError
from graphrec.finance.alerts.anomaly import anomalies
from graphrec.finance.alerts.file import (
    AlertsFile,
    ChangeTable,
    JumpTable,
    RuleTable,
    Severity,
    SignalTable,
    read_alerts,
)
from graphrec.finance.alerts.signals import DAY, Links, Signal, Step, Transfers, cycles, fans, sharing
from graphrec.finance.conditions import Met
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.policy.facts import Facts
from graphrec.progress import Progress
from graphrec.records.decision import events
from graphrec.records.read import Entry, entries
from graphrec.schema import GraphSchema

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from graphrec.store.base import Store

FILE = "alerts.toml"
ALERT = "alert"
OPEN = ("open", "acknowledged")
_SHOWN = 12
"""Transfers that the evidence names, at most."""


def run_alerts(bank: Bank, request: RunAlerts, progress: Progress) -> AlertsRun:
    """Everything that the file asks about, as of a date; what is new is in the record when this returns."""
    if not bank.settings.record:
        raise RecordError("alerts are kept in the decision record: leave out record = false")
    file, as_of = read_alerts(bank.home.path / FILE), bank.now(request.as_of)
    graph = FactsShelf(bank.home.facts).latest()
    facts = Facts(graph, as_of, known_before=as_of, held_before=as_of)
    found: list[Alert] = []
    file = _of_kind(file, request.kind)
    if request.to is not None:
        check_takes_tables(sink_for(None, request.to)[0])  # before the run raises anything
    for place, rule in enumerate(file.rule):
        progress("rules", place, len(file.rule))
        found += by_rule(facts, rule, as_of, np.arange(graph.count(graph.schema.roles.user)))
    found += [alert for change in file.change for alert in _of_classes(bank, facts, change, as_of)]
    if file.signal or file.jump:
        found += _of_store(bank, graph.schema, file, as_of)
    before = _known(bank)
    raised, known = raise_new(bank, file, found, before.values())
    now = {**before, **{one.id: one for one in raised}}
    delivered = None if request.to is None else _delivered(bank, request.to, now.values())
    return AlertsRun(_day(as_of), len(graph.nodes(graph.schema.roles.user).ids), tuple(raised), known, delivered)


def _of_kind(file: AlertsFile, kind: str | None) -> AlertsFile:
    """The part of the file that asks about one kind."""
    if kind is None:
        return file
    return AlertsFile(
        file.repeat_days,
        file.rule if kind == "rule" else (),
        file.signal if kind == "graph" else (),
        file.jump if kind == "answers" else (),
        file.change if kind == "class" else (),
    )


def raise_new(bank: Bank, file: AlertsFile, found: Sequence[Alert], before: Iterable[Alert]) -> tuple[list[Alert], int]:
    """The alerts that are not raised already, now in the record, urgent ones first; and how many were raised before."""
    raised, known = _new(file, found, before)
    raised.sort(key=lambda one: get_args(Severity).index(one.severity), reverse=True)
    content = [(one.user, {"did": "raised", **asdict(one)}) for one in raised]
    if content:
        events(bank.home, ALERT, bank.settings.actor, content)
    return raised, known


def deliver(bank: Bank, to: str) -> AlertsDelivered:
    """Give the alerts of the record to a sink: a file, a folder, or a receiver.

    Raises:
        UsageError: there is no such sink, or it takes lists alone.
        DeliveryError: the receiver does not take them.
    """
    return _delivered(bank, to, _known(bank).values())


def _delivered(bank: Bank, to: str, found: Iterable[Alert]) -> AlertsDelivered:
    spec, file = sink_for(None, to)
    folder = bank.home.vault / "exports"
    target = TableTarget(file, None if file is not None else to, folder / "refused")
    return deliver_alerts(spec, target, _rows(bank, found), folder)


def _rows(bank: Bank, found: Iterable[Alert]) -> list[AlertRow]:
    """Alerts as rows of a delivery."""
    shelf, crm_ids = FactsShelf(bank.home.facts), dict[str, str]()
    if shelf.has_latest():
        graph = shelf.latest()
        label = graph.schema.roles.user
        column, ids = graph.schema.nodes[label].crm_id, graph.nodes(label).ids
        for one in {one.user for one in found if one.user} if column else ():
            place = ids.find(one)
            value = None if place < 0 else graph.value(label, str(column), place)
            crm_ids |= {} if value is None else {one: str(value)}
    return [
        AlertRow(
            one.id, one.rule, one.kind, one.name, one.severity, one.state, one.about, one.label, one.user,
            crm_ids.get(one.user or ""), one.at, one.evidence,
            tuple({"from": step.start, "to": step.end, "at": step.at, "amount": step.amount} for step in one.path),
            one.by, one.why,
        )
        for one in found
    ]  # fmt: skip


def list_alerts(bank: Bank, request: ListAlerts) -> tuple[Alert, ...]:
    """The alerts of the record, the oldest first; those of forgotten customers are gone."""
    found = [
        one for one in _known(bank).values() if request.state in (None, one.state) and request.kind in (None, one.kind)
    ]
    if request.out is not None:
        spec, file = sink_for(request.out, None)
        if spec.table is None or file is None or spec.suffix == "/":
            raise UsageError(f"--out {request.out}: want a name that ends with .csv, .jsonl, .parquet or .xlsx")
        target = TableTarget(file, None, bank.home.vault / "exports" / "refused")
        spec.table(target.of("alerts", AlertRow, ("alert",), ""), _rows(bank, found))
    return tuple(found)


def set_alert(bank: Bank, request: SetAlert) -> Alert:
    """Another state of an alert, with who and why, in the record."""
    before, by = _known(bank).get(request.id), request.by or bank.settings.actor
    if before is None:
        raise UnknownId(f"there is no alert {request.id!r}; list them with: graphrec alerts list")
    if by is None:
        raise UsageError("another state of an alert wants a name: --by NAME, or actor in graphrec.toml")
    if request.state == "closed" and not (request.why or "").strip():
        raise UsageError("an alert is closed with a reason: --why TEXT")
    if before.state == "closed" or before.state == request.state:
        raise UsageError(f"alert {request.id} is {before.state} already, by {before.by}")
    content = {"did": "state", "id": request.id, "state": request.state, "by": by, "why": request.why}
    events(bank.home, ALERT, bank.settings.actor, [(before.user, content)])
    return replace(before, state=request.state, by=by, why=request.why)


def by_rule(facts: Facts, rule: RuleTable, as_of: int, users: NDArray[np.int64]) -> Iterator[Alert]:
    """An alert about each of some customers who meets a rule."""
    label = facts.roles.user
    ids = facts.snapshot.nodes(label).ids
    met = Met(facts, rule.when, f"rule {rule.id} of {FILE}")
    for user in users[met.by(users)].tolist():
        lines = tuple(f"{name} is {_shown(value)}" for name, value in met.read(user).items())
        yield _alert(rule, label, ids[user], ids[user], _day(as_of), (rule.when, *lines))


def _of_classes(bank: Bank, facts: Facts, change: ChangeTable, as_of: int) -> Iterator[Alert]:
    """An alert about each customer who holds a product, or has an open offer of it, whose class changed."""
    from graphrec.app.finance.classes import holders_of, open_offers, recent

    users, products = (facts.snapshot.nodes(facts.label(side)) for side in ("user", "product"))
    if change.above is not None and users.columns.get(change.above) not in ("integer", "real"):
        raise UsageError(f"{FILE}: {change.id}: {users.label} has no column {change.above} of numbers")
    bank.home.need_vault("graphrec alerts with changed classes")
    ways = {"up": lambda one: one.after > one.before, "down": lambda one: one.after < one.before}
    changed = [one for one in recent(bank, as_of, change.days) if ways.get(change.way, bool)(one)]
    if not changed:
        return
    holders, offers = holders_of(facts, changed), open_offers(bank, as_of, change.offer_days)
    for one in changed:
        why: dict[str, list[str]] = {user: ["holds it"] for user in holders.get(one.product, ())}
        for offer in offers.get(one.product, ()):
            why.setdefault(offer.user, []).append(f"open offer: statement {offer.entry} of {offer.on}")
        given = ", ".join(f"{source} {value}" for source, value in sorted(one.given.items()))
        place = products.ids.find(one.product)
        name = None if place < 0 else facts.snapshot.name(products.label, place)
        called = f"{name} ({one.product})" if name else one.product
        told = f"class of {called}: {one.before} before {one.on}, {one.after} since ({given})"
        for user, reasons in sorted(why.items()):
            user_place = users.ids.find(user)
            lines = [told, *reasons]
            if change.above is not None and user_place >= 0:
                bound = facts.snapshot.value(users.label, change.above, user_place)
                if isinstance(bound, int | float) and bound >= one.after:
                    continue
                lines.append(f"user.{change.above} is {_shown(bound)}")
            yield _alert(change, products.label, one.product, user, one.on, tuple(lines))


def _of_store(bank: Bank, schema: GraphSchema, file: AlertsFile, as_of: int) -> list[Alert]:
    """Alerts about accounts in patterns of transfers and about answers that jump, from the rows of the store."""
    from graphrec.store import open_store

    bank.home.need_vault("graphrec alerts with signals or jumps")
    found: list[Alert] = []
    with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
        for jump in file.jump:
            found += _jumps(store, schema, jump, as_of)
        for signal in file.signal:
            if signal.kind == "shared":
                found += _shared(store, schema, signal, as_of)
                continue
            label, transfers = _transfers(store, schema, signal.edge, as_of)
            people = label == schema.roles.user
            owners = {one: one for one in transfers.ids} if people else _owners(store, schema, signal, label)
            if signal.kind == "unlike":
                found += _unlike(signal, transfers, as_of, label, owners, schema.roles.user)
                continue
            for one in _patterns(signal, transfers, as_of):
                user, evidence = owners.get(one.account), tuple(_evidence(signal, one, people))
                path = _path(one.steps, one.account if people else None)
                found.append(_alert(signal, label, one.account, user, _day(one.at), evidence, path))
    return found


def _path(steps: Sequence[Step], alone: str | None = None) -> tuple[AlertStep, ...]:
    """The steps of a pattern.

    Args:
        alone: the only customer who may be named; others are numbered. None: the steps are between accounts.
    """
    names: dict[str, str] = {} if alone is None else {alone: alone}

    def name(one: str) -> str:
        return one if alone is None else names.setdefault(one, f"other {len(names)}")

    return tuple(AlertStep(name(start), name(end), _day(at), amount) for start, end, at, amount in steps[:_SHOWN])


def _shared(store: Store, schema: GraphSchema, signal: SignalTable, as_of: int) -> Iterator[Alert]:
    """An alert about each who shares something, such as an address, with others; the others are counted."""
    edge = schema.edges.get(signal.edge)
    if edge is None or edge.source == edge.target or edge.target == schema.roles.product:
        raise UsageError(
            f"{FILE}: there is no edge type {signal.edge} to what is shared, such as an address or a device"
        )
    import pyarrow as pa

    from graphrec.store.kinds import Kind

    label, people = edge.source, edge.source == schema.roles.user
    owners = None if people else _owners(store, schema, signal, label)
    rows, _ = store.read_rows(Kind(signal.edge, label, edge.target), (), [one.name for one in store.sources()])
    at, known = (_moments(rows[one].cast(pa.int64())) for one in ("at", "known_at"))
    ends = [np.unique(rows[one].to_numpy(zero_copy_only=False), return_inverse=True) for one in ("source", "target")]
    (ids, source), (shared, target) = ends
    kept = np.flatnonzero(known < as_of)
    links = Links(
        tuple(map(str, ids)), tuple(map(str, shared)), source[kept].astype(np.int64), target[kept].astype(np.int64),
        at[kept],
    )  # fmt: skip
    for one in sharing(links, as_of, days=signal.days, least=signal.least):
        text = f"shares {edge.target} {one.shared} with {len(one.others)} others"
        own, day = (None if moment is None else _day(moment) for moment in (one.own, one.at))
        names = one.others if owners is not None else [f"other {n}" for n, _ in enumerate(one.others, start=1)]
        path = (AlertStep(one.account, one.shared, own), *(AlertStep(each, one.shared, None) for each in names))
        user = one.account if owners is None else owners.get(one.account)
        yield _alert(signal, label, one.account, user, day or _day(as_of), (text,), path[:_SHOWN])


def _jumps(store: Store, schema: GraphSchema, jump: JumpTable, as_of: int) -> Iterator[Alert]:
    """An alert about each customer whose last two questionnaires before a date are far apart."""
    import pyarrow as pa

    from graphrec.store.kinds import Kind

    edge, user = schema.edges.get(jump.edge), schema.roles.user
    if edge is None or edge.source != user:
        raise UsageError(f"{FILE}: there is no edge type {jump.edge} from {user}")
    kinds = {one.name: one.kind for one in schema.nodes[edge.target].public_columns()}
    if kinds.get(jump.column) not in ("integer", "real"):
        raise UsageError(f"{FILE}: {edge.target} has no column {jump.column} of numbers")
    nodes = store.read_nodes(edge.target, schema)
    numbers = dict(zip(nodes["id"].to_pylist(), nodes[jump.column].to_pylist(), strict=True))
    rows, _ = store.read_rows(Kind(jump.edge, user, edge.target), (), [one.name for one in store.sources()])
    at, known = (_moments(rows[one].cast(pa.int64())).tolist() for one in ("at", "known_at"))
    answers: dict[str, list[tuple[int, str, float]]] = {}
    ends = zip(rows["source"].to_pylist(), rows["target"].to_pylist(), at, known, strict=True)
    for customer, form, moment, since in ends:
        number = numbers.get(form)
        if ALWAYS < moment < as_of and since < as_of and number is not None:
            answers.setdefault(customer, []).append((moment, form, float(number)))
    for customer, given in sorted(answers.items()):
        (before, _, one), (last, _, other) = (sorted(given) if len(given) > 1 else 2 * given)[-2:]
        if abs(other - one) >= jump.least and last > as_of - jump.days * DAY:
            evidence = tuple(f"{_day(day)}: {jump.column} {number:g}" for day, number in ((before, one), (last, other)))
            yield _alert(jump, user, customer, customer, _day(last), evidence)


def _unlike(
    signal: SignalTable, transfers: Transfers, as_of: int, label: str, owners: dict[str, str], user: str
) -> Iterator[Alert]:
    """An alert about each account whose transfers of the last days are least like those of all others."""
    measured = anomalies(transfers, as_of - signal.days * DAY, as_of)
    for row in measured.highest(signal.share).tolist():
        account = transfers.ids[int(measured.accounts[row])]
        path = _path(measured.path(row), account if label == user else None)
        yield _alert(signal, label, account, owners.get(account), _day(as_of), tuple(measured.described(row)), path)


def _patterns(signal: SignalTable, transfers: Transfers, as_of: int) -> list[Signal]:
    if signal.kind in ("cycle", "loop"):
        least, most = (2, 2) if signal.kind == "loop" else (signal.least, signal.most)
        return cycles(
            transfers, as_of, days=signal.days, least=least, most=most, keeps=signal.keeps, smallest=signal.smallest
        )
    into = signal.kind == "fan_in"
    return fans(transfers, as_of, days=signal.days, least=signal.least, into=into, smallest=signal.smallest)


def _evidence(signal: SignalTable, one: Signal, people: bool) -> Iterator[str]:
    """The evidence of a pattern; where accounts are customers, nobody else is named."""
    if signal.kind.startswith("fan"):
        others = {start if signal.kind == "fan_in" else end for start, end, _, _ in one.steps}
        total = sum(amount for *_, amount in one.steps)
        way = "from" if signal.kind == "fan_in" else "to"
        yield f"{total:,.2f} {way} {len(others)} others within {signal.days} days"
    for start, end, at, amount in one.steps[:_SHOWN]:
        way = "" if people else f"{start} to {end}, "
        yield f"{way}{_day(at)}: {amount:,.2f}"
    if len(one.steps) > _SHOWN:
        yield f"and {len(one.steps) - _SHOWN} more transfers"


def _transfers(store: Store, schema: GraphSchema, name: str, as_of: int) -> tuple[str, Transfers]:
    """The label of the accounts, and the transfers that were known before a date."""
    import pyarrow as pa

    from graphrec.store.kinds import Kind

    edge = schema.edges.get(name)
    if edge is None or edge.source != edge.target:
        raise UsageError(f"{FILE}: there is no edge type {name} between nodes of one label")
    rows, _ = store.read_rows(Kind(name, edge.source, edge.target), (), [one.name for one in store.sources()])
    if rows["at"].null_count == len(rows) or rows["weight"].null_count == len(rows):
        raise UsageError(f"{FILE}: {name} has no times or no amounts; the mapping names them with at and weight")
    at, known = (_moments(rows[one].cast(pa.int64())) for one in ("at", "known_at"))
    ends = [rows[one].to_numpy(zero_copy_only=False) for one in ("source", "target")]
    ids, places = np.unique(np.concatenate(ends), return_inverse=True)
    amount = np.asarray(rows["weight"].to_numpy(zero_copy_only=False), np.float64)
    source, target = places.astype(np.int64).reshape(2, len(rows))
    found = Transfers(tuple(str(one) for one in ids), source, target, at, amount)
    return edge.source, found.of(np.flatnonzero((at > ALWAYS) & (known < as_of) & ~np.isnan(amount)))


def _moments(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Microseconds; ALWAYS: there is no time."""
    return np.asarray(times.fill_null(ALWAYS).to_numpy(), np.int64)


def _owners(store: Store, schema: GraphSchema, signal: SignalTable, label: str) -> dict[str, str]:
    """The customer of each account."""
    from graphrec.store.kinds import Kind

    if signal.owner is None:
        return {}
    edge = schema.edges.get(signal.owner)
    if edge is None or (edge.source, edge.target) != (schema.roles.user, label):
        raise UsageError(f"{FILE}: there is no edge type {signal.owner} from {schema.roles.user} to {label}")
    rows, _ = store.read_rows(Kind(signal.owner, edge.source, label), (), [one.name for one in store.sources()])
    pairs = sorted(zip(rows["target"].to_pylist(), rows["source"].to_pylist(), strict=True), reverse=True)
    return dict(pairs)


def _alert(
    of: RuleTable | SignalTable | JumpTable | ChangeTable,
    label: str,
    about: str,
    user: str | None,
    at: str,
    evidence: tuple[str, ...],
    path: tuple[AlertStep, ...] = (),
) -> Alert:
    kinds = {RuleTable: "rule", SignalTable: "graph", JumpTable: "answers", ChangeTable: "class"}
    kind = kinds[type(of)]
    whom = f"\0{user}" if kind == "class" else ""  # a change of one product is told of many customers
    digest = hashlib.sha256(f"{of.id}\0{label}\0{about}\0{at}{whom}".encode()).hexdigest()[:12]
    return Alert(
        digest, of.id, of.name or of.id, of.severity, about, label, user, at, evidence, kind=kind, path=path
    )  # fmt: skip


def _new(file: AlertsFile, found: Sequence[Alert], raised_before: Iterable[Alert]) -> tuple[list[Alert], int]:
    """The alerts that are not raised already, and how many are."""
    last = {_same(one): one for one in raised_before}
    raised = []
    for one in found:
        before = last.get(_same(one))
        near = before is not None and abs(_days(one.at) - _days(before.at)) < file.repeat_days
        if before is None or not (near or before.state in OPEN):
            raised.append(one)
    return raised, len(found) - len(raised)


def _same(alert: Alert) -> tuple[str, ...]:
    """What makes two alerts the same one; each change of a class is another one."""
    if alert.kind == "class":
        return alert.rule, alert.about, alert.user or "", alert.at
    return alert.rule, alert.about


def _known(bank: Bank) -> dict[str, Alert]:
    """The alerts of the record by id, the oldest first."""
    return alerts_in(entries(bank.home.records))


def alerts_in(found_entries: Iterable[Entry]) -> dict[str, Alert]:
    """The alerts of entries of the record, given the last one first, by id, the oldest first."""
    found: dict[str, Alert] = {}
    own = [one for one in found_entries if one.shared["request"]["command"] == ALERT]
    for entry in reversed(own):
        if entry.is_erased:
            continue
        event = dict(entry.entry["event"])
        if event.pop("did") == "raised":
            path = tuple(AlertStep(**step) for step in event.pop("path", ()))
            found[event["id"]] = Alert(**{**event, "evidence": tuple(event["evidence"]), "path": path})
        elif event["id"] in found:
            found[event["id"]] = replace(found[event["id"]], state=event["state"], by=event["by"], why=event["why"])
    return found


def _day(at: int) -> str:
    return str(np.datetime64(at, "us"))[:10]


def _days(text: str) -> int:
    return int(np.datetime64(text[:10], "D").astype(np.int64))


def _shown(value: object) -> str:
    return "not known" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
