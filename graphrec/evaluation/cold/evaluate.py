"""Cold start: new products that have text and entities only, new customers who have a profile only.

A tenth of the products (or customers) is drawn for validation and a tenth for test, and hidden (split.py). One model is
chosen on the first tenth and on what else is hidden for validation, fitted again with both, and evaluated on the test
part, which nothing has seen: new products among the new ones, and everything among all products.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.evaluation.cold.content import ContentProducts, SimilarUsers
from graphrec.evaluation.cold.split import TEST, VALID, ColdSplit, Mask, Name, Question, Side, cold_split
from graphrec.evaluation.hidden_part import Metrics
from graphrec.features.blocks import Seen, Sources
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.metrics.intervals import bootstrap_all
from graphrec.metrics.ranking import Lists, evaluate_lists
from graphrec.models.general.newness import SPEC as NEWNESS
from graphrec.models.general.popularity import fit_popularity
from graphrec.models.inputs import Inputs, Scores
from graphrec.progress import Progress, silent
from graphrec.terms.forms.blend import Blend
from graphrec.terms.topk import NOTHING
from graphrec.training.assemble import blend_of
from graphrec.training.lists import first_products
from graphrec.training.search.choose import choose
from graphrec.training.split import check_hidden

NEIGHBOURS = (1, 5, 20, 100)
"""Sizes of neighbourhood that the content baseline is tuned over."""
BLOCK_SCORES = 8_000_000
QUESTIONS: Mapping[Side, tuple[Name, ...]] = {"items": ("new", "all"), "users": ("all",)}


@dataclass(frozen=True)
class ColdStart:
    """How well what is new is recommended."""

    side: Side
    held_out: int
    """Products (or customers) of the test part."""
    users: int
    """Customers who have something to find among all products."""
    interactions: int
    weights: Mapping[str, float]
    """What validation chose."""
    metrics: Mapping[str, Mapping[str, Metrics]]
    """By what is looked for where, and model.

    Looked for: `new` products among new ones; `all` that is hidden among all products, and of these lists `all: new`
    and `all: known` what they find of new and of known products. Models: `model`, `content`, `popularity`, and
    `model - content`, paired; `no head start` is the model without what lifts new products, where it has such.
    `new@k` is the part of the first k that is new.
    """
    k: tuple[int, ...]
    seconds: float


def evaluate_cold(
    snapshot: Snapshot,
    side: Side,
    *,
    kind: str = "blend",
    ks: Sequence[int] = (20,),
    sources: Sources | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> ColdStart:
    """The metrics of a model, of content kNN and of popularity on what is new.

    Args:
        sources: of feature blocks; content kNN compares the block `text`.

    Raises:
        ModelError: too little is there to hold out, or products have no text vectors.
    """
    began = time.monotonic()
    sources = sources or Sources()
    cold = cold_split(snapshot, side, seed)
    train, fitted = (visible_graph(snapshot, cold.split.hidden(stage)) for stage in ("train", "train+valid"))
    check_hidden(cold.split, train, "train")
    check_hidden(cold.split, fitted, "train+valid")
    known_from = [cold.split.hidden(stage).known_from for stage in ("train", "train+valid")]
    blocks = [sources.blocks(Seen(snapshot, *at)) for at in zip((train, fitted), known_from, strict=True)]
    inputs = Inputs(seed, blocks=blocks[0], progress=progress)
    content = _content(side, inputs, train)
    validation = cold.question(VALID, train).validation(seed)
    if not len(validation):
        raise ModelError("nobody who holds a product has another one to find, so nothing tells what they like")
    chosen = choose(kind, train, validation, replace(inputs, metric=validation.metric))
    blend = blend_of(chosen.configuration(), fitted, replace(inputs, stage="refit", blocks=blocks[1]))
    models: dict[str, Scores] = {"model": blend, "popularity": fit_popularity(fitted)}
    if NEWNESS.name in chosen.weights:
        models["no head start"] = _without_head_start(blend)
    found: dict[str, Mapping[str, Metrics]] = {}
    for name in QUESTIONS[side]:
        question, tuned_on = (cold.question(part, graph, name) for part, graph in ((TEST, fitted), (VALID, train)))
        tuning = tuned_on.validation(seed)
        best = int(np.argmax([tuning.evaluate(content(train, size)).mean() for size in NEIGHBOURS]))
        lists = {
            model: _lists(scores, question, max(ks))
            for model, scores in {**models, "content": content(fitted, NEIGHBOURS[best])}.items()
        }
        found |= _metrics(name, cold, question, lists, ks, seed, least=snapshot.schema.roles.min_group)
    weights, seconds = dict(chosen.weights), time.monotonic() - began
    held_out, asked = int((cold.groups == TEST).sum()), cold.question(TEST, fitted)
    return ColdStart(
        side, held_out, len(asked.users), len(asked.relevant.indices), weights, found, tuple(ks), seconds
    )  # fmt: skip


def _metrics(
    name: Name,
    cold: ColdSplit,
    question: Question,
    lists: Mapping[str, Lists],
    ks: Sequence[int],
    seed: int,
    *,
    least: int,
) -> dict[str, Mapping[str, Metrics]]:
    """The metrics of the lists of every model; among all products those of new and of known ones apart, too.

    What fewer than `least` users have something to find of is left out.
    """
    new = cold.groups == TEST
    apart: dict[str, Question] = {name: question}
    if cold.side == "items" and name == "all":
        apart |= {"all: new": question.only(new), "all: known": question.only(~new)}
    found: dict[str, Mapping[str, Metrics]] = {}
    for which, asked in apart.items():
        if len(asked.users) < least:
            continue
        rows = np.searchsorted(question.users, asked.users)
        per_user = {
            model: evaluate_lists(list_[rows], asked.relevant.indptr, asked.relevant.indices, ks)
            for model, list_ in lists.items()
        }
        if which == "all" and cold.side == "items":
            for model, values in per_user.items():
                values |= {f"new@{k}": _share(lists[model][:, :k], new) for k in ks}
        own, other = per_user["model"], per_user["content"]
        per_user["model - content"] = {metric: own[metric] - other[metric] for metric in own}
        found[which] = {model: bootstrap_all(values, seed=seed) for model, values in per_user.items()}
    return found


def _share(lists: Lists, new: Mask) -> NDArray[np.float64]:
    """The part of each list that is new (num_users,)."""
    return np.asarray((new[lists] & (lists != NOTHING)).mean(axis=1))


def _without_head_start(blend: Blend) -> Blend:
    kept = [
        (term, weight) for term, weight in zip(blend.terms, blend.weights, strict=True) if term.name != NEWNESS.name
    ]
    return Blend([term for term, _ in kept], [weight for _, weight in kept])


def _content(side: Side, inputs: Inputs, train: Graph) -> Callable[[Graph, int], Scores]:
    """Content kNN on a graph with a number of neighbours."""
    roles, vectors = train.schema.roles, inputs.blocks.matrices("text")
    if side == "users":
        return lambda graph, size: SimilarUsers(graph, vectors.get(roles.user), size)
    if roles.product not in vectors:
        raise ModelError("new products need text vectors, none were given; run: graphrec embed")
    return lambda graph, size: ContentProducts(graph, vectors[roles.product], size)


def _lists(scores: Scores, question: Question, k: int) -> Lists:
    """The first k candidates of each user (len(users), k) that they do not hold; none where nothing is known."""
    lists = np.full((len(question.users), k), NOTHING, np.int32)
    step = max(1, BLOCK_SCORES // len(question.candidates))
    for start in range(0, len(lists), step):
        block = question.users[start : start + step]
        found = scores.batch(block).astype(np.float32, copy=False)
        lists[start : start + step] = first_products(found, k, question.held, block, question.candidates)
    return lists
