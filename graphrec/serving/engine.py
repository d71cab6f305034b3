"""Recommendations from a snapshot and a model, both mapped into memory: one way to make lists and reasons.

`scored` computes what a list of one user is made from, `listed` orders it and chooses the reasons, and `answer` turns
that into words. Lists of many users (serving/lists.py) differ in the first step alone, and a report evaluates what
`listed` gives. Nothing of an engine changes after it is made, so that threads may share it.
"""

import copy
import difflib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UnknownId
from graphrec.graph.adjacency import Adjacency
from graphrec.graph.facts import FactsShelf
from graphrec.graph.first_hops import FirstHop
from graphrec.graph.shelf import SnapshotShelf
from graphrec.graph.snapshot import Nodes, Snapshot
from graphrec.graph.strings import ABSENT
from graphrec.home import Home
from graphrec.policy.facts import DAY, NO_OCCASION, Occasion, microseconds
from graphrec.policy.read import home_policy
from graphrec.policy.rules import Policy, default_policy, public_counts
from graphrec.schema import LANGUAGES
from graphrec.serving.answer import Answer, ExplainOptions, Item, ListOptions, PolicyName, ScoreGradients
from graphrec.serving.confidence import confidence, total_weight
from graphrec.serving.eligible import Eligibility
from graphrec.serving.positions import Positions
from graphrec.serving.reasons.languages import language_of
from graphrec.serving.reasons.lines import END_OF_TIME, Reasons, iso_text, utc_text
from graphrec.serving.reasons.sentences import Sentences
from graphrec.terms.blend import Offered, Row
from graphrec.terms.folder import Model, ModelFiles, latest, open_files
from graphrec.terms.ledger import Ledger

#: Products after the list that a share is compared with.
CONTRASTED = 20
#: Candidates beyond those, so that rounding in the fast scores cannot change the list.
SPARE = 16
LIST, EXPLANATION = ListOptions(), ExplainOptions()


@dataclass(frozen=True, eq=False)
class Scored:
    """What a list of one user is made from; all positions are those of the model.

    Shapes: allowed (num_products,) for what may be listed; candidates (num_candidates,), the products that the list and
    what follows it are chosen from, the first `ranked` by their scores, ascending; a column of the ledger for each.
    """

    user: int
    row: Row
    allowed: NDArray[np.bool_]
    candidates: NDArray[np.int32]
    ranked: int
    ledger: Ledger


@dataclass(frozen=True, eq=False)
class Listed:
    """A list of one user before it is put into words.

    Shapes: order (num_candidates,), places among the candidates, best first; totals (num_candidates,), the scores;
    mean (num_lines,), what a share is compared with; confidence (num_products,).
    """

    scored: Scored
    order: NDArray[np.int64]
    totals: NDArray[np.float64]
    mean: NDArray[np.float64]
    confidence: NDArray[np.float64]
    length: int
    """Products that were asked for and are there, whatever their confidence."""
    places: tuple[int, ...]
    """The places of the order that are listed."""
    lines: tuple[tuple[int, ...], ...]
    """For each of them the reasons in their order, as positions in the ledger."""

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

    def contrast(self, place: int) -> NDArray[np.float64]:
        """Every line's share (num_lines,) of the product at a place of the order, minus what it is compared with."""
        return self.scored.ledger.values[:, self.column(place)] - self.mean


class Engine:
    """Serves one model on facts, which may be newer than the model: x from now, W as trained.

    Args:
        snapshot: the facts, or a snapshot: customers' rows, names, columns and events.
        model: opened for them.
        notes: what a reader of answers must know.
        policy: which products may be shown; None: the built-in one.
        masked: products (a row for every user) that are no candidates of a split, besides those that the policy
            refuses: they stand for what a user holds. None: what the snapshot says.
        now: the date of the answers, in microseconds since 1970; None: they are as of the graph that was fitted.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        model: Model,
        notes: tuple[str, ...] = (),
        policy: Policy | None = None,
        *,
        masked: Adjacency | None = None,
        now: int | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.now = now
        self.positions = Positions(snapshot, model.ids)
        self.model = model = replace(model, blend=model.blend.offering(_offered(self.positions)))
        self.policy = policy or default_policy(snapshot)
        self.roles = snapshot.schema.roles
        self.users: Nodes = snapshot.nodes(self.roles.user)
        self.products: Nodes = snapshot.nodes(self.roles.product)
        hidden = model.meta["hidden"]
        known_from = hidden["known_from"]
        self.fitted_before = END_OF_TIME if known_from is None else utc_text(known_from)
        if now is None:
            self.known_before = self.fitted_before
            self.eligibility = Eligibility(snapshot, self.policy, known_before=known_from, held=masked)
        else:
            before = seen_before(snapshot, now)
            self.known_before = END_OF_TIME if before is None else utc_text(before)
            self.eligibility = Eligibility(snapshot, self.policy, now=now, known_before=before, held=masked)
        self._masked = masked
        self._reasons: dict[str, Reasons] = {
            name: Reasons(
                snapshot, model.blend, model.graph, self.known_before, language_of(name), self.positions,
                fitted_before=self.fitted_before, fitted=model.meta,
            )
            for name in LANGUAGES
        }  # fmt: skip
        self.notes = notes if snapshot.uncut is None else (*notes, snapshot.uncut)
        if hidden["pairs"]:
            unseen = (
                f"the model was fitted without {hidden['pairs']:,} hidden pairs, which the Cypher of a line sees; "
                "graphrec train --final fits on everything"
            )
            self.notes = (*self.notes, unseen)

    def asking(self, occasion: Occasion) -> "Engine":
        """The same engine for a request that says something of itself, such as an amount."""
        if occasion == NO_OCCASION:
            return self
        asked = copy.copy(self)
        asked.eligibility = self.eligibility.asking(occasion)
        return asked

    @property
    def policy_name(self) -> PolicyName | None:
        """Version and hash of the policy; None: only the built-in rules hold."""
        return None if self.policy.is_built_in else PolicyName(self.policy.version, self.policy.hash)

    @classmethod
    def open(cls, home: Home, kind: str | None = None, now: int | None = None) -> "Engine":
        """The engine of a home: its final model if there is one, of that kind if given, on its newest facts.

        The weights are those of the model; customers' rows, names, states of products, consents and what is held are
        of the facts. A home without facts is served from its latest snapshot.

        Args:
            now: the date of the answers, in microseconds since 1970; None: that of the facts.

        Raises:
            NotTrained: there is no model, or there are no facts.
            CheckpointMismatch: the facts have other labels or edge types than the model.
            PolicyError: the policy of the home does not fit the facts.
        """
        opened = open_files(latest(home, kind))
        facts = newest_facts(home, opened)
        before = None if now is None else seen_before(facts, now)
        model = opened.model(facts, known_before=before)
        notes = [] if before is None else list(_after(facts, before))
        if facts.ahead:
            notes.append(facts.ahead)
        return cls(facts, model, tuple(notes), home_policy(home, facts), now=now)

    def recommend(self, user_id: str, k: int, options: ListOptions = LIST) -> Answer:
        """The k best products for a user, each with its strongest reasons.

        Raises:
            UnknownId: there is no such user.
        """
        here = self._position(self.users, user_id, "user")
        user = self.positions.in_model(self.roles.user, here)
        if user == ABSENT or not self.has_evidence(user):
            return self.nothing(here, options)
        return self.answer(self.listed(self.scored(user, k), k, options), k, options)

    def explain(self, user_id: str, product_id: str, k: int, options: ExplainOptions = EXPLANATION) -> Answer:
        """The whole ledger of one product, contrasted with what follows the user's list of k.

        Raises:
            UnknownId: there is no such user or product.
        """
        sentences = self.reasons_in(options.language).sentences
        here = self._position(self.users, user_id, "user")
        wanted = self._position(self.products, product_id, "product")
        refusal = self.eligibility.refusal(here, wanted)
        if refusal:
            return self._answer(here, (), f"{product_id} is not recommended to {user_id}: {refusal}")
        user = self.positions.in_model(self.roles.user, here)
        product = self.positions.in_model(self.roles.product, wanted)
        if user == ABSENT or not self.has_evidence(user):
            return self._answer(here, (), sentences.say("no evidence", user=user_id))
        if product >= self.positions.num_known:
            return self._answer(here, (), sentences.say("unknown product", i=product_id))
        scored = self.scored(user, k, product)
        whole = ListOptions(None, options.plain, count_groups=True, language=options.language)
        # The product itself is listed with all its lines, wherever it ranks.
        listed = self.listed(scored, k, whole, product)
        item = self._item(listed, listed.places[0], listed.lines[0], whole)
        if scored.ranked < len(scored.candidates):
            item = replace(item, rank=_far_rank(scored, product))
        return self._answer(here, (replace(item, gradients=self._gradients(scored, product)),), None)

    def scored(self, user: int, k: int, wanted: int | None = None) -> Scored:
        """Scores, candidates for a list of k, and their ledger, of one user.

        Args:
            user: position in the model.
            wanted: a product, by position in the model, that is a candidate in any case.
        """
        row = self.model.blend.row(user)
        allowed = self.allowed(np.array([user]))[0]
        candidates = self.candidates(row, allowed, k)
        ranked = len(candidates)
        if wanted is not None and wanted not in candidates:
            candidates = np.append(candidates, np.int32(wanted))
        ledger = self.model.blend.ledger(user, candidates, row.scales)
        return Scored(user, row, allowed, candidates, ranked, ledger)

    def allowed(self, users: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True (len(users), num_products) for what may be listed, users and products by positions of the model."""
        here = np.array([self.positions.in_snapshot(self.roles.user, int(user)) for user in users], np.int64)
        allowed = self.positions.taken(self.roles.product, self.eligibility.masks(here))
        if self._masked is not None:
            owner, products = self._masked.expand(np.asarray(users, np.int32))
            allowed[owner, products] = False
        return allowed

    def candidates(self, row: Row, allowed: NDArray[np.bool_], k: int) -> NDArray[np.int32]:
        """The products that a list of k and what follows it are chosen from, by the fast scores, ascending."""
        products = np.flatnonzero(allowed)
        if (places := self.positions.products) is not None:
            # New products stand behind those of the model; ties are told apart by ids.
            products = products[np.argsort(places[products])]
        count = min(len(products), k + CONTRASTED + SPARE)
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

    def listed(self, scored: Scored, k: int, options: ListOptions = LIST, only: int | None = None) -> Listed:
        """The list of k of a user with the reasons of every product.

        Args:
            only: a candidate that is listed instead, wherever it ranks.
        """
        reasons, ledger = self.reasons_in(options.language), scored.ledger
        totals = ledger.totals()
        # What no line speaks for or against is not listed: it is behind all that is.
        spoken = (ledger.values != 0).any(axis=0)
        length = min(k, scored.ranked, int(spoken.sum()))
        order = np.lexsort((self._by_id(scored.candidates), -totals, ~spoken))
        after = order[length : length + CONTRASTED]
        mean = ledger.values[:, after].mean(axis=1) if len(after) else np.zeros(len(ledger.via))
        trusted = confidence(scored.row.scores, scored.allowed, total_weight(self.model.blend))
        listed = Listed(scored, order, totals, mean, trusted, length, (), ())
        places: tuple[int, ...]
        if only is not None:
            places = (int(np.flatnonzero(scored.candidates[order] == only)[0]),)
        else:
            places = tuple(p for p in range(length) if trusted[listed.product(p)] >= options.min_confidence)
        wish = reasons.wish(options.prefer, scored.user) if options.prefer else None
        lines = tuple(
            reasons.chosen(
                scored.user, listed.product(place), ledger, listed.column(place), listed.contrast(place),
                options.reasons, plain=options.plain, wish=wish,
            )
            for place in places
        )  # fmt: skip
        return replace(listed, places=places, lines=lines)

    def _by_id(self, products: NDArray[np.int32]) -> NDArray[np.integer]:
        """Numbers that order products by their ids."""
        places = self.positions.products
        return products if places is None else places[products]

    def answer(self, listed: Listed, k: int, options: ListOptions = LIST) -> Answer:
        """A list in words.

        Args:
            k: the length that was asked for.
        """
        sentences = self.reasons_in(options.language).sentences
        here = self.positions.in_snapshot(self.roles.user, listed.scored.user)
        items = tuple(
            self._item(listed, place, lines, options) for place, lines in zip(listed.places, listed.lines, strict=True)
        )
        refused = self.eligibility.refused(here)
        left = int(listed.scored.allowed.sum())
        sentence = None
        if listed.length < min(k, left):
            sentence = sentences.say("nothing speaks", n=str(left - listed.length), user=self.users.ids[here])
        elif listed.length < k:
            sentence = self._few(sentences, here, refused, listed.length)
        if len(items) == listed.length:
            return self._answer(here, items, sentence, refused)
        exact, seen = (_unsure(sentences, listed, len(items), options.min_confidence, digits) for digits in (2, 1))
        return replace(self._answer(here, items, exact, refused), abstained_seen=seen)

    def nothing(self, user: int, options: ListOptions = LIST) -> Answer:
        """The answer for a user, by position in the snapshot, about whom too little is known."""
        sentence = self.reasons_in(options.language).sentences.say("no evidence", user=self.users.ids[user])
        return self._answer(user, (), sentence, self.eligibility.refused(user))

    def has_evidence(self, user: int) -> bool:
        """Whether there is something to say to a user, by position in the model: see `Blend.answers`."""
        return self.model.blend.answers(user)

    def reasons_in(self, language: str) -> Reasons:
        """What turns ledgers into lines of a language, one of LANGUAGES."""
        return self._reasons[language]

    def _gradients(self, scored: Scored, product: int) -> ScoreGradients | None:
        """How the score of the term that is not linear comes from the edges; None where every term is linear."""
        for term, scale in zip(self.model.blend.terms, scored.row.scales, strict=True):
            found = term.gradients(scored.user, product) if scale else None
            if found is not None:
                from graphrec.serving.gradients import gradients_of

                return gradients_of(self.positions, term.graph, found, scored.user, float(scale))
        return None

    def _few(self, sentences: Sentences, user: int, refused: dict[str, int], left: int) -> str:
        """Why a list is shorter than was asked for: what the policy left out."""
        user_id = self.users.ids[user]
        if self.policy.is_built_in:
            return sentences.say("few left", n=str(left), user=user_id)
        if barred := self.eligibility.barred(user):
            return sentences.say("none allowed", user=user_id, why=barred)
        told = public_counts(refused, self.policy.codes)
        rules = ", ".join(f"{rule} {count:,}" for rule, count in told.items())
        return sentences.say("few allowed", n=str(left), user=user_id, rules=rules)

    def _item(self, listed: Listed, place: int, chosen: tuple[int, ...], options: ListOptions) -> Item:
        reasons, scored, column = self.reasons_in(options.language), listed.scored, listed.column(place)
        user, product, score = scored.user, listed.product(place), float(listed.totals[column])
        contrast, ledger = listed.contrast(place), scored.ledger
        lines = reasons.lines(user, product, ledger, column, contrast, scored.row.scales, chosen)
        person, label = self.roles.user, self.roles.product
        here = self.positions.in_snapshot(label, product)
        kind = self.snapshot.value(label, "kind", here)
        return Item(
            rank=place + 1,
            product=self.products.ids[here],
            name=self.snapshot.name(label, here),
            product_kind=None if kind is None else str(kind),
            score=score,
            lines=lines,
            rest=score - sum(line.share for line in lines),
            composition=Reasons.composition(ledger, column),
            confidence=float(listed.confidence[product]),
            below_min_group=reasons.below_min_group(user, product, ledger, column) if options.count_groups else None,
            warnings=self.eligibility.warnings(self.positions.in_snapshot(person, user), here),
        )

    def _answer(
        self, user: int, items: tuple[Item, ...], abstained: str | None, refused: dict[str, int] | None = None
    ) -> Answer:
        return Answer(
            user=self.users.ids[user],
            as_of=self.as_of,
            model=self.model.name,
            snapshot=self.fitted_on,
            items=items,
            abstained=abstained,
            notes=self.notes,
            refused=refused or {},
            policy=self.policy_name,
            confidential=tuple(self.policy.codes),
            facts=self.snapshot.hash,
            facts_as_of=self.snapshot.as_of or self.snapshot.meta["last"],
            unfitted=self.unfitted(user),
        )

    @property
    def fitted_on(self) -> str:
        """The hash of the snapshot that the weights were fitted on."""
        return str(self.model.meta.get("snapshot", self.snapshot.origin))

    @property
    def as_of(self) -> str | None:
        """The date of the answers."""
        if self.now is not None:
            return iso_text(self.now)
        if self.known_before != END_OF_TIME:
            return self.known_before
        found: str | None = self.snapshot.as_of or self.snapshot.meta["last"]
        return found

    def unfitted(self, user: int) -> dict[str, int]:
        """How many edges of a user, by position in the facts, weigh nothing until the next fit, by edge type.

        They lead to nodes that the model does not know, or are of a type that was not there at the fit.
        """
        if self.snapshot.origin == self.fitted_on:
            return {}
        types = self.model.meta.get("types")
        found: dict[str, int] = {}
        for hop, adjacency in self.model.graph.hops.items():
            if isinstance(adjacency, FirstHop):
                new = types is not None and hop.type not in types
                if count := adjacency.unknown(user, all_of_them=new):
                    found[hop.type] = found.get(hop.type, 0) + count
        return dict(sorted(found.items()))

    def _position(self, nodes: Nodes, node_id: str, role: str) -> int:
        position = nodes.ids.find(node_id)
        if position < 0:
            near = nearest_ids(nodes, node_id)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            raise UnknownId(f"no {role} {node_id!r}{hint}; search with: graphrec find {shlex.quote(node_id)}")
        return position


def newest_facts(home: Home, opened: ModelFiles) -> Snapshot:
    """The facts that a home serves with a model.

    A home without facts has snapshots alone: the latest one, but for one as of a date that was taken besides.

    Raises:
        NotTrained: there is neither.
        SchemaOutdated: another version of graphrec wrote them.
        Damaged: they are not what was written.
    """
    shelf = FactsShelf(home.facts)
    if shelf.has_latest():
        return shelf.latest()
    snapshots = SnapshotShelf(home.snapshots)
    newest = snapshots.latest()
    if newest.hash == opened.snapshot:
        return newest.dated(opened.meta["as_of"])
    return newest if newest.as_of is None else snapshots.of_address(opened.snapshot, opened.meta["as_of"])


def seen_before(facts: Snapshot, now: int) -> int | None:
    """The time before which something must have been known to be seen on a day; facts as of a date are cut already."""
    return None if facts.as_of is not None else now + DAY


def _after(facts: Snapshot, before: int) -> Iterator[str]:
    """That facts go on after the day of the answers."""
    last = facts.meta["last"]
    if last is not None and microseconds(last) >= before:
        yield (
            f"the facts go on until {last[:10]}, and this answer is as of {iso_text(before - DAY)[:10]}: what became "
            "known later is not seen; the date is that of --as-of, else of today in graphrec.toml, else of the clock"
        )


def _offered(positions: Positions) -> Offered | None:
    """The products that are offered where they are not those of the model."""
    places = positions.products
    if places is None:
        return None
    return Offered(places[: positions.num_known] == ABSENT, len(places) - positions.num_known)


def _far_rank(scored: Scored, product: int) -> int:
    """The rank of a product far behind the list, by the fast scores."""
    allowed = np.flatnonzero(scored.allowed)
    scores, own = scored.row.scores[allowed], scored.row.scores[product]
    return 1 + int(((scores > own) | ((scores == own) & (allowed < product))).sum())


def _unsure(sentences: Sentences, listed: Listed, kept: int, least: float, digits: int) -> str:
    """Why a list is shorter than it could be: too little evidence; the best confidence with so many digits."""
    gone = listed.length - kept
    key = "none sure" if not kept else "one unsure" if gone == 1 else "some unsure"
    best = float(listed.confidence[listed.product(kept)])
    return sentences.say(key, n=str(gone), least=f"{least:g}", best=f"{best:.{digits}f}")


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
