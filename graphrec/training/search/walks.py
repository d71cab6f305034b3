"""Choosing the walks of a kernel, their powers and weights: a few dozen numbers, on validation only."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.threads import compiled_threads
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.progress import Progress, silent
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk, WalkTerm
from graphrec.training.search.candidates import Candidates
from graphrec.training.search.weights import fit_weights, log_likelihood, standard_error
from graphrec.training.validation import Validation

MOST_WALKS = 12
"""Walks in a kernel at most: more are hard to read and gain little."""
STARTS = ((0.7, 0.6, 0.3), (0.5, 0.4, 0.3), (0.5, 1.0, 0.5), (0.9, 0.7, 0.65))
"""Powers that the strongest walk of three hops starts from; tuned ones of several data sets."""
WORTH = 2.0
"""Log-likelihood that a step must gain: less is not worth its time."""
STEPS = (0.2, 0.1)
"""How far a power is moved, first and then."""


def choose_walks(
    graph: Graph, validation: Validation, *, protected: bool = False, progress: Progress = silent
) -> list[Walk]:
    """The walks that help, with powers and a beta each, the largest 1; empty when no walk reaches a product.

    These few numbers are chosen on all that people have in common, where one validation part says most; what is fitted
    with them keeps to `min_group`, and a walk that then says nothing is not among them.
    """
    every = replace(graph, schema=replace(graph.schema, roles=replace(graph.schema.roles, min_group=1)))
    with compiled_threads(validation.num_scores):
        walks = [walk for walk in starting_walks(graph.schema, protected) if _alone(graph, walk).scorers]
        return _choose(every, validation, walks, progress)


def _choose(graph: Graph, validation: Validation, walks: list[Walk], progress: Progress) -> list[Walk]:
    single = {walk: _alone(graph, walk) for walk in walks}
    walks = [walk for walk in walks if single[walk].scorers]
    if not walks:
        return []
    progress("choosing walks", 0, None)
    candidates = Candidates.of([single[walk] for walk in walks], validation)
    betas = fit_weights(candidates, most=MOST_WALKS)
    kept = np.flatnonzero(betas)
    # The strongest first: its powers decide most.
    kept = kept[np.argsort(-betas[kept], kind="stable")]
    chosen = candidates.only(kept)
    begun = _weighted([walks[n] for n in kept], betas[kept])
    if not candidates.is_whole:
        return _best_start(graph, validation, begun)
    tuned = _tune_powers(graph, chosen, [walks[n] for n in kept], betas[kept], progress)
    tuned = _weighted(tuned, fit_weights(chosen, most=MOST_WALKS))
    lost = _metric(graph, validation, begun) - _metric(graph, validation, tuned)
    return begun if lost.mean() > standard_error(lost) else tuned


def _best_start(graph: Graph, validation: Validation, walks: list[Walk]) -> list[Walk]:
    """The walks with those of STARTS for the strongest that the metric prefers.

    Of a large catalogue the likelihood sees the products that the first powers rank high; what other powers raise may
    not be among them (gowalla: nDCG .138 with the first powers, .119 with those of the likelihood).
    """
    if len(walks[0].powers) != len(STARTS[0]):
        return walks
    trials = [walks, *([replace(walks[0], powers=powers), *walks[1:]] for powers in STARTS)]
    return max(trials, key=lambda trial: float(_metric(graph, validation, trial).mean()))


def _weighted(walks: Sequence[Walk], betas: NDArray[np.float64]) -> list[Walk]:
    """The walks that have a weight, the largest 1."""
    pairs = zip(walks, betas / betas.max(), strict=True)
    return [replace(walk, beta=round(float(beta), 4)) for walk, beta in pairs if beta]


def _metric(graph: Graph, validation: Validation, walks: Sequence[Walk]) -> NDArray[np.float64]:
    """The metric of each user when the walks are added."""
    return validation.evaluate(Blend([_alone(graph, walk) for walk in walks], [walk.beta for walk in walks]))


def _tune_powers(
    graph: Graph, chosen: Candidates, walks: Sequence[Walk], betas: np.ndarray, progress: Progress
) -> list[Walk]:
    """The walks with powers after coordinate steps; `chosen` holds their scores afterwards."""
    walks = list(walks)
    best = log_likelihood(chosen, betas)
    tried = 0

    def attempt(position: int, powers: tuple[float, ...]) -> bool:
        nonlocal best, tried
        tried += 1
        progress("tuning walks", tried, None)
        trial = replace(walks[position], powers=powers)
        before = chosen.values[position].copy()
        chosen.put(position, _alone(graph, trial))
        found = log_likelihood(chosen, betas)
        if found > best + WORTH:
            best, walks[position] = found, trial
            return True
        chosen.values[position] = before
        return False

    if len(walks[0].powers) == len(STARTS[0]):
        for start in STARTS:
            attempt(0, start)
    for position in range(len(walks)):
        for step in STEPS:
            _coordinate_steps(walks, position, step, attempt)
    return walks


def _coordinate_steps(
    walks: list[Walk], position: int, step: float, attempt: Callable[[int, tuple[float, ...]], bool]
) -> None:
    """Move one power of a walk at a time, as long as a move is kept."""
    moved = True
    while moved:
        moved = False
        for place in range(len(walks[position].powers)):
            for change in (step, -step):
                powers = list(walks[position].powers)
                powers[place] = round(min(max(powers[place] + change, 0.0), 1.5), 3)
                if powers[place] != walks[position].powers[place] and attempt(position, tuple(powers)):
                    moved = True
                    break


def _alone(graph: Graph, walk: Walk) -> WalkTerm:
    return fit_kernel(graph, [replace(walk, beta=1.0)])
