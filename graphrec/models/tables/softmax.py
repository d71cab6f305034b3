"""Softmax regression: a weight of every neighbour for every product, so that what users took is likeliest.

    minimise - sum over users u, held i: 1/d_u log p(i | u without i) + lambda/2 |W|^2
    p(i | u) = softmax over products j that u does not hold of: sum over neighbours a of u: W[a, j]

Neighbours are the holdings but i, the attributes, and everyone. The loss is convex: no seed, no epochs. With one
hidden product per user it is the multinomial logistic regression of what comes next. Who holds one product alone says
what goes with attributes, too: with `singles` they are asked for it.

W[a, j] is 0 where fewer than `min_group` customers have a and hold j, and no question has an answer that so few hold
(support.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.extras import needs_extra
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.models.fitting.config import Count, Positive
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import csr, relevant_hops
from graphrec.models.spec import Fitted, ModelSpec, stronger
from graphrec.models.support import nothing_to_learn, supported, supported_pairs
from graphrec.models.tables.ease import shared_hops
from graphrec.progress import Progress, silent
from graphrec.terms.forms.factors import Neighbours, TableTerm

if TYPE_CHECKING:
    from optuna import Trial
    from scipy.sparse import csr_array

Matrix = NDArray[np.float64]

SINGLES = 0.1
"""Part of the customers who hold one product alone, from which on they are asked for it."""
MOST_SCORES = 10_000_000
"""Held pairs times products up to which a blend tries it: a fit takes hundreds of passes over them, a minute."""


@dataclass(frozen=True)
class SoftmaxConfig:
    """How softmax regression is fitted."""

    regularization: Positive = 1.0
    """lambda, in users."""
    singles: bool = False
    """Whether customers who hold one product alone are asked for it, too."""
    use_protected: bool = False
    """Whether protected edge types are among the attributes."""
    steps: Count = 300
    """L-BFGS steps at most."""
    max_scores: Count = 30_000_000
    """Held pairs times products at most: each step computes all of them (1.3 million on zimnat: .04 s)."""


@dataclass(frozen=True, eq=False)
class Questions:
    """Every held pair as a question: which product is missing here?

    Shapes: X (num_pairs, num_neighbours), held (num_pairs, num_products), answers, weights, owners (num_pairs,), whole
    (num_owners, num_neighbours).
    """

    X: "csr_array"
    held: NDArray[np.bool_]
    answers: NDArray[np.int32]
    weights: Matrix
    owners: NDArray[np.int64]
    """Whose questions they are, ascending: rows of `whole`."""
    whole: "csr_array"
    """What each of these customers has, the answers too."""


def num_scores(graph: Graph, *, singles: bool = False) -> int:
    """How many scores a step computes: held pairs that can be asked for, times products."""
    graph = supported(graph).graph
    return int(graph.held().degrees()[graph.learners(min_held=1 if singles else 2)].sum()) * graph.num_products


def fit_softmax(graph: Graph, config: SoftmaxConfig | None = None, *, progress: Progress = silent) -> TableTerm:
    """The softmax term.

    Raises:
        ModelError: nobody holds two products, or there are more scores than `max_scores`.
    """
    config = config or SoftmaxConfig()
    left = supported(graph)
    seen = left.graph
    check_size("softmax", graph, config.max_scores, singles=config.singles)
    relevant, attributes = relevant_hops(graph), shared_hops(graph, config.use_protected)
    asked = questions(seen, relevant, attributes, graph.held().degrees(), singles=config.singles)
    free = supported_weights(seen, [*relevant, *attributes])
    W = fitted_table(asked, asked.X, asked.whole, free, config.regularization, config.steps, progress)
    hops: list[Hop | None] = [*relevant, *attributes, None]
    widths = [graph.counts[graph.target(hop)] if hop else 1 for hop in hops]
    lefts = np.split(W.astype(np.float32), np.cumsum(widths)[:-1])
    neighbours = [Neighbours(hop, left.rows(hop, part) if hop else part) for hop, part in zip(hops, lefts, strict=True)]
    return TableTerm("softmax", graph, neighbours)


def fitted_table(
    asked: Questions,
    X: "csr_array",
    whole: "csr_array",
    free: NDArray[np.bool_],
    regularization: float,
    steps: int,
    progress: Progress,
) -> Matrix:
    """The weights (num_columns, num_products) under which the answers are likeliest.

    The questions of one customer differ by what goes with the answer alone: its scores are what all columns of the
    customer give, less those of what is left out.

    Args:
        X: the columns of the questions (num_questions, num_columns).
        whole: those of the customers who are asked, the answers too (num_owners, num_columns).
        free: which weights may be other than 0.
    """
    with needs_extra("train", "softmax"):
        from scipy.optimize import minimize
        from scipy.sparse import csr_array

    num_columns, num_products = X.shape[1], asked.held.shape[1]  # pyright: ignore[reportOptionalSubscript]
    places = np.flatnonzero(np.broadcast_to(free, (num_columns, num_products)))
    left_out = whole[asked.owners] - X
    left_out.eliminate_zeros()
    whole_by_column, left_out_by_column = whole.T.tocsr(), left_out.T.tocsr()
    num_questions = len(asked.owners)
    sums = csr_array(
        (np.ones(num_questions), (asked.owners, np.arange(num_questions))),
        (whole.shape[0], num_questions),  # pyright: ignore[reportOptionalSubscript]
    )
    W = np.zeros((num_columns, num_products))
    done = 0

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        W.ravel()[places] = weights
        scores = (whole @ W)[asked.owners]
        scores -= left_out @ W
        value, by_score = _likelihood(asked, scores)
        by_weight = whole_by_column @ (sums @ by_score) - left_out_by_column @ by_score
        slopes = by_weight.ravel()[places] + regularization * weights
        return value + 0.5 * regularization * float(weights @ weights), slopes

    def report(_: Matrix) -> None:
        nonlocal done
        done += 1
        progress("softmax steps", done, None)

    options = {"maxiter": steps, "maxcor": 10, "ftol": 1e-7}
    found = minimize(loss, np.zeros(len(places)), jac=True, method="L-BFGS-B", callback=report, options=options)
    W.ravel()[places] = found.x
    return W


def supported_weights(graph: Graph, hops: list[Hop]) -> NDArray[np.bool_]:
    """Which weights are free (num_neighbours, num_products): of supported pairs, and all of everyone."""
    if graph.schema.roles.min_group <= 1:
        return np.ones((1, 1), np.bool_)
    parts = [csr(supported_pairs(graph, hop), graph.num_products).toarray() > 0 for hop in hops]
    return np.concatenate([*parts, np.ones((1, graph.num_products), np.bool_)])


def check_size(name: str, graph: Graph, most: int, *, singles: bool = False) -> None:
    """Raise a ModelError where there is nothing to learn, or a step computes too many scores.

    Args:
        name: of the model.
        most: scores of a step.
        singles: whether customers who hold one product alone are asked for it.
    """
    scores = num_scores(graph, singles=singles)
    if not scores:
        raise nothing_to_learn(name, graph, "no user holds a product" if singles else "no user holds two products")
    if scores > most:
        raise ModelError(
            f"{name} would compute {scores:,} scores in every step, more than max_scores = {most:,}; "
            "use --model kernel, spectral or lightgcn for data of this size"
        )


def questions(
    graph: Graph, relevant: list[Hop], attributes: list[Hop], degrees: NDArray[np.int64], *, singles: bool = False
) -> Questions:
    """A question for every held pair of learners who hold two products or more; the answer is nowhere in its row.

    Args:
        graph: of `supported`.
        degrees: how many products each customer holds (num_users,), those that too few hold too: of what such products
            leave, one question would weigh as much as all of a customer, and all lists would show who asks it.
        singles: whether learners who hold one product are asked for it.
    """
    from scipy.sparse import csr_array, hstack

    held = graph.held()
    learners = graph.learners(min_held=1 if singles else 2)
    rows, answers = held.expand(learners)
    users = learners[rows]
    of_learners = [csr(graph.hops[hop], graph.num_products, np.float64)[learners] for hop in relevant]
    of_learners += [csr(graph.hops[hop], graph.counts[graph.target(hop)], np.float64)[learners] for hop in attributes]
    whole = csr_array(hstack([*of_learners, csr_array(np.ones((len(learners), 1)))], format="csr"))
    blocks = [_without(block[rows], answers) for block in of_learners[: len(relevant)]]
    blocks += [block[rows] for block in of_learners[len(relevant) :]]
    others = _without(csr(held, graph.num_products, np.float64)[users], answers)
    X = csr_array(hstack([*blocks, csr_array(np.ones((len(users), 1)))], format="csr"))
    return Questions(X, others.toarray() > 0, answers, 1.0 / degrees[users], rows, whole)


def _without(rows: "csr_array", answers: NDArray[np.int32]) -> "csr_array":
    """The rows without the entry of each row's answer."""
    owners = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))  # pyright: ignore[reportOptionalSubscript]
    rows.data[rows.indices == answers[owners]] = 0.0
    rows.eliminate_zeros()
    return rows


def _likelihood(asked: Questions, scores: Matrix) -> tuple[float, Matrix]:
    """The weighted negative log-likelihood and its gradient by the scores (num_pairs, num_products)."""
    rows = np.arange(len(scores))
    scores[asked.held] = -np.inf
    scores -= scores.max(axis=1, keepdims=True)
    right = scores[rows, asked.answers].copy()
    chances = np.exp(scores, out=scores)
    mass = chances.sum(axis=1)
    chances *= (asked.weights / mass)[:, None]
    chances[rows, asked.answers] -= asked.weights
    return float(asked.weights @ (np.log(mass) - right)), chances


def fit(graph: Graph, config: SoftmaxConfig, inputs: Inputs) -> Fitted:
    """The term of the relevant edges, the user's attributes and everyone."""
    return Fitted.of(fit_softmax(graph, config, progress=inputs.progress))


def is_affordable(graph: Graph, _inputs: Inputs) -> bool:
    """Whether a step computes few enough scores for a fit to take a minute."""
    return num_scores(graph) <= MOST_SCORES and (num_scores(graph) > 0 or asks_singles(graph))


def asks_singles(graph: Graph) -> bool:
    """Whether customers who hold one product alone are enough to learn from, and something else is known of them."""
    if not shared_hops(graph, False) or num_scores(graph, singles=True) > MOST_SCORES:
        return False
    degrees = supported(graph).graph.held().degrees()
    return bool((degrees == 1).sum() >= SINGLES * (degrees > 0).sum() > 0)


BEYOND = stronger("regularization", (10.0, 30.0, 100.0))
"""With many attributes or few products the strongest of the trials may be too weak."""


def trials(graph: Graph) -> Iterator[Values]:
    """Regularisations, stronger ones where the strongest is the best; with singles where there is nobody else."""
    singles = {} if num_scores(graph) or not asks_singles(graph) else {"singles": True}
    for regularization in (1.0, 3.0, 10.0):
        yield {"regularization": regularization, **singles}


def instead(graph: Graph, best: Values) -> Iterator[Values]:
    """The same with singles, of whom there are more, where there are enough."""
    if asks_singles(graph) and not best.get("singles"):
        for factor in (1.0, 3.0):
            yield {**best, "regularization": factor * best["regularization"], "singles": True}


def space(trial: "Trial", graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    found: Values = {"regularization": trial.suggest_float("regularization", 0.01, 100.0, log=True)}
    return {**found, "singles": trial.suggest_categorical("singles", [False, True])} if asks_singles(graph) else found


SPEC = ModelSpec(
    name="softmax",
    sentence="Softmax regression: a weight of every holding and attribute for every product.",
    fit=fit,
    config=SoftmaxConfig,
    trials=trials,
    beyond=BEYOND,
    instead=instead,
    space=space,
    is_affordable=is_affordable,
    in_blend=True,
)
