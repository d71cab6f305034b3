"""graphrec report: every part measured or said to be missing, the figures of the commands, and what changed."""

import json
import re
import shutil
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app import report as report_files
from graphrec.app.bank import Bank
from graphrec.app.jobs import AskFairness, CheckPolicy, Evaluate, MakeReport
from graphrec.app.report import business
from graphrec.app.report.figures import PARTS, Concern, Figure, Part, Report, changes, plain, read
from graphrec.app.report.page import as_json
from graphrec.app.report.words import Words
from graphrec.app.requests import Recommend
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UsageError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.languages import language_of
from graphrec.training.fit import TrainOptions, train
from tests.evaluation.test_fairness import write_bank
from tests.served import copied
from tests.service.browser import AXE, browser

POLICY = """version = "1"
[[rule]]
id = "phone"
sentence = "not by phone"
require = 'is_missing(channel) or channel != "phone"'
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a tested model, its final one, and a policy of one rule."""
    home = Home(tmp_path_factory.mktemp("reported") / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(write_bank)
    for final in (False, True):
        train(snapshot, home, TrainOptions("blend", fixed=True, final=final))
    home.policy.write_text(POLICY, "utf-8")
    return home


@pytest.fixture(scope="module")
def bank(measured: Home) -> Bank:
    return Bank(Settings(home=measured.path))


class Tags(HTMLParser):
    """Every attribute that names something elsewhere, and what is a script."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


@pytest.mark.slow
def test_figures_are_those_of_the_commands(bank: Bank, tmp_path: Path) -> None:
    done = bank.report(MakeReport(tmp_path / "report.html"))
    parts = {one.name: one for one in done.report.parts}
    assert tuple(parts) == PARTS
    assert {name: one.missing for name, one in parts.items() if one.missing is not None and name != "money"} == {
        "returns": "there is no series price of Product, and returns are of prices; bring one by [series.NAME] of the "
        "mapping (docs/mappings.md), load it, name it by: graphrec market --init"
    }
    evaluation = bank.evaluate(Evaluate(explain_users=200)).evaluation
    assert evaluation.details is not None
    k = evaluation.details.k
    own = evaluation.metrics[f"hit_rate@{k}"]
    assert parts["accuracy"].figures[0] == Figure("hit_rate", own.value, "share", own.low, own.high, 1)
    reasons, shown = parts["explanations"], evaluation.details.explanations
    assert shown is not None
    left = reasons.figure("left")
    assert left is not None
    assert (left.value, left.better) == (shown.pos_p["reasons"].value, -1)
    assert reasons.details is not None
    assert reasons.details.rows[0] == (0.0, 1.0, 1.0)
    assert reasons.details.rows[10] == (1.0, shown.curve["reasons"][9].value, shown.curve["random"][9].value)
    fair = bank.fairness(AskFairness(record=False)).fairness
    gini = parts["fairness"].figure("gini")
    assert gini is not None
    assert gini.value == fair.gini.value
    refused = bank.check_policy(CheckPolicy()).report
    pairs = parts["suitability"].figure("refused_pairs")
    assert pairs is not None
    assert pairs.value == pytest.approx(refused.rules[0].pairs / (refused.users * refused.products))
    assert parts["operations"].figure("record_problems") == Figure("record_problems", 0.0, "count", better=-1)
    page = (tmp_path / "report.html").read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    assert {one for one in tags.links if not one.startswith("#")} == set()
    assert {"script", "link", "img", "iframe"} & set(tags.names) == set()
    assert "url(" not in page
    assert f"{own.value:.1%}" in page
    assert 'aria-label="Part of the list that is left"' in page
    for one in parts.values():
        assert one.command in page


@pytest.mark.slow
def test_the_next_one_stands_beside_it(bank: Bank, tmp_path: Path) -> None:
    first = bank.report(MakeReport(without=("stability",)))
    second = bank.report(MakeReport(tmp_path / "second.json", without=("stability", "fairness")))
    assert second.last == first.report
    told = json.loads((tmp_path / "second.json").read_text("utf-8"))
    assert told["compared_with"] == first.report.made_at
    assert {one["verdict"] for key, one in told["changes"].items() if key.startswith("accuracy.")} == {"same"}
    before, after = first.report.part("accuracy"), second.report.part("accuracy")
    assert before is not None
    assert after is not None
    assert after.measured_at == before.measured_at  # the same model and data: it was not measured again
    parts = {one["name"]: one for one in told["parts"]}
    assert (parts["fairness"]["state"], parts["fairness"]["missing"]) == ("unknown", "it was left out (--without)")
    assert parts["fairness"]["command"] == "graphrec fairness"
    other = bank.report(MakeReport(against=tmp_path / "second.json", without=PARTS[1:]))
    assert other.last == second.report
    kept = sorted((bank.home.path / "reports").glob("*.json"))
    assert json.loads(kept[-1].read_text("utf-8")) == json.loads(json.dumps(plain(other.report)))


def test_what_is_not_there_is_said(served_home: Home, tmp_path: Path) -> None:
    """A final model alone, no policy, nothing shown."""
    copied(served_home, tmp_path / "home")
    words = ["--home", str(tmp_path / "home"), "report", "--out", str(tmp_path / "page.html")]
    done = CliRunner().invoke(app, [*words, "--json", "--language", "de"])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    missing = {one["name"]: one["missing"] for one in told["parts"] if one["state"] == "unknown"}
    assert {"accuracy", "explanations", "fairness", "stability", "suitability"} <= missing.keys()
    assert "graphrec policy init" in missing["suitability"]
    assert "graphrec train" in missing["accuracy"]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Nicht gemessen: Treffsicherheit" in page
    assert "graphrec fairness" in page
    shown = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "report", "--language", "zh"])
    assert "未测量" in shown.stdout


def test_changes_by_hand() -> None:
    def report(figures: tuple[Figure, ...]) -> Report:
        return Report("2026-01-02T00:00:00+00:00", "2026-01-02", None, None, None, "0", (Part("money", "x", figures),))

    before = report((
        Figure("a", 0.2, "share", 0.1, 0.3, 1), Figure("b", 5.0, "count", better=-1), Figure("c", 1.0),
        Figure("d", 0.2, "share", 0.1, 0.3, 1), Figure("e", None), Figure("f", 2.0, better=1),
    ))  # fmt: skip
    after = report((
        Figure("a", 0.25, "share", 0.2, 0.4, 1), Figure("b", 7.0, "count", better=-1), Figure("c", 2.0),
        Figure("d", 0.6, "share", 0.5, 0.7, 1), Figure("e", 1.0), Figure("f", 2.0, better=1), Figure("g", 1.0),
    ))  # fmt: skip
    found = {key: (one.verdict, one.before) for key, one in changes(after, before).items()}
    assert found == {
        "money.a": ("within", 0.2), "money.b": ("worse", 5.0), "money.c": ("other", 1.0),
        "money.d": ("better", 0.2), "money.f": ("same", 2.0),
    }  # fmt: skip
    assert read(json.loads(json.dumps(plain(after)))) == after


def test_bounds_and_bad_input(bank: Bank, measured: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--without nothing: want names of accuracy, money"):
        bank.report(MakeReport(without=("nothing",)))
    with pytest.raises(UsageError, match=r"want a file \.html or \.json"):
        bank.report(MakeReport(tmp_path / "report.pdf"))
    (tmp_path / "no.json").write_text("{}", "utf-8")
    with pytest.raises(UsageError, match=r"is no report \(ValidationError\)"):
        bank.report(MakeReport(against=tmp_path / "no.json"))
    (measured.path / "monitor.toml").write_text("window_days = 30\n", "utf-8")
    (measured.path / "monitor.toml").chmod(0o644)
    rest = ",".join(one for one in PARTS if one != "operations")
    done = CliRunner().invoke(
        app, ["--home", str(measured.path), "report", "--without", rest, "--strict", "--no-record"]
    )
    (measured.path / "monitor.toml").unlink()
    assert done.exit_code == 7
    assert "1 parts want attention: operations" in done.stderr
    assert "graphrec doctor, home: " in done.stdout


def test_words_of_tables_sentences_and_small_numbers() -> None:
    words = Words(language_of("en"))
    assert [words.value(one, "share") for one in (0.0, 0.0002, 0.0006, 0.5)] == ["0.0%", "< 0.1%", "0.1%", "50.0%"]
    assert (words.value(1.6268, "short"), words.value(-0.00104, "rate")) == ("1.63", "-0.10%")
    assert words.interval(Figure("coverage", 1.0, "share", 1.0, 1.0)) == ""
    assert words.name(Figure("made_of", 0.5, "share", of="path")) == "Part of the scores (paths of dealings and facts)"
    assert words.name(Figure("worst_gap", 0.5, of="sex: male")).endswith("(sex: male)")
    assert words.concern(Concern("moved", {"measure": "data_age", "about": "facts", "value": "9", "limit": "7"})) == (
        "facts: days since the last event: 9 (it warns from 7 on)."
    )
    moved = Concern("moved", {"measure": "volume", "about": "T", "value": "3.2", "limit": "1"})
    assert Words(language_of("de")).concern(moved).endswith(": 3,2 (ab 1 wird gewarnt).")
    cells = {"model": "itemknn", "severity": "refuse", "state": "alarm", "subject": "age", "rule": "refuse"}
    assert [words.cell(*one) for one in cells.items()] == [
        "what others hold besides (item-kNN)", "refuses", "alarm", "Age", "refuse",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_summary_says_what_wants_attention_and_old_data_is_named(
    measured: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = '[[rule]]\nid = "never"\nsentence = "s"\nrequire = "is_missing(channel) or not is_missing(channel)"\n'
    shutil.copytree(measured.path, tmp_path / "home")
    (tmp_path / "home" / "policy.toml").write_text(POLICY + idle, "utf-8")
    bank = Bank(Settings(home=tmp_path / "home"))
    snapshot = SnapshotShelf(bank.home.snapshots).latest()
    for user in list(snapshot.nodes(snapshot.schema.roles.user).ids)[:12]:
        bank.recommend(Recommend(user, 3))
    later = Bank(Settings(home=tmp_path / "home", today=date.today() + timedelta(days=40)))  # noqa: DTZ011
    parts = tuple(one for one in PARTS if one not in ("money", "suitability"))
    monkeypatch.setattr(business, "_data_age", lambda _bank: 44.2)  # this bank has no times
    done = later.report(MakeReport(tmp_path / "report.html", without=parts))
    money, suitability = done.report.part("money"), done.report.part("suitability")
    assert money is not None
    assert money.concerns == (Concern("data_end", {"days": "45"}),)
    assert suitability is not None
    assert Concern("rule_idle", {"rule": "never"}) in suitability.concerns
    page = (tmp_path / "report.html").read_text("utf-8")
    said = done.words.concern(money.concerns[0])
    assert page.count(said) == 2  # in the summary, and in its part


@pytest.mark.slow
def test_no_number_of_the_page_is_of_a_person(bank: Bank) -> None:
    told = json.dumps(as_json(bank.report(MakeReport(without=("stability",)))))
    snapshot = SnapshotShelf(bank.home.snapshots).latest()
    ids = snapshot.nodes(snapshot.schema.roles.user).ids
    for place in range(0, snapshot.count(snapshot.schema.roles.user), 7):
        assert not re.search(rf'"[^"]*\b{re.escape(ids[place])}\b[^"]*"', told)


def test_every_figure_and_concern_has_a_text_and_every_text_is_said() -> None:
    folder = Path(report_files.__file__).parent
    code = "\n".join(file.read_text("utf-8") for file in folder.glob("*.py")) + (
        folder / "templates" / "report.html"
    ).read_text("utf-8")
    for key in language_of("en").texts:
        table, _, name = key.partition(".")
        kind, _, rest = name.partition("_")
        if table == "report" and kind in ("f", "c", "h"):
            assert f'"{rest}"' in code or f'"{name}"' in code, f"nobody says {key}"


@pytest.mark.slow
def test_the_page_fits_and_is_accessible(bank: Bank, tmp_path: Path) -> None:
    """At both widths, in light and dark."""
    bank.report(MakeReport(tmp_path / "report.html", without=("stability",)))
    with browser() as opened:
        for width, scheme in ((1280, "light"), (390, "dark")):
            context = opened.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto((tmp_path / "report.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.evaluate(AXE.read_text("utf-8"))
            findings = page.evaluate("axe.run(document)")["violations"]
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in findings] == []
            context.close()
