"""Trend and freshness: holdings count by how lately they were taken; without times there are no such models."""

from dataclasses import replace

import numpy as np
import pytest

from graphrec.errors import NothingToLearn
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.edges.fading import DAY
from graphrec.graph.folders.snapshot import ALWAYS
from graphrec.models.general.fresh import fit_fresh
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.general.trend import DAYS, TrendConfig, fit_trend, trials
from graphrec.models.inputs import Inputs
from graphrec.models.registry import is_affordable, model
from tests.models.boards import check_contract, random_board

NOW = 20_000 * DAY
BOUGHT = Hop("BOUGHT")


def dated(graph: Graph, days: np.ndarray) -> Graph:
    """The graph with these ages of what was bought (nnz,), in days; below 0: no time."""
    newest = np.where(days < 0, ALWAYS, NOW - days * DAY)
    return replace(graph, hops={**graph.hops, BOUGHT: replace(graph.hops[BOUGHT], newest=newest)}, now=NOW)


def test_half_of_a_holding_is_left_after_each_half_life() -> None:
    graph = random_board(1)
    edges = graph.hops[BOUGHT]
    days = np.arange(len(edges.indices)) % 4 * 10 - 10
    term = fit_trend(dated(graph, days), TrendConfig(10.0))
    counted = np.array([1.0, 1.0, 0.5, 0.25])[np.arange(len(edges.indices)) % 4]
    expected = np.log1p(np.bincount(edges.indices, counted, graph.num_products))
    np.testing.assert_allclose(term.scores(0), expected, rtol=1e-6)
    np.testing.assert_array_equal(term.scores(0), term.scores(7))
    check_contract(term, graph)


def test_freshness_is_the_mean_over_holders_with_a_quarter_of_the_ages_as_half_life() -> None:
    graph = random_board(1)
    edges = graph.hops[BOUGHT]
    days = np.where(np.arange(len(edges.indices)) % 3 == 0, 10, 30)
    term = fit_fresh(dated(graph, days))
    left, whole = np.where(days == 10, 0.5, 0.125), np.bincount(edges.indices, minlength=graph.num_products)
    expected = np.bincount(edges.indices, left, graph.num_products) / whole
    np.testing.assert_allclose(term.scores(3), expected, rtol=1e-6)
    check_contract(term, graph)


def test_what_too_few_hold_has_no_trend() -> None:
    graph = random_board(1, min_group=8)
    now = dated(graph, np.zeros(len(graph.hops[BOUGHT].indices), np.int64))
    holders = fit_popularity(graph).scores(0)
    assert 0 < np.count_nonzero(holders) < graph.num_products
    np.testing.assert_allclose(fit_trend(now).scores(0), np.log1p(holders), rtol=1e-6)
    np.testing.assert_array_equal(fit_fresh(now).scores(0), (holders > 0).astype(float))


def test_half_lives_are_tried_up_to_the_age_of_most_holdings() -> None:
    graph = random_board(1)
    days = np.full(len(graph.hops[BOUGHT].indices), 40)
    assert [one["half_life_days"] for one in trials(dated(graph, days))] == [2.0, 7.0, 30.0]
    assert [one["half_life_days"] for one in trials(dated(graph, 0 * days))] == [DAYS[0]]
    assert [one["half_life_days"] for one in trials(dated(graph, 0 * days - 1))] == [DAYS[0]]


def test_a_blend_leaves_it_out_where_no_holding_has_a_time() -> None:
    graph = random_board(1)
    times = dated(graph, np.zeros(len(graph.hops[BOUGHT].indices), np.int64))
    for name, fit in (("trend", fit_trend), ("fresh", fit_fresh)):
        assert not is_affordable(model(name), graph, Inputs())
        assert is_affordable(model(name), times, Inputs())
        with pytest.raises(NothingToLearn, match="no holding has a time"):
            fit(graph)
