"""Fit what tells the intent of a question that no pattern fits: graphrec/ask/intents.npz from examples.tsv there.

A ridge regression of the intents on the vectors of the examples, as the small encoder gives them (extra `text`); to be
run again when examples, patterns that make words plainer, or the encoder change. --check says how often examples that
are left out (a tenth at a time) are read right, and what the margin costs.

    python tools/intents.py [--check]
"""

import sys

import numpy as np
from numpy.typing import NDArray

from graphrec.ask.nearest import MARGIN, WEIGHTS, read_examples, spoken
from graphrec.features.sources.text.nano import NanoEncoder

Floats = NDArray[np.float64]
RIDGE = 0.3
FOLDS = 10


def fitted(vectors: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Weights (dim, intents) and what is added to each intent (intents,).

    Args:
        vectors: of the examples (examples, dim).
        wanted: 1 where an example is of an intent (examples, intents).
    """
    centre, mean = vectors.mean(axis=0), wanted.mean(axis=0)
    around = vectors - centre
    dual = np.linalg.solve(around @ around.T + RIDGE * np.eye(len(around)), wanted - mean)
    weights = around.T @ dual
    return weights, mean - centre @ weights


def check(vectors: Floats, wanted: Floats, none: int) -> None:
    """Print how many of the examples are read right by the weights of the others.

    Args:
        none: place of the intent of what no record answers.
    """
    scores = np.zeros_like(wanted)
    folds = np.random.default_rng(0).permutation(len(vectors)) % FOLDS
    for fold in range(FOLDS):
        weights, added = fitted(vectors[folds != fold], wanted[folds != fold])
        scores[folds == fold] = vectors[folds == fold] @ weights + added
    right = scores.argmax(axis=1) == wanted.argmax(axis=1)
    ordered = np.sort(scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    for least in (0.0, 0.1, MARGIN, 0.2, 0.3):
        said = margin >= least
        is_none = wanted[:, none] == 1
        print(
            f"margin {least:.2f}: {said.mean():.3f} are read, {right[said].mean():.3f} of them right; of "
            f"{is_none.sum()} that no record answers {(is_none & said & ~right).sum()} are read as something else"
        )


def main() -> None:
    """Write the weights."""
    encoder, known = NanoEncoder(), read_examples()
    intents = sorted({one.intent for one in known})
    vectors = encoder.encode([spoken(one.question, one.language) for one in known]).astype(np.float64)
    wanted = np.eye(len(intents))[[intents.index(one.intent) for one in known]]
    if "--check" in sys.argv[1:]:
        check(vectors, wanted, intents.index("none"))
        return
    weights, added = fitted(vectors, wanted)
    np.savez(
        WEIGHTS,
        weights=weights.astype(np.float32),
        added=added.astype(np.float32),
        intents=np.array(intents),
        encoder=np.array(encoder.identity),
    )
    print(f"{WEIGHTS.name}: {len(known)} examples, {len(intents)} intents")


if __name__ == "__main__":
    main()
