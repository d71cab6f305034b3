"""Where some products stand with many customers: the question of a list, turned round.

For every pair: the first rule that refuses it, or the rank of the product among all that the customer may be shown, its
score, and the confidence in it. Lists of customers and campaigns are made from these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.strings import ABSENT
from graphrec.policy.read import parse_policy
from graphrec.progress import Progress, silent
from graphrec.serving.confidence import confidence, total_weight
from graphrec.serving.eligible import Eligibility
from graphrec.serving.engine import Engine
from graphrec.serving.lists import BLOCK_SCORES, BLOCK_USERS

UNREFUSED = -1
#: Pairs whose rules are evaluated at once.
_BLOCK_PAIRS = 1_000_000


@dataclass(frozen=True, eq=False)
class Standings:
    """Some products with some customers; positions are those of the snapshot.

    Shapes: users (n,), products (p,), ascending; all else (n, p).
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    refused: NDArray[np.int16]
    """The place in `rules` of the first rule that refuses the pair; UNREFUSED: none does."""
    ranks: NDArray[np.int32]
    """1 is best; 0 where the pair is refused or nothing is known of the customer or the product."""
    scores: NDArray[np.float64]
    """NaN where there is no rank."""
    confidence: NDArray[np.float64]
    rules: tuple[str, ...]

    @property
    def eligible(self) -> NDArray[np.bool_]:
        """The pairs that no rule refuses."""
        found: NDArray[np.bool_] = self.refused == UNREFUSED
        return found

    def counts(self, column: int) -> dict[str, int]:
        """How many customers each rule is the first to refuse a product to."""
        places, counts = np.unique(self.refused[:, column], return_counts=True)
        return {
            self.rules[place]: int(count) for place, count in zip(places, counts, strict=True) if place != UNREFUSED
        }


def standings(
    engine: Engine, users: NDArray[np.integer], products: Sequence[int], progress: Progress = silent
) -> Standings:
    """Where products stand with customers.

    Args:
        users: positions in the snapshot.
        products: positions in the snapshot, ascending.
        progress: called after each block of users.
    """
    asked: NDArray[np.int64] = np.asarray(users, np.int64)
    wanted: NDArray[np.int64] = np.asarray(products, np.int64)
    shape = (len(asked), len(wanted))
    refused = np.full(shape, UNREFUSED, np.int16)
    step = max(1, _BLOCK_PAIRS // max(len(wanted), 1))
    for start in range(0, len(asked), step):
        refused[start : start + step] = engine.eligibility.first_rules(asked[start : start + step], wanted)
    found = Standings(
        asked, wanted, refused, np.zeros(shape, np.int32), np.full(shape, np.nan), np.zeros(shape),
        engine.eligibility.refusing,
    )  # fmt: skip
    roles, positions = engine.roles, engine.positions
    places = np.array([positions.in_model(roles.product, int(product)) for product in wanted], np.int64)
    known = places < engine.model.graph.num_products
    own = [row for row, user in enumerate(asked.tolist()) if engine.owns and engine.users.ids[user] in engine.owns]
    for row in own:
        # What events say of a customer over the facts.
        apart = engine.of_customer(engine.users.ids[int(asked[row])])
        refused[row] = apart.eligibility.first_rules(asked[[row]], wanted)[0]
        place = positions.in_model(roles.user, int(asked[row]))
        if place != ABSENT and apart.has_evidence(place):
            _fill(apart, found, np.array([row]), np.array([place], np.int32), np.flatnonzero(known), places)
    alike = np.ones(len(asked), np.bool_)
    alike[own] = False
    rows = np.flatnonzero((found.eligible & known).any(axis=1) & alike)
    in_model = np.array([positions.in_model(roles.user, int(user)) for user in asked[rows]], np.int64)
    heard = np.array([place != ABSENT and engine.has_evidence(int(place)) for place in in_model], np.bool_)
    rows = rows[heard]
    kept: NDArray[np.int32] = in_model[heard].astype(np.int32)
    size = max(1, min(BLOCK_USERS, BLOCK_SCORES // max(len(engine.products), 1)))
    for start in range(0, len(rows), size):
        progress("scoring customers", start, len(rows))
        block = slice(start, start + size)
        _fill(engine, found, rows[block], kept[block], np.flatnonzero(known), places)
    return found


def _fill(
    engine: Engine,
    found: Standings,
    rows: NDArray[np.int64],
    in_model: NDArray[np.int32],
    columns: NDArray[np.int64],
    places: NDArray[np.int64],
) -> None:
    """Put ranks, scores and confidence of a block of users into their rows."""
    scores = np.stack([row.scores for row in engine.model.blend.rows(in_model)])
    allowed = engine.allowed(in_model)
    trusted = confidence(scores, allowed, total_weight(engine.model.blend))
    order = engine.positions.products
    numbers = np.arange(scores.shape[1]) if order is None else order
    for column in columns:
        place = places[column]
        own = scores[:, place, None]
        ahead = (scores > own) | ((scores == own) & (numbers < numbers[place]))
        # As in lists: more speaks for it than against it.
        here = allowed[:, place] & (scores[:, place] > 0)
        found.ranks[rows, column] = np.where(here, 1 + (ahead & allowed).sum(axis=1), 0)
        found.scores[rows, column] = np.where(here, scores[:, place], np.nan)
        found.confidence[rows, column] = np.where(here, trusted[:, place], 0.0)


def chosen(engine: Engine, where: str | None) -> NDArray[np.int64]:
    """The customers, by position in the snapshot, who meet a condition of the policy's language on their columns.

    One for whom it cannot be told does not meet it.

    Args:
        where: such as `user.region == 'North'`; None: all.

    Raises:
        PolicyError: it does not fit the snapshot.
    """
    everybody = np.arange(len(engine.users))
    if where is None:
        return everybody
    rule = f"version = '1'\n[[rule]]\nid = 'where'\nsentence = 'where'\nrequire = {_quoted(where)}\n"
    asked = Eligibility(engine.snapshot, parse_policy(rule, "--where"), now=engine.now)
    met = asked.first_rules(everybody, np.zeros(1, np.int64))[:, 0] == UNREFUSED
    found: NDArray[np.int64] = np.flatnonzero(met)
    return found


def _quoted(text: str) -> str:
    """A text as TOML."""
    import json

    return json.dumps(text)
