"""Choosing configurations and weights on the validation part, never on test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Graph
from graphrec.models.kernel import starting_walks
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.terms.walks import WalkTerm
from graphrec.training.candidates import Candidates
from graphrec.training.networks import NETWORKS, fit_network
from graphrec.training.provenance import digest
from graphrec.training.recipes import (
    LEARNED,
    PATH_SHARE,
    Inputs,
    Plain,
    check_parts,
    fit_learned,
    fit_parts,
    is_affordable,
    plain_walks,
    walks_of,
)
from graphrec.training.validation import Validation
from graphrec.training.walks import choose_walks
from graphrec.training.weights import Weights, fit_weights

#: The metric of every validation user for some weights.
Judge = Callable[[Weights], NDArray[np.float64]]

#: The parts of a term, with their weights in it.
Parts = list[tuple[Term, float]]

#: What a blend may consist of; a term that does not help gets weight 0 and leaves.
BLEND_TERMS = ("kernel", "learned-kernel", "spectral", "ease", "softmax", "itemknn", "popularity", "lightgcn", "text")
KERNEL = "kernel"
"""The term whose score lies on real paths alone; so does the learned one, which starts from the walks of this one."""
PATHS = (KERNEL, LEARNED)
CLEARLY = 2.0
"""Standard errors of the paired difference that a learned kernel must gain to replace the powers."""
PATH_COST = 0.02
"""Part of the metric on validation that the share of paths may cost, or one standard error where that is more."""
CROWD_PARTS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""What is tried as the part of the weight on crowds that stays."""
FIXED_EPOCHS = 5
"""Epochs of a learned kernel without validation."""
FIXED_TERMS = {KERNEL: 1.0, "spectral": 0.5}
"""What `--fixed` blends, fixed beforehand for all data: two thirds on real paths, as the search would have it."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A term fitted on train with the configuration that validation prefers.

    Shapes: values (num_users,), the metric of each validation user when it ranks alone.
    """

    name: str
    plain: Plain
    values: NDArray[np.float64]
    fit: Callable[[], Parts]
    """Gives the parts; fits them first where they were judged before a stop."""

    @property
    def parts(self) -> Parts:
        """What a blend adds, with weights: the walks of a kernel, any other term whole."""
        return self.fit()

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
    weights = FIXED_TERMS if kind == "blend" else {kind: 1.0}
    terms = {name: _default(name, graph, inputs) for name in weights}
    return Chosen(terms, weights, None, {})


def choose(kind: str, graph: Graph, validation: Validation, inputs: Inputs) -> Chosen:
    """The configuration and weights that validation prefers, fitted on the train graph."""
    names = [name for name in BLEND_TERMS if is_affordable(name, graph, inputs)] if kind == "blend" else [kind]
    choices = []
    for done, name in enumerate(names):
        inputs.progress("choosing terms", done, len(names))
        choices.append(_choose_term(name, graph, validation, inputs))
    tried = {choice.name: choice.value for choice in choices}
    choices = one_kernel(choices)
    parts = [part for choice in choices for part in choice.parts]
    check_parts(parts)
    weights = np.array([weight for _, weight in parts])
    if len(choices) > 1:
        candidates = Candidates.of([term for term, _ in parts], validation)
        is_path = np.array([choice.name in PATHS for choice in choices for _ in choice.parts])
        is_crowd = np.array([_is_crowd(term) for term, _ in parts])
        likely = fit_weights(candidates, most=len(parts))
        weights = towards_paths(candidates.judge, likely, is_path, weights, inputs.path_share)
        weights = towards_names(candidates.judge, weights, is_crowd)
    inputs.progress("choosing terms", len(names), len(names))
    return _chosen(choices, np.round(weights / weights.max(), 4), tried)


def one_kernel(choices: list[Choice]) -> list[Choice]:
    """The choices with one of the two kernels, so that a path is one line: the learned one where it clearly wins."""
    values = {choice.name: choice.values for choice in choices if choice.name in PATHS}
    if len(values) < len(PATHS):
        return choices
    gain = values[LEARNED] - values[KERNEL]
    loser = KERNEL if gain.mean() > CLEARLY * gain.std() / np.sqrt(len(gain)) else LEARNED
    return [choice for choice in choices if choice.name != loser]


def towards_paths(
    judge: Judge, weights: Weights, is_path: NDArray[np.bool_], alone: Weights, share: float = PATH_SHARE
) -> Weights:
    """The weights with a share of their sum on paths, where that costs at most PATH_COST or one standard error.

    Where no path has weight, paths come in with those that they have `alone`.
    """
    paths = np.where(is_path, weights if weights[is_path].any() else alone, 0.0)
    others = np.where(is_path, 0.0, weights)
    wanted = share / (1 - share) * others.sum()
    if not paths.any() or weights[is_path].sum() >= wanted:
        return weights
    return _unless_worse(judge, weights, [others + paths * (wanted / paths.sum())], PATH_COST)


def towards_names(judge: Judge, weights: Weights, is_crowd: NDArray[np.bool_]) -> Weights:
    """The weights with as little on what crowds do as costs at most one standard error on validation.

    That somebody holds another product of the same issuer is a reason a person can check; that others hold both says
    the same again, with a number. Where both explain a purchase, the first should get the credit.
    """
    return _unless_worse(judge, weights, [np.where(is_crowd, part * weights, weights) for part in CROWD_PARTS])


def _unless_worse(judge: Judge, weights: Weights, trials: Sequence[Weights], cost: float = 0.0) -> Weights:
    """The first of the trials that is at most one standard error, or this part, of the metric worse; else the weights.

    Source: the one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984.
    """
    now = judge(weights)
    tolerated = now.mean() - max(now.std() / np.sqrt(len(now)), cost * now.mean())
    return next((trial for trial in trials if judge(trial).mean() >= tolerated), weights)


def _is_crowd(term: Term) -> bool:
    """Whether the lines of a part speak of what others do, not of a thing with a name or a text."""
    if isinstance(term, WalkTerm):
        return term.scorers[0].people
    return term.name != "text"


def _chosen(choices: Sequence[Choice], weights: Weights, tried: Mapping[str, float]) -> Chosen:
    """What is kept of the choices with these weights of their parts, one after another."""
    terms, by_name, kept = {}, {}, []
    left = iter(weights.tolist())
    for choice in choices:
        own = [(term, next(left)) for term, _ in choice.parts]
        largest = max((weight for _, weight in own), default=0.0)
        if largest:
            terms[choice.name] = _reweighted(choice, [weight / largest for _, weight in own])
            by_name[choice.name] = largest
            kept += [(term, weight) for term, weight in own if weight]
    return Chosen(terms, by_name, Blend([term for term, _ in kept], [weight for _, weight in kept]), tried)


def _reweighted(choice: Choice, weights: Sequence[float]) -> Plain:
    if choice.name not in PATHS:
        return choice.plain
    walks = zip(walks_of(choice.plain), weights, strict=True)
    return {**choice.plain, **plain_walks([replace(walk, beta=round(weight, 4)) for walk, weight in walks if weight])}


def _choose_term(name: str, graph: Graph, validation: Validation, inputs: Inputs) -> Choice:
    best: Choice | None = None
    for plain in _trials(name, graph, validation, inputs):
        choice = judged(name, plain, graph, validation, inputs)
        if best is None or choice.value > best.value:
            best = choice
    assert best is not None, "there is a trial"
    return best


def _trials(name: str, graph: Graph, validation: Validation, inputs: Inputs) -> Iterator[Plain]:
    if name in PATHS:

        def walks() -> Plain:
            return plain_walks(
                choose_walks(graph, validation, protected=inputs.use_protected, progress=inputs.progress)
            )

        found = inputs.work.once(f"{inputs.stage}-walks", walks)
        return iter([found if name == KERNEL else {**found, **inputs.tuned.get(name, {})}])
    if name in inputs.tuned:
        return iter([inputs.tuned[name]])
    return usual_trials(name, graph)


def usual_trials(name: str, graph: Graph) -> Iterator[Plain]:
    """The configurations of a term (not a kernel) that a search tries where nothing is tuned."""
    return _TRIALS.get(name, _one_trial)(graph)


def judged(name: str, plain: Plain, graph: Graph, validation: Validation, inputs: Inputs) -> Choice:
    """A configuration with the metric of what it fits; what was judged before a stop is not fitted again."""
    fit = cache(lambda: _fitted(name, plain, graph, validation, inputs))

    def judge() -> dict[str, Any]:
        found, parts = fit()
        values = validation.judge(Blend(*zip(*parts, strict=True))) if parts else np.zeros(len(validation))
        return {"plain": dict(found), "values": values.tolist()}

    done = inputs.work.once(f"{inputs.stage}-{name}-{digest(dict(plain))}", judge)
    return Choice(name, done["plain"], np.array(done["values"]), lambda: fit()[1])


def _fitted(name: str, plain: Plain, graph: Graph, validation: Validation, inputs: Inputs) -> tuple[Plain, Parts]:
    if name in NETWORKS:
        # Its epochs are chosen as it trains: a refit runs as many.
        term, epochs = fit_network(name, graph, plain, inputs, lambda found: float(validation.judge(found).mean()))
        return {**plain, "epochs": epochs}, [(term, 1.0)]
    if name == LEARNED:
        parts, epochs = fit_learned(graph, plain, inputs, lambda found: float(validation.judge(found).mean()))
        return {**plain, "epochs": epochs}, parts
    return plain, fit_parts(name, graph, plain, inputs)


def _default(name: str, graph: Graph, inputs: Inputs) -> Plain:
    if name == KERNEL:
        return plain_walks(starting_walks(graph.schema, inputs.use_protected))
    if name == LEARNED:
        return {**plain_walks(starting_walks(graph.schema, inputs.use_protected)), "epochs": FIXED_EPOCHS}
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


#: The configurations that are tried for a term, few enough for minutes on two cores.
_TRIALS: Mapping[str, Callable[[Graph], Iterator[Plain]]] = {
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
