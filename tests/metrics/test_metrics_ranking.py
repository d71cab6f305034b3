"""Ranking metrics: hand-computed cases, the defined odd cases, and agreement with PyTorch Geometric's."""

import numpy as np
import pytest

from graphrec.metrics import ranking

KS = (1, 2, 5, 10)


def one_user(products: list[int], relevant: list[int], *ks: int) -> dict[str, float]:
    lists = np.array([products], np.int32).reshape(1, -1)
    indptr = np.array([0, len(relevant)])
    return {
        name: float(values[0])
        for name, values in ranking.evaluate_lists(lists, indptr, np.array(relevant, np.int32), ks).items()
    }


def random_case(seed: int, *, pad: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lists, indptr and indices of 40 users, 30 products, lists of 12 with `pad` empty places at most."""
    rng = np.random.default_rng(seed)
    lists = np.stack([rng.permutation(30)[:12] for _ in range(40)]).astype(np.int32)
    for row in lists:
        row[12 - rng.integers(0, pad + 1) :] = -1
    counts = rng.integers(1, 9, 40)
    indices = np.concatenate([np.sort(rng.permutation(30)[:count]) for count in counts]).astype(np.int32)
    return lists, np.r_[0, np.cumsum(counts)], indices


def test_ideal_of_ndcg_is_over_the_relevant_products() -> None:
    # 3 relevant, one hit at rank 2: DCG = 1/log2(3) = .63093, IDCG(2) = 1.63093 (over the hits alone: 1)
    out = one_user([8, 4, 9], [1, 4, 5], 2, 3)
    assert out["ndcg@2"] == pytest.approx(0.6309297535714575 / 1.6309297535714575, abs=1e-15)
    assert out["ndcg@3"] == pytest.approx(0.6309297535714575 / 2.1309297535714573, abs=1e-15)
    assert (out["recall@2"], out["precision@2"], out["mrr@2"], out["hit_rate@2"]) == (1 / 3, 0.5, 0.5, 1.0)


def test_a_perfect_list_scores_exactly_one() -> None:
    out = one_user([3, 1, 2], [1, 2, 3], 3)
    assert set(out.values()) == {1.0}


def test_first_hit_beyond_k_counts_nothing() -> None:
    out = one_user([8, 9, 1], [1], 2, 3)
    assert [out[f"{metric}@2"] for metric in ranking.METRICS] == [0.0] * 5
    assert out["mrr@3"] == pytest.approx(1 / 3)


def test_k_beyond_the_list_is_a_list_with_empty_places() -> None:
    assert one_user([5, 1], [1, 2], 10) == one_user([5, 1] + [-1] * 8, [1, 2], 10)
    assert one_user([5, 1], [1, 2], 10)["precision@10"] == 0.1


def test_an_empty_place_keeps_its_rank_and_is_no_hit() -> None:
    assert one_user([-1, 0], [0], 2)["mrr@2"] == 0.5
    assert one_user([-1, -1], [0], 2)["hit_rate@2"] == 0.0


def test_an_empty_list_scores_zero_and_stays_in_the_mean() -> None:
    lists = np.array([[1, -1], [-1, -1]], np.int32)
    out = ranking.evaluate_lists(lists, np.array([0, 1, 2]), np.array([1, 1], np.int32), [2])
    assert {name: values.tolist() for name, values in out.items()} == {
        "recall@2": [1.0, 0.0],
        "precision@2": [0.5, 0.0],
        "ndcg@2": [1.0, 0.0],
        "hit_rate@2": [1.0, 0.0],
        "mrr@2": [1.0, 0.0],
    }
    none = ranking.evaluate_lists(np.zeros((1, 0), np.int32), np.array([0, 1]), np.array([1], np.int32), [5])
    assert {values[0] for values in none.values()} == {0.0}


def test_a_neighbouring_users_product_is_no_hit() -> None:
    lists = np.array([[9], [0]], np.int32)
    out = ranking.evaluate_lists(lists, np.array([0, 1, 2]), np.array([0, 9], np.int32), [1])
    assert out["hit_rate@1"].tolist() == [0.0, 0.0]


def test_chunks_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(5, pad=12)
    whole = ranking.evaluate_lists(*case, KS)
    monkeypatch.setattr(ranking, "_CHUNK_PLACES", 30)
    parts = ranking.evaluate_lists(*case, KS)
    assert all((whole[name] == parts[name]).all() for name in whole)
    assert list(whole) == [f"{metric}@{k}" for k in KS for metric in ranking.METRICS]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("seed", "pad"), [(0, 0), (1, 12), (2, 12)])
def test_agrees_with_pytorch_geometric(seed: int, pad: int) -> None:
    torch = pytest.importorskip("torch")
    from torch_geometric import metrics as peer  # heavy, and only this test needs it

    lists, indptr, indices = random_case(seed, pad=pad)
    ours = ranking.evaluate_lists(lists, indptr, indices, KS)
    users = np.repeat(np.arange(40), np.diff(indptr))
    truth = torch.from_numpy(np.stack([users, indices.astype(np.int64)]))
    shown = torch.from_numpy(np.where(lists < 0, 30, lists).astype(np.int64))  # 30: relevant to nobody
    classes = {
        "recall": peer.LinkPredRecall,
        "precision": peer.LinkPredPrecision,
        "ndcg": peer.LinkPredNDCG,
        "mrr": peer.LinkPredMRR,
        "hit_rate": peer.LinkPredHitRatio,
    }
    for k in KS:
        for metric, make in classes.items():
            theirs = make(k)
            theirs.update(shown, truth)
            assert ours[f"{metric}@{k}"].mean() == pytest.approx(float(theirs.compute()), abs=1e-6), (metric, k)


@pytest.mark.parametrize(
    ("lists", "indptr", "indices", "ks", "message"),
    [
        ([[1], [2], [3]], [0, 1, 1, 1], [1], [1], r"user row 1 \(2 in all\) has no relevant product; leave such users"),
        ([[1, 2, 1]], [0, 1], [1], [1], "the list of user row 0 names product 1 twice"),
        ([[1]], [0, 2], [3, 1], [1], "relevant_indices must be ascending within each user, without repeats"),
        ([[1]], [0, 2], [3, 3], [1], "relevant_indices must be ascending within each user, without repeats"),
        ([[1]], [0, 1], [1], [0], r"ks must be cuts of at least 1 \(got \[0\]\)"),
        ([[1]], [0, 1], [1], [], r"ks must be cuts of at least 1 \(got \[\]\)"),
        ([[1]], [0, 1, 2], [1, 2], [1], "are not of the same users"),
        ([[1]], [0, 1], [1, 2], [1], "relevant_indptr ends at 1, there are 2 indices"),
    ],
)
def test_refuses_what_cannot_be_counted(
    lists: list[list[int]], indptr: list[int], indices: list[int], ks: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ranking.evaluate_lists(np.array(lists, np.int32), np.array(indptr), np.array(indices, np.int32), ks)


def test_coverage_counts_products_in_the_first_k_only() -> None:
    lists = np.array([[0, 1, 4], [0, 2, 3], [0, -1, -1]], np.int32)
    assert [ranking.coverage(lists, k, 10) for k in (1, 2, 3, 9)] == [0.1, 0.3, 0.5, 0.5]
    assert ranking.coverage_without_each(lists, 3, 10).tolist() == [0.3, 0.3, 0.5]
    with pytest.raises(ValueError, match="a list names product 4, there are 4"):
        ranking.coverage(lists, 3, 4)
    with pytest.raises(ValueError, match=r"k and num_products must be at least 1 \(got 0 and 4\)"):
        ranking.coverage(lists, 0, 4)


def test_coverage_without_each_is_the_coverage_of_the_others() -> None:
    lists, _, _ = random_case(3, pad=12)
    left_out = ranking.coverage_without_each(lists, 5, 30)
    assert left_out.tolist() == [ranking.coverage(np.delete(lists, row, axis=0), 5, 30) for row in range(40)]


def test_novelty_is_the_mean_of_the_bits_of_what_is_shown() -> None:
    lists = np.array([[0, 1, 2], [3, -1, -1], [-1, -1, -1]], np.int32)
    share = np.array([1.0, 0.25, 0.5, 0.0])  # 0, 2 and 1 bits; nobody holds the last: as the rarest, 2 bits
    assert ranking.novelty(lists, 3, share).tolist() == [1.0, 2.0, 0.0]
    assert ranking.novelty(lists, 1, share).tolist() == [0.0, 2.0, 0.0]
    with pytest.raises(ValueError, match=r"shares in 0..1, at least one of them above 0"):
        ranking.novelty(lists, 1, np.zeros(4))
    with pytest.raises(ValueError, match=r"k must be at least 1 \(got 0\)"):
        ranking.novelty(lists, 0, share)
