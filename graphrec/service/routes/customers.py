"""Paths about customers: lists, explanations, why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from graphrec.app import requests
from graphrec.app.answers import Seen, Served, to_encode
from graphrec.errors import GraphrecError, UnknownId
from graphrec.service import schemas
from graphrec.service.core import (
    AsOf,
    Condition,
    Id,
    IfNoneMatch,
    Language,
    Length,
    Lines,
    ModelKind,
    Record,
    Refusal,
    Service,
    json_response,
)


@dataclass(frozen=True)
class _Wanted:
    """A request for a list of one customer."""

    request: Request
    asked: requests.Recommend
    known: str | None
    """The tag of the answer that the caller has."""


class Customers:
    """The handlers of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bank = service.bank

    async def recommendations(
        self,
        request: Request,
        user: Id,
        k: Length = 5,
        model: ModelKind = None,
        language: Language = None,
        as_of: AsOf = None,
        lines: Lines = True,
        record: Record = True,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """The products that fit one customer best, with reasons."""
        asked = requests.Recommend(
            user, k, model, lines=lines, language=self._service.language(language), record=record, as_of=as_of
        )
        return await self._service.run_together(_Wanted(request, asked, if_none_match), self._lists)

    def _lists(self, wanted: Sequence[_Wanted]) -> list[Response | Exception]:
        """The responses to requests for lists that wait at once; what stops one of them leaves the others."""
        states: dict[object, str] = {}
        begun = [self._begun(one, states) for one in wanted]
        left = [one for one, headers in zip(wanted, begun, strict=True) if isinstance(headers, dict)]
        asked, roles = [one.asked for one in left], [one.request.state.caller.role for one in left]
        served = iter(self._bank.recommend_seen(asked, roles) if asked else ())
        found: list[Response | Exception] = []
        for headers in begun:
            made = next(served) if isinstance(headers, dict) else headers
            if isinstance(made, (Served, Seen)):
                made = json_response(to_encode(made), headers if isinstance(headers, dict) else None)
            found.append(made)
        return found

    def _begun(self, one: _Wanted, states: dict[object, str]) -> dict[str, str] | Response | Exception:
        """The headers of the response; the response where the caller has the answer; the error where there is none.

        Args:
            states: what decides answers, by model and date, as far as requests that came with this one needed it.
        """
        asked = one.asked
        try:
            self._service.own(one.request.state.caller, asked.user)
            key = (asked.as_of, asked.model)
            if key not in states:
                states[key] = self._bank.state(*key)
            return self._service.tagged(one.request, f"{states[key]} {self._bank.last_event(asked.user)}", one.known)
        except (GraphrecError, Refusal) as error:
            return error

    async def recommendations_of_many(self, request: Request, many: schemas.Many) -> Response:
        """The lists of several customers, in the order in which they are named; those that are not there are named."""
        caller = request.state.caller

        def compute() -> Response:
            found, unknown = [], []
            users = list(dict.fromkeys(many.users))
            asked = [requests.Recommend(user, many.k, lines=many.lines, record=many.record) for user in users]
            for user, served in zip(users, self._bank.recommend_all(asked), strict=True):
                if isinstance(served, UnknownId):
                    unknown.append(user)
                elif isinstance(served, GraphrecError):
                    raise served
                else:
                    found.append(self._service.seen(served, caller))
            return json_response({"answers": found, "unknown": unknown})

        return await self._service.run(compute)

    async def explanation(
        self,
        request: Request,
        user: Id,
        product: Id,
        k: Length = 5,
        model: ModelKind = None,
        language: Language = None,
        as_of: AsOf = None,
        record: Record = True,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Everything that one score is made of."""
        asked = requests.Explain(
            user, product, k, model, language=self._service.language(language), record=record, as_of=as_of
        )
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, user)
            state = f"{self._bank.state(as_of, model)} {self._bank.last_event(user)}"
            headers = self._service.tagged(request, state, if_none_match)
            if isinstance(headers, Response):
                return headers
            return json_response(self._service.seen(self._bank.explain(asked), caller), headers)

        return await self._service.run(compute)

    async def why_not(
        self,
        request: Request,
        user: Id,
        product: Id,
        k: Length = 5,
        model: ModelKind = None,
        language: Language = None,
        as_of: AsOf = None,
        record: Record = True,
    ) -> Response:
        """Why a product is not in the list: the rules that refuse it, or its rank and what it lacks."""
        caller = request.state.caller
        asked = requests.WhyNot(
            user, product, k, model, as_of, record=record, language=self._service.language(language)
        )

        def compute() -> Response:
            self._service.own(caller, user)
            refused = self._bank.why_not(asked)
            return json_response(self._service.seen_why_not(refused, caller))

        return await self._service.run(compute)

    async def audience(
        self,
        request: Request,
        product: Id,
        k: Length = 10,
        where: Condition = None,
        model: ModelKind = None,
        language: Language = None,
        as_of: AsOf = None,
        record: Record = True,
    ) -> Response:
        """The customers for whom one product ranks best, and why the others are not among them.

        An adviser sees own customers, an analyst groups alone.
        """
        caller = request.state.caller
        asked = requests.Audience(
            product,
            k,
            where,
            model,
            adviser=caller.adviser,
            language=self._service.language(language),
            as_of=as_of,
            record=record,
        )

        return await self._service.run(lambda: json_response(self._bank.audience(asked, caller.role)))
