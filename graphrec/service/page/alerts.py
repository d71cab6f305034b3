"""The page of alerts: what was raised, with its evidence, and what became of it."""

from collections import Counter
from typing import get_args

from starlette.responses import Response

from graphrec.app import jobs
from graphrec.finance.alerts.file import Severity
from graphrec.service.core import Refusal, Service
from graphrec.service.page.visit import View, Visit, url
from graphrec.service.problems import problem

STATES = ("open", "acknowledged", "closed")
SHOWN, EVIDENCE = 25, 5
"""Alerts of a page; lines of evidence that stand there at once."""


class AlertPages:
    """The page of alerts of one service."""

    def __init__(self, service: Service) -> None:
        self._bank = service.bank

    def alerts(self, visit: Visit) -> View:
        """The alerts in one state, the urgent ones first, of these the newest; those of one rule where it is named."""
        state = next((one for one in STATES if one == visit.asked("state")), STATES[0])
        newest = self._bank.alerts(jobs.ListAlerts(state))[::-1]  # type: ignore[arg-type]
        found = tuple(sorted(newest, key=lambda one: get_args(Severity).index(one.severity), reverse=True))
        rules, rule = Counter(one.name for one in found), visit.asked("rule")
        if rule in rules:
            found = tuple(one for one in found if one.name == rule)
        skip = int(text) if (text := visit.asked("skip") or "0").isdecimal() and len(text) < 10 else 0
        shown = found[skip : skip + SHOWN]
        values = {
            "found": shown, "count": len(found), "left": max(len(found) - skip - SHOWN, 0), "skip": skip,
            "state": state, "states": STATES, "rules": dict(rules.most_common()),
            "rule": rule if rule in rules else None, "most": EVIDENCE,
        }  # fmt: skip
        return View("alerts.html", values)

    def put(self, visit: Visit) -> Response:
        """An alert acknowledged or closed by the caller."""
        state, why = visit.form.get("state", ""), visit.form.get("why", "").strip() or None
        if state not in STATES[1:]:
            raise Refusal(problem(422, "bad-request", f"state: want one of {', '.join(STATES[1:])}"))
        self._bank.set_alert(jobs.SetAlert(visit.id("alert"), state, visit.known.id, why))  # type: ignore[arg-type]
        return visit.go(url("alerts", state=visit.form.get("from", "")))
