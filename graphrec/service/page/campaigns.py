"""The pages of campaigns: what is planned, who hears about what, and what came of it beside the control."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from graphrec.app import jobs, results
from graphrec.errors import UsageError
from graphrec.service.core import Service
from graphrec.service.page.charts import WIDTH
from graphrec.service.page.visit import View, Visit, url
from graphrec.service.routes.campaigns import FILE

SHOWN = 25
"""Contacts of a page."""
SAMPLE = """name = "spring"
goal = "product.kind == 'fund' and product.risk_class <= 3"
where = "user.contact_consent == True"
budget_eur = 5000
control = 0.1

[[channel]]
name = "branch"
cost_eur = 18
capacity_per_adviser = 12

[[channel]]
name = "mail"
cost_eur = 0.7
effect = 0.4
"""


@dataclass(frozen=True)
class Rate:
    """One group of a report, and where its interval lies on a chart."""

    name: str
    contacts: int
    accepted: int
    value: float
    low: float
    high: float
    start: int
    """Left end of the interval, 0 to WIDTH."""
    width: int
    at: int
    """Where the rate is."""


class CampaignPages:
    """The pages of campaigns of one service."""

    def __init__(self, service: Service) -> None:
        self._bank = service.bank

    def campaigns(self, visit: Visit) -> View:
        """The campaigns of the home, and a form to plan one."""
        return self._listed(visit)

    def plan(self, visit: Visit) -> View | Response:
        """Plan the campaign of the form."""
        text = visit.form.get("toml", "")
        try:
            made = self._bank.plan_campaign(jobs.PlanCampaign(FILE, text))
        except UsageError as error:
            return self._listed(visit, text, str(error))
        return visit.go(url("campaigns", made.campaign))

    def _listed(self, visit: Visit, text: str = SAMPLE, problem: str | None = None) -> View:
        found = self._bank.campaigns(visit.known.adviser)
        values = {"campaigns": found, "text": text, "problem": problem, "begun": visit.asked("begun")}
        return View("campaigns.html", values, 200 if problem is None else 422)

    def campaign(self, visit: Visit) -> View:
        """One campaign: what the plan came to, what came of it, and who hears about what."""
        caller, name = visit.known, visit.id("campaign")
        adviser, channel = caller.adviser or visit.asked("adviser"), visit.asked("channel")
        skip = _number(visit.asked("skip"))
        wanted = jobs.ListContacts(name, adviser, caller.adviser is not None, channel, skip, SHOWN)
        found = self._bank.campaign_contacts(wanted)
        plan = self._bank.planned_campaign(name) if caller.may("campaign") else None
        report = None
        if found.delivered_at is not None and caller.may("campaign_report"):
            report = self._bank.report_campaign(jobs.ReportCampaign(name))
        values: dict[str, Any] = {
            "name": name, "found": found, "plan": plan, "report": report, "rates": rates(visit, report),
            "adviser": adviser, "channel": channel, "skip": skip, "shown": SHOWN,
        }  # fmt: skip
        return View("campaign.html", values)


def rates(visit: Visit, report: results.CampaignReport | None) -> tuple[Rate, ...]:
    """The two groups of a report on one scale."""
    if report is None:
        return ()
    groups = (
        (visit.say("page.contacted"), report.contacted, report.accepted, report.rate),
        (visit.say("page.control"), report.control, report.control_accepted, report.control_rate),
    )
    most = max(rate.high for *_, rate in groups) or 1.0

    def at(value: float) -> int:
        return round(WIDTH * value / most)

    return tuple(
        Rate(
            name, contacts, accepted, rate.value, rate.low, rate.high, at(rate.low),
            max(at(rate.high) - at(rate.low), 2), at(rate.value),
        )
        for name, contacts, accepted, rate in groups
    )  # fmt: skip


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) < 8 else 0
