"""The explanation as a graph: networkx, drawn with matplotlib or written as GraphML."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.serving.answer import Answer, Line, Node, People
from graphrec.serving.reasons.sentences import called, words

if TYPE_CHECKING:
    import networkx as nx

FORMATS = (".png", ".svg", ".pdf", ".graphml")
#: Lines that are drawn; more cannot be read.
DRAWN = 8
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_COLOURS = {"user": "#2b6cb0", "product": "#c05621", "people": "#718096"}


def explanation_graph(answer: Answer) -> "nx.MultiDiGraph":
    """The paths and neighbours of one explained product as a graph.

    Nodes carry label, name and layer (0 the user … 3 the product); edges carry type and share.
    """
    import networkx as nx

    graph = nx.MultiDiGraph(user=answer.user, model=answer.model, snapshot=answer.snapshot)
    item = answer.items[0]
    target = ("product", item.product)
    graph.add_node(target, label="product", name=item.name or item.product, layer=3)
    lines = [line for line in item.lines if line.share > 0 and (line.path or line.via)]
    for line in lines[:DRAWN]:
        if line.path:
            _add_path(graph, line, target)
        elif line.via:
            via = (line.via.label, line.via.id)
            graph.add_node(("user", answer.user), label="user", name=answer.user, layer=0)
            graph.add_node(via, label=line.via.label, name=called(line.via), layer=1)
            graph.add_edge(("user", answer.user), via, type="", share=line.share)
            graph.add_edge(via, target, type=f"{line.kind} ({line.term})", share=line.share)
    return graph


def write_picture(answer: Answer, path: Path) -> None:
    """Draw the explanation of the first item, or write it as GraphML, by the suffix of the path.

    Raises:
        UsageError: the suffix is none of FORMATS.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"--picture {path}: cannot draw {path.suffix or 'a file without a suffix'}; use {', '.join(FORMATS)}"
        )
    graph = explanation_graph(answer)
    with whole_file(path) as temporary:
        if path.suffix.lower() == ".graphml":
            _write_graphml(graph, temporary)
        else:
            _draw(graph, answer, temporary)
        if path.suffix.lower() in (".graphml", ".svg"):
            # Control characters of a name are no XML.
            temporary.write_text(_NO_XML.sub("\ufffd", temporary.read_text("utf-8")), "utf-8")


def _add_path(graph: "nx.MultiDiGraph", line: Line, target: tuple[str, str]) -> None:
    user, *nodes = line.nodes
    assert isinstance(user, Node), "a path begins with the user"
    before = ("user", user.id)
    graph.add_node(before, label="user", name=called(user), layer=0)
    for place, (node, step) in enumerate(zip(nodes, line.steps, strict=True), start=1):
        if place == len(nodes):
            here = target
        elif isinstance(node, People):
            here = ("people", f"{line.text} ({place})")
            name = f"{node.count} others" if node.count else words(node.label)
            graph.add_node(here, label="people", name=name, layer=place)
        else:
            here = (node.label, node.id)
            graph.add_node(here, label=node.label, name=called(node), layer=place)
        ends = (here, before) if step.direction == "in" else (before, here)
        graph.add_edge(*ends, type=step.type, share=line.share)
        before = here


def _write_graphml(graph: "nx.MultiDiGraph", path: Path) -> None:
    import networkx as nx

    names = {node: f"{node[0]}:{node[1]}" for node in graph}
    nx.write_graphml(nx.relabel_nodes(graph, names), path)


def _draw(graph: "nx.MultiDiGraph", answer: Answer, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rc("text", parse_math=False)  # "US$" is no formula
    import matplotlib.pyplot as plt
    import networkx as nx

    positions = _positions(graph)
    tallest = 1 + 2 * max(height for _, height in positions.values())
    figure, axes = plt.subplots(figsize=(11, 1.2 + 0.85 * tallest))
    colours = [_COLOURS.get(label, "#2f855a") for label in nx.get_node_attributes(graph, "label").values()]
    nx.draw_networkx_nodes(graph, positions, node_color=colours, node_size=500, ax=axes)
    largest = max((share for *_, share in graph.edges(data="share")), default=1.0)
    widths = [0.6 + 3.4 * share / largest for *_, share in graph.edges(data="share")]
    nx.draw_networkx_edges(graph, positions, width=widths, edge_color="#a0aec0", ax=axes, node_size=500)
    names = {node: _wrapped(name) for node, name in nx.get_node_attributes(graph, "name").items()}
    above = {node: (x, y + 0.24) for node, (x, y) in positions.items()}
    nx.draw_networkx_labels(graph, above, names, font_size=8, verticalalignment="bottom", ax=axes)
    types = {(start, end): words(kind) for start, end, kind in graph.edges(data="type") if kind}
    nx.draw_networkx_edge_labels(
        nx.DiGraph(graph), positions, types, label_pos=0.62, font_size=7, ax=axes, rotate=False
    )
    item = answer.items[0]
    axes.set_title(
        f"Why {item.name or item.product} for {answer.user}: score {item.score:.3f}, rank {item.rank}", fontsize=10
    )
    axes.margins(0.12, 0.25)
    axes.axis("off")
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)


def _positions(graph: "nx.MultiDiGraph") -> dict[tuple[str, str], tuple[int, float]]:
    """Layers from left to right; in each, nodes stand near what they are joined with in the layer before."""
    import networkx as nx

    layers: dict[int, list[tuple[str, str]]] = {}
    for node, layer in nx.get_node_attributes(graph, "layer").items():
        layers.setdefault(layer, []).append(node)
    joined = graph.to_undirected()
    positions: dict[tuple[str, str], tuple[int, float]] = {}
    for layer in sorted(layers):

        def height(node: tuple[str, str]) -> tuple[float, tuple[str, str]]:
            before = [positions[other][1] for other in joined[node] if other in positions]
            return (-sum(before) / len(before) if before else 0.0, node)

        members = sorted(layers[layer], key=height)
        for place, node in enumerate(members):
            positions[node] = (layer, (len(members) - 1) / 2 - place)
    return positions


def _wrapped(name: str, width: int = 26) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(name, width)[:3])
