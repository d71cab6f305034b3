"""Paths about the advice of one customer: portrait, portfolio, loans, statement, decision, what is contested."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from graphrec.app import jobs, requests
from graphrec.service import schemas
from graphrec.service.core import (
    Amount,
    AsOf,
    Id,
    Language,
    Number,
    Record,
    Replaces,
    Service,
    json_response,
)

Loan = Annotated[float, Query(gt=0, le=1e12, description="What the customer wants to borrow.")]
Purpose = Annotated[str | None, Query(min_length=1, max_length=100, description="What the loan is for.")]
Other = Annotated[str | None, Query(min_length=1, max_length=500, description="A product beside what is held.")]


class Advice:
    """The handlers of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bank = service.bank

    async def portrait(self, request: Request, user: Id, as_of: AsOf = None) -> Response:
        """What is computed of one customer: numbers, tags by the bank's rules with their evidence, what is missing."""
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response(self._bank.portrait(requests.AskPortrait(user, as_of)))

        return await self._service.run(compute)

    async def portfolio(self, request: Request, user: Id, candidate: Other = None, as_of: AsOf = None) -> Response:
        """What one customer holds: weights, concentration, volatility; and what a candidate would do to it."""
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response(self._bank.portfolio(jobs.AskPortfolio(user, candidate, as_of)))

        return await self._service.run(compute)

    async def loan_plans(
        self,
        request: Request,
        user: Id,
        amount: Loan,
        purpose: Purpose = None,
        as_of: AsOf = None,
        record: Record = True,
    ) -> Response:
        """Every loan and term for an amount, the rules that refuse the others, and the largest amount."""
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response(self._bank.plan_loan(jobs.PlanLoan(user, amount, purpose, as_of, record)))

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

    async def contests(self, request: Request, user: Id) -> Response:
        """What one customer contests, the oldest first."""
        caller = request.state.caller

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response({"contests": self._bank.contests(user)})

        return await self._service.run(compute)

    async def contest(self, request: Request, user: Id, sent: schemas.ContestIn) -> Response:
        """Enter or withdraw a contest of an edge or a reason, with what it does to the list; the caller is named."""
        caller = request.state.caller
        asked = requests.PutContest(
            user, sent.edge, sent.of, sent.ground, sent.why, withdraw=sent.withdraw, by=caller.id,
            product=sent.product, number=sent.number,
        )  # fmt: skip

        def compute() -> Response:
            self._service.own(caller, user)
            return json_response(self._bank.contest(asked))

        return await self._service.run(compute)
