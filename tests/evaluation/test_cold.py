"""Cold start: what is hidden, the content baseline by hand, and a bank where the right answer is known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.evaluation.cold.content import ContentProducts, SimilarUsers
from graphrec.evaluation.cold.evaluate import evaluate_cold
from graphrec.evaluation.cold.split import TEST, VALID, cold_split
from graphrec.features.blocks import Blocks, Sources
from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.models.content import text_map
from tests.training import bank

PRODUCTS = 40


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Even users buy from the first half of the products, odd ones from the second, and live in one town each."""
    half = PRODUCTS // 2
    bought = [(f"u{n:02d}", f"p{p + n % 2 * half:02d}") for n in range(60) for p in range(half)]
    viewed = [(user, product) for user, product in bought if user < "u20"]
    lives = [(f"u{n:02d}", f"t{n % 2}") for n in range(60)]
    return bank.make(tmp_path_factory.mktemp("bank") / "s", {"BOUGHT": bought, "VIEWED": viewed, "LIVES_IN": lives})


def texts() -> Sources:
    """Products of a half speak of the same things."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.1, (PRODUCTS, 8)).astype(np.float32)
    vectors[: PRODUCTS // 2, 0] += 1
    vectors[PRODUCTS // 2 :, 1] += 1
    return Sources.of(Blocks.of("text", {"Product": vectors}))


@pytest.mark.parametrize("side", ["items", "users"])
def test_what_is_new_has_no_interaction_left_and_keeps_what_describes_it(snapshot: Snapshot, side: str) -> None:
    cold = cold_split(snapshot, side, seed=1)  # type: ignore[arg-type]
    size = PRODUCTS if side == "items" else 60
    assert np.bincount(cold.groups, minlength=3).tolist() == [size * 8 // 10, size // 10, size // 10]
    for stage, hidden in (("train", (VALID, TEST)), ("train+valid", (TEST,))):
        graph = visible_graph(snapshot, cold.split.hidden(stage))  # type: ignore[arg-type]
        for name in ("BOUGHT", "VIEWED"):
            degrees = graph.hops[Hop(name, reverse=side == "items")].degrees()
            assert (degrees[np.isin(cold.groups, hidden)] == 0).all()
        assert graph.hops[Hop("LIVES_IN")].degrees().tolist() == [1] * 60


def test_new_customers_have_all_they_did_to_find(snapshot: Snapshot) -> None:
    cold = cold_split(snapshot, "users", seed=1)
    question = cold.question(TEST, visible_graph(snapshot, cold.split.hidden("train+valid")))
    assert question.users.tolist() == np.flatnonzero(cold.groups == TEST).tolist()
    assert question.relevant.degrees().tolist() == [PRODUCTS // 2] * 6


def test_new_products_count_with_the_same_tenth_as_known_ones(snapshot: Snapshot) -> None:
    cold = cold_split(snapshot, "items", seed=1)
    for part in (VALID, TEST):
        graph = visible_graph(snapshot, cold.split.hidden("train" if part == VALID else "train+valid"))
        asked, among_new = (cold.question(part, graph, name) for name in ("all", "new"))  # type: ignore[arg-type]
        there, new = int((cold.groups <= part).sum()), cold.groups == part
        # Of 1,200 pairs, 30 a product: a tenth of what users took of what is there, and all of what is new.
        assert len(asked.relevant.indices) == pytest.approx(there * 30 * 0.1, rel=0.2)
        assert new[asked.relevant.indices].sum() == pytest.approx(4 * 30 * 0.1, rel=0.5)
        assert among_new.candidates.tolist() == new.tolist()
        assert np.bincount(among_new.relevant.indices, minlength=PRODUCTS)[new].tolist() == [30] * 4
        assert asked.only(new).relevant.indices.tolist() == asked.relevant.indices[new[asked.relevant.indices]].tolist()


def test_what_users_hold_and_nobody_asks_for_is_no_candidate(snapshot: Snapshot) -> None:
    cold = cold_split(snapshot, "items", seed=1)
    question = cold.question(TEST, visible_graph(snapshot, cold.split.hidden("train+valid")))
    for row, user in enumerate(question.users):
        asked = question.relevant.row(row).tolist()
        half = range(PRODUCTS // 2) if user % 2 == 0 else range(PRODUCTS // 2, PRODUCTS)
        assert sorted([*question.held.row(int(user)).tolist(), *asked]) == list(half)


def test_what_is_asked_at_test_stays_open_at_validation(snapshot: Snapshot) -> None:
    cold = cold_split(snapshot, "items", seed=1)
    validation = cold.question(VALID, visible_graph(snapshot, cold.split.hidden("train")))
    tested = {divmod(int(code), PRODUCTS) for code in cold.split.test}
    assert not any((int(user), int(product)) in tested for user in range(60) for product in validation.held.row(user))
    assert validation.candidates.tolist() == (cold.groups != TEST).tolist()


def test_another_seed_draws_others(snapshot: Snapshot) -> None:
    first, again, other = (cold_split(snapshot, "items", seed=seed) for seed in (0, 0, 1))
    assert first.groups.tolist() == again.groups.tolist() != other.groups.tolist()
    assert first.split.hash == again.split.hash != other.split.hash


def test_new_products_are_found_by_their_texts(snapshot: Snapshot) -> None:
    found = evaluate_cold(snapshot, "items", sources=texts(), ks=(4,), kind="text")
    assert (found.held_out, found.weights) == (4, {"text": 1.0})
    new = found.metrics["new"]
    assert new["model"]["ndcg@4"].value == new["content"]["ndcg@4"].value == 1.0
    assert new["popularity"]["ndcg@4"].value < 0.9
    assert new["model - content"]["ndcg@4"].value == 0.0
    # Among all products nobody's purchases speak for a new one; their texts put all of one's own half first.
    assert list(found.metrics) == ["new", "all", "all: new", "all: known"]
    assert found.metrics["all: new"]["popularity"]["ndcg@4"].value == 0.0
    assert found.metrics["all"]["popularity"]["new@4"].value == 0.0
    assert found.metrics["all"]["model"]["recall@4"].value > 0.9


def test_the_map_between_texts_learns_from_what_is_seen_alone(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[int]] = []
    real = text_map.fit_map

    def watched(
        products: NDArray[np.float32], indptr: NDArray[np.int64], indices: NDArray[np.int64], seed: int
    ) -> NDArray[np.float32]:
        learned.append(set(indices.tolist()))
        return real(products, indptr, indices, seed)

    monkeypatch.setattr(text_map, "fit_map", watched)
    found = evaluate_cold(snapshot, "items", sources=texts(), ks=(4,), kind="text-map")
    assert found.metrics["new"]["model"]["ndcg@4"].value == 1.0
    cold = cold_split(snapshot, "items", 0)
    hidden = set(np.flatnonzero(cold.groups == TEST).tolist())
    # Customers bought the hidden products, and no fit may see one of them.
    assert hidden & set(np.asarray(snapshot.edges("BOUGHT").indices[:]).tolist()) == hidden
    assert learned
    assert not any(hidden & seen for seen in learned)


def test_a_map_between_texts_learns_what_is_held_together() -> None:
    # Texts say two things: what customers go by, and another one that is as loud.
    draw = np.random.default_rng(0)
    theme, noise = draw.integers(0, 2, 200), draw.integers(0, 2, 200)
    products = np.stack([2.0 * theme - 1, 2.0 * noise - 1], axis=1).astype(np.float32) / np.float32(np.sqrt(2))
    rows = [draw.choice(np.flatnonzero(theme == user % 2), 5, replace=False) for user in range(100)]
    found = text_map.fit_map(products, np.arange(0, 501, 5), np.concatenate(rows), 0)
    assert found[0, 0] > found[1, 1] + 0.2


def test_new_users_are_served_by_their_town(snapshot: Snapshot) -> None:
    found = evaluate_cold(snapshot, "users", ks=(12,), kind="kernel")
    assert (found.side, found.held_out, found.users, found.interactions) == ("users", 6, 6, 120)
    assert list(found.metrics) == ["all"]
    metrics = found.metrics["all"]
    assert metrics["model"]["precision@12"].value == metrics["content"]["precision@12"].value == 1.0
    assert metrics["popularity"]["precision@12"].value < 0.9


def test_content_knn_by_hand(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [("u0", "p0"), ("u0", "p1")]}, products=4, users=2)
    vectors = np.array([[1, 0], [0, 1], [1, 0], [-1, -1]], np.float32)  # means 1/4 and 0
    graph = visible_graph(snapshot)
    moved = vectors - [0.25, 0]
    unit = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    alike = unit @ unit[:2].T
    two = ContentProducts(graph, vectors, 2).batch(np.array([0, 1], np.int32))
    np.testing.assert_allclose(two[0], alike.mean(axis=1), rtol=1e-6)
    assert two[1].tolist() == [0.0] * 4  # holds nothing
    one = ContentProducts(graph, vectors, 1).batch(np.array([0], np.int32))
    np.testing.assert_allclose(one[0], alike.max(axis=1), rtol=1e-6)


def test_similar_users_by_hand(tmp_path: Path) -> None:
    events = {
        "BOUGHT": [("u1", "p0"), ("u2", "p1"), ("u3", "p1"), ("u3", "p2")],
        "LIVES_IN": [("u0", "t0"), ("u1", "t0"), ("u2", "t1"), ("u3", "t0")],
        "OF_SEX": [("u0", "f"), ("u2", "f")],  # protected: says nothing
    }
    graph = visible_graph(bank.make(tmp_path / "s", events))
    scores = SimilarUsers(graph, None, 2).batch(np.array([0], np.int32))
    assert scores.tolist() == [[1.0, 1.0, 1.0]]  # u1 and u3 live where u0 lives
    profiles = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], np.float32)
    assert SimilarUsers(graph, profiles, 1).batch(np.array([0], np.int32))[0].nonzero()[0].tolist() == [0]


def test_too_little_to_hold_out(tmp_path: Path) -> None:
    snapshot = bank.make(tmp_path / "s", {"BOUGHT": [("u0", "p0")]})
    with pytest.raises(ModelError, match=r"^1 items have an interaction: too few to hold out a tenth of them twice$"):
        evaluate_cold(
            snapshot, "items", sources=Sources.of(Blocks.of("text", {"Product": np.ones((1, 2), np.float32)}))
        )


def test_new_products_need_texts(snapshot: Snapshot) -> None:
    with pytest.raises(ModelError, match=r"^new products need text vectors, none were given; run: graphrec embed$"):
        evaluate_cold(snapshot, "items", kind="popularity")
