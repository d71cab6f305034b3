"""Reasons: the lines of a ledger that one sentence covers, whether it is true, and in which order people read them.

Lines of one way that meet in one node are one reason, and so are all ways of one type through other people, all that
was learned of one type, and lines of which the same would be said. A sentence stands only where its condition holds:

* close, goes well with: the line is above CLOSE of those that the same neighbour gives to the products of reference;
* is more frequent among people with …: counted, in the snapshot;
* is a frequent choice: among the FREQUENT part of the products that most people hold;
* goes well with both together: as close, with customers who have both and the product, whom the sentence counts;
* fits the profile: as close, and with words that the customer's text and the product's have in common.

What no sentence covers is "other similarities", netted by term. Per cent is the part of all that speaks for a product.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import Node
from graphrec.serving.reasons.forms import Form, Key, Ways
from graphrec.serving.reasons.sentences import NAMED, NAMES, PathParts
from graphrec.terms.forms.portfolio import DELTA, PortfolioTerm
from graphrec.terms.ledger import Ledger, LineGroup

if TYPE_CHECKING:
    from graphrec.serving.reasons.lines import Reasons

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
#: Lists of groups whose ways are kept.
KEPT = 50_000
_NONE = np.zeros(0, np.int64)


class Chosen(NamedTuple):
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
    ways: Ways | None = None
    may_lead: bool = True
    everyone: bool = False
    pair: LineGroup | None = None
    """What two neighbours together are; `via` has both."""


@dataclass(frozen=True, eq=False)
class Reasoned:
    """All reasons of one product that are shown."""

    shown: tuple[Chosen, ...]
    others: float | None
    against: float | None

    @property
    def sentences(self) -> tuple[Chosen, ...]:
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
        self._layout = layout = reasons.forms.layout(ledger)
        count, size = reference.shape[1], len(ledger.via)
        self.mean = reference.mean(axis=1) if count else np.zeros(size)
        """What every line gives to the products of reference on average (num_lines,)."""
        self.group_numbers: list[int] = ledger.group.tolist()
        self.via: list[int] = ledger.via.tolist()
        self.mid: list[int] = ledger.mid.tolist()
        self._evidence: dict[Hop, dict[int, float]] = {}
        self._floor, self._ceiling = np.zeros(size), np.zeros(size)
        if count and (is_learned := layout.learned[ledger.group] if size else np.zeros(0, np.bool_)).any():
            high, low = int(CLOSE * (count - 1)), count - 1 - int(CLOSE * (count - 1))
            ordered = np.partition(reference[is_learned], sorted({high, low}), axis=1)
            self._floor[is_learned] = np.maximum(ordered[:, high], 0.0)
            self._ceiling[is_learned] = np.minimum(ordered[:, low], 0.0)

    def of_product(self, product: int, column: int, limit: int | None, *, plain: bool = False) -> Reasoned:
        """The reasons of one product in their order: see `of_products`."""
        return self.of_products([product], [column], limit, plain=plain)[0]

    def of_products(
        self, products: Sequence[int], columns: Sequence[int], limit: int | None, *, plain: bool = False
    ) -> list[Reasoned]:
        """The reasons of some products in their order.

        Args:
            columns: of the products in the ledger.
            limit: at most so many, and none below SHOWN; None: all.
            plain: contrast demotes none.
        """
        if not products:
            return []
        if not self.via:
            return [Reasoned((), None, None)] * len(products)
        sums = _Sums(self, products, columns)
        order = sums.order(plain=plain)
        return [
            _OfProduct(self, sums, place, product, column, limit).reasoned(order[place])
            for place, (product, column) in enumerate(zip(products, columns, strict=True))
        ]

    def of_line(self, product: int, column: int, line: int) -> Chosen:
        """One line as a reason of its own, which may speak against the product."""
        share = float(self.ledger.values[line, column])
        form = self.form(line)
        is_own = form.to_product and self.via[line] == product
        key = form.own_key if is_own else form.key
        found = None
        if share > (0.0 if is_own else self._floor[line]):
            found = self.worded(key, product, (line,), np.array((line,)), share, (share,))
        elif share < self._ceiling[line]:
            found = self._against(key, product, line)
        if found is not None:
            return found
        text = self._reasons.sentences.say("reasons.other" if share > 0 else "against.other")
        return Chosen("other", text, np.array((line,)), share, None)

    def form(self, line: int) -> Form:
        """What a line is."""
        found: Form = self._layout.forms[self.group_numbers[line]]
        return found

    def evidence(self, form: Form, via: int) -> float:
        """x of the edge that a line starts with."""
        if via < 0 or form.group.walk is None:
            return 1.0
        hop = form.way[0]
        found = self._evidence.get(hop)
        if found is None:
            first = self._reasons.blend.terms[form.term].scorers[form.group.walk].first
            row, evidence = first.row(self._user).tolist(), first.evidence(self._user).tolist()
            found = self._evidence[hop] = dict(zip(row, evidence, strict=True))
        return found[via]

    def composition(self, columns: Sequence[int]) -> list[dict[str, float]]:
        """The parts of the scores of some columns: by kind of line, similarity as text and learned part apart."""
        names, count = self._layout.parts, len(columns)
        cells = (self._layout.part[self.ledger.group][:, None] + np.arange(count) * len(names)).ravel()
        sums = np.bincount(cells, self.ledger.values[:, columns].ravel(), count * len(names))
        return [dict(zip(names, row, strict=True)) for row in sums.reshape(count, len(names)).tolist()]

    def worded(
        self,
        key: Key,
        product: int,
        lines: Sequence[int],
        positions: NDArray[np.int64],
        share: float,
        shares: Sequence[float],
        percent: float | None = None,
        whole: float = 0.0,
        *,
        may_lead: bool = True,
    ) -> Chosen | None:
        """The reason of some lines of one key; None where no sentence of it is true.

        Args:
            lines: the strongest first.
            positions: the same as an array.
            share: their sum.
            shares: of each of them.
            percent: None: per cent is not shown.
            whole: what speaks for the product, of which `percent` is a part.
        """
        shape, reasons, first = key.shape, self._reasons, lines[0]
        form = self.form(first)
        if shape in ("own", "linked", "shared", "people"):
            return self._of_way(key, product, lines, positions, share, shares, percent, may_lead=may_lead)
        if shape == "pair":
            return self._of_pair(key, product, first, positions, share, percent, may_lead=may_lead)
        if shape == "moves":
            wording = self._moving(lines, shares, product, favours=True)
            return None if wording is None else Chosen(key.kind, wording, positions, share, percent, may_lead=may_lead)
        if shape in ("attribute", "learned"):
            return self._learned(key, product, lines, positions, share, shares, percent, whole, may_lead=may_lead)
        words: tuple[str, ...] = ()
        people = None
        if shape == "profile" and key.part == "text":
            words = reasons.words_in_common(self._user, product, self._products)
            if not words:
                return None
        elif shape == "general":
            people = reasons.people.holders(product, self._user)
            if not reasons.is_frequent(product, self._user) or people < reasons.schema.roles.min_group:
                return None
        elif shape == "new" and reasons.people.holders(product, self._user):
            return None
        wording = reasons.sentences.learned(form.group, (), (), favours=True, words=words, own=form.sentences)
        return Chosen(key.kind, wording, positions, share, percent, people, may_lead=may_lead)

    def _learned(
        self,
        key: Key,
        product: int,
        lines: Sequence[int],
        positions: NDArray[np.int64],
        share: float,
        shares: Sequence[float],
        percent: float | None,
        whole: float,
        *,
        may_lead: bool,
    ) -> Chosen | None:
        """The reason of learned weights of neighbours."""
        reasons, form = self._reasons, self.form(lines[0])
        if key.shape == "attribute":
            assert form.group.hop is not None, "an attribute is reached by a hop"
            hop, via = form.group.hop, self.via
            kept = [n for n, one in enumerate(lines) if reasons.is_frequent_among(hop, via[one], product, self._user)]
            if not kept:
                return None
            if len(kept) < len(lines):
                lines, positions, shares = [lines[n] for n in kept], positions[kept], [shares[n] for n in kept]
                share = math.fsum(shares)
                percent = None if percent is None else 100 * share / whole
        types = self._ways(lines).types
        places = self._strongest(lines, shares)
        wording = reasons.sentences.remembered(
            ("learned", form.number, types, places[:NAMES], len(places)),
            lambda: reasons.sentences.learned(
                form.group, self._nodes(form, places), types, favours=True, own=form.sentences
            ),
        )
        return Chosen(key.kind, wording, positions, share, percent, may_lead=may_lead)

    def _of_pair(
        self,
        key: Key,
        product: int,
        line: int,
        positions: NDArray[np.int64],
        share: float,
        percent: float | None,
        *,
        may_lead: bool,
    ) -> Chosen | None:
        """The reason of two neighbours together; None where too few others have both and the product."""
        reasons = self._reasons
        people = reasons.people.with_both(self.form(line).group, self.via[line], self.mid[line], product, self._user)
        if people < reasons.schema.roles.min_group:
            return None
        wording = self._said_of_pair(line, favours=True)
        group, both = self.form(line).group, (self.via[line], self.mid[line])
        return Chosen(key.kind, wording, positions, share, percent, people, both, may_lead=may_lead, pair=group)

    def _said_of_pair(self, line: int, *, favours: bool) -> str:
        """The sentence of two neighbours together."""
        form, reasons = self.form(line), self._reasons
        assert form.target is not None, "a pair begins with a hop"
        assert form.second is not None, "a pair has a second neighbour"
        both = reasons.node(form.target, self.via[line]), reasons.node(form.second, self.mid[line])
        return reasons.sentences.pair(form.group, both, favours=favours)

    def _moving(self, lines: Sequence[int], shares: Sequence[float], product: int, *, favours: bool) -> str | None:
        """The sentence of a product that moves against what is held, or with it; None: one of both does not move.

        It says what the product would make of the portfolio's volatility where that agrees.
        """
        reasons, form = self._reasons, self.form(lines[0])
        term = reasons.blend.terms[form.term]
        assert isinstance(term, PortfolioTerm), "its lines are of this form"
        places = self._strongest(lines, shares)[:NAMED]
        correlations = [term.correlation(place, product) for place in places]
        named = [
            (node, one) for node, one in zip(self._nodes(form, places), correlations, strict=True) if one is not None
        ]
        if not named:
            return None
        moved = term.volatilities(self._user, product)
        agrees = moved is not None and moved[0] != moved[1] and (moved[1] < moved[0]) == favours
        return reasons.sentences.moves(named, moved if agrees else None, DELTA, favours=favours)

    def _of_way(
        self,
        key: Key,
        product: int,
        lines: Sequence[int],
        positions: NDArray[np.int64],
        share: float,
        shares: Sequence[float],
        percent: float | None,
        *,
        may_lead: bool,
    ) -> Chosen | None:
        """The reason of real paths."""
        reasons, first = self._reasons, lines[0]
        ways, sentences = self._ways(lines), reasons.sentences
        places = self._strongest(lines, shares) if self.via[first] >= 0 else ()
        event = reasons.event(self._user, ways.hops[0], places[0]) if ways.says_event and len(places) == 1 else None
        form = self.form(first)
        since = None
        if ways.passes and len(places) == 1 and len(ways.types) == 1:
            since = reasons.since(self._user, ways.types[0], places[0])
        if key.shape == "people":
            via = places
            if len(places) > 1:
                via = tuple(dict.fromkeys([one for line in lines if (one := self.via[line]) >= 0]))
            count, everyone = reasons.people.on_ways(ways.plan, self._user, via, product)
            if count < reasons.schema.roles.min_group:
                return None

            def said() -> str:
                return sentences.path(
                    PathParts(ways.hops, self._nodes(form, places), None, event, True, key.ended, since)
                )

            wording = (
                said() if event or since else sentences.remembered((ways.number, places[:NAMES], len(places)), said)
            )
            return Chosen(key.kind, wording, positions, share, percent, count, via, ways, may_lead, everyone)
        mid = self.mid[first] if key.shape == "shared" else None
        concentrates = key.shape == "shared" and ways.concentrates

        def sentence() -> str:
            between = None if mid is None or ways.mid is None else reasons.node(ways.mid, mid)
            parts = PathParts(ways.hops, self._nodes(form, places), between, event, ended=key.ended, since=since)
            return sentences.path(parts, concentrates=concentrates)

        wording = (
            sentence()
            if event or since
            else sentences.remembered((ways.number, places[:NAMES], len(places), mid), sentence)
        )
        kind = "concentration" if concentrates else key.kind
        return Chosen(kind, wording, positions, share, percent, may_lead=may_lead and not concentrates)

    def _ways(self, lines: Sequence[int]) -> Ways:
        """The distinct ways of some lines."""
        of_line, layout = self.group_numbers, self._layout
        numbers = tuple([of_line[line] for line in lines])
        found: Ways | None = layout.ways.get(numbers)
        if found is None:
            if len(layout.ways) >= KEPT:
                layout.ways.clear()
            forms = [layout.forms[number] for number in sorted(set(numbers))]
            found = layout.ways[numbers] = self._reasons.forms.ways(forms)
        return found

    def _against(self, key: Key, product: int, line: int) -> Chosen | None:
        """What a negative line says; None where no sentence of it is true."""
        reasons, form = self._reasons, self.form(line)
        group, via = form.group, self.via[line]
        if key.shape == "pair":
            return Chosen(key.kind, self._said_of_pair(line, favours=False), np.array((line,)), 0.0, None)
        if key.shape == "moves":
            wording = self._moving((line,), (-1.0,), product, favours=False)
            return None if wording is None else Chosen(key.kind, wording, np.array((line,)), 0.0, None)
        holders = reasons.people.holders(product, self._user) if key.shape in ("general", "new") else 0
        if key.shape == "attribute":
            assert group.hop is not None, "an attribute is reached by a hop"
            if not reasons.is_rare_among(group.hop, via, product, self._user):
                return None
        if (key.shape == "general" and reasons.is_frequent(product, self._user)) or (
            key.shape == "new" and not holders
        ):
            return None
        nodes = () if via < 0 or group.hop is None else self._nodes(form, (via,))
        types = () if group.hop is None else (group.hop,)
        wording = reasons.sentences.learned(group, nodes, types, favours=False, own=form.sentences)
        return Chosen(key.kind, wording, np.array((line,)), 0.0, None)

    def _strongest(self, lines: Sequence[int], shares: Sequence[float]) -> tuple[int, ...]:
        """The neighbours that some lines speak of, each once, the strongest first."""
        via = [self.via[line] for line in lines]
        if via.count(via[0]) == len(via):
            return (via[0],)
        summed: dict[int, float] = {}
        for one, share in zip(via, shares, strict=True):
            summed[one] = summed.get(one, 0.0) + share
        if len(summed) == len(lines):
            return tuple(summed)
        return tuple(sorted(summed, key=summed.__getitem__, reverse=True))

    def _nodes(self, form: Form, places: Sequence[int]) -> tuple[Node, ...]:
        """Neighbours as nodes."""
        if not places:
            return ()
        assert form.target is not None, "only lines with a first hop have a neighbour"
        return tuple(self._reasons.node(form.target, place) for place in places)


class _Sums:
    """What the lines of a customer give to some products, by reason.

    Keys of own reasons stand behind those of the layout; a cell is one key of one product.
    """

    def __init__(self, groups: Groups, products: Sequence[int], columns: Sequence[int]) -> None:
        ledger, layout = groups.ledger, groups._layout
        group = ledger.group
        count = len(products)
        shares = ledger.values[:, columns]
        of_line, codes = self._keyed(groups)
        self.keys = [layout.keys[code] for code in codes] + list(layout.own_keys)
        self.sensitive = layout.sensitive[[*codes, *range(len(layout.keys), len(layout.keys) + len(layout.own_keys))]]
        self.is_for_customer = groups._reasons.voice == "customer"
        self.width = width = len(self.keys)
        of_cell = np.repeat(of_line[:, None], count, axis=1)
        said = shares > groups._floor[:, None]
        if layout.own_keys:
            is_own = layout.to_product[group][:, None] & (ledger.via[:, None] == np.array(products))
            if is_own.any():
                of_cell = np.where(is_own, len(codes) + layout.own[group][:, None], of_cell)
                said = np.where(is_own, shares > 0, said)
        places = np.arange(count)
        cells = (of_cell + places * width).ravel()
        is_said = said.ravel()
        total = width * count
        flat = np.where(said, shares, 0.0)
        self.sums: NDArray[Any] = np.bincount(cells, flat.ravel(), total).reshape(count, width)
        mean = np.where(said, groups.mean[:, None], 0.0)
        self.contrast: NDArray[Any] = self.sums - np.bincount(cells, mean.ravel(), total).reshape(count, width)
        bucket = (layout.bucket[group][:, None] + places * layout.buckets).ravel()
        unsaid = np.bincount(bucket, (shares - flat).ravel(), layout.buckets * count)
        nets: NDArray[Any] = unsaid.reshape(count, layout.buckets)
        self.nets: list[list[float]] = np.asarray(nets, np.float64).tolist()
        self.rows: list[list[float]] = np.asarray(self.sums, np.float64).tolist()
        self.whole = [
            math.fsum((*row, *(net for net in nets if net > 0))) for row, nets in zip(self.rows, self.nets, strict=True)
        ]
        # The lines of each cell, the strongest first.
        entries = np.flatnonzero(is_said)
        found = cells[entries]
        order = np.lexsort((-shares.ravel()[entries], found))
        self.lines = entries[order] // count
        self.numbers: list[int] = self.lines.tolist()
        self.values: list[float] = shares.ravel()[entries[order]].tolist()
        self.bounds: list[int] = np.concatenate(([0], np.cumsum(np.bincount(found, minlength=total)))).tolist()
        self.of_line = of_line

    @staticmethod
    def _keyed(groups: Groups) -> tuple[NDArray[np.int64], list[int]]:
        """Which reason each line belongs to, and the key of each reason."""
        ledger, layout = groups.ledger, groups._layout
        by_mid, by_via = layout.by_mid[ledger.group], layout.by_via[ledger.group]
        extra = np.where(by_mid, ledger.mid + 1, np.where(by_via, ledger.via + 1, 0)).astype(np.int64)
        by_pair = layout.by_pair[ledger.group]
        if by_pair.any():
            _, both = np.unique(np.stack((ledger.via[by_pair], ledger.mid[by_pair])), axis=1, return_inverse=True)
            extra[by_pair] = both.ravel() + 1
        width = int(extra.max()) + 1
        codes, of_line = np.unique(layout.base[ledger.group] * width + extra, return_inverse=True)
        return of_line, (codes // width).tolist()

    def order(self, *, plain: bool) -> list[list[int]]:
        """The keys of each product that speak for it, in their order."""
        sums = self.sums
        place, key = np.nonzero(sums > 0)
        values = sums[place, key]
        alike = self.contrast[place, key] < DISTINCT * values if not plain else np.zeros(len(place), np.bool_)
        last = self.sensitive[key] if self.is_for_customer else np.zeros(len(place), np.bool_)
        order = np.lexsort((key, -values, alike, last, place))
        ends = np.cumsum(np.bincount(place, minlength=len(sums)))
        ordered: list[int] = key[order].tolist()
        return [ordered[start:end] for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]


class _OfProduct:
    """The reasons of one product, worded as far as they are needed."""

    def __init__(self, groups: Groups, sums: _Sums, place: int, product: int, column: int, limit: int | None) -> None:
        self.group_numberss = groups
        self._sums = sums
        self._place = place
        self._product = product
        self._column = column
        self._limit = limit
        self._whole = sums.whole[place]
        self._row = sums.rows[place]
        self._known: dict[int, Chosen | None] = {}

    def reasoned(self, order: list[int]) -> Reasoned:
        """All that are shown.

        Args:
            order: the keys that speak for the product.
        """
        whole, row, limit = self._whole, self._row, self._limit
        if whole <= 0:
            return Reasoned((), None, None)
        least = LEADS * whole
        for one in order:
            if row[one] >= least and (found := self._chosen(one)) and found.may_lead and found.share >= least:
                order = [one, *(other for other in order if other != one)]
                break
        shown: dict[str, Chosen] = {}
        for one in order:
            if limit is not None and (len(shown) == limit or (shown and row[one] < SHOWN * whole)):
                break
            found = self._chosen(one)
            if found is not None:
                before = shown.get(found.wording)
                shown[found.wording] = found if before is None else _joined(before, found)
        return self._finished(list(shown.values()))

    def _chosen(self, one: int) -> Chosen | None:
        """The reason of a key."""
        if one in self._known:
            return self._known[one]
        sums = self._sums
        cell = self._place * sums.width + one
        start, end = sums.bounds[cell], sums.bounds[cell + 1]
        share = self._row[one]
        found = self._known[one] = self.group_numberss.worded(
            sums.keys[one], self._product, sums.numbers[start:end], sums.lines[start:end], share,
            sums.values[start:end], 100 * share / self._whole, self._whole, may_lead=not sums.sensitive[one],
        )  # fmt: skip
        return found

    def _finished(self, shown: list[Chosen]) -> Reasoned:
        """What is shown with its heading, what no sentence covers, and what is left."""
        groups, sums, whole, row = self.group_numberss, self._sums, self._whole, self._row
        least = LEADS * whole
        sentences = groups._reasons.sentences
        lead = next((one for one in shown if one.may_lead and one.share >= least), None)
        if shown and shown[0] is not lead:
            if lead is not None:
                shown = [lead, *(one for one in shown if one is not lead)]
            else:
                shown = [Chosen("many", sentences.say(_heading(shown, least)), _NONE, 0.0, None), *shown]
        nets, known = sums.nets[self._place], self._known
        worded = sum(found.share for found in known.values() if found is not None)
        other = math.fsum(net for net in nets if net > 0) + sum(row[one] for one in known) - worded
        if other >= SHOWN * whole:
            covered = np.concatenate([_NONE, *(found.lines for found in known.values() if found is not None)])
            tried = np.zeros(sums.width, np.bool_)
            tried[list(known)] = True
            speaks = (groups.ledger.values[:, self._column] > 0) & tried[sums.of_line]
            speaks[covered] = False
            lines = np.flatnonzero(speaks)
            text = sentences.say("reasons.other")
            shown.append(Chosen("other", text, lines, other, 100 * other / whole, may_lead=False))
        percents = sum(one.percent or 0.0 for one in shown)
        against = -100 * math.fsum(net for net in nets if net < 0) / whole
        return Reasoned(tuple(shown), max(100.0 - percents, 0.0), against)


def _heading(shown: Sequence[Chosen], least: float) -> str:
    """The key of what stands above reasons of which none leads.

    Args:
        least: the share that a reason needs to lead.
    """
    if not any(one.share >= least for one in shown):
        return "reasons.many"
    if len(shown) > 1:
        return "reasons.various"
    # Of one reason alone it would not be true that there are several.
    (alone,) = shown
    if alone.kind == "concentration":
        return "reasons.same_risk"
    return "reasons.in_common" if alone.people is not None or alone.kind == "attribute" else "reasons.known"


def _joined(one: Chosen, other: Chosen) -> Chosen:
    """Two reasons of which the same is said."""
    return one._replace(
        lines=np.concatenate((one.lines, other.lines)),
        share=one.share + other.share,
        percent=None if one.percent is None or other.percent is None else one.percent + other.percent,
        may_lead=one.may_lead and other.may_lead,
        everyone=one.everyone and other.everyone,
    )
