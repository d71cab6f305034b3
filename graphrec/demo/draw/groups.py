"""Groups of products: products that share a sector, an issuer, a theme or their holders."""

from dataclasses import dataclass

import numpy as np

from graphrec.demo.sizes import Flags, Ints


@dataclass(frozen=True)
class Groups:
    """A partition of products: the group of each, and the members of each group one after the other."""

    of: Ints
    members: Ints
    start: Ints
    place: Ints

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.start) - 1

    def another(self, products: Ints, rng: np.random.Generator) -> Ints:
        """For each product another member of its group, all equally likely."""
        group = self.of[products]
        size = self.start[group + 1] - self.start[group]
        step = 1 + np.floor(rng.random(len(products)) * (size - 1)).astype(np.int64)
        return self.members[self.start[group] + (self.place[products] + step) % size]


def group(labels: Ints) -> Groups:
    """The partition that equal labels make; labels are 0 … groups - 1."""
    members = np.argsort(labels, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(labels))))
    place = np.empty_like(members)
    place[members] = np.arange(len(labels)) - start[labels[members]]
    return Groups(labels, members, start, place)


def draw_labels(count: int, smallest: int, largest: int, rng: np.random.Generator) -> Ints:
    """Random labels for `count` products, in groups of `smallest` to `largest` (the last may be larger)."""
    sizes = rng.integers(smallest, largest + 1, size=count // smallest + 1)
    kept = int(np.searchsorted(np.cumsum(sizes), count, side="right"))
    labels = np.repeat(np.arange(kept), sizes[:kept])
    # What does not fill a group joins the others one by one.
    spare = count - len(labels)
    labels = np.concatenate((labels, np.arange(kept - spare, kept) % kept))
    return rng.permutation(labels)


def separated(labels: Ints, earlier: list[Ints], rng: np.random.Generator) -> Ints:
    """`labels` with some swapped, so that hardly two products in one group share an earlier group too.

    Where every shared fact stands alone, a test can say which one counted.
    """
    labels = labels.copy()
    for _ in range(200):
        clashing: Flags = np.zeros(len(labels), dtype=np.bool_)
        for other in earlier:
            pair = labels * (int(other.max()) + 1) + other
            _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
            clashing |= first[inverse] != np.arange(len(pair))
        if not clashing.any():
            break
        for product in np.flatnonzero(clashing):
            mate = rng.integers(len(labels))
            labels[[product, mate]] = labels[[mate, product]]
    return labels
