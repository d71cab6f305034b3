"""Answers as a person reads them: the list, the reasons, the ledger."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphrec.app.answers import Seen, Served
from graphrec.cli.output import emit_json, note, say, say_block, table
from graphrec.serving.answer import Answer, Audit, Item, Line
from graphrec.serving.reasons.sentences import Sentences

if TYPE_CHECKING:
    from graphrec.serving.views import SeenAnswer, SeenLine

SHOWN = 0.0005
"""Smaller shares round to 0.000 and are left out."""


def to_json(served: Served | Seen) -> dict[str, object]:
    """The one object that `recommend --json` and `explain --json` print."""
    plain = served.answer.to_json()
    return {**plain, "notes": [*plain["notes"], *served.notes], "record": served.record}


def show_served(served: Served | Seen) -> None:
    """Print beside an answer what a reader should know besides, and where it is in the record."""
    for text in served.notes:
        note(f"note: {text}")
    if served.answer.policy is not None:
        note(f"policy, version {served.answer.policy.version} · {served.answer.policy.hash[:16]}")
    if served.record is not None:
        note(f"recorded as entry {served.record}")


def show_answer(answer: Answer, sentences: Sentences) -> None:
    """Print a list with the reasons of every product, in the language of `sentences`."""
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say(answer.abstained or sentences.say("no list", user=answer.user))
        return
    rows: list[list[str]] = []
    for item in answer.items:
        kind = sentences.value(item.product_kind or "")
        rows.append([str(item.rank), item.product, item.name or "", kind, f"{item.score:.3f}", ""])
        rows += [["", "", "", "", "!", warning] for warning in item.warnings]
        rows += [["", "", "", "", f"{line.share:+.3f}", line.text] for line in item.lines]
        if abs(item.rest) >= SHOWN or not item.lines:
            rows.append(["", "", "", "", f"{item.rest:+.3f}", sentences.say("rest" if item.lines else "all rest")])
    columns = [sentences.say(key) for key in ("rank", "product", "name", "kind", "score", "of which")]
    table(columns, rows, title=_title(answer, sentences), right=[columns[0], columns[4]], optional=columns[2:4])
    say(sentences.say("composition", parts=_parts(answer.items, sentences)))
    if answer.abstained:
        say(answer.abstained)


def show_ledger(answer: Answer, sentences: Sentences, *, cypher: bool = True) -> None:
    """Print every line of one score, and the Cypher of each path."""
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say(answer.abstained or "")
        return
    item = answer.items[0]
    rows = [[f"{line.share:+.4f}", f"{line.contrast:+.4f}", line.kind, line.term, line.text] for line in item.lines]
    rest = sentences.say("too few" if abs(item.rest) > 1e-9 else "rounding")
    rows.append([f"{item.rest:+.4f}", "", "rest", "", rest])
    placed = sentences.say("placed", rank=str(item.rank), score=f"{item.score:.4f}")
    columns = [sentences.say(key) for key in ("share", "contrast", "kind", "term", "line")]
    title = f"{_title(answer, sentences)} · {item.name or item.product} · {placed}"
    table(columns, rows, title=title, right=columns[:2])
    for warning in item.warnings:
        say(f"! {warning}")
    say(sentences.say("adds up", parts=_parts([item], sentences), confidence=f"{item.confidence:.2f}"))
    if item.gradients is not None:
        edges = len(item.gradients.edges) + sum(one.count for one in item.gradients.people)
        say(sentences.say("gradients", edges=f"{edges:,}", gap=f"{item.gradients.completeness_gap:.2%}"))
    if item.audit is not None:
        _show_audit(item, item.audit, sentences)
    if cypher:
        _show_cypher(item.lines)


def show_seen(seen: Seen, *, json: bool = False, cypher: bool = False) -> None:
    """Print what a role reads of a list or of an explanation: reasons with whole per cents."""
    if json:
        emit_json(to_json(seen))
        return
    answer, sentences = seen.answer, seen.sentences
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say(answer.abstained or sentences.say("no list", user=answer.user))
        return
    rows: list[list[str]] = []
    for item in answer.items:
        kind = sentences.value(item.product_kind or "")
        rows.append([str(item.rank), item.product, item.name or "", kind, "", ""])
        rows += [["", "", "", "", "!", warning] for warning in item.warnings]
        rows += [["", "", "", "", _per_cent(reason.percent), reason.text] for reason in item.reasons]
        if item.other:
            rows.append(["", "", "", "", _per_cent(item.other), sentences.say("rest" if item.reasons else "all rest")])
    columns = [sentences.say(key) for key in ("rank", "product", "name", "kind")] + ["%", sentences.say("of which")]
    table(columns, rows, title=_title(answer, sentences), right=[columns[0], columns[4]], optional=columns[2:4])
    if answer.abstained:
        say(answer.abstained)
    if cypher:
        _show_cypher(answer.items[0].lines)


def _per_cent(percent: int | None) -> str:
    return "" if percent is None else f"{percent} %"


def _parts(items: Sequence[Item], sentences: Sentences) -> str:
    """What the scores of some items are made of: the largest part first, and that none comes from who the user is."""
    total = sum(item.score for item in items) or 1.0
    summed = {name: sum(item.composition[name] for item in items) / total for name in items[0].composition}
    shown = {name: share for name, share in summed.items() if name in ("path", "self") or abs(share) >= 0.005}
    by_size = sorted(shown, key=lambda name: -abs(shown[name]))
    text = ", ".join(sentences.say(name, share=f"{shown[name]:.0%}") for name in by_size)
    hidden = sum(item.below_min_group or 0.0 for item in items) / total
    if hidden:
        small = sentences.say("small groups", share=f"{hidden:.1%}", n=str(sentences.schema.roles.min_group))
        text = f"{text}; {small}"
    return sentences.language.punctuate(text)


def _show_audit(item: Item, audit: Audit, sentences: Sentences) -> None:
    """What deleting each edge of the user does, as predicted by the ledger and as it is."""
    rows = []
    for one in audit.deletions:
        via = sentences.called(one.via) if one.via else ""
        effect = [f"{one.predicted:+.4f}", f"{one.actual:+.4f}", f"{one.actual - one.predicted:+.1e}"]
        rows.append([one.edge, via, *effect, f"{item.rank} → {one.rank}"])
    columns = [sentences.say(key) for key in ("deleted edge", "to", "predicted", "actual", "gap", "rank")]
    table(columns, rows, right=columns[2:])
    say(sentences.say("recomputed", terms=", ".join(audit.recomputed) or "-", folded=", ".join(audit.folded_in) or "-"))
    say(sentences.say("held fixed", error=f"{audit.sum_error:.1e}"))


def _show_cypher(lines: "Sequence[Line | SeenLine]") -> None:
    """Each statement once, with the parameters of every line that uses it."""
    statements: dict[str, list[Line | SeenLine]] = {}
    for line in lines:
        if line.cypher:
            statements.setdefault(line.cypher, []).append(line)
    for statement, using in statements.items():
        say()
        say_block(statement)
        for line in using:
            say(f"// {line.text}: {json.dumps(line.parameters, ensure_ascii=False)}")


def _title(answer: "Answer | SeenAnswer", sentences: Sentences) -> str:
    dated = f" · {sentences.say('as of', date=answer.as_of[:10])}" if answer.as_of else ""
    return f"{answer.user} · {answer.model}{dated}"
