"""One question to one answer: parsed, answered from records as a role reads them, and kept with the decision record.

A conversation is a chain of entries: a question may name the entry that it follows, and takes from it the product that
it leaves out. The words of a question are kept only under the key of the customer whom it is about, and go with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from graphrec.app.models import in_force
from graphrec.app.recording import record_event
from graphrec.ask.answers import Answers, Asking, CannotSay, K, check_user
from graphrec.ask.model import WRITES, Model, NoAnswer, model_of
from graphrec.ask.patterns import Intent
from graphrec.ask.question import Names, Parsed, parse
from graphrec.ask.said import Draft, Evidence
from graphrec.ask.wording import checked
from graphrec.errors import UsageError
from graphrec.languages import language_of
from graphrec.schema import EXACT, View

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

COMMAND = "ask"
TEMPLATE = "template"
#: Intents whose product a question that follows another one may leave out.
_OF_EACH = ("cost", "risk")
_OF_PRODUCTS = ("why", "why_not", "what_if", "cost", "risk", "product", "compare")


@dataclass(frozen=True)
class Ask:
    """A question in somebody's own words."""

    question: str
    user: str | None = None
    """The customer whom it is about; None: the one that it names, or nobody."""
    view: View = EXACT
    """Who reads the answer."""
    after: int | None = None
    """Entry of the decision record of the question that this one follows."""
    language: str | None = None
    """Of the answer; None: that of the question."""
    k: int = K
    as_of: str | None = None
    record: bool = True
    asker: str | None = None
    """Who asks, such as a key of the service; None: the settings' actor. A conversation is that of one asker."""
    may_name: bool = True
    """Whether the question, or the one before it, may say who the customer is; False: `user` alone does."""


@dataclass(frozen=True)
class Answered:
    """An answer, and all that it rests on."""

    question: str
    language: str
    user: str | None
    intent: str
    slots: Mapping[str, object]
    answer: str
    sentences: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    refused: str | None
    """Why there is no answer: unanswerable, other_customer, role, no_customer, no_product, which_product, two_products,
    no_change, no_amount or unknown; None: there is one."""
    found_by: str
    """What found the intent: pattern, example (the nearest ones, or the model), conversation or nothing."""
    worded_by: str
    """template, or the model that put it into words."""
    record: int | None
    """Number of its entry; None where nothing was recorded."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)


def ask(bank: Bank, request: Ask) -> Answered:
    """The answer to a question, from records alone.

    Raises:
        UnknownId: there is no such customer, or no such entry.
        UsageError: the question is empty or too long, or follows an entry of somebody else.
        NotTrained: there is no model.
        NoPolicy: the home has no policy, and settings do not go without one.
    """
    home = bank.home_at(request.as_of)
    engine = bank.opened.engine(home, None, bank.now(request.as_of))
    in_force.require_policy(bank.settings, home, engine.policy)
    check_user(engine, request.user)
    before = None if request.after is None else _before(bank, request)
    # What follows another question and fits no pattern asks the same of something else.
    model = model_of(bank.settings)
    near = (_near if model is None else partial(_said_by, model)) if before is None else None
    parsed = parse(request.question, Names(engine.snapshot), bank.settings.language, nearest=near)
    user = request.user
    if user is None and request.may_name:
        user = parsed.users[0] if len(parsed.users) == 1 else (before or {}).get("user")
    parsed = _following(parsed, before)
    language = language_of(request.language or parsed.language, bank.home.languages)
    answers = Answers(bank, engine, language, Asking(user, request.view, request.as_of, request.k, request.record))
    refused = None
    try:
        answers.answer(parsed)
    except CannotSay as cannot:
        refused, parsed = cannot.why, _refused(parsed, cannot.why)
        answers.draft.sentences.clear()
        answers.draft.say(cannot.key, needed=True, **cannot.values)
    draft = answers.draft
    remarks: tuple[str, ...] = ()
    text, worded_by = draft.text, TEMPLATE
    if model is not None and refused is None:
        text, worded_by, remarks = worded(draft, model)
    content: dict[str, object] = {
        "by": _asker(bank, request), "intent": parsed.intent, "slots": parsed.slots, "view": request.view,
        "language": language.code, "refused": refused, "after": request.after,
    }  # fmt: skip
    if user is not None:
        content |= {
            "question": parsed.text,
            "answer": text,
            "worded_by": worded_by,
            "evidence": [asdict(one) for one in draft.evidence],
            "listed": answers.listed,
        }
    number, notes = record_event(bank, COMMAND, content, user=user, wanted=request.record, language=language)
    return Answered(
        question=parsed.text,
        language=language.code,
        user=user,
        intent=parsed.intent,
        slots=parsed.slots,
        answer=text,
        sentences=tuple(text.split("\n")),
        evidence=draft.evidence,
        refused=refused,
        found_by=parsed.by,
        worded_by=worded_by,
        record=number,
        notes=(*remarks, *notes),
    )


def worded(draft: Draft, model: Model) -> tuple[str, str, tuple[str, ...]]:
    """An answer as a model words it, by whom it is worded, and notes; as the templates say it where the check fails."""
    templates = [one.template for one in draft.sentences]
    try:
        found = checked(draft.sentences, model.worded(templates), draft.language)
    except NoAnswer as error:
        return draft.text, TEMPLATE, (f"the model {model.name} did not word the answer: {error}",)
    if found is None:
        return (
            draft.text,
            TEMPLATE,
            (f"what the model {model.name} said is not what the records say; templates say it",),
        )
    return found, model.name, ()


def _said_by(model: Model, text: str) -> Intent | None:
    """The intent that a model says; that of the nearest examples where it says none."""
    try:
        return model.intent(text)
    except NoAnswer:
        return _near(text)


def _near(text: str) -> Intent | None:
    """The intent of the nearest examples."""
    # The weights of the encoder, which most questions do without.
    from graphrec.ask.nearest import nearest

    found = nearest(text)
    return None if found in WRITES else found


def _refused(parsed: Parsed, why: str) -> Parsed:
    """What is asked of another customer has no intent that anything could follow."""
    return replace(parsed, intent="none", users=(), products=()) if why == "other_customer" else parsed


def _asker(bank: Bank, request: Ask) -> str | None:
    return request.asker or bank.settings.actor


def _before(bank: Bank, request: Ask) -> Mapping[str, Any]:
    """The entry that a question follows.

    Raises:
        UnknownId: there is no such entry.
        UsageError: it is no question, is erased, or is that of another asker or about another customer.
    """
    found = bank.record_entry(request.after or 0)
    about = f"entry {request.after}"
    if found.shared["request"]["command"] != COMMAND:
        raise UsageError(f"{about} is no question; --after wants the entry of one")
    if found.is_erased:
        raise UsageError(f"{about} is erased, and nothing can follow it; ask without --after")
    content = {**found.entry["event"], "user": found.entry.get("user")}
    if request.user is not None and content["user"] not in (None, request.user):
        raise UsageError(f"{about} is about another customer; ask without --after")
    if content.get("by") != _asker(bank, request):
        raise UsageError(f"{about} is a question of somebody else; ask without --after")
    return content


def _of_list(parsed: Parsed, listed: tuple[str, ...]) -> tuple[str, ...]:
    """The products of a list that the question after it is about: those whose places it names, two of them to compare,
    all of them where it asks for a fact of each, and else the first."""
    placed = tuple(listed[place - 1 if place > 0 else place] for place in parsed.places if abs(place) <= len(listed))
    if placed or parsed.places:
        return placed
    return listed[:2] if parsed.intent == "compare" else listed if parsed.intent in _OF_EACH else listed[:1]


def _following(parsed: Parsed, before: Mapping[str, Any] | None) -> Parsed:
    """A question with what it leaves out, from the one before it: the product, or what is asked of it."""
    if before is None:
        return parsed
    known, listed = tuple(before["slots"].get("products", ())), tuple(before.get("listed") or ())
    if parsed.intent == "recommend" and parsed.is_more and not parsed.products:
        return replace(parsed, beyond=(*before["slots"].get("beyond", ()), *listed))
    if (
        parsed.intent in _OF_PRODUCTS
        and not parsed.products
        and not parsed.unclear
        and listed
        and parsed.amount is None
    ):
        return replace(parsed, products=_of_list(parsed, listed))
    if parsed.intent == "none" and parsed.by == "nothing" and parsed.products and before["intent"] in _OF_PRODUCTS:
        return replace(parsed, intent=before["intent"], by="conversation")
    if parsed.intent in _OF_PRODUCTS and not parsed.unclear and known:
        wanted = 2 if parsed.intent == "compare" else 1
        if len(parsed.products) < wanted and parsed.amount is None:
            return replace(parsed, products=tuple(dict.fromkeys((*known[:1], *parsed.products))))
    return parsed
