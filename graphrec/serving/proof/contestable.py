"""The reasons of a product that a customer may contest, each with what it starts with."""

from dataclasses import dataclass

from graphrec.errors import UnknownId
from graphrec.graph.edges.own import ReasonStart
from graphrec.graph.folders.strings import ABSENT
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.terms.forms.contested import Start, start_of

NO_REASONS = ("many", "other")
"""Kinds of what is shown among reasons and is none: a heading, and what no sentence covers."""


@dataclass(frozen=True)
class Contestable:
    """A reason of one product."""

    number: int
    """Its place among the reasons that an explanation shows, from 1."""
    text: str
    """Without numbers of people."""
    percent: float | None
    starts: tuple[ReasonStart, ...]


def contestable(engine: Engine, user_id: str, product_id: str, k: int, language: str) -> tuple[Contestable, ...]:
    """The reasons of a product for a customer, numbered as `graphrec explain` shows them.

    Raises:
        UnknownId: there is no such user or product, or it is not offered to that user.
    """
    engine = engine.of_customer(user_id)
    reasons = engine.reasons_in(language)
    here = engine.position(engine.users, user_id, engine.roles.user)
    there = engine.position(engine.products, product_id, engine.roles.product)
    if why := engine.refusal(here, there, reasons.sentences):
        raise UnknownId(f"{product_id} is not offered to {user_id}, so that it has no reasons: {why}")
    user = engine.positions.in_model(engine.roles.user, here)
    product = engine.positions.in_model(engine.roles.product, there)
    if user == ABSENT or not engine.has_evidence(user):
        return ()
    scored = engine.scored(user, k, product)
    listed = engine.listed(scored, k, ListOptions(None, language=language, lines=False), product)
    shown, graph, ledger = listed.reasons[0].shown, engine.model.graph, scored.ledger
    often, found = reasons.sentences.say("lists.often"), []
    for number, (chosen, said) in enumerate(zip(shown, reasons.reasons(user, product, shown), strict=True), 1):
        if chosen.kind in NO_REASONS:
            continue
        lines = [(ledger.group_of(one), int(ledger.via[one]), int(ledger.mid[one])) for one in chosen.lines.tolist()]
        starts = dict.fromkeys(_named(engine, start_of(graph, *line)) for line in lines)
        text = said.text if said.wording is None else said.wording.replace("{people}", often)
        found.append(Contestable(number, text, said.percent, tuple(starts)))
    return tuple(found)


def _named(engine: Engine, start: Start) -> ReasonStart:
    nodes = tuple(sorted((label, engine.positions.node(label, place).id) for label, place in start.nodes))
    return ReasonStart("" if nodes else start.kind, nodes, start.edge)
