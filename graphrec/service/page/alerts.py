"""The page of alerts: what was raised, with its evidence, and what became of it."""

from starlette.responses import Response

from graphrec.app import jobs
from graphrec.service.core import Refusal, Service
from graphrec.service.page.visit import View, Visit, url
from graphrec.service.problems import problem

STATES = ("open", "acknowledged", "closed")
SHOWN = 50
"""Alerts of a page."""


class AlertPages:
    """The page of alerts of one service."""

    def __init__(self, service: Service) -> None:
        self._bank = service.bank

    def alerts(self, visit: Visit) -> View:
        """The alerts in one state, the newest first."""
        state = next((one for one in STATES if one == visit.asked("state")), STATES[0])
        found = self._bank.alerts(jobs.ListAlerts(state))[::-1]  # type: ignore[arg-type]
        return View("alerts.html", {"found": found[:SHOWN], "count": len(found), "state": state, "states": STATES})

    def put(self, visit: Visit) -> Response:
        """An alert acknowledged or closed by the caller."""
        state, why = visit.form.get("state", ""), visit.form.get("why", "").strip() or None
        if state not in STATES[1:]:
            raise Refusal(problem(422, "bad-request", f"state: want one of {', '.join(STATES[1:])}"))
        self._bank.set_alert(jobs.SetAlert(visit.id("alert"), state, visit.known.id, why))  # type: ignore[arg-type]
        return visit.go(url("alerts", state=visit.form.get("from", "")))
