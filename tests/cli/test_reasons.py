"""Reasons on the command line: languages, order, confidence, audit."""

import json
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
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


def test_what_a_list_consists_of_stands_under_it(own_home: Home) -> None:
    text = run(own_home, "recommend", "C008", "-k", "2").stdout
    items = json.loads(run(own_home, "recommend", "C008", "-k", "2", "--json").stdout)["items"]
    total = sum(item["score"] for item in items)
    path = sum(item["composition"]["path"] for item in items) / total
    last = " ".join(text[text.index("of these scores ") :].split())
    assert f"{path:.0%} on real paths" in last
    assert "0% who the user is (user-ID)" in last
    assert "smaller than" not in last


def test_as_many_reasons_as_are_wanted(own_home: Home) -> None:
    whole = json.loads(run(own_home, "recommend", "C008", "-k", "1", "--all-lines", "--json").stdout)["items"][0]
    default = json.loads(run(own_home, "recommend", "C008", "-k", "1", "--json").stdout)["items"][0]
    two = json.loads(run(own_home, "recommend", "C008", "-k", "1", "--reasons", "2", "--json").stdout)["items"][0]
    assert default["lines"] == [line for line in whole["lines"] if line["share"] > 0][:5]
    assert default["rest"] == pytest.approx(
        default["score"] - sum(line["share"] for line in default["lines"]), abs=1e-12
    )
    assert two["lines"] == default["lines"][:2]
    told = [one for one in default["reasons"] if one["kind"] not in ("many", "other")]
    assert 1 < len(told) <= 5
    assert [one for one in two["reasons"] if one["kind"] not in ("many", "other")] == told[:2]
    for item in (whole, default, two):
        percents = [one["percent"] for one in item["reasons"] if one["percent"] is not None]
        assert sum(percents) + item["others"] == pytest.approx(100)
        assert len({one["text"] for one in item["reasons"]}) == len(item["reasons"])
        assert set(item["reasons"][0]) >= {"text", "percent", "kind", "lines", "people", "cypher"}


def _printed(answer: Answer, sentences: Sentences, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_answer(answer, sentences)
    return capsys.readouterr().out.splitlines()


def test_the_per_cents_of_a_product_as_printed_add_up_to_100(
    own_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine.open(own_home)
    answer = engine.recommend("C008", 1)
    (one,) = answer.items
    first = one.reasons[0]
    english = engine.reasons_in("en").sentences
    for percents, others, wanted in (
        # The rest is what is left; where nothing is, the largest remainders are rounded up.
        ((25.6, 25.5, 25.4), 23.5, [26, 26, 25, 23]),
        ((33.5, 33.5, 33.0), 0.0, [34, 33, 33]),
    ):
        parts = [replace(first, percent=percent, text=f"a {percent}") for percent in percents]
        shown = replace(answer, items=(replace(one, reasons=tuple(parts), others=others, against=None),))
        lines = _printed(shown, english, capsys)
        assert [int(found[1]) for line in lines if (found := re.search(r"^   █* +(\d+)%", line))] == wanted


def test_a_product_with_what_is_known_of_it(own_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    engine = Engine.open(own_home)
    answer = engine.recommend("C008", 2)
    english = engine.reasons_in("en").sentences
    lines = _printed(answer, english, capsys)
    one, two = answer.items
    assert lines[2] == f"1. {one.name} ({one.product}) · {one.product_kind} · confidence medium"
    assert len([line for line in lines if line.startswith("   █")]) >= 2
    known = replace(
        one, risk=3, fee=0.5, minimum=1000, confidence=0.9, warnings=("take care",), others=12.0, against=4.0
    )
    limits = {"risk_tolerance": 4, "horizon": None, "horizon_years": 3, "may_trade": True}
    text = _printed(replace(answer, items=(known,), limits=limits), engine.reasons_in("de").sentences, capsys)
    assert text[1] == "Kunde: Risikobereitschaft 4, Anlagehorizont 3 Jahre, May Trade ja"
    assert text[3].endswith(" · Risikoklasse 3 · Kosten 0,50 · ab 1.000 · Sicherheit hoch")
    assert text[4] == "   ! take care"
    assert "   █           12 %  alles Übrige" in text
    assert "               -4 %  spricht dagegen" in text
    bare = _printed(replace(answer, items=(replace(two, name=None, product_kind=None),)), english, capsys)
    assert bare[2] == f"2. {two.product} · confidence {'medium' if two.confidence >= 0.5 else 'low'}"


def test_lists_read_well_at_80_columns(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for language in ("en", "de", "zh"):
        text = run(own_home, "recommend", "C008", "-k", "3", "--language", language).stdout
        assert all(cell_len(line) <= 80 for line in text.splitlines())
        assert not any(line.endswith(" ") for line in text.splitlines())
    wide = run(own_home, "recommend", "C008", "-k", "3").stdout
    monkeypatch.setenv("COLUMNS", "300")
    assert len(run(own_home, "recommend", "C008", "-k", "3").stdout.splitlines()) < len(wide.splitlines())


def test_language_by_option_variable_and_file(own_home: Home, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    told = run(own_home, "recommend", "C008", "-k", "1", "--language", "zh").stdout
    assert "置信度" in told.splitlines()[2]
    assert "该产品" in told
    monkeypatch.setenv("GRAPHREC_LANGUAGE", "zh")
    assert run(own_home, "recommend", "C008", "-k", "1").stdout == told
    monkeypatch.delenv("GRAPHREC_LANGUAGE")
    (tmp_path / "graphrec.toml").write_text('language = "zh"\n')
    assert run(own_home, "recommend", "C008", "-k", "1").stdout == told
    assert "置信度" not in run(own_home, "recommend", "C008", "-k", "1", "--language", "en").stdout
    german = run(own_home, "recommend", "C008", "-k", "1", "--language", "de", "--voice", "customer").stdout
    assert "Sie " in german
    assert "Kunde" not in german


def test_an_unknown_language_is_one_line(own_home: Home) -> None:
    done = run(own_home, "recommend", "C008", "--language", "fr", code=3)
    where = own_home.path / "languages" / "fr.toml"
    assert done.stderr == f"error: language 'fr' is not known; want one of en, de, zh, or write {where}\n"


def test_confidence_by_option_and_file(own_home: Home, tmp_path) -> None:  # type: ignore[no-untyped-def]
    items = json.loads(run(own_home, "recommend", "C008", "--json").stdout)["items"]
    least = items[2]["confidence"]
    cut = json.loads(run(own_home, "recommend", "C008", "--json", "--min-confidence", str(least)).stdout)
    assert [item["product"] for item in cut["items"]] == [item["product"] for item in items[:3]]
    assert cut["abstained"].startswith("2 more products are left out: ")
    (tmp_path / "graphrec.toml").write_text(f"min_confidence = {least}\n")
    assert json.loads(run(own_home, "recommend", "C008", "--json").stdout)["items"] == cut["items"]
    assert "2 more products are left out" in run(own_home, "recommend", "C008").stdout


def test_audit_prints_predicted_actual_and_rank(own_home: Home) -> None:
    product = json.loads(run(own_home, "recommend", "C008", "-k", "1", "--json").stdout)["items"][0]["product"]
    words = ("explain", "C008", product, "--no-cypher", "--audit")
    audit = json.loads(run(own_home, *words, "--json").stdout)["items"][0]["audit"]
    text = run(own_home, *words).stdout
    head = next(line for line in text.splitlines() if line.startswith("deleted edge"))
    assert head.split() == ["deleted", "edge", "to", "predicted", "actual", "gap", "rank"]
    for one in audit["deletions"]:
        row = next(
            line for line in text.splitlines() if line.startswith(one["edge"]) and f"{one['actual']:+.4f}" in line
        )
        assert f"1 → {one['rank']}" in row
    assert "computed anew without the edge: kernel; learned weights (W) held fixed: factors" in text
    assert json.loads(run(own_home, *words[:-1], "--json").stdout)["items"][0]["audit"] is None


def test_plain_and_preferred_orders(own_home: Home) -> None:
    plain = json.loads(run(own_home, "recommend", "C008", "-k", "1", "--plain", "--json").stdout)["items"][0]
    shares = [line["share"] for line in plain["lines"]]
    assert shares == sorted(shares, reverse=True)
    default = json.loads(run(own_home, "recommend", "C008", "--json").stdout)["items"]
    recent = json.loads(run(own_home, "recommend", "C008", "--prefer", "recent", "--json").stdout)["items"]
    assert [item["score"] for item in default] == [item["score"] for item in recent]
    assert [item["reasons"] for item in default] != [item["reasons"] for item in recent]
