"""Partitions of products, and the pieces of the mechanism that can be checked by hand."""

import numpy as np
import pytest

from graphrec.demo.draw.groups import draw_labels, group, separated


def test_members_of_a_partition() -> None:
    groups = group(np.array([1, 0, 1, 2, 0]))
    assert groups.members.tolist() == [1, 4, 0, 2, 3]
    assert groups.start.tolist() == [0, 2, 4, 5]
    assert groups.place.tolist() == [0, 0, 1, 0, 1]


def test_another_member_is_never_the_product_itself_and_all_are_as_likely() -> None:
    groups = group(np.array([0, 0, 0, 0, 1]))
    drawn = groups.another(np.zeros(9_000, dtype=np.int64), np.random.default_rng(1))
    share = np.bincount(drawn, minlength=5) / len(drawn)
    assert share[[0, 4]].tolist() == [0, 0]
    assert share[1:4] == pytest.approx([1 / 3] * 3, abs=0.02)


def test_a_product_alone_finds_itself() -> None:
    groups = group(np.array([0, 1, 2]))
    assert groups.another(np.array([0, 1, 2]), np.random.default_rng(1)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("count", "low", "high"), [(150, 4, 6), (150, 5, 5), (45, 3, 3), (20, 4, 6), (10_000, 8, 12)])
def test_labels_fill_groups_of_the_wanted_sizes(count: int, low: int, high: int) -> None:
    labels = draw_labels(count, low, high, np.random.default_rng(3))
    sizes = np.bincount(labels)
    assert sizes.sum() == len(labels) == count
    assert sizes.min() >= low
    assert sizes.max() <= high + 1


def test_separated_takes_pairs_asunder() -> None:
    rng = np.random.default_rng(5)
    one, two = draw_labels(150, 5, 5, rng), draw_labels(150, 5, 5, rng)
    pairs = len(set(zip(one.tolist(), two.tolist(), strict=True)))
    moved = separated(two, [one], rng)
    assert pairs < 150
    assert len(set(zip(one.tolist(), moved.tolist(), strict=True))) == 150
    assert np.bincount(moved).tolist() == np.bincount(two).tolist()
