"""First files of a home by names of columns: statement.toml, plan.toml, needs.toml, market.toml and alerts.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
from graphrec.finance.first_needs import ANY_COVER, DAYS, KNOWN, Drafted, Known, first_needs
from graphrec.finance.market.file import first_market
from graphrec.finance.needs import Needs, NeedsFile
from graphrec.finance.statement.file import FEWER_LOSSES, LOSSES, first_statement
from graphrec.graph.folders.snapshot import ALWAYS, Nodes, Snapshot
from graphrec.loading.propose.concepts import DEPOSITS, LOANS, NO, YES, normal, place, speaks, told
from graphrec.policy.example import risk_scale, speaks_of
from graphrec.policy.facts import Facts

Kind = Literal["statement", "plan", "needs", "market", "alerts"]


DEVICES = ("device", "gerat", "geraet", "设备")
ADDRESSES = ("address", "adresse", "anschrift", "地址")
NIGHTS = ("night", "nacht", "夜")
MOST_KINDS, LONGEST_KIND = 60, 40
"""Values of a column that are kinds of something, and their letters: more are names or texts."""
COVERS = (
    *("covers", "cover", "coverage", "insures", "insured", "line", "lineofbusiness", "lob", "class", "branch"),
    *("sparte", "deckung", "versichert", "risiko", "险种", "保障", "险类", "branche", "garantie", "ramo", "cobertura"),
)
"""Words of columns of products that say what is insured."""
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
    "needs": (),
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
    left: list[str] = []
    if kind == "needs":
        text, filled, left = _needs(bank, snapshot)
    elif kind == "alerts":
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
            filled = {**_columns(snapshot, STATEMENT), **_risks(snapshot)}
            text = first_statement(filled, *columns)
        elif kind == "plan":
            filled = {**_kinds(snapshot, LOANS), **_columns(snapshot, PLAN)}
            text = first_plan(filled, *columns)
        else:
            filled = {**_market(snapshot), **_columns(snapshot, MARKET)}
            text = first_market(filled, *columns, _concentrated(snapshot))
    left += [key for key in REQUIRED[kind] if key not in filled]
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


def _risks(snapshot: Snapshot) -> dict[str, Found]:
    """The columns that the policy's rule about risk compares, their words, and what products may lose by class."""
    scale = risk_scale(snapshot)
    if scale is None:
        return {}
    label = snapshot.schema.roles.product
    nodes, found = snapshot.nodes(label), dict[str, Found](risk_attitude=scale.user)
    if snapshot.schema.nodes[label].show.get("risk") != scale.product:
        found["risk"] = (scale.product,)
    found |= {"risk_levels": scale.product_levels} if scale.product_levels else {}
    found |= {"customer_levels": scale.user_levels} if scale.user_levels else {}
    highest = len(scale.product_levels)
    if not highest and not scale.user_levels:
        users = snapshot.nodes(snapshot.schema.roles.user)
        columns = nodes.column(scale.product), users.column(scale.user)
        classes = np.concatenate([np.asarray(one.values[:])[np.asarray(one.valid[:], np.bool_)] for one in columns])
        highest = int(classes.max()) if len(classes) and classes.min() >= 1 else 0
    if len(FEWER_LOSSES) <= highest <= len(LOSSES):
        found["loss_shares"] = LOSSES if highest > len(FEWER_LOSSES) else FEWER_LOSSES
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


def _needs(bank: Bank, snapshot: Snapshot) -> tuple[str, dict[str, Found], list[str]]:
    """The text of a first needs.toml, its needs, and what of others is missing.

    Raises:
        UsageError: nothing speaks of cover.
    """
    as_of = bank.now()
    facts = Facts(snapshot, as_of, known_before=as_of, held_before=as_of)
    column, kinds = _covered(snapshot)
    drafted = []
    for known in KNOWN:
        named = [one for one in kinds if speaks(one, known.kinds)]
        products = "" if not named else f"product.{column} in {_listed(named)}"
        one = Drafted(known, " or ".join(_having(facts, known)), products)
        if one.when and one.products:
            Needs(facts, NeedsFile(need=(one.table(),)))  # it fits the graph
        if one.products or (one.when and kinds):
            drafted.append(one)
    others = [one for one in kinds if not any(speaks(one, known.kinds) for known in KNOWN) and speaks(one, ANY_COVER)]
    if others and all(not one.products for one in drafted):
        anything = Known("cover", "cover", ANY_COVER)
        drafted.append(Drafted(anything, "", f"product.{column} in {_listed(others)}"))
    if not any(one.products for one in drafted):
        raise UsageError(
            "no kind of product speaks of insurance or cover, so that no need can be named; write needs.toml yourself: "
            "docs/finance.md has an example"
        )
    events = [name for name in _happening(snapshot) if _has_times(snapshot, name)]
    text = first_needs(drafted, _named(snapshot, "user"), _named(snapshot, "product"), events, others)
    whole = {one.known.id: "" for one in drafted if not one.missing}
    return text, dict(whole), [key for one in drafted for key in one.missing]


def _covered(snapshot: Snapshot) -> tuple[str, list[str]]:
    """The column of products whose values speak of most needs, and these values."""
    label = snapshot.schema.roles.product
    nodes, found = snapshot.nodes(label), list[tuple[int, str, list[str]]]()
    for name in _named(snapshot, "product"):
        is_kind = name == snapshot.schema.nodes[label].show.get("kind") or place(name, "kind") is not None
        if nodes.columns[name] != "text" or not (is_kind or speaks(name, COVERS)):
            continue
        values = _kinds_of(nodes, name)
        met = sum(any(speaks(one, known.kinds) for one in values) for known in KNOWN)
        found.append((2 * met + any(speaks(one, ANY_COVER) for one in values), name, values))
    most = max(found, key=lambda one: one[0], default=(0, "", []))
    return (most[1], most[2]) if most[0] else ("", [])


def _having(facts: Facts, known: Known) -> Iterator[str]:
    """Conditions on customers that speak of a need and that the graph can answer."""
    snapshot = facts.snapshot
    nodes = snapshot.nodes(snapshot.schema.roles.user)
    wanted = [when for name in _named(snapshot, "user") if (when := _speaking_of(nodes, name, known)) is not None]
    wanted += [
        f"happened('{name}', {DAYS})"
        for name in _happening(snapshot)
        if any(speaks(one, known.events) for one in (name, snapshot.schema.edges[name].target))
        and _has_times(snapshot, name)
    ]
    for when in wanted:
        try:
            Met(facts, when, known.id)
        except UsageError:
            continue
        yield when


def _speaking_of(nodes: Nodes, name: str, known: Known) -> str | None:
    """A condition on a column of customers that speaks of a need; None: it does not."""
    kind = _kind(nodes, name)
    if kind in ("time", "day"):
        is_event = speaks(name, known.events) and not speaks(name, known.not_events)
        return f"days_since(user.{name}) <= {DAYS}" if is_event else None
    if kind == "text":
        values = _kinds_of(nodes, name)
        chosen = [one for one in values if speaks(name, known.columns) and told(one, YES, NO)]
        for columns, of_values in (known.values or {}).items():
            chosen += [one for one in values if speaks(name, columns) and speaks(one, of_values)]
        return f"user.{name} in {_listed(chosen)}" if chosen else None
    if not speaks(name, known.columns):
        return None
    return {"boolean": f"user.{name}", "integer": f"user.{name} >= 1", "real": f"user.{name} >= 1"}.get(kind)


def _kinds_of(nodes: Nodes, name: str) -> list[str]:
    """The values of a column of texts, sorted; none where they are no kinds: too many, or too long."""
    values = sorted({str(one) for one in nodes.column(name).values if one})
    return values if len(values) <= MOST_KINDS and all(len(one) <= LONGEST_KIND for one in values) else []


def _happening(snapshot: Snapshot) -> list[str]:
    """The edge types from customers to what is no product and no customer."""
    roles, schema = snapshot.schema.roles, snapshot.schema
    return [
        name
        for name in snapshot.types
        if schema.edges[name].source == roles.user and schema.edges[name].target not in (roles.user, roles.product)
    ]


def _listed(texts: Sequence[str]) -> str:
    """Texts as a list of the policy's language."""
    return repr(list(texts))


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
