"""graphrec find: users and products by id, name or text."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank, reader
from graphrec.cli.options import Json, View
from graphrec.cli.output import emit_json, say, table
from graphrec.schema import EXACT


def command(
    text: Annotated[str, typer.Argument(help="An id, a name, or words of a text, in part or whole.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many of each at most.")] = 10,
    view: View = None,
    json: Json = False,
) -> None:
    """Find users and products by id, name or text, in the latest snapshot; personal names are ignored.

    Every view but compliance finds products alone.

    Example: graphrec find wind
    """
    from graphrec.app.requests import Find

    found = bank().find(Find(text, k, users=reader(view) == EXACT))
    if json:
        users = [{"id": one.id, "name": one.name, "score": one.score} for one in found.users]
        emit_json({"query": text, "users": users, "products": found.products})
        return
    for label, nodes in ((found.user_label, found.users), (found.product_label, found.products)):
        if nodes:
            rows = [(one.id, one.name, one.kind, f"{one.score:.2f}") for one in nodes]
            table(("id", "name", "kind", "score"), rows, title=label, right=("score",), optional=("name", "kind"))
    if not found.users and not found.products:
        searched = f"{found.user_count:,} users and " if reader(view) == EXACT else ""
        say(f"nothing found for {text!r} among {searched}{found.product_count:,} products")
