"""Recommendations from a snapshot and a model, both mapped into memory: one way to make lists and reasons.

`scored` computes what a list of one user is made from, `listed` orders it and makes the reasons, and `answer` turns
that into what people read. Lists of many users (serving/lists.py) differ in the first step alone, and a report
evaluates what `listed` gives. Nothing of an engine changes after it is made, so that threads may share it.
"""

import copy
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Adjacency, Hop
from graphrec.graph.edges.first_hops import FirstHop
from graphrec.graph.edges.own import HiddenReason, Own, with_own, without_edges
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Nodes, Snapshot
from graphrec.graph.folders.strings import ABSENT
from graphrec.graph.lookup import place_of
from graphrec.home import Home
from graphrec.languages import Voice, language_of
from graphrec.policy.compiled import Finding
from graphrec.policy.facts import DAY, NO_OCCASION, Occasion, microseconds
from graphrec.policy.read import home_policy
from graphrec.policy.rules import Policy, default_policy, public_counts
from graphrec.policy.sentences import Fact
from graphrec.serving.answer import (
    REASONS,
    Answer,
    ExplainOptions,
    Item,
    Line,
    ListOptions,
    People,
    PolicyName,
    ScoreGradients,
    from_fields,
)  # fmt: skip
from graphrec.serving.confidence import confidence_of, total_weight
from graphrec.serving.eligible import Eligibility
from graphrec.serving.positions import Positions
from graphrec.serving.reasons.groups import Chosen, Groups, Reasoned, reasoned
from graphrec.serving.reasons.lines import END_OF_TIME, Reasons, iso_text, utc_text
from graphrec.serving.reasons.sentences import Sentences
from graphrec.terms import compiled
from graphrec.terms.folder import Model, ModelFiles, latest, open_files
from graphrec.terms.forms.blend import Offered, Row
from graphrec.terms.forms.contested import ContestedBlend, Muted, Start
from graphrec.terms.ledger import Beside, Ledger

#: Products that shares are compared with, drawn from those that the user may be shown.
REFERENCE = 200
#: Candidates beyond the list, so that rounding in the fast scores cannot change it.
SPARE = 16
#: Microseconds since 1970 of the last moment that a date can name.
LAST_MOMENT = 253_402_300_799_999_999
#: Products whose names and kinds are kept.
PRODUCTS = 100_000
#: Users whose positions are kept.
USERS = 10_000
LIST, EXPLANATION = ListOptions(), ExplainOptions()


@dataclass(frozen=True, eq=False)
class Scored:
    """What a list of one user is made from; all positions are those of the model.

    Shapes: allowed (num_products,) for what may be listed; candidates (num_candidates,), the products that the list is
    chosen from, the first `ranked` by their scores, ascending; a column of the ledger for each; reference
    (num_reference,), the products that shares are compared with, and what each line gives to them.
    """

    user: int
    row: Row
    allowed: NDArray[np.bool_]
    candidates: NDArray[np.int32]
    ranked: int
    ledger: Ledger
    reference: NDArray[np.int32]
    beside: Beside

    @classmethod
    def of(
        cls,
        user: int,
        row: Row,
        allowed: NDArray[np.bool_],
        wanted: "Wanted",
        whole: Ledger,
        mean: NDArray[np.float64] | None = None,
    ) -> "Scored":
        """What a list is made from.

        Args:
            whole: the ledger of `wanted.asked`.
            mean: of what its lines give to the products of reference; None: it is worked out.
        """
        count, places = len(wanted.candidates), wanted.places
        ledger = replace(whole, values=np.ascontiguousarray(whole.values[:, :count]))
        beside = Beside.of(whole.values, places) if mean is None else Beside(whole.values, places, mean)
        return cls(user, row, allowed, wanted.candidates, wanted.ranked, ledger, wanted.reference, beside)


@dataclass(frozen=True, eq=False)
class Wanted:
    """The products whose ledger a list needs: `ranked` candidates for it, and those that shares are compared with."""

    candidates: NDArray[np.int32]
    ranked: int
    reference: NDArray[np.int32]

    @cached_property
    def asked(self) -> NDArray[np.int32]:
        """Each of them once, the candidates first."""
        return np.concatenate((self.candidates, self.reference[self._places < 0]))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Where the products of reference stand among those that are asked for."""
        places = self._places
        new = places < 0
        return np.where(new, len(self.candidates) + np.cumsum(new) - 1, places)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Where the products of reference stand among the candidates; -1: they are none."""
        size = 1 + max(int(self.candidates.max(initial=0)), int(self.reference.max(initial=0)))
        places = np.full(size, -1, np.int64)
        places[self.candidates] = np.arange(len(self.candidates))
        found: NDArray[np.int64] = places[self.reference]
        return found


@dataclass(frozen=True, eq=False)
class Listed:
    """A list of one user before it is put into words.

    Shapes: order (num_candidates,), places among the candidates, best first; totals and confidence (num_candidates,),
    the scores and what they are trusted.
    """

    scored: Scored
    order: NDArray[np.int64]
    totals: NDArray[np.float64]
    groups: Groups
    confidence: NDArray[np.float64]
    length: int
    """Products that were asked for and are there, whatever their confidence."""
    places: tuple[int, ...]
    """The places of the order that are listed."""
    reasons: tuple[Reasoned, ...]
    """For each of them its reasons in their order."""

    @property
    def products(self) -> NDArray[np.int32]:
        """The products of the list in their order, as positions of the model."""
        return self.scored.candidates[self.order[list(self.places)]]

    def column(self, place: int) -> int:
        """The column in the ledger of the product at a place of the order."""
        return int(self.order[place])

    def product(self, place: int) -> int:
        """The product at a place of the order, as a position of the model."""
        return int(self.scored.candidates[self.order[place]])


class _Shown(NamedTuple):
    """The part of an item that is the same for all customers."""

    id: str
    name: str | None
    kind: str | None
    risk: str | int | float | None
    fee: str | int | float | None
    minimum: str | int | float | None


@dataclass(frozen=True)
class Note:
    """What a reader of answers must know, before it is put into words."""

    key: str
    values: Mapping[str, str | int] = field(default_factory=dict)


class Engine:
    """Serves one model on facts, which may be newer than the model: x from now, W as trained.

    Args:
        snapshot: the facts, or a snapshot: customers' rows, names, columns and events.
        model: opened for them.
        notes: what a reader of answers must know.
        policy: which products may be shown; None: the built-in one.
        masked: products (a row for every user) that are no candidates of a split, besides those that the policy
            refuses: they stand for what a user holds. None: what the snapshot says.
        languages: folder of the home's own languages.
        now: the date of the answers, in microseconds since 1970; None: they are as of the graph that was fitted.
        counted: what was counted of people when an answer was recorded, for its replay; None: they are counted.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        model: Model,
        notes: tuple[Note, ...] = (),
        policy: Policy | None = None,
        *,
        masked: Adjacency | None = None,
        languages: Path | None = None,
        now: int | None = None,
        counted: Mapping[str, Any] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._counted = counted
        self.now = now
        self.positions = Positions(snapshot, model.ids)
        self.model = model = replace(
            model, blend=model.blend.offering(_offered(self.positions, model.blend.num_products))
        )
        self.policy = policy or default_policy(snapshot)
        self.schema = snapshot.schema
        self.roles = snapshot.schema.roles
        self.users: Nodes = snapshot.nodes(self.roles.user)
        self.products: Nodes = snapshot.nodes(self.roles.product)
        hidden = model.meta.hidden
        known_from = hidden.known_from
        self.fitted_before = END_OF_TIME if known_from is None else utc_text(known_from)
        if now is None:
            self.known_before = self.fitted_before
            self.eligibility = Eligibility(snapshot, self.policy, known_before=known_from, held=masked)
        else:
            before = seen_before(snapshot, now)
            self.known_before = END_OF_TIME if before is None else utc_text(before)
            self.eligibility = Eligibility(snapshot, self.policy, now=now, known_before=before, held=masked)
        self._masked = masked
        self._languages = languages
        self._reasons: dict[tuple[str, Voice], Reasons] = {}
        self._of_products: dict[int, _Shown] = {}
        self._at: dict[str, int] = {}
        self._users_at: dict[str, int] = {}
        self._said_notes: dict[str, tuple[str, ...]] = {}
        self.owns: Mapping[str, Own] = {}
        """By customer: what events say over the facts."""
        self.own: Own | None = None
        """That of the one customer whom this engine answers; None: there is nothing, or it answers all."""
        self.is_compiled = False
        """Whether one list is made by the compiled loops, as those of many users are: worth it in a process that
        stays."""
        self.base = self
        """The engine without events."""
        self._last: Engine | None = None
        self._asked: tuple[Occasion, Engine] | None = None
        if snapshot.as_of is None and (ahead := snapshot.meta.ahead):
            values: dict[str, str | int] = {
                "n": ahead.events,
                "last": ahead.last[:10],
                "date": (snapshot.meta.last or "")[:10],
            }
            notes = (*notes, Note("notes.ahead", values))
        undated = [name for names in (snapshot.meta.undated.nodes, snapshot.meta.undated.edges) for name in names]
        if snapshot.as_of is not None:
            key = "notes.uncut_undated" if undated else "notes.uncut"
            notes = (*notes, Note(key, {"date": snapshot.as_of[:10], "names": ", ".join(undated)}))
        if hidden.pairs:
            notes = (*notes, Note("notes.hidden_pairs", {"n": hidden.pairs}))
        elif known_from is not None:
            notes = (*notes, Note("notes.hidden_since", {"date": utc_text(known_from)[:10]}))
        if newcomers := max(0, model.graph.num_products - self.positions.num_known):
            notes = (*notes, Note("notes.newcomers", {"n": newcomers}))
        self._notes = notes

    def notes_in(self, language: str) -> tuple[str, ...]:
        """What a reader of answers must know about the model or its graph."""
        found = self._said_notes.get(language)
        if found is None:
            sentences = self.reasons_in(language).sentences
            number = sentences.language.number
            found = self._said_notes[language] = tuple(
                sentences.say(note.key, **{k: v if isinstance(v, str) else number(v) for k, v in note.values.items()})
                for note in self._notes
            )
        return found

    def asking(self, occasion: Occasion) -> "Engine":
        """The same engine for a request that says something of itself, such as an amount."""
        if occasion == NO_OCCASION:
            return self
        last = self._asked
        if last is not None and (last[0], last[1].is_compiled) == (occasion, self.is_compiled):
            return last[1]
        asked = copy.copy(self)
        asked.eligibility, asked._last, asked._asked = self.eligibility.asking(occasion), None, None
        self._asked = occasion, asked
        return asked

    def among(self, owns: Mapping[str, Own]) -> "Engine":
        """The same engine where events say something of these customers over the facts."""
        if not owns:
            return self
        other = copy.copy(self)
        other.owns, other._last, other._asked = owns, None, None
        return other

    def of_customer(self, user_id: str) -> "Engine":
        """The engine that answers one customer: with what events say of them, folded in with the weights of the model.

        Their rows, what they hold, their values and the windows of the policy are those of now; degrees and weights are
        those of the fit.
        """
        own = self.owns.get(user_id)
        if own is None or self.own is own:
            return self
        last = self._last
        if last is None or last.own is not own:
            last = self._last = self._with(own)
        return last

    def without(self, user_id: str, product_id: str) -> "Engine":
        """The engine in whose facts a customer never got a product: nothing that means "held" leads to it.

        Raises:
            UnknownId: there is no such user or product.
        """
        engine = self.of_customer(user_id)
        user = engine.position(engine.users, user_id, engine.roles.user)
        product = engine.position(engine.products, product_id, engine.roles.product)
        types = [name for name in engine.roles.holding if name in engine.snapshot.types]
        return engine._reading(without_edges(engine.snapshot, user, product, types), types)

    def _with(self, own: Own) -> "Engine":
        snapshot = with_own(self.snapshot, own)
        other = self._reading(snapshot, own.types)
        if any(not one.for_rules for one in own.hidden):
            other.eligibility = self.eligibility.reading(with_own(self.snapshot, own, for_rules=True))
        if own.reasons:
            blend = ContestedBlend.over(other.model.blend, tuple(other._muted(own.reasons)))
            other.model = replace(other.model, blend=blend)
        other.own, other.base = own, self
        return other

    def _muted(self, reasons: Sequence[HiddenReason]) -> Iterator[Muted]:
        """Contested reasons by positions of the model; what it does not know has no line."""
        at = self.positions

        def place(label: str, id_: str) -> int:
            found = self.snapshot.nodes(label).ids.find(id_) if label in self.snapshot.labels else ABSENT
            return found if found == ABSENT else at.in_model(label, found)

        for one in reasons:
            starts = tuple(
                Start(frozenset((label, place(label, id_)) for label, id_ in start.nodes), start.kind, start.edge)
                for start in one.starts
            )
            if (product := place(self.roles.product, one.product)) != ABSENT:
                yield Muted(product, starts)

    def _reading(self, snapshot: Snapshot, types: Collection[str]) -> "Engine":
        """The same engine on facts that differ in one customer alone, in edges of some types or in values."""
        other = copy.copy(self)
        other.snapshot, other._reasons, other._last, other._asked = snapshot, {}, None, None
        other.users = snapshot.nodes(self.roles.user)
        other.positions = self.positions.reading(snapshot)
        other.eligibility = self.eligibility.reading(snapshot)
        graph = self.model.graph
        hops: dict[Hop, Adjacency] = {}
        for name in types:
            before = graph.hops.get(Hop(name))
            if isinstance(before, FirstHop):
                hops[Hop(name)] = before.reading(snapshot, Hop(name))
        fitted = {**{hop: graph.hops[hop] for hop in hops}, **graph.fitted}
        wealth = None if graph.wealth is None else graph.wealth.reading(snapshot)
        graph = replace(graph, hops={**graph.hops, **hops}, fitted=fitted, wealth=wealth)
        other.model = replace(self.model, blend=self.model.blend.reading(graph), graph=graph)
        return other

    @property
    def policy_name(self) -> PolicyName | None:
        """Version and hash of the policy; None: only the built-in rules hold."""
        return None if self.policy.is_built_in else PolicyName(self.policy.version, self.policy.hash)

    @classmethod
    def open(
        cls, home: Home, kind: str | None = None, now: int | None = None, *, folder: Path | None = None
    ) -> "Engine":
        """The engine of a home: its final model if there is one, of that kind if given, on its newest facts.

        The weights are those of the model; customers' rows, names, states of products, consents and what is held are
        of the facts. A home without facts is served from its latest snapshot.

        Args:
            now: the date of the answers, in microseconds since 1970; None: that of the facts.
            folder: of another model than the live one.

        Raises:
            NotTrained: there is no model, or there are no facts.
            CheckpointMismatch: the facts have other labels or edge types than the model.
            PolicyError: the policy of the home does not fit the facts.
        """
        opened = open_files(folder or latest(home, kind))
        facts = newest_facts(home, opened)
        before = None if now is None else seen_before(facts, now)
        model = opened.model(facts, known_before=before, now=now)
        notes = () if before is None else tuple(_after(facts, before))
        policy = home_policy(home, facts)
        return cls(facts, model, notes, policy, now=now, languages=home.languages)

    def recommend(self, user_id: str, k: int, options: ListOptions = LIST) -> Answer:
        """The k best products for a user, each with its strongest reasons.

        Raises:
            UnknownId: there is no such user.
        """
        if (owner := self.of_customer(user_id)) is not self:
            return owner.recommend(user_id, k, options)
        here = self.position(self.users, user_id, "user")
        user = self.positions.in_model(self.roles.user, here)
        if user == ABSENT or not self.has_evidence(user):
            return self.nothing(here, options)
        return self.answer(self.listed(self.scored(user, k), k, options), k, options)

    def explain(self, user_id: str, product_id: str, k: int, options: ExplainOptions = EXPLANATION) -> Answer:
        """The whole ledger of one product, contrasted with what follows the user's list of k.

        Raises:
            UnknownId: there is no such user or product.
        """
        if (owner := self.of_customer(user_id)) is not self:
            return owner.explain(user_id, product_id, k, options)
        sentences = self.reasons_in(options.language, options.voice).sentences
        here = self.position(self.users, user_id, "user")
        wanted = self.position(self.products, product_id, "product")
        refusal = self.refusal(here, wanted, sentences)
        if refusal:
            why = sentences.say("notes.not_recommended", i=product_id, user=user_id, why=refusal)
            return self._answer(here, (), why, options.language)
        user = self.positions.in_model(self.roles.user, here)
        product = self.positions.in_model(self.roles.product, wanted)
        if user == ABSENT or not self.has_evidence(user):
            return self._answer(here, (), sentences.say("notes.no_evidence", user=user_id), options.language)
        scored = self.scored(user, k, product)
        if product >= self.positions.num_known and not scored.ledger.values[:, scored.candidates == product].any():
            return self._answer(here, (), sentences.say("notes.unknown_product", i=product_id), options.language)
        whole = ListOptions(None, options.plain, language=options.language, voice=options.voice)
        # The product itself is listed with all its lines, wherever it ranks.
        listed = self.listed(scored, k, whole, product)
        (item,) = self._items(listed, whole, [self.eligibility.warnings(here, wanted, sentences.language)])
        if scored.ranked < len(scored.candidates):
            item = replace(item, rank=_far_rank(scored, product))
        item = replace(item, gradients=self._gradients(scored, product))
        return self._answer(here, (item,), None, options.language)

    def scored(self, user: int, k: int, wanted: int | None = None) -> Scored:
        """Scores, candidates for a list of k, and their ledger, of one user.

        Args:
            user: position in the model.
            wanted: a product, by position in the model, that is a candidate in any case.
        """
        if self.is_compiled:
            from graphrec.serving.lists import scored_block

            return scored_block(self, np.array([user], np.int32), k, wanted)[0]
        row = self.model.blend.row(user)
        allowed = self.allowed(np.array([user]))[0]
        asked = self.wanted(user, row, allowed, k, wanted)
        return Scored.of(user, row, allowed, asked, self.model.blend.ledger(user, asked.asked, row.scales))

    def wanted(self, user: int, row: Row, allowed: NDArray[np.bool_], k: int, also: int | None = None) -> Wanted:
        """The products whose ledger a list of k of one user needs.

        Args:
            user: position in the model.
            also: a product, by position in the model, that is a candidate in any case.
        """
        candidates = self.candidates(row, allowed, k)
        ranked = len(candidates)
        if also is not None and also not in candidates:
            candidates = np.append(candidates, np.int32(also))
        return Wanted(candidates, ranked, self.reference(user, allowed))

    def reference(self, user: int, allowed: NDArray[np.bool_]) -> NDArray[np.int32]:
        """The products that shares are compared with: REFERENCE eligible ones by a hash of snapshot and customer."""
        products = np.flatnonzero(allowed)
        if len(products) > REFERENCE:
            drawn = mixed(products.astype(np.uint64) + np.uint64(self._seed(user)))
            products = np.sort(products[np.argpartition(drawn, REFERENCE)[:REFERENCE]])
        return products.astype(np.int32)

    def _seed(self, user: int) -> int:
        """What the products of reference of a user, by position in the model, are drawn with."""
        here = self.users.ids[self.positions.in_snapshot(self.roles.user, user)]
        digest = hashlib.blake2b(f"{self.snapshot.hash} {here}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little")

    def wanted_of(
        self, users: Sequence[int], rows: Sequence[Row], allowed: NDArray[np.bool_], k: int, also: int | None = None
    ) -> "list[Wanted]":
        """What `wanted` gives for each of some users, compiled where numba is installed."""
        if also is not None or self.positions.products is not None or not compiled.is_there():
            return [self.wanted(*one, k, also) for one in zip(users, rows, allowed, strict=True)]
        from graphrec.terms.compiled.chosen import best_of, drawn_of, joined_of

        found = []
        for user, row, mask in zip(users, rows, allowed, strict=True):
            candidates = best_of(row.scores, mask, k + SPARE)
            reference = drawn_of(mask, self._seed(user), REFERENCE)
            one = Wanted(candidates, len(candidates), reference)
            vars(one)["asked"], vars(one)["places"] = joined_of(candidates, reference, len(mask))
            found.append(one)
        return found

    def allowed(self, users: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True (len(users), num_products) for what may be listed, users and products by positions of the model."""
        here = np.array([self.positions.in_snapshot(self.roles.user, int(user)) for user in users], np.int64)
        allowed = self.positions.taken(self.roles.product, self.eligibility.refused_of(here)[0])
        if self._masked is not None:
            allowed = allowed.copy()
            owner, products = self._masked.expand(np.asarray(users, np.int32))
            allowed[owner, products] = False
        return allowed

    def candidates(self, row: Row, allowed: NDArray[np.bool_], k: int) -> NDArray[np.int32]:
        """The products that a list of k is chosen from, by the fast scores, ascending."""
        products = np.flatnonzero(allowed)
        if (places := self.positions.products) is not None:
            # New products stand behind those of the model; ties are told apart by ids.
            products = products[np.argsort(places[products])]
        count = min(len(products), k + SPARE)
        if count == len(products):
            return products.astype(np.int32)
        scores = row.scores[products]
        best = np.argpartition(-scores, count - 1)[:count]
        # Equal scores at the border: the smaller id is in.
        border = scores[best].min()
        above = best[scores[best] > border]
        chosen = np.concatenate((above, np.flatnonzero(scores == border)[: count - len(above)]))
        kept: NDArray[np.int32] = products[np.sort(chosen)].astype(np.int32)
        return kept

    def listed(
        self,
        scored: Scored,
        k: int,
        options: ListOptions = LIST,
        only: int | None = None,
        *,
        chosen: Callable[[tuple[int, ...]], tuple[int, ...]] = tuple,
    ) -> Listed:
        """The list of k of a user with the reasons of every product.

        Args:
            only: a candidate that is listed instead, wherever it ranks.
            chosen: gets the places of the order that can be listed, and returns those that are.
        """
        return self.lists([scored], k, options, only, chosen=chosen)[0]

    def lists(
        self,
        scored: Sequence[Scored],
        k: int,
        options: ListOptions = LIST,
        only: int | None = None,
        *,
        chosen: Callable[[tuple[int, ...]], tuple[int, ...]] = tuple,
    ) -> list[Listed]:
        """What `listed` gives for each of several users; their reasons are counted together."""
        reasons = self.reasons_in(options.language, options.voice)
        weight = total_weight(self.model.blend)
        found, asked = [], []
        for one in scored:
            ledger, candidates = one.ledger, one.candidates
            totals = ledger.totals()
            # Listed is what more speaks for than against; what no line speaks of is behind all that is.
            spoken = _spoken(ledger)
            length = min(k, one.ranked, int((spoken & (totals > 0)).sum()))
            order = np.lexsort((self._by_id(candidates), -totals, ~spoken))
            groups = reasons.groups(one.user, ledger, one.beside, one.reference)
            trusted = confidence_of(one.row.scores, one.allowed, weight, candidates)
            places: tuple[int, ...]
            if only is not None:
                places = (int(np.flatnonzero(candidates[order] == only)[0]),)
            else:
                sure = trusted[order[:length]] >= options.min_confidence
                places = chosen(tuple(np.flatnonzero(sure).tolist()))
            columns = order[list(places)]
            found.append(Listed(one, order, totals, groups, trusted, length, places, ()))
            asked.append((groups, candidates[columns].tolist(), columns.tolist()))
        for place, made in enumerate(reasoned(asked, options.reasons, plain=options.plain)):
            if options.prefer:
                wish, ledger = reasons.wish(options.prefer, scored[place].user), scored[place].ledger
                made = [structs.replace(one, shown=wish.led(ledger, one.shown)) for one in made]
            found[place] = replace(found[place], reasons=tuple(made))
        return found

    def _by_id(self, products: NDArray[np.int32]) -> NDArray[np.integer]:
        """Numbers that order products by their ids."""
        places = self.positions.products
        return products if places is None else places[products]

    def answer(self, listed: Listed, k: int, options: ListOptions = LIST) -> Answer:
        """A list in words.

        Args:
            k: the length that was asked for.
        """
        return self.answers([listed], k, options)[0]

    def answers(self, listed: Sequence[Listed], k: int, options: ListOptions = LIST) -> list[Answer]:
        """Lists of several users in words: what `answer` gives for each."""
        person, label = self.roles.user, self.roles.product
        here = [self.positions.in_snapshot(person, one.scored.user) for one in listed]
        products = [
            np.array([self.positions.in_snapshot(label, product) for product in one.products.tolist()], np.int64)
            for one in listed
        ]
        users = np.array(here, np.int64)
        language = self.reasons_in(options.language, options.voice).sentences.language
        refused, warnings = (
            self.eligibility.refused_of(users)[1],
            self.eligibility.warnings_of(users, products, language),
        )
        found = zip(listed, here, refused, warnings, strict=True)
        return [self._in_words(one, k, options, user, counts, warned) for one, user, counts, warned in found]

    def _in_words(
        self,
        listed: Listed,
        k: int,
        options: ListOptions,
        here: int,
        refused: dict[str, int],
        warnings: Sequence[tuple[str, ...]],
    ) -> Answer:
        """A list in words.

        Args:
            here: the user's position in the snapshot.
            refused: how many products each rule is the first to refuse.
            warnings: of each product.
        """
        sentences = self.reasons_in(options.language, options.voice).sentences
        items = self._items(listed, options, warnings)
        left = int(listed.scored.allowed.sum())
        sentence = None
        if listed.length < min(k, left):
            sentence = sentences.say("notes.outweighed", n=str(left - listed.length), user=self.users.ids[here])
        elif listed.length < k:
            sentence = self._few(sentences, here, refused, listed.length)
        if len(items) == listed.length:
            return self._answer(here, items, sentence, options.language, refused)
        exact, seen = (_unsure(sentences, listed, len(items), options.min_confidence, digits) for digits in (2, 1))
        return replace(self._answer(here, items, exact, options.language, refused), abstained_seen=seen)

    def nothing(self, user: int, options: ListOptions = LIST) -> Answer:
        """The answer for a user, by position in the snapshot, about whom too little is known."""
        sentence = self.reasons_in(options.language).sentences.say("notes.no_evidence", user=self.users.ids[user])
        return self._answer(user, (), sentence, options.language, self.eligibility.refused(user))

    def has_evidence(self, user: int) -> bool:
        """Whether there is something to say to a user, by position in the model: see `Blend.answers`."""
        return self.model.blend.answers(user)

    def reasons_in(self, language: str, voice: Voice = "adviser") -> Reasons:
        """What turns ledgers into reasons and lines of a language.

        Raises:
            SettingsError: there is no such language, or its file is not usable.
        """
        found = self._reasons.get((language, voice))
        if found is None and self.base is not self and self.own is not None:
            whole = self.base.reasons_in(language, voice)
            found = self._reasons[language, voice] = whole.reading(self.positions, self.model.blend, self.model.graph)
        if found is None:
            said = language_of(language, self._languages)
            found = Reasons(
                self.snapshot, self.model.blend, self.model.graph, self.known_before, said, self.positions, voice,
                fitted_before=self.fitted_before, fitted=self.model.meta.digests, counted=self._counted, now=self._date,
            )  # fmt: skip
            # Of two threads the first one's stays.
            found = self._reasons.setdefault((language, voice), found)
        return found

    def user_at(self, user_id: str) -> int:
        """The position of a user in the snapshot; ABSENT where there is none. Those answered last are looked up."""
        found = self._users_at.get(user_id)
        return self.users.ids.find(user_id) if found is None else found

    def product_at(self, product_id: str) -> int:
        """The position of a product in the snapshot; ABSENT where it is not there."""
        found = self._at.get(product_id)
        if found is None:
            found = self.products.ids.find(product_id)
            if len(self._at) < PRODUCTS:
                self._at[product_id] = found
        return found

    def counted(self, user: int, products: Sequence[int]) -> dict[str, Any]:
        """What was counted of other people for an answer with some products; positions are those of the snapshot."""
        user = self.positions.in_model(self.roles.user, user)
        places = [self.positions.in_model(self.roles.product, product) for product in products]
        found: dict[str, Any] = {}
        # An engine of one customer with events reads the people that the engine over the facts has counted.
        for reasons in list(self.base._reasons.values()):
            found |= reasons.people.counted(user, places)
        return found

    def refusal(self, user: int, product: int, sentences: Sentences) -> str | None:
        """Why a product is not shown to a user, in the words of every rule that refuses it; None when it may be."""
        refusals = self.eligibility.refusals(user, product, sentences.language)
        found = [said(one, self.policy, sentences) for one in refusals]
        return sentences.language.texts["lists.semicolon"].join(found) or None

    def _gradients(self, scored: Scored, product: int) -> ScoreGradients | None:
        """How the score of the term that is not linear comes from the edges; None where every term is linear."""
        for term, scale in zip(self.model.blend.terms, scored.row.scales, strict=True):
            found = term.gradients(scored.user, product) if scale else None
            if found is not None:
                from graphrec.serving.proof.gradients import gradients_of

                return gradients_of(self.positions, term.graph, found, float(scale))
        return None

    def _few(self, sentences: Sentences, user: int, refused: dict[str, int], left: int) -> str:
        """Why a list is shorter than was asked for: what the policy left out."""
        user_id = self.users.ids[user]
        if self.policy.is_built_in:
            return sentences.say("notes.few_left", n=str(left), user=user_id)
        if barred := self.eligibility.barred(user, sentences.language):
            return sentences.say("notes.none_allowed", user=user_id, why=barred)
        counts = public_counts(refused, self.policy.codes)
        rules = ", ".join(f"{rule} {count:,}" for rule, count in counts.items())
        return sentences.say("notes.few_allowed", n=str(left), user=user_id, rules=rules)

    def _items(self, listed: Listed, options: ListOptions, warnings: Sequence[tuple[str, ...]]) -> tuple[Item, ...]:
        """The products of a list in words.

        Args:
            warnings: of each of them.
        """
        if not listed.places:
            return ()
        reasons, scored, groups = self.reasons_in(options.language, options.voice), listed.scored, listed.groups
        user, ledger = scored.user, scored.ledger
        columns = listed.order[list(listed.places)].tolist()
        confidences = listed.confidence[columns].tolist()
        compositions = cache(partial(groups.composition, columns))
        found = []
        # What is cut off still decides how exact a view may be.
        is_cut = options.lines and options.reasons is not None and options.reasons < REASONS
        whole: Sequence[Reasoned] = listed.reasons
        if is_cut:
            (whole,) = reasoned([(groups, listed.products.tolist(), columns)], REASONS, plain=options.plain)
        for number, (place, column, one, behind, warned) in enumerate(
            zip(listed.places, columns, listed.reasons, whole, warnings, strict=True)
        ):
            product, score = int(scored.candidates[column]), float(listed.totals[column])
            lines: tuple[Line, ...] = ()
            fewest = None
            if options.lines:
                chosen = reasons.strongest(ledger, ledger.values[:, column], options.reasons)
                lines = reasons.lines(user, product, groups, column, scored.row.scales, chosen)
                others = lines
                if is_cut:
                    more = reasons.strongest(ledger, ledger.values[:, column], REASONS)[len(chosen) :]
                    others = (*lines, *reasons.lines(user, product, groups, column, scored.row.scales, more))
                fewest = _fewest(behind.shown, others)
            shown = self._shown(product)
            item: dict[str, Any] = {
                "rank": place + 1,
                "product": shown.id,
                "name": shown.name,
                "product_kind": shown.kind,
                "risk": shown.risk,
                "fee": shown.fee,
                "minimum": shown.minimum,
                "score": score,
                "reasons": reasons.reasons(user, product, one.shown),
                "others": one.others,
                "against": one.against,
                "lines": lines,
                "rest": score - sum([line.share for line in lines]) if lines else score,
                "confidence": confidences[number],
                "warnings": warned,
                "fewest": fewest,
                "gradients": None,
                "audit": None,
                "_later": partial(_composed, compositions, number),
            }
            found.append(from_fields(Item, item))
        return tuple(found)

    def limits(self, user: int) -> dict[str, Fact]:
        """What the rules of the policy read of a customer, by column; None where it is not known."""
        return self.eligibility.limits(user)

    def _shown(self, product: int) -> "_Shown":
        """What is shown of a product, by position in the model: it is read once."""
        found = self._of_products.get(product)
        if found is None:
            label = self.roles.product
            here = self.positions.in_snapshot(label, product)
            columns = self.schema.nodes[label].show
            kind = self.snapshot.value(label, columns.get("kind", "kind"), here)
            risk, fee, minimum = (
                self.snapshot.value(label, columns[what], here) if what in columns else None
                for what in ("risk", "fee", "minimum")
            )
            name = self.snapshot.name(label, here)
            found = _Shown(self.products.ids[here], name, None if kind is None else str(kind), risk, fee, minimum)
            if len(self._of_products) < PRODUCTS:
                self._of_products[product] = found
        return found

    def _answer(
        self,
        user: int,
        items: tuple[Item, ...],
        abstained: str | None,
        language: str,
        refused: dict[str, int] | None = None,
    ) -> Answer:
        user_id = self.users.ids[user]
        if len(self._users_at) >= USERS:
            self._users_at.clear()
        self._users_at[user_id] = user
        return Answer(
            user=user_id,
            as_of=self.as_of,
            model=self.model.name,
            snapshot=self.fitted_on,
            items=items,
            abstained=abstained,
            notes=self.notes_in(language),
            refused=refused or {},
            policy=self.policy_name,
            confidential=tuple(self.policy.codes),
            facts=self.snapshot.hash,
            facts_as_of=self.snapshot.as_of or self.snapshot.meta.last,
            unfitted=self.unfitted(user),
            last_event=None if self.own is None else self.own.last,
            limits=self.limits(user),
        )

    @property
    def fitted_on(self) -> str:
        """The hash of the snapshot that the weights were fitted on."""
        return self.model.meta.snapshot

    @property
    def as_of(self) -> str | None:
        """The date of the answers."""
        if self.now is not None:
            return iso_text(self.now)
        if self.known_before != END_OF_TIME:
            return self.known_before
        found: str | None = self.snapshot.as_of or self.snapshot.meta.last
        return found

    @property
    def _date(self) -> int | None:
        """The date of the answers in microseconds since 1970; None: nothing has a time."""
        if self.now is not None:
            return self.now
        return None if self.as_of is None else microseconds(self.as_of)

    def unfitted(self, user: int) -> dict[str, int]:
        """How many edges of a user, by position in the facts, weigh nothing until the next fit, by edge type.

        They lead to nodes that the model does not know, or are of a type that was not there at the fit.
        """
        if self.snapshot.origin == self.fitted_on:
            return {}
        types = self.model.meta.types
        found: dict[str, int] = {}
        for hop, adjacency in self.model.graph.hops.items():
            if isinstance(adjacency, FirstHop):
                new = hop.type not in types
                if count := adjacency.unknown(user, all_of_them=new):
                    found[hop.type] = found.get(hop.type, 0) + count
        return dict(sorted(found.items()))

    def position(self, nodes: Nodes, node_id: str, role: str) -> int:
        """Where a user or a product is among the nodes of its label.

        Raises:
            UnknownId: there is none of this id.
        """
        return place_of(nodes, node_id, role)


def _fewest(reasons: Iterable[Chosen], lines: Iterable[Line]) -> int | None:
    """The smallest number of other people behind some reasons and lines."""
    counts = [one.people for one in reasons] + [part.count for line in lines for part in line.nodes
                                                if isinstance(part, People)]  # fmt: skip
    return min((count for count in counts if count is not None), default=None)


def _composed(compositions: Callable[[], list[dict[str, float]]], number: int) -> tuple[dict[str, float]]:
    """What an item works out later: its composition, with those of the other items of its list."""
    return (compositions()[number],)


def newest_facts(home: Home, opened: ModelFiles) -> Snapshot:
    """The facts that a home serves with a model.

    A home without facts has snapshots alone: the latest one, but for one as of a date that was taken besides.

    Raises:
        NotTrained: there is neither.
        SchemaOutdated: another version of graphrec wrote them.
        Damaged: they are not what was written.
    """
    shelf = FactsShelf(home.facts)
    if shelf.is_served():
        return shelf.latest()
    snapshots = SnapshotShelf(home.snapshots)
    newest = snapshots.latest()
    if newest.hash == opened.snapshot:
        return newest.dated(opened.meta.as_of)
    return newest if newest.as_of is None else snapshots.of_address(opened.snapshot, opened.meta.as_of)


def seen_before(facts: Snapshot, now: int) -> int | None:
    """The time before which something must have been known to be seen on a day; facts as of a date are cut already."""
    return None if facts.as_of is not None else min(now + DAY, LAST_MOMENT)


def _after(facts: Snapshot, before: int) -> Iterator[Note]:
    """That facts go on after the day of the answers."""
    last = facts.meta.last
    if last is not None and microseconds(last) >= before:
        yield Note("notes.facts_go_on", {"last": last[:10], "date": iso_text(before - DAY)[:10]})


def _spoken(ledger: Ledger) -> NDArray[np.bool_]:
    """Which products a line speaks for or against, but for what only orders what others speak for."""
    speaks = ledger.values != 0
    beside = ("against", "diversification", "profit")
    if any(group.kind in beside for group in ledger.groups):
        speaks &= np.array([group.kind not in beside for group in ledger.groups], np.bool_)[ledger.group][:, None]
    spoken: NDArray[np.bool_] = speaks.any(axis=0)
    return spoken


def _offered(positions: Positions, num_scored: int) -> Offered | None:
    """The products that are offered where they are not those of the model.

    Args:
        num_scored: products that the terms have a score of, new ones among them.
    """
    places = positions.products
    if places is None:
        return None
    return Offered(places[:num_scored] == ABSENT, len(places) - num_scored)


def said(finding: Finding, policy: Policy, sentences: Sentences) -> str:
    """The sentence of a rule that refuses; the built-in rules speak every language."""
    return sentences.say(f"policy.{finding.rule}") if policy.is_built_in else finding.sentence


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers that look drawn: the finaliser of splitmix64 (Steele et al., 2014)."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _far_rank(scored: Scored, product: int) -> int:
    """The rank of a product far behind the list, by the fast scores."""
    allowed = np.flatnonzero(scored.allowed)
    scores, own = scored.row.scores[allowed], scored.row.scores[product]
    return 1 + int(((scores > own) | ((scores == own) & (allowed < product))).sum())


def _unsure(sentences: Sentences, listed: Listed, kept: int, least: float, digits: int) -> str:
    """Why a list is shorter than it could be: too little evidence; the best confidence with so many digits."""
    gone = listed.length - kept
    key = "notes.none_sure" if not kept else "notes.one_unsure" if gone == 1 else "notes.some_unsure"
    best = float(listed.confidence[listed.column(kept)])
    number = sentences.language.number
    return sentences.say(key, n=number(gone), least=sentences.language.given(least), best=number(best, digits))
