"""monitor.toml as a typed table: from which value on a measure warns, and from which it is an alarm."""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import UsageError


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """Two bounds of one measure."""

    warn: Annotated[float, Meta(ge=0, description="From here on it warns.")]
    alarm: Annotated[float, Meta(ge=0, description="From here on it is an alarm.")]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: every measure grows with what is wrong."""

    psi: Annotated[Limit, Meta(description="Stability index of a column or of scores.")] = Limit(0.1, 0.25)
    new_values: Annotated[Limit, Meta(description="Share of nodes with a value that was not there before.")] = Limit(
        0.01, 0.1
    )
    missing: Annotated[Limit, Meta(description="Change of the share of nodes without a value.")] = Limit(0.05, 0.2)
    columns_gone: Annotated[Limit, Meta(description="Columns, labels and types that are gone.")] = Limit(1, 1)
    volume: Annotated[
        Limit, Meta(description="Doublings or halvings of how much there is, or happens in a window.")
    ] = Limit(1, 2)
    products_psi: Annotated[Limit, Meta(description="Stability index of which products are listed.")] = Limit(0.25, 0.5)
    reasons_psi: Annotated[Limit, Meta(description="Stability index of which kind of reason leads.")] = Limit(0.25, 0.5)
    coverage: Annotated[Limit, Meta(description="Share of the listed products that are listed no more.")] = Limit(
        0.25, 0.5
    )
    empty: Annotated[
        Limit,
        Meta(description="Share of lists without a product, but for those that one rule, such as consent, refuses."),
    ] = Limit(0.05, 0.2)
    refused: Annotated[Limit, Meta(description="Change of the share of products that a rule refuses.")] = Limit(
        0.05, 0.15
    )
    acceptance: Annotated[Limit, Meta(description="Share of the former acceptance that is lost.")] = Limit(0.2, 0.5)
    overrides: Annotated[
        Limit, Meta(description="Change of the share of statements that advisers changed or rejected.")
    ] = Limit(0.1, 0.25)
    latency: Annotated[
        Limit, Meta(description="Doublings of the time in which 95 % of the answers of an operation are there.")
    ] = Limit(1, 2)
    data_age: Annotated[Limit, Meta(description="Days since the last event of the data.")] = Limit(7, 30)
    model_age: Annotated[Limit, Meta(description="Days of data that the model has not seen.")] = Limit(45, 120)


class Tell(Struct, frozen=True, forbid_unknown_fields=True):
    """`[tell]`: who hears of a run; secrets come from the environment."""

    least: Annotated[Literal["ok", "warn", "alarm"], Meta(description="The least state that is told.")] = "alarm"
    webhook: Annotated[str | None, Meta(description="Address that gets the faults as JSON, signed as lists are.")] = (
        None
    )
    mail_to: Annotated[tuple[str, ...], Meta(description="Who gets a mail.")] = ()
    mail_from: Annotated[str | None, Meta(description="The sender of mails.")] = None
    mail_server: Annotated[str, Meta(description="HOST:PORT of the mail server.", pattern=r"^[^:\s]+:\d{1,5}$")] = (
        "localhost:25"
    )
    mail_tls: Annotated[
        bool, Meta(description="Ask the server for TLS; without it a mail goes to this machine's server alone.")
    ] = True


class MonitorFile(Struct, frozen=True, forbid_unknown_fields=True):
    """monitor.toml of a home."""

    window_days: Annotated[int, Meta(ge=1, le=3660, description="Days that are compared with as many before them.")] = (
        30
    )
    success: Annotated[tuple[str, ...], Meta(description="Types of events that count as acceptance.")] = (
        "accepted",
        "bought",
    )
    tell: Annotated[Tell, Meta(description="Who hears of a run.")] = Tell()
    limits: Annotated[Limits, Meta(description="From which value on a measure warns or alarms.")] = Limits()


def read_monitor(file: Path) -> MonitorFile:
    """The limits of a home; without a file the defaults.

    Raises:
        UsageError: it is no TOML, or a key or value is not one of docs/monitoring.md.
    """
    if not file.exists():
        return MonitorFile()
    document = read_toml(file, UsageError)
    found = convert(document, MonitorFile)
    tell = found.tell
    if tell.mail_to and not tell.mail_from:
        document.refuse(("tell", "mail_to"), "mail wants a sender; name it as mail_from")
    if tell.mail_to and not tell.mail_tls and tell.mail_server.rpartition(":")[0] not in ("localhost", "127.0.0.1"):
        document.refuse(("tell", "mail_tls"), "mail leaves this machine by TLS alone; set mail_tls = true")
    limits: Any = found.limits
    for name in Limits.__struct_fields__:
        limit = getattr(limits, name)
        if limit.warn > limit.alarm:
            document.refuse(("limits", name), f"warn {limit.warn:g} is above alarm {limit.alarm:g}; want it below")
    return found
