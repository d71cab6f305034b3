"""A model fitted again with its own configuration on another snapshot: nothing is searched, weights stay."""

import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from graphrec.features.blocks import Sources
from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import Graph
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.models.inputs import Inputs
from graphrec.progress import Progress, silent
from graphrec.terms.folder import read_meta, write_model
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import ModelMeta, Trained
from graphrec.training.assemble import blend_of
from graphrec.training.fit import described_blocks, described_split, hidden_parts, keep_blocks
from graphrec.training.split import Split, split_of
from graphrec.training.stages import blocks_of, graph_of


def refit(
    snapshot: Snapshot,
    folder: Path,
    *,
    sources: Sources | None = None,
    why: str,
    made: Callable[[ModelMeta, Graph, Inputs], Blend] | None = None,
    progress: Progress = silent,
) -> ModelMeta:
    """Fit the model in a folder again: hyper-parameters, weights and bands are those that were chosen before.

    It is the training's own fit on what the new snapshot shows, so that a term that is counted or solved is exact and a
    term that is learned is learned anew. The folder still says what was asked for when it was chosen: the next training
    chooses again.

    Args:
        snapshot: the new one.
        folder: of the model; the new one takes its place whole.
        sources: of feature blocks, at least those that the model read.
        why: one sentence for the notes of the folder.
        made: makes the blend in another way that gives the same; None: it is fitted.

    Returns:
        What the new folder says about itself.

    Raises:
        ModelError: nothing of it has a score on this snapshot.
        NotTrained: there is no model.
    """
    began, meta = time.monotonic(), read_meta(folder)
    split = split_of(snapshot)
    graph = graph_of(snapshot, split, meta.fitted)
    inputs = frozen_inputs(meta, snapshot, split, graph, sources or Sources(), progress)
    blend = blend_of(meta.configuration, graph, inputs) if made is None else made(meta, graph, inputs)
    keep_blocks(blend, snapshot, folder.parent)
    with replace_folder(folder) as fresh:
        kept = Trained(**{name: getattr(meta, name) for name in Trained.__struct_fields__})
        changed = structs.replace(
            kept,
            split=described_split(split),
            hidden=hidden_parts(split.hidden(meta.fitted)),
            blocks=described_blocks(inputs.blocks),
            notes=(*(one for one in meta.notes if one != why), why),
            seconds=round(time.monotonic() - began, 3),
        )
        write_model(fresh, blend, graph, snapshot, changed)
    return read_meta(folder)


def frozen_inputs(
    meta: ModelMeta, snapshot: Snapshot, split: Split, graph: Graph, sources: Sources, progress: Progress
) -> Inputs:
    """What a fit of a model takes where nothing is chosen again.

    Args:
        graph: what the fit sees.
        sources: of feature blocks, at least those that the model read.
    """
    request = meta.request
    read = Sources(tuple(one for one in sources.sources if one.name in meta.block_names), sources.progress)
    return Inputs(
        seed=meta.seed,
        use_protected=request.use_protected,
        path_share=request.path_share,
        overrides=request.overrides,
        tuned=request.tuned,
        device=request.device,
        blocks=blocks_of(meta.kind, read, snapshot, split, meta.fitted, graph),
        stage="refit",
        progress=progress,
    )
