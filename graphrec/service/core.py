"""What the paths of the service share: who asks, what the role may, threads, limits, and how an answer is written."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec
from fastapi import FastAPI, Header, Path, Query, Request
from pydantic import AfterValidator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from graphrec.app.answers import Refused, Served, refused_to_json, to_encode
from graphrec.app.bank import Bank
from graphrec.languages import codes
from graphrec.schema import EXACT
from graphrec.service.access.audit import AuditLog
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Busy, Limits, Rates, Runner
from graphrec.service.access.roles import OWNER, Caller
from graphrec.service.access.tokens import read_tokens
from graphrec.service.measures import Measures
from graphrec.service.problems import problem

A = TypeVar("A")
SLASH = "\ue000"
"""Stands for a slash inside an id (`%2F`) while the path is taken apart."""


def unslashed(text: str) -> str:
    """An id as it was before the path was taken apart."""
    return text.replace(SLASH, "/")


Id = Annotated[str, Path(min_length=1, max_length=500), AfterValidator(unslashed)]
Length = Annotated[int, Query(ge=1, le=100, description="How many.")]
ModelKind = Annotated[str | None, Query(max_length=60, pattern="^[a-z0-9-]+$", description="Kind of model.")]
Language = Annotated[str | None, Query(pattern="^[a-z]{2,3}$", description="Of the reasons.")]
AsOf = Annotated[str | None, Query(max_length=40, description="Only what was known before this date.")]
Condition = Annotated[
    str | None, Query(max_length=1000, description="Of the policy's language, such as user.region == 'North'.")
]
Amount = Annotated[float | None, Query(ge=0, le=1e12, description="What the customer would put in.")]
Replaces = Annotated[str | None, Query(max_length=500, description="Product that would be given up for it.")]
Number = Annotated[int, Path(ge=1, le=2**53, description="Of the entry.")]
Lines = Annotated[
    bool,
    Query(description="Whether each score comes with its strongest lines: a list without them is a sixth as long."),
]
Record = Annotated[bool, Query(description="Whether the decision record gets an entry.")]
IfNoneMatch = Annotated[str | None, Header(description="ETag of the answer that the caller has.")]


@dataclass(frozen=True)
class ServiceOptions:
    """How one worker serves."""

    limits: Limits = field(default_factory=Limits)
    is_open: bool = False
    """Whether those who have no key are the owner of the home while there is none: for a loopback address alone."""


class Refusal(Exception):
    """A response that takes the place of an answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Service:
    """One bank, served by one worker.

    Raises:
        SettingsError: the secret of the home cannot be used.
    """

    def __init__(self, bank: Bank, options: ServiceOptions) -> None:
        self.bank = bank
        self.options = options
        self.keys = Keys(bank.home.path)
        self.tokens = read_tokens(bank.home.path)
        self.runner = Runner(options.limits)
        self.rates = Rates(options.limits.rate)
        self.audit = AuditLog(bank.home.logs, bank.home.secret())
        self.measures = Measures()

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Computes to the end what was begun when the server stops."""
        yield
        self.runner.close()
        self.bank.onward.wait(10.0)
        self.bank.watching.wait(10.0)

    def guard(self, operation: str, who: Callable[[Request], Caller] | None = None) -> Callable[[Request], None]:
        """A dependency that lets those in whose role is allowed an operation.

        Args:
            who: says who asks; None: the key in the header does.

        Raises (when it is called):
            Refusal: no key, a role that is not allowed, or too many requests.
        """

        def entered(request: Request) -> None:
            caller = (who or self.caller)(request)
            state, ids = request.state, request.path_params
            state.caller, state.operation = caller, operation
            state.user, state.product = (unslashed(ids[name]) if name in ids else None for name in ("user", "product"))
            if not caller.may(operation):
                raise Refusal(problem(403, "forbidden", f"the role {caller.role} is not allowed {operation}"))
            if wait := self.rates.wait(caller.id):
                most = f"at most {self.options.limits.rate:g} a second"
                raise Refusal(problem(429, "too-many-requests", most, {"Retry-After": str(int(wait) + 1)}))

        return entered

    def gate(self, operation: str) -> Callable[[Request], Awaitable[None]]:
        """`guard` for paths: a key is looked up at once, without a thread; a token may have to ask its issuer."""
        entered = self.guard(operation)

        async def gated(request: Request) -> None:
            if self.tokens is None:
                entered(request)
            else:
                await run_in_threadpool(entered, request)

        return gated

    def caller(self, request: Request) -> Caller:
        """Who asks.

        Raises:
            Refusal: nobody who may.
        """
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if not scheme and self.options.is_open and not self.keys.any() and self.tokens is None:
            return OWNER
        found = None
        if scheme.lower() == "bearer":
            found = self.keys.caller(text.strip())
            if found is None and self.tokens is not None:
                found = self.tokens.caller(text.strip())
        if found is None:
            advice = "send Authorization: Bearer KEY, a key of graphrec access or a token that this home takes"
            raise Refusal(problem(401, "no-key", advice, {"WWW-Authenticate": "Bearer"}))
        return found

    async def run(self, compute: Callable[[], Response]) -> Response:
        """A response that is computed in a thread.

        Raises:
            Refusal: too much is asked at once.
        """
        with self._bounded():
            return await self.runner.run(compute)

    async def run_or_leave(self, compute: Callable[[], Response], left: Callable[[], Response]) -> Response:
        """A response that is computed in a thread; where that takes longer than a request may, it goes on alone.

        Args:
            left: says then that it does.

        Raises:
            Refusal: too much is asked at once.
        """
        with self._bounded():
            try:
                return await self.runner.run(compute)
            except TimeoutError:
                return left()

    async def run_together(self, one: A, compute: Callable[[Sequence[A]], Sequence[Response | Exception]]) -> Response:
        """A response that is computed in a thread with those of all requests of its kind that wait: see `Runner`.

        Raises:
            Refusal: too much is asked at once.
        """
        with self._bounded():
            return await self.runner.run_together(one, compute)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        try:
            yield
        except Busy:
            raise Refusal(problem(503, "busy", "the queue is full", {"Retry-After": "1"})) from None
        except TimeoutError:
            most = f"it took more than {self.options.limits.seconds:g} seconds"
            raise Refusal(problem(503, "too-slow", most, {"Retry-After": "5"})) from None

    def language(self, code: str | None) -> str | None:
        """A language that there are sentences for; None: that of the settings.

        Raises:
            Refusal: there is none of that name.
        """
        if code is not None and code not in (known := codes(self.bank.home.languages)):
            detail = f"language: {code!r} is not known; want one of {', '.join(known)}"
            raise Refusal(problem(422, "bad-request", detail))
        return code

    def own(self, caller: Caller, user: str | None) -> None:
        """Stop where an adviser asks about another adviser's customer; one that is not there is refused alike.

        Raises:
            Refusal: it is.
        """
        if caller.adviser is not None and (user is None or self.bank.adviser_of(user) != caller.adviser):
            raise Refusal(problem(403, "forbidden", "the customer is not one of this adviser's"))

    def tagged(self, request: Request, state: str, known: str | None) -> dict[str, str] | Response:
        """The headers of an answer with its ETag: what it is computed from, what was asked, by which role.

        Args:
            state: tells all that the answer is computed from.
            known: the ETag of the answer that the caller has; where it is still right, that is the response.
        """
        caller, scope = request.state.caller, request.scope
        path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        asked = f"{path}?{query}|{caller.role}|{caller.adviser or ''}|{state}"
        tag = f'"{hashlib.sha256(asked.encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if known is not None and tag in (one.strip().removeprefix("W/") for one in known.split(",")):
            return Response(status_code=304, headers=headers)
        return headers

    def seen(self, served: Served, caller: Caller) -> Mapping[str, object]:
        """An answer as the caller's role sees it, to be encoded."""
        return to_encode(served if caller.role == EXACT else self.bank.seen(served, caller.role))

    def seen_why_not(self, refused: Refused, caller: Caller) -> Mapping[str, object]:
        """Why a product is not in a list, as the caller's role sees it."""
        shown = refused.found if caller.role == EXACT else self.bank.seen_why_not(refused, caller.role)
        return refused_to_json(refused, shown)


def json_response(body: object, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    """A body as JSON; nobody between keeps it unless it has an ETag."""
    headers = headers or {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(body), status, headers, "application/json")
