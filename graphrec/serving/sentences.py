"""Reasons as a person would say them: the mapping's templates, else plain ones."""

from typing import Any

from graphrec.errors import SourceError
from graphrec.graph.adjacency import Hop
from graphrec.schema import GraphSchema
from graphrec.terms.base import LineGroup


class Sentences:
    """Makes the sentence of a line from the way it takes."""

    def __init__(self, schema: GraphSchema) -> None:
        self.schema = schema

    def path(self, hops: tuple[Hop, ...], path: list[dict[str, Any]], count: int | None) -> str:
        """The sentence of a real path (see `serving.answer.Line.path`).

        Raises:
            SourceError: the mapping's template names something that the path does not have.
        """
        way = " ".join(str(hop) for hop in hops)
        values = {"i": called(path[-1]), "n": f"{count:,}" if count is not None else ""}
        for node in path[2:-1:2]:
            if "id" in node:
                values.setdefault(_snake(node["label"]), called(node))
        if len(path) > 3 and "id" in path[2]:
            values["a"] = called(path[2])
        template = self.schema.reasons.get(way)
        if template is None:
            return self._plain(hops, path, values)
        try:
            return template.format_map(values)
        except (KeyError, ValueError, IndexError) as error:
            raise SourceError(
                f"reasons: the sentence for {way!r} says {error}, and that way has only {', '.join(sorted(values))}; "
                "correct it in the mapping and load again"
            ) from None

    def learned(self, group: LineGroup, via: dict[str, Any] | None, target: dict[str, Any], *, favours: bool) -> str:
        """The sentence of a learned weight (similarity, attribute, general) that favours the product or does not."""
        product = called(target)
        if group.kind == "general":
            return f"{product} is {'widely' if favours else 'not widely'} held"
        if via is None:
            return f"{product} {'fits' if favours else 'does not fit'} your profile"
        if group.kind == "attribute":
            tend = "tend towards" if favours else "tend away from"
            return f"customers with {words(via['label'])} {called(via)} {tend} {product}"
        if via["id"] == target["id"]:
            return f"you {self._verb(group.hop)} {product}"
        near = f"{called(via)}, which you {self._verb(group.hop)}"
        if group.part == "text":
            return f"the description of {product} is {'close to' if favours else 'far from'} that of {near}"
        return f"{product} {'goes well' if favours else 'goes less well'} with {near}"

    def _plain(self, hops: tuple[Hop, ...], path: list[dict[str, Any]], values: dict[str, str]) -> str:
        product, first = values["i"], hops[0]
        interaction = first.type in self.schema.roles.interactions
        if len(hops) == 1:
            return f"you {self._verb(first)} {product}"
        if "a" not in values:
            return f"{values['n']} people connected with you lead to {product}"
        if values["n"]:
            if interaction:
                return f"{values['n']} others who {self._verb(hops[1])} {values['a']} {self._verb(hops[-1])} {product}"
            return f"{values['n']} others with {words(path[2]['label'])} {values['a']} {self._verb(hops[-1])} {product}"
        near = f"{values['a']}, which you {self._verb(first)}" if interaction else f"your {values['a']}"
        if len(hops) == 2:
            return f"{product} is linked with {near}"
        middle = path[4]
        return f"{product} shares the {words(middle['label'])} {called(middle)} with {near}"

    def _verb(self, hop: Hop | None) -> str:
        """An edge of a user as a verb: BOUGHT reads bought; relevant ones that are no verb read hold."""
        if hop is None:
            return "have"
        said = words(hop.type)
        return said if said.endswith("ed") or said in _PAST else f"have a link ({said}) to"


_PAST = {"bought", "sold", "held", "saw", "read", "chose", "took", "owns", "holds", "likes"}


def called(node: dict[str, Any]) -> str:
    """The name of a node, or its id where it has none."""
    return str(node.get("name") or node["id"])


def words(label: str) -> str:
    """A label or an edge type in plain words: AgeBand -> age band, IN_SECTOR -> in sector."""
    return _snake(label).replace("_", " ")


def _snake(label: str) -> str:
    parts: list[str] = []
    for position, letter in enumerate(label):
        starts_word = letter.isupper() and position and not label[position - 1].isupper() and label[position - 1] != "_"
        parts.append(("_" if starts_word else "") + letter.lower())
    return "".join(parts)
