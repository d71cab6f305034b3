"""What the user's own columns say: ridge regression of who holds what on age, segment, income and the like.

    minimise |Y - X B|^2 + lambda |B|^2,  score(u, i) = <x_u, B_i>

X (num_users, width) is the block `columns` of users, less its mean over users who hold something; Y says who holds
what, less the mean. What everyone holds says nothing here. B[c, i] is 0 where fewer than `min_group` customers have c
and hold i. No row of a customer is in the model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Graph
from graphrec.models.fitting.config import Positive
from graphrec.models.inputs import Inputs, Values
from graphrec.models.matrix import holdings
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.models.support import nothing_to_learn, supported
from graphrec.terms.forms.factors import FactorTerm, Neighbours, Own, with_rows

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class ProfileConfig:
    """How the regression is fitted."""

    regularization: Positive = 100.0
    """lambda, in users."""


def fit_profile(graph: Graph, config: ProfileConfig, inputs: Inputs) -> FactorTerm:
    """The term of the block `columns` of users.

    Raises:
        ModelError: users have no such block, or nobody holds anything.
    """
    user = graph.schema.roles.user
    matrices = inputs.blocks.matrices("columns")
    if user not in matrices:
        raise ModelError(
            f"model profile needs the block `columns` of {user}, and there is none; "
            f"load columns of {user} that are neither personal nor protected, give --blocks columns where it was left "
            "out, or run: graphrec train"
        )
    seen, least = supported(graph).graph, graph.schema.roles.min_group
    held = holdings(seen, np.float64)
    learners = np.flatnonzero(graph.held().degrees())
    if not len(learners):
        raise nothing_to_learn("profile", graph, "no user holds a product")
    block = next(one for one in inputs.blocks if (one.name, one.label) == ("columns", user))
    has = block.matrix != 0
    centre = block.matrix[learners].mean(axis=0, dtype=np.float64)
    X = np.where(has.any(axis=1)[:, None], block.matrix - centre, 0.0)
    X[:, has[learners].sum(axis=0) < least] = 0.0
    Y = held[learners]
    mean = np.asarray(Y.mean(axis=0)).ravel()
    mine = X[learners]
    gram = mine.T @ mine + config.regularization * np.eye(X.shape[1])
    # X has mean 0, so that the mean of Y leaves the right side.
    B = np.linalg.solve(gram, (Y.T @ mine).T - mine.sum(axis=0)[:, None] * mean[None, :])
    if least > 1:
        both = (Y.T @ has[learners].astype(np.float64)).T
        B[both < least] = 0.0
    own = Neighbours(None, Own(block.digest, centre.astype(np.float32)), kind="attribute")
    right = np.ascontiguousarray(B.T, np.float32)
    seen_by = with_rows(graph, block.digest, block.matrix)
    return FactorTerm("profile", seen_by, [own], right, sentences=inputs.blocks.sentences.get("columns"))


def fit(graph: Graph, config: ProfileConfig, inputs: Inputs) -> Fitted:
    """The term of the block `columns` of users."""
    return Fitted.of(fit_profile(graph, config, inputs))


def trials(_graph: Graph) -> Iterator[Values]:
    """Regularisations."""
    for regularization in (10.0, 100.0, 1000.0):
        yield {"regularization": regularization}


def space(trial: "Trial", _graph: Graph) -> Values:
    """What `graphrec tune` varies."""
    return {"regularization": trial.suggest_float("regularization", 1.0, 10_000.0, log=True)}


SPEC = ModelSpec(
    name="profile",
    sentence="What users with the same columns hold: age, segment, income and the like.",
    fit=fit,
    config=ProfileConfig,
    trials=trials,
    space=space,
    in_blend=True,
    needs=(("columns", "user"),),
)
