"""The picture of an explanation."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from graphrec.errors import UsageError
from graphrec.languages import language_of
from graphrec.serving.answer import Line, Node, People, Step
from graphrec.serving.engine import Engine
from graphrec.serving.proof.picture import draw, explanation_graph, write_picture
from graphrec.serving.reasons.sentences import Sentences
from tests.banks import SCHEMA

ENGLISH = Sentences(SCHEMA)
GIDS = ("edge", "label", "box", "name", "legend", "title")


def test_the_graph_leads_from_the_user_to_the_product_and_names_nobody_else(engine: Engine) -> None:
    product = engine.recommend("C004", 1).items[0].product
    graph = explanation_graph(engine.explain("C004", product, 5), ENGLISH)
    users = [node for node, label in graph.nodes(data="label") if label == "user"]
    assert users == [("user", "C004")]
    undirected = graph.to_undirected()
    assert nx.has_path(undirected, ("user", "C004"), ("product", product))
    assert {layer for _, layer in graph.nodes(data="layer")} <= {0, 1, 2, 3}


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_pictures_are_written_in_each_format(engine: Engine, tmp_path: Path, suffix: str, begins: bytes) -> None:
    product = engine.recommend("C004", 1).items[0].product
    path = tmp_path / f"why{suffix}"
    write_picture(engine.explain("C004", product, 5), path, ENGLISH)
    assert path.read_bytes().startswith(begins)


def test_graphml_can_be_read_again(engine: Engine, tmp_path: Path) -> None:
    product = engine.recommend("C004", 1).items[0].product
    answer = engine.explain("C004", product, 5)
    write_picture(answer, tmp_path / "why.graphml", ENGLISH)
    again = nx.read_graphml(tmp_path / "why.graphml", force_multigraph=True)
    assert again.number_of_edges() == explanation_graph(answer, ENGLISH).number_of_edges()
    assert "user:C004" in again


@pytest.mark.filterwarnings("ignore:Glyph 7")
@pytest.mark.parametrize("suffix", [".png", ".svg", ".graphml"])
def test_names_are_text_and_no_formulas_or_markup(engine: Engine, tmp_path: Path, suffix: str) -> None:
    answer = engine.explain("C004", engine.recommend("C004", 1).items[0].product, 5)
    item = replace(answer.items[0], name="US$^$ <Bond> & \x07bell")
    write_picture(replace(answer, items=(item,)), tmp_path / f"why{suffix}", ENGLISH)
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
    graph = explanation_graph(replace(answer, items=(item,)), ENGLISH)
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
        write_picture(engine.explain("C004", product, 5), tmp_path / "why.gif", ENGLISH)
    path = tmp_path / "why.gif"
    assert str(caught.value) == f"--picture {path}: cannot draw .gif; use .png, .svg, .pdf, .graphml"


@pytest.mark.parametrize("code", ["en", "de"])
def test_nothing_overlaps_and_every_edge_has_its_per_cent(engine: Engine, code: str) -> None:
    sentences = Sentences(SCHEMA, language_of(code))
    for user in ("C004", "C008", "C021"):
        answer = engine.explain(user, engine.recommend(user, 1).items[0].product, 5)
        item = replace(
            answer.items[0], name="A product with a name that is long enough for three rows of its box, or more"
        )
        graph = explanation_graph(replace(answer, items=(item,)), sentences)
        figure = draw(graph, replace(answer, items=(item,)), sentences)
        (axes,) = figure.axes
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        found = [*axes.texts, *axes.patches, axes.get_legend()]
        boxes = {gid: [one.get_window_extent(renderer) for one in found if one.get_gid() == gid] for gid in GIDS}  # type: ignore[union-attr]
        labels = [one.get_text() for one in axes.texts if one.get_gid() == "label"]
        assert len(boxes["edge"]) == len(labels) == graph.number_of_edges()
        assert all(re.search(r"[0-9] ?%$", label) for label in labels)
        assert len(boxes["box"]) == graph.number_of_nodes()
        apart = [*boxes["box"], *boxes["label"], *boxes["legend"], *boxes["title"]]
        for place, one in enumerate(apart):
            assert figure.bbox.x0 <= one.x0 < one.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= one.y0 < one.y1 <= figure.bbox.y1
            assert not any(one.overlaps(other) for other in apart[place + 1 :])
        for name in boxes["name"]:
            assert any(
                box.x0 <= name.x0 and name.x1 <= box.x1 and box.y0 <= name.y0 and name.y1 <= box.y1
                for box in boxes["box"]
            )
        ends = {one.get_path().vertices[[0, -1]].round(6).tobytes() for one in axes.patches if one.get_gid() == "edge"}
        assert len(ends) == graph.number_of_edges(), "parallel edges are apart"
        assert axes.texts[0].get_text() == sentences.say("pictures.title", product=item.name or "", user=user)


def test_per_cents_of_edges_are_those_of_their_lines(engine: Engine) -> None:
    answer = engine.explain("C004", engine.recommend("C004", 1).items[0].product, 5)
    graph = explanation_graph(answer, ENGLISH)
    item = answer.items[0]
    whole = next(100 * one.share / one.percent for one in item.reasons if one.percent)
    drawn = [line for line in item.lines if line.share > 0 and (line.path or line.via)][:8]
    target = ("product", item.product)
    into = sum(edge["percent"] for *ends, edge in graph.edges(data=True) if target in ends)
    assert into == pytest.approx(100 * sum(line.share for line in drawn) / whole)


def test_chinese_needs_a_font(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import font_manager

    chinese = Sentences(SCHEMA, language_of("zh"))
    answer = engine.explain("C004", engine.recommend("C004", 1).items[0].product, 5)
    monkeypatch.setattr(font_manager.fontManager, "get_font_names", lambda: ["DejaVu Sans"])
    with pytest.raises(UsageError, match="install one, such as the package fonts-noto-cjk"):
        write_picture(answer, tmp_path / "why.png", chinese)
    assert not (tmp_path / "why.png").exists()
    monkeypatch.setattr(font_manager.fontManager, "get_font_names", lambda: ["DejaVu Sans", "SimHei"])
    from graphrec.serving.proof.picture import _font

    assert _font("推荐") == ["DejaVu Sans", "SimHei"]
    assert _font("Why") == ["DejaVu Sans"]
