"""How far up new products go: as many of them in the lists as users take, where that costs little.

A product that nobody holds has no score through people, and ranks behind whatever has one. What validation users took
tells how much of their lists should be new (calibration: Steck, RecSys 2018); a head start, the same for all new
products, puts that much there. What is known of them is their text and entities, less than of the others: the head
start stays so low that validation sees no loss of the whole.
"""

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Graph
from graphrec.models.general.newness import fit_newness, is_new
from graphrec.terms.forms.blend import Blend
from graphrec.training.search.remembered import Remembered
from graphrec.training.search.weights import is_loss
from graphrec.training.validation import Validation

PARTS = (1.0, 0.8, 0.6, 0.4, 0.2)
"""What is tried as the part of the new products' share."""
MIN_TAKEN = 50
"""New products that validation users have to have taken, in all, before anything is read off them."""


def head_start(blend: Blend, graph: Graph, validation: Validation) -> float:
    """What is added to the scores of products without holders, in units of the blend's scores; 0 for nothing.

    Args:
        blend: fitted on the graph.
        validation: users who took new products too.
    """
    new = is_new(graph)
    taken = new[validation.relevant.indices]
    if taken.sum() < MIN_TAKEN:
        return 0.0
    remembered = Remembered(blend, validation.num_scores)
    lifts = _lifts(remembered, new, validation)
    before = validation.evaluate(remembered)
    term, spread = fit_newness(graph)
    for part in PARTS:
        height = round(float(lifts[min(int(part * taken.mean() * len(lifts)), len(lifts) - 1)]), 4)
        if height <= 0:
            break
        # It is infinite where there are fewer new products than places for them.
        if height < np.inf and not is_loss(before, validation.evaluate(remembered.plus(term, height * spread))):
            return height
    return 0.0


def with_head_start(blend: Blend, graph: Graph, height: float) -> Blend:
    """The blend with this much added to the scores of products without holders."""
    term, spread = fit_newness(graph)
    return Blend([*blend.terms, term], [*blend.weights, height * spread])


def _lifts(blend: Remembered, new: NDArray[np.bool_], validation: Validation) -> NDArray[np.float32]:
    """What the new products of each user have to be lifted by to fill one place more (num_users * k,), ascending."""
    found = []
    for rows in validation.chunks():
        scores = validation.masked_scores(blend, rows)
        ours, theirs = (_first(scores[:, mask], validation.k) for mask in (new, ~new))
        # The j-th of the new ones takes a place when it passes the (k + 1 - j)-th of the others.
        with np.errstate(invalid="ignore"):
            lifts = theirs[:, ::-1] - ours
        found.append(np.where(ours == -np.inf, np.float32(np.inf), lifts).ravel())
    return np.sort(np.concatenate(found))


def _first(scores: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The k highest scores of each row (len(scores), k), best first, padded with -inf."""
    padded = np.pad(scores, ((0, 0), (0, max(0, k - scores.shape[1]))), constant_values=-np.inf)
    return -np.sort(np.partition(-padded, k - 1, axis=1)[:, :k], axis=1)
