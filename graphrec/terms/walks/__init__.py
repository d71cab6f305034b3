"""Walks: every unit of score is a real path from the user to the product, with a non-negative number.

    score(u, i) = sum over walks m: beta_m * sum over simple paths u - n_1 - ... - n_L = i:
                  x(u, n_1) * prod_j deg_j(n_j) ** -power_j

deg_j(n_j) counts the edges of the j-th hop that arrive at n_j, x is the evidence of the first edge (docs/formulas.md).
There is a power per position; a learned weight of a node is a factor of its power. `content.py` has walks that meet
nobody, `people.py` those that lead through other people, of whom fewer than `min_group` count as none; `term.py` adds
walks up.
"""

from graphrec.terms.walks.content import ContentScorer, closing_walks
from graphrec.terms.walks.people import AcquaintedScorer, PeopleScorer, PeopleTable
from graphrec.terms.walks.scorer import Walk, WalkScorer
from graphrec.terms.walks.term import WalkTerm, add_walk_scores

__all__ = [
    "AcquaintedScorer",
    "ContentScorer",
    "PeopleScorer",
    "PeopleTable",
    "Walk",
    "WalkScorer",
    "WalkTerm",
    "add_walk_scores",
    "closing_walks",
]
