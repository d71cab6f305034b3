"""The pages of models: which there are, who validated and approved them, the card."""

from typing import Any

from starlette.responses import Response

from graphrec.app import requests
from graphrec.service.core import Refusal, Service
from graphrec.service.page.visit import HEADERS, View, Visit
from graphrec.service.problems import problem

STEPS = ("validate", "approve", "retire")


class ModelPages:
    """The pages of models of one service."""

    def __init__(self, service: Service) -> None:
        self._bank = service.bank

    def models(self, _visit: Visit) -> View:
        """The models of the home, the one that answers first, and how good they are."""
        found = sorted(self._bank.models(), key=lambda one: one.since, reverse=True)
        values: dict[str, Any] = {
            "models": sorted(found, key=lambda one: one.state != "live"),
            "history": self._bank.switches()[::-1],
        }
        return View("models.html", values)

    def promote(self, visit: Visit) -> Response:
        """Another model answers from now on."""
        return self._switch(visit, requests.SwitchModel("promote", visit.form.get("model", ""), visit.known.id))

    def roll_back(self, visit: Visit) -> Response:
        """The model that answered before answers again."""
        return self._switch(visit, requests.SwitchModel("rollback", by=visit.known.id))

    def _switch(self, visit: Visit, asked: requests.SwitchModel) -> Response:
        self._bank.switch_model(asked)
        return visit.go("/models")

    def judge(self, visit: Visit) -> Response:
        """A model validated, approved or retired by the caller."""
        form = visit.form
        step = next((one for one in STEPS if one == form.get("step")), None)
        if step is None:
            raise Refusal(problem(422, "bad-request", f"step: want one of {', '.join(STEPS)}"))
        asked = requests.SetStanding(step, form.get("model", ""), form.get("reason", ""), visit.known.id)  # type: ignore[arg-type]
        self._bank.set_standing(asked)
        return visit.go("/models")

    def card(self, visit: Visit) -> Response:
        """The card of a model, as the page that `graphrec models card` writes."""
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
        text = self._bank.model_card(requests.AskModelCard(visit.id("model"))).html
        return Response(text, headers={**HEADERS, "Content-Security-Policy": policy}, media_type="text/html")
