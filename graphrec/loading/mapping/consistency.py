"""What the parts of a mapping say of each other: roles, ways and sentences name what is there."""

from collections.abc import Iterable
from string import Formatter

from graphrec.errors import SourceError
from graphrec.loading.mapping.section import CLOSE, nearest, snake_case, suggest
from graphrec.loading.mapping.specs import Mapping


def check_roles(mapping: Mapping) -> None:
    """Roles may name what another mapping of the home brings, but not a misspelt thing of this one."""
    roles = mapping.roles
    if roles.user == roles.product:
        raise SourceError(f"{mapping.where}: roles.user and roles.product are both {roles.user!r}; want two labels")
    for role, label in (("user", roles.user), ("product", roles.product)):
        _refuse_misspelt(label, mapping.nodes, f"{mapping.where}: roles.{role}", "label")
    for name in roles.interactions:
        others = [edge for edge in mapping.edges if edge not in roles.interactions]
        if name not in mapping.edges:
            _refuse_misspelt(name, others, f"{mapping.where}: roles.interactions", "edge type")
            continue
        edge = mapping.edges[name]
        if (edge.source.label, edge.target.label) != (roles.user, roles.product):
            raise SourceError(
                f"{mapping.where}: edges.{name} joins {edge.source.label} to {edge.target.label}, but "
                f"roles.interactions lists it; an interaction joins {roles.user} to {roles.product}"
            )
    for way in roles.metapaths or ():
        _check_way(mapping, way, "roles.metapaths")


def _refuse_misspelt(name: str, known: Iterable[str], place: str, what: str) -> None:
    close = nearest(name, known, cutoff=0.75)
    if close is not None and name not in known:
        raise SourceError(f"{place} names {name!r}, which is no {what} of this mapping; did you mean {close!r}?")


def _check_way(mapping: Mapping, way: str, place: str) -> None:
    known = {*mapping.edges, *mapping.roles.interactions}
    for step in way.split() or [""]:
        name = step.removeprefix("<")
        if name not in known:
            raise SourceError(
                f"{mapping.where}: {place} {way!r} takes {name!r}, which is no edge type of this "
                f"mapping{suggest(name, known)}"
            )


def check_reasons(mapping: Mapping) -> None:
    labels = {*mapping.nodes, *(end.label for edge in mapping.edges.values() for end in (edge.source, edge.target))}
    known = {"a", "i", "n", "at", "weight", *(snake_case(label) for label in labels)}
    tables = {"reasons": mapping.reasons, **{f"reasons.{name}": table for name, table in mapping.reasons_in.items()}}
    for table, sentences in tables.items():
        for way, sentence in sentences.items():
            _check_way(mapping, way, table)
            place = f"{mapping.where}: {table} {way!r}"
            for name in _placeholders(sentence, place):
                if name not in known:
                    raise SourceError(
                        f"{place} has {{{name}}}{_braced(name, known)} "
                        "A sentence knows {a}, {i}, {n}, {at}, {weight} and the labels in snake_case"
                    )


def _braced(name: str, known: Iterable[str]) -> str:
    close = nearest(name, known, CLOSE)
    return f"; did you mean {{{close}}}?" if close else ", which is not known."


def _placeholders(sentence: str, place: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
    except ValueError as error:
        raise SourceError(f"{place}: {error} in {sentence!r}; write {{{{ for a brace") from error
