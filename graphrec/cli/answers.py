"""Answers as a person reads them: the list, the reasons, the ledger."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from graphrec.app.answers import Seen, Served, to_json
from graphrec.cli.output import emit_json, note, say, say_block, say_wrapped, table
from graphrec.serving.answer import Answer, Audit, Item, Line, Reason
from graphrec.serving.reasons.columns import named
from graphrec.serving.reasons.sentences import Sentences
from graphrec.serving.views import shown_percents

if TYPE_CHECKING:
    from graphrec.serving.views import SeenAnswer, SeenItem, SeenLine

LEAST = 0.5
"""Smaller per cents round to 0 and are left out."""
BAR = 10
"""Columns of the bar of 100 per cent."""
CONFIDENCE = (("high", 0.8), ("medium", 0.5), ("low", 0.0))
"""The least confidence of each word: 2 spreads above what the customer may be shown, 1 spread, less."""


def show_served(served: Served | Seen) -> None:
    """Print beside an answer what a reader should know besides, and where it is in the record."""
    for text in served.notes:
        note(f"note: {text}")
    if served.answer.policy is not None:
        policy = served.answer.policy
        note(served.sentences.say("heads.policy", version=policy.version, hash=policy.hash[:16]))
    if served.record is not None:
        note(served.sentences.say("heads.recorded", n=str(served.record)))


def show_answer(answer: Answer, sentences: Sentences) -> None:
    """Print a list with the reasons of every product, in the language of `sentences`."""
    if not _show_items(answer, sentences):
        return
    if sentences.voice == "adviser":
        say()
        say_wrapped(sentences.say("parts.composition", parts=_parts(answer.items, sentences)))
    if answer.abstained:
        say_wrapped(answer.abstained)


def _show_items(answer: "Answer | SeenAnswer", sentences: Sentences) -> bool:
    """Print the products of a list under what the rules of the policy read of the customer.

    Returns:
        False where there are none: then why is printed.
    """
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say_wrapped(answer.abstained or sentences.say("notes.no_list", user=answer.user))
        return False
    say(_title(answer, sentences))
    if any(value is not None for value in answer.limits.values()):
        say_wrapped(_limits(answer.limits, sentences))
    if answer.drawn is not None:
        say_wrapped(answer.drawn.text)
    for item in answer.items:
        say()
        _show_item(item, sentences)
    return True


def _show_item(item: "Item | SeenItem", sentences: Sentences) -> None:
    """Print one product of a list, what is known of it, and its reasons with their per cents."""
    name = f"{item.name} ({item.product})" if item.name else item.product
    say_wrapped(" · ".join([f"{item.rank}. {name}", *_facts(item, sentences)]), indent=3)
    for warning in item.warnings:
        say_wrapped(f"   ! {warning}", indent=5)
    figures, rest = shown_percents(item)
    texts = [reason.text for reason in item.reasons]
    for text, figure in zip(texts, figures, strict=True):
        if figure != 0:
            _show_share(figure, text, sentences)
    if rest:
        _show_share(rest, sentences.say("heads.rest"), sentences)
    if item.against is not None and item.against >= LEAST:
        _show_share(-item.against, sentences.say("heads.against"), sentences)


def _facts(item: "Item | SeenItem", sentences: Sentences) -> list[str]:
    """Kind, risk class, fee, smallest amount and confidence of a product, as far as they are known."""
    found = [sentences.value(item.product_kind)] if item.product_kind else []
    for name, value in (("risk", item.risk), ("fee", item.fee), ("minimum", item.minimum)):
        if value is not None and (name != "minimum" or value):
            found.append(sentences.say(f"heads.{name}", value=sentences.shown(name, value)))
    sure = next(word for word, least in CONFIDENCE if item.confidence >= least)
    return [*found, f"{sentences.say('heads.confidence')} {sentences.say(f'confidence.{sure}')}"]


def _limits(limits: Mapping[str, str | int | float | bool | None], sentences: Sentences) -> str:
    """What the rules of the policy read of the customer."""
    known = [" ".join(named(sentences, name, value)) for name, value in limits.items() if value is not None]
    return sentences.say("heads.limits", limits=sentences.language.texts["lists.comma"].join(known))


def _show_share(percent: float | None, text: str, sentences: Sentences) -> None:
    """Print a reason beside its per cent and a bar; a heading has neither."""
    if percent is None:
        say_wrapped(f"   {text}", indent=3)
        return
    bar = "█" * max(round(min(abs(percent), 100) * BAR / 100), percent > 0)
    figure = sentences.language.percent(percent)
    say_wrapped(f"   {bar if percent > 0 else '':<{BAR}} {figure:>5}  {text}", indent=3 + BAR + 8)


def show_ledger(answer: Answer, sentences: Sentences, *, cypher: bool = True) -> None:
    """Print the reasons and every line of one score, and the Cypher of each path."""
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say(answer.abstained or "")
        return
    item = answer.items[0]
    number, kind = sentences.language.number, sentences.kind
    say(_title(answer, sentences))
    _show_item(item, sentences)
    say()
    rows = [
        [number(line.share, 4, sign=True), number(line.contrast, 4, sign=True), kind(line.kind), line.term, line.text]
        for line in item.lines
    ]
    rest = sentences.say("heads.too_few" if abs(item.rest) > 1e-9 else "heads.rounding")
    rows.append([number(item.rest, 4, sign=True), "", kind("rest"), "", rest])
    columns = [sentences.say(f"heads.{key}") for key in ("share", "contrast", "kind", "term", "line")]
    title = sentences.say("heads.placed", rank=str(item.rank), score=number(item.score, 4))
    table(columns, rows, title=title, right=columns[:2])
    sure = number(item.confidence, 2)
    say_wrapped(sentences.say("parts.adds_up", parts=_parts([item], sentences), confidence=sure))
    if item.gradients is not None:
        edges = len(item.gradients.edges)
        gap = sentences.language.percent(100 * item.gradients.completeness_gap, 2)
        say_wrapped(sentences.say("notes.gradients", edges=number(edges), gap=gap))
    if item.audit is not None:
        _show_audit(item, item.audit, sentences)
    if cypher:
        _show_cypher([*item.reasons, *item.lines])


def show_seen(seen: Seen, *, json: bool = False, cypher: bool = False) -> None:
    """Print what a role reads of a list or of an explanation: reasons with whole per cents."""
    if json:
        emit_json(to_json(seen))
        return
    answer = seen.answer
    if not _show_items(answer, seen.sentences):
        return
    if answer.abstained:
        say_wrapped(answer.abstained)
    if cypher:
        _show_cypher(answer.items[0].lines)


def _parts(items: Sequence[Item], sentences: Sentences) -> str:
    """What the scores of some items are made of: the largest part first, and that none comes from who the user is."""
    percent = sentences.language.percent
    total = sum(item.score for item in items) or 1.0
    summed = {name: sum(item.composition[name] for item in items) / total for name in items[0].composition}
    shown = {name: share for name, share in summed.items() if name in ("path", "self") or abs(share) >= 0.005}
    by_size = sorted(shown, key=lambda name: -abs(shown[name]))
    texts = [_part(name, percent(100 * shown[name]), sentences) for name in by_size]
    return sentences.language.texts["lists.comma"].join(texts)


def _part(name: str, share: str, sentences: Sentences) -> str:
    """One part of scores; a block of features that no language knows is called by its name."""
    known = f"parts.{name}" in sentences.language.texts
    return sentences.say(f"parts.{name if known else 'block'}", share=share, block=sentences.word(name))


def _show_audit(item: Item, audit: Audit, sentences: Sentences) -> None:
    """What deleting each edge of the user does, as predicted by the ledger and as it is."""
    number = sentences.language.number
    rows = []
    for one in audit.deletions:
        via = sentences.called(one.via) if one.via else ""
        effect = [number(value, 4, sign=True) for value in (one.predicted, one.actual)]
        rows.append([one.edge, via, *effect, f"{one.actual - one.predicted:+.1e}", f"{item.rank} → {one.rank}"])
    columns = [sentences.say(f"heads.{key}") for key in ("deleted_edge", "to", "predicted", "actual", "gap", "rank")]
    table(columns, rows, right=columns[2:])
    terms, folded = ", ".join(audit.recomputed) or "-", ", ".join(audit.folded_in) or "-"
    say_wrapped(sentences.say("notes.recomputed", terms=terms, folded=folded))
    say_wrapped(sentences.say("notes.held_fixed", error=f"{audit.sum_error:.1e}"))


def _show_cypher(lines: "Sequence[Line | Reason | SeenLine]") -> None:
    """Each statement once, with the parameters of every line and reason that uses it."""
    statements: dict[str, list[Line | Reason | SeenLine]] = {}
    for line in lines:
        if line.cypher:
            statements.setdefault(line.cypher, []).append(line)
    for statement, using in statements.items():
        say()
        say_block(statement)
        for line in using:
            say(f"// {line.text}: {json.dumps(line.parameters, ensure_ascii=False)}")


def _title(answer: "Answer | SeenAnswer", sentences: Sentences) -> str:
    dated = (
        f" · {sentences.say('heads.as_of', date=sentences.language.date(datetime.fromisoformat(answer.as_of)))}"
        if answer.as_of
        else ""
    )
    return f"{answer.user} · {answer.model}{dated}"
