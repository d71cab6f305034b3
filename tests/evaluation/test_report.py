"""The page: self-contained, whole or not there, and saying what was measured."""

import dataclasses
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from graphrec.evaluation.details import Wanted
from graphrec.evaluation.evaluate import Evaluation, baselines_there, evaluate
from graphrec.evaluation.report.charts import Mark, Series, Spot, curves, rows_of_intervals, stacked
from graphrec.evaluation.report.words import people
from graphrec.evaluation.report.write import rendered, write_report
from graphrec.evaluation.verdict import p_text, percent
from graphrec.home import Home
from graphrec.metrics.intervals import Interval
from graphrec.terms.folder import read_meta
from graphrec.terms.meta import Curve
from graphrec.training.fit import TrainOptions, train
from tests.training import bank

Made = tuple[Evaluation, Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An evaluation of the default blend with everything, and its model's folder."""
    folder = tmp_path_factory.mktemp("report")
    snapshot = bank.taste_bank(folder / "s")
    path = train(snapshot, Home(folder / "home").prepare(), TrainOptions("blend", fixed=True)).path
    return evaluate(snapshot, path, ks=(1, 3), wanted=Wanted(explain_users=10, ablation=True)), path


@pytest.fixture(scope="module")
def text(made: Made, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page."""
    path = tmp_path_factory.mktemp("page") / "out.html"
    write_report(*made, path, users="clients & <friends>")
    return path.read_text("utf-8")


def test_the_page_needs_nothing_but_itself(text: str) -> None:
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(|src=", text)


def test_drawings_are_well_formed_and_named(text: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 7  # quality, parts, necessity, what is left of lists, frontier, confidence, ablation
    for drawing in drawings:
        assert ElementTree.fromstring(drawing).get("aria-label")
    assert "nan" not in " ".join(drawings)


def test_the_headline_is_what_was_measured(made: Made, text: str) -> None:
    done, _ = made
    hit = done.metrics["hit_rate@3"]
    plain = unescape(re.sub(r"<[^>]+>", " ", text))
    assert f"For {hit.value:.1%} ({hit.low:.1%} to {hit.high:.1%}) of 60 clients & <friends>, the list of 3" in plain
    assert done.split.hash in plain
    for heading in ("Does it find what people take?", "Are the reasons true?", "What do reasons on real paths cost?",
                    "When is it sure?", "More than hits", "Whom does it serve, and which products?",
                    "What is the graph around people and products worth?", "How this was measured"):  # fmt: skip
        assert f"<h2>{heading}</h2>" in text
    assert "<friends>" not in text  # escaped


def test_every_metric_of_variety_stands_in_one_table_with_its_meaning(made: Made, text: str) -> None:
    done, _ = made
    part = text.partition("<h2>More than hits</h2>")[2].partition("</section>")[0]
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", part)]
    assert [row[0] for row in rows] == [
        "",
        "part of the catalogue",
        "novelty",
        "diversity",
        "unevenness (Gini)",
        "distance from what is held",
        "nDCG without the popular",
    ]
    assert rows[0][1:] == [done.model, *done.baselines]
    assert rows[1][1].startswith(f"{done.metrics['coverage@3'].value:.4f}")
    assert rows[2][2].startswith(f"{next(iter(done.baselines.values()))['novelty@3'].value:.4f}")
    assert "unevenness (Gini) (gini@3): how unevenly products come up; 0 all alike, towards 1 a few take all." in part


def test_new_customers_and_new_products_are_called_so(made: Made) -> None:
    done, folder = made
    assert done.details is not None
    newest = [dataclasses.replace(group, name="0") for group in done.details.holders[:1]]
    with_new = dataclasses.replace(done.details, holders=tuple(newest))
    part = rendered(done, with_new, read_meta(folder), "users").partition("that was to be found")[2]
    assert re.findall(r"<td[^>]*>(.*?)</td>", part)[0] == "0 (new)"


def test_notes_are_on_the_page(made: Made) -> None:
    done, folder = made
    assert done.details is not None
    noted = dataclasses.replace(
        done, notes=("tuned & not",), split=dataclasses.replace(done.split, notes=("no times",))
    )
    page = rendered(noted, done.details, read_meta(folder), "users")
    assert '<p class="warn">no times</p><p class="warn">tuned &amp; not</p>' in page


def test_curves_of_the_training_are_drawn_where_there_are_any(made: Made, text: str) -> None:
    done, folder = made
    assert done.details is not None
    assert "How it learned" not in text
    curve = Curve("choosing", "lightgcn", {}, "ndcg@3", (2.0, 1.0), (0.1, 0.4))
    with_curve = dataclasses.replace(done, details=dataclasses.replace(done.details, curves=(curve,)))
    assert with_curve.details is not None
    meta = read_meta(folder)
    assert "How it learned" in rendered(with_curve, with_curve.details, meta, "users")


def test_the_page_is_whole_or_not_there(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.html"
    path.write_text("before", "utf-8")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="no space left"):
        write_report(*made, path)
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_needs_details(made: Made, tmp_path: Path) -> None:
    done, folder = made
    with pytest.raises(ValueError, match="^a report needs an evaluation with details$"):
        write_report(dataclasses.replace(done, details=None), folder, tmp_path / "out.html")


def test_people_are_called_in_the_plural_where_it_is_english() -> None:
    assert [people(label) for label in ("Client", "Kunde", "客户")] == ["clients", "customers", "customers"]


def test_numbers_as_a_person_reads_them() -> None:
    assert [percent(value) for value in (0.0, 0.0312, 0.4687, 0.9745, 1.0)] == ["0%", "3.1%", "47%", "97.5%", "100%"]
    assert [p_text(p) for p in (0.0001, 0.0312, 1.0)] == ["p < .001", "p = .031", "p = 1.000"]


def test_a_dot_stands_where_its_value_is() -> None:
    """Axis 0 to 1 between x = 190 and 690: .5 is at 440."""
    marks = [Mark("model", Interval(0.5, 0.25, 0.75)), Mark("other", Interval(1.0, 1.0, 1.0))]
    root = ElementTree.fromstring(rows_of_intervals([("recall", marks)], title="t"))
    circles = [float(circle.get("cx", "")) for circle in root.iter() if circle.tag.endswith("circle")]
    assert circles == [440.0, 690.0]


def test_as_many_models_are_drawn_as_there_are() -> None:
    names = ["model", *baselines_there()]
    marks = [Mark(name, Interval(n / 20, n / 20, n / 20)) for n, name in enumerate(names)]
    root = ElementTree.fromstring(rows_of_intervals([("recall", marks)], title="t"))
    colours = [circle.get("fill") for circle in root.iter() if circle.tag.endswith("circle")]
    assert len(colours) == len(names) >= 13
    assert colours.count(colours[0]) == 1  # the model's own
    places = [(float(box.get("x", "")), float(box.get("y", ""))) for box in root.iter() if box.get("rx") == "2"]
    assert len(set(places)) == len(names)
    assert max(x for x, _ in places) < 700  # in lines, not beyond the edge
    assert max(y for _, y in places) < float(root.get("viewBox", "").split()[3])
    drawn = curves([Series(str(n), [(0.0, float(n)), (1.0, 1.0)]) for n in range(9)], title="t", x_name="x", y_name="y")
    assert drawn.count("<polyline") == 9


def test_parts_of_a_bar_are_as_wide_as_they_are_large() -> None:
    """1.05 of width 740: what speaks against stands left of what speaks for."""
    root = ElementTree.fromstring(stacked([("paths", 0.7), ("text", 0.35), ("attributes", -0.05)], title="t"))
    bars = [(float(bar.get("x", "")), float(bar.get("width", ""))) for bar in root.iter() if bar.get("height") == "34"]
    unit = 740 / 1.1
    expected = [(10 + 0.05 * unit, 0.7 * unit), (10 + 0.75 * unit, 0.35 * unit), (10, 0.05 * unit)]
    assert bars == [pytest.approx(bar, abs=0.06) for bar in expected]


def test_a_curve_survives_equal_values() -> None:
    flat = Series("flat", [(0.0, 0.0), (1.0, 0.0)], [(0.0, 0.0), (0.0, 0.0)])
    drawn = curves([flat], title="t", x_name="x", y_name="y", spots=[Spot("here", (0.5, 0.0))])
    assert "nan" not in drawn
    assert ElementTree.fromstring(drawn) is not None
