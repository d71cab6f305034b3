"""What is hidden to see how new products and new customers fare, and who is asked for what then.

A tenth of the products is new at validation, another tenth at test: nothing of what anybody did with them is to be
seen. What users took of all other products is hidden by tenths as well, so that new ones have to stand among known
ones. There a tenth of what users took of a new product counts, as of a known one: with all of it a new product would be
ten times as wanted as any other, and a model of new ones alone would win. New customers are hidden with all they did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Adjacency, Graph, codes_of, from_codes
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.training.split import Codes, Split, distinct
from graphrec.training.validation import MAX_USERS, SCORES_AT_LEAST, Validation, rows_of

PART = 0.1
"""Share of the products or customers, and of what users took of other products, in validation and again in test."""
KNOWN, VALID, TEST = 0, 1, 2

Side = Literal["items", "users"]
Name = Literal["new", "all"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Question:
    """Who has to find what, and what is no candidate.

    Shapes: users (num_users,) ascending and a row of `relevant` for each; `held`: a row for every user there is;
    candidates (num_products,).
    """

    users: NDArray[np.int32]
    relevant: Adjacency
    held: Adjacency
    candidates: Mask

    def only(self, products: Mask) -> "Question":
        """The same lists, evaluated on some of the products alone, for users who have any of them to find."""
        rows = np.repeat(np.arange(len(self.users)), self.relevant.degrees())
        kept = products[self.relevant.indices]
        codes = rows[kept] * len(products) + self.relevant.indices[kept]
        relevant = from_codes(codes.astype(np.int64), len(self.users), len(products))
        found = np.flatnonzero(relevant.degrees())
        return Question(self.users[found], rows_of(relevant, found), self.held, self.candidates)

    def validation(self, seed: int) -> Validation:
        """A sample of the users, to choose on."""
        rows = np.arange(len(self.users))
        most = max(MAX_USERS, SCORES_AT_LEAST // len(self.candidates))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
        users = self.users[rows]
        held, num_products = rows_of(self.held, users), len(self.candidates)
        return _Among(users, rows_of(self.relevant, rows), held, num_products, self.candidates)


@dataclass(frozen=True, eq=False)
class ColdSplit:
    """The split that hides what is new, and what it leaves.

    Shapes: groups (num_products or num_users,): KNOWN, VALID or TEST; taken (n,): codes of all relevant pairs.
    """

    side: Side
    split: Split
    groups: NDArray[np.int8]
    taken: Codes

    def question(self, part: int, graph: Graph, name: Name = "all") -> Question:
        """What is asked at validation or at test; new products are looked for by users who hold something.

        Args:
            graph: what the evaluated model was fitted on.
            name: `all`, or `new`: new products are the candidates, and all that users took of them is asked for.
        """
        num_users, num_products = self.split.num_users, self.split.num_products
        hidden = self.split.valid if part == VALID else self.split.test
        candidates = np.ones(num_products, np.bool_)
        asked, held = hidden, graph.held()
        if self.side == "items":
            owners = self.groups[self.taken % num_products]
            # A product that is new only later is not there yet.
            candidates = self.groups == part if name == "new" else self.groups <= part
            later = self.split.test if part == VALID else self.taken[:0]
            left = self.taken[(owners <= part) & ~np.isin(self.taken, hidden) & ~np.isin(self.taken, later)]
            asked = self.taken[owners == part] if name == "new" else hidden
            held = held if name == "new" else from_codes(left, num_users, num_products)
            asked = asked[graph.held().degrees()[asked // num_products] > 0]
        users = distinct(asked // num_products)
        relevant = rows_of(from_codes(asked, num_users, num_products), users)
        return Question(users.astype(np.int32), relevant, held, candidates)


@dataclass(frozen=True, eq=False)
class _Among(Validation):
    """Validation users who choose among candidates (num_products,)."""

    candidates: Mask

    def masked(self, scores: NDArray[np.float32], rows: slice) -> NDArray[np.float32]:
        """The scores of candidates; -inf for all others."""
        scores = super().masked(scores, rows)
        scores[:, ~self.candidates] = -np.inf
        return scores


def cold_split(snapshot: Snapshot, side: Side, seed: int) -> ColdSplit:
    """The split that hides what is new and, beside new products, tenths of what users took of the known ones.

    Raises:
        ModelError: fewer than ten products (users) have an interaction.
    """
    roles = snapshot.schema.roles
    num_users, num_products = snapshot.count(roles.user), snapshot.count(roles.product)
    taken = _codes(snapshot, roles.relevant, num_products)
    every = _codes(snapshot, roles.interactions, num_products)

    def owners(codes: Codes) -> Codes:
        return codes % num_products if side == "items" else codes // num_products

    able = distinct(owners(taken))
    part = int(len(able) * PART)
    if not part:
        raise ModelError(f"{len(able)} {side} have an interaction: too few to hold out a tenth of them twice")
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(able)
    groups = np.zeros(num_products if side == "items" else num_users, np.int8)
    groups[drawn[:part]], groups[drawn[part : 2 * part]] = VALID, TEST
    group = groups[owners(every)]
    hidden = group if side == "users" else rng.choice(3, len(every), p=(1 - 2 * PART, PART, PART))
    is_taken = np.isin(every, taken)
    valid, test = (every[is_taken & (hidden == part) & (group <= part)] for part in (VALID, TEST))
    listed = every[(hidden == VALID) | (group == VALID)], every[(hidden == TEST) | (group == TEST)]
    split = Split("cold", num_users, num_products, valid=valid, test=test, listed=listed)
    return ColdSplit(side, split, groups, taken)


def _codes(snapshot: Snapshot, names: Sequence[str], num_products: int) -> Codes:
    """The distinct pairs of some edge types."""
    codes = [codes_of(snapshot.edges(name), num_products) for name in names]
    return distinct(np.concatenate([np.zeros(0, np.int64), *codes]))
