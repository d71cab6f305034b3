"""What one other person does must not show in a list."""

import numpy as np

from tests.privacy.moved import BOUGHT, PAIRS, SHARED, bank, moved


def test_a_shares_products_with_b_alone_and_nothing_with_c() -> None:
    graph, pairs = bank(3)
    bought, holders = graph.hops[BOUGHT], graph.hops[BOUGHT.back()]
    assert len(pairs) == PAIRS
    for pair in pairs:
        both = np.intersect1d(bought.row(pair.a), bought.row(pair.b))
        assert [holders.row(int(product)).tolist() for product in both] == [[pair.a, pair.b]] * SHARED
        assert not np.isin(bought.row(pair.c), bought.row(pair.a)).any()
        assert pair.moved in bought.row(pair.b)
        assert pair.moved not in bought.row(pair.a)
        assert len(bought.row(pair.b)) == len(bought.row(pair.c))
    other = moved(graph, pairs[:1]).hops[BOUGHT.back()]
    product = pairs[0].moved
    assert len(other.row(product)) == len(holders.row(product))
    assert pairs[0].c in other.row(product)
    assert pairs[0].b not in other.row(product)
