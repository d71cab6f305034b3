"""Sums over customers of what they hold together, in shards of customers that are added in their order.

    left^T right = sum over shards s of left[s]^T right[s],  SHARD customers in each but the last

Float sums depend on the order in which they are added. Here shards and their order depend on the number of customers
alone, so that the bytes are the same whoever multiplies: this process, or others that `multiplying_with` names.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

SHARD = 65_536
"""Customers of a shard: with a hundred holdings each, seconds of work for some 80 MB that are sent."""
MOST_PRODUCTS = 12_000
"""Products up to which all sums are held at once."""


class Multiplier(Protocol):
    """Other processes that multiply."""

    def products(self, shards: "Iterable[tuple[csr_array, csr_array]]") -> "Iterator[csc_array]":
        """`product` of each shard, in their order."""
        ...


_others: ContextVar[Multiplier | None] = ContextVar("multiplier", default=None)


@contextmanager
def multiplying_with(others: Multiplier) -> Iterator[None]:
    """Let other processes make the products of shards meanwhile."""
    token = _others.set(others)
    try:
        yield
    finally:
        _others.reset(token)


def is_sharded(num_users: int, num_products: int) -> bool:
    """Whether sums over so many customers are made in several shards, whoever makes them."""
    return num_users > SHARD and num_products <= MOST_PRODUCTS


def crossed(left: "csr_array", right: "csr_array") -> "csc_array":
    """left^T right of two matrices with a row for every customer (num_left, num_right)."""
    num_users = len(left.indptr) - 1
    if num_users <= SHARD:
        return product(left, right)
    shards = ((left[start : start + SHARD], right[start : start + SHARD]) for start in range(0, num_users, SHARD))
    others = _others.get()
    parts = others.products(shards) if others is not None else (product(*shard) for shard in shards)
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def product(left: "csr_array", right: "csr_array") -> "csc_array":
    """left^T right of one shard."""
    return left.T @ right
