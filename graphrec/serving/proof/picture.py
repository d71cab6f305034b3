"""The explanation as a graph: networkx, drawn with matplotlib or written as GraphML.

Boxes stand in columns: the customer, what is theirs, what lies between, the product. Between two columns is a gutter
that has the labels of its edges and nothing else; labels are pushed apart, and edges leave a box at places of their
own, so that parallel edges are apart.
"""

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.serving.answer import Answer, Item, Line, Node, People
from graphrec.serving.reasons.sentences import Sentences

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Key = tuple[str, str]

FORMATS = (".png", ".svg", ".pdf", ".graphml")
#: Lines that are drawn; more cannot be read.
DRAWN = 8
#: Letters of a name in one row of its box, rows of it, and letters of an edge's label.
LETTERS, ROWS, LABEL = 20, 3, 24
#: Inches: of a box, of a gutter, and of one row of text.
BOX, GUTTER, ROW = 1.7, 2.1, 0.17
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_COLOURS = {"user": "#bee3f8", "product": "#fbd38d", "people": "#e2e8f0", "other": "#c6f6d5"}
_HAN = re.compile("[\u3400-\u9fff]")
#: Fonts with Chinese signs, by what systems and packages call them.
_FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Droid Sans Fallback", "PingFang SC", "Heiti SC", "Hiragino Sans GB", "Microsoft YaHei",
    "SimHei", "SimSun", "Arial Unicode MS", "Noto Serif CJK SC",
)  # fmt: skip


def explanation_graph(answer: Answer, sentences: Sentences) -> "nx.MultiDiGraph":
    """The paths and neighbours of one explained product as a graph.

    Nodes carry label, name and layer (0 the user … 3 the product); edges carry type, share, and percent of all that
    speaks for the product. Edges of one type between two nodes are one.
    """
    import networkx as nx

    graph = nx.MultiDiGraph(user=answer.user, model=answer.model, snapshot=answer.snapshot)
    item = answer.items[0]
    target = ("product", item.product)
    graph.add_node(target, label="product", name=item.name or item.product, layer=3)
    lines = [line for line in item.lines if line.share > 0 and (line.path or line.via or line.vias)]
    whole = _whole(item)
    for line in lines[:DRAWN]:
        if line.path:
            _add_path(graph, line, target, whole, sentences)
            continue
        near = line.vias or (line.via,)
        for node in (one for one in near if one is not None):
            # Half of what a pair says is drawn over each of the two.
            share = line.share / len(near)
            user, via = ("user", answer.user), (node.label, node.id)
            graph.add_node(user, label="user", name=answer.user, layer=0)
            graph.add_node(via, label=node.label, name=sentences.called(node), layer=1)
            _add_edge(graph, (user, via), "", share, whole)
            _add_edge(graph, (via, target), f"{sentences.kind(line.kind)} ({line.term})", share, whole)
    return graph


def write_picture(answer: Answer, path: Path, sentences: Sentences) -> None:
    """Draw the explanation of the first item, or write it as GraphML, by the suffix of the path.

    Raises:
        UsageError: the suffix is none of FORMATS, or no font has the signs of the names.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"--picture {path}: cannot draw {path.suffix or 'a file without a suffix'}; use {', '.join(FORMATS)}"
        )
    graph = explanation_graph(answer, sentences)
    with whole_file(path) as temporary:
        if path.suffix.lower() == ".graphml":
            _write_graphml(graph, temporary)
        else:
            import matplotlib.pyplot as plt

            figure = draw(graph, answer, sentences)
            figure.savefig(temporary, dpi=150)
            plt.close(figure)
        if path.suffix.lower() in (".graphml", ".svg"):
            # Control characters of a name are no XML.
            temporary.write_text(_NO_XML.sub("\ufffd", temporary.read_text("utf-8")), "utf-8")


def draw(graph: "nx.MultiDiGraph", answer: Answer, sentences: Sentences) -> "Figure":
    """The picture of an explanation.

    Raises:
        UsageError: no font has the signs of the names.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rc("text", parse_math=False)  # "US$" is no formula
    item = answer.items[0]
    title = sentences.say("pictures.title", product=item.name or item.product, user=answer.user)
    said = [title, sentences.say("pictures.legend"), *dict(graph.nodes(data="name")).values()]
    matplotlib.rc("font", family=_font("".join(said)))
    import matplotlib.pyplot as plt

    places, height = _places(graph)
    width = 4 * BOX + 3 * GUTTER + 0.6
    figure = plt.figure(figsize=(width, height + 1.5))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-0.3, width - 0.3), ylim=(-0.9, height + 0.6))
    axes.axis("off")
    axes.text(0, height + 0.25, title, fontsize=11, weight="bold", va="center", gid="title")
    _draw_edges(axes, graph, places, sentences)
    for node, (layer, y) in places.items():
        _draw_box(axes, graph, node, (layer, y))
    _draw_legend(axes, graph, sentences)
    return figure


def _whole(item: Item) -> float:
    """All that speaks for a product, in score units."""
    known = [100 * one.share / one.percent for one in item.reasons if one.percent]
    return known[0] if known else sum(line.share for line in item.lines if line.share > 0) or 1.0


def _add_path(graph: "nx.MultiDiGraph", line: Line, target: Key, whole: float, sentences: Sentences) -> None:
    user, *nodes = line.nodes
    assert isinstance(user, Node), "a path begins with the user"
    before = ("user", user.id)
    graph.add_node(before, label="user", name=sentences.called(user), layer=0)
    for place, (node, step) in enumerate(zip(nodes, line.steps, strict=True), start=1):
        if place == len(nodes):
            here = target
        elif isinstance(node, People):
            here = ("people", f"{line.text} ({place})")
            number = None if node.count is None else sentences.language.number(node.count)
            name = sentences.say("pictures.people", n=number) if number else sentences.word(node.label)
            graph.add_node(here, label="people", name=name, layer=place)
        else:
            here = (node.label, node.id)
            graph.add_node(here, label=node.label, name=sentences.called(node), layer=place)
        ends = (here, before) if step.direction == "in" else (before, here)
        _add_edge(graph, ends, step.type, line.share, whole)
        before = here


def _add_edge(graph: "nx.MultiDiGraph", ends: tuple[Key, Key], kind: str, share: float, whole: float) -> None:
    if not graph.has_edge(*ends, key=kind):
        graph.add_edge(*ends, key=kind, type=kind, share=0.0, percent=0.0)
    edge = graph.edges[(*ends, kind)]
    edge["share"] += share
    edge["percent"] += 100 * share / whole


def _write_graphml(graph: "nx.MultiDiGraph", path: Path) -> None:
    import networkx as nx

    names = {node: f"{node[0]}:{node[1]}" for node in graph}
    nx.write_graphml(nx.relabel_nodes(graph, names), path)


def _places(graph: "nx.MultiDiGraph") -> tuple[dict[Key, tuple[int, float]], float]:
    """Column and height of the middle of every box, and the height of the tallest column.

    In each column boxes stand in the order of what they are joined with in the column before.
    """
    layers: dict[int, list[Key]] = {}
    placed: Any = graph.nodes(data="layer")
    for node, layer in placed:
        layers.setdefault(layer, []).append(node)
    joined = graph.to_undirected()
    heights = {layer: sum(_rows(graph, node) * ROW + 0.45 for node in members) for layer, members in layers.items()}
    for source, end in graph.edges():
        gutter = min(graph.nodes[source]["layer"], graph.nodes[end]["layer"])
        heights[-1 - gutter] = heights.get(-1 - gutter, 0.4) + ROW + 0.1
    tallest = max(heights.values())
    places: dict[Key, tuple[int, float]] = {}
    for layer in sorted(layers):

        def order(node: Key) -> tuple[float, Key]:
            before = [places[other][1] for other in joined[node] if other in places]
            return (-sum(before) / len(before) if before else 0.0, node)

        members = sorted(layers[layer], key=order)
        free = (tallest - heights[layer]) / (len(members) + 1)
        y = tallest
        for node in members:
            tall = _rows(graph, node) * ROW + 0.45
            y -= free
            places[node] = (layer, y - tall / 2)
            y -= tall
    return places, tallest


def _rows(graph: "nx.MultiDiGraph", node: Key) -> int:
    return len(_wrapped(graph.nodes[node]["name"], LETTERS))


def _wrapped(name: str, letters: int) -> list[str]:
    """A name in at most ROWS rows; signs of Chinese are twice as wide."""
    wide = sum(2 if _HAN.match(one) else 1 for one in name) / max(len(name), 1)
    rows = textwrap.wrap(name, max(int(letters / wide), 4)) or [" "]
    return rows if len(rows) <= ROWS else [*rows[: ROWS - 1], rows[ROWS - 1][:-1] + "…"]


def _left(layer: int) -> float:
    return layer * (BOX + GUTTER)


def _draw_box(axes: "Axes", graph: "nx.MultiDiGraph", node: Key, place: tuple[int, float]) -> None:
    from matplotlib.patches import FancyBboxPatch

    layer, y = place
    tall = _rows(graph, node) * ROW + 0.2
    colour = _COLOURS.get(graph.nodes[node]["label"], _COLOURS["other"])
    axes.add_patch(
        FancyBboxPatch(
            (_left(layer), y - tall / 2), BOX, tall, boxstyle="round,pad=0,rounding_size=0.08", facecolor=colour,
            edgecolor="#718096", linewidth=0.8, zorder=3, gid="box",
        )
    )  # fmt: skip
    text = "\n".join(_wrapped(graph.nodes[node]["name"], LETTERS))
    axes.text(_left(layer) + BOX / 2, y, text, fontsize=8, ha="center", va="center", zorder=4, gid="name")


def _draw_edges(
    axes: "Axes", graph: "nx.MultiDiGraph", places: dict[Key, tuple[int, float]], sentences: Sentences
) -> None:
    """Every edge from its own place at the box on its left to its own place at the box on its right."""
    edges = []
    for source, end, edge in graph.edges(data=True):
        left, right = sorted((source, end), key=lambda node: places[node][0])
        edges.append((left, right, left == source, edge))
    edges.sort(key=lambda one: (places[one[0]][0], -places[one[0]][1], -places[one[1]][1], one[3]["type"]))
    largest = max((one[3]["share"] for one in edges), default=1.0)
    leaving = {node: [one for one in edges if one[0] == node] for node in places}
    arriving = {
        node: sorted((one for one in edges if one[1] == node), key=lambda one: -places[one[0]][1]) for node in places
    }
    labels: dict[int, list[tuple[float, str]]] = {}
    for one in edges:
        left, right, forward, edge = one
        start = (
            _left(places[left][0]) + BOX,
            _port(graph, places[left][1], leaving[left].index(one), len(leaving[left]), left),
        )
        end = (
            _left(places[right][0]),
            _port(graph, places[right][1], arriving[right].index(one), len(arriving[right]), right),
        )
        _draw_edge(axes, start, end, width=0.6 + 3.0 * edge["share"] / largest, forward=forward)
        said = f"{sentences.edge(edge['type'])} " if edge["type"] else ""
        if len(said) > LABEL:
            said = f"{said[: LABEL - 2]}… "
        labels.setdefault(places[left][0], []).append(
            (start[1] + (end[1] - start[1]) * 0.4, f"{said}{sentences.language.percent(edge['percent'], 1)}")
        )
    for layer, found in labels.items():
        middle = _left(layer) + BOX + GUTTER * 0.5
        for y, text in _apart(found):
            axes.text(
                middle, y, text, fontsize=7, ha="center", va="center", zorder=5, gid="label",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip


def _draw_edge(
    axes: "Axes", start: tuple[float, float], end: tuple[float, float], *, width: float, forward: bool
) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    bend = (end[0] - start[0]) * 0.4
    points = [start, (start[0] + bend, start[1]), (end[0] - bend, end[1]), end]
    curve = Curve(points if forward else points[::-1], [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
    axes.add_patch(
        FancyArrowPatch(
            path=curve, arrowstyle="-|>,head_length=3,head_width=1.5", linewidth=width, color="#a0aec0", zorder=1,
            gid="edge",
        )
    )  # fmt: skip


def _port(graph: "nx.MultiDiGraph", y: float, place: int, count: int, node: Key) -> float:
    """Where an edge meets a box: one place for each, from top to bottom."""
    tall = _rows(graph, node) * ROW + 0.1
    return y + tall * (0.5 - (place + 0.5) / count)


def _apart(labels: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Labels of a gutter from top to bottom, each at least a row below the one before."""
    step = ROW + 0.03
    ordered = sorted(labels, key=lambda one: -one[0])
    heights: list[float] = []
    for y, _ in ordered:
        heights.append(min(y, heights[-1] - step) if heights else y)
    # What went down too far comes up again as a whole.
    lowest = min(y for y, _ in ordered)
    shift = max(lowest - heights[-1], 0.0) / 2
    return [(y + shift, text) for y, (_, text) in zip(heights, ordered, strict=True)]


def _draw_legend(axes: "Axes", graph: "nx.MultiDiGraph", sentences: Sentences) -> None:
    from matplotlib.patches import Patch

    there = {label if label in _COLOURS else "other" for _, label in graph.nodes(data="label")}
    words = {"user": "user", "product": "product", "people": "group", "other": "other"}
    handles = [
        Patch(facecolor=colour, edgecolor="#718096", label=sentences.say(f"pictures.{words[kind]}"))
        for kind, colour in _COLOURS.items()
        if kind in there
    ]
    legend = axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.02, 0.0), ncols=len(handles), fontsize=8, frameon=False,
        title=sentences.say("pictures.legend"), title_fontsize=8, alignment="left",
    )  # fmt: skip
    legend.set_gid("legend")


def _font(text: str) -> list[str]:
    """The fonts of a picture: one with Chinese signs besides where the text has some.

    Raises:
        UsageError: it has some and no font has.
    """
    if not _HAN.search(text):
        return ["DejaVu Sans"]
    from matplotlib import font_manager

    known = set(font_manager.fontManager.get_font_names())
    found = next((name for name in _FONTS if name in known), None)
    if found is None:
        raise UsageError(
            "--picture: no font of this machine has Chinese signs; install one, such as the package fonts-noto-cjk "
            "(Debian, Ubuntu) or google-noto-sans-cjk-fonts (Fedora), or write .graphml"
        )
    return ["DejaVu Sans", found]
