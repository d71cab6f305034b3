"""Choosing configurations and weights on the validation part, never on test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import UsageError
from graphrec.graph.adjacency import Graph
from graphrec.models.kernel import starting_walks
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.training.networks import NETWORKS, fit_network
from graphrec.training.provenance import digest
from graphrec.training.recipes import (
    KERNEL,
    LEARNED,
    NEW,
    PATHS,
    Inputs,
    Plain,
    check_parts,
    fit_learned,
    fit_parts,
    is_affordable,
    plain_walks,
    walks_of,
)
from graphrec.training.search.balance import towards_names, towards_paths
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.newcomers import head_start, with_head_start
from graphrec.training.search.walks import choose_walks
from graphrec.training.search.weights import Weights, fit_weights
from graphrec.training.trials import usual_trials, with_given
from graphrec.training.validation import Validation

#: The parts of a term, with their weights in it.
Parts = list[tuple[Term, float]]

#: What a blend may consist of; a term that does not help gets weight 0 and leaves.
BLEND_TERMS = ("kernel", "learned-kernel", "spectral", "ease", "softmax", "itemknn", "popularity", "lightgcn", "text")
CLEARLY = 2.0
"""Standard errors of the paired difference that a learned kernel must gain to replace the powers."""
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


def terms_of(kind: str) -> tuple[str, ...]:
    """The terms that a model of a kind may consist of."""
    return BLEND_TERMS if kind == "blend" else (kind,)


def check_given(kind: str, given: Mapping[str, Plain]) -> None:
    """Raise a UsageError when values are given for a term that a model of this kind has not."""
    for name in given:
        if name not in terms_of(kind):
            raise UsageError(f"--set {name}.…: model {kind} has no term {name}; it has {', '.join(terms_of(kind))}")


def fixed(kind: str, graph: Graph, inputs: Inputs) -> Chosen:
    """The configuration fixed beforehand for all data; nothing is looked at."""
    weights = FIXED_TERMS if kind == "blend" else {kind: 1.0}
    terms = {name: _default(name, graph, inputs) for name in weights}
    return Chosen(terms, weights, None, {})


def choose(kind: str, graph: Graph, validation: Validation, inputs: Inputs) -> Chosen:
    """The configuration and weights that validation prefers, fitted on the train graph."""
    names = [name for name in terms_of(kind) if kind != "blend" or is_affordable(name, graph, inputs)]
    walks = cache(lambda: _walks(graph, validation, inputs))
    choices = []
    for done, name in enumerate(names):
        inputs.progress("choosing terms", done, len(names))
        choices.append(_choose_term(name, graph, validation, inputs, walks))
    tried = {choice.name: choice.value for choice in choices}
    choices = one_kernel(choices)
    parts = [part for choice in choices for part in choice.parts]
    check_parts(parts)
    weights = np.array([weight for _, weight in parts])
    if len(choices) > 1:
        candidates = Candidates.of([term for term, _ in parts], validation)
        is_path = np.array([choice.name in PATHS for choice in choices for _ in choice.parts])
        is_crowd = np.array([term.is_collaborative for term, _ in parts])
        likely = fit_weights(candidates, most=len(parts))
        weights = towards_paths(candidates.judge, likely, is_path, weights, inputs.path_share)
        weights = towards_names(candidates.judge, weights, is_crowd)
    inputs.progress("choosing terms", len(names), len(names))
    chosen = _chosen(choices, np.round(weights / weights.max(), 4), tried)
    return _with_new(chosen, graph, validation) if kind == "blend" else chosen


def _with_new(chosen: Chosen, graph: Graph, validation: Validation) -> Chosen:
    """The choice with a head start of new products, where validation users took such."""
    assert chosen.blend is not None, "a choice is fitted"
    height = head_start(chosen.blend, graph, validation)
    if not height:
        return chosen
    terms, weights = {**chosen.terms, NEW: {}}, {**chosen.weights, NEW: height}
    return replace(chosen, terms=terms, weights=weights, blend=with_head_start(chosen.blend, graph, height))


def one_kernel(choices: list[Choice]) -> list[Choice]:
    """The choices with one of the two kernels, so that a path is one line: the learned one where it clearly wins."""
    values = {choice.name: choice.values for choice in choices if choice.name in PATHS}
    if len(values) < len(PATHS):
        return choices
    gain = values[LEARNED] - values[KERNEL]
    loser = KERNEL if gain.mean() > CLEARLY * gain.std() / np.sqrt(len(gain)) else LEARNED
    return [choice for choice in choices if choice.name != loser]


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


def _choose_term(name: str, graph: Graph, validation: Validation, inputs: Inputs, walks: Callable[[], Plain]) -> Choice:
    best: Choice | None = None
    for plain in with_given(_trials(name, graph, inputs, walks), inputs.given.get(name, {})):
        choice = judged(name, plain, graph, validation, inputs)
        if best is None or choice.value > best.value:
            best = choice
    assert best is not None, "there is a trial"
    return best


def _trials(name: str, graph: Graph, inputs: Inputs, walks: Callable[[], Plain]) -> Iterator[Plain]:
    if name in PATHS:
        return iter([walks() if name == KERNEL else {**walks(), **inputs.tuned.get(name, {})}])
    if name in inputs.tuned:
        return iter([inputs.tuned[name]])
    return usual_trials(name, graph)


def _walks(graph: Graph, validation: Validation, inputs: Inputs) -> Plain:
    """The walks that both kernels start from."""

    def make() -> Plain:
        return plain_walks(choose_walks(graph, validation, protected=inputs.use_protected, progress=inputs.progress))

    found: Plain = inputs.work.once(f"{inputs.stage}-walks", make)
    return found


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
    given = inputs.given.get(name, {})
    if name == KERNEL:
        return plain_walks(starting_walks(graph.schema, inputs.use_protected))
    if name == LEARNED:
        return {**plain_walks(starting_walks(graph.schema, inputs.use_protected)), "epochs": FIXED_EPOCHS, **given}
    return dict(given)
