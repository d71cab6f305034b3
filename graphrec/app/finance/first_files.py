"""First files of a home by the names of columns: statement.toml, plan.toml, market.toml and alerts.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.data.prepare import latest_snapshot
from graphrec.app.jobs import InitFile
from graphrec.app.results import FirstFile
from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.finance.alerts.file import ChangeTable, JumpTable, RuleTable, SignalTable, first_alerts
from graphrec.finance.conditions import Met
from graphrec.finance.credit.loan_file import first_plan
from graphrec.finance.first_file import Found
from graphrec.finance.market.file import first_market
from graphrec.finance.statement.file import first_statement
from graphrec.graph.folders.snapshot import ALWAYS, Nodes, Snapshot
from graphrec.loading.propose.concepts import DEPOSITS, LOANS, normal, place
from graphrec.policy.example import speaks_of
from graphrec.policy.facts import Facts

Kind = Literal["statement", "plan", "market", "alerts"]


DEVICES = ("device", "gerat", "geraet", "设备")
ADDRESSES = ("address", "adresse", "anschrift", "地址")
NIGHTS = ("night", "nacht", "夜")
FIRST_USES = ("uses", "firstuse", "enrolled", "registered", "nutzt", "使用")
"""Words in names of labels and edge types."""


class Key(NamedTuple):
    """What fills a key: the column of a side whose name speaks of a concept."""

    side: Literal["user", "product"]
    concept: str | tuple[str, ...]
    """One, or several of which the first comes first."""
    kinds: tuple[str, ...] = ("integer", "real")
    """Of columns that fit, a text of days as `day`; nothing: all."""
    is_list: bool = False
    """Whether the key takes all such columns."""


STATEMENT: Mapping[str, Key] = {
    "objectives": Key("user", "objective", kinds=(), is_list=True),
    "term": Key("user", "horizon"),
    "risk_attitude": Key("user", "tolerance"),
    "capacity_for_loss": Key("user", "capacity"),
    "capacity_of": Key("user", "means"),
    "financial_situation": Key("user", ("means", "income", "spending", "duties"), kinds=(), is_list=True),
    "knowledge": Key("user", "knowledge", kinds=(), is_list=True),
    "assessed_on": Key("user", "assessed", kinds=("time", "day")),
    "sustainability": Key("user", "sustainability", kinds=(), is_list=True),
    "product_term": Key("product", "binding"),
    "product_sustainability": Key("product", "sustainability", kinds=(), is_list=True),
}
PLAN: Mapping[str, Key] = {
    "rate": Key("product", "rate"),
    "income": Key("user", "income"),
    "spending": Key("user", "spending"),
    "duties": Key("user", "duties"),
    "minimum": Key("product", "minimum"),
    "maximum": Key("product", "most"),
    "least_months": Key("product", "least months"),
    "most_months": Key("product", "most months"),
    "purposes": Key("product", "purposes", kinds=()),
    "pd": Key("user", "default"),
}
MARKET: Mapping[str, Key] = {"cash": Key("user", "cash")}
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "statement": ("objectives", "risk_attitude", "financial_situation", "knowledge"),
    "plan": ("kinds", "rate", "income"),
    "market": (),
    "alerts": (),
}
"""Keys without which a command of the file refuses."""


def init_file(bank: Bank, request: InitFile) -> FirstFile:
    """A first file, filled with what the names of columns, edge types and series say.

    Raises:
        UsageError: there is one already, or nothing in the graph can be watched.
        NotTrained: nothing is loaded.
    """
    kind = request.kind
    file = bank.home.path / f"{kind}.toml"
    if file.exists() and not request.force:
        raise UsageError(f"{file} is there already; --force replaces it")
    snapshot = latest_snapshot(bank, bank.home)
    filled: dict[str, Found]
    if kind == "alerts":
        rules, jumps = list(_rules(bank, snapshot)), list(_jumps(snapshot))
        signals = [*_signals(snapshot), *_sharing(snapshot)]
        if not rules and not signals:
            raise UsageError("nothing can be watched: no events have times, and no column says when answers were given")
        keeps_classes = bank.home.classes.exists() or (bank.home.path / "market.toml").exists()
        changes = [ChangeTable("class-changed", name="the risk class rose")] if keeps_classes else []
        text = first_alerts(rules, signals, jumps, changes)
        filled = dict.fromkeys([one.id for listed in (rules, signals, jumps, changes) for one in listed], "")
    else:
        columns = _named(snapshot, "user"), _named(snapshot, "product")
        if kind == "statement":
            filled = _columns(snapshot, STATEMENT)
            text = first_statement(filled, *columns)
        elif kind == "plan":
            filled = {**_kinds(snapshot, LOANS), **_columns(snapshot, PLAN)}
            text = first_plan(filled, *columns)
        else:
            filled = {**_market(snapshot), **_columns(snapshot, MARKET)}
            text = first_market(filled, *columns, _concentrated(snapshot))
    left = [key for key in REQUIRED[kind] if key not in filled]
    if kind == "statement" and not {"capacity_for_loss", "capacity_of"} & filled.keys():
        left.append("capacity_for_loss")
    with whole_file(file) as temporary:
        temporary.write_text(text, "utf-8")
    return FirstFile(file, tuple(filled), tuple(left))


def _columns(snapshot: Snapshot, keys: Mapping[str, Key]) -> dict[str, Found]:
    """The columns that fill keys."""
    roles = snapshot.schema.roles
    found: dict[str, Found] = {}
    for name, key in keys.items():
        nodes = snapshot.nodes(roles.user if key.side == "user" else roles.product)
        fit = [one for one in _speaking(snapshot, key) if not key.kinds or _kind(nodes, one) in key.kinds]
        if fit:
            found[name] = tuple(fit) if key.is_list else fit[0]
    return found


def _kind(nodes: Nodes, name: str) -> str:
    """The kind of a column; `day` for a text whose values are days."""
    kind = str(nodes.columns[name])
    texts = [str(one) for one in nodes.column(name).values if one] if kind == "text" else []
    return "day" if texts and all(_DAY.match(one) for one in texts) else kind


_DAY = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")


def _speaking(snapshot: Snapshot, key: Key) -> tuple[str, ...]:
    """The columns of a side whose names speak of the concepts of a key, each once."""
    concepts = (key.concept,) if isinstance(key.concept, str) else key.concept
    return tuple(dict.fromkeys(name for one in concepts for name in speaks_of(snapshot, key.side, one)))


def _named(snapshot: Snapshot, side: Literal["user", "product"]) -> list[str]:
    """The columns of a side that may be named."""
    roles = snapshot.schema.roles
    label = roles.user if side == "user" else roles.product
    return [one for one in snapshot.nodes(label).columns if one not in snapshot.schema.nodes[label].protected]


def _kinds(snapshot: Snapshot, words: tuple[str, ...]) -> dict[str, Found]:
    """The kinds of products whose names have some words, and their column where the mapping shows none."""
    label = snapshot.schema.roles.product
    nodes, shown = snapshot.nodes(label), snapshot.schema.nodes[label].show.get("kind")
    for name in (*([] if shown is None else [shown]), *speaks_of(snapshot, "product", "kind")):
        if nodes.columns.get(name) != "text":
            continue
        values = sorted({str(one) for one in nodes.column(name).values if one})
        if kinds := tuple(one for one in values if any(word in normal(one) for word in words)):
            return {"kinds": kinds} if name in (shown, "kind") else {"kinds": kinds, "kind": name}
    return {}


def _market(snapshot: Snapshot) -> dict[str, Found]:
    """Series of prices, the edge type with positions, fee and classes of risk."""
    roles, schema = snapshot.schema.roles, snapshot.schema
    found: dict[str, Found] = {}
    of_products = sorted(name for name, one in schema.series.items() if one.of == roles.product)
    if of_products:
        found["series"] = next((one for one in of_products if "price" in one or "kurs" in one), of_products[0])
    held = [snapshot.edges(name) for name in roles.holding if name in snapshot.types]
    if all(one.weight is None and one.quantity is None for one in held):
        others = [
            name
            for name in snapshot.types
            if name not in roles.interactions and snapshot.edges(name).weight is not None
            and (schema.edges[name].source, schema.edges[name].target) == (roles.user, roles.product)
        ]  # fmt: skip
        found |= {"positions": others[0]} if len(others) == 1 else {}
    shown = schema.nodes[roles.product].show
    found |= {"fee": shown["fee"]} if "fee" in shown else {}
    riskless = _kinds(snapshot, DEPOSITS)
    return {**found, "riskless": riskless["kinds"]} if riskless and "kind" not in riskless else found


def _concentrated(snapshot: Snapshot) -> str | None:
    """The label that products are linked with and that the mapping calls a concentration, such as issuers."""
    edges = (snapshot.schema.edges[name] for name in snapshot.types)
    return next((one.target for one in edges if one.risk and one.source == snapshot.schema.roles.product), None)


def _rules(bank: Bank, snapshot: Snapshot) -> Iterator[RuleTable]:
    """Rules on customers that the graph can answer."""
    as_of, roles = bank.now(), snapshot.schema.roles
    facts = Facts(snapshot, as_of, known_before=as_of, held_before=as_of)
    for rule in _wanted(snapshot):
        try:
            Met(facts, rule.when, rule.id)
        except UsageError:
            continue
        yield rule
    for name in roles.against():
        if name in snapshot.types and _has_times(snapshot, name):
            yield RuleTable(f"refusals-{name.lower()}", f"count('{name}', 30) >= 4", "many refusals in a month", "info")


def _wanted(snapshot: Snapshot) -> Iterator[RuleTable]:
    roles = snapshot.schema.roles
    for name in roles.holding:
        if name not in snapshot.types or not _has_times(snapshot, name):
            continue
        short = name.lower()
        week, year, all_ = f"count('{name}', 7)", f"count('{name}', 365)", f"count('{name}')"
        yield RuleTable(f"burst-{short}", f"{week} >= 6", "many dealings in a week")
        dormant = f"{week} >= 1 and {week} == {year} and {all_} >= {week} + 5"
        yield RuleTable(f"dormant-{short}", dormant, "back after a year", "info")
        if snapshot.edges(name).weight is not None:
            sums = f"total('{name}', 7)", f"total('{name}', 365)"
            yield RuleTable(f"habit-{short}", f"{sums[0]} > 12 * {sums[1]} / 52", "far more than is usual")
    for column in speaks_of(snapshot, "user", "assessed"):
        yield RuleTable("old-answers", f"days_since(user.{column}) > 365", "answers older than a year", "info")
        break
    yield from _at_night(snapshot)
    for name in _questionnaires(snapshot):
        many = f"count('{name}', 1) > 2 or count('{name}', 365) > 8"
        yield RuleTable(f"answers-{name.lower()}", many, "asked more than twice a day or eight times a year")
    revealed = [one for one in ("portrait_revealed_risk",) if one in snapshot.nodes(roles.user).columns]
    for stated in speaks_of(snapshot, "user", "tolerance") if revealed else ():
        yield RuleTable("above-tolerance", f"user.portrait_revealed_risk > user.{stated}", "holds more risk than said")
        break
    flows = _columns(snapshot, {one: PLAN[one] for one in ("income", "spending")})
    if len(flows) == 2:
        when = f"user.{flows['spending']} > user.{flows['income']}"
        yield RuleTable("overspending", when, "spends more than comes in")


def _at_night(snapshot: Snapshot) -> Iterator[RuleTable]:
    """Dealings at night; from a new device, where an edge type says since when one is used."""
    to_devices = [name for name in _of_user(snapshot, DEVICES) if _has_times(snapshot, name)]
    for name in (one for one in to_devices if _speaks(one, NIGHTS)):
        first = next((one for one in to_devices if _speaks(one, FIRST_USES)), None)
        also = "" if first is None else f" and count('{first}', 7) >= 1"
        told = "at night" if first is None else "at night from a new device"
        yield RuleTable(f"night-{name.lower()}", f"count('{name}', 7) >= 3{also}", told, "critical")


def _of_user(snapshot: Snapshot, words: tuple[str, ...]) -> list[str]:
    """The edge types from customers to labels whose names have one of some words."""
    roles, schema = snapshot.schema.roles, snapshot.schema
    return [
        name
        for name in snapshot.types
        if schema.edges[name].source == roles.user and schema.edges[name].target not in (roles.user, roles.product)
        and _speaks(schema.edges[name].target, words)
    ]  # fmt: skip


def _speaks(name: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words of a name is among some."""
    return any(word in normal(name) for word in words)


def _questionnaires(snapshot: Snapshot) -> list[str]:
    """The edge types with times from customers to what their names call questionnaires."""
    roles, schema = snapshot.schema.roles, snapshot.schema
    return [
        name
        for name in snapshot.types
        if schema.edges[name].source == roles.user and schema.edges[name].target not in (roles.user, roles.product)
        and any(place(one, "assessed") is not None for one in (name, schema.edges[name].target))
        and _has_times(snapshot, name)
    ]  # fmt: skip


def _jumps(snapshot: Snapshot) -> Iterator[JumpTable]:
    """Alerts on each number of a questionnaire that speaks of risk."""
    for name in _questionnaires(snapshot):
        nodes = snapshot.nodes(snapshot.schema.edges[name].target)
        for column, kind in nodes.columns.items():
            if kind in ("integer", "real") and place(column, "tolerance") is not None:
                yield JumpTable(f"jump-{name.lower()}", name, column, name="answers far from the last ones")
                break


def _signals(snapshot: Snapshot) -> Iterator[SignalTable]:
    """Cycles and fans of each type of transfers: with times and amounts, between nodes of one label."""
    roles, schema = snapshot.schema.roles, snapshot.schema
    for name in snapshot.types:
        edge = schema.edges[name]
        if edge.source != edge.target or edge.source == roles.product or not _has_times(snapshot, name):
            continue
        if snapshot.edges(name).weight is None:
            continue
        owner = next(
            (one for one in snapshot.types if (schema.edges[one].source, schema.edges[one].target)
             == (roles.user, edge.source)), None,
        )  # fmt: skip
        short = name.lower()
        yield SignalTable(f"ring-{short}", "cycle", name, days=10, owner=owner, name="money comes back")
        yield SignalTable(
            f"gather-{short}", "fan_in", name, days=5, least=8, owner=owner, name="many send to one", severity="warning"
        )
        yield SignalTable(
            f"scatter-{short}", "fan_out", name, days=5, least=8, owner=owner, name="one sends to many",
            severity="warning",
        )  # fmt: skip


def _sharing(snapshot: Snapshot) -> Iterator[SignalTable]:
    """What several customers share: of each address or device, by the edge type with most links."""
    most: dict[str, str] = {}
    for name in _of_user(snapshot, (*DEVICES, *ADDRESSES)):
        label = snapshot.schema.edges[name].target
        if label not in most or len(snapshot.edges(name).indices) > len(snapshot.edges(most[label]).indices):
            most[label] = name
    for label, name in sorted(most.items()):
        told = f"several have one {label.lower()}"
        yield SignalTable(f"shared-{name.lower()}", "shared", name, days=30, least=4, name=told, severity="warning")


def _has_times(snapshot: Snapshot, name: str) -> bool:
    return bool((np.asarray(snapshot.edges(name).at[:]) != ALWAYS).any())
