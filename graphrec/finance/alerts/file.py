"""alerts.toml as a typed table: rules on customers, and signals on transfers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError
from graphrec.finance.first_file import toml

Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[
    str, Meta(pattern=r"^[A-Za-z][\w-]*$(?!\n)", extra={"want": "a plain name of letters, digits, - and _"})
]
Days = Annotated[int, Meta(ge=1, le=3660)]
Severity = Literal["info", "warning", "critical"]


class RuleTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[rule]]`: an alert about each customer who meets a condition."""

    id: Annotated[Name, Meta(description="Of the rule.")]
    when: Annotated[Text, Meta(description="A condition on user.… and events with windows, as in the policy.")]
    name: Annotated[str, Meta(description="What people read; empty: the id.")] = ""
    severity: Annotated[Severity, Meta(description="How urgent it is.")] = "warning"


class SignalTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[signal]]`: an alert about each account in a pattern of transfers."""

    id: Annotated[Name, Meta(description="Of the signal.")]
    kind: Annotated[
        Literal["cycle", "loop", "fan_in", "fan_out", "shared", "unlike"],
        Meta(
            description="cycle: money comes back; loop: the receiver sends it back; fan_in: many send to one; fan_out: "
            "one sends to many; shared: several have one address or device; unlike: an account whose transfers are "
            "least like those of all others."
        ),
    ]
    edge: Annotated[
        Text,
        Meta(
            description="Edge type of transfers, between nodes of one label; shared: from customers or accounts to "
            "what they share."
        ),
    ]
    days: Annotated[Days, Meta(description="All transfers of a pattern lie within them.")] = 30
    least: Annotated[
        int, Meta(ge=2, le=10_000, description="Accounts of a cycle, others of a fan, or those who share, at least.")
    ] = 3
    most: Annotated[int, Meta(ge=2, le=8, description="Accounts of a cycle, at most.")] = 5
    keeps: Annotated[float, Meta(gt=0, le=1, description="Part of an amount that goes on in a cycle, at least.")] = 0.8
    share: Annotated[float, Meta(gt=0, le=0.1, description="unlike: part of the accounts, at most.")] = 0.001
    smallest: Annotated[float, Meta(ge=0, description="Transfers of less are left out.")] = 0.0
    owner: Annotated[str | None, Meta(description="Edge type from customers to accounts: whom an alert is about.")] = (
        None
    )
    name: Annotated[str, Meta(description="What people read; empty: the id.")] = ""
    severity: Annotated[Severity, Meta(description="How urgent it is.")] = "critical"


class JumpTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[jump]]`: an alert about each customer whose last two questionnaires are far apart."""

    id: Annotated[Name, Meta(description="Of the alert.")]
    edge: Annotated[Text, Meta(description="Edge type with times from customers to their questionnaires.")]
    column: Annotated[Text, Meta(description="Column of questionnaires: a number, such as the class that came out.")]
    least: Annotated[float, Meta(gt=0, description="How far apart the numbers are, at least.")] = 2.0
    days: Annotated[Days, Meta(description="The last one is of so many days before the date.")] = 30
    name: Annotated[str, Meta(description="What people read; empty: the id.")] = ""
    severity: Annotated[Severity, Meta(description="How urgent it is.")] = "warning"


class ChangeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[change]]`: an alert about each customer with a holding or an open offer of a product whose class changed."""

    id: Annotated[Name, Meta(description="Of the alert.")]
    way: Annotated[Literal["up", "down", "any"], Meta(description="Which changes of the highest class count.")] = "up"
    days: Annotated[Days, Meta(description="The class changed within so many days before the date.")] = 30
    offer_days: Annotated[
        Days, Meta(description="A statement that nobody decided on is an open offer for so many days.")
    ] = 90
    above: Annotated[
        str | None,
        Meta(description="Column of customers with the highest class they accept: only those below the new class."),
    ] = None
    name: Annotated[str, Meta(description="What people read; empty: the id.")] = ""
    severity: Annotated[Severity, Meta(description="How urgent it is.")] = "warning"


class AlertsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """alerts.toml of a home."""

    repeat_days: Annotated[Days, Meta(description="The same alert is not raised again for so many days.")] = 30
    rule: Annotated[
        tuple[RuleTable, ...], Meta(max_length=200, description="Alerts on rows of customers, products and dealings.")
    ] = ()
    signal: Annotated[tuple[SignalTable, ...], Meta(max_length=50, description="Alerts on patterns of transfers.")] = ()
    jump: Annotated[tuple[JumpTable, ...], Meta(max_length=50, description="Alerts on questionnaires.")] = ()
    change: Annotated[
        tuple[ChangeTable, ...], Meta(max_length=50, description="Alerts on risk classes of products that changed.")
    ] = ()


def read_alerts(file: Path) -> AlertsFile:
    """The file of alerts.

    Raises:
        UsageError: there is none, it is no TOML, or a key or value is not one of docs/alerts.md.
    """
    if not file.exists():
        raise UsageError(f"{file} is not there: it says what alerts are about; graphrec alerts init writes a first one")
    document = read_toml(file, UsageError)
    found = convert(document, AlertsFile)
    ids = [one.id for listed in (found.rule, found.signal, found.jump, found.change) for one in listed]
    if len(set(ids)) < len(ids):
        document.refuse(("rule",), "two alerts have one id")
    if one := next((one for one in found.signal if one.kind == "cycle" and one.least > one.most), None):
        document.refuse(("signal",), f"{one.id}: least is above most")
    return found


HEAD = """\
# What the bank wants to be told of its customers and their transfers (docs/alerts.md). graphrec wrote it from the edge
# types and columns of the mapping; its numbers are a beginning: set them by what your bank sees.
"""


def first_alerts(
    rules: Sequence[RuleTable],
    signals: Sequence[SignalTable],
    jumps: Sequence[JumpTable],
    changes: Sequence[ChangeTable] = (),
) -> str:
    """The text of a first alerts.toml."""
    lines = [HEAD.rstrip("\n"), f"repeat_days = {AlertsFile().repeat_days}"]
    for table, listed in (("rule", rules), ("signal", signals), ("jump", jumps), ("change", changes)):
        for one in listed:
            lines += ["", f"[[{table}]]"]
            unused = {None, "", 0.0}
            written = {key: value for key, value in asdict(one).items() if value not in unused and key != "share"}
            lines += [f"{key} = {toml(value)}" for key, value in written.items()]
    return "\n".join([*lines, ""])
