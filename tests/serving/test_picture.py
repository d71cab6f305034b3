"""The picture of an explanation."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from graphrec.errors import UsageError
from graphrec.serving.answer import Line, Node, People, Step
from graphrec.serving.engine import Engine
from graphrec.serving.picture import explanation_graph, write_picture


def test_the_graph_leads_from_the_user_to_the_product_and_names_nobody_else(engine: Engine) -> None:
    product = engine.recommend("C004", 1).items[0].product
    graph = explanation_graph(engine.explain("C004", product, 5))
    users = [node for node, label in graph.nodes(data="label") if label == "user"]
    assert users == [("user", "C004")]
    undirected = graph.to_undirected()
    assert nx.has_path(undirected, ("user", "C004"), ("product", product))
    assert {layer for _, layer in graph.nodes(data="layer")} <= {0, 1, 2, 3}


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_pictures_are_written_in_each_format(engine: Engine, tmp_path: Path, suffix: str, begins: bytes) -> None:
    product = engine.recommend("C004", 1).items[0].product
    path = tmp_path / f"why{suffix}"
    write_picture(engine.explain("C004", product, 5), path)
    assert path.read_bytes().startswith(begins)


def test_graphml_can_be_read_again(engine: Engine, tmp_path: Path) -> None:
    product = engine.recommend("C004", 1).items[0].product
    answer = engine.explain("C004", product, 5)
    write_picture(answer, tmp_path / "why.graphml")
    again = nx.read_graphml(tmp_path / "why.graphml", force_multigraph=True)
    assert again.number_of_edges() == explanation_graph(answer).number_of_edges()
    assert "user:C004" in again


@pytest.mark.filterwarnings("ignore:Glyph 7")
@pytest.mark.parametrize("suffix", [".png", ".svg", ".graphml"])
def test_names_are_text_and_no_formulas_or_markup(engine: Engine, tmp_path: Path, suffix: str) -> None:
    answer = engine.explain("C004", engine.recommend("C004", 1).items[0].product, 5)
    item = replace(answer.items[0], name="US$^$ <Bond> & \x07bell")
    write_picture(replace(answer, items=(item,)), tmp_path / f"why{suffix}")
    if suffix == ".png":
        return
    root = ElementTree.parse(tmp_path / f"why{suffix}").getroot()
    assert suffix == ".svg" or "US$^$ <Bond> & \ufffdbell" in "".join(root.itertext())


def test_people_and_what_lies_behind_them_are_two_nodes(engine: Engine) -> None:
    nodes = (People("Customer", 7), People("Sector", None), Node("Product", "P01", None))
    path = (Node("Customer", "C004", None), *(part for node in nodes for part in (Step("T", "out"), node)))
    line = Line("path", "7 people lead to P01", 1.0, 1.0, None, path, None, None, "kernel")
    answer = engine.explain("C004", engine.recommend("C004", 1).items[0].product, 5)
    item = replace(answer.items[0], product="P01", lines=(line,))
    graph = explanation_graph(replace(answer, items=(item,)))
    assert sorted(graph.nodes(data="name")) == [
        (("people", "7 people lead to P01 (1)"), "7 others"),
        (("people", "7 people lead to P01 (2)"), "sector"),
        (("product", "P01"), item.name),
        (("user", "C004"), "C004"),
    ]
    assert graph.number_of_edges() == 3
    assert nx.number_of_selfloops(graph) == 0


def test_an_unknown_format_is_refused(engine: Engine, tmp_path: Path) -> None:
    product = engine.recommend("C004", 1).items[0].product
    with pytest.raises(UsageError) as caught:
        write_picture(engine.explain("C004", product, 5), tmp_path / "why.gif")
    path = tmp_path / "why.gif"
    assert str(caught.value) == f"--picture {path}: cannot draw .gif; use .png, .svg, .pdf, .graphml"
