"""Which walks there are, and what fitting multiplies out."""

import numpy as np
import pytest

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Hop
from graphrec.models.walks import kernel
from graphrec.models.walks.kernel import (
    KernelConfig,
    default_powers,
    default_walks,
    fit_kernel,
    fit_walk,
    scorer_of,
    walk_scale,
)
from graphrec.terms.walks import ContentScorer, PeopleScorer, Walk, content
from tests.models.boards import random_board, schema
from tests.terms.graphs import random_graph, random_walks


def hops(text: str) -> tuple[Hop, ...]:
    return tuple(Hop.parse(word) for word in text.split())


def test_walks_start_with_a_users_edge_and_end_at_a_product() -> None:
    found = [" ".join(str(hop) for hop in walk) for walk in default_walks(schema())]
    assert found == [
        "VIEWED",
        "BOUGHT <BOUGHT BOUGHT",
        "BOUGHT <BOUGHT VIEWED",
        "BOUGHT <VIEWED BOUGHT",
        "BOUGHT <VIEWED VIEWED",
        "BOUGHT IN_SECTOR <IN_SECTOR",
        "IN_BAND <IN_BAND BOUGHT",
        "IN_BAND <IN_BAND VIEWED",
        "VIEWED <BOUGHT BOUGHT",
        "VIEWED <BOUGHT VIEWED",
        "VIEWED <VIEWED BOUGHT",
        "VIEWED <VIEWED VIEWED",
        "VIEWED IN_SECTOR <IN_SECTOR",
    ]


def test_protected_edges_are_walked_only_when_asked() -> None:
    more = set(default_walks(schema(), protected=True)) - set(default_walks(schema()))
    assert more == {hops("HAS_SEX <HAS_SEX BOUGHT"), hops("HAS_SEX <HAS_SEX VIEWED")}


def test_the_mapping_may_name_the_walks() -> None:
    named = ("IN_BAND <IN_BAND BOUGHT", "BOUGHT")
    assert default_walks(schema(metapaths=named)) == [hops(text) for text in named]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "BOUGHT <SOLD BOUGHT",
            "metapath 'BOUGHT <SOLD BOUGHT': there is no edge type 'SOLD'; want up to 3 steps from User to Product; "
            "correct [roles] metapaths",
        ),
        (
            "BOUGHT BOUGHT",
            "metapath 'BOUGHT BOUGHT': step BOUGHT starts at User, not at Product; want up to 3 steps from User to "
            "Product; correct [roles] metapaths",
        ),
        (
            "BOUGHT <BOUGHT",
            "metapath 'BOUGHT <BOUGHT': 2 steps end at User; want up to 3 steps from User to Product; correct [roles] "
            "metapaths",
        ),
        (
            "BOUGHT <BOUGHT BOUGHT <BOUGHT BOUGHT",
            "metapath 'BOUGHT <BOUGHT BOUGHT <BOUGHT BOUGHT': 5 steps end at Product; want up to 3 steps from User to "
            "Product; correct [roles] metapaths",
        ),
    ],
)
def test_a_wrong_metapath_is_named(text: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        default_walks(schema(metapaths=(text,)))
    assert str(caught.value) == message


def test_default_powers_depend_on_who_is_in_the_middle() -> None:
    assert default_powers(schema(), hops("BOUGHT <VIEWED BOUGHT")) == (0.7, 0.6, 0.3)
    assert default_powers(schema(), hops("BOUGHT IN_SECTOR <IN_SECTOR")) == (0.5, 0.5, 0.3)
    assert default_powers(schema(), hops("IN_BAND <IN_BAND BOUGHT")) == (0.7, 0.6, 0.3)
    assert default_powers(schema(), hops("VIEWED")) == (0.3,)


@pytest.mark.parametrize("seed", range(4))
def test_tables_and_diagonals_equal_the_definition(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = random_graph(seed)
    for walk in random_walks(seed):
        plain = scorer_of(graph, walk)
        if not isinstance(plain, ContentScorer):
            continue
        monkeypatch.setattr(kernel, "TABLE_ENTRIES", 4_000_000)
        with_table = fit_walk(graph, walk)
        monkeypatch.setattr(kernel, "TABLE_ENTRIES", 0)
        without = fit_walk(graph, walk)
        assert isinstance(with_table, ContentScorer)
        assert isinstance(without, ContentScorer)
        assert (with_table.table is None) == (len(walk.hops) == 1)
        assert without.table is None
        for user in range(graph.num_users):
            np.testing.assert_allclose(with_table.scores(user), plain.scores(user), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(without.scores(user), plain.scores(user), rtol=1e-12, atol=1e-14)
        if plain.closes and with_table.table is not None:
            np.testing.assert_allclose(plain.diagonal, np.diagonal(with_table.table), rtol=1e-12)
            monkeypatch.setattr(content, "PRODUCTS_AT_ONCE", 3)
            np.testing.assert_array_equal(ContentScorer(graph, walk).diagonal, plain.diagonal)


def test_walks_that_differ_in_their_first_hop_and_last_power_share_a_table() -> None:
    graph = random_graph(3, users=30)
    walks = [
        Walk(hops("BOUGHT <BOUGHT BOUGHT"), (0.7, 0.6, 0.3)),
        Walk(hops("VIEWED <BOUGHT BOUGHT"), (0.5, 0.6, 0.9), 0.5),
        Walk(hops("BOUGHT <BOUGHT BOUGHT"), (0.7, 0.5, 0.3)),
    ]
    tables = [scorer.table for scorer in fit_kernel(graph, walks).scorers if isinstance(scorer, PeopleScorer)]
    assert tables[0] is tables[1]
    assert tables[2] is not tables[0]


def test_betas_are_in_units_of_the_mean_spread() -> None:
    graph = random_board(2)
    walks = [Walk(hops("BOUGHT <BOUGHT BOUGHT"), (0.7, 0.6, 0.3), 1.0), Walk(hops("VIEWED"), (0.3,), 3.0)]
    term = fit_kernel(graph, walks, KernelConfig(sample=10_000))
    for scorer, walk in zip(term.scorers, walks, strict=True):
        users = np.flatnonzero(scorer.first.degrees()).astype(np.int32)
        spreads = [fit_walk(graph, walk).scores(int(user)).std() for user in users]
        positive = [spread for spread in spreads if spread > 0]
        assert scorer.walk.beta == pytest.approx(walk.beta / np.mean(positive), rel=1e-5)
        assert walk_scale(scorer, users) == pytest.approx(np.mean(positive), rel=1e-5)


def test_a_walk_without_any_score_drops_out() -> None:
    graph = random_board(2)
    empty = graph.hops[Hop("IN_BAND")]
    hidden = type(empty)(np.zeros_like(empty.indptr), empty.indices[:0])
    without = type(graph)(
        graph.schema, graph.counts, {**graph.hops, Hop("IN_BAND"): hidden, Hop("IN_BAND", True): hidden.transposed(4)}
    )
    walks = [Walk(hops("IN_BAND <IN_BAND BOUGHT"), (0.5, 0.5, 0.3)), Walk(hops("VIEWED"), (0.3,))]
    assert [str(scorer.walk) for scorer in fit_kernel(without, walks).scorers] == ["VIEWED"]
