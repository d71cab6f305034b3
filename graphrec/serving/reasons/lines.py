"""The reasons and lines of a ledger as a person reads them: text, path and Cypher."""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.edges.first_hops import FirstHop
from graphrec.graph.folders.facts import events_between
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.graph.folders.strings import ABSENT
from graphrec.languages import Language, Voice
from graphrec.schema import GraphSchema
from graphrec.serving.answer import Line, Node, PathPart, Preference, Reason, from_fields
from graphrec.serving.answer import People as Others
from graphrec.serving.positions import Positions
from graphrec.serving.reasons.forms import Form, Forms, Key, Shape
from graphrec.serving.reasons.groups import FREQUENT, Chosen, Groups
from graphrec.serving.reasons.over import Ends, apart, can_be_over, over
from graphrec.serving.reasons.people import People
from graphrec.serving.reasons.prefer import Wish
from graphrec.serving.reasons.sentences import Event, Sentences, Since, words
from graphrec.serving.reasons.words import in_common, is_foreign
from graphrec.terms.base import Term
from graphrec.terms.forms.blend import Blend
from graphrec.terms.ledger import Beside, Ledger, LineGroup
from graphrec.terms.walks import WalkScorer
from graphrec.times import microseconds_of, moment_of

MAX_HOPS = 3
#: Days of a month, and the part of x that has faded from which a sentence says how long ago it was.
MONTH, HALF = 30.44, 0.5
#: Stands after every time in a store.
END_OF_TIME = "9999-12-31T23:59:59.999999Z"
_SHAPES: Mapping[int, Shape] = {1: "own", 2: "linked", 3: "shared"}
_ALONE: Mapping[str, Shape] = {"general": "general", "new": "new", "nonlinear": "nonlinear", "profit": "profit"}
#: Words of labels and edge types that are sensitive where the mapping marks nothing.
_SENSITIVE = re.compile(
    r"(^|_)(age|birth|born|region|state|district|postcode|postal|zip|income|salary|wealth|gender|sex|marital|family|"
    r"nationality|citizenship|religion|health|disability|ethnic|race|alter|altersgruppe|geburt|geboren|bundesland|"
    r"kreis|plz|postleitzahl|einkommen|gehalt|vermoegen|vermögen|geschlecht|familienstand|nationalitaet|"
    r"nationalität|staatsangehoerigkeit|konfession|gesundheit)(_|$)|年龄|出生|地区|邮编|收入|工资|性别|婚姻|国籍|民族|健康"
)

#: Texts of products that are kept.
TEXTS = 20_000
#: Decimals of the sums that reasons state.
DIGITS = 9


class Reasons:
    """Turns ledgers into reasons and lines; users, products and nodes are positions of the model.

    Args:
        known_before: the time, as a store writes it, before which the edges were known that the model saw.
        language: of the sentences; None: English.
        positions: of the model's nodes in the snapshot; None: they are the same.
        voice: who is spoken to.
        fitted_before: the same time for all hops but the first, which are those of the fit; None: `known_before`.
        fitted: digests of the edge types that the model was fitted on; None: nobody knows.
        counted: what was counted of people when the answer was recorded; None: they are counted.
        now: the date of the answers in microseconds since 1970; None: nothing is over.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        blend: Blend,
        graph: Graph,
        known_before: str = END_OF_TIME,
        language: Language | None = None,
        positions: Positions | None = None,
        voice: Voice = "adviser",
        *,
        fitted_before: str | None = None,
        fitted: Mapping[str, str] | None = None,
        counted: Mapping[str, Any] | None = None,
        now: int | None = None,
    ) -> None:
        self.now = now
        self._can_end = can_be_over(snapshot)
        self.snapshot = snapshot
        self.blend = blend
        self.graph = graph
        # What a fit hides are edges; a snapshot as of a date leaves out nodes too, and their edges with them.
        self._nodes_before = END_OF_TIME if snapshot.as_of is None else utc_text(_microseconds(snapshot.as_of))
        self.known_before = min(known_before, self._nodes_before)
        self.fitted_before = min(fitted_before or known_before, self._nodes_before)
        self._changed = _changed_types(snapshot, fitted or {})
        self.positions = positions or Positions(snapshot)
        self.schema = snapshot.schema
        self._user, self._product = self.schema.roles.user, self.schema.roles.product
        self.voice: Voice = voice
        self.sentences = Sentences(self.schema, language, voice)
        bound = None if self.fitted_before == END_OF_TIME else _microseconds(self.fitted_before)
        self.people = People(snapshot, self.positions, bound, counted)
        self._nodes: dict[tuple[str, int], Node] = {}
        self._sensitive = sensitive_types(self.schema)
        self._forms: Forms | None = None
        self._texts: dict[int, str] = {}
        self._person: tuple[int, Node] | None = None

    @property
    def forms(self) -> Forms:
        """What lines have in common, in the words of now."""
        if self._forms is None or self._forms.sentences is not self.sentences:
            self._forms = Forms(self)
        return self._forms

    def reading(self, positions: Positions, blend: Blend, graph: Graph) -> "Reasons":
        """The same where the rows of a customer are others; other people are counted as before."""
        # What lines have in common is shared.
        assert self.forms
        other = copy(self)
        other._person = None
        other.snapshot, other.positions, other.blend, other.graph = positions.snapshot, positions, blend, graph
        return other

    def node(self, label: str, index: int) -> Node:
        """How a node of the model is shown; what is no customer is read once."""
        if label == self._user:
            last = self._person
            if last is None or last[0] != index:
                last = self._person = index, self.positions.node(label, index)
            return last[1]
        found = self._nodes.get((label, index))
        if found is None:
            found = self._nodes[label, index] = self.positions.node(label, index)
        return found

    def groups(self, user: int, ledger: Ledger, reference: Beside, products: NDArray[np.int32]) -> Groups:
        """The lines of one customer as reasons.

        Args:
            reference: what every line gives to the products of reference.
            products: of reference (num_reference,).
        """
        if self._can_end:
            here, found = self.positions.in_snapshot(self.schema.roles.user, user), {}

            def ended(hop: Hop, via: int) -> bool:
                if hop.type not in found:
                    found[hop.type] = self.over(here, hop)
                return self.positions.in_snapshot(self.graph.target(hop), via) in found[hop.type]

            ledger = apart(ledger, self._can_end, ended)
        return Groups(self, user, ledger, reference, products)

    def over(self, here: int, hop: Hop) -> Ends:
        """What a user, by position in the snapshot, held by edges of a type and holds no more."""
        if here == ABSENT or hop.reverse or hop.type not in self._can_end:
            return {}
        return over(self.snapshot, hop.type, here, now=self.now, known_before=_microseconds(self.known_before))

    def passes(self, hop: Hop) -> bool:
        """Whether what a hop leads to ends or fades."""
        first = self.graph.hops.get(hop)
        return hop.type in self._can_end or (isinstance(first, FirstHop) and first.fades)

    def since(self, user: int, hop: Hop, via: int) -> Since | None:
        """Until when something was held that is held no more, or how long ago it was where much of it has faded."""
        here = self.positions.in_snapshot(self.schema.roles.user, user)
        found = self.over(here, hop) if self._can_end else {}
        other = self.positions.in_snapshot(self.graph.target(hop), via)
        if other in found:
            end = found[other]
            return None if end is None else Since(until=moment_of(end))
        days, left = self._age(user, hop, via)
        is_said = self.voice == "adviser" or hop.type in self.schema.roles.relevant
        return Since(months=round(days / MONTH)) if days is not None and left < HALF and is_said else None

    def _age(self, user: int, hop: Hop, via: int) -> tuple[int | None, float]:
        """How many days old an edge is where it fades, and what is left of it."""
        first = self.graph.hops.get(hop)
        if not isinstance(first, FirstHop) or (left := first.left(user)) is None:
            return None, 1.0
        place = int(np.searchsorted(first.row(user), via))
        return first.age(user, place), float(left[place])

    @staticmethod
    def strongest(ledger: Ledger, values: NDArray[np.float64], limit: int | None = None) -> tuple[int, ...]:
        """Lines of one product as positions in the ledger, the strongest first.

        Args:
            values: what they are ordered by (num_lines,): their shares, or what one product has more than another.
            limit: at most so many, and only positive ones; None: all that are not 0.
        """
        order = np.lexsort((ledger.via, -values))
        kept = order[values[order] != 0 if limit is None else values[order] > 0]
        return tuple(kept[:limit].tolist())

    def lines(
        self, user: int, product: int, groups: Groups, column: int, scales: NDArray[np.float64], chosen: Iterable[int]
    ) -> tuple[Line, ...]:
        """The lines at some positions of a ledger, as people read them.

        Args:
            column: of the product in the ledger.
            scales: of the terms (num_terms,).
            chosen: by `strongest`.
        """
        return tuple(self._line(user, product, groups, place, column, scales) for place in chosen)

    def reasons(self, user: int, product: int, chosen: Iterable[Chosen]) -> tuple[Reason, ...]:
        """Reasons as people read them."""
        found, counted = [], self.sentences.counted
        for one in chosen:
            wording, people, percent = one.wording, one.people, one.percent
            # Lines of one customer and of many are summed in another order: what differs is left out.
            fields: dict[str, Any] = {
                "text": wording if people is None else counted(wording, people),
                "percent": None if percent is None else round(percent, DIGITS),
                "kind": one.kind,
                "lines": len(one.lines),
                "people": people,
                "wording": None if people is None else wording,
                "everyone": one.everyone,
                "share": round(one.share, DIGITS),
            }
            if one.ways is None and one.pair is None:
                fields["cypher"] = fields["parameters"] = None
            else:
                fields["_later"] = partial(self._counted_by, user, product, one)
            found.append(from_fields(Reason, fields))
        return tuple(found)

    def _counted_by(self, user: int, product: int, one: Chosen) -> tuple[str | None, Mapping[str, Any] | None]:
        """The statement that counts the people of a reason, and its parameters."""
        if one.pair is not None:
            return self._counted_pair(product, one)
        if not one.via or one.ways is None:
            return None, None
        near, node = one.ways.label, self.node
        parameters = {
            "user": node(self._user, user).id,
            "product": node(self._product, product).id,
            "via": [node(near, place).id for place in one.via],
            "fitted_as_of": self.fitted_before,
            "nodes_as_of": self._nodes_before,
        }
        return one.ways.counting, parameters

    def _counted_pair(self, product: int, one: Chosen) -> tuple[str, Mapping[str, Any]]:
        """The statement that counts the people who have two neighbours and hold a product, and its parameters."""
        assert one.pair is not None, "a pair"
        hops = [hop for hop in (one.pair.hop, one.pair.other) if hop is not None]
        first, second = (self.graph.target(hop) for hop in hops)
        names: tuple[tuple[str, str | tuple[str, ...]], ...] = (
            ("User", self.schema.roles.user), ("Product", self.schema.roles.product), ("Via", first), ("Mid", second),
            ("FIRST", hops[0].type), ("SECOND", hops[1].type), ("THIRD", tuple(self.schema.roles.relevant)),
        )  # fmt: skip
        reverse = tuple(name for name, hop in zip(("FIRST", "SECOND"), hops, strict=True) if hop.reverse)
        parameters = {
            "product": self.node(self.schema.roles.product, product).id,
            "first": self.node(first, one.via[0]).id,
            "second": self.node(second, one.via[1]).id,
            "fitted_as_of": self.fitted_before,
            "nodes_as_of": self._nodes_before,
        }
        return _statement_of("pair_people", names, reverse), parameters

    def counting(self, ways: tuple[tuple[Hop, ...], ...]) -> str:
        """The Cypher that counts the people on some ways."""
        person, label, near = self.schema.roles.user, self.schema.roles.product, self.graph.target(ways[0][0])
        names: list[tuple[str, str | tuple[str, ...]]] = [("User", person), ("Product", label), ("Via", near)]
        for place, name in ((1, "SECOND"), (2, "THIRD")):
            names.append((name, tuple(dict.fromkeys(way[place].type for way in ways))))
        reverse = tuple(name for name, hop in zip(("SECOND", "THIRD"), ways[0][1:], strict=True) if hop.reverse)
        return _statement_of("reason_people", tuple(names), reverse)

    def said_alike(self, kind: str) -> tuple[str, ...]:
        """Other interactions that speak for products, between the same labels and with the same verb."""
        roles, edges = self.schema.roles, self.schema.edges
        if kind not in roles.interactions:
            return ()
        mine = edges[kind]
        return tuple(
            other
            for other in roles.evidence()
            if other != kind
            and (edges[other].source, edges[other].target) == (mine.source, mine.target)
            and self.sentences.are_said_alike(kind, other)
        )

    def key(self, group: LineGroup, term: int) -> Key:
        """What the lines of a group have in common with those of other groups; a way with its own sentence is alone."""
        if group.walk is not None:
            scorer = self.blend.terms[term].scorers[group.walk]
            hops = scorer.walk.hops
            shape: Shape = "people" if scorer.people else _SHAPES[scorer.length]
            if self.sentences.has_own(hops) or scorer.via_user:
                return Key(shape, hops)
            if self.is_attribute(hops[0]):
                return Key(shape, hops[:-1] if scorer.people else hops)
            return Key(shape, () if scorer.people else hops[1:])
        if group.kind == "diversification":
            return Key("moves", kind=group.kind)
        if group.other is not None:
            assert group.hop is not None, "a pair begins with a hop"
            return Key("pair", (group.hop, group.other), group.part, group.kind)
        if group.hop is not None:
            if self.is_attribute(group.hop):
                return Key("attribute", (group.hop,), group.part, group.kind)
            return Key("learned", (), group.part, group.kind)
        if group.kind in _ALONE:
            part = "" if self.blend.terms[term].since is None else "lately"
            return Key(_ALONE[group.kind], part=part, kind=group.kind)
        return Key("profile", part=group.part, kind=group.kind)

    def way(self, ledger: Ledger, position: int) -> tuple[Hop, ...]:
        """The hops of a line: of its path, or to its neighbour."""
        scorer = self.blend.scorer(ledger, position)
        if scorer is not None:
            return scorer.walk.hops
        hop = ledger.group_of(position).hop
        return () if hop is None else (hop,)

    def is_attribute(self, hop: Hop) -> bool:
        """Whether a customer's edge is no interaction."""
        return hop.type not in self.schema.roles.interactions

    def is_sensitive(self, key: Key) -> bool:
        """Whether a reason speaks of something that never leads a list."""
        if key.shape == "profile" and key.part != "text":
            return bool(self.schema.nodes[self.schema.roles.user].sensitive)
        if key.shape == "pair":
            return any(hop.type in self._sensitive for hop in key.hops)
        return bool(key.hops) and key.hops[0].type in self._sensitive

    def is_of_trait(self, ways: Sequence[tuple[Hop, ...]]) -> bool:
        """Whether ways through people lead from one attribute of the customer to what those people hold."""
        roles, first = self.schema.roles, ways[0][0]
        return first.type not in roles.interactions and all(
            way[0] == first and way[-1].type in roles.relevant for way in ways
        )

    def concentrates(self, ways: Iterable[tuple[Hop, ...]]) -> bool:
        """Whether what a product shares with what the customer holds is a risk of the same kind once more."""
        return any(way[0].type in self.schema.roles.relevant and self.schema.edges[way[-1].type].risk for way in ways)

    def is_frequent(self, product: int, user: int, since: int | None = None) -> bool:
        """Whether a product is among the FREQUENT part of those that most people hold; for an answer to a user.

        Args:
            since: that most took at this moment or later, in microseconds since 1970; None: that most hold.
        """
        return self.people.is_among_first(product, FREQUENT, user, since)

    def is_frequent_among(self, hop: Hop, via: int, product: int, user: int) -> bool:
        """Whether people with an attribute hold a product more often than all people do; at least `min_group` do."""
        having, holding = self.people.with_attribute(hop, via, product, user)
        held, everyone = self.people.holders(product, user), self.people.everyone
        return holding >= self.schema.roles.min_group and holding * everyone > held * having

    def is_rare_among(self, hop: Hop, via: int, product: int, user: int) -> bool:
        """Whether people with an attribute hold a product less often than all people do, of whom `min_group` do."""
        having, holding = self.people.with_attribute(hop, via, product, user)
        held, least = self.people.holders(product, user), self.schema.roles.min_group
        return min(having, held) >= least and holding * self.people.everyone < held * having

    def words_in_common(self, user: int, product: int, products: NDArray[np.int32]) -> tuple[str, ...]:
        """Words that the customer's text and the product's have in common, and most products of reference have not."""
        own = self._text(self.schema.roles.user, user)
        if not own:
            return ()
        return in_common(own, self._said_of(product), (self._said_of(one) for one in products.tolist()))

    def are_foreign(self, user: int, product: int) -> bool:
        """Whether the words of these texts are of another language than the sentences."""
        code = self.sentences.language.code
        return any(
            is_foreign(text, code) for text in (self._text(self.schema.roles.user, user), self._said_of(product))
        )

    def _said_of(self, product: int) -> str:
        """The text of a product, read once as far as they fit."""
        found = self._texts.get(product)
        if found is None:
            found = self._text(self.schema.roles.product, product)
            if len(self._texts) < TEXTS:
                self._texts[product] = found
        return found

    def _text(self, label: str, index: int) -> str:
        here = self.positions.in_snapshot(label, index)
        if here == ABSENT:
            return ""
        values = (self.snapshot.value(label, column, here) for column in self.schema.nodes[label].text)
        return "\n".join(str(value) for value in values if value is not None)

    def wish(self, kind: Preference, user: int) -> Wish:
        """What is preferred among the paths of one user's list."""
        known_before = _microseconds(self.known_before)
        return Wish(kind, self.positions, self.graph, self.blend, user, known_before)

    def _line(
        self, user: int, product: int, groups: Groups, position: int, column: int, scales: NDArray[np.float64]
    ) -> Line:
        form, via = groups.form(position), groups.via[position]
        share = float(groups.ledger.values[position, column])
        said = groups.of_line(product, column, position)
        text = said.wording if said.people is None else self.sentences.counted(said.wording, said.people)
        scale = float(scales[form.term])
        return Line.made(
            partial(self._walked, user, product, groups, position, scale, said.people),
            kind=form.group.kind, text=text, share=share, contrast=share - float(groups.mean[position]),
            via=None if via < 0 or form.target is None or form.second else self.node(form.target, via),
            vias=self._both(form, via, groups.mid[position]), term=form.name,
            wording=None if said.people is None else said.wording,
            everyone=said.everyone if form.scorer else False, cypher_note=form.note,
        )  # fmt: skip

    def _both(self, form: Form, via: int, mid: int) -> tuple[Node, ...]:
        """The two neighbours of a pair; none of any other line."""
        if form.target is None or form.second is None:
            return ()
        return self.node(form.target, via), self.node(form.second, mid)

    def _walked(
        self, user: int, product: int, groups: Groups, position: int, scale: float, count: int | None
    ) -> tuple[tuple[PathPart, ...] | None, str | None, Mapping[str, str | float] | None]:
        """The path of a line, the statement that returns it (or the count of people) and its share, and parameters."""
        form, via, mid = groups.form(position), groups.via[position], groups.mid[position]
        scorer = form.scorer
        term = self.blend.terms[form.term]
        if form.moving is not None:
            ids = (self.node(self.schema.roles.user, user).id, self.node(self.schema.roles.product, via).id)
            pulled: dict[str, str | float] = {"scale": scale * term.pull(via, product), "wealth": term.wealth(user)}
            amounts = self._amounts(term, form.way[0], via)
            return None, form.moving, {"user": ids[0], "via": ids[1]} | amounts | pulled
        if scorer is None:
            return None, None, None
        person, target = self.node(self.schema.roles.user, user), self.node(self.schema.roles.product, product)
        near = None if via < 0 else self.node(scorer.labels[0], via)
        between = None if mid < 0 or scorer.length < MAX_HOPS else self.node(scorer.labels[1], mid)
        scale = scale * scorer.walk.beta * scorer.learned_factor(via, mid, product) * groups.evidence(form, via)
        parameters: dict[str, str | float] = {"user": person.id, "product": target.id, "scale": scale}
        days, left = self._age(user, form.way[0], via) if via >= 0 else (None, 1.0)
        if days is not None:
            parameters |= {"age_days": days, "left": left}
        path: list[PathPart] = [person, form.steps[0]]
        if scorer.length > 1:
            path += [self._between(near, scorer, 0, count), form.steps[1]]
            if near is not None:
                parameters["via"] = near.id
        if scorer.length == MAX_HOPS:
            path += [self._between(between, scorer, 1, count), form.steps[2]]
            if between is not None:
                parameters["mid"] = between.id
        return (*path, target), form.statement, parameters | form.constants

    def _between(self, node: Node | None, scorer: WalkScorer, place: int, count: int | None) -> PathPart:
        """A node of a path; other people are a count."""
        label = scorer.labels[place]
        return Others(label, count if label == self.schema.roles.user else None) if node is None else node

    def cypher_note(self, scorer: WalkScorer) -> str | None:
        """That the store has other edges by now than the weights were fitted on; None where it has the same."""
        changed = sorted({hop.type for hop in scorer.walk.hops[1:]} & self._changed)
        if not changed:
            return None
        return self.sentences.say("notes.cypher_changed", types=", ".join(changed))

    def event(self, user: int, hops: tuple[Hop, ...], via: int) -> Event | None:
        """The latest event of the edge a line starts with, where its sentence speaks of it.

        Customers do not read when they looked at something.
        """
        hop = hops[0]
        is_said = self.voice == "adviser" or hop.type in self.schema.roles.relevant
        if via < 0 or not is_said or not self.sentences.says_event(hops):
            return None
        own = self.positions.in_snapshot(self.schema.roles.user, user)
        other = self.positions.in_snapshot(self.graph.target(hop), via)
        if ABSENT in (own, other):
            return None
        events = events_between(self.snapshot, hop, own, other)
        known = np.flatnonzero(events.known_at < _microseconds(self.known_before))
        if not len(known):
            return None
        latest = int(known[np.argmax(events.at[known])])
        at = int(events.at[latest])
        weight = None if events.weight is None else float(events.weight[latest])
        moment = None if at == ALWAYS else moment_of(at)
        return Event(moment, None if weight is None or np.isnan(weight) else weight)

    def constants(self, scorer: WalkScorer) -> dict[str, str | float]:
        """What the statement of a walk's lines is given besides their nodes and scale."""
        found: dict[str, str | float] = {"as_of": self.known_before, "nodes_as_of": self._nodes_before}
        found["fitted_as_of"] = self.fitted_before
        if scorer.people:
            found["min_group"] = scorer.least
        found.update({f"power_{n}": power for n, power in enumerate(scorer.walk.powers, start=1)})
        return found

    def moving(self, hop: Hop) -> str:
        """The Cypher of a holding that moves with a product: amounts, amounts that end or are given away, or pieces."""
        edge = self.schema.edges[hop.type]
        is_money = self.snapshot.edges(hop.type).weight is not None
        form = "moves_pieces_1" if not is_money else "moves_held_1" if self._counts_ends(hop.type) else "moves_1"
        names = {"User": edge.source, "Via": edge.target, "FIRST": hop.type}
        return _statement_of(form, tuple(names.items()), ())

    def _counts_ends(self, edge_type: str) -> bool:
        """Whether an end and what was given away count, as `Wealth.amounts` counts them."""
        return edge_type in self.schema.roles.holding and self.schema.edges[edge_type].ends

    def _amounts(self, term: Term, hop: Hop, via: int) -> dict[str, str | float]:
        """What the statement of a holding reads besides the customer and the product."""
        edge, wealth = self.schema.edges[hop.type], term.graph.wealth
        found: dict[str, str | float] = {"as_of": self.known_before}
        is_money = self.snapshot.edges(hop.type).weight is not None
        if is_money and not self._counts_ends(hop.type):
            return found
        now = None if wealth is None else wealth.now
        has_end = self._counts_ends(hop.type) and now is not None
        until, known = (edge.until, edge.until_known_at) if has_end else (None, None)
        found |= {"until": until or "", "until_known_at": known or "", "quantity": edge.quantity or ""}
        found["now"] = "" if now is None else utc_text(now)
        return found if is_money else found | {"price": term.last_price(via)}

    def statement(self, scorer: WalkScorer) -> str:
        """The Cypher of a walk's lines, from the file of its form."""
        form = f"people_{scorer.length}" if scorer.people else f"path_{scorer.length}"
        if scorer.via_user and scorer.length == MAX_HOPS:
            form = "acquaintances_3"
        hops = dict(zip(("FIRST", "SECOND", "THIRD"), scorer.walk.hops, strict=False))
        names: Mapping[str, str] = {
            "User": self.schema.roles.user,
            "Product": self.schema.roles.product,
            "Via": scorer.labels[0],
            "Mid": scorer.labels[min(1, scorer.length - 1)],
            **{name: hop.type for name, hop in hops.items()},
        }
        return _statement_of(form, tuple(names.items()), tuple(name for name, hop in hops.items() if hop.reverse))


def sensitive_types(schema: GraphSchema) -> frozenset[str]:
    """The edge types out of customers that never lead a list for them: those marked in the mapping, else by words."""
    marked = {name for name, edge in schema.edges.items() if edge.sensitive}
    if marked or any(node.sensitive for node in schema.nodes.values()):
        return frozenset(marked)
    return frozenset(
        name
        for name, edge in schema.edges.items()
        if edge.source == schema.roles.user
        and name not in schema.roles.interactions
        and any(_SENSITIVE.search(words(text).replace(" ", "_")) for text in (name, edge.target))
    )


@lru_cache(1024)
def _statement_of(form: str, names: tuple[tuple[str, str | tuple[str, ...]], ...], reverse: tuple[str, ...]) -> str:
    return queries.text(f"explain/{form}", dict(names), reverse=list(reverse))


def _changed_types(snapshot: Snapshot, fitted: Mapping[str, str]) -> frozenset[str]:
    """The edge types whose edges are others in the facts than at the fit, as far as both say so."""
    now = snapshot.meta.digests
    return frozenset(name for name, digest in fitted.items() if name in now and now[name] != digest)


def iso_text(microseconds: int) -> str:
    """A time in ISO form, in UTC."""
    return moment_of(microseconds).isoformat()


def utc_text(microseconds: int) -> str:
    """A time as a store writes it."""
    return moment_of(microseconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _microseconds(text: str) -> int:
    """A time as a store writes it, as a snapshot counts it."""
    return microseconds_of(datetime.fromisoformat(text))
