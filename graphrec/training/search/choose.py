"""Choosing configurations and weights on the validation part, never on test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError, NothingToLearn
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.digests import digest
from graphrec.models.general.diversification import SPEC as DIVERSIFICATION
from graphrec.models.general.diversification import block_of, fit_diversification
from graphrec.models.general.newness import SPEC as NEWNESS
from graphrec.models.general.profit import SPEC as PROFIT
from graphrec.models.general.profit import fit_profit
from graphrec.models.general.rejection import SPEC as REJECTION
from graphrec.models.inputs import Inputs, Values
from graphrec.models.registry import BLEND, has_inputs, is_affordable, models, parts_of_kind
from graphrec.models.spec import ModelSpec
from graphrec.models.walks.kernel import WalkConfig, plain_walks, starting_walks
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import Configuration
from graphrec.terms.walks import Walk
from graphrec.training.assemble import Parts, check_parts, fit_model
from graphrec.training.overrides import trials_of
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.folds import Folds, chances, crossed, mean_weights, no_folds, refitted
from graphrec.training.search.half_life import choose_half_lives, given_half_lives, open_types
from graphrec.training.search.newcomers import head_start, with_head_start
from graphrec.training.search.rejections import PARTS, choose_rejections
from graphrec.training.search.remembered import Remembered
from graphrec.training.search.walks import choose_walks
from graphrec.training.search.weights import (
    Evaluate,
    Weights,
    fit_weights,
    is_ahead,
    standard_error,
    towards_names,
    towards_paths,
)
from graphrec.training.validation import Validation

CLEARLY = 2.0
"""Standard errors of the paired difference that a model must gain to replace the one it stands for."""
FIXED_PARTS = (0.75, 0.5, 0.25)
"""What is tried as the part of the weight that is fixed beforehand, where validation is not sure."""
MOSTLY = 0.5
"""How often a sum must be the best to be taken alone."""


@dataclass(frozen=True, eq=False)
class Choice:
    """A term fitted on train with the configuration that validation prefers."""

    spec: ModelSpec[Any]
    plain: Values
    """Of its configuration."""
    value: float
    """The metric alone, on the users that configurations are chosen on."""
    fit: Callable[[], Parts]
    """Gives the parts; fits them first where they were evaluated before a stop."""
    judge: Callable[[], NDArray[np.float64]]
    """Gives the metric of each validation user (num_users,) when it ranks alone."""

    @property
    def name(self) -> str:
        """Of the model."""
        return self.spec.name

    @property
    def parts(self) -> Parts:
        """What a blend adds, with weights: the walks of a kernel, any other term whole."""
        return self.fit()

    @property
    def values(self) -> NDArray[np.float64]:
        """The metric of each validation user (num_users,) when it ranks alone."""
        return self.judge()


@dataclass(frozen=True, eq=False)
class Chosen:
    """A whole model chosen on validation, as fitted on train."""

    terms: Mapping[str, Values]
    weights: Mapping[str, float]
    blend: Blend | None
    """None where nothing was fitted because nothing was chosen."""
    tried: Mapping[str, float]
    """The metric of every term alone, those that were left out too."""
    half_lives: Mapping[str, float] = field(default_factory=dict)
    """By interaction type, in days; what is not in it does not fade."""
    notes: tuple[str, ...] = ()
    """What could not be tried."""

    def configuration(self) -> Configuration:
        """Everything that a refit needs."""
        return Configuration({name: dict(one) for name, one in self.terms.items()}, self.weights, self.half_lives)


def fixed(kind: str, graph: Graph, inputs: Inputs) -> Chosen:
    """The configuration fixed beforehand for all data; nothing is looked at."""
    specs = [spec for spec in parts_of_kind(kind) if kind != BLEND or is_affordable(spec, graph, inputs)]
    weights = {spec.name: spec.fixed_weight for spec in specs if spec.fixed_weight} if kind == BLEND else {kind: 1.0}
    terms = {name: _default(models()[name], graph, inputs) for name in weights}
    return Chosen(terms, weights, None, {}, given_half_lives(graph.schema))


def choose(kind: str, graph: Graph, validation: Validation, inputs: Inputs, folds: Folds = no_folds) -> Chosen:
    """The configuration and weights that validation prefers, fitted on the train graph.

    Args:
        kind: of model: the blend or one of the registry.
        graph: the train graph.
        validation: users with something to find.
        inputs: of the fits.
        folds: other validation parts, which are asked how models are added up.

    Raises:
        NothingToLearn: no model of the kind learns anything from the graph.
    """
    graph = graph.fading(given_half_lives(graph.schema))
    specs, left_out = _tried(kind, graph, inputs)
    choices, failures = _fitted(specs, graph, validation, inputs)
    if not choices:
        raise failures[0]
    tried = {choice.name: float(choice.values.mean()) for choice in choices}
    choices = without_trend(without_replaced(choices))
    parts = [part for choice in choices for part in choice.parts]
    check_parts(parts)
    weights = np.array([weight for _, weight in parts])
    terms = [term for term, _ in parts]
    fades = any(Hop(name) in term.first_hops for name in open_types(graph, inputs.use_protected) for term in terms)
    weighing = validation.part(validation.halves()[1])
    candidates = Candidates.of(terms, weighing) if len(choices) > 1 or fades else None
    half_lives: Mapping[str, float] = given_half_lives(graph.schema)
    notes = [f"left out: {str(error).partition(';')[0]}" for error in failures]
    if left_out:
        names = ", ".join(spec.name for spec in left_out)
        notes.append(f"not tried, too large for a quick choice or nothing to learn from: {names}; --thorough tries all")
    if len(choices) > 1 and candidates is not None:
        likely = fit_weights(candidates, most=len(parts))
        faded = choose_half_lives(
            graph, terms, likely, candidates, protected=inputs.use_protected, progress=inputs.progress
        )
        half_lives = faded.half_lives
        choices, kept = _within_reach(choices, faded.weights)
        candidates = candidates.only(np.flatnonzero(kept))
        added, said = _added(choices, candidates, faded.weights[kept], half_lives, inputs, folds)
        weights, notes = added, notes + said
    elif candidates is not None:
        half_lives = choose_half_lives(
            graph, terms, weights, candidates, refit=False, protected=inputs.use_protected, progress=inputs.progress
        ).half_lives
    inputs.progress("choosing terms", len(specs), len(specs))
    chosen = _chosen(choices, np.round(weights / weights.max(), 4), tried, graph.fading(half_lives))
    chosen = replace(chosen, half_lives=half_lives, notes=tuple(notes))
    if kind != BLEND:
        return chosen
    chosen = _with_rejections(chosen, graph, weighing, inputs)
    chosen = _with_diversification(chosen, graph, weighing, inputs)
    return _with_new(_with_profit(chosen, graph, inputs), graph, weighing)


def _within_reach(choices: list[Choice], likely: Weights) -> tuple[list[Choice], NDArray[np.bool_]]:
    """The choices that have a weight or that the best one is not clearly ahead of; which parts are theirs."""
    best = max(choices, key=lambda one: float(one.values.mean()))
    kept, is_theirs, start = list[Choice](), np.zeros(len(likely), np.bool_), 0
    for choice in choices:
        span = slice(start, start + len(choice.parts))
        lead, start = best.values - choice.values, span.stop
        is_near = bool(choice.parts) and lead.mean() <= CLEARLY * standard_error(lead)
        if is_near or likely[span].any():
            kept.append(choice)
            is_theirs[span] = True
    return kept, is_theirs


def _added(
    choices: list[Choice],
    candidates: Candidates,
    likely: Weights,
    half_lives: Mapping[str, float],
    inputs: Inputs,
    folds: Folds,
) -> tuple[Weights, list[str]]:
    """The weights of all parts, and how they were found.

    The sum is taken where it is the best in more than half of the draws, by weights that other customers prefer, unless
    the mean of the models and the sum is ahead of it; else each model, and the sum, counts by how often it is the best.

    Args:
        choices: of which parts are added.
        candidates: their scores on validation.
        likely: their likeliest weights there.
        half_lives: with which they are fitted for folds.
        inputs: of the fits.
        folds: other validation parts.
    """
    terms = {choice.name: choice.plain for choice in choices}
    own = Configuration({name: dict(one) for name, one in terms.items()}, dict.fromkeys(terms, 1.0), half_lives)
    found = [refitted(fold, own, len(likely)) for fold in (folds() if len(choices) > 1 else ())]
    others = [one for one in found if one is not None]
    judges = [candidates, *others]

    def evaluate(weights: Weights) -> NDArray[np.float64]:
        return np.concatenate([judge.evaluate(weights) for judge in judges])

    is_path = np.array([choice.spec.on_paths for choice in choices for _ in choice.parts])
    of_others = np.array([term.is_collaborative for choice in choices for term, _ in choice.parts])
    plain = np.array([weight for choice in choices for _, weight in choice.parts])
    owner = np.repeat(np.arange(len(choices)), [len(choice.parts) for choice in choices])
    alone = [np.where(owner == n, plain, 0.0) / plain[owner == n].sum() for n in range(len(choices))]
    likely = mean_weights(likely, others)
    rivals = [*alone, likely]
    names = [*(choice.name for choice in choices), "their sum"]
    best = chances(np.stack([*(evaluate(one) for one in alone), crossed(judges, likely)]))
    apart = np.asarray(best @ np.stack(rivals))
    notes = _of_parts(choices, alone, judges)
    before = _fixed_beforehand([choice.spec for choice in choices], alone)
    preferred = towards_paths(evaluate, likely, is_path, plain, inputs.path_share)
    preferred = towards_names(evaluate, preferred, of_others)
    said = ", ".join(f"{name} {chance:.0%}" for name, chance in zip(names, best, strict=False) if chance)
    if best[-1] > MOSTLY:
        weights = _of_sums(evaluate, likely, preferred, apart)
        if weights is apart:
            notes.append(f"their sum is behind the mean of what may be the best, which is taken: {said}")
            return _towards_fixed(evaluate, apart, before, notes)
        return weights, [*notes, *_price(evaluate, likely, weights, candidates.validation.metric)]
    if (best > 0).sum() == 1:
        name = names[int(np.argmax(best))]
        return apart, [*notes, f"no sum is better than {name} alone, which stands alone"]
    notes.append(f"nothing is clearly the best, so each counts by how often it is: {said}")
    return _towards_fixed(evaluate, apart, before, notes)


def _fixed_beforehand(specs: Sequence[ModelSpec[Any]], alone: Sequence[Weights]) -> Weights:
    """The weights of the blend of `--fixed`, with sum 1; all 0 where the model that leads it is not among them.

    Args:
        specs: of the models that are added.
        alone: the weights of all parts when each ranks alone.
    """
    fixed = np.array([spec.fixed_weight for spec in specs])
    leading = max(spec.fixed_weight for spec in models().values())
    return np.asarray(fixed / fixed.sum() @ np.stack(alone) if fixed.max() == leading else np.zeros(len(alone[0])))


def _towards_fixed(
    evaluate: Evaluate, weights: Weights, before: Weights, notes: list[str]
) -> tuple[Weights, list[str]]:
    """Weights of which validation is not sure, with a part of those fixed beforehand for all data, where it is no loss.

    Where several models may be the best, what is known beforehand counts too.

    Args:
        evaluate: gives the metric of each user.
        weights: the mean of what may be the best, with sum 1.
        before: the weights fixed beforehand, with sum 1; all 0 where there are none.
        notes: what was said so far.
    """
    if not before.any():
        return weights, notes
    own = float(evaluate(weights).mean())
    for part in FIXED_PARTS:
        mixed = (1 - part) * weights + part * before
        if float(evaluate(mixed).mean()) >= own:
            said = f"{part:.0%} of the weight is as fixed beforehand for all data, of which validation sees no loss"
            return mixed, [*notes, said]
    return weights, notes


def _of_sums(evaluate: Evaluate, likely: Weights, preferred: Weights, apart: Weights) -> Weights:
    """What is taken of a sum that is mostly the best: with better reasons, unless the mean by chances is ahead of that.

    A likelihood asks what customers take among all products, the metric what they find on top: a model that likelihood
    gives nothing beside others may still rank best alone, and counts in the mean.

    Args:
        evaluate: gives the metric of each user.
        likely: the likeliest weights.
        preferred: these with more on paths and named things.
        apart: the mean of the models alone and of `likely`, by how often each is the best.
    """
    if not is_ahead(evaluate, apart, preferred):
        return preferred
    return apart if is_ahead(evaluate, apart, likely) else likely


def _of_parts(choices: Sequence[Choice], alone: Sequence[Weights], judges: Sequence[Candidates]) -> list[str]:
    """What is said of several validation parts: how many, and where another model leads."""
    if len(judges) == 1:
        return []
    leads = [int(np.argmax([float(judge.evaluate(one).mean()) for one in alone])) for judge in judges]
    names = ", ".join(choices[lead].name for lead in leads)
    agree = "agree on the best model" if len(set(leads)) == 1 else "do not agree on the best model"
    return [f"weights are the mean over {len(judges)} validation parts, which {agree} ({names})"]


def _tried(kind: str, graph: Graph, inputs: Inputs) -> tuple[list[ModelSpec[Any]], list[ModelSpec[Any]]]:
    """The models that are tried, and those that are left out and would be tried by a thorough choice."""
    specs = list(parts_of_kind(kind))
    if kind != BLEND:
        return specs, []
    tried = [spec for spec in specs if is_affordable(spec, graph, inputs)]
    open_ones = [spec for spec in specs if spec not in tried and has_inputs(spec, graph, inputs)]
    return ([*tried, *open_ones], []) if inputs.thorough else (tried, open_ones)


def _fitted(
    specs: Sequence[ModelSpec[Any]], graph: Graph, validation: Validation, inputs: Inputs
) -> tuple[list[Choice], list[ModelError]]:
    """The best of each model, and why some have none."""
    walks = cache(lambda: _walks(graph, validation, inputs))
    choices, failures = list[Choice](), list[ModelError]()
    for done, spec in enumerate(specs):
        inputs.progress("choosing terms", done, len(specs))
        try:
            choices.append(_choose_model(spec, graph, validation, inputs, walks))
        except NothingToLearn as error:
            failures.append(error)
        except ModelError as error:
            # What is tried in spite of its size may still be too large.
            if not inputs.thorough or len(specs) == 1:
                raise
            failures.append(error)
    return choices, failures


def _price(evaluate: Evaluate, likely: Weights, preferred: Weights, metric: str) -> list[str]:
    """What reasons that a person can check cost of the metric, where anything was done for them."""
    before, after = (float(evaluate(weights).mean()) for weights in (likely, preferred))
    if after >= before:
        return []
    said = f"{metric} of validation {after:.4f} instead of {before:.4f} ({after / before - 1:+.2%})"
    return [f"more weight on real paths and named things than is likeliest: {said}; --path-share 0 leaves paths alone"]


def _with_rejections(chosen: Chosen, graph: Graph, validation: Validation, inputs: Inputs) -> Chosen:
    """The choice with what speaks against products that are like rejected ones, where that helps."""
    assert chosen.blend is not None, "a choice is fitted"
    found = choose_rejections(
        chosen.blend, graph, validation, chosen.half_lives, protected=inputs.use_protected
    )  # fmt: skip
    if found is None:
        return chosen
    terms, weights = {**chosen.terms, REJECTION.name: {}}, {**chosen.weights, REJECTION.name: found.weight}
    blend = Blend([*chosen.blend.terms, found.term], [*chosen.blend.weights, found.weight])
    half_lives = {**chosen.half_lives, **found.half_lives}
    return replace(chosen, terms=terms, weights=weights, blend=blend, half_lives=half_lives)


def _with_diversification(chosen: Chosen, graph: Graph, validation: Validation, inputs: Inputs) -> Chosen:
    """The choice with how products move with what is held: by the bank's weight, else where validation gains."""
    assert chosen.blend is not None, "a choice is fitted"
    block = block_of(inputs)
    term = None if block is None else fit_diversification(graph, block)
    if term is None:
        return chosen
    whole, wanted = sum(chosen.blend.weights), inputs.overrides.get(DIVERSIFICATION.name, {}).get("weight")
    remembered = Remembered(chosen.blend, validation.num_scores)
    weight, best = 0.0, validation.evaluate(remembered)
    for part in PARTS if wanted is None else ():
        tried = round(part * whole, 4)
        values = validation.evaluate(remembered.plus(term, tried))
        if values.mean() > best.mean():
            weight, best = tried, values
    if wanted is not None:
        weight = round(float(wanted) * whole, 4)
    if not weight:
        said = "diversification: validation gains nothing by it, so it has no weight; --set diversification.weight=0.2"
        return replace(chosen, notes=(*chosen.notes, f"{said} sets one"))
    blend = Blend([*chosen.blend.terms, term], [*chosen.blend.weights, weight])
    terms, weights = {**chosen.terms, DIVERSIFICATION.name: {}}, {**chosen.weights, DIVERSIFICATION.name: weight}
    return replace(chosen, terms=terms, weights=weights, blend=blend)


def _with_profit(chosen: Chosen, graph: Graph, inputs: Inputs) -> Chosen:
    """The choice with what past prices let expect, by the bank's weight alone: validation is never asked."""
    assert chosen.blend is not None, "a choice is fitted"
    given = inputs.overrides.get(PROFIT.name, {})
    part, block = float(given.get("weight") or 0.0), block_of(inputs)
    if not part:
        return chosen
    learner = str(given.get("learner", "ridge"))
    term = None if block is None else fit_profit(graph, block, learner)
    if term is None:
        said = "profit: there is no block portfolio, or there are prices of fewer than 294 days; it has no weight"
        return replace(chosen, notes=(*chosen.notes, said))
    weight = round(part * sum(chosen.blend.weights), 4)
    blend = Blend([*chosen.blend.terms, term], [*chosen.blend.weights, weight])
    terms = {**chosen.terms, PROFIT.name: {"learner": learner}}
    said = (
        "profit: lists follow what past prices let expect; the past is no promise, and no customer reads it as a reason"
    )
    return replace(
        chosen, terms=terms, weights={**chosen.weights, PROFIT.name: weight}, blend=blend,
        notes=(*chosen.notes, said),
    )  # fmt: skip


def _with_new(chosen: Chosen, graph: Graph, validation: Validation) -> Chosen:
    """The choice with a head start of new products, where validation users took such."""
    assert chosen.blend is not None, "a choice is fitted"
    height = head_start(chosen.blend, graph, validation)
    if not height:
        return chosen
    terms, weights = {**chosen.terms, NEWNESS.name: {}}, {**chosen.weights, NEWNESS.name: height}
    return replace(chosen, terms=terms, weights=weights, blend=with_head_start(chosen.blend, graph, height))


def without_trend(choices: list[Choice]) -> list[Choice]:
    """The choices without what was taken lately, where the best of all is clearly ahead of that alone.

    It says the same to everybody, and why one customer takes a product is said by the others: it is added where it
    decides much, not wherever it adds a little.
    """
    best = max(choices, key=lambda one: float(one.values.mean()))
    leads = [best.values - one.values for one in choices if one.spec.needs_times]
    if any(lead.mean() <= CLEARLY * standard_error(lead) for lead in leads):
        return choices
    return [choice for choice in choices if not choice.spec.needs_times]


def without_replaced(choices: list[Choice]) -> list[Choice]:
    """The choices with one of each pair of which one replaces the other: the replacing one where it clearly wins.

    With one of the two kernels a path is one line.
    """
    by_name = {choice.name: choice for choice in choices}
    losers = set()
    for choice in choices:
        other = by_name.get(choice.spec.replaces or "")
        if other is not None:
            gain = choice.values - other.values
            wins = gain.mean() > CLEARLY * gain.std() / np.sqrt(len(gain))
            losers.add(other.name if wins else choice.name)
    return [choice for choice in choices if choice.name not in losers]


def _chosen(choices: Sequence[Choice], weights: Weights, tried: Mapping[str, float], graph: Graph) -> Chosen:
    """What is kept of the choices with these weights of their parts, one after another, on the graph that fades."""
    terms, by_name, kept = {}, {}, []
    left = iter(weights.tolist())
    for choice in choices:
        own = [(term.reading(graph), next(left)) for term, _ in choice.parts]
        largest = max((weight for _, weight in own), default=0.0)
        if largest:
            terms[choice.name] = _reweighted(choice, [weight / largest for _, weight in own])
            by_name[choice.name] = largest
            kept += [(term, weight) for term, weight in own if weight]
    return Chosen(terms, by_name, Blend([term for term, _ in kept], [weight for _, weight in kept]), tried)


def _reweighted(choice: Choice, weights: Sequence[float]) -> Values:
    if not choice.spec.has_walks:
        return choice.plain
    walks = zip(_read_walks(choice.plain), weights, strict=True)
    return {**choice.plain, **plain_walks([replace(walk, beta=round(weight, 4)) for walk, weight in walks if weight])}


def _read_walks(values: Values) -> list[Walk]:
    """The walks that `plain_walks` described."""
    return [WalkConfig(one["walk"], tuple(one["powers"]), one["beta"]).read() for one in values["walks"]]


def _choose_model(
    spec: ModelSpec[Any], graph: Graph, validation: Validation, inputs: Inputs, walks: Callable[[], Values]
) -> Choice:
    best: Choice | None = None
    for values in trials_of(spec, _usual(spec, graph, inputs, walks), inputs.overrides):
        choice = evaluated(spec, values, graph, validation, inputs)
        if best is None or choice.value > best.value:
            best = choice
    assert best is not None, "there is a trial"
    while (further := _beyond(spec, best, inputs)) is not None:
        choice = evaluated(spec, further, graph, validation, inputs)
        if choice.value <= best.value:
            break
        best = choice
    return best if spec.name in inputs.tuned else _instead(spec, best, graph, validation, inputs)


def _instead(spec: ModelSpec[Any], best: Choice, graph: Graph, validation: Validation, inputs: Inputs) -> Choice:
    """The best of what is tried beside the best trial, where it gains more than an error; tried while it is better."""
    found = best
    for values in trials_of(spec, spec.instead(graph, best.plain), inputs.overrides):
        if values == best.plain:
            continue
        choice = evaluated(spec, values, graph, validation, inputs)
        if choice.value <= found.value:
            break
        found = choice
    gain = found.values - best.values
    return found if gain.mean() > standard_error(gain) else best


def _beyond(spec: ModelSpec[Any], best: Choice, inputs: Inputs) -> Values | None:
    """What is tried beyond the best trial; nothing where `graphrec tune` or the command line has set it."""
    if spec.name in inputs.tuned:
        return None
    found = spec.beyond(best.plain)
    whole = None if found is None else {**found, **inputs.overrides.get(spec.name, {})}
    return None if whole == best.plain else whole


def _usual(spec: ModelSpec[Any], graph: Graph, inputs: Inputs, walks: Callable[[], Values]) -> Iterator[Values]:
    tuned = inputs.tuned.get(spec.name)
    if spec.has_walks:
        return iter([{**walks(), **(tuned or {})}])
    return spec.trials(graph) if tuned is None else iter([tuned])


def _walks(graph: Graph, validation: Validation, inputs: Inputs) -> Values:
    """The walks that kernels start from."""

    def make() -> Values:
        choosing = validation.part(validation.halves()[0])
        return plain_walks(choose_walks(graph, choosing, protected=inputs.use_protected, progress=inputs.progress))

    found: Values = inputs.work.once(f"{inputs.stage}-walks", make)
    return found


def evaluated(spec: ModelSpec[Any], values: Values, graph: Graph, validation: Validation, inputs: Inputs) -> Choice:
    """A configuration with the metric of what it fits; what was evaluated before a stop is not fitted again.

    Args:
        spec: of the model.
        values: of its configuration.
        graph: the train graph.
        validation: users with something to find.
        inputs: of the fit; the best epoch of a fit by epochs is chosen as it trains, and a refit runs as many.

    Returns:
        The choice; its parts are fitted, and all users asked, when that is wanted.
    """
    choosing = validation.part(validation.halves()[0])
    key = f"{inputs.stage}-{spec.name}-{digest(dict(values))}"
    inputs = replace(inputs, evaluate=lambda found: float(choosing.evaluate(found).mean()))

    @cache
    def fit() -> tuple[Values, Parts]:
        fitted = fit_model(spec.name, graph, values, inputs)
        return values if fitted.epochs is None else {**values, "epochs": fitted.epochs}, fitted.parts

    def metric(users: Validation) -> NDArray[np.float64]:
        parts = fit()[1]
        return users.evaluate(Blend(*zip(*parts, strict=True))) if parts else np.zeros(len(users))

    def evaluate() -> dict[str, Any]:
        value = float(metric(choosing).mean())
        return {"plain": dict(fit()[0]), "value": value}

    @cache
    def judge() -> NDArray[np.float64]:
        return np.array(inputs.work.once(f"{key}-all", lambda: metric(validation).tolist()))

    done = inputs.work.once(key, evaluate)
    return Choice(spec, done["plain"], done["value"], lambda: fit()[1], judge)


def _default(spec: ModelSpec[Any], graph: Graph, inputs: Inputs) -> Values:
    own = {**(spec.fixed or {}), **inputs.overrides.get(spec.name, {})}
    if spec.has_walks:
        return {**plain_walks(starting_walks(graph.schema, inputs.use_protected)), **own}
    return own
