"""recall, precision, nDCG, hit rate and MRR against torch_geometric.metrics on random lists."""

import numpy as np
import pytest

from graphrec.metrics.ranking import evaluate_lists

K = 7


@pytest.mark.parametrize("seed", range(3))
def test_ranking_metrics_are_those_of_torch_geometric(seed: int) -> None:
    torch = pytest.importorskip("torch")
    from torch_geometric import metrics as theirs

    rng = np.random.default_rng(seed)
    lists = np.stack([rng.permutation(50)[:12] for _ in range(40)]).astype(np.int32)
    relevant = [np.sort(rng.choice(50, rng.integers(1, 15), replace=False)) for _ in range(40)]
    indptr = np.concatenate(([0], np.cumsum([len(row) for row in relevant])))
    ours = evaluate_lists(lists, indptr, np.concatenate(relevant).astype(np.int32), [K])
    pairs = np.stack([np.repeat(np.arange(40), np.diff(indptr)), np.concatenate(relevant)])
    peers = {
        "recall": theirs.LinkPredRecall, "precision": theirs.LinkPredPrecision, "ndcg": theirs.LinkPredNDCG,
        "hit_rate": theirs.LinkPredHitRatio, "mrr": theirs.LinkPredMRR,
    }  # fmt: skip
    for name, peer in peers.items():
        metric = peer(k=K)
        metric.update(torch.from_numpy(lists).long(), torch.from_numpy(pairs))
        assert ours[f"{name}@{K}"].mean() == pytest.approx(float(metric.compute()), abs=1e-6), name
