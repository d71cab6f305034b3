"""The pages: what each of them asks the use cases, and what it hands to its template."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from graphrec.app import jobs, requests
from graphrec.app.answers import Seen, Served
from graphrec.app.bank import Bank
from graphrec.app.record import short
from graphrec.ask.question import LONGEST
from graphrec.errors import EventRefused, GraphrecError, NotTrained, PolicyError, UnknownId, UsageError
from graphrec.policy.check import PolicyReport
from graphrec.schema import EXACT
from graphrec.service import schemas
from graphrec.service.access.roles import WHOLE_RECORD, Caller
from graphrec.service.core import Refusal, Service
from graphrec.service.page.advice import GROUNDS, AdvicePages, number_of
from graphrec.service.page.alerts import AlertPages
from graphrec.service.page.campaigns import CampaignPages
from graphrec.service.page.charts import Waterfall, graph, waterfall, way
from graphrec.service.page.models import ModelPages
from graphrec.service.page.monitor import MonitorPages
from graphrec.service.page.session import Sessions
from graphrec.service.page.visit import LANGUAGE, View, Visit, form_of, local, url
from graphrec.service.problems import problem, problem_of
from graphrec.service.routes.asking import answered
from graphrec.serving.answer import Item
from graphrec.serving.reasons.sentences import Sentences
from graphrec.serving.views import shown_percents

STATIC = Path(__file__).parent / "static"
SHOWN = 5
"""Products of a list."""
REASONS = 8
"""Reasons of a waterfall; the others are one row."""
SAID = ("accepted", "rejected")
REASONS_AGAINST = ("no_need", "elsewhere", "too_expensive", "too_risky", "not_now")
"""Why a customer declines, as the page offers it."""
OFFERED, CLOSE = 8, 0.7
"""How many products are named where words fit several; from this score on all words are in the name."""
ENTRIES = (20, 100, 500)
"""How many entries of the record a page shows."""

Compute = Callable[[Visit], View | Response]


def add_pages(app: FastAPI, service: Service) -> None:
    """Serve the page of a bank beside its API."""
    pages, campaigns, advice = Pages(service), CampaignPages(service), AdvicePages(service)
    models, alerts, monitor = ModelPages(service), AlertPages(service), MonitorPages(service)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for method, path, operation, compute in (
        ("GET", "/", "search", pages.search),
        ("GET", "/customers/{user}", "recommendations", pages.customer),
        ("POST", "/customers/{user}/events", "feedback", pages.feedback),
        ("POST", "/customers/{user}/ask", "ask", pages.ask),
        ("GET", "/customers/{user}/products/{product}", "explanation", pages.explanation),
        ("POST", "/customers/{user}/products/{product}/statement", "statement", advice.state),
        ("GET", "/statements/{number}", "statement", advice.statement),
        ("POST", "/statements/{number}", "decide", advice.decide),
        ("GET", "/statements/{number}/document", "statement", advice.document),
        ("GET", "/customers/{user}/portfolio", "portfolio", advice.portfolio),
        ("GET", "/customers/{user}/loans", "loan_plans", advice.loans),
        ("GET", "/customers/{user}/contests", "contests", advice.contests),
        ("POST", "/customers/{user}/contests", "contest", advice.contest),
        ("GET", "/products/{product}", "product", pages.product),
        ("GET", "/policy", "policy", pages.policy),
        ("POST", "/policy", "what_if", pages.change_rule),
        ("GET", "/records", "records", pages.records),
        ("POST", "/records", "verify_record", pages.verify),
        ("GET", "/records/{number}", "record", pages.record),
        ("POST", "/records/{number}", "replay_record", pages.replay),
        ("GET", "/models", "models", models.models),
        ("POST", "/models/promote", "promote_model", models.promote),
        ("POST", "/models/rollback", "roll_back_model", models.roll_back),
        ("POST", "/models/steps", "set_standing", models.judge),
        ("GET", "/models/{model}/card", "model_card", models.card),
        ("GET", "/monitor", "monitor", monitor.monitor),
        ("POST", "/monitor", "monitor", monitor.measure),
        ("GET", "/alerts", "alerts", alerts.alerts),
        ("POST", "/alerts/{alert}", "set_alert", alerts.put),
        ("GET", "/campaigns", "campaigns", campaigns.campaigns),
        ("POST", "/campaigns", "plan_campaign", campaigns.plan),
        ("GET", "/campaigns/{campaign}", "campaign_contacts", campaigns.campaign),
        ("GET", "/login", None, pages.login),
        ("POST", "/login", None, pages.sign_in),
        ("POST", "/logout", None, pages.sign_out),
        ("GET", "/language", None, pages.speak),
    ):
        app.router.add_route(path, pages.handler(operation, compute), [method], include_in_schema=False)


class Pages:
    """The pages of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sessions = Sessions(service)
        self._policy: tuple[str, PolicyReport] | None = None

    @property
    def _bank(self) -> Bank:
        return self._service.bank

    def handler(self, operation: str | None, compute: Compute) -> Callable[[Request], Awaitable[Response]]:
        """What answers the requests of one path.

        Args:
            operation: what the role must be allowed; None: anybody may.
        """

        async def handle(request: Request) -> Response:
            visit = Visit(request, self._service, self._sessions, {})
            try:
                if request.method == "POST":
                    visit = Visit(request, self._service, self._sessions, await form_of(request))
                    self._sessions.check_form(request, visit.form.get("token", ""))
                if operation is not None:
                    self._service.guard(operation, self._sessions.caller)(request)
                visit = self._known(visit)
                if operation == "plan_campaign":
                    # A plan of many customers goes on when nobody waits for it any more.
                    return await self._service.run_or_leave(
                        lambda: self._shown(visit, compute), lambda: visit.go(url("campaigns", begun=1))
                    )
                return await self._service.run(lambda: self._shown(visit, compute))
            except Refusal as refusal:
                if refusal.response.status_code == 401:
                    return visit.go(url("login", next=local(request.url.path)))
                return self._failed(self._known(visit), refusal.response)

        return handle

    def _known(self, visit: Visit) -> Visit:
        """A visit with who it is, where that is known."""
        try:
            caller: Caller | None = self._sessions.caller(visit.request)
        except Refusal:
            caller = None
        return Visit(visit.request, visit.service, visit.sessions, visit.form, caller)

    def _shown(self, visit: Visit, compute: Compute) -> Response:
        try:
            found = compute(visit)
        except Refusal as refusal:
            return self._failed(visit, refusal.response)
        except GraphrecError as error:
            return self._failed(visit, problem_of(error))
        return visit.render(found) if isinstance(found, View) else found

    def _failed(self, visit: Visit, response: Response) -> Response:
        """A problem as a page."""
        plain = json.loads(bytes(response.body))
        kind = plain["type"].rpartition(":")[2]
        # Details are for programs, and English; what cannot be read is said in any case.
        detail = plain["detail"] if kind == "bad-request" else None
        shown = visit.render(View("error.html", {"kind": kind, "detail": detail}, response.status_code))
        if "retry-after" in response.headers:
            shown.headers["retry-after"] = response.headers["retry-after"]
        return shown

    # Who looks.

    def login(self, visit: Visit) -> View:
        """The form for an access key."""
        return View("login.html", {"next": local(visit.asked("next")), "is_wrong": False})

    def sign_in(self, visit: Visit) -> View | Response:
        """Begin a session with an access key."""
        where = local(visit.form.get("next"))
        response = visit.go(where)
        caller = self._sessions.begin(visit.form.get("key", ""), visit.request, response)
        state = visit.request.state
        state.caller, state.operation = caller, "sign_in"
        return response if caller else View("login.html", {"next": where, "is_wrong": True}, 403)

    def sign_out(self, visit: Visit) -> Response:
        """End a session."""
        response = visit.go("/login")
        self._sessions.end(response)
        return response

    def speak(self, visit: Visit) -> Response:
        """Take another language from now on."""
        response = visit.go(local(visit.asked("back")))
        if visit.asked("to") in visit.languages:
            response.set_cookie(LANGUAGE, str(visit.asked("to")), 365 * 86400, httponly=True, samesite="lax")
        return response

    # Customers and products.

    def search(self, visit: Visit) -> View:
        """Customers and products by id, name or words."""
        caller = visit.known
        sought = visit.asked("q")
        is_exact = caller.role == EXACT
        found = None
        if sought or caller.adviser:
            wanted = requests.Find(sought or "", 20, users=is_exact, adviser=caller.adviser, record=sought is not None)
            found = self._bank.find(wanted)
        examples = self._bank.example_users() if is_exact and not sought else ()
        values = {"sought": sought, "found": found, "examples": examples, "is_adviser": caller.adviser is not None}
        return View("search.html", values)

    def customer(self, visit: Visit) -> View | Response:
        """One customer: the list, what is held, what is refused, why not, the record."""
        caller, user = visit.known, visit.id("user")
        visit.request.state.user = user
        self._service.own(caller, user)
        as_of, language = visit.asked("as_of"), visit.language.code
        if visit.is_part and visit.asked("product"):
            # Nothing else is shown anew, so that no list is made and recorded.
            return View("why.html", {"user": user, "as_of": as_of, **self._why_not(visit, user, as_of)})
        dates = self._bank.dates()
        known = {"user": user, "as_of": as_of, "dates": dates, "view": caller.role}
        try:
            served = self._bank.recommend(requests.Recommend(user, SHOWN, language=language, as_of=as_of))
        except NotTrained:
            if as_of is None:
                raise
            return View("customer.html", {**known, "seen": None})
        about = self._bank.about_customer(requests.AboutCustomer(user, caller.role, as_of, language))
        seen = self._seen(served, caller)
        items = [(item, _percents(item, served.sentences)) for item in seen.answer.items]
        values: dict[str, Any] = {**known, "seen": seen, "items": items, "about": about, "words": served.sentences}
        values |= self._why_not(visit, user, as_of)
        values |= {"reasons": REASONS_AGAINST, "said": visit.asked("said"), "said_of": visit.asked("about")}
        values["events"] = [secrets.token_hex(8) for _ in items]
        values |= self._portrait(caller, user, as_of)
        values["entries"] = ()
        if caller.may("record"):
            values["entries"] = self._bank.record_list(jobs.ListRecord(user, 8))[::-1]
        return View("customer.html", values)

    def _portrait(self, caller: Caller, user: str, as_of: str | None) -> dict[str, Any]:
        """The portrait of a customer; a file of the bank that cannot be used is no reason to show no list."""
        found, fault = None, None
        if caller.may("portrait"):
            try:
                found = self._bank.portrait(requests.AskPortrait(user, as_of))
            except UsageError as error:
                fault = str(error)
        return {"portrait": found, "portrait_fault": fault}

    def feedback(self, visit: Visit) -> View | Response:
        """What a customer said of a product, as an event that counts from now on."""
        caller, user = visit.known, visit.id("user")
        product, said, reason = (visit.form.get(name, "") for name in ("product", "said", "reason"))
        visit.request.state.user, visit.request.state.product = user, product
        self._service.own(caller, user)
        if said not in SAID:
            raise Refusal(problem(422, "bad-request", f"said: want one of {', '.join(SAID)}"))
        entry = visit.form.get("entry", "")
        event = requests.SendEvent(
            user,
            said,
            product,
            id=f"page-{visit.form.get('event', '')[:64]}-{said}",
            reason=reason if said == "rejected" and reason in REASONS_AGAINST else None,
            entry=int(entry) if entry.isdigit() and len(entry) < 16 else None,
        )
        try:
            self._bank.send_event(event)
        except EventRefused as error:
            # Sent twice: the first one counts.
            if error.kind != "conflict":
                raise
        return visit.go(url("customers", user, said=said, about=product))

    def ask(self, visit: Visit) -> View:
        """The answer to a question about one customer, and a form for the next one."""
        caller, user = visit.known, visit.id("user")
        visit.request.state.user = user
        text, after = visit.form.get("question", "").strip()[:LONGEST], visit.form.get("after", "")
        if not text:
            raise Refusal(problem(422, "bad-request", "question: want a text"))
        entry = int(after) if after.isdigit() and 0 < len(after) < 16 and int(after) else None
        found = answered(
            self._service, caller, schemas.Question.model_validate({"question": text, "user": user, "after": entry})
        )
        return View("ask.html", {"user": user, "found": found})

    def _why_not(self, visit: Visit, user: str, as_of: str | None) -> dict[str, Any]:
        """Why the product that is asked about is not in the list: by id, or by words that fit one product alone.

        Without a product there is nothing; where several fit, they are named.
        """
        sought = visit.asked("product")
        if sought is None:
            return {}
        try:
            return {"product": sought, **self._refused(visit, user, sought, as_of)}
        except UnknownId:
            found = self._bank.find(requests.Find(sought, OFFERED, record=False)).products
        close = [one for one in found if one.score >= CLOSE] or found
        if len(close) == 1:
            return {"product": sought, **self._refused(visit, user, close[0].id, as_of)}
        return {"product": sought, "why": None, "which": close}

    def _refused(self, visit: Visit, user: str, product: str, as_of: str | None) -> dict[str, Any]:
        """Why a product is not in the list, as the role sees it, and the words for it."""
        caller = visit.known
        asked = requests.WhyNot(user, product, SHOWN, as_of=as_of, language=visit.language.code)
        refused = self._bank.why_not(asked)
        found = refused.found if caller.role == EXACT else self._bank.seen_why_not(refused, caller.role)
        return {"why": found, "words": refused.sentences}

    def _seen(self, served: Served, caller: Caller) -> Served | Seen:
        return served if caller.role == EXACT else self._bank.seen(served, caller.role)

    def explanation(self, visit: Visit) -> View:
        """One score: a waterfall, the ways as a graph, every line with its Cypher."""
        caller, user, product = visit.known, visit.id("user"), visit.id("product")
        visit.request.state.user, visit.request.state.product = user, product
        self._service.own(caller, user)
        as_of = visit.asked("as_of")
        served = self._bank.explain(requests.Explain(user, product, SHOWN, language=visit.language.code, as_of=as_of))
        seen, words = self._seen(served, caller), served.sentences
        values: dict[str, Any] = {
            "user": user, "product": product, "as_of": as_of, "seen": seen, "words": words, "item": None,
        }  # fmt: skip
        if seen.answer.items:
            item = seen.answer.items[0]
            lines = [(line, way(line, words)) for line in item.lines]
            values |= {"item": item, "lines": lines, "graph": graph(item.lines, product, words)}
            values |= {"grounds": GROUNDS, "contestable": ()}
            if as_of is None and caller.may("contest"):
                values["contestable"] = self._bank.contestable(user, product, visit.language.code)
            values["bars"] = _score(item, words) if isinstance(item, Item) else _percents(item, words)
        return View("explanation.html", values)

    def product(self, visit: Visit) -> View:
        """One product: what is known of it, who holds it, similar ones."""
        product = visit.request.state.product = visit.id("product")
        asked = requests.AboutProduct(product, visit.known.role, language=visit.language.code)
        about = self._bank.about_product(asked)
        audience = None
        if visit.asked("audience") and visit.known.may("audience"):
            caller, where = visit.known, visit.asked("where")
            wanted = requests.Audience(product, 10, where, adviser=caller.adviser, language=visit.language.code)
            audience = self._bank.audience(wanted, caller.role)
        return View("product.html", {"about": about, "words": about.sentences, "audience": audience})

    # The policy.

    def policy(self, visit: Visit) -> View:
        """The rules with what each of them does."""
        return View("policy.html", {**self._rules(visit), "change": None, "problem": None, "asked": {}})

    def change_rule(self, visit: Visit) -> View:
        """What would change if a rule were another one; nothing is changed."""
        form = visit.form
        require = None if form.get("without") else form.get("require", "").strip()
        values: dict[str, Any] = {**self._rules(visit), "change": None, "problem": None, "asked": form}
        try:
            values["change"] = self._bank.change_rule(jobs.ChangeRule(form.get("rule", ""), require))
        except PolicyError as error:
            values["problem"] = str(error)
        return View("policy.html", values)

    def _rules(self, visit: Visit) -> Mapping[str, Any]:
        """The policy with its counts, which are computed once for a policy and its facts."""
        state = self._bank.state()
        if self._policy is None or self._policy[0] != state:
            self._policy = (state, self._bank.check_policy(jobs.CheckPolicy()).report)
        policy, report = self._bank.policy_rules(), self._policy[1]
        is_exact = visit.known.role == EXACT
        shown = [rule for rule in policy.rules if is_exact or not rule.confidential]
        return {
            "policy": policy, "rules": shown, "report": report, "counts": {one.id: one for one in report.rules},
            "is_exact": is_exact, "least": self._bank.min_group(),
        }  # fmt: skip

    # The record.

    def records(self, visit: Visit) -> View:
        """The last entries, of one customer where one is named."""
        asked = visit.asked("q")
        last = next((one for one in ENTRIES if str(one) == visit.asked("last")), ENTRIES[0])
        found = self._bank.record_list(jobs.ListRecord(asked, last))[::-1]
        values = {"entries": found, "sought": asked, "last": last, "lasts": ENTRIES, "checked": None}
        return View("records.html", {**values, "head": self._bank.record_head()})

    def verify(self, visit: Visit) -> View:
        """The same, with every hash of the record computed anew."""
        found = self.records(visit)
        return View(found.template, {**found.values, "checked": self._bank.verify_record(jobs.VerifyRecord())})

    def record(self, visit: Visit) -> View:
        """One entry."""
        caller = visit.known
        entry = self._bank.record_entry(number_of(visit.id("number")))
        visit.request.state.user = None if entry.is_erased else entry.entry.get("user")
        self._service.own(caller, visit.request.state.user)
        whole = None
        if caller.role in WHOLE_RECORD and not entry.is_erased:
            whole = json.dumps(entry.to_json(), ensure_ascii=False, indent=1)
        return View("record.html", {"entry": short(entry), "hash": entry.hash, "whole": whole, "replayed": None})

    def replay(self, visit: Visit) -> View:
        """The same, with the answer computed again."""
        found = self.record(visit)
        replayed = self._bank.replay(number_of(visit.id("number")))
        return View(found.template, {**found.values, "replayed": replayed})


def _percents(item: Any, words: Sentences) -> Waterfall | None:
    """The reasons of a product in per cents that add up to 100; None where nothing speaks for it."""
    figures, rest = shown_percents(item)
    if rest is None:
        return None
    parts = [(one.text, float(figure)) for one, figure in zip(item.reasons, figures, strict=True) if figure]
    parts += [(words.say("heads.rest"), float(rest))] if rest else []
    return waterfall(parts, ("", 100.0), rounding=words.say("heads.rounding"), digits=0)


def _score(item: Item, words: Sentences) -> Waterfall:
    """The reasons of a product in score units, which add up to the score with all else."""
    counted = [one for one in item.reasons if one.percent is not None]
    parts = [(one.text, one.share) for one in counted[:REASONS]]
    whole = next((100 * one.share / one.percent for one in counted if one.percent), 0.0)
    against = (item.against or 0.0) * whole / 100
    rest = item.score - sum(share for _, share in parts) + against
    parts += [(words.say("heads.rest"), rest)] if abs(rest) > 5e-5 else []
    parts += [(words.say("heads.against"), -against)] if against > 5e-5 else []
    return waterfall(parts, (words.say("heads.score"), item.score), rounding=words.say("heads.rounding"), digits=4)
