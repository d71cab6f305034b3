"""Which products a list is chosen from and which ones shares are compared with, for many users, compiled.

The choices are those of `graphrec.serving.engine.Engine.candidates` and `reference`.
"""

import numba
import numpy as np
from numpy.typing import NDArray

#: How many more numbers than wanted are looked at, in roots of the wanted: fewer than wanted are hardly ever left.
_MARGIN = 6.0


def best_of(scores: NDArray[np.float64], allowed: NDArray[np.bool_], count: int) -> NDArray[np.int32]:
    """The places of the `count` best scores that are allowed, ascending; of equal ones the first are in."""
    found = np.empty(count, np.int32)
    return found[: _best_of(scores, allowed, np.empty(count), found)]


def drawn_of(allowed: NDArray[np.bool_], seed: int, count: int) -> NDArray[np.int32]:
    """The places that are allowed, ascending; where they are more than `count`, those of the smallest mixed numbers."""
    found: NDArray[np.int32] = _drawn_of(allowed, np.uint64(seed), count)
    return found


def joined_of(
    candidates: NDArray[np.int32], reference: NDArray[np.int32], num_products: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Both, each product once, the first ones first; and where those of `reference` stand among them."""
    asked, places = _joined_of(candidates, reference, num_products)
    return asked, places


@numba.njit(cache=True)
def _best_of(scores, allowed, kept, found):  # type: ignore[no-untyped-def]
    filled = 0
    for i in range(len(scores)):
        if not allowed[i] or (filled == len(kept) and not scores[i] > kept[filled - 1]):
            continue
        # Best first; of equal scores the first place is ahead.
        at = filled if filled < len(kept) else filled - 1
        while at and kept[at - 1] < scores[i]:
            kept[at], found[at] = kept[at - 1], found[at - 1]
            at -= 1
        kept[at], found[at] = scores[i], i
        filled = min(filled + 1, len(kept))
    found[:filled] = np.sort(found[:filled])
    return filled


@numba.njit(cache=True)
def _mixed(number):  # type: ignore[no-untyped-def]
    """As `graphrec.serving.engine.mixed`."""
    mixed = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@numba.njit(cache=True)
def _drawn_of(allowed, seed, count):  # type: ignore[no-untyped-def]
    places, numbers = np.empty(len(allowed), np.int32), np.empty(len(allowed), np.uint64)
    size = 0
    for i in range(len(allowed)):
        if allowed[i]:
            places[size], numbers[size] = i, _mixed(np.uint64(i) + seed)
            size += 1
    if size <= count:
        return places[:size].copy()
    # Mixed numbers lie evenly: the smallest ones are below about this one.
    part = min(1.0, (count + _MARGIN * np.sqrt(count)) / size)
    bound = np.uint64(part * 9223372036854775807.0) * np.uint64(2)
    below = numbers[:size][numbers[:size] < bound]
    if len(below) < count:
        below = numbers[:size]
    last = np.partition(below, count - 1)[count - 1]
    found, at = np.empty(count, np.int32), 0
    for n in range(size):
        if numbers[n] <= last:
            found[at] = places[n]
            at += 1
    return found


@numba.njit(cache=True)
def _joined_of(candidates, reference, num_products):  # type: ignore[no-untyped-def]
    at = np.full(num_products, -1, np.int64)
    asked, places = np.empty(len(candidates) + len(reference), np.int32), np.empty(len(reference), np.int64)
    size = 0
    for product in candidates:
        at[product], asked[size] = size, product
        size += 1
    for n in range(len(reference)):
        product = reference[n]
        if at[product] < 0:
            at[product], asked[size] = size, product
            size += 1
        places[n] = at[product]
    return asked[:size].copy(), places
