"""What each stage of a training may see: its graph and its feature blocks."""

from dataclasses import replace

from graphrec.errors import ModelError
from graphrec.features.blocks import Blocks, Seen, Sources
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.models.registry import added_to, parts_of_kind
from graphrec.models.support import supported
from graphrec.terms.meta import ModelMeta, Stage
from graphrec.training.split import Split, check_hidden


def graph_of(snapshot: Snapshot, split: Split, stage: Stage) -> Graph:
    """The graph that a fit of a stage may see, checked for what it may not.

    Raises:
        ModelError: it shows a pair that the split hides.
    """
    graph = visible_graph(snapshot, split.hidden(stage))
    check_hidden(split, graph, stage)
    return graph


def choosing_graph(graph: Graph, split: Split) -> Graph:
    """The train graph, with the `min_group` that stands to it as the schema's stands to what is fitted afterwards.

    A pair of products that m people share among all holdings is shared by about m * part ** 2 among a part of
    them. With m itself a choice would see weaker models than are served. What is chosen is a few dozen numbers.

    Args:
        graph: of the stage `train`.
        split: its own; where nothing is fitted again the graph is what is served.

    Returns:
        The graph itself where `min_group` leaves nothing of it: what was chosen could not be fitted afterwards.
    """
    held, roles = len(graph.held().indices), graph.schema.roles
    if not split.refit or not held or not len(supported(graph).graph.held().indices):
        return graph
    part = held / (held + len(split.valid))
    least = max(1, round(roles.min_group * part**2))
    return replace(graph, schema=replace(graph.schema, roles=replace(roles, min_group=least)))


def blocks_of(kind: str, sources: Sources, snapshot: Snapshot, split: Split, stage: Stage, graph: Graph) -> Blocks:
    """The feature blocks that the models of a kind read, fitted on what a stage may see.

    Args:
        kind: of model: the blend or one of the registry.
        sources: those that the training may read.
        snapshot: whose nodes they describe.
        split: says up to which date series may be read.
        stage: of the training.
        graph: of that stage.

    Returns:
        The blocks; sources that no model of the kind reads are not asked.
    """
    names = {name for spec in (*parts_of_kind(kind), *added_to(kind)) for name in spec.blocks()}
    used = Sources(tuple(source for source in sources.sources if source.name in names), sources.progress)
    return used.blocks(Seen(snapshot, graph, split.hidden(stage).known_from, stage == "all"))


def check_blocks(meta: ModelMeta, blocks: Blocks) -> None:
    """Check that a refit of a model reads the feature blocks that its fit read.

    Args:
        meta: of the model.
        blocks: of the stage `train`.

    Raises:
        ModelError: they differ; with what to do.
    """
    wanted, found = meta.request.blocks, blocks.digests()
    if found != wanted:
        differs = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        raise ModelError(
            f"the feature blocks {', '.join(differs)} are not those that the model was fitted with, so that a refit "
            f"would differ by them too; run: graphrec train --model {meta.kind}"
        )
