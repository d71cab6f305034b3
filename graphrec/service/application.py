"""The HTTP application: its paths, its failures, and the gate around every request."""

import logging
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphrec import __version__
from graphrec.app.bank import Bank
from graphrec.errors import GraphrecError
from graphrec.service import schemas
from graphrec.service.access.roles import ALLOWED
from graphrec.service.core import SLASH, Refusal, Service, ServiceOptions
from graphrec.service.direct import Direct, read
from graphrec.service.openapi import add_examples
from graphrec.service.page.routes import add_pages
from graphrec.service.problems import problem, problem_of
from graphrec.service.routes.advice import Advice
from graphrec.service.routes.asking import Asking
from graphrec.service.routes.campaigns import Campaigns
from graphrec.service.routes.customers import Customers
from graphrec.service.routes.models import Models
from graphrec.service.routes.office import Office

_LOG = logging.getLogger("graphrec.service")
_PROBLEMS = {
    401: "No key, or one that opens nothing.",
    403: "The role is not allowed this, or the customer is another adviser's.",
    404: "There is no such customer, product or entry.",
    409: "There is no model or no policy yet; an event was sent before with another content.",
    413: "The body is too large.",
    422: "The request cannot be read.",
    429: "Too many requests with this key; Retry-After says when.",
    503: "Too much is asked at once, or something inside fails; Retry-After says when.",
}


#: Answers of an operation besides its usual one.
_ALSO: dict[str, dict[int | str, dict[str, Any]]] = {
    "plan_campaign": {202: {"model": schemas.CampaignBegun, "description": "It takes longer, and goes on."}},
}
#: Places of the code that the log names where a request failed.
FRAMES = 6


def make_app(bank: Bank, options: ServiceOptions | None = None) -> FastAPI:
    """The application of one bank.

    Args:
        bank: threads share it; a model that is trained meanwhile answers from the next request on.

    Raises:
        SettingsError: the secret of the home cannot be used.
    """
    service = Service(bank, options or ServiceOptions())
    app = FastAPI(
        title="graphrec",
        version=__version__,
        description="Which product fits which customer, and why. The objects are those of the command line's --json.",
        docs_url=None,
        redoc_url=None,
        lifespan=service.lifespan,
        responses={
            status: {"description": text, "content": {"application/problem+json": {"schema": _PROBLEM}}}
            for status, text in _PROBLEMS.items()
        },
    )
    app.state.service = service
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(GraphrecError, _failed)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _no_path)
    customers, office, campaigns = Customers(service), Office(service), Campaigns(service)
    advice, models = Advice(service), Models(service)
    app.add_middleware(
        Gate, service=service, lists=Direct(service.gate("recommendations"), customers.recommendations, _failed)
    )
    one = "/v1/users/{user}"
    for method, path, handler, answer in (
        ("GET", f"{one}/recommendations", customers.recommendations, schemas.Answer),
        ("POST", "/v1/recommendations", customers.recommendations_of_many, schemas.Answers),
        ("GET", f"{one}/products/{{product}}/explanation", customers.explanation, schemas.Answer),
        ("GET", f"{one}/products/{{product}}/why-not", customers.why_not, schemas.WhyNot),
        ("GET", f"{one}/products/{{product}}/statement", advice.statement, schemas.Statement),
        ("POST", "/v1/records/{number}/decision", advice.decide, schemas.Statement),
        ("GET", f"{one}/portrait", advice.portrait, schemas.Portrait),
        ("GET", f"{one}/portfolio", advice.portfolio, schemas.Portfolio),
        ("GET", f"{one}/loan-plans", advice.loan_plans, schemas.LoanPlans),
        ("GET", f"{one}/contests", advice.contests, schemas.Contests),
        ("POST", f"{one}/contests", advice.contest, schemas.Contested),
        ("GET", "/v1/products/{product}/audience", customers.audience, schemas.Audience),
        ("POST", "/v1/ask", Asking(service).ask, schemas.AnsweredQuestion),
        ("GET", "/v1/search", office.search, schemas.Found),
        ("POST", "/v1/events", office.events, schemas.Kept),
        ("GET", "/v1/records", office.records, schemas.Entries),
        ("GET", "/v1/records/{number}", office.record, schemas.Entry),
        ("POST", "/v1/records/{number}/replay", office.replay_record, schemas.Replayed),
        ("GET", "/v1/alerts", office.alerts, schemas.Alerts),
        ("POST", "/v1/alerts/{alert}", office.set_alert, schemas.Alert),
        ("GET", "/v1/models", models.models, schemas.Models),
        ("POST", "/v1/models/{model}/promote", models.promote_model, schemas.Switched),
        ("POST", "/v1/models/rollback", models.roll_back_model, schemas.Switched),
        ("POST", "/v1/models/follow", models.follow_models, schemas.Switched),
        ("POST", "/v1/models/{model}/steps", models.set_standing, schemas.StandingSet),
        ("GET", "/v1/models/{model}/card", models.model_card, schemas.ModelCard),
        ("GET", "/v1/monitor", models.monitor, schemas.Monitored),
        ("GET", "/v1/campaigns", campaigns.campaigns, schemas.Campaigns),
        ("POST", "/v1/campaigns", campaigns.plan_campaign, schemas.CampaignPlan),
        ("GET", "/v1/campaigns/{campaign}", campaigns.campaign, schemas.CampaignPlan),
        ("GET", "/v1/campaigns/{campaign}/contacts", campaigns.campaign_contacts, schemas.CampaignContacts),
        ("GET", "/v1/campaigns/{campaign}/report", campaigns.campaign_report, schemas.CampaignReport),
        ("GET", "/v1/outcomes", office.outcomes, schemas.Outcomes),
        ("GET", "/v1/experiments", office.experiments, schemas.Experiments),
        ("GET", "/v1/health/live", office.live, schemas.Health),
        ("GET", "/v1/health/ready", office.ready, schemas.Health),
        ("GET", "/metrics", office.metrics, None),
    ):
        _add(app, service, method, path, handler, answer)
    add_pages(app, service)
    add_examples(app)
    return app


_PROBLEM = schemas.Problem.model_json_schema()


def _add(
    app: FastAPI, service: Service, method: str, path: str, handler: Callable[..., Any], answer: type | None
) -> None:
    """One path; its operation is named as its handler, and open to the roles of the table in roles.py."""
    operation = handler.__name__
    app.add_api_route(
        path,
        handler,
        methods=[method],
        operation_id=operation,
        summary=(handler.__doc__ or "").partition("\n")[0],
        response_model=answer,
        responses=_ALSO.get(operation),
        response_class=Response if answer is None else _Json,
        dependencies=[Depends(service.gate(operation))] if operation in ALLOWED else [],
    )


class _Json(Response):
    media_type = "application/json"


class Gate:
    """Around every request: ids with slashes, a bound of the body, counts, seconds, and one line of the audit log."""

    def __init__(self, app: ASGIApp, service: Service, lists: Direct) -> None:
        self._app, self._service, self._lists = app, service, lists

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, size = time.perf_counter(), 500, 0
        most, is_too_large = self._service.options.limits.body, False

        async def bounded() -> Message:
            nonlocal size, is_too_large
            message = await receive()
            size += len(message.get("body", b""))
            is_too_large |= size > most
            return {"type": "http.disconnect"} if is_too_large else message

        async def noted(message: Message) -> None:
            nonlocal status
            if is_too_large:
                return  # what the application makes of half a body
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # A path is taken apart before its parts are decoded, so that an id may hold a slash.
        parts = scope["raw_path"].decode("ascii", "replace").partition("?")[0].split("/")
        scope["path"] = "/".join(unquote(part).replace("/", SLASH) for part in parts)
        scope.setdefault("state", {})
        try:
            if asked := read(scope):
                await self._lists.answer(asked, scope, bounded, noted)
            else:
                await self._app(scope, bounded, noted)
        except Exception as error:  # noqa: BLE001 - callers get one line, and the log what failed where.
            if not is_too_large:
                _LOG.error("a request failed: %s", _where(error))
                failed = problem(503, "not-available", "the operator finds the reason in the log", {"Retry-After": "5"})
                await failed(scope, receive, noted)
        finally:
            if is_too_large:
                status = 413
                await problem(413, "too-large", f"at most {most:,} bytes")(scope, receive, send)
            self._finish(scope, status, time.perf_counter() - began)

    def _finish(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        caller, operation = state.get("caller"), state.get("operation", "other")
        self._service.measures.add(operation, status, seconds, self._service.runner.waiting)
        if caller is not None:
            self._service.audit.add(
                caller=caller.id,
                role=caller.role,
                operation=operation,
                status=status,
                user=state.get("user"),
                product=state.get("product"),
                seconds=seconds,
            )


def _where(error: Exception) -> str:
    """What failed and where, the innermost place first; what it says is left out, as it may name a customer."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = (f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in reversed(frames))
    return f"{type(error).__name__} at {', from '.join(places)}"


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refusal.response


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, GraphrecError)
    found = problem_of(error)
    if found.status_code not in (404, 422):
        _LOG.warning("%s: %s", type(error).__name__, error)
    return found


async def _unreadable(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, "bad-request", f"{where}: {first['msg']}")


async def _no_path(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "not-allowed"}.get(error.status_code, "bad-request")
    return problem(error.status_code, kind, str(error.detail), dict(error.headers or {}))
