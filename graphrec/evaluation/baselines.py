"""Models to compare with: each is chosen on validation by the search that chooses ours, then fitted as ours was."""

from dataclasses import replace

from graphrec.graph.adjacency import Graph, visible_graph
from graphrec.graph.snapshot import Snapshot
from graphrec.terms.blend import Blend
from graphrec.training.folder import KINDS
from graphrec.training.recipes import Inputs, blend_of
from graphrec.training.search.choose import choose, fixed
from graphrec.training.split import Split
from graphrec.training.validation import Validation

#: What can be compared with: every kind of model that needs neither texts nor others.
BASELINES = tuple(kind for kind in KINDS if kind not in ("blend", "text"))


def baseline(name: str, snapshot: Snapshot, split: Split, visible: Graph, inputs: Inputs) -> Blend:
    """The baseline of that name with the configuration that validation prefers, fitted on the visible graph.

    A configuration that `graphrec tune` found (`inputs.tuned`) is taken as it is, as a training takes it.
    """
    train_graph = visible_graph(snapshot, split.hidden("train"))
    validation = Validation.of(split, train_graph, inputs.seed)
    inputs = replace(inputs, metric=validation.metric)
    chosen = choose(name, train_graph, validation, inputs) if len(validation) else fixed(name, train_graph, inputs)
    return blend_of(chosen.configuration(), visible, inputs)
