"""Answers as a person reads them: the list, the reasons, the ledger."""

import json

from graphrec.cli.output import note, say, table
from graphrec.serving.answer import Answer, Item, Line


def show_answer(answer: Answer) -> None:
    """Print a list with the reasons of every product."""
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say(answer.abstained or f"there is nothing to recommend to {answer.user}")
        return
    rows: list[list[str]] = []
    for item in answer.items:
        rows.append([str(item.rank), item.product, item.name or "", item.product_kind or "", f"{item.score:.3f}", ""])
        rows += [["", "", "", "", f"{line.share:+.3f}", line.text] for line in item.lines]
        rows.append(["", "", "", "", f"{item.rest:+.3f}", _rest(item)])
    columns = ["rank", "product", "name", "kind", "score", "of which"]
    table(columns, rows, title=_title(answer), right=["rank", "score"])
    if answer.abstained:
        say(answer.abstained)


def show_ledger(answer: Answer, *, cypher: bool = True) -> None:
    """Print every line of one score, and the Cypher of each path."""
    for text in answer.notes:
        note(f"note: {text}")
    if not answer.items:
        say(answer.abstained or "")
        return
    item = answer.items[0]
    rows = [[f"{line.share:+.4f}", f"{line.contrast:+.4f}", line.kind, line.term, line.text] for line in item.lines]
    rows.append([f"{item.rest:+.4f}", "", "rest", "", _small(item)])
    title = f"{_title(answer)} · {item.name or item.product} · rank {item.rank} · score {item.score:.4f}"
    table(["share", "contrast", "kind", "term", "line"], rows, title=title, right=["share", "contrast"])
    parts = (
        ", ".join(f"{kind} {value / item.score:.0%}" for kind, value in item.composition.items()) if item.score else ""
    )
    say(f"the lines add up to the score; of it: {parts}")
    if cypher:
        _show_cypher(item.lines)


def _show_cypher(lines: list[Line]) -> None:
    """Each statement once, with the parameters of every line that uses it."""
    statements: dict[str, list[Line]] = {}
    for line in lines:
        if line.cypher:
            statements.setdefault(line.cypher, []).append(line)
    for statement, using in statements.items():
        say()
        say(statement)
        for line in using:
            say(f"// {line.text}: {json.dumps(line.parameters, ensure_ascii=False)}")


def _title(answer: Answer) -> str:
    return f"{answer.user} · {answer.model}" + (f" · as of {answer.as_of[:10]}" if answer.as_of else "")


def _rest(item: Item) -> str:
    return "everything else" if item.lines else "all of it: no line is large enough to stand alone"


def _small(item: Item) -> str:
    return "ways through too few people to be shown" if abs(item.rest) > 1e-9 else "rounding"
