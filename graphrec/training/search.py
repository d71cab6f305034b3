"""Choosing configurations and weights on the validation part, never on test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph
from graphrec.models.kernel import starting_walks
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.training.candidates import Candidates
from graphrec.training.recipes import Inputs, Plain, fit_network, fit_term, is_affordable, plain_walks
from graphrec.training.validation import Validation
from graphrec.training.walks import choose_walks
from graphrec.training.weights import Judge, fit_weights

#: What a blend may consist of; a term that does not help gets weight 0 and leaves.
BLEND_TERMS = ("kernel", "spectral", "ease", "itemknn", "popularity", "lightgcn", "text")
KERNEL = "kernel"
"""The term whose score lies on real paths alone."""
PATH_SHARE = 0.6
"""Part of a blend's weight that goes to real paths where validation cannot tell the difference."""
FIXED_TERMS = ("kernel", "spectral")
"""What `--fixed` blends, with equal weights: fixed beforehand for all data (SCIENCE.md 3.4)."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A term fitted on train with the configuration that validation prefers.

    Shapes: values (num_users,), the metric of each validation user when it ranks alone.
    """

    name: str
    plain: Plain
    term: Term
    values: NDArray[np.float64]

    @property
    def value(self) -> float:
        """The metric alone."""
        return float(self.values.mean())


@dataclass(frozen=True, eq=False)
class Chosen:
    """A whole model chosen on validation, as fitted on train."""

    terms: Mapping[str, Plain]
    weights: Mapping[str, float]
    blend: Blend | None
    """None where nothing was fitted because nothing was chosen."""
    tried: Mapping[str, float]
    """The metric of every term alone, those that were left out too."""

    def configuration(self) -> dict[str, Any]:
        """Everything a refit needs, as plain values."""
        return {"terms": dict(self.terms), "weights": dict(self.weights)}


def fixed(kind: str, graph: Graph, inputs: Inputs) -> Chosen:
    """The configuration fixed beforehand for all data; nothing is looked at."""
    names = FIXED_TERMS if kind == "blend" else (kind,)
    terms = {name: _default(name, graph, inputs) for name in names}
    return Chosen(terms, dict.fromkeys(names, 1.0), None, {})


def choose(kind: str, graph: Graph, validation: Validation, inputs: Inputs) -> Chosen:
    """The configuration and weights that validation prefers, fitted on the train graph."""
    names = [name for name in BLEND_TERMS if is_affordable(name, graph, inputs)] if kind == "blend" else [kind]
    choices = []
    for done, name in enumerate(names):
        inputs.progress("choosing terms", done, len(names))
        choices.append(_choose_term(name, graph, validation, inputs))
    weights = np.ones(1)
    if len(choices) > 1:
        candidates = Candidates.of([choice.term for choice in choices], validation, standard=True)
        weights = fit_weights(candidates, most=len(choices))
        if KERNEL in names:
            weights = towards_paths(candidates.judge, weights, names.index(KERNEL))
    inputs.progress("choosing terms", len(names), len(names))
    return _chosen(choices, weights)


def towards_paths(judge: Judge, weights: NDArray[np.float64], kernel: int) -> NDArray[np.float64]:
    """The weights with PATH_SHARE of their sum on the kernel, unless users lose more than one standard error by it.

    Of blends that validation cannot tell apart, the one whose reasons are paths is worth more.
    """
    others = weights.copy()
    others[kernel] = 0.0
    wanted = PATH_SHARE / (1 - PATH_SHARE) * float(others.sum())
    if weights[kernel] >= wanted:
        return weights
    trial = others.copy()
    trial[kernel] = wanted
    loss = judge(weights) - judge(trial)
    if float(loss.mean()) > float(loss.std()) / np.sqrt(max(len(loss), 1)):
        return weights
    return trial / float(trial.max())


def _chosen(choices: Sequence[Choice], weights: NDArray[np.float64]) -> Chosen:
    kept = [(choice, round(float(weight), 4)) for choice, weight in zip(choices, weights, strict=True) if weight]
    return Chosen(
        {choice.name: choice.plain for choice, _ in kept},
        {choice.name: weight for choice, weight in kept},
        Blend([choice.term for choice, _ in kept], [weight for _, weight in kept]),
        {choice.name: choice.value for choice in choices},
    )


def _choose_term(name: str, graph: Graph, validation: Validation, inputs: Inputs) -> Choice:
    if name == "kernel":
        walks = choose_walks(graph, validation, protected=inputs.use_protected, progress=inputs.progress)
        return _fitted(name, plain_walks(walks), graph, validation, inputs)
    trials = _TRIALS.get(name, _one_trial)(graph)
    best: Choice | None = None
    for plain in trials:
        choice = _fitted(name, plain, graph, validation, inputs)
        if best is None or choice.value > best.value:
            best = choice
    assert best is not None, "there is a trial"
    return best


def _fitted(name: str, plain: Plain, graph: Graph, validation: Validation, inputs: Inputs) -> Choice:
    if name == "lightgcn":
        # Its epochs are chosen as it trains: a refit runs as many.
        term, epochs = fit_network(graph, plain, inputs, lambda found: float(validation.judge(found).mean()))
        plain = {**plain, "epochs": epochs}
    else:
        term = fit_term(name, graph, plain, inputs)
    return Choice(name, plain, term, validation.judge(term))


def _default(name: str, graph: Graph, inputs: Inputs) -> Plain:
    if name == "kernel":
        return plain_walks(starting_walks(graph.schema, inputs.use_protected))
    return {}


def _one_trial(_graph: Graph) -> Iterator[Plain]:
    yield {}


def _spectral_trials(graph: Graph) -> Iterator[Plain]:
    dims = [dim for dim in (768, 512, 256, 128, 64, 32, 16, 8, 4) if dim <= max(4, graph.num_products // 4)]
    for dim in dims[:4]:
        yield {"dim": dim, "max_share": 1.0}


def _ease_trials(_graph: Graph) -> Iterator[Plain]:
    for regularization in (10.0, 50.0, 200.0, 1000.0):
        yield {"regularization": regularization}


def _itemknn_trials(graph: Graph) -> Iterator[Plain]:
    for neighbours in (50, 200):
        for shrinkage in (0.0, 20.0):
            if neighbours == 50 or graph.num_products > 50:
                yield {"neighbours": neighbours, "shrinkage": shrinkage}


#: The configurations that are tried for a term, few enough for minutes on two cores.
_TRIALS: Mapping[str, Callable[[Graph], Iterator[Plain]]] = {
    "spectral": _spectral_trials,
    "ease": _ease_trials,
    "itemknn": _itemknn_trials,
}
