"""The configurations that every training tries for a term, few enough for minutes on two cores."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphrec.graph.adjacency import Graph

Plain = Mapping[str, Any]


def usual_trials(name: str, graph: Graph) -> Iterator[Plain]:
    """The configurations of a term (not a kernel) that a search tries where nothing is tuned."""
    return TRIALS.get(name, _one_trial)(graph)


def with_given(trials: Iterator[Plain], given: Plain) -> Iterator[Plain]:
    """The trials with given values over theirs; those that are then alike come once."""
    seen = []
    for plain in trials:
        whole = {**plain, **given}
        if whole not in seen:
            seen.append(whole)
            yield whole


def _one_trial(_graph: Graph) -> Iterator[Plain]:
    yield {}


def _spectral_trials(graph: Graph) -> Iterator[Plain]:
    dims = [dim for dim in (768, 512, 256, 128, 64, 32, 16, 8, 4) if dim <= max(4, graph.num_products // 4)]
    for dim in dims[:4]:
        yield {"dim": dim, "max_share": 1.0}


def _ease_trials(_graph: Graph) -> Iterator[Plain]:
    for regularization in (10.0, 50.0, 200.0, 1000.0):
        yield {"regularization": regularization}


def _softmax_trials(_graph: Graph) -> Iterator[Plain]:
    for regularization in (1.0, 3.0, 10.0):
        yield {"regularization": regularization}


def _itemknn_trials(graph: Graph) -> Iterator[Plain]:
    for neighbours in (50, 200):
        for shrinkage in (0.0, 20.0):
            if neighbours == 50 or graph.num_products > 50:
                yield {"neighbours": neighbours, "shrinkage": shrinkage}


def _lightgcn_trials(_graph: Graph) -> Iterator[Plain]:
    # On zimnat, seeds that end after 3 worse epochs differ by .003; with 6 they agree.
    yield {"epochs": 40, "patience": 6}


def _lightgcn_id_trials(_graph: Graph) -> Iterator[Plain]:
    for num_layers in (2, 3):
        for learning_rate in (0.01, 0.02):
            yield {"num_layers": num_layers, "learning_rate": learning_rate, "epochs": 100, "patience": 10}


def _graphsage_trials(_graph: Graph) -> Iterator[Plain]:
    for learning_rate in (0.01, 0.003):
        yield {"learning_rate": learning_rate, "epochs": 40, "patience": 6}


def _als_trials(_graph: Graph) -> Iterator[Plain]:
    for alpha in (1.0, 10.0):
        for regularization in (1.0, 30.0):
            yield {"alpha": alpha, "regularization": regularization}


def _rp3beta_trials(_graph: Graph) -> Iterator[Plain]:
    for beta in (0.2, 0.4, 0.6, 0.8):
        yield {"beta": beta}


TRIALS: Mapping[str, Callable[[Graph], Iterator[Plain]]] = {
    "spectral": _spectral_trials,
    "ease": _ease_trials,
    "softmax": _softmax_trials,
    "itemknn": _itemknn_trials,
    "lightgcn": _lightgcn_trials,
    "lightgcn-id": _lightgcn_id_trials,
    "graphsage": _graphsage_trials,
    "als": _als_trials,
    "rp3beta": _rp3beta_trials,
}
