"""The explainers of `benchmarks/explanations.py` on functions whose shares are known, and the metrics of one user."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from graphrec.graph.edges.adjacency import visible_graph
from graphrec.terms.forms.blend import Blend
from tests.banks import bank_snapshot
from tests.terms.models import term_of

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("explanations", FOLDER / "explanations.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_a_sum_is_shared_as_it_is_made(script: ModuleType) -> None:
    weights = np.array([[3.0, -1.0], [0.5, 2.0], [-1.0, 0.0], [2.0, 1.0]])
    rng = np.random.default_rng(0)
    kept = script.asked(rng, 4, paired=True)
    assert kept.sum() * 2 == kept.size  # every coalition has its complement
    assert np.unique(kept.sum(axis=1)).tolist() == [1, 2, 3]
    found = script.shap(kept, 7.0 + kept @ weights, np.full(2, 7.0), 7.0 + weights.sum(axis=0))
    assert found == pytest.approx(weights, abs=0.03)
    assert found.sum(axis=0) == pytest.approx(weights.sum(axis=0), abs=1e-9)
    kept = script.asked(rng, 4, paired=False)
    found = script.lime(kept, 7.0 + kept @ weights)
    assert found == pytest.approx(weights, abs=0.2)
    assert np.argsort(found, axis=0).tolist() == np.argsort(weights, axis=0).tolist()


def test_what_two_do_together_is_shared_evenly(script: ModuleType) -> None:
    kept = script.asked(np.random.default_rng(0), 3, paired=True)
    found = script.shap(kept, (kept[:, :1] & kept[:, 1:2]).astype(float), np.zeros(1), np.ones(1))
    assert found[:, 0] == pytest.approx([0.5, 0.5, 0.0], abs=0.03)


def test_without_any_edge_nothing_is_left(script: ModuleType, tmp_path: Path) -> None:
    graph = visible_graph(bank_snapshot(tmp_path / "s"))
    user = int(graph.held().degrees().argmax())
    one = script.Explained(Blend([term_of("sparse table", graph)], [1.0]), user, 2, np.eye(graph.num_products), 0)
    assert 1 < one.edges < script.SIZES[-1]
    orders = one.orders(dict.fromkeys(script.EXPLAINERS, 0.0))
    assert set(orders) == {"ledger", "contrast", "lime", "shap", "prince", "random"}
    for films, whole in orders.values():
        assert [sorted(order.tolist()) for order in (*films, whole)] == [list(range(one.edges))] * 3
        found = one.measured(films, whole)
        assert found["PN-S item 10"] == 1.0
        assert found["PN-S list 10"] == 0.0  # nothing is listed, so nothing new either
        assert 1 <= found["size"] <= one.edges
        assert 0 <= found["POS-P item"] < 1
