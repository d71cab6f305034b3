"""Reasons on the command line: languages, order, confidence, audit."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from graphrec.cli import app
from graphrec.cli.answers import show_answer
from graphrec.home import Home
from graphrec.serving.answer import Answer
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.sentences import Sentences


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """No graphrec.toml and no variables of the machine."""
    monkeypatch.chdir(tmp_path)
    for name in ("GRAPHREC_LANGUAGE", "GRAPHREC_MIN_CONFIDENCE"):
        monkeypatch.delenv(name, raising=False)


def run(home: Home, *words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(
        app, ["--home", str(home.path), "--policy", "none", *words, "--no-record"], prog_name="graphrec"
    )
    assert done.exit_code == code, done.output
    return done


def test_what_a_list_consists_of_stands_under_it(served_home: Home) -> None:
    text = run(served_home, "recommend", "C008", "-k", "2").stdout
    items = json.loads(run(served_home, "recommend", "C008", "-k", "2", "--json").stdout)["items"]
    total = sum(item["score"] for item in items)
    path = sum(item["composition"]["path"] for item in items) / total
    assert text.splitlines()[-1].startswith("of these scores ")
    assert f"{path:.0%} on real paths" in text
    assert "0% who the user is (user-ID)" in text
    assert "smaller than" not in text


def test_as_many_reasons_as_are_wanted(served_home: Home) -> None:
    whole = json.loads(run(served_home, "recommend", "C008", "-k", "1", "--all-lines", "--json").stdout)["items"][0]
    five = json.loads(run(served_home, "recommend", "C008", "-k", "1", "--reasons", "5", "--json").stdout)["items"][0]
    assert five["lines"] == [line for line in whole["lines"] if line["share"] > 0][:5]
    assert five["rest"] == pytest.approx(five["score"] - sum(line["share"] for line in five["lines"]), abs=1e-12)
    three = json.loads(run(served_home, "recommend", "C008", "-k", "1", "--json").stdout)["items"][0]
    assert three["lines"] == five["lines"][:3]


def _told(answer: Answer, told: Sentences, capsys: pytest.CaptureFixture[str]) -> str:
    show_answer(answer, told)
    return capsys.readouterr().out


def test_no_empty_columns_and_no_empty_rest(served_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine.open(served_home)
    answer = engine.recommend("C008", 2)
    told = engine.reasons_in("en").sentences
    columns = _told(answer, told, capsys).splitlines()[1].split()
    assert columns == ["rank", "product", "name", "kind", "score", "of", "which"]
    bare = [replace(item, name=None, product_kind=None) for item in answer.items]
    columns = _told(replace(answer, items=bare), told, capsys).splitlines()[1].split()
    assert columns == ["rank", "product", "score", "of", "which"]
    for rest, shown in ((0.0006, "+0.001   everything else"), (-0.0004, None)):
        text = _told(replace(answer, items=[replace(answer.items[0], rest=rest)]), told, capsys)
        assert shown in text if shown else "everything else" not in text


def test_chinese_by_option_variable_and_file(served_home: Home, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    told = run(served_home, "recommend", "C008", "-k", "1", "--language", "zh").stdout
    assert told.splitlines()[1].split() == ["排名", "产品", "名称", "类型", "得分", "其中"]
    assert "其余部分" in told
    monkeypatch.setenv("GRAPHREC_LANGUAGE", "zh")
    assert run(served_home, "recommend", "C008", "-k", "1").stdout == told
    monkeypatch.delenv("GRAPHREC_LANGUAGE")
    (tmp_path / "graphrec.toml").write_text('language = "zh"\n')
    assert run(served_home, "recommend", "C008", "-k", "1").stdout == told
    assert "排名" not in run(served_home, "recommend", "C008", "-k", "1", "--language", "en").stdout


def test_confidence_by_option_and_file(served_home: Home, tmp_path) -> None:  # type: ignore[no-untyped-def]
    items = json.loads(run(served_home, "recommend", "C008", "--json").stdout)["items"]
    least = items[2]["confidence"]
    cut = json.loads(run(served_home, "recommend", "C008", "--json", "--min-confidence", str(least)).stdout)
    assert [item["product"] for item in cut["items"]] == [item["product"] for item in items[:3]]
    assert cut["abstained"].startswith("2 more products are left out: ")
    (tmp_path / "graphrec.toml").write_text(f"min_confidence = {least}\n")
    assert json.loads(run(served_home, "recommend", "C008", "--json").stdout)["items"] == cut["items"]
    assert "2 more products are left out" in run(served_home, "recommend", "C008").stdout


def test_audit_prints_predicted_actual_and_rank(served_home: Home) -> None:
    product = json.loads(run(served_home, "recommend", "C008", "-k", "1", "--json").stdout)["items"][0]["product"]
    words = ("explain", "C008", product, "--no-cypher", "--audit")
    audit = json.loads(run(served_home, *words, "--json").stdout)["items"][0]["audit"]
    text = run(served_home, *words).stdout
    head = next(line for line in text.splitlines() if line.startswith("deleted edge"))
    assert head.split() == ["deleted", "edge", "to", "predicted", "actual", "gap", "rank"]
    for one in audit["deletions"]:
        row = next(
            line for line in text.splitlines() if line.startswith(one["edge"]) and f"{one['actual']:+.4f}" in line
        )
        assert f"1 → {one['rank']}" in row
    assert "computed anew without the edge: kernel; learned weights (W) held fixed: factors" in text
    assert json.loads(run(served_home, *words[:-1], "--json").stdout)["items"][0]["audit"] is None


def test_plain_and_preferred_orders(served_home: Home) -> None:
    plain = json.loads(run(served_home, "recommend", "C008", "-k", "1", "--plain", "--json").stdout)["items"][0]
    shares = [line["share"] for line in plain["lines"]]
    assert shares == sorted(shares, reverse=True)
    default = json.loads(run(served_home, "recommend", "C008", "--json").stdout)["items"]
    recent = json.loads(run(served_home, "recommend", "C008", "--prefer", "recent", "--json").stdout)["items"]
    assert [item["score"] for item in default] == [item["score"] for item in recent]
    assert [item["lines"] for item in default] != [item["lines"] for item in recent]
