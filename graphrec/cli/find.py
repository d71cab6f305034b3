"""graphrec find: users and products by id, name or text."""

from typing import Annotated

import typer

from graphrec.cli.output import emit_json, say, table
from graphrec.cli.state import state


def command(
    text: Annotated[str, typer.Argument(help="An id, a name, or words of a text, in part or whole.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many of each at most.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find users and products by id, name or text, in the latest snapshot; personal names are ignored."""
    from graphrec.cli.latest import latest_snapshot
    from graphrec.graph.find import find
    from graphrec.graph.shelf import SnapshotShelf

    shelf = SnapshotShelf(state.home.snapshots)
    snapshot = shelf.latest() if shelf.has_latest() else latest_snapshot()
    roles = snapshot.schema.roles
    users, products = (find(snapshot, label, text, k) for label in (roles.user, roles.product))
    if json:
        plain = [{"id": one.id, "name": one.name, "score": one.score} for one in users]
        emit_json({"query": text, "users": plain, "products": products})
        return
    for label, found in ((roles.user, users), (roles.product, products)):
        if found:
            rows = [(one.id, one.name, one.kind, f"{one.score:.2f}") for one in found]
            table(("id", "name", "kind", "score"), rows, title=label, right=("score",), optional=("name", "kind"))
    if not users and not products:
        counts = f"{snapshot.count(roles.user):,} users and {snapshot.count(roles.product):,} products"
        say(f"nothing found for {text!r} among {counts}")
