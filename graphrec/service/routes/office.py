"""Paths about the bank: search, events, the decision record, alerts, outcomes, health, measures."""

from typing import Annotated, Literal

from fastapi import Path, Query, Request
from starlette.responses import Response

from graphrec.app import jobs, requests
from graphrec.app.data.events import accept
from graphrec.app.record import short
from graphrec.schema import EXACT
from graphrec.service import schemas
from graphrec.service.access.roles import WHOLE_RECORD
from graphrec.service.core import Length, Number, Service, json_response

Words = Annotated[str, Query(min_length=1, max_length=500, description="An id, a name, or words of a text.")]
Customer = Annotated[str | None, Query(max_length=500, description="Of this customer alone.")]
Last = Annotated[int, Query(ge=1, le=1000, description="How many of the last entries.")]
By = Annotated[
    Literal["rank", "kind", "model", "reason", "channel", "segment", "arm"],
    Query(description="How impressions are told apart."),
]
AlertIs = Annotated[Literal["open", "acknowledged", "closed"] | None, Query(description="Only alerts in this state.")]
AlertId = Annotated[str, Path(pattern="^[0-9a-f]{12}$", description="As `GET /v1/alerts` names it.")]
Column = Annotated[str | None, Query(max_length=100, description="Of the customer, with by=segment.")]
Day = Annotated[str | None, Query(max_length=40, description="Date of lists: from since on, before until.")]
Window = Annotated[float, Query(gt=0, le=730, description="Days after a list in which an event counts.")]


class Office:
    """The handlers of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bank = service.bank

    async def search(self, request: Request, q: Words, k: Length = 10) -> Response:
        """Products by id, name or text; customers too for compliance, and an adviser's own ones for the adviser."""
        caller = request.state.caller
        asked = requests.Find(q, k, users=caller.role == EXACT, adviser=caller.adviser)

        def compute() -> Response:
            found = self._bank.find(asked)
            users = [{"id": one.id, "name": one.name, "score": one.score} for one in found.users]
            return json_response({"query": q, "users": users, "products": found.products})

        return await self._service.run(compute)

    async def events(self, request: Request, sent: schemas.Sent | schemas.EventIn) -> Response:
        """What customers did, one or many: kept whole or not at all, each once, and in the very next answer."""
        events = sent.events if isinstance(sent, schemas.Sent) else [sent]
        request.state.user = events[0].user if len(events) == 1 else None

        def compute() -> Response:
            plain = [one.model_dump(exclude_none=True) | {"set": one.set} for one in events]
            done = accept(self._bank, plain)
            return json_response({"accepted": done.accepted, "duplicates": done.duplicates})

        return await self._service.run(compute)

    async def records(self, user: Customer = None, last: Last = 20) -> Response:
        """The last entries of the decision record, oldest first."""
        asked = jobs.ListRecord(user=user, last=last)
        return await self._service.run(lambda: json_response({"entries": self._bank.record_list(asked)}))

    async def record(self, request: Request, number: Number) -> Response:
        """One entry of the decision record: whole for compliance and auditors, else what was shown to whom, when.

        An adviser sees the entries of own customers.
        """
        caller = request.state.caller

        def compute() -> Response:
            entry = self._bank.record_entry(number)
            request.state.user = entry.entry.get("user")
            self._service.own(caller, entry.entry.get("user"))
            return json_response(entry.to_json() if caller.role in WHOLE_RECORD else short(entry))

        return await self._service.run(compute)

    async def replay_record(self, number: Number) -> Response:
        """A recorded answer, computed again."""
        return await self._service.run(lambda: json_response(self._bank.replay(number)))

    async def alerts(self, state: AlertIs = None) -> Response:
        """The alerts of customers and their transfers, the oldest first."""
        asked = jobs.ListAlerts(state)
        return await self._service.run(lambda: json_response({"alerts": self._bank.alerts(asked)}))

    async def set_alert(self, request: Request, alert: AlertId, sent: schemas.AlertState) -> Response:
        """An alert acknowledged, or closed with a reason, by the caller."""
        asked = jobs.SetAlert(alert, sent.state, request.state.caller.id, sent.why)
        return await self._service.run(lambda: json_response(self._bank.set_alert(asked)))

    async def outcomes(
        self,
        request: Request,
        by: By = "rank",
        segment: Column = None,
        since: Day = None,
        until: Day = None,
        window: Window = 30.0,
    ) -> Response:
        """What came of what was shown: acceptance by group, against a control, over the months, by place."""
        sees_protected = request.state.caller.role in WHOLE_RECORD
        asked = jobs.AskOutcomes(by, since, until, window, segment=segment, with_protected=sees_protected)
        return await self._service.run(lambda: json_response(self._bank.outcomes(asked)))

    async def experiments(self) -> Response:
        """What the experiments have shown so far; looking stops none."""
        asked = jobs.EvaluateExperiments()
        return await self._service.run(lambda: json_response(self._bank.evaluate_experiments(asked)))

    async def metrics(self) -> Response:
        """Counts and times for Prometheus."""
        return Response(
            self._service.measures.text(self._bank.events.log), media_type=self._service.measures.media_type
        )

    async def live(self) -> Response:
        """Whether the process answers."""
        return json_response({"status": "alive"})

    async def ready(self) -> Response:
        """Whether lists can be made: a model opens, and a policy is there."""

        def compute() -> Response:
            self._bank.check_ready()
            return json_response({"status": "ready"})

        return await self._service.run(compute)
