"""The lines of a ledger as a person reads them: text, path and Cypher."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec import queries
from graphrec.graph.adjacency import Graph
from graphrec.graph.facts import events_between
from graphrec.graph.snapshot import ALWAYS, Snapshot
from graphrec.serving.answer import Line, Node, PathPart, People, Preference, Step
from graphrec.serving.positions import ABSENT, Positions
from graphrec.serving.reasons.languages import ENGLISH, Language
from graphrec.serving.reasons.prefer import Wish
from graphrec.serving.reasons.sentences import Event, Sentences
from graphrec.terms.blend import Blend
from graphrec.terms.ledger import Ledger, LineGroup
from graphrec.terms.walks import WalkScorer

MAX_HOPS = 3
#: What a score may consist of; nothing is scored by who a user is, so that `self` is 0 unless a model says otherwise.
PARTS = ("path", "text", "learned", "attribute", "general", "new", "self")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Stands after every time in a store.
END_OF_TIME = "9999-12-31T23:59:59.999999Z"


class Reasons:
    """Turns ledgers into lines; users, products and nodes are positions of the model.

    Args:
        known_before: the time, as a store writes it, before which the edges were known that the model saw.
        language: of the sentences.
        positions: of the model's nodes in the snapshot; None: they are the same.
        fitted_before: the same time for all hops but the first, which are those of the fit; None: `known_before`.
        fitted: what the model folder says about itself: `digests` of the edge types that it was fitted on.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        blend: Blend,
        graph: Graph,
        known_before: str = END_OF_TIME,
        language: Language = ENGLISH,
        positions: Positions | None = None,
        *,
        fitted_before: str | None = None,
        fitted: Mapping[str, Any] | None = None,
    ) -> None:
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
        self.sentences = Sentences(self.schema, language)

    def chosen(
        self,
        user: int,
        product: int,
        ledger: Ledger,
        column: int,
        contrast: NDArray[np.float64],
        limit: int | None = None,
        *,
        plain: bool = False,
        wish: Wish | None = None,
    ) -> tuple[int, ...]:
        """The lines of one product that people are given, as positions in the ledger, best first by contrast.

        Lines through fewer than `min_group` other people are never among them.

        Args:
            column: of the product in the ledger.
            contrast: of every line (num_lines,).
            limit: at most so many, and only positive ones; None: all.
            plain: order by share.
            wish: the path that it prefers leads.
        """
        shares = ledger.values[:, column]
        order = np.lexsort((ledger.via, -contrast, -shares) if plain else (ledger.via, -shares, -contrast))
        ordered: list[int] = order[shares[order] != 0 if limit is None else shares[order] > 0].tolist()
        first: list[int] = []
        for position in ordered:
            if limit is not None and len(first) == limit:
                break
            if not self._is_small(user, product, ledger, position):
                first.append(position)
        if wish is None:
            return tuple(first)
        taken = set(first)
        others = [place for place in ordered if place not in taken and self._may_lead(user, product, ledger, place)]
        return tuple(wish.led(ledger, shares, first, others))

    def lines(
        self,
        user: int,
        product: int,
        ledger: Ledger,
        column: int,
        contrast: NDArray[np.float64],
        scales: NDArray[np.float64],
        chosen: Iterable[int],
    ) -> tuple[Line, ...]:
        """The lines at some positions of a ledger, as people read them.

        Args:
            column: of the product in the ledger.
            contrast: of every line (num_lines,).
            scales: of the terms (num_terms,).
            chosen: by `chosen`.
        """
        return tuple(self._line(user, product, ledger, place, column, contrast, scales) for place in chosen)

    @staticmethod
    def composition(ledger: Ledger, column: int) -> dict[str, float]:
        """The parts of a score: by kind of line, similarity as text and learned part apart; every key of PARTS."""
        names = [group.part or group.kind if group.kind == "similarity" else group.kind for group in ledger.groups]
        sums = np.bincount(ledger.group, ledger.values[:, column], len(names))
        parts: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        for name, value in zip(names, sums, strict=True):
            parts[name] = parts.get(name, 0.0) + float(value)
        return parts

    def below_min_group(self, user: int, product: int, ledger: Ledger, column: int) -> float:
        """What ways through fewer than `min_group` other people add to the score of one product."""
        shares = ledger.values[:, column]
        people = np.array([group.people for group in ledger.groups], np.bool_)[ledger.group]
        hidden = 0.0
        for position in np.flatnonzero(people & (shares != 0)):
            if self._is_small(user, product, ledger, int(position)):
                hidden += float(shares[position])
        return hidden

    def wish(self, kind: Preference, user: int) -> Wish:
        """What is preferred among the paths of one user's list."""
        known_before = _microseconds(self.known_before)
        return Wish(kind, self.positions, self.graph, self.blend, user, known_before)

    def _may_lead(self, user: int, product: int, ledger: Ledger, position: int) -> bool:
        """Whether a line is a path that may be shown."""
        is_path = ledger.groups[int(ledger.group[position])].walk is not None
        return is_path and not self._is_small(user, product, ledger, position)

    def _is_small(self, user: int, product: int, ledger: Ledger, position: int) -> bool:
        """Whether a line leads through fewer than `min_group` other people."""
        count = self._people(user, product, ledger, position)
        return count is not None and count < self.schema.roles.min_group

    def _people(self, user: int, product: int, ledger: Ledger, position: int) -> int | None:
        """How many other people the ways of a line lead through; None where they lead through nobody."""
        return self.blend.people_between(ledger, position, user, product)

    def _line(
        self,
        user: int,
        product: int,
        ledger: Ledger,
        position: int,
        column: int,
        contrast: NDArray[np.float64],
        scales: NDArray[np.float64],
    ) -> Line:
        group = ledger.groups[int(ledger.group[position])]
        term = self.blend.terms[int(ledger.term[position])]
        via, mid = int(ledger.via[position]), int(ledger.mid[position])
        share, against = float(ledger.values[position, column]), float(contrast[position])
        target = self.positions.node(self.schema.roles.product, product)
        scorer = self.blend.scorer(ledger, position)
        if scorer is None:
            neighbour = self._via(group, via)
            text = self.sentences.learned(group, neighbour, target, favours=share > 0, own=term.sentences)
            return Line(group.kind, text, share, against, neighbour, None, None, None, term.name)
        count = self._people(user, product, ledger, position)
        path = self._path(user, via, mid, target, scorer, count)
        text = self.sentences.path(scorer.walk.hops, path, count, self._event(user, via, scorer))
        scale = float(scales[int(ledger.term[position])]) * scorer.walk.beta * scorer.learned_factor(via, mid, product)
        statement, parameters = self._cypher(path, scorer, scale * self._evidence(scorer, user, via))
        return Line(
            "path", text, share, against, self._via(group, via), path, statement, parameters, term.name,
            self._cypher_note(scorer),
        )  # fmt: skip

    def _cypher_note(self, scorer: WalkScorer) -> str | None:
        """That the store has other edges by now than the weights were fitted on; None where it has the same."""
        changed = sorted({hop.type for hop in scorer.walk.hops[1:]} & self._changed)
        if not changed:
            return None
        return f"{', '.join(changed)} changed since the fit: in the store the statement gives another share"

    def _via(self, group: LineGroup, via: int) -> Node | None:
        if via < 0 or group.hop is None:
            return None
        return self.positions.node(self.graph.target(group.hop), via)

    def _path(
        self, user: int, via: int, mid: int, target: Node, scorer: WalkScorer, count: int | None
    ) -> tuple[PathPart, ...]:
        """Alternating nodes and edges from the user to the product; other people are a count."""
        person = self.schema.roles.user
        parts: list[PathPart] = [self.positions.node(person, user)]
        found = {0: via, 1: mid}
        for place, (hop, label) in enumerate(zip(scorer.walk.hops, scorer.labels, strict=True)):
            parts.append(Step(hop.type, "in" if hop.reverse else "out"))
            if place == scorer.length - 1:
                parts.append(target)
            elif found[place] >= 0:
                parts.append(self.positions.node(label, found[place]))
            else:
                parts.append(People(label, count if label == person else None))
        return tuple(parts)

    def _event(self, user: int, via: int, scorer: WalkScorer) -> Event | None:
        """The latest event of the edge a line starts with, where its sentence speaks of it."""
        hop = scorer.walk.hops[0]
        if via < 0 or not self.sentences.says_event(scorer.walk.hops):
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
        moment = None if at == ALWAYS else EPOCH + timedelta(microseconds=at)
        return Event(moment, None if weight is None or np.isnan(weight) else weight)

    def _evidence(self, scorer: WalkScorer, user: int, via: int) -> float:
        """x of the edge a line starts with."""
        if via < 0:
            return 1.0
        row = scorer.first.row(user)
        return float(scorer.first.weights(user)[int(np.searchsorted(row, via))])

    def _cypher(
        self, path: tuple[PathPart, ...], scorer: WalkScorer, scale: float
    ) -> tuple[str, dict[str, str | float]]:
        """The statement that returns a line's path (or the count of people) and its share."""
        named = [part.id if isinstance(part, Node) else None for part in path[::2]]
        parameters: dict[str, str | float] = {
            "user": str(named[0]), "product": str(named[-1]), "scale": scale
        }  # fmt: skip
        between = zip(("via", "mid"), named[1:-1], strict=False)
        parameters.update({name: node for name, node in between if node is not None})
        parameters["as_of"], parameters["nodes_as_of"] = self.known_before, self._nodes_before
        parameters["fitted_as_of"] = self.fitted_before
        if scorer.people:
            parameters["min_group"] = scorer.least
        parameters.update({f"power_{n}": power for n, power in enumerate(scorer.walk.powers, start=1)})
        return self._statement(scorer), parameters

    def _statement(self, scorer: WalkScorer) -> str:
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


@lru_cache(1024)
def _statement_of(form: str, names: tuple[tuple[str, str], ...], reverse: tuple[str, ...]) -> str:
    return queries.text(f"explain/{form}", dict(names), reverse=list(reverse))


def _changed_types(snapshot: Snapshot, fitted: Mapping[str, Any]) -> frozenset[str]:
    """The edge types whose edges are others in the facts than at the fit, as far as both say so."""
    then, now = fitted.get("digests", {}), snapshot.meta.get("digests", {})
    return frozenset(name for name, digest in then.items() if name in now and now[name] != digest)


def iso_text(microseconds: int) -> str:
    """A time in ISO form, in UTC."""
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat()


def utc_text(microseconds: int) -> str:
    """A time as a store writes it."""
    return (EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _microseconds(text: str) -> int:
    """A time as a store writes it, as a snapshot counts it."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
