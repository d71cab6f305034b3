"""How many other people stand behind a reason: the exact union over all its ways, counted in the snapshot.

These are the numbers that the Cypher of a reason returns: distinct people whose edges were known before the time that
the model was fitted for. Customers and products are positions of the model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.folders.strings import ABSENT
from graphrec.serving.positions import Positions
from graphrec.terms.base import once
from graphrec.terms.ledger import LineGroup

Nodes = NDArray[np.int64]
#: Bits of people that are kept (128 MB).
KEPT_BITS = 1 << 30
#: Counts of two groups of people that are kept.
_PAIRS = 200_000
#: Users whose counts are remembered until their answers are recorded.
_REMEMBERED = 4096


class Plan:
    """How the people on some ways are counted: of those whom second hops reach, those whom third hops lead on."""

    def __init__(self, ways: tuple[tuple[Hop, ...], ...], first: str, number: int) -> None:
        self.ways = ways
        self.first = first
        """The label of the customer's neighbours."""
        self.number = number
        self.said = ";".join(" ".join(map(str, way)) for way in ways)
        self.second: tuple[Hop, ...] = tuple(dict.fromkeys(way[1] for way in ways))
        self.third: tuple[Hop, ...] = tuple(dict.fromkeys(way[2].back() for way in ways if len(way) > 2))


class People:
    """Counts the people on the ways of a snapshot.

    Args:
        known_before: microseconds since 1970; edges known later do not count. None: all count.
        given: what was counted when an answer was recorded; a replay reads no other customer. None: they are counted.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        positions: Positions,
        known_before: int | None,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self._given = given
        self._counted: dict[int, dict[int, dict[tuple[Any, ...], Any]]] = {}
        self._plans: dict[tuple[tuple[Hop, ...], ...], Plan] = {}
        self._said: dict[int, Plan] = {}
        self._tails: dict[tuple[Any, ...], str] = {}
        self._pairs: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._ends: dict[tuple[int, int], int] = {}
        self._unions: tuple[int, dict[tuple[int, tuple[int, ...]], int]] = (-1, {})
        self._numbers = count()
        self._snapshot = snapshot
        self._positions = positions
        self._known_before = known_before
        self._num_users = snapshot.count(snapshot.schema.roles.user)
        self._kept: dict[tuple[str, bool, int], int] = {}
        self._taken: dict[int, NDArray[np.int64]] = {}
        roles = snapshot.schema.roles
        self._user, self._product, self._relevant = roles.user, roles.product, roles.relevant

    def plan(self, ways: tuple[tuple[Hop, ...], ...]) -> "Plan":
        """How the people on some ways are counted.

        Args:
            ways: hops from the user to the product; several have their first neighbours and the people in common.
        """
        found = self._plans.get(ways)
        if found is None:
            found = self._plans.setdefault(ways, Plan(ways, self._target(ways[0][0]), next(self._numbers)))
        return found

    def on_ways(self, plan: "Plan", user: int, via: tuple[int, ...], product: int) -> tuple[int, bool]:
        """How many other people stand between some neighbours of a user and a product.

        Of several ways a person counts who has an edge of any of their second hops and one of any of their third.

        Args:
            via: positions at the first hop; none: all that the user has there.

        Returns:
            The people, and whether they are all others who have one of these neighbours.
        """
        key = ("ways", plan.number, via)
        known = self._of(user, product)
        found: tuple[int, bool] | None = known.get(key)
        if found is None:
            if self._given is not None and (text := _text(product, key, plan)) in self._given:
                count, everyone = self._given[text]
                found = int(count), bool(everyone)
            else:
                found = self._on_ways(plan, user, via, product)
            known[key] = found
            self._said[plan.number] = plan
        return found

    def goes_along(self, plan: "Plan", user: int, via: int, product: int, least: int) -> bool:
        """Whether a product is more frequent among the others who have a neighbour than among all others.

        Args:
            plan: of the way over that neighbour, back to people and on to what they have.
            least: at least so many others have both.
        """

        def count() -> bool:
            me = self._positions.in_snapshot(self._user, user)
            end = self._positions.in_snapshot(self._product, product)
            there = self._positions.in_snapshot(plan.first, via)
            if ABSENT in (me, end, there):
                return False
            having, both = self._with(plan, user, me, there, end)
            holding = self._leading_on(plan, end)
            held = holding.bit_count() - (holding >> me & 1)
            return both >= least and both * (self.everyone - 1) > held * having

        return bool(self._once(user, product, ("along", plan.said, via), count))

    def counted(self, user: int, products: Sequence[int]) -> dict[str, Any]:
        """What was counted for some products in answers to a user, for `given`."""
        of_user = self._counted.get(user, {})
        found: dict[str, Any] = {}
        tails = self._tails
        for product in products:
            for key, value in of_user.get(product, {}).items():
                tail = tails.get(key)
                if tail is None:
                    if len(tails) >= _PAIRS:
                        tails.clear()
                    tail = tails[key] = _tail(key, self._said[key[1]] if key[0] == "ways" else None)
                found[f"{product} {tail}"] = value
        return found

    def _of(self, user: int, product: int) -> "dict[tuple[Any, ...], Any]":
        """What was counted of a product in answers to a user."""
        of_user = self._counted.get(user)
        if of_user is None:
            if len(self._counted) > _REMEMBERED:
                self._counted = {}
            of_user = self._counted.setdefault(user, {})
        found = of_user.get(product)
        if found is None:
            found = of_user.setdefault(product, {})
        return found

    def _once(self, user: int, product: int, key: tuple[Any, ...], count: Callable[[], Any]) -> Any:
        """What `count` gives, remembered; a replay takes what was remembered then."""
        known = self._of(user, product)
        if key not in known:
            text = "" if self._given is None else _text(product, key)
            known[key] = self._given[text] if self._given is not None and text in self._given else count()
        return known[key]

    def _on_ways(self, plan: "Plan", user: int, via: tuple[int, ...], product: int) -> tuple[int, bool]:
        me = self._positions.in_snapshot(self._user, user)
        end = self._positions.in_snapshot(self._product, product)
        if ABSENT in (me, end):
            return 0, False
        if plan.first == self._user:
            return self._acquainted(plan.ways[0], me, end)
        if len(via) == 1:
            there = self._positions.in_snapshot(plan.first, via[0])
            if there == ABSENT:
                return 0, True
            having, both = self._with(plan, user, me, there, end)
            return both, both == having
        holding = self._leading_on(plan, end)
        starts = tuple([self._positions.in_snapshot(plan.first, node) for node in sorted(via)])
        others = self._reached(plan, user, starts, [node for node in starts if node != ABSENT], me)
        found = others & holding
        return found.bit_count(), found == others

    def _with(self, plan: "Plan", user: int, me: int, there: int, end: int) -> tuple[int, int]:
        """How many others have one neighbour, and how many of them the product, all but the user by snapshot places."""
        others, holding = self._reached(plan, user, (there,), (there,)), self._leading_on(plan, end)
        known = self._pairs.get((plan.number, there, end))
        if known is None:
            if len(self._pairs) >= _PAIRS:
                self._pairs = {}
            known = self._pairs[plan.number, there, end] = others.bit_count(), (others & holding).bit_count()
        having, both = known
        if others >> me & 1:
            having, both = having - 1, both - (holding >> me & 1)
        return having, both

    def _leading_on(self, plan: "Plan", end: int) -> int:
        """The people whom third hops lead on to a product, a bit for each."""
        found = self._ends.get((plan.number, end))
        if found is None:
            if len(self._ends) >= _PAIRS:
                self._ends = {}
            found = self._ends[plan.number, end] = self._any(plan.third, (end,))
        return found

    def _reached(
        self, plan: "Plan", user: int, key: tuple[int, ...], nodes: Sequence[int], without: int | None = None
    ) -> int:
        """The people whom second hops reach from some nodes, a bit for each; of one user they are remembered.

        Args:
            without: a person who is left out where `key` has several; None: nobody is.
        """
        whose, known = self._unions
        if whose != user:
            known = {}
            self._unions = user, known
        found = known.get((plan.number, key))
        if found is None:
            found = self._any(plan.second, nodes)
            if without is not None and found >> without & 1:
                found ^= 1 << without
            known[plan.number, key] = found
        return found

    def _acquainted(self, hops: tuple[Hop, ...], me: int, end: int) -> tuple[int, bool]:
        """The people on a way that begins with people."""
        if len(hops) == 2:
            found = self._any(hops[:1], [me]) & self._any([hops[1].back()], [end]) & ~(1 << me)
            return found.bit_count(), False
        people = self._known(hops[0], np.array([me]))
        people, ends = people[people != me], np.array([end])
        between = self._linked(hops[2].back(), ends)
        if self._target(hops[1]) == self._user:
            # Of two people on a way it is the one beside the product who counts.
            between = self._leading(hops[1].back(), between[between != me], people)
            return len(self._leading(hops[2], between, ends)), False
        return len(self._leading(hops[1], people, self._leading(hops[2], between, ends))), False

    def with_attribute(self, hop: Hop, via: int, product: int, user: int) -> tuple[int, int]:
        """How many people have an attribute, and how many of them hold a product; for an answer to a user."""
        key = ("attribute", str(hop), int(via))
        having, holding = self._once(user, product, key, lambda: self._with_attribute(hop, via, product))
        return int(having), int(holding)

    def _with_attribute(self, hop: Hop, via: int, product: int) -> tuple[int, int]:
        there = self._positions.in_snapshot(self._target(hop), via)
        having = 0 if there == ABSENT else self._who(hop.back(), there)
        return having.bit_count(), (having & self._holding(product)).bit_count()

    def with_both(self, group: LineGroup, via: int, mid: int, product: int, user: int) -> int:
        """How many people have both neighbours of a pair and hold a product; for an answer to a user."""
        assert group.hop is not None, "a pair begins with a hop"
        assert group.other is not None, "a pair has a second neighbour"
        first, second = group.hop, group.other
        key = ("both", str(first), int(via), str(second), int(mid))

        def count() -> int:
            found = self._holding(product)
            for hop, node in ((first, via), (second, mid)):
                there = self._positions.in_snapshot(self._target(hop), node)
                found &= 0 if there == ABSENT else self._who(hop.back(), there)
            return found.bit_count()

        return int(self._once(user, product, key, count))

    def holders(self, product: int, user: int, since: int | None = None) -> int:
        """How many people hold a product; for an answer to a user.

        Args:
            since: those who took it at this moment or later, in microseconds since 1970; None: all who hold it.
        """
        if since is None:
            return int(self._once(user, product, ("holders",), lambda: self._holding(product).bit_count()))

        def count() -> int:
            here = self._positions.in_snapshot(self._product, product)
            return 0 if here == ABSENT else int(self._taken_since(since)[here])

        return int(self._once(user, product, ("since", since), count))

    def is_among_first(self, product: int, part: float, user: int, since: int | None = None) -> bool:
        """Whether a product is among the part of all products that most people hold; for an answer to a user.

        Args:
            since: of those who took it at this moment or later, in microseconds since 1970; None: of all.
        """

        def count() -> bool:
            held = self.holders(product, user, since)
            counts = self.of_product if since is None else self._taken_since(since)
            return held > 0 and int((counts > held).sum()) < part * len(counts)

        return bool(self._once(user, product, ("first", part) if since is None else ("first", part, since), count))

    @property
    def everyone(self) -> int:
        """How many people there are."""
        everyone = self._snapshot.meta.everyone
        return self._snapshot.count(self._user) if everyone is None else everyone

    @once
    def of_product(self) -> NDArray[np.int64]:
        """How many people hold each product of the snapshot (num_products,)."""
        return self._of_products(None)

    def _taken_since(self, moment: int) -> NDArray[np.int64]:
        """How many people took each product of the snapshot at a moment or later (num_products,)."""
        found = self._taken.get(moment)
        if found is None:
            found = self._taken[moment] = self._of_products(moment)
        return found

    def _of_products(self, since: int | None) -> NDArray[np.int64]:
        codes = []
        size = self._snapshot.count(self._product)
        for name in self._relevant:
            edges = self._snapshot.edges(name)
            source = np.repeat(np.arange(len(edges.indptr) - 1), np.diff(np.asarray(edges.indptr)))
            code = source * size + np.asarray(edges.indices)
            is_counted = np.ones(len(code), np.bool_)
            if self._known_before is not None:
                is_counted &= np.asarray(edges.known_at) < self._known_before
            if since is not None:
                is_counted &= np.asarray(edges.at) >= since
            codes.append(code[is_counted])
        return np.bincount(np.unique(np.concatenate(codes)) % size, minlength=size)

    def _target(self, hop: Hop) -> str:
        edge = self._snapshot.schema.edges[hop.type]
        return edge.source if hop.reverse else edge.target

    def _holding(self, product: int) -> int:
        here = self._positions.in_snapshot(self._product, product)
        return 0 if here == ABSENT else self._any([Hop(name, True) for name in self._relevant], [here])

    def _any(self, hops: Iterable[Hop], nodes: Sequence[int]) -> int:
        """The people whom any of some hops reaches from any of some nodes, a bit for each."""
        found, kept = 0, self._kept
        for hop in hops:
            name, reverse = hop.type, hop.reverse
            for node in nodes:
                known = kept.get((name, reverse, node))
                found |= self._who(hop, node) if known is None else known
        return found

    def _who(self, hop: Hop, node: int) -> int:
        """The people whom a hop reaches from a node over edges that are known, a bit for each."""
        key = hop.type, hop.reverse, node
        found = self._kept.get(key)
        if found is None:
            there = np.zeros(self._num_users, np.bool_)
            there[self._known(hop, np.array([node]))] = True
            found = int.from_bytes(np.packbits(there, bitorder="little").tobytes(), "little")
            if len(self._kept) * self._num_users < KEPT_BITS:
                self._kept[key] = found
        return found

    def _linked(self, hop: Hop, nodes: Nodes) -> Nodes:
        """The distinct nodes that a hop reaches from some nodes, ascending, whenever its edges became known."""
        if not len(nodes):
            return np.zeros(0, np.int64)
        edges = self._snapshot.edges(hop.type)
        indptr, indices = (edges.in_indptr, edges.in_indices) if hop.reverse else (edges.indptr, edges.indices)
        reached = np.sort(indices[_spans(indptr[nodes], indptr[nodes + 1])[1]]).astype(np.int64)
        return reached[np.diff(reached, prepend=-1) > 0]

    def _known(self, hop: Hop, nodes: Nodes) -> Nodes:
        """The distinct nodes that a hop reaches from some nodes over edges that are known, ascending."""
        reached = self._linked(hop, nodes)
        return reached if self._known_before is None else self._leading(hop.back(), reached, nodes)

    def _leading(self, hop: Hop, nodes: Nodes, targets: Nodes) -> Nodes:
        """Those of some nodes from which a hop reaches one of the targets over an edge that is known, all ascending."""
        found = nodes[np.isin(nodes, self._linked(hop.back(), targets), assume_unique=True)]
        if self._known_before is None or not len(found):
            return found
        edges = self._snapshot.edges(hop.type)
        starts = targets if hop.reverse else found
        owner, places = _spans(edges.indptr[starts], edges.indptr[starts + 1])
        ends = edges.indices[places].astype(np.int64)
        known = (edges.known_at[places] < self._known_before) & np.isin(ends, found if hop.reverse else targets)
        return np.unique(ends[known] if hop.reverse else starts[owner[known]])


def _text(product: int, key: tuple[Any, ...], plan: Plan | None = None) -> str:
    """What was counted of a product, in the words of the record."""
    return f"{product} {_tail(key, plan)}"


def _tail(key: tuple[Any, ...], plan: Plan | None) -> str:
    """`_text` behind the product."""
    name, *rest = key
    if plan is not None:
        rest = [plan.said, " ".join(map(str, rest[1]))]
    return " ".join([name, *map(str, rest)])


def _spans(starts: Nodes, ends: Nodes) -> tuple[Nodes, Nodes]:
    """The places from each start to its end, one span after another, and which span each is of."""
    lengths = ends - starts
    owner = np.repeat(np.arange(len(starts)), lengths)
    return owner, np.arange(len(owner)) + (starts - (np.cumsum(lengths) - lengths))[owner]
