"""Reasons: the lines of a ledger that one sentence covers, whether it is true, and in which order people read them.

Lines of one way that meet in one node are one reason, and so are all ways of one type through other people, all that
was learned of one type, lines of which the same would be said, and what is said of one attribute. A sentence stands
only where its condition holds:

* close, goes well with: the line is above CLOSE of those that the same neighbour gives to the products of reference;
* is more frequent among people with …: counted, in the snapshot;
* is a frequent choice: among the FREQUENT part of the products that most people hold; of others only their number is
  said, and of fewer people than min_group nothing; the same since a day, of those who took it since, where a term lets
  holdings fade;
* goes well with both together: as close, with customers who have both and the product, whom the sentence counts;
* others who have it have the product: counted, where the line speaks for the product and is not close, and where the
  product is more frequent among them than among all;
* fits the profile: as close, and with words that the customer's text and the product's have in common.

What no sentence covers is "other similarities", netted by term. Per cent is the part of all that speaks for a product.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import Node
from graphrec.serving.reasons.forms import Form, Key, Layout, Ways
from graphrec.serving.reasons.sentences import NAMED, NAMES, Event, PathParts, Sentences, Since
from graphrec.terms.forms.portfolio import DELTA
from graphrec.terms.ledger import Beside, Ledger, LineGroup

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
_WALKED = frozenset(("own", "linked", "shared", "people"))


class Chosen(Struct, frozen=True, eq=False):
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
    trait: tuple[Hop, int] | None = None
    """The one attribute of the customer that it speaks of: what is said of it is one reason."""
    says_frequent: bool = False
    """Whether it says of the people with an attribute, too, that the product is more frequent among them."""


class Cell(Struct, frozen=True, eq=False):
    """The lines of one key of one product, the strongest first."""

    first: int
    """The strongest line."""
    positions: NDArray[np.int64]
    """All of them, as positions in the ledger."""
    shares: Sequence[float] | NDArray[np.float64]
    places: tuple[int, ...]
    """The customer's neighbours that they speak of, the strongest first; none where they begin with people."""
    via: tuple[int, ...]
    """The same in the order of their lines."""
    ways: Ways | None
    """None where they begin with no edge of the customer."""


class Reasoned(Struct, frozen=True, eq=False):
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
        reference: what every line gives to the products of reference.
    """

    def __init__(
        self, reasons: "Reasons", user: int, ledger: Ledger, reference: Beside, products: NDArray[np.int32]
    ) -> None:
        self._reasons = reasons
        self._user = user
        self.ledger = ledger
        self._products = products
        self._layout = layout = reasons.forms.layout(ledger)
        count, size = len(reference.places), len(ledger.via)
        self.mean = reference.mean
        """What every line gives to the products of reference on average (num_lines,)."""
        self.group_numbers: list[int] = ledger.group.tolist()
        self.via: list[int] = ledger.via.tolist()
        self.mid: list[int] = ledger.mid.tolist()
        self._evidence: dict[Hop, dict[int, float]] = {}
        self._floor, self._ceiling = np.zeros(size), np.zeros(size)
        self._least = reasons.schema.roles.min_group
        self._kept_wordings = reasons.sentences.kept
        if count and (is_learned := layout.learned[ledger.group] if size else np.zeros(0, np.bool_)).any():
            high, low = int(CLOSE * (count - 1)), count - 1 - int(CLOSE * (count - 1))
            ordered = np.partition(reference.rows(is_learned), sorted({high, low}), axis=1)
            self._floor[is_learned] = np.maximum(ordered[:, high], 0.0)
            self._ceiling[is_learned] = np.minimum(ordered[:, low], 0.0)

    def of_product(self, product: int, column: int, limit: int | None, *, plain: bool = False) -> Reasoned:
        """The reasons of one product in their order: see `reasoned`."""
        return reasoned([(self, [product], [column])], limit, plain=plain)[0][0]

    def of_line(self, product: int, column: int, line: int) -> Chosen:
        """One line as a reason of its own, which may speak against the product."""
        share = float(self.ledger.values[line, column])
        form = self.form(line)
        is_own = form.to_product and self.via[line] == product
        key = form.own_key if is_own else form.key
        found = None
        if share > (0.0 if is_own else self._floor[line]):
            found = self.worded(key, product, self._cell((line,), (share,)), share)
        elif share > 0 and self.goes_along(line, product):
            number = int(self._layout.along[self.group_numbers[line]])
            found = self.worded(self._layout.forms[number].key, product, self._cell((line,), (share,), {number}), share)
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

    def goes_along(self, line: int, product: int) -> bool:
        """Whether enough others have the neighbour of a line and a product, and more of them than of all."""
        number = int(self._layout.along[self.group_numbers[line]])
        if number < 0:
            return False
        ways = ways_of(self._reasons, self._layout, 1 << number)
        assert ways is not None, "others have it over the same hop"
        return self._reasons.people.goes_along(ways.plan, self._user, self.via[line], product, self._least)

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
        cell: "Cell",
        share: float,
        percent: float | None = None,
        whole: float = 0.0,
        *,
        may_lead: bool = True,
    ) -> Chosen | None:
        """The reason of some lines of one key; None where no sentence of it is true.

        Args:
            share: the sum of the lines.
            percent: None: per cent is not shown.
            whole: what speaks for the product, of which `percent` is a part.
        """
        shape, reasons = key.shape, self._reasons
        if shape in _WALKED:
            return self._of_way(key, product, cell, share, percent, may_lead=may_lead)
        form, positions = self.form(cell.first), cell.positions
        if shape == "pair":
            return self._of_pair(key, product, cell.first, positions, share, percent, may_lead=may_lead)
        if shape == "moves":
            wording = self._moving(form, cell.places, product, favours=True)
            return None if wording is None else Chosen(key.kind, wording, positions, share, percent, may_lead=may_lead)
        if shape in ("attribute", "learned"):
            return self._learned(key, product, cell, share, percent, whole, may_lead=may_lead)
        words: tuple[str, ...] = ()
        people, is_frequent = None, True
        if shape == "profile" and key.part == "text":
            words = reasons.words_in_common(self._user, product, self._products)
            if not words:
                return None
            words = () if reasons.are_foreign(self._user, product) else words
        elif shape == "general":
            people = reasons.people.holders(product, self._user, form.since)
            is_frequent = reasons.is_frequent(product, self._user, form.since)
            if people < reasons.schema.roles.min_group:
                return None
        elif (shape == "new" and reasons.people.holders(product, self._user)) or self._is_untold(shape):
            return None
        wording = reasons.sentences.learned(
            form.group, (), (), favours=True, words=words, own=form.sentences, is_frequent=is_frequent,
            since=form.since,
        )  # fmt: skip
        return Chosen(key.kind, wording, positions, share, percent, people, may_lead=may_lead)

    def _learned(
        self,
        key: Key,
        product: int,
        cell: "Cell",
        share: float,
        percent: float | None,
        whole: float,
        *,
        may_lead: bool,
    ) -> Chosen | None:
        """The reason of learned weights of neighbours."""
        reasons, form = self._reasons, self.form(cell.first)
        if key.shape == "attribute":
            assert form.group.hop is not None, "an attribute is reached by a hop"
            hop, via, lines = form.group.hop, self.via, cell.positions.tolist()
            kept = [n for n, one in enumerate(lines) if reasons.is_frequent_among(hop, via[one], product, self._user)]
            if not kept:
                return None
            if len(kept) < len(lines):
                shares = [cell.shares[n] for n in kept]
                cell = self._cell([lines[n] for n in kept], shares)
                share = math.fsum(shares)
                percent = None if percent is None else 100 * share / whole
                form = self.form(cell.first)
        assert cell.ways is not None, "a neighbour is reached by a hop"
        types, places = cell.ways.types, cell.places
        wording = reasons.sentences.remembered(
            ("learned", form.number, types, places[:NAMES], len(places)),
            lambda: reasons.sentences.learned(
                form.group, self._nodes(form, places), types, favours=True, own=form.sentences
            ),
        )
        trait = (types[0], places[0]) if key.shape == "attribute" and len(places) == 1 else None
        return Chosen(key.kind, wording, cell.positions, share, percent, may_lead=may_lead, trait=trait)

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

    def _is_untold(self, shape: str) -> bool:
        """Whether customers do not read it as a reason: what prices did is no promise."""
        return shape == "profit" and self._reasons.voice == "customer"

    def _moving(self, form: Form, places: Sequence[int], product: int, *, favours: bool) -> str | None:
        """The sentence of a product that moves against what is held, or with it; None: one of both does not move.

        It says what the product would make of the portfolio's volatility where that agrees.

        Args:
            places: of the products that are held, the strongest first.
        """
        reasons, places = self._reasons, places[:NAMED]
        term = reasons.blend.terms[form.term]
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
        self, key: Key, product: int, cell: "Cell", share: float, percent: float | None, *, may_lead: bool
    ) -> Chosen | None:
        """The reason of real paths."""
        positions, places, via, ways = cell.positions, cell.places, cell.via, cell.ways
        assert ways is not None, "a path has a way"
        reasons = self._reasons
        event = since = None
        if len(places) == 1:
            if ways.says_event:
                event = reasons.event(self._user, ways.hops[0], places[0])
            if ways.passes and len(ways.types) == 1:
                since = reasons.since(self._user, ways.types[0], places[0])
        if key.shape == "people":
            count, everyone = reasons.people.on_ways(ways.plan, self._user, via, product)
            if count < self._least:
                return None
            wording = None
            if event is None and since is None:
                wording = self._kept_wordings.get((ways.number, places[:NAMES], len(places)))
            if wording is None:
                wording = self._said_of_way(key, cell, None, event, since)
            trait = (ways.types[0], places[0]) if len(places) == 1 and reasons.is_of_trait(ways.hops) else None
            return Chosen(
                key.kind, wording, positions, share, percent, count, via, ways, may_lead, everyone, trait=trait
            )
        mid = self.mid[cell.first] if key.shape == "shared" else None
        concentrates = mid is not None and ways.concentrates
        wording = None
        if event is None and since is None:
            wording = self._kept_wordings.get((ways.number, places[:NAMES], len(places), mid))
        if wording is None:
            wording = self._said_of_way(key, cell, mid, event, since, concentrates=concentrates)
        kind = "concentration" if concentrates else key.kind
        return Chosen(kind, wording, positions, share, percent, None, (), None, may_lead and not concentrates)

    def _said_of_way(
        self,
        key: Key,
        cell: "Cell",
        mid: int | None,
        event: Event | None,
        since: Since | None,
        *,
        concentrates: bool = False,
    ) -> str:
        """The sentence of real paths; one without an event or an age is kept."""
        reasons, ways, places = self._reasons, cell.ways, cell.places
        assert ways is not None, "a path has a way"
        form, is_people = self.form(cell.first), key.shape == "people"

        def said() -> str:
            between = None if mid is None or ways.mid is None else reasons.node(ways.mid, mid)
            parts = PathParts(ways.hops, self._nodes(form, places), between, event, is_people, key.ended, since)
            return reasons.sentences.path(parts, concentrates=concentrates)

        if event or since:
            return said()
        name = (ways.number, places[:NAMES], len(places))
        return reasons.sentences.remembered(name if is_people else (*name, mid), said)

    def _cell(self, lines: Sequence[int], shares: Sequence[float], numbers: set[int] | None = None) -> "Cell":
        """Some lines of one key, the strongest first.

        Args:
            numbers: of the forms by which they are said; None: their own.
        """
        first, via = lines[0], tuple(dict.fromkeys([one for line in lines if (one := self.via[line]) >= 0]))
        places = self._strongest(lines, shares) if self.via[first] >= 0 else ()
        numbers = numbers or {self.group_numbers[line] for line in lines}
        mask = sum(1 << number for number in numbers)
        return Cell(first, np.array(lines, np.int64), shares, places, via, ways_of(self._reasons, self._layout, mask))

    def _against(self, key: Key, product: int, line: int) -> Chosen | None:
        """What a negative line says; None where no sentence of it is true."""
        reasons, form = self._reasons, self.form(line)
        group, via = form.group, self.via[line]
        if key.shape == "pair":
            return Chosen(key.kind, self._said_of_pair(line, favours=False), np.array((line,)), 0.0, None)
        if key.shape == "moves":
            moving = self._moving(form, (via,), product, favours=False)
            return None if moving is None else Chosen(key.kind, moving, np.array((line,)), 0.0, None)
        if self._is_untold(key.shape) or form.since is not None:
            return None
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


def ways_of(reasons: "Reasons", layout: Layout, mask: int) -> Ways | None:
    """The distinct ways of some groups; None where they begin with no edge of the customer.

    Args:
        mask: the sum of 2 ** number of the groups.
    """
    found = layout.ways.get(mask)
    if found is None:
        if len(layout.ways) >= KEPT:
            layout.ways.clear()
        forms = [form for number, form in enumerate(layout.forms) if mask >> number & 1]
        if not forms[0].way:
            return None
        found = layout.ways[mask] = reasons.forms.ways(forms)
    return found


def reasoned(
    asked: Sequence[tuple[Groups, Sequence[int], Sequence[int]]], limit: int | None, *, plain: bool = False
) -> list[list[Reasoned]]:
    """The reasons of some products of several customers in their order.

    Args:
        asked: of each customer the lines, the products, and their columns in the ledger.
        limit: at most so many, and none below SHOWN; None: all.
        plain: contrast demotes none.
    """
    found: list[list[Reasoned]] = [[Reasoned((), None, None)] * len(products) for _, products, _ in asked]
    alike: dict[int, list[int]] = {}
    for place, (groups, products, _) in enumerate(asked):
        if products and groups.via:
            alike.setdefault(id(groups._layout), []).append(place)
    for places in alike.values():
        sums = _Sums([asked[place] for place in places], plain=plain)
        product = 0
        for place in places:
            for number in range(len(found[place])):
                found[place][number] = sums.reasoned(product, limit)
                product += 1
    return found


class _Sums:
    """What the lines of customers give to some of their products, by reason.

    A cell is what the lines of one key give to one product; the cells of a product stand in the order of their keys,
    those of own reasons behind the others. All that is counted of cells is counted for all customers at once.
    """

    def __init__(self, asked: Sequence[tuple[Groups, Sequence[int], Sequence[int]]], *, plain: bool) -> None:
        first = asked[0][0]
        self._layout = layout = first._layout
        self._reasons = first._reasons
        self._sentences = first._reasons.sentences
        self._asked = asked
        ledgers = [groups.ledger for groups, _, _ in asked]
        lengths = np.array([len(ledger.via) for ledger in ledgers])
        widths = np.array([len(products) for _, products, _ in asked])
        self._of_product: list[int] = np.repeat(np.arange(len(asked)), widths).tolist()
        self._line_starts: list[int] = (np.cumsum(lengths) - lengths).tolist()
        self._products = [product for _, products, _ in asked for product in products]
        self._columns = [column for _, _, columns in asked for column in columns]
        group, via, mid = (_joint([getattr(one, name) for one in ledgers]) for name in ("group", "via", "mid"))
        floor = _joint([groups._floor for groups, _, _ in asked])
        mean = _joint([groups.mean for groups, _, _ in asked])
        # Entries are what is not 0: of which line, of which product, and how much.
        parts = [ledger.values[:, columns].ravel() for ledger, (_, _, columns) in zip(ledgers, asked, strict=True)]
        shares = _joint(parts)
        filled = np.flatnonzero(shares)
        shares = shares[filled]
        sizes = lengths * widths
        ends = np.cumsum(sizes)
        owner = np.searchsorted(ends, filled, side="right") if len(asked) > 1 else np.zeros(len(filled), np.int64)
        line, place = np.divmod(filled - (ends - sizes)[owner], widths[owner])
        line += (np.cumsum(lengths) - lengths)[owner]
        product = place + (np.cumsum(widths) - widths)[owner]
        count = len(self._products)
        codes, width, stride = self._codes(layout, group, via, mid)
        self._line_codes = codes
        code, said = codes[line], shares > floor[line]
        if layout.own_keys:
            is_own = layout.to_product[group[line]] & (via[line] == np.array(self._products)[product])
            if is_own.any():
                code = np.where(is_own, width + layout.own[group[line]] * stride, code)
                said = np.where(is_own, shares > 0, said)
                width += len(layout.own_keys) * stride
        kind = group[line].astype(np.int64)
        moved = self._less_said(np.flatnonzero(~said & (shares > 0) & (layout.along[kind] >= 0)), line, product)
        kind[moved] = layout.along[kind[moved]]
        code[moved], said[moved] = layout.base[kind[moved]] * stride, True
        unsaid = ~said
        bucket = product[unsaid] * layout.buckets + layout.bucket[group[line[unsaid]]]
        nets = np.bincount(bucket, shares[unsaid], count * layout.buckets)
        self._nets: list[list[float]] = nets.astype(np.float64).reshape(count, layout.buckets).tolist()
        shares, line, kind = shares[said], line[said], kind[said]
        # The lines of each cell, the strongest first.
        cell = product[said] * width + code[said]
        order = np.lexsort((-shares, cell))
        ordered = cell[order]
        starts = np.ones(len(ordered), np.bool_)
        starts[1:] = ordered[1:] != ordered[:-1]
        begins, of_entry = np.flatnonzero(starts), np.cumsum(starts) - 1
        cells = ordered[begins]
        unordered = np.empty(len(order), np.int64)
        unordered[order] = of_entry
        sums = np.bincount(unordered, shares, len(cells)).astype(np.float64)
        self._of_cell, self._key_codes = np.divmod(cells, width)
        keys = self._key_codes // stride
        bounds = np.searchsorted(self._of_cell, np.arange(count + 1))
        self._cells: list[int] = bounds.tolist()
        self._rows: list[float] = sums.tolist()
        self._keys: list[int] = keys.tolist()
        self._named = (*layout.keys, *layout.own_keys)
        self._sensitive: list[bool] = layout.sensitive[keys].tolist()
        self._orders = self._ordered(sums, unordered, mean[line], keys, plain=plain)
        line, shares, kind = line[order], shares[order], kind[order]
        self._lines = (
            line - (np.cumsum(lengths) - lengths)[np.array(self._of_product, np.int64)[self._of_cell]][of_entry]
        )
        self._bounds: list[int] = [*begins.tolist(), len(line)]
        self._firsts: list[int] = self._lines[begins].tolist()
        self._shares = shares
        self._masks = _masks(kind, begins, len(layout.forms))
        self._name_places(via[line], shares, of_entry, len(cells))

    def _less_said(
        self, entries: NDArray[np.int64], line: NDArray[np.int64], product: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Those of some entries of which it is said how many others have both; their lines are kept by product."""
        self._moved: dict[int, list[int]] = {}
        moved = []
        for entry, at, one in zip(entries.tolist(), line[entries].tolist(), product[entries].tolist(), strict=True):
            number = self._of_product[one]
            here = at - self._line_starts[number]
            if self._asked[number][0].goes_along(here, self._products[one]):
                self._moved.setdefault(one, []).append(here)
                moved.append(entry)
        return np.array(moved, np.int64)

    @staticmethod
    def _codes(
        layout: Layout, group: NDArray[np.int64], via: NDArray[np.int64], mid: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], int, int]:
        """A number for the reason of each line, in the order of keys; above all of them; and between two keys."""
        extra = np.where(layout.by_mid[group], mid + 1, np.where(layout.by_via[group], via + 1, 0)).astype(np.int64)
        by_pair = layout.by_pair[group]
        if by_pair.any():
            _, both = np.unique(np.stack((via[by_pair], mid[by_pair])), axis=1, return_inverse=True)
            extra[by_pair] = both.ravel() + 1
        stride = int(extra.max()) + 1
        return layout.base[group] * stride + extra, len(layout.keys) * stride, stride

    def _ordered(
        self,
        sums: NDArray[np.float64],
        of_entry: NDArray[np.int64],
        mean: NDArray[np.float64],
        keys: NDArray[np.int64],
        *,
        plain: bool,
    ) -> list[int]:
        """The cells of each product in their order, one product after another."""
        alike = np.zeros(len(sums), np.bool_)
        if not plain:
            alike = sums - np.bincount(of_entry, mean, len(sums)) < DISTINCT * sums
        last = np.zeros(len(sums), np.bool_)
        if self._reasons.voice == "customer":
            last = self._layout.sensitive[keys]
        self._behind: list[tuple[bool, bool]] = list(zip(last.tolist(), alike.tolist(), strict=True))
        """Whether each cell stands behind the others: as what is sensitive, and as what pushes every product alike."""
        order: list[int] = np.lexsort((-sums, alike, last, self._of_cell)).tolist()
        return order

    def _name_places(
        self, via: NDArray[np.int64], shares: NDArray[np.float64], of_entry: NDArray[np.int64], count: int
    ) -> None:
        """The neighbours that the lines of each cell speak of: by what they give, and by their strongest lines."""
        order = np.lexsort((via, of_entry))
        cell, node = of_entry[order], via[order]
        starts = np.ones(len(order), np.bool_)
        starts[1:] = (cell[1:] != cell[:-1]) | (node[1:] != node[:-1])
        number = np.empty(len(order), np.int64)
        number[order] = np.cumsum(starts) - 1
        begins = np.flatnonzero(starts)
        first, cell, node = order[begins], cell[begins], node[begins]
        summed = np.bincount(number, shares, len(begins))
        self._places: list[int] = node[np.lexsort((first, -summed, cell))].tolist()
        self._vias: list[int] = node[np.lexsort((first, cell))].tolist()
        self._place_bounds: list[int] = np.searchsorted(cell, np.arange(count + 1)).tolist()

    def _cell(self, one: int) -> Cell:
        """The lines of a cell."""
        start, end = self._bounds[one], self._bounds[one + 1]
        begin, stop = self._place_bounds[one], self._place_bounds[one + 1]
        places = tuple(self._places[begin:stop])
        via = places if stop - begin == 1 else tuple(self._vias[begin:stop])
        if places[0] < 0:
            places = via = ()
        mask = self._masks[one]
        ways = self._layout.ways.get(mask) or ways_of(self._reasons, self._layout, mask)
        return Cell(self._firsts[one], self._lines[start:end], self._shares[start:end], places, via, ways)

    def reasoned(self, product: int, limit: int | None) -> Reasoned:
        """All reasons of a product that are shown.

        Args:
            product: its place among those that were asked for.
        """
        nets, rows, bounds = self._nets[product], self._rows, self._cells
        start, end = bounds[product], bounds[product + 1]
        whole = math.fsum((*rows[start:end], *[net for net in nets if net > 0]))
        if whole <= 0:
            return Reasoned((), None, None)
        groups = self._asked[self._of_product[product]][0]
        order, named, keys, sensitive = self._orders[start:end], self._named, self._keys, self._sensitive
        number, least = self._products[product], LEADS * whole
        known: dict[int, Chosen | None] = {}

        def chosen(one: int) -> Chosen | None:
            share = rows[one]
            found = known[one] = groups.worded(
                named[keys[one]], number, self._cell(one), share, 100 * share / whole, whole,
                may_lead=not sensitive[one],
            )  # fmt: skip
            return found

        for one in order:
            if rows[one] >= least and (found := chosen(one)) and found.may_lead and found.share >= least:
                if one != order[0]:
                    order = [one, *(other for other in order if other != one)]
                break
        shown: dict[Any, Chosen] = {}
        ranks: dict[Any, tuple[bool, bool]] = {}
        for one in order:
            if limit is not None and (len(shown) == limit or (shown and rows[one] < SHOWN * whole)):
                break
            found = known[one] if one in known else chosen(one)
            if found is not None:
                name = found.trait or found.wording
                if (before := shown.get(name)) is not None and not _is_one(before, found):
                    name, before = found.wording, shown.get(found.wording)
                shown[name] = found if before is None else joined(self._sentences, before, found)
                ranks.setdefault(name, self._behind[one])
        # Of two cells together there may be more than of one before them.
        ordered = sorted(shown, key=lambda name: (ranks[name], -shown[name].share))
        return self._finished(product, groups, [shown[name] for name in ordered], known, whole)

    def _finished(
        self, product: int, groups: Groups, shown: list[Chosen], known: dict[int, Chosen | None], whole: float
    ) -> Reasoned:
        """What is shown with its heading, what no sentence covers, and what is left."""
        nets, rows, least, say = self._nets[product], self._rows, LEADS * whole, self._sentences.say
        lead = next((one for one in shown if one.may_lead and one.share >= least), None)
        if shown and shown[0] is not lead:
            if lead is not None:
                shown = [lead, *(one for one in shown if one is not lead)]
            else:
                shown = [Chosen("many", say(_heading(shown, least)), _NONE, 0.0, None), *shown]
        worded = sum([found.share for found in known.values() if found is not None])
        other = math.fsum([net for net in nets if net > 0]) + sum([rows[one] for one in known]) - worded
        if other >= SHOWN * whole:
            lines = self._uncovered(product, groups, known)
            shown.append(Chosen("other", say("reasons.other"), lines, other, 100 * other / whole, may_lead=False))
        percents = sum([one.percent or 0.0 for one in shown])
        against = -100 * math.fsum([net for net in nets if net < 0]) / whole
        return Reasoned(tuple(shown), max(100.0 - percents, 0.0), against)

    def _uncovered(self, product: int, groups: Groups, known: dict[int, Chosen | None]) -> NDArray[np.int64]:
        """The lines of the keys that were tried which speak for a product, and which no sentence covers."""
        begin = self._line_starts[self._of_product[product]]
        codes = self._line_codes[begin : begin + len(groups.via)]
        tried = np.isin(codes, self._key_codes[list(known)])
        speaks = (groups.ledger.values[:, self._columns[product]] > 0) & tried
        speaks[self._moved.get(product, [])] = False
        for found in known.values():
            if found is not None:
                speaks[found.lines] = False
        return np.flatnonzero(speaks)


def _joint(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _masks(group: NDArray[np.integer], begins: NDArray[np.int64], count: int) -> list[int]:
    """The sum of 2 ** number of the groups that each run of lines is of.

    Args:
        begins: where runs begin.
        count: of groups.
    """
    found = [0] * len(begins)
    for start in range(0, count, 62):
        here = (group >= start) & (group < start + 62)
        bits = np.where(here, np.int64(1) << np.where(here, group - start, 0).astype(np.int64), 0)
        for place, part in enumerate(np.bitwise_or.reduceat(bits, begins).tolist() if len(begins) else ()):
            found[place] |= part << start
    return found


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


def _is_one(one: Chosen, other: Chosen) -> bool:
    """Whether two reasons of one attribute can be said as one: who took the product, and how frequent it is."""
    return one.wording == other.wording or (one.people is None) != (other.people is None)


def joined(sentences: Sentences, one: Chosen, other: Chosen) -> Chosen:
    """Two reasons of which the same is said, or two of one attribute: who has it and took the product, and that it is
    more frequent among them."""
    wording, says_frequent = one.wording, one.says_frequent
    if one.wording != other.wording:
        if one.people is None:
            one, other = other, one
        wording = one.wording if one.says_frequent else sentences.more_frequent(one.wording)
        says_frequent = True
    return structs.replace(
        one,
        wording=wording,
        lines=np.concatenate((one.lines, other.lines)),
        share=one.share + other.share,
        percent=None if one.percent is None or other.percent is None else one.percent + other.percent,
        may_lead=one.may_lead and other.may_lead,
        everyone=one.everyone and (other.everyone or other.people is None),
        says_frequent=says_frequent,
    )
