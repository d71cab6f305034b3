"""What `graphrec tune` varies for each term, and between which bounds."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from graphrec.graph.adjacency import Graph

if TYPE_CHECKING:
    from optuna import Trial

Plain = Mapping[str, Any]
Space = Callable[["Trial", Graph], Plain]


def _spectral(trial: "Trial", graph: Graph) -> Plain:
    most = max(5, min(1024, graph.num_products))
    return {
        "dim": trial.suggest_int("dim", 4, most, log=True),
        "max_share": 1.0,
        "power": trial.suggest_float("power", 0.0, 1.0),
    }


def _ease(trial: "Trial", _graph: Graph) -> Plain:
    return {
        "regularization": trial.suggest_float("regularization", 1.0, 5000.0, log=True),
        "attributes": trial.suggest_categorical("attributes", [True, False]),
        "user_power": trial.suggest_float("user_power", 0.0, 1.0),
        "holdings_power": trial.suggest_float("holdings_power", 0.0, 0.6),
        "popularity_power": trial.suggest_float("popularity_power", 0.0, 0.4),
    }


def _softmax(trial: "Trial", _graph: Graph) -> Plain:
    return {"regularization": trial.suggest_float("regularization", 0.01, 100.0, log=True)}


def _itemknn(trial: "Trial", graph: Graph) -> Plain:
    most = max(11, min(500, graph.num_products))
    return {
        "neighbours": trial.suggest_int("neighbours", 10, most, log=True),
        "shrinkage": trial.suggest_float("shrinkage", 0.0, 200.0),
    }


def _lightgcn(trial: "Trial", _graph: Graph) -> Plain:
    return {
        "epochs": 40,
        "patience": 6,
        "dim": trial.suggest_categorical("dim", [32, 64, 128]),
        "num_layers": trial.suggest_int("num_layers", 1, 2),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 5e-2, log=True),
        "regularization": trial.suggest_float("regularization", 1e-7, 1e-3, log=True),
        "drop": trial.suggest_float("drop", 0.1, 0.7),
        "power": trial.suggest_float("power", 0.0, 0.5),
    }


def _lightgcn_id(trial: "Trial", _graph: Graph) -> Plain:
    return {
        "epochs": 100,
        "patience": 10,
        "num_layers": trial.suggest_int("num_layers", 1, 4),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 5e-2, log=True),
        "regularization": trial.suggest_float("regularization", 1e-7, 1e-3, log=True),
    }


def _graphsage(trial: "Trial", _graph: Graph) -> Plain:
    return {
        "epochs": 40,
        "patience": 6,
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 3e-2, log=True),
        "regularization": trial.suggest_float("regularization", 1e-7, 1e-3, log=True),
    }


def _als(trial: "Trial", _graph: Graph) -> Plain:
    return {
        "alpha": trial.suggest_float("alpha", 0.3, 100.0, log=True),
        "regularization": trial.suggest_float("regularization", 0.1, 300.0, log=True),
    }


def _rp3beta(trial: "Trial", _graph: Graph) -> Plain:
    return {"beta": trial.suggest_float("beta", 0.0, 1.2)}


SPACES: Mapping[str, Space] = {
    "spectral": _spectral,
    "ease": _ease,
    "softmax": _softmax,
    "itemknn": _itemknn,
    "lightgcn": _lightgcn,
    "lightgcn-id": _lightgcn_id,
    "graphsage": _graphsage,
    "als": _als,
    "rp3beta": _rp3beta,
}
"""Terms that have something to tune here; the walks of a kernel are chosen by every training."""
