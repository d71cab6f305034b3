"""A bitset of the products that each node leads to: a word for every 64 products of every node.

Shapes: bitset (num_words, num_nodes); `before` holds for every product the nodes that lead to it.
"""

import numba
import numpy as np

#: Products that one word of the bitset tells apart.
WORD = 64
#: Every six bits in a row of this number are different, so that they tell the place of a single bit multiplied with it.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACE_OF_BIT = np.zeros(WORD, np.int64)
_PLACE_OF_BIT[[(0x03F79D71B4CB0A89 << place) % 2**64 >> 58 for place in range(WORD)]] = np.arange(WORD)


@numba.njit(cache=True)
def set_bits(bitset, products, before):  # type: ignore[no-untyped-def]
    """Set the bit of every product at the nodes before it."""
    for c in range(len(products)):
        word, bit, i = bitset[c // WORD], np.uint64(1) << np.uint64(c % WORD), products[c]
        for q in range(before.indptr[i], before.indptr[i + 1]):
            word[before.indices[q]] |= bit


@numba.njit(cache=True)
def clear(bitset, products, before):  # type: ignore[no-untyped-def]
    """Clear all bits: one after another where they are few, else the whole array at once."""
    count = 0
    for i in products:
        count += before.indptr[i + 1] - before.indptr[i]
    if count > bitset.shape[1] // 8:
        bitset[:] = 0
        return
    for c in range(len(products)):
        for q in range(before.indptr[products[c]], before.indptr[products[c] + 1]):
            bitset[c // WORD, before.indices[q]] = 0


@numba.njit(cache=True)
def arrive(bitset, node, flow, ends, raw):  # type: ignore[no-untyped-def]
    """Add the flow that goes on from a node to the products behind it; `ends` holds the power of each product."""
    for w in range(len(bitset)):
        word = bitset[w, node]
        while word != np.uint64(0):
            lowest = word & (~word + np.uint64(1))
            c = w * WORD + _PLACE_OF_BIT[(lowest * _DE_BRUIJN) >> np.uint64(58)]
            raw[c] += flow * ends[c]
            word ^= lowest
