"""The answers of many users: what the engine says to each of them, to the bit, with the arithmetic compiled.

A block of users is scored at once, and the ledgers of a block are made at once; the engine then orders reasons and
writes sentences as it does for one user.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.folders.strings import ABSENT
from graphrec.serving.answer import Answer, ListOptions
from graphrec.serving.engine import LIST, Engine, Listed, Scored
from graphrec.terms import compiled

#: Scores held at once per array (32 MB in float64), and at most how many users.
BLOCK_SCORES, BLOCK_USERS = 4_000_000, 128
#: The compiled loops share threads of their own and take one block at a time.
_ONE_BLOCK = Lock()


def recommend_many(
    engine: Engine,
    users: Sequence[int],
    k: int,
    options: ListOptions = LIST,
    *,
    answered: Callable[[Engine, Scored], Answer] | None = None,
) -> Iterator[Answer]:
    """`engine.recommend(id, k, options)` for each of these users, in their order.

    Args:
        users: positions in the snapshot.
        answered: makes the list of a user from what it is made of; None: as `recommend` does.
    """

    def make(own: Engine, scored: list[Scored]) -> list[Answer]:
        if answered is not None:
            return [answered(own, one) for one in scored]
        return own.answers(own.lists(scored, k, options), k, options)

    step = max(1, min(BLOCK_USERS, BLOCK_SCORES // max(len(engine.products), 1)))
    for start in range(0, len(users), step):
        block = [int(user) for user in users[start : start + step]]
        places = [engine.positions.in_model(engine.roles.user, user) for user in block]
        own = {user for user in block if engine.owns and engine.users.ids[user] in engine.owns}
        alike = [place for user, place in zip(block, places, strict=True) if user not in own]
        known = [place for place in dict.fromkeys(alike) if place != ABSENT and engine.has_evidence(place)]
        made = make(engine, scored_block(engine, np.array(known, np.int32), k))
        ready = dict(zip(known, made, strict=True))
        for user, place in zip(block, places, strict=True):
            if user in own:
                apart = engine.of_customer(engine.users.ids[user])
                known_at_all = place != ABSENT and apart.has_evidence(place)
                yield make(apart, [apart.scored(place, k)])[0] if known_at_all else apart.nothing(user, options)
            elif place in ready:
                yield ready[place]
            else:
                yield engine.nothing(user, options)


def listed_many(
    engine: Engine, users: Sequence[int], k: int, options: ListOptions = LIST, *, reasons: bool = True
) -> Iterator[Listed]:
    """`engine.listed` of each of these users, in their order: what `recommend` gives before it is put into words.

    Args:
        users: positions in the model, of people about whom there is something to say.
        reasons: whether reasons are made: without them it is quicker.
    """
    places: list[tuple[int, ...]] = []

    def noted(found: tuple[int, ...]) -> tuple[int, ...]:
        places.append(found)
        return ()

    step = max(1, min(BLOCK_USERS, BLOCK_SCORES // max(len(engine.products), 1)))
    for start in range(0, len(users), step):
        scored = scored_block(engine, np.array(users[start : start + step], np.int32), k)
        if reasons:
            yield from engine.lists(scored, k, options)
            continue
        places.clear()
        made = engine.lists(scored, k, options, chosen=noted)
        yield from (replace(one, places=found) for one, found in zip(made, list(places), strict=True))


def scored_block(engine: Engine, users: NDArray[np.int32], k: int, also: int | None = None) -> list[Scored]:
    """`engine.scored(user, k, also)` for each of these users, by position in the model.

    The caller chooses how many users fit.
    """
    if not len(users):
        return []
    blend = engine.model.blend
    with _ONE_BLOCK:
        rows, allowed = blend.rows(users), engine.allowed(users)
        wanted = engine.wanted_of(users.tolist(), rows, allowed, k, also)
        made = blend.ledgers(users, [one.asked for one in wanted], np.stack([row.scales for row in rows]))
    parts = zip(users.tolist(), rows, allowed, wanted, made, strict=True)
    if not compiled.is_there():
        return [Scored.of(*one) for one in parts]
    from graphrec.terms.compiled.spread import means

    return [Scored.of(*one, mean=means(one[-1].values, one[-2].places)) for one in parts]
