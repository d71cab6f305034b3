"""Lists in which places are drawn, with the probability of every product at its place.

A share of lists is drawn in one of two ways, from products that the policy allows alone.

swap: one place of the k and one product of the best N = k + pool are drawn evenly. The product comes to that place, and
where it stood elsewhere in the list, the two change places. A product of another place of the list comes to a place
with probability 2 / (k N), one from behind the list with 1 / (k N), and the product of the place itself stays with what
is left.

even: all k places are drawn evenly from all E products that the policy allows and the model has a score for, each
product with probability 1 / E at each place: a control that knows nothing of the customer.

A draw is a hash of its seed, which the record keeps with the options of the list, and of the customer.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.folders.strings import ABSENT
from graphrec.serving.answer import Answer, Draw, Drawn, Item, ListOptions
from graphrec.serving.engine import LIST, Engine, Scored, Wanted, mixed


@dataclass(frozen=True)
class Swap:
    """One draw in a list: a place, and which of the best products comes there, both from 0."""

    place: int
    product: int

    def order(self, k: int) -> list[int]:
        """Which of the best stands at each place of a list of k."""
        order = list(range(k))
        if self.product < k:
            order[self.product] = self.place
        order[self.place] = self.product
        return order

    def ranks(self, k: int) -> tuple[int, ...]:
        """The places that the draw decided, from 1."""
        moved = {self.place, self.product} if self.product < k else {self.place}
        return tuple(sorted(place + 1 for place in moved))


def swap_propensity(product: int, place: int, k: int, count: int) -> float:
    """The probability with which a swap shows a product at a place.

    Args:
        product: its position among the best `count` by score, from 0.
        place: in a list of k, from 0.

    >>> [round(swap_propensity(product, 0, 2, 4), 3) for product in range(4)]
    [0.5, 0.25, 0.125, 0.125]
    """
    if product >= k:
        return 1 / (k * count)
    if product != place:
        return 2 / (k * count)
    return 1 - (2 * (k - 1) + count - k) / (k * count)


def seed_of(secret: bytes, name: str, date: str | None) -> str:
    """The seed of the draws of a day, 32 hexadecimal digits: nobody without the secret of the home can tell it.

    >>> seed_of(b"key", "explore", "2026-01-02") == seed_of(b"key", "explore", "2026-01-03")
    False
    """
    return hashlib.blake2b(f"{name}\n{date}".encode(), key=secret[:64], digest_size=16).hexdigest()


def drawn_list(engine: Engine, user_id: str, k: int, options: ListOptions = LIST) -> Answer:
    """The list of a user, with the draw that the options ask for.

    Raises:
        UnknownId: there is no such user.
    """
    draw = options.draw
    if draw is None or not draw.chooses(user_id):
        return engine.recommend(user_id, k, options)
    engine = engine.of_customer(user_id)
    here = engine.users.ids.find(user_id)
    user = ABSENT if here < 0 else engine.positions.in_model(engine.roles.user, here)
    if user == ABSENT or not engine.has_evidence(user):
        return engine.recommend(user_id, k, options)
    if draw.way == "even":
        return _even(engine, user, k, options, draw)
    return _swapped(engine, engine.scored(user, k + draw.pool), k, options, draw)


def drawn_lists(engine: Engine, users: Sequence[int], k: int, options: ListOptions = LIST) -> Iterator[Answer]:
    """`drawn_list` of many users, in their order.

    Args:
        users: positions in the snapshot.
    """
    from graphrec.serving.lists import recommend_many

    draw, ids = options.draw, engine.users.ids
    if draw is None:
        yield from recommend_many(engine, users, k, options)
        return
    chosen = [draw.chooses(ids[user]) for user in users]
    others = [user for user, is_drawn in zip(users, chosen, strict=True) if not is_drawn]
    drawn = [user for user, is_drawn in zip(users, chosen, strict=True) if is_drawn]
    plain = recommend_many(engine, others, k, options)
    if draw.way == "swap":
        made = recommend_many(
            engine, drawn, k + draw.pool, options, answered=lambda own, one: _swapped(own, one, k, options, draw)
        )
    else:
        made = (drawn_list(engine, ids[user], k, options) for user in drawn)
    for is_drawn in chosen:
        yield next(made) if is_drawn else next(plain)


@dataclass
class _Choice:
    """Chooses the places of a list of k from those of a longer one; only what it chooses needs reasons."""

    k: int
    numbers: tuple[int, int, int]
    places: tuple[int, ...] = ()
    """Of the longer one."""
    swap: Swap | None = None
    """None: nothing stands behind the list."""

    def __call__(self, places: tuple[int, ...]) -> tuple[int, ...]:
        if len(places) <= self.k:
            return places
        self.places = places
        self.swap = Swap(self.numbers[1] % self.k, self.numbers[2] % len(places))
        return tuple(places[best] for best in self.swap.order(self.k))


def _swapped(engine: Engine, scored: Scored, k: int, options: ListOptions, draw: Draw) -> Answer:
    """A list of k with one place drawn; where nothing stands behind it, it is as the scores say."""
    user_id = engine.users.ids[engine.positions.in_snapshot(engine.roles.user, scored.user)]
    choice = _Choice(k, draw.numbers(user_id))
    listed = engine.listed(scored, k + draw.pool, options, chosen=choice)
    if choice.swap is None:
        return engine.answer(engine.listed(scored, k, options), k, options)
    answer = engine.answer(replace(listed, length=k), k, options)
    order, ranks, count = choice.swap.order(k), choice.swap.ranks(k), len(choice.places)
    chances = tuple(swap_propensity(best, place, k, count) for place, best in enumerate(order))
    among = tuple(_product(engine, listed.product(place)) for place in choice.places)
    text = _said(engine, options, "notes.drawn_place", ", ".join(map(str, ranks)))
    return replace(answer, items=_ranked(answer.items), drawn=Drawn("swap", ranks, chances, count, among, text))


def _even(engine: Engine, user: int, k: int, options: ListOptions, draw: Draw) -> Answer:
    """A list of k that are drawn evenly from what the policy allows; where there are no more than k, it is not.

    Args:
        user: position in the model.
    """
    user_id = engine.users.ids[engine.positions.in_snapshot(engine.roles.user, user)]
    row = engine.model.blend.row(user)
    allowed = engine.allowed(np.array([user]))[0]
    left = np.flatnonzero(allowed & (row.scores > 0))
    if len(left) <= k:
        return engine.recommend(user_id, k, options)
    chosen = _drawn_evenly(left, k, draw.numbers(user_id)[1])
    wanted = Wanted(np.sort(chosen), k, engine.reference(user, allowed))
    scored = Scored.of(user, row, allowed, wanted, engine.model.blend.ledger(user, wanted.asked, row.scales))
    answer = engine.answer(engine.listed(scored, k, replace(options, min_confidence=0.0)), k, options)
    names = [_product(engine, int(one)) for one in chosen]
    items = _ranked(sorted(answer.items, key=lambda item: names.index(item.product)))
    chances, ranks = (1 / len(left),) * len(items), tuple(range(1, len(items) + 1))
    text = _said(engine, options, "notes.drawn_list")
    return replace(answer, items=items, drawn=Drawn("even", ranks, chances, len(left), (), text))


def _product(engine: Engine, position: int) -> str:
    """The id of a product by its position in the model."""
    return engine.products.ids[engine.positions.in_snapshot(engine.roles.product, position)]


def _ranked(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(replace(item, rank=rank) for rank, item in enumerate(items, start=1))


def _drawn_evenly(products: NDArray[np.int64], k: int, seed: int) -> NDArray[np.int32]:
    order = np.argsort(mixed(products.astype(np.uint64) + np.uint64(seed)), kind="stable")
    return products[order[:k]].astype(np.int32)


def _said(engine: Engine, options: ListOptions, key: str, rank: str = "") -> str:
    return engine.reasons_in(options.language, options.voice).sentences.say(key, rank=rank)
