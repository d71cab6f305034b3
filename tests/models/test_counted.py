"""Models from sums over customers: exact sums, what noise hides, and tables that are functions of the sums alone."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.errors import ModelError, NothingToLearn
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.models.counted import network
from graphrec.models.counted.federated import FederatedConfig, fit_sums
from graphrec.models.counted.noise import delta_of, epsilon_of, from_seed, from_system, gaussian, mu_of
from graphrec.models.counted.private import BITS, PrivateConfig, deviations, fit_private
from graphrec.models.counted.solve import SolveConfig, filter_gains, table_of
from graphrec.models.counted.sums import clipped, sums_of
from graphrec.terms.folder import open_model
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of
from graphrec.training.validation import rows_of
from tests.privacy import moved
from tests.privacy.people import write_people

METHODS = ("popularity", "itemknn", "ease", "kernel", "spectral", "chebyshev")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return moved.bank(0)[0]


def test_the_accounting_is_that_of_dp_accounting() -> None:
    """Deltas of GaussianPrivacyLoss, noises of from_privacy_guarantee and a composition of dp-accounting 0.6.0."""
    known = {
        (0.5, 0.5): 5.991856185e-01, (0.5, 8.0): 4.954017389e-04, (1.0, 1.0): 1.269367375e-01,
        (1.0, 3.0): 1.537185369e-03, (3.0, 1.0): 2.075122021e-04, (6.0, 0.5): 8.153719518e-05,
        (6.0, 1.0): 4.282290771e-11, (6.0, 3.0): 4.003796018e-74,
    }  # fmt: skip
    for (deviation, epsilon), delta in known.items():
        assert delta_of(1 / deviation, epsilon) == pytest.approx(delta, rel=1e-9)
    for epsilon, deviation in ((1, 4.224678930), (3, 1.543861437), (8, 0.652935419)):
        assert 1 / mu_of(epsilon, 1e-6) == pytest.approx(deviation, rel=1e-7)
    assert epsilon_of([1 / 2, 1 / 3], 1e-6) == pytest.approx(2.7606558, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("clip", [1, 3, 20])
def test_no_customer_moves_the_release_by_more_than_the_noise_hides(graph: Graph, method: str, clip: int) -> None:
    config = PrivateConfig(method=method, clip=clip)  # type: ignore[arg-type]
    pairs, holders, mu = deviations(config)
    rows = clipped(graph.held(), graph.num_products, clip)
    assert rows.degrees().max() == min(clip, graph.held().degrees().max())
    largest = 0.0
    for user in range(0, graph.num_users, 5):
        own = sums_of(rows_of(rows, np.array([user])), graph.num_products, 1.0, BITS)
        weights = own.weights
        diagonal, above = np.diagonal(weights), weights[np.triu_indices(len(weights), 1)]
        moved_by = (above**2).sum() / pairs**2 + (diagonal**2).sum() / (2 * pairs**2)
        largest = max(largest, math.sqrt(moved_by + (own.holders**2).sum() / holders**2))
    assert largest <= mu
    if clip <= 3:
        assert largest == pytest.approx(mu, rel=1e-3)


def test_the_noise_is_whole_numbers_of_the_deviation() -> None:
    for uniform in (from_system, from_seed(5)):
        drawn = gaussian(200_000, 1000.0, uniform)
        assert drawn.dtype == np.int64
        assert abs(drawn.mean()) < 5 * 1000 / 200_000**0.5
        assert drawn.std() == pytest.approx(1000, rel=0.02)
        assert (abs(drawn) > 1960).mean() == pytest.approx(0.05, abs=0.005)
    assert (from_system(1000) != from_system(1000)).all()


def test_clipping_looks_at_nobody_else(graph: Graph) -> None:
    held = graph.held()
    whole = clipped(held, graph.num_products, 3)
    few = np.array([7, 30, 100])
    alone = clipped(rows_of(held, few), graph.num_products, 3)
    for place, user in enumerate(few):
        assert alone.row(place).tolist() == whole.row(user).tolist()
        assert set(alone.row(place).tolist()) <= set(held.row(user).tolist())


@pytest.mark.parametrize("power", [0.0, 0.6, 1.0])
def test_sums_without_a_customer_are_those_of_data_that_never_had_them(graph: Graph, power: float) -> None:
    """To the bit, and so is the table of every method: a downdate is a refit with settings frozen."""
    held = graph.held()
    gone = np.arange(40)
    left = np.arange(40, graph.num_users)
    whole, fresh = (sums_of(rows, graph.num_products, power) for rows in (held, rows_of(held, left)))
    downdated = whole.minus(sums_of(rows_of(held, gone), graph.num_products, power))
    assert (downdated.together == fresh.together).all()
    assert (downdated.weighted == fresh.weighted).all()
    assert (downdated.plus(sums_of(rows_of(held, gone), graph.num_products, power)).weighted == whole.weighted).all()
    for method in METHODS:
        config = FederatedConfig(method=method)  # type: ignore[arg-type]
        tables = [fit_sums("federated", graph, one, config, 5).neighbours[0].left for one in (downdated, fresh)]
        assert np.abs(np.asarray(tables[0]) - np.asarray(tables[1])).max() <= 1e-9
    with pytest.raises(ModelError, match="sums of 200 products with power .* cannot be added to those of 200 with 0.3"):
        whole.minus(sums_of(held, graph.num_products, 0.3))


def test_a_filter_of_a_noised_matrix_does_not_grow() -> None:
    """Its eigenvalues leave [0, 1]; unscaled, the polynomial explodes there."""
    rng = np.random.default_rng(0)
    for scale in (0.1, 1.0, 30.0):
        noise = rng.standard_normal((80, 80)) * scale
        strengths = np.linalg.eigvalsh((noise + noise.T) / 2)
        gains = filter_gains(strengths, 16)
        assert np.abs(gains).max() < 1.2
        assert gains[-1] > gains[0]


def test_every_table_has_no_weight_of_a_product_for_itself(graph: Graph) -> None:
    sums = sums_of(graph.held(), graph.num_products, 1.0)
    for method in METHODS[1:]:
        table = table_of(sums.weights, sums.holders.astype(float), SolveConfig(method=method))  # type: ignore[arg-type]
        assert not np.diagonal(table).any()
        assert np.isfinite(table).all()


def test_cosine_by_hand() -> None:
    """Two customers hold a and b, one of them c too: M = 1/2 + 1/3 and 1/3."""
    held = Adjacency(np.array([0, 2, 5]), np.array([0, 1, 0, 1, 2], np.int32))
    sums = sums_of(held, 3, 1.0)
    assert sums.together.tolist() == [[2, 2, 1], [2, 2, 1], [1, 1, 1]]
    table = table_of(sums.weights, sums.holders.astype(float), SolveConfig(method="itemknn"))
    assert table[0] == pytest.approx([0.0, 1.0, (1 / 3) / math.sqrt((1 / 2 + 1 / 3) * (1 / 3))], rel=1e-9)
    kernel = table_of(sums.weights, sums.holders.astype(float), SolveConfig(method="kernel"))
    assert kernel[0, 2] == pytest.approx(2**-0.7 * (1 / 3), rel=1e-9)


def test_each_fit_draws_anew_and_says_what_it_promises(graph: Graph) -> None:
    one, other = fit_private(graph), fit_private(graph)
    assert (one.beside["released/pairs"] != other.beside["released/pairs"]).mean() > 0.99
    (note,) = one.notes
    assert note.startswith(
        "private: epsilon 3, delta 1e-06 for each customer, of whom 20 products count at most; noise"
    )
    seeded = PrivateConfig(test_seed=1)
    assert (
        fit_private(graph, seeded).beside["released/pairs"] == fit_private(graph, seeded).beside["released/pairs"]
    ).all()
    assert (
        fit_private(graph, seeded).notes[0].startswith("THIS MODEL PROTECTS NOBODY: its noise was drawn with the known")
    )


def test_more_privacy_is_more_noise(graph: Graph) -> None:
    noises = [deviations(PrivateConfig(epsilon=epsilon))[0] for epsilon in (1.0, 3.0, 8.0)]
    assert noises == sorted(noises, reverse=True)
    assert deviations(replace(PrivateConfig(), clip=80))[0] == pytest.approx(deviations(PrivateConfig())[0], rel=1e-3)


def loss_of(row: list[int], W: np.ndarray, holders: np.ndarray) -> float:
    """The formula of network.py for one customer, product by product."""
    found = []
    for product in row:
        others = [one for one in row if one != product]
        scores = W[others].mean(axis=0) + np.log(np.maximum(holders, 1.0))
        asked = [one for one in range(len(W)) if one not in others]
        found.append(math.log(np.exp(scores[asked]).sum()) - scores[product])
    return float(np.mean(found))


def test_the_gradient_of_a_customer_is_that_of_the_formula(graph: Graph) -> None:
    """By differences, in units of the clip, which is far above it here."""
    rng = np.random.default_rng(1)
    inputs = 1e-3 * network.attributes_of(graph)
    base = rng.standard_normal((graph.num_products, graph.num_products))
    G = rng.standard_normal((inputs.shape[1],) * 2)
    holders = np.bincount(graph.held().indices, minlength=graph.num_products).astype(float)
    rows = rows_of(clipped(graph.held(), graph.num_products, 5), np.array([9]))
    row = rows.row(0).tolist()
    found = np.ldexp(network.gradient(rows, base + inputs @ G @ inputs.T, inputs, holders).astype(float), -network.BITS)
    assert np.linalg.norm(found) < network.CLIP
    for i, j in ((0, 0), (3, 7), (10, 2)):
        values = []
        for step in (-1.0, 1.0):
            other = G.copy()
            other[i, j] += step
            values.append(loss_of(row, base + inputs @ other @ inputs.T, holders))
        assert found[i, j] == pytest.approx((values[1] - values[0]) / 2, abs=2.0**-network.BITS, rel=1e-4)


def test_a_customer_moves_a_step_of_the_network_by_the_clip_at_most(graph: Graph) -> None:
    """The sum without a customer is that of data that never had them, to the bit, so that nothing of others changes."""
    rng = np.random.default_rng(2)
    inputs = network.attributes_of(graph)
    W = rng.standard_normal((graph.num_products, graph.num_products))
    holders = np.bincount(graph.held().indices, minlength=graph.num_products).astype(float)
    rows = clipped(graph.held(), graph.num_products, 20)
    whole = network.gradient(rows, W, inputs, holders)
    most = 0.0
    for user in range(0, graph.num_users, 7):
        others = np.delete(np.arange(graph.num_users), user)
        moved_by = whole - network.gradient(rows_of(rows, others), W, inputs, holders)
        own = network.gradient(rows_of(rows, np.array([user])), W, inputs, holders)
        assert (moved_by == own).all()
        most = max(most, float(np.linalg.norm(moved_by.astype(float))) * 2.0**-network.BITS)
    assert most == pytest.approx(network.CLIP, rel=1e-6)
    for mu in (0.3, 2.0):
        assert network.STEPS * (most / network.deviation_of(mu)) ** 2 <= mu**2


def test_sums_and_network_share_one_budget(graph: Graph) -> None:
    whole, part = (deviations(PrivateConfig(method=method)) for method in ("ease", "network"))  # type: ignore[arg-type]
    assert whole[2] == part[2]
    assert [(one / other) ** 2 for one, other in zip(whole[:2], part[:2], strict=True)] == pytest.approx(
        [1 - network.SHARE] * 2
    )


def test_the_network_learns_which_attributes_go_together(graph: Graph) -> None:
    """Without noise its loss is below that of the table alone, and products of no attribute are refused in one line."""
    rows, n = clipped(graph.held(), graph.num_products, 20), graph.num_products
    sums = sums_of(rows, n, 1.0)
    holders = sums.holders.astype(float)
    table = table_of(sums.weights, holders, SolveConfig())
    known = network.Known(table, holders, float(np.trace(sums.weights)))
    W, G = network.fit_network(graph, rows, known, math.inf, from_seed(0))
    people = [rows.row(user).tolist() for user in range(0, graph.num_users, 9)]
    before, after = (
        np.mean([loss_of(row, one, holders) for row in people if len(row) > 1]) for one in (table / table.std(), W)
    )
    assert after < before - 0.02
    assert np.isfinite(G).all()
    assert not np.diagonal(W).any()
    bare = replace(graph, hops={hop: edges for hop, edges in graph.hops.items() if hop != Hop("IN_SECTOR")})
    with pytest.raises(
        NothingToLearn, match=r"private.method=network has nothing to learn from: no two products share"
    ):
        fit_private(bare, PrivateConfig(method="network"))


@pytest.mark.slow
def test_a_network_is_trained_by_the_option_and_its_lines_add_up(tmp_path: Path) -> None:
    bank = Bank(Settings(home=tmp_path / "home", policy="none"))
    bank.load(jobs.Load(str(write_people(tmp_path / "data"))))
    done = bank.train(jobs.Train("private", overrides=("private.method=network", "private.test_seed=3")))
    assert any(one.endswith("in holders, and of 1.26 in each of 20 steps of a network") for one in done.notes)
    snapshot = SnapshotShelf(bank.home.snapshots).latest()
    term = open_model(done.path, snapshot).blend.terms[0]
    kept = {name: np.asarray(values) for name, values in term.beside.items()}  # type: ignore[attr-defined]
    assert sorted(kept) == ["released/holders", "released/network", "released/pairs"]
    split = split_of(snapshot)
    again, other = (
        fit_private(graph_of(snapshot, split, split.fitted), PrivateConfig(method="network", test_seed=seed))
        for seed in (3, 4)
    )
    assert (kept["released/network"] == again.beside["released/network"]).all()
    assert (kept["released/network"] != other.beside["released/network"]).all()
    held = term.graph.held()
    for user in range(0, term.graph.num_users, 5):
        lines = term.shares(user, np.arange(term.graph.num_products, dtype=np.int32))
        assert lines.values.sum(axis=0) == pytest.approx(term.scores(user), abs=1e-6)
        assert len(lines.values) == len(held.row(user))


@pytest.mark.slow
def test_a_folder_keeps_the_release_and_answers_the_same(tmp_path: Path) -> None:
    """The table is a function of what was released, which a training again does not draw anew."""
    said: list[str] = []
    bank = Bank(Settings(home=tmp_path / "home", policy="none"), on_note=said.append)
    bank.load(jobs.Load(str(write_people(tmp_path / "data"))))
    done = bank.train(jobs.Train("private", overrides=("private.test_seed=3", "private.epsilon=8")))
    assert [one for one in said if "PROTECTS NOBODY" in one] == [f"note: {done.notes[1]}"]
    assert done.notes[0] == "defaults fixed beforehand: nothing was tuned, validation was not looked at"
    assert done.metrics == {}
    model = open_model(done.path, SnapshotShelf(bank.home.snapshots).latest())
    term = model.blend.terms[0]
    kept = {name: np.asarray(values) for name, values in term.beside.items()}  # type: ignore[attr-defined]
    assert sorted(kept) == ["released/holders", "released/pairs"]
    fitted = fit_private(term.graph, PrivateConfig(test_seed=3, epsilon=8.0))
    assert kept["released/pairs"].shape == fitted.beside["released/pairs"].shape
    lists = [
        Bank(Settings(home=tmp_path / "home", policy="none")).recommend(
            requests.Recommend("KUNDE-003", 3, model="private", record=False)
        ).answer.items
        for _ in range(2)
    ]  # fmt: skip
    assert lists[0] == lists[1]
    again = bank.train(jobs.Train("private", overrides=("private.test_seed=3", "private.epsilon=8")))
    assert (again.is_new, again.hash) == (False, done.hash)
