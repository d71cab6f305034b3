"""Paths about customers: lists, explanations, why not."""

from collections.abc import Callable

from fastapi import Request
from starlette.responses import Response

from graphrec.app import requests
from graphrec.app.answers import Served
from graphrec.errors import UnknownId
from graphrec.service import schemas
from graphrec.service.core import (
    Amount,
    AsOf,
    Condition,
    Id,
    IfNoneMatch,
    Language,
    Length,
    ModelKind,
    Number,
    Record,
    Replaces,
    Service,
    json_response,
)


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
        record: Record = True,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """The products that fit one customer best, with reasons."""
        asked = requests.Recommend(
            user, k, model, language=self._service.language(language), record=record, as_of=as_of
        )
        return await self._answer(request, asked, if_none_match, lambda: self._bank.recommend(asked))

    async def recommendations_of_many(self, request: Request, many: schemas.Many) -> Response:
        """The lists of several customers, in the order in which they are named; those that are not there are named."""
        caller = request.state.caller

        def compute() -> Response:
            found, unknown = [], []
            for user in dict.fromkeys(many.users):
                try:
                    served = self._bank.recommend(requests.Recommend(user, many.k, record=many.record))
                except UnknownId:
                    unknown.append(user)
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
        return await self._answer(request, asked, if_none_match, lambda: self._bank.explain(asked))

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

    async def statement(
        self,
        request: Request,
        user: Id,
        product: Id,
        amount: Amount = None,
        replaces: Replaces = None,
        language: Language = None,
        as_of: AsOf = None,
        record: Record = True,
    ) -> Response:
        """The suitability statement: each element with the fields of the record that it is written from."""
        caller = request.state.caller
        asked = requests.AskStatement(
            user, product, amount, replaces, self._service.language(language), as_of, record=record
        )

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response(self._bank.statement(asked).to_json())

        return await self._service.run(compute)

    async def decide(self, request: Request, number: Number, sent: schemas.DecisionIn) -> Response:
        """What the caller decided of a statement, appended to the record; a second person approves exceptions."""
        caller = request.state.caller

        def compute() -> Response:
            found = self._bank.read_statement(requests.ReadStatement(number))
            request.state.user = found.statement.user
            self._service.own(caller, found.statement.user)
            return json_response(
                self._bank.decide(requests.Decide(number, sent.outcome, sent.why, caller.id)).to_json()
            )

        return await self._service.run(compute)

    async def portrait(self, request: Request, user: Id, as_of: AsOf = None) -> Response:
        """What is computed of one customer: numbers, tags by the bank's rules with their evidence, what is missing."""
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response(self._bank.portrait(requests.AskPortrait(user, as_of)))

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

    async def _answer(
        self,
        request: Request,
        asked: requests.Recommend | requests.Explain,
        known: str | None,
        ask: Callable[[], Served],
    ) -> Response:
        """An answer about one customer, with its tag.

        Args:
            known: the tag of the answer that the caller has.
        """
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, asked.user)
            return self._service.tagged(
                request,
                lambda: self._bank.state(asked.as_of, asked.model, asked.user),
                known,
                lambda: self._service.seen(ask(), caller),
            )

        return await self._service.run(compute)
