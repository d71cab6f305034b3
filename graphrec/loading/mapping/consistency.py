"""What the parts of a mapping say of each other: roles, paths and sentences name what is there."""

from collections.abc import Iterable
from string import Formatter

from graphrec.config.convert import shown
from graphrec.config.document import Document, KeyPath, key_text
from graphrec.config.names import nearest
from graphrec.loading.mapping.names import snake_case, suggest
from graphrec.loading.mapping.specs import Mapping


def check_roles(mapping: Mapping, document: Document) -> None:
    """Roles may name what another mapping of the home brings, but not a misspelt thing of this one.

    Raises:
        SourceError: a role names nothing, or an interaction does not join users to products.
    """
    roles = mapping.roles
    if roles.user == roles.product:
        document.refuse(("roles",), f"roles.user and roles.product are both {roles.user!r}; want two labels")
    for role, label in (("user", roles.user), ("product", roles.product)):
        _refuse_misspelt(document, ("roles", role), label, mapping.nodes, "label")
    for name in roles.interactions:
        others = [edge for edge in mapping.edges if edge not in roles.interactions]
        if name not in mapping.edges:
            _refuse_misspelt(document, ("roles", "interactions"), name, others, "edge type")
            continue
        edge = mapping.edges[name]
        if (edge.source.label, edge.target.label) != (roles.user, roles.product):
            document.refuse(
                ("edges", name),
                f"edges.{name} joins {edge.source.label} to {edge.target.label}, but roles.interactions lists it; "
                f"an interaction joins {roles.user} to {roles.product}",
            )
    for way in roles.metapaths or ():
        _check_way(mapping, document, ("roles", "metapaths"), ("roles", "metapaths"), way)


def check_events(mapping: Mapping, document: Document) -> None:
    """Events become edges from users to products, and name the key column of those that are loaded.

    Raises:
        SourceError: one does not.
    """
    roles = mapping.roles
    for kind, event in mapping.events.items():
        at: KeyPath = ("events", kind)
        if (event.key or event.covered_until) and event.edge is None:
            document.refuse(at, f"{key_text(at)} has key or covered_until and no edge; name the edge type it becomes")
        if event.edge is None:
            continue
        known = {*mapping.edges, *roles.interactions}
        if event.edge not in known:
            document.refuse(
                (*at, "edge"),
                f"{key_text(at)}.edge names {shown(event.edge)}, which is neither an edge type of this mapping nor one "
                f"of roles.interactions{suggest(event.edge, known)}",
            )
        edge = mapping.edges.get(event.edge)
        if edge is None:
            continue
        if (edge.source.label, edge.target.label) != (roles.user, roles.product):
            document.refuse(
                (*at, "edge"),
                f"{key_text(at)}.edge names {event.edge}, which joins {edge.source.label} to {edge.target.label}; an "
                f"event joins {roles.user} to {roles.product}",
            )
        if event.key is not None and event.key != edge.key:
            document.refuse(
                (*at, "key"),
                f"{key_text(at)}.key is {shown(event.key)}, and edges.{event.edge}.key is {shown(edge.key or '')}; "
                "want the same column",
            )


def _refuse_misspelt(document: Document, path: KeyPath, name: str, known: Iterable[str], what: str) -> None:
    close = nearest(name, known, cutoff=0.75)
    if close is not None and name not in known:
        document.refuse(
            path, f"{key_text(path)} names {shown(name)}, which is no {what} of this mapping; did you mean {close!r}?"
        )


def _check_way(mapping: Mapping, document: Document, at: KeyPath, table: KeyPath, way: str) -> None:
    known = {*mapping.edges, *mapping.roles.interactions}
    for step in way.split() or [""]:
        name = step.removeprefix("<")
        if name not in known:
            document.refuse(
                at,
                f"{key_text(table)} {shown(way)} takes {shown(name)}, which is no edge type of this "
                f"mapping{suggest(name, known)}",
            )


def check_reasons(mapping: Mapping, document: Document) -> None:
    """Sentences belong to paths of edge types and hold placeholders that are known.

    Raises:
        SourceError: one names an edge type or a placeholder that is not there.
    """
    labels = {*mapping.nodes, *(end.label for edge in mapping.edges.values() for end in (edge.source, edge.target))}
    known = {"a", "i", "n", "at", "weight", "who", "whose", "verb", "last", *(snake_case(label) for label in labels)}
    tables: dict[KeyPath, dict[str, str]] = {("reasons",): dict(mapping.reasons)}
    tables |= {("reasons", name): dict(table) for name, table in mapping.reasons_in.items()}
    for path, sentences in tables.items():
        for way, sentence in sentences.items():
            at = (*path, way)
            _check_way(mapping, document, at, path, way)
            for name in _placeholders(document, at, sentence):
                if name not in known:
                    document.refuse(
                        at,
                        f"{key_text(path)} {shown(way)} has {{{name}}}{_braced(name, known)} "
                        "A sentence knows {a}, {i}, {n}, {at}, {weight}, {who}, {whose}, {verb}, {last} and the labels "
                        "in snake_case",
                    )


def _braced(name: str, known: Iterable[str]) -> str:
    close = nearest(name, known)
    return f"; did you mean {{{close}}}?" if close else ", which is not known."


def _placeholders(document: Document, at: KeyPath, sentence: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
    except ValueError as error:
        document.refuse(at, f"{error} in {shown(sentence)}; write {{{{ for a brace")
