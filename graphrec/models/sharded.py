"""Sums over customers of what they hold together, in shards of customers that are added in their order.

    left^T right = sum over shards s of left[s]^T right[s],  SHARD customers in each but the last

Float sums depend on the order in which they are added. Here shards and their order depend on the number of customers
alone, so that the bytes are the same where this process multiplies and where others do (handed_out.py).
"""

from typing import TYPE_CHECKING

from graphrec.models.handed_out import others

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

SHARD = 65_536
"""Customers of a shard: with a hundred holdings each, seconds of work for some 80 MB that are sent."""
MOST_PRODUCTS = 12_000
"""Products up to which all sums are held at once."""


def is_sharded(num_users: int, num_products: int) -> bool:
    """Whether sums over so many customers are made in several shards, whoever makes them."""
    return num_users > SHARD and num_products <= MOST_PRODUCTS


def crossed(left: "csr_array", right: "csr_array") -> "csc_array":
    """left^T right of two matrices with a row for every customer (num_left, num_right)."""
    num_users = len(left.indptr) - 1
    if num_users <= SHARD:
        return product(left, right)
    shards = ((left[start : start + SHARD], right[start : start + SHARD]) for start in range(0, num_users, SHARD))
    to = others()
    parts = to.products(shards) if to is not None else (product(*shard) for shard in shards)
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def product(left: "csr_array", right: "csr_array") -> "csc_array":
    """left^T right of one shard."""
    return left.T @ right
