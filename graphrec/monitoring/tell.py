"""Whom an alarm is told: a webhook, and mail; what is sent names measures and no customer."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from graphrec.delivery.webhook import send_one
from graphrec.errors import DeliveryError
from graphrec.monitoring.history import Run
from graphrec.monitoring.limits import Tell
from graphrec.monitoring.measure import STATES

USERNAME, PASSWORD = "GRAPHREC_MAIL_USERNAME", "GRAPHREC_MAIL_PASSWORD"
SECONDS = 30.0
LINES = 40
"""Measures of one mail, at most."""


def is_told(tell: Tell, run: Run) -> bool:
    """Whether a run is one that somebody wants to hear of."""
    return bool(tell.webhook or tell.mail_to) and STATES.index(run.state) >= STATES.index(tell.least)


def tell(wanted: Tell, run: Run, letters: Path) -> tuple[str, ...]:
    """Send a run to everybody who wants to hear of it; to whom it went.

    Raises:
        DeliveryError: somebody could not be reached; the others were told.
        UsageError: the address of the webhook is no safe one.
    """
    sent, failed = [], []
    if wanted.webhook:
        try:
            sent.append(send_one(wanted.webhook, f"monitor-{run.at}", content(run), letters))
        except DeliveryError as error:
            failed.append(str(error))
    if wanted.mail_to:
        try:
            _mail(wanted, run)
            sent += wanted.mail_to
        except (OSError, smtplib.SMTPException) as error:
            failed.append(f"mail to {', '.join(wanted.mail_to)} by {wanted.mail_server}: {error}")
    if failed:
        raise DeliveryError("; ".join(failed) + "; run graphrec monitor again when it answers")
    return tuple(sent)


def content(run: Run) -> Mapping[str, Any]:
    """What a receiver gets."""
    faults = [
        {"state": one.state, "part": one.part, "name": one.name, "about": one.about, "value": one.value,
         "warn": one.warn, "alarm": one.alarm}
        for one in run.measures if one.is_fault
    ]  # fmt: skip
    return {"at": run.at, "as_of": run.as_of, "state": run.state, "model": run.model, "faults": faults}


def _mail(wanted: Tell, run: Run) -> None:
    faults = content(run)["faults"]
    message = EmailMessage()
    message["Subject"] = f"graphrec monitor: {run.state}, {len(faults)} measures beyond their limits"
    message["From"], message["To"] = wanted.mail_from, ", ".join(wanted.mail_to)
    lines = [f"{one['state']}: {one['name']} of {one['about']} is {one['value']:.4g} (warn {one['warn']:g}, alarm "
             f"{one['alarm']:g})" for one in faults[:LINES]]  # fmt: skip
    more = [f"and {len(faults) - LINES} more"] if len(faults) > LINES else []
    message.set_content("\n".join([f"As of {run.as_of}, live model {run.model or 'none'}.", "", *lines, *more]) + "\n")
    host, _, port = wanted.mail_server.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=SECONDS) as server:
        if wanted.mail_tls:
            server.starttls(context=ssl.create_default_context())
        if name := os.environ.get(USERNAME):
            server.login(name, os.environ.get(PASSWORD, ""))
        server.send_message(message)
