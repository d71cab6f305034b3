"""Where a node of an id stands, or which ids look like one that is not there."""

import difflib
import re
import shlex

from graphrec.errors import UnknownId
from graphrec.graph.folders.snapshot import Nodes


def place_of(nodes: Nodes, node_id: str, role: str) -> int:
    """Where a node is among those of its label.

    Args:
        nodes: of one label.
        node_id: what to look for.
        role: what people call such a node: user or product.

    Raises:
        UnknownId: there is none of this id.
    """
    place = nodes.ids.find(node_id)
    if place < 0:
        near = nearest_ids(nodes, node_id)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise UnknownId(f"no {role} {node_id!r}{hint}; search with: graphrec find {shlex.quote(node_id)}")
    return place


def nearest_ids(nodes: Nodes, node_id: str, *, most: int = 20_000) -> list[str]:
    """Up to three ids that look like this one: among all, or in large labels among its neighbours by order."""
    ids = nodes.ids
    if len(ids) <= most:
        near = list(ids)
    else:
        low, high = 0, len(ids)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if ids[middle] < node_id else (low, middle)
        near = ids[max(low - 500, 0) : low + 500]
    folded: dict[str, str] = {}
    for candidate in near:
        folded.setdefault(candidate.casefold(), candidate)
    wanted = node_id.casefold()
    # C16, c00016 and C000016 are the same number to a person.
    same = [key for key in folded if _without_zeros(key) == _without_zeros(wanted)]
    close = [*same, *difflib.get_close_matches(wanted, folded, n=3, cutoff=0.6)]
    return [folded[key] for key in dict.fromkeys(close)][:3]


def _without_zeros(text: str) -> str:
    return re.sub(r"0*(\d+)", r"\1", text)
