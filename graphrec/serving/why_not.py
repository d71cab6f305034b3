"""Why a product is not in a user's list: the rules that refuse it, or its rank and the evidence that it lacks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from graphrec.languages import LANGUAGES
from graphrec.policy.compiled import Finding
from graphrec.serving.answer import Answer, ExplainOptions, Item, Line, ListOptions, Node, People, PolicyName
from graphrec.serving.engine import Engine, Scored, Wanted, said

LINES = 5


@dataclass(frozen=True)
class Gap:
    """A line of the product that is ahead, and how much less of the same the product itself has."""

    kind: str
    term: str
    text: str
    ahead: float
    """The line's part of the score of the product that is ahead."""
    here: float | None
    """The same line's part of the score of the product that was asked about; None where it leads through fewer than
    `min_group` other people, or through nobody."""
    line: Line
    """That line of the product that is ahead."""


@dataclass(frozen=True)
class Ahead:
    """The last product of the list, which the product would have to pass."""

    rank: int
    product: str
    name: str | None
    score: float
    composition: Mapping[str, float]


@dataclass(frozen=True)
class WhyNot:
    """The answer for one user and one product."""

    user: str
    product: str
    name: str | None
    as_of: str | None
    model: str
    snapshot: str
    policy: PolicyName | None
    """None: the request goes without a policy."""
    verdict: str
    """The whole answer in one sentence."""
    k: int
    refused: tuple[Finding, ...] = ()
    """Every rule that refuses the product, with the values it read."""
    rank: int | None = None
    score: float | None = None
    confidence: float | None = None
    composition: Mapping[str, float] | None = None
    """The parts of the score by kind of evidence."""
    ahead: Ahead | None = None
    told: str = ""
    """The answer for those who read no scores and no confidential rules."""
    missing: tuple[Gap, ...] = ()
    """What speaks for the product that is ahead and less, or not, for this one; the largest gap first."""

    def to_json(self) -> dict[str, Any]:
        """The answer as plain values."""
        plain = asdict(self)
        del plain["told"]
        for gap in plain["missing"]:
            del gap["line"]
        return plain


def why_not(
    engine: Engine, user_id: str, product_id: str, k: int, *, min_confidence: float = 0.0, language: str = LANGUAGES[0]
) -> WhyNot:
    """Why a product is not among the k products listed for a user, or that it is.

    Args:
        min_confidence: products below it are left out of lists.
        language: of all that is said.

    Raises:
        UnknownId: there is no such user or product.
    """
    engine = engine.of_customer(user_id)
    explained = engine.explain(user_id, product_id, k, ExplainOptions(language=language))
    sentences = engine.reasons_in(language).sentences
    number = sentences.language.number
    user, product = engine.users.ids.find(user_id), engine.products.ids.find(product_id)
    refusals = engine.eligibility.refusals(user, product, sentences.language)
    refused = tuple(replace(one, sentence=said(one, engine.policy, sentences)) for one in refusals)
    about = _about(engine, explained, product, k)
    if refused or not explained.items:
        why = explained.abstained or ""
        hidden = any(one.confidential for one in refused)
        told = sentences.say("notes.not_available", i=product_id, user=user_id) if hidden else why
        return replace(about, verdict=why, told=told, refused=refused)
    (item,) = explained.items
    about = replace(
        about, rank=item.rank, score=item.score, confidence=item.confidence, composition=item.composition
    )  # fmt: skip
    if item.confidence < min_confidence:
        unsure = {"own": number(item.confidence, 2), "least": sentences.language.given(min_confidence)}
        told = sentences.say("notes.little_evidence", i=product_id, user=user_id)
        why = sentences.say("notes.too_unsure", i=product_id, user=user_id, **unsure)
        return replace(about, verdict=why, told=told)
    if item.score <= 0:
        told = why = sentences.say("notes.is_outweighed", i=product_id, user=user_id)
        return replace(about, verdict=why, told=told)
    if item.rank is not None and item.rank <= k:
        listed = sentences.say("notes.is_listed", i=product_id, user=user_id, rank=number(item.rank), k=number(k))
        return replace(about, verdict=listed, told=listed)
    last = engine.recommend(user_id, k, ListOptions(reasons=1, language=language)).items[-1]
    verdict = sentences.say(
        "notes.ranks_behind",
        i=product_id, user=user_id, rank=number(item.rank or 0), score=number(item.score, 3), other=last.product,
        other_rank=number(last.rank or 0), other_score=number(last.score, 3),
    )  # fmt: skip
    told = sentences.say(
        "notes.shown_behind", i=product_id, user=user_id, rank=number(item.rank or 0), other=last.product,
        other_rank=number(last.rank or 0),
    )  # fmt: skip
    missing = _gaps(engine, user, product, last, language)
    ahead = Ahead(last.rank or k, last.product, last.name, last.score, last.composition)
    return replace(about, verdict=verdict, told=told, ahead=ahead, missing=missing)


def _about(engine: Engine, answer: Answer, product: int, k: int) -> WhyNot:
    """What every answer says."""
    return WhyNot(
        user=answer.user,
        product=engine.products.ids[product],
        name=engine.snapshot.name(engine.roles.product, product),
        as_of=answer.as_of,
        model=answer.model,
        snapshot=answer.snapshot,
        policy=engine.policy_name,
        verdict="",
        k=k,
    )


def _gaps(engine: Engine, user: int, product: int, last: Item, language: str) -> tuple[Gap, ...]:
    """The lines of the last product of the list that this one has less of; user and product as in the snapshot."""
    roles, positions, blend = engine.roles, engine.positions, engine.model.blend
    user = positions.in_model(roles.user, user)
    here = positions.in_model(roles.product, product)
    ahead = positions.in_model(roles.product, engine.products.ids.find(last.product))
    row = blend.row(user)
    reference = engine.reference(user, engine.allowed(np.array([user]))[0])
    asked = Wanted(np.array([here, ahead], np.int32), 2, reference)
    scored = Scored.of(user, row, np.zeros(0, np.bool_), asked, blend.ledger(user, asked.asked, row.scales))
    ledger = scored.ledger
    gap = ledger.values[:, 1] - ledger.values[:, 0]
    reasons = engine.reasons_in(language)
    groups = reasons.groups(user, ledger, scored.beside, reference)
    shown = reasons.strongest(ledger, ledger.values[:, 0])
    own = {_way(line) for line in reasons.lines(user, here, groups, 0, row.scales, shown)}
    first = reasons.strongest(ledger, gap, LINES)
    gaps = []
    for place, line in zip(first, reasons.lines(user, ahead, groups, 1, row.scales, first), strict=True):
        # Nobody and too few people read alike: else it would be known whether one of them holds the product.
        hidden = _is_group(line) and _way(line) not in own
        less = None if hidden else float(ledger.values[place, 0])
        gaps.append(Gap(line.kind, line.term, line.text, line.share, less, line))
    return tuple(gaps)


def _is_group(line: Line) -> bool:
    """Whether a line speaks of other people."""
    return any(isinstance(part, People) and part.count is not None for part in line.path or ())


def _way(line: Line) -> tuple[object, ...]:
    """The way that a line takes, but for the product it leads to and for how many people."""
    between = (line.path or ())[1:-1]
    return line.term, *(
        part if not isinstance(part, Node | People) else (part.label, part.id if isinstance(part, Node) else None)
        for part in between
    )
