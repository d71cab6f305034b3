"""The answers of many users: what the engine says to each of them, to the bit, with the arithmetic compiled.

A block of users is scored at once, and the ledgers of a block are made at once; the engine then ranks, orders reasons
and writes sentences as it does for one user.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.serving.answer import Answer
from graphrec.serving.eligible import Eligibility
from graphrec.serving.engine import Engine
from graphrec.terms.blend import Blend, Row
from graphrec.terms.ledger import Ledger

#: Scores held at once per array (32 MB in float64), and at most how many users.
BLOCK_SCORES, BLOCK_USERS = 4_000_000, 512


def recommend_many(engine: Engine, users: Sequence[int], k: int, **options: Any) -> Iterator[Answer]:
    """`engine.recommend(id, k, **options)` for each of these users (by position), in their order."""
    blocks = _BlockEngine(engine)
    step = max(1, min(BLOCK_USERS, BLOCK_SCORES // max(len(engine.products), 1)))
    for start in range(0, len(users), step):
        block = np.asarray(users[start : start + step], np.int32)
        blocks.prepare(block, k)
        for user in block:
            yield blocks.recommend(engine.users.ids[int(user)], k, **options)


class _PreparedBlend(Blend):
    """A blend that holds the rows and ledgers of a block of users."""

    def __init__(self, blend: Blend) -> None:
        super().__init__(blend.terms, blend.weights)
        self.ready_rows: dict[int, Row] = {}
        self.ready_ledgers: dict[int, Ledger] = {}

    def row(self, user: int) -> Row:
        return self.ready_rows[user]

    def ledger(self, user: int, products: NDArray[np.int32], scales: NDArray[np.float64]) -> Ledger:  # noqa: ARG002
        return self.ready_ledgers[user]


class _PreparedEligibility(Eligibility):
    """An eligibility that holds the masks of a block of users."""

    def __init__(self, eligibility: Eligibility) -> None:
        self.__dict__.update(eligibility.__dict__)
        self.ready_masks: dict[int, NDArray[np.bool_]] = {}

    def mask(self, user: int) -> NDArray[np.bool_]:
        return self.ready_masks[user]


class _BlockEngine(Engine):
    """An engine that has computed what a block of users needs before it is asked."""

    def __init__(self, engine: Engine) -> None:
        self.__dict__.update(engine.__dict__)
        self.blend = _PreparedBlend(engine.model.blend)
        self.masks = _PreparedEligibility(engine.eligibility)
        self.eligibility = self.masks
        self.model = replace(engine.model, blend=self.blend)
        self.chosen: dict[int, NDArray[np.int32]] = {}

    def prepare(self, users: NDArray[np.int32], k: int) -> None:
        """Score these users, choose their candidates and take those apart."""
        rows = self.blend.rows(users)
        keys = users.tolist()
        self.masks.ready_masks = dict(zip(keys, self.eligibility.masks(users), strict=True))
        self.blend.ready_rows = dict(zip(keys, rows, strict=True))
        candidates = [super(_BlockEngine, self).candidates(row, user, k) for row, user in zip(rows, keys, strict=True)]
        self.chosen = dict(zip(keys, candidates, strict=True))
        made = self.blend.ledgers(users, candidates, np.stack([row.scales for row in rows]))
        self.blend.ready_ledgers = dict(zip(keys, made, strict=True))

    def candidates(self, row: Row, user: int, k: int) -> NDArray[np.int32]:  # noqa: ARG002
        return self.chosen[user]
