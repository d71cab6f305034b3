"""Recommendations for one user from a snapshot and a model, both mapped into memory."""

import difflib
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UnknownId
from graphrec.graph.shelf import SnapshotShelf
from graphrec.graph.snapshot import Nodes, Snapshot
from graphrec.home import Home
from graphrec.policy.read import home_policy
from graphrec.policy.rules import Policy, default_policy
from graphrec.schema import LANGUAGES
from graphrec.serving.answer import Answer, Item
from graphrec.serving.confidence import confidence, total_weight
from graphrec.serving.eligible import Eligibility
from graphrec.serving.gradients import gradients_of
from graphrec.serving.reasons.languages import language_of
from graphrec.serving.reasons.lines import END_OF_TIME, Reasons, utc_text
from graphrec.serving.reasons.prefer import Preference, Wish
from graphrec.serving.reasons.sentences import Sentences
from graphrec.terms.blend import Row
from graphrec.terms.folder import Model, latest, open_model, read_meta
from graphrec.terms.ledger import Ledger

#: Products after the list that a share is compared with.
CONTRASTED = 20
#: Candidates beyond those, so that rounding in the fast scores cannot change the list.
SPARE = 16
REASONS = 3


@dataclass(frozen=True, eq=False)
class _Listed:
    """Candidates of one user with their ledger, best first by `order`; `mean` is what a share is compared with."""

    ledger: Ledger
    totals: NDArray[np.float64]
    mean: NDArray[np.float64]
    candidates: NDArray[np.int32]
    order: NDArray[np.int64]
    length: int

    def product(self, place: int) -> int:
        """The product at a place of the order."""
        return int(self.candidates[self.order[place]])

    def place(self, product: int) -> int:
        """Where a candidate stands in the order."""
        return int(np.flatnonzero(self.candidates[self.order] == product)[0])


@dataclass(frozen=True)
class _Shown:
    """What of an item is shown: how many reasons (None: all), in which order, and whether small groups are summed."""

    told: Reasons
    limit: int | None
    plain: bool
    count_groups: bool
    wish: Wish | None = None


class Engine:
    """Serves one model on one snapshot."""

    def __init__(
        self, snapshot: Snapshot, model: Model, notes: tuple[str, ...] = (), policy: Policy | None = None
    ) -> None:
        self.snapshot = snapshot
        self.model = model
        self.policy = policy or default_policy(snapshot)
        self.roles = snapshot.schema.roles
        self.users: Nodes = snapshot.nodes(self.roles.user)
        self.products: Nodes = snapshot.nodes(self.roles.product)
        hidden = model.meta["hidden"]
        known_from = hidden["known_from"]
        self.known_before = END_OF_TIME if known_from is None else utc_text(known_from)
        self.eligibility = Eligibility(snapshot, self.policy, known_before=known_from)
        self._reasons: dict[str, Reasons] = {}
        self.notes = notes if snapshot.uncut is None else (*notes, snapshot.uncut)
        if hidden["pairs"]:
            unseen = (
                f"the model was fitted without {hidden['pairs']:,} hidden pairs, which the Cypher of a line sees; "
                "graphrec train --final fits on everything"
            )
            self.notes = (*self.notes, unseen)

    @classmethod
    def open(cls, home: Home, kind: str | None = None) -> "Engine":
        """The engine of a home: its final model if there is one, of that kind if given.

        Raises:
            NotTrained: there is no model, or its snapshot is gone.
            PolicyError: the policy of the home does not fit the snapshot.
        """
        folder: Path = latest(home, kind)
        shelf = SnapshotShelf(home.snapshots)
        snapshot = shelf.of_hash(read_meta(folder)["snapshot"])
        newer = shelf.latest().hash != snapshot.hash
        notes = (
            ("there is a newer snapshot than that of this model; graphrec train brings them together",) if newer else ()
        )
        return cls(snapshot, open_model(folder, snapshot), notes, home_policy(home, snapshot))

    def recommend(
        self,
        user_id: str,
        k: int,
        *,
        reasons: int | None = REASONS,
        plain: bool = False,
        min_confidence: float = 0.0,
        count_groups: bool = False,
        language: str = LANGUAGES[0],
        prefer: Preference | None = None,
    ) -> Answer:
        """The k best products for a user, each with its strongest reasons (None: with every line).

        Args:
            plain: order reasons by share, not by contrast.
            min_confidence: products below it are left out.
            count_groups: say of each product how much of its score lies behind groups smaller than `min_group`.
            language: of the reasons, one of LANGUAGES.
            prefer: which of equally exact paths leads the reasons of a product: serving/reasons/prefer.py.

        Raises:
            UnknownId: there is no such user.
        """
        user = self._position(self.users, user_id, "user")
        told = self.reasons_in(language)
        if not self.has_evidence(user):
            return self._answer(
                user_id, [], told.sentences.say("no evidence", user=user_id), self.eligibility.refused(user)
            )
        row = self.model.blend.row(user)
        listed = self._ranked(row, user, k)
        trusted = self._confidence(row, user)
        sure = [place for place in range(listed.length) if trusted[listed.product(place)] >= min_confidence]
        shown = _Shown(told, reasons, plain, count_groups, told.wish(prefer, user) if prefer else None)
        items = [self._item(user, listed, place, row, shown, trusted) for place in sure]
        short = listed.length < k
        sentence = self._few(told.sentences, user, user_id, listed.length) if short else None
        if len(items) < listed.length:
            sentence = _unsure(told.sentences, listed, trusted, len(items), min_confidence)
        return self._answer(user_id, items, sentence, self.eligibility.refused(user))

    def explain(
        self, user_id: str, product_id: str, k: int, *, plain: bool = False, language: str = LANGUAGES[0]
    ) -> Answer:
        """The whole ledger of one product, contrasted with what follows the user's list of k.

        Args:
            plain: order lines by share, not by contrast.
            language: of the reasons, one of LANGUAGES.

        Raises:
            UnknownId: there is no such user or product.
        """
        told = self.reasons_in(language)
        user = self._position(self.users, user_id, "user")
        product = self._position(self.products, product_id, "product")
        refusal = self.eligibility.refusal(user, product)
        if refusal:
            return self._answer(user_id, [], f"{product_id} is not recommended to {user_id}: {refusal}")
        if not self.has_evidence(user):
            return self._answer(user_id, [], told.sentences.say("no evidence", user=user_id))
        row = self.model.blend.row(user)
        listed = self._ranked(row, user, k, product)
        shown = _Shown(told, None, plain, count_groups=True)
        item = self._item(user, listed, listed.place(product), row, shown, self._confidence(row, user))
        if product not in self._ranked(row, user, k).candidates:
            item = replace(item, rank=self._far_rank(row, user, product))
        return self._answer(user_id, [replace(item, gradients=self._gradients(row, user, product))], None)

    def _gradients(self, row: Row, user: int, product: int) -> dict[str, Any] | None:
        """How the score of the term that is not linear comes from the edges; None where every term is linear."""
        for term, scale in zip(self.model.blend.terms, row.scales, strict=True):
            found = term.gradients(user, product) if scale else None
            if found is not None:
                return gradients_of(self.snapshot, term.graph, found, user, float(scale))
        return None

    def has_evidence(self, user: int) -> bool:
        """Whether there is something to say to a user: see `Blend.answers`."""
        return self.model.blend.answers(user)

    def reasons_in(self, language: str) -> Reasons:
        """What turns ledgers into lines of a language."""
        if language not in self._reasons:
            self._reasons[language] = Reasons(
                self.snapshot, self.model.blend, self.model.graph, self.known_before, language_of(language)
            )
        return self._reasons[language]

    def candidates(self, row: Row, user: int, k: int) -> NDArray[np.int32]:
        """The products that a list of k and what follows it are chosen from, by the fast scores."""
        allowed = np.flatnonzero(self.eligibility.mask(user))
        count = min(len(allowed), k + CONTRASTED + SPARE)
        if count == len(allowed):
            return allowed.astype(np.int32)
        scores = row.scores[allowed]
        best = np.argpartition(-scores, count - 1)[:count]
        # Equal scores at the border: the smaller id is in.
        border = scores[best].min()
        above = best[scores[best] > border]
        chosen = np.concatenate((above, np.flatnonzero(scores == border)[: count - len(above)]))
        kept: NDArray[np.int32] = allowed[np.sort(chosen)].astype(np.int32)
        return kept

    def _ranked(self, row: Row, user: int, k: int, wanted: int | None = None) -> "_Listed":
        candidates = self.candidates(row, user, k)
        length = min(k, len(candidates))
        if wanted is not None and wanted not in candidates:
            candidates = np.append(candidates, np.int32(wanted))
        ledger = self.model.blend.ledger(user, candidates, row.scales)
        totals = ledger.totals()
        order = np.lexsort((candidates, -totals))
        after = order[length : length + CONTRASTED]
        mean = ledger.values[:, after].mean(axis=1) if len(after) else np.zeros(len(ledger.via))
        return _Listed(ledger, totals, mean, candidates, order, length)

    def _few(self, sentences: Sentences, user: int, user_id: str, left: int) -> str:
        """Why a list is shorter than was asked for: what the policy left out."""
        if self.policy.is_built_in:
            return sentences.say("few left", n=str(left), user=user_id)
        if barred := self.eligibility.barred(user):
            return sentences.say("none allowed", user=user_id, why=barred)
        rules = ", ".join(f"{rule} {count:,}" for rule, count in self.eligibility.refused(user).items())
        return sentences.say("few allowed", n=str(left), user=user_id, rules=rules)

    def _far_rank(self, row: Row, user: int, product: int) -> int:
        """The rank of a product far behind the list, by the fast scores."""
        allowed = np.flatnonzero(self.eligibility.mask(user))
        scores, own = row.scores[allowed], row.scores[product]
        return 1 + int(((scores > own) | ((scores == own) & (allowed < product))).sum())

    def _item(
        self, user: int, listed: "_Listed", place: int, row: Row, shown: "_Shown", trusted: NDArray[np.float64]
    ) -> Item:
        column = int(listed.order[place])
        product, score = int(listed.candidates[column]), float(listed.totals[column])
        contrast = listed.ledger.values[:, column] - listed.mean
        lines = shown.told.lines(
            user, product, listed.ledger, column, contrast, row.scales, shown.limit,
            plain=shown.plain, wish=shown.wish,
        )  # fmt: skip
        hidden = shown.told.below_min_group(user, product, listed.ledger, column) if shown.count_groups else None
        return Item(
            rank=place + 1,
            product=self.products.ids[product],
            name=self.snapshot.name(self.roles.product, product),
            product_kind=self._kind(product),
            score=score,
            lines=lines,
            rest=score - sum(line.share for line in lines),
            composition=Reasons.composition(listed.ledger, column),
            confidence=float(trusted[product]),
            below_min_group=hidden,
            warnings=self.eligibility.warnings(user, product),
        )

    def _confidence(self, row: Row, user: int) -> NDArray[np.float64]:
        """The confidence of every product (num_products,) for a user."""
        return confidence(row.scores, self.eligibility.mask(user), total_weight(self.model.blend))

    def _kind(self, product: int) -> str | None:
        value = self.snapshot.value(self.roles.product, "kind", product)
        return None if value is None else str(value)

    def _answer(
        self, user_id: str, items: list[Item], abstained: str | None, refused: dict[str, int] | None = None
    ) -> Answer:
        as_of = (
            self.known_before if self.known_before != END_OF_TIME else self.snapshot.as_of or self.snapshot.meta["last"]
        )
        name = f"{self.model.kind}-{'final' if self.model.is_final else 'test'}"
        return Answer(user_id, as_of, name, self.snapshot.hash, items, abstained, list(self.notes), refused or {})

    def _position(self, nodes: Nodes, node_id: str, role: str) -> int:
        position = nodes.ids.find(node_id)
        if position < 0:
            near = nearest_ids(nodes, node_id)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            raise UnknownId(f"no {role} {node_id!r}{hint}; search with: graphrec find {shlex.quote(node_id)}")
        return position


def _unsure(sentences: Sentences, listed: _Listed, trusted: NDArray[np.float64], kept: int, least: float) -> str:
    """Why a list is shorter than it could be: too little evidence."""
    gone = listed.length - kept
    key = "none sure" if not kept else "one unsure" if gone == 1 else "some unsure"
    best = float(trusted[listed.product(kept)])
    return sentences.say(key, n=str(gone), least=f"{least:g}", best=f"{best:.2f}")


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
