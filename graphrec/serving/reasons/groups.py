"""Reasons: the lines of a ledger that one sentence covers, whether it is true, and in which order people read them.

Lines of one way that meet in one node are one reason, and so are all ways of one type through other people, all that
was learned of one type, and lines of which the same would be said. A sentence stands only where its condition holds:

* close, goes well with: the line is above CLOSE of those that the same neighbour gives to the products of reference;
* is more frequent among people with …: counted, in the snapshot;
* is a frequent choice: among the FREQUENT part of the products that most people hold;
* fits the profile: as close, and with words that the customer's text and the product's have in common.

What no sentence covers is "other similarities", netted by term. Per cent is the part of all that speaks for a product.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Hop
from graphrec.serving.answer import Node
from graphrec.serving.reasons.sentences import Told
from graphrec.terms.ledger import Ledger, LineGroup

if TYPE_CHECKING:
    from graphrec.serving.reasons.lines import Reasons

Reals = NDArray[Any]
#: Part of what speaks for a product that a reason needs to lead.
LEADS = 0.1
#: A reason whose contrast is below this part of its share pushes every product alike, and stands behind the others.
DISTINCT = 0.2
#: Part of the products of reference that a learned line is above where it is close.
CLOSE = 0.9
#: Part of the products, by people who hold them, that are frequent choices.
FREQUENT = 0.1
#: Reasons below it, as a part of what speaks for a product, are not shown where only some are asked for.
SHOWN = 0.01


Shape = Literal[
    "own", "linked", "shared", "people", "learned", "attribute", "profile", "general", "new", "self", "nonlinear"
]


@dataclass(frozen=True)
class Key:
    """What lines of one reason have in common."""

    shape: Shape
    hops: tuple[Hop, ...] = ()
    """The hops that they have in common; of a way with a sentence of its own, all."""
    part: str = ""
    kind: str = "path"


@dataclass(frozen=True, eq=False)
class Chosen:
    """A reason of one product before its number of people is written into it."""

    kind: str
    wording: str
    lines: NDArray[np.int64]
    """Positions in the ledger, the strongest first."""
    share: float
    percent: float | None
    people: int | None = None
    via: tuple[int, ...] = ()
    """The customer's neighbours on ways through people, where there are several lines."""
    ways: tuple[tuple[Hop, ...], ...] = ()
    may_lead: bool = True
    everyone: bool = False


@dataclass(frozen=True, eq=False)
class Reasoned:
    """All reasons of one product that are shown."""

    shown: tuple[Chosen, ...]
    others: float | None
    against: float | None

    @property
    def told(self) -> tuple[Chosen, ...]:
        """The reasons with a sentence of their own: no heading, and not what no sentence covers."""
        return tuple(one for one in self.shown if one.kind not in ("many", "other"))


class Groups:
    """The reasons of one customer's products.

    Args:
        reasons: what words them.
        ledger: of the customer.
        reference: what every line gives to the products of reference (num_lines, num_reference).
    """

    def __init__(
        self, reasons: "Reasons", user: int, ledger: Ledger, reference: NDArray[np.float64], products: NDArray[np.int32]
    ) -> None:
        self._reasons = reasons
        self._user = user
        self.ledger = ledger
        self._products = products
        count = reference.shape[1]
        self.mean = reference.mean(axis=1) if count else np.zeros(len(ledger.via))
        """What every line gives to the products of reference on average (num_lines,)."""
        self._keys, self._of_line, self._bucket = _keyed(reasons, ledger)
        learned = np.array([key.shape in ("learned", "profile") for key in self._keys], np.bool_)
        is_learned = learned[self._of_line] if len(self._of_line) else np.zeros(0, np.bool_)
        self._floor, self._ceiling = np.zeros(len(ledger.via)), np.zeros(len(ledger.via))
        if count and is_learned.any():
            high, low = int(CLOSE * (count - 1)), count - 1 - int(CLOSE * (count - 1))
            ordered = np.partition(reference[is_learned], sorted({high, low}), axis=1)
            self._floor[is_learned] = np.maximum(ordered[:, high], 0.0)
            self._ceiling[is_learned] = np.minimum(ordered[:, low], 0.0)
        self._via_products = np.array([self._ends_at_product(group) for group in ledger.groups], np.bool_)
        self._own: dict[int, tuple[list[Key], NDArray[np.int64], NDArray[np.bool_]]] = {}

    def of_product(self, product: int, column: int, limit: int | None, *, plain: bool = False) -> Reasoned:
        """The reasons of one product in their order.

        Args:
            column: of the product in the ledger.
            limit: at most so many, and none below SHOWN; None: all.
            plain: contrast demotes none.
        """
        shares = self.ledger.values[:, column]
        keys, of_line, is_own = self._with_own(product)
        said = np.where(is_own, shares > 0, shares > self._floor)
        sums: Reals = np.bincount(of_line, np.where(said, shares, 0.0), len(keys))
        contrast = sums - np.bincount(of_line, np.where(said, self.mean, 0.0), len(keys))
        nets: Reals = np.bincount(self._bucket, np.where(said, 0.0, shares))
        whole = math.fsum((*sums.tolist(), *nets[nets > 0].tolist()))
        if whole <= 0:
            return Reasoned((), None, None)
        ranked = np.lexsort((np.arange(len(sums)), -sums))
        ranked = ranked[sums[ranked] > 0]
        alike = contrast < DISTINCT * sums if not plain else np.zeros(len(sums), np.bool_)
        behind = np.array([self._reasons.is_sensitive(keys[one]) for one in ranked], np.bool_)
        order = ranked[np.lexsort((np.arange(len(ranked)), alike[ranked], behind))].tolist()
        sensitive = dict(zip(ranked.tolist(), behind.tolist(), strict=True))
        known: dict[int, Chosen | None] = {}

        def chosen(one: int) -> Chosen | None:
            if one not in known:
                lines = np.flatnonzero(said & (of_line == one))
                found = self._worded(keys[one], product, lines[np.argsort(-shares[lines], kind="stable")], shares)
                if found is not None:
                    percent = 100 * found.share / whole
                    found = replace(found, percent=percent, may_lead=found.may_lead and not sensitive[one])
                known[one] = found
            return known[one]

        leader = next(
            (one for one in order if sums[one] >= LEADS * whole and (found := chosen(one)) and found.may_lead
             and found.share >= LEADS * whole),
            None,
        )  # fmt: skip
        if leader is not None:
            order.remove(leader)
            order.insert(0, leader)
        shown: dict[str, Chosen] = {}
        for one in order:
            if limit is not None and (len(shown) == limit or (shown and sums[one] < SHOWN * whole)):
                break
            found = chosen(one)
            if found is not None:
                shown[found.wording] = _joined(shown.get(found.wording), found)
        return self._finished(list(shown.values()), known, sums, nets, whole, shares)

    def _with_own(self, product: int) -> tuple[list[Key], NDArray[np.int64], NDArray[np.bool_]]:
        """The keys where what the customer did with the product itself is a reason of its own, and its lines."""
        found = self._own.get(product)
        if found is None:
            found = self._own[product] = self._apart(product)
        return found

    def _apart(self, product: int) -> tuple[list[Key], NDArray[np.int64], NDArray[np.bool_]]:
        if not len(self.ledger.via):
            return self._keys, self._of_line, np.zeros(0, np.bool_)
        is_own = self._via_products[self.ledger.group] & (self.ledger.via == product)
        if not is_own.any():
            return self._keys, self._of_line, is_own
        keys, of_line = list(self._keys), self._of_line.copy()
        for line in np.flatnonzero(is_own).tolist():
            hop = self.ledger.group_of(line).hop
            assert hop is not None, "it leads to a product"
            key = Key("own", kind=self._keys[self._of_line[line]].kind)
            if key not in keys:
                keys.append(key)
            of_line[line] = keys.index(key)
        return keys, of_line, is_own

    def _finished(
        self,
        shown: list[Chosen],
        known: dict[int, Chosen | None],
        sums: Reals,
        nets: Reals,
        whole: float,
        shares: NDArray[np.float64],
    ) -> Reasoned:
        """What is shown with its heading, what no sentence covers, and what is left."""
        leads = [one for one in shown if one.may_lead and one.share >= LEADS * whole]
        none = np.zeros(0, np.int64)
        if shown and not (leads and shown[0] is leads[0]):
            if leads:
                shown = [leads[0], *(one for one in shown if one is not leads[0])]
            else:
                large = any(one.share >= LEADS * whole for one in shown)
                key = "reasons.various" if large else "reasons.many"
                if len(shown) == 1 and large:
                    # One reason alone that may not lead: several reasons would not be true.
                    (alone,) = shown
                    of_others = alone.people is not None or alone.kind == "attribute"
                    key = "reasons.in_common" if of_others else "reasons.known"
                    key = "reasons.same_risk" if alone.kind == "concentration" else key
                shown = [Chosen("many", self._reasons.sentences.say(key), none, 0.0, None), *shown]
        worded = sum(found.share for found in known.values() if found is not None)
        tried = float(sum(sums[one] for one in known))
        other = math.fsum(nets[nets > 0].tolist()) + tried - worded
        if other >= SHOWN * whole:
            covered = np.concatenate([none, *(found.lines for found in known.values() if found is not None)])
            unseen = np.isin(self._of_line, [one for one in range(len(sums)) if one not in known])
            lines = np.flatnonzero((shares > 0) & ~unseen)
            lines = lines[~np.isin(lines, covered)]
            text = self._reasons.sentences.say("reasons.other")
            shown.append(Chosen("other", text, lines, other, 100 * other / whole, may_lead=False))
        percents = sum(one.percent or 0.0 for one in shown)
        return Reasoned(tuple(shown), max(100.0 - percents, 0.0), -100 * math.fsum(nets[nets < 0].tolist()) / whole)

    def of_line(self, product: int, column: int, line: int) -> Chosen:
        """One line as a reason of its own, which may speak against the product."""
        shares = self.ledger.values[:, column]
        share, lines = float(shares[line]), np.array([line])
        keys, of_line, is_own = self._with_own(product)
        found = None
        if share > (0.0 if is_own[line] else self._floor[line]):
            found = self._worded(keys[of_line[line]], product, lines, shares)
        elif share < self._ceiling[line]:
            found = self._against(keys[of_line[line]], product, line)
        if found is not None:
            return found
        text = self._reasons.sentences.say("reasons.other" if share > 0 else "against.other")
        return Chosen("other", text, lines, share, None)

    def _worded(self, key: Key, product: int, lines: NDArray[np.int64], shares: NDArray[np.float64]) -> Chosen | None:
        """The reason of some lines of one key, the strongest first; None where no sentence of it is true."""
        reasons, sentences = self._reasons, self._reasons.sentences
        share = float(shares[lines].sum())
        group = self.ledger.group_of(int(lines[0]))
        if key.shape in ("own", "linked", "shared", "people"):
            return self._of_way(key, product, lines, share, shares)
        if key.shape == "attribute":
            kept = [line for line in lines.tolist() if reasons.is_frequent_among(group.hop, self._via(line), product)]
            if not kept:
                return None
            lines, share = np.array(kept), float(shares[kept].sum())
        if key.shape in ("attribute", "learned"):
            nodes = self._nodes(group.hop, lines, shares)
            types = tuple(dict.fromkeys(way[0] for way in self._ways(lines)))
            wording = sentences.learned(group, nodes, types, favours=True, own=self._term(int(lines[0])).sentences)
            return Chosen(key.kind, wording, lines, share, None)
        words: tuple[str, ...] = ()
        people = None
        if key.shape == "profile" and key.part == "text":
            words = reasons.words_in_common(self._user, product, self._products)
            if not words:
                return None
        elif key.shape == "general":
            people = reasons.people.holders(product)
            if not reasons.is_frequent(product) or people < reasons.schema.roles.min_group:
                return None
        elif key.shape == "new" and reasons.people.holders(product):
            return None
        own = self._term(int(lines[0])).sentences
        wording = sentences.learned(group, (), (), favours=True, words=words, own=own)
        return Chosen(key.kind, wording, lines, share, None, people)

    def _of_way(
        self, key: Key, product: int, lines: NDArray[np.int64], share: float, shares: NDArray[np.float64]
    ) -> Chosen | None:
        """The reason of real paths."""
        reasons, first = self._reasons, int(lines[0])
        ways = self._ways(lines)
        via = self._nodes(ways[0][0], lines, shares) if self._via(first) >= 0 else ()
        event = reasons.event(self._user, ways[0], self._via(first)) if len(via) == 1 == len(ways) else None
        if key.shape == "people":
            places = list(dict.fromkeys(int(one) for one in self.ledger.via[lines] if one >= 0))
            count, everyone = reasons.people.on_ways(ways, self._user, places, product)
            if count < reasons.schema.roles.min_group:
                return None
            wording = reasons.sentences.path(Told(ways, via, None, event, people=True))
            return Chosen(key.kind, wording, lines, share, None, count, tuple(places), ways, everyone=everyone)
        mid = None
        if key.shape == "shared":
            mid = reasons.node(reasons.graph.target(ways[0][1]), int(self.ledger.mid[first]))
        concentrates = key.shape == "shared" and reasons.concentrates(ways)
        wording = reasons.sentences.path(Told(ways, via, mid, event), concentrates=concentrates)
        kind = "concentration" if concentrates else key.kind
        return Chosen(kind, wording, lines, share, None, may_lead=not concentrates)

    def _ways(self, lines: NDArray[np.int64]) -> tuple[tuple[Hop, ...], ...]:
        """The distinct ways of some lines, in the order of the mapping's interactions."""
        group, first = np.unique(self.ledger.group[lines], return_index=True)
        del group
        found = dict.fromkeys(self._reasons.way(self.ledger, int(line)) for line in lines[first])
        order = {name: place for place, name in enumerate(self._reasons.schema.roles.interactions)}
        return tuple(sorted(found, key=lambda way: [(order.get(hop.type, -1), hop.type) for hop in way]))

    def _against(self, key: Key, product: int, line: int) -> Chosen | None:
        """What a negative line says; None where no sentence of it is true."""
        reasons, group = self._reasons, self.ledger.group_of(line)
        via = self._via(line)
        holders = reasons.people.holders(product) if key.shape in ("general", "new") else 0
        if key.shape == "attribute" and not reasons.is_rare_among(group.hop, via, product):
            return None
        if (key.shape == "general" and reasons.is_frequent(product)) or (key.shape == "new" and not holders):
            return None
        nodes = () if via < 0 or group.hop is None else (reasons.node(reasons.graph.target(group.hop), via),)
        types = () if group.hop is None else (group.hop,)
        wording = reasons.sentences.learned(group, nodes, types, favours=False, own=self._term(line).sentences)
        return Chosen(key.kind, wording, np.array([line]), 0.0, None)

    def _nodes(self, hop: Hop | None, lines: Iterable[int], shares: NDArray[np.float64]) -> tuple[Node, ...]:
        """The neighbours that some lines speak of, each once, the strongest first."""
        assert hop is not None, "only lines with a first hop have a neighbour"
        summed: dict[int, float] = {}
        for line in lines:
            via = self._via(line)
            summed[via] = summed.get(via, 0.0) + float(shares[line])
        label = self._reasons.graph.target(hop)
        return tuple(self._reasons.node(label, via) for via in sorted(summed, key=lambda via: -summed[via]))

    def _via(self, line: int) -> int:
        return int(self.ledger.via[line])

    def _term(self, line: int) -> Any:
        return self._reasons.blend.terms[int(self.ledger.term[line])]

    def _ends_at_product(self, group: LineGroup) -> bool:
        hop = group.hop
        return hop is not None and self._reasons.graph.target(hop) == self._reasons.schema.roles.product


def _joined(one: Chosen | None, other: Chosen) -> Chosen:
    """Two reasons of which the same is said."""
    if one is None:
        return other
    return replace(
        one,
        lines=np.concatenate((one.lines, other.lines)),
        share=one.share + other.share,
        percent=None if one.percent is None or other.percent is None else one.percent + other.percent,
        may_lead=one.may_lead and other.may_lead,
        everyone=one.everyone and other.everyone,
    )


@cache
def _named(key: Key) -> str:
    return f"{key.shape} {key.part} {key.kind} {' '.join(map(str, key.hops))}"


def _keyed(reasons: "Reasons", ledger: Ledger) -> tuple[list[Key], NDArray[np.int64], NDArray[np.int64]]:
    """The keys, which of them each line has, and the bucket of a line that no sentence covers."""
    term_of = np.zeros(len(ledger.groups), np.int64)
    term_of[ledger.group] = ledger.term
    # Groups of a block of customers may have no line of this one.
    present = np.unique(ledger.group).tolist()
    known = {place: reasons.key(ledger.groups[place], int(term_of[place])) for place in present}
    keys = [known.get(place, known[present[0]]) for place in range(len(ledger.groups))] if present else []
    # One order for one user and for a block of users, whose groups are numbered together.
    base = {key: place for place, key in enumerate(sorted(set(keys), key=_named))}
    buckets: dict[tuple[int, str], int] = {}
    bucket = np.array(
        [
            buckets.setdefault((int(term), group.part), len(buckets))
            for group, term in zip(ledger.groups, term_of, strict=True)
        ],
        np.int64,
    )
    if not present:
        none = np.zeros(0, np.int64)
        return [], none, none
    by_mid = np.array([key.shape == "shared" for key in keys], np.bool_)[ledger.group]
    by_via = np.array([key.shape == "linked" and reasons.is_attribute(key.hops[0]) for key in keys], np.bool_)[
        ledger.group
    ]
    extra = np.where(by_mid, ledger.mid + 1, np.where(by_via, ledger.via + 1, 0)).astype(np.int64)
    width = int(extra.max(initial=0)) + 1
    codes, of_line = np.unique(np.array([base[key] for key in keys])[ledger.group] * width + extra, return_inverse=True)
    names = list(base)
    return [names[code // width] for code in codes.tolist()], of_line, bucket[ledger.group]
