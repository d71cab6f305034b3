"""The pages of advice for one customer: portfolio, loans, suitability statement, what is contested."""

from typing import Any, get_args

from starlette.responses import Response

from graphrec.app import jobs, requests
from graphrec.app.answers import Handed
from graphrec.errors import UnknownId
from graphrec.finance.statement.printed import listed
from graphrec.privacy.contests import Ground
from graphrec.service.core import Refusal, Service
from graphrec.service.page.visit import HEADERS, View, Visit, url
from graphrec.service.problems import problem

OUTCOMES: tuple[requests.Outcome, ...] = get_args(requests.Outcome)
GROUNDS: tuple[Ground, ...] = get_args(Ground)


class AdvicePages:
    """The pages of advice of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bank = service.bank

    def _own(self, visit: Visit, user: str) -> str:
        """A customer whom the caller may see."""
        visit.request.state.user = user
        self._service.own(visit.known, user)
        return user

    def portfolio(self, visit: Visit) -> View:
        """What a customer holds, and what a candidate would do to it."""
        user, candidate = self._own(visit, visit.id("user")), visit.asked("with")
        found = self._bank.portfolio(jobs.AskPortfolio(user, candidate))
        return View("portfolio.html", {"user": user, "found": found, "candidate": candidate or ""})

    def loans(self, visit: Visit) -> View:
        """The loans that a customer can bear, for an amount and a purpose."""
        user, amount, purpose = self._own(visit, visit.id("user")), visit.asked("amount"), visit.asked("purpose")
        found = None if amount is None else self._bank.plan_loan(jobs.PlanLoan(user, _money(amount), purpose))
        return View("loans.html", {"user": user, "found": found, "amount": amount or "", "purpose": purpose or ""})

    # The suitability statement.

    def state(self, visit: Visit) -> Response:
        """Write a statement into the record, and show it."""
        user, product, form = self._own(visit, visit.id("user")), visit.id("product"), visit.form
        visit.request.state.product = product
        amount, replaces = form.get("amount", "").strip(), form.get("replaces", "").strip() or None
        asked = requests.AskStatement(
            user, product, _money(amount) if amount else None, replaces, visit.language.code
        )  # fmt: skip
        handed = self._bank.statement(asked)
        if handed.record is None:
            raise Refusal(problem(409, "not-available", "statements need the record, and the home keeps none"))
        return visit.go(url("statements", str(handed.record)))

    def statement(self, visit: Visit) -> View:
        """A statement as it was recorded, with what was decided since."""
        handed = self._handed(visit)
        return View(
            "statement.html", {"handed": handed, "found": handed.statement, "outcomes": OUTCOMES[:3], "listed": listed}
        )

    def document(self, visit: Visit) -> Response:
        """The statement as a file to print or to hand over."""
        handed = self._handed(visit)
        # The document brings its own look, and nothing else.
        policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        kept = f"attachment; filename=statement-{handed.record}.html"
        headers = {**HEADERS, "Content-Security-Policy": policy, "Content-Disposition": kept}
        return Response(self._bank.printed_statement(handed, "html"), headers=headers, media_type="text/html")

    def decide(self, visit: Visit) -> Response:
        """What was decided of a statement."""
        handed, outcome = self._handed(visit), visit.form.get("outcome", "")
        chosen: requests.Outcome | None = next((one for one in OUTCOMES if one == outcome), None)
        if chosen is None or handed.record is None:
            raise Refusal(problem(422, "bad-request", f"outcome: want one of {', '.join(OUTCOMES)}"))
        self._bank.decide(requests.Decide(handed.record, chosen, visit.form.get("why", ""), visit.known.id))
        return visit.go(url("statements", str(handed.record)))

    def _handed(self, visit: Visit) -> Handed:
        found = self._bank.read_statement(requests.ReadStatement(number_of(visit.id("number"))))
        self._own(visit, found.statement.user)
        return found

    # What is contested.

    def contests(self, visit: Visit) -> View:
        """What a customer contests, and what can be contested."""
        return self._contested(visit, self._own(visit, visit.id("user")))

    def contest(self, visit: Visit) -> View:
        """Contest a dealing, or withdraw a contest, and show what it does to the list."""
        user, form = self._own(visit, visit.id("user")), visit.form
        edge, _, of = form.get("what", "").partition(" ")
        product, number = form.get("product") or None, form.get("number", "")
        given: dict[str, Ground] = {one: one for one in GROUNDS}
        why, withdraw = form.get("why", "").strip() or None, "withdraw" in form
        ground = given.get(form.get("ground", ""), GROUNDS[0])
        asked = requests.PutContest(
            user, (edge or None) if product is None else None, (of or None) if product is None else None, ground, why,
            withdraw=withdraw, by=visit.known.id, product=product, number=int(number) if number.isdecimal() else None,
        )  # fmt: skip
        return self._contested(visit, user, done=self._bank.contest(asked))

    def _contested(self, visit: Visit, user: str, **values: Any) -> View:
        asked = requests.AboutCustomer(user, visit.known.role, language=visit.language.code)
        about, own = self._bank.about_customer(asked), self._bank.contests(user)
        names = {one.product: one.name for one in about.events}
        known = {"user": user, "own": own, "about": about, "names": names, "grounds": GROUNDS, "done": None}
        return View("contests.html", {**known, **values})


def number_of(text: str) -> int:
    """The number of an entry, as an address has it.

    Raises:
        UnknownId: it is none.
    """
    if not text.isdigit() or len(text) > 15:
        raise UnknownId(f"there is no entry {text!r}")
    return int(text)


def _money(text: str) -> float:
    """An amount that somebody wrote.

    Raises:
        Refusal: it is none.
    """
    try:
        found = float(text.replace(",", "").replace(" ", "").replace("'", ""))
    except ValueError:
        found = -1.0
    if not 0 < found <= 1e12:
        raise Refusal(problem(422, "bad-request", "amount: want a number above 0, such as 5000"))
    return found
