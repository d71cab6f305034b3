"""What an event of a type is to a graph: as the mapping says, else by the names of its edge types."""

from collections.abc import Mapping

from graphrec.schema import EventSchema, GraphSchema

#: The types that every bank has, and what an edge type's name begins with that says the same.
BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "viewed": ("VIEW", "LOOKED", "SAW"),
    "clicked": ("CLICK",),
    "accepted": ("ACCEPT",),
    "rejected": ("REJECT", "DECLIN", "REFUS"),
    "bought": ("BOUGHT", "BUY", "PURCHAS"),
    "sold": ("SOLD", "SELL"),
    "contacted": ("CONTACT",),
    "complained": ("COMPLAIN",),
}
SOLD = "sold"


def event_types(schema: GraphSchema) -> dict[str, EventSchema]:
    """Every type of event that a graph knows, by its name.

    A built-in type that the mapping does not name becomes the edge from users to products whose name says the same;
    `bought` and `sold`, where no name does, the first of those that mean "held" (for `sold`, and that can end). One
    without such an edge is only kept.
    """
    found = {name: EventSchema(name, _edge(schema, name, starts)) for name, starts in BUILT_IN.items()}
    return {**found, **schema.events}


def _edge(schema: GraphSchema, name: str, starts: tuple[str, ...]) -> str | None:
    roles = schema.roles
    taken = {event.edge for event in schema.events.values()}
    known = [
        edge.type
        for edge in schema.edges.values()
        if (edge.source, edge.target) == (roles.user, roles.product) and edge.type not in taken
    ]
    for one in sorted(known):
        if one.upper().startswith(starts):
            return one
    if name not in ("bought", SOLD):
        return None
    # What is sold is a holding that ends, where edges say when they end or how much they are.
    held = [one for one in roles.holding if one in known or name == SOLD]
    return next((one for one in held if name != SOLD or schema.edges[one].ends), None)
