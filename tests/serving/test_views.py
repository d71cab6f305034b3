"""Views: what a role reads of an exact answer, and what it cannot be solved for."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.errors import SettingsError
from graphrec.home import Home
from graphrec.languages import language_of
from graphrec.policy.compiled import Finding
from graphrec.policy.rules import NOT_AVAILABLE
from graphrec.schema import VIEWS, View
from graphrec.serving.answer import Answer, Item, Line, ListOptions, Node, People, Reason, Step
from graphrec.serving.engine import Engine
from graphrec.serving.views import Band, Viewer, whole
from graphrec.serving.why_not import WhyNot

SECRET = bytes(range(32))
#: Keys of the exact answer from which a number of another person can be computed.
EXACT_KEYS = {
    "score", "share", "contrast", "rest", "scale", "composition", "gradients", "audit", "power_1",
    "power_2", "power_3", "wording", "people",
}  # fmt: skip
PATH = (
    Node("Customer", "C1", None), Step("BOUGHT", "out"), Node("Product", "P1", "Fund 1"), Step("BOUGHT", "in"),
    People("Customer", 7), Step("BOUGHT", "out"), Node("Product", "P2", "Fund 2"),
)  # fmt: skip
LINE = Line(
    kind="path", text="7 others who bought Fund 1 bought Fund 2", share=0.4, contrast=0.1, via=PATH[2], path=PATH,
    cypher="MATCH … RETURN share", term="kernel",
    parameters={"user": "C1", "via": "P1", "product": "P2", "scale": 0.123, "power_1": 0.5, "as_of": "2026",
                "nodes_as_of": "2027"},
    wording="{people} others who bought Fund 1 bought Fund 2",
)  # fmt: skip


MANY = replace(LINE, path=(*PATH[:4], People("Customer", 700), *PATH[5:]))


def viewer(view: View = "adviser", *, month: str = "2026-11", min_group: int = 5, secret: bytes = SECRET) -> Viewer:
    return Viewer(view, secret=secret, month=month, min_group=min_group, often="many")


def reason(percent: float | None, people: int | None = None, **others: Any) -> Reason:
    wording = None if people is None else "{people} others who bought Fund 1 bought it"
    text = "is linked with Fund 1" if wording is None else wording.replace("{people}", str(people))
    return Reason(text, percent, "path", 2, share=0.3, people=people, wording=wording, **others)


def item(*reasons: Reason, others: float | None = None, **changes: Any) -> Item:
    if others is None:
        others = 100 - sum(one.percent or 0 for one in reasons)
    made = Item(
        rank=1, product="P2", name="Fund 2", product_kind="fund", score=1.2345, lines=(MANY,), rest=0.1,
        composition={"path": 1.2345}, confidence=0.4321,
    )  # fmt: skip
    return replace(made, reasons=reasons, others=others, **changes)


def answer(*items: Item, **changes: Any) -> Answer:
    return Answer("C1", "2026-11-01", "blend", "abc", items, None, (), **changes)


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(keys_of(one) for one in value.values()))
    return set().union(*(keys_of(one) for one in value)) if isinstance(value, list | tuple) else set()


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, dict | list | tuple):
        return [one for part in (value.values() if isinstance(value, dict) else value) for one in numbers_of(part)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


@pytest.mark.parametrize("parts", [[100.0], [33.4, 33.3, 33.3], [0.5, 0.5, 99.0], [50.5, 49.5], [100 / 7] * 7])
def test_whole_per_cents_add_up(parts: list[float]) -> None:
    found = whole(parts)
    assert sum(found) == 100
    assert all(abs(one - part) < 1 for one, part in zip(found, parts, strict=True))
    # Who has the larger remainder is not rounded down for the one with the smaller.
    up = [part % 1 for one, part in zip(found, parts, strict=True) if one > part]
    down = [part % 1 for one, part in zip(found, parts, strict=True) if one <= part and part % 1]
    assert not up or not down or min(up) >= max(down)


@pytest.mark.parametrize("view", VIEWS[1:])
def test_no_key_of_arithmetic_is_left(view: View) -> None:
    exact = answer(item(reason(62.3, 230), reason(20.2)))
    assert keys_of(exact.to_json()) > EXACT_KEYS - {"gradients"} - {"power_2", "power_3"}
    seen = viewer(view).answer(exact)
    plain = seen.to_json()
    assert not keys_of(plain) & EXACT_KEYS
    assert plain["view"] == view
    whole_numbers = [number for number in numbers_of(plain) if isinstance(number, int)]
    assert [number for number in numbers_of(plain) if not isinstance(number, int)] == [0.0]
    assert 62 in whole_numbers
    assert "230" not in json.dumps(plain)


def test_per_cents_of_a_product_add_up_to_100() -> None:
    (seen,) = viewer().answer(answer(item(reason(62.3, 230), reason(20.2), reason(8.9)))).items
    assert [one.percent for one in seen.reasons] == [62, 20, 9]
    assert seen.other == 9


def test_a_reason_of_few_people_has_steps_of_ten() -> None:
    """Twice min_group people are at least min_group strangers beside four who act together and the one who asks."""
    (seen,) = viewer().answer(answer(item(reason(62.3, 6), reason(20.2)))).items
    assert [one.percent for one in seen.reasons] == [60, 20]
    assert seen.other == 20
    # All of the product has them: from its other per cents that of the reason would follow.
    (near,) = viewer().answer(answer(item(reason(69.9, 6), reason(12.6), reason(4.2)))).items
    assert [one.percent for one in near.reasons] == [70, 10, 10]
    assert near.other == 10
    # A line of few people counts like a reason of few.
    (behind,) = viewer().answer(answer(item(reason(69.9, 600), reason(12.6), lines=(LINE,)))).items
    assert [one.percent for one in behind.reasons] == [70, 10]


def test_a_heading_and_a_product_without_support_have_no_per_cent() -> None:
    heading = Reason("many small reasons", None, "many", 0)
    (seen,) = viewer().answer(answer(item(heading, reason(9.0)))).items
    assert [one.percent for one in seen.reasons] == [None, 9]
    assert seen.other == 91
    nothing = replace(item(reason(None)), others=None)
    (seen,) = viewer().answer(answer(nothing)).items
    assert (seen.reasons[0].percent, seen.other) == (None, None)


def test_people_are_bands_in_counts_and_in_sentences() -> None:
    (seen,) = viewer().answer(answer(item(reason(62.3, 330), reason(20.2)))).items
    assert seen.reasons[0].count == Band(50, 499)
    assert seen.reasons[0].text == "50–499 others who bought Fund 1 bought it"
    assert seen.reasons[1].count is None
    # A line says that they are enough; another draw for the same people would be another look at them.
    assert seen.lines[0].text == "5+ others who bought Fund 1 bought Fund 2"
    people = [part for part in seen.lines[0].path or () if not isinstance(part, Node | Step)]
    assert [one.count for one in people] == [None]


def test_all_that_there_are_is_said_as_many() -> None:
    """Else who is known to have the one would be known to have the other."""
    line = replace(LINE, everyone=True)
    (seen,) = viewer().answer(answer(item(reason(62.3, 230, everyone=True), lines=(line,)))).items
    assert seen.reasons[0].text == "many others who bought Fund 1 bought it"
    assert seen.reasons[0].count is None
    assert seen.lines[0].text == "many others who bought Fund 1 bought Fund 2"


@pytest.mark.parametrize(
    ("count", "low", "high"), [(5, 5, 49), (6, 5, 49), (25, 5, 49), (75, 50, 499), (330, 50, 499), (1500, 500, 4999)]
)
def test_bands_in_their_middle(count: int, low: int, high: int) -> None:
    found = Counter(viewer().band(f"statistic {n}", count) for n in range(400))
    assert found.most_common(1)[0][0] == Band(low, high)
    assert all(one.low >= 5 for one in found)


def test_bands_at_their_border_do_not_tell_one_person_from_none() -> None:
    """With one more, the band changes for few of the statistics, and on neither side it is certain."""
    low = Counter(viewer().band(f"statistic {n}", 49).low for n in range(4000))
    high = Counter(viewer().band(f"statistic {n}", 50).low for n in range(4000))
    assert set(low) == set(high) == {5, 50}
    assert abs(low[50] - high[50]) / 4000 < 0.06


def test_two_dates_do_not_tell_whether_one_person_more_came_between() -> None:
    """An attacker compares the band of the day before with that of the day after; guesses an event where they differ.

    Nothing differs where nothing happened. With one person more it differs at a border alone: for 1 in 80 of the
    counts from 5 to 99 at most. All counts that one event moves together: tests/privacy/test_differencing.py.
    """
    seer, statistics = viewer(), [f"statistic {n}" for n in range(300)]
    bands = {n: [seer.band(one, n) for one in statistics] for n in range(5, 101)}
    assert [viewer().band(one, 9) for one in statistics] == bands[9], "no event, and no difference"
    told = {n: sum(a != b for a, b in zip(bands[n], bands[n + 1], strict=True)) / 300 for n in range(5, 100)}
    assert sum(told.values()) / len(told) <= 0.0125
    assert max(told.values()) < 0.1
    for n in range(5, 100):
        assert all(before.low <= after.low for before, after in zip(bands[n], bands[n + 1], strict=True))


def test_asking_again_gives_nothing_more() -> None:
    statistics = [(f"statistic {n}", count) for n in range(50) for count in (44, 49, 50, 54)]
    first = [viewer().band(*one) for one in statistics]
    assert [viewer("customer").band(*one) for one in statistics] == first
    assert [viewer(month="2026-12").band(*one) for one in statistics] != first
    assert [viewer(secret=bytes(32)).band(*one) for one in statistics] != first
    # Another language, another voice, another customer: the same band.
    exact = item(reason(62.3, 49, cypher="…", parameters={"user": "C1", "via": ["P1"], "as_of": "2026"}))
    other = item(reason(11.0, 49, cypher="…", parameters={"user": "C2", "via": ["P1"], "as_of": "2025"}))
    other = replace(other, reasons=(replace(other.reasons[0], wording="{people} andere"),))
    for month in range(1, 13):
        seer = viewer(month=f"2026-{month:02}")
        assert seer.item(exact).reasons[0].count == seer.item(other).reasons[0].count


@pytest.mark.parametrize(("exact", "level"), [(0.0, 0.0), (0.499, 0.0), (0.5, 0.5), (0.799, 0.5), (0.99, 0.8)])
def test_confidence_has_three_levels(exact: float, level: float) -> None:
    (seen,) = viewer().answer(answer(item(reason(62.3), confidence=exact))).items
    assert seen.confidence == level


def test_what_a_short_list_says_has_one_digit() -> None:
    short = answer(abstained_seen="the best has 0.4")
    assert viewer().answer(replace(short, abstained="the best has 0.38")).abstained == "the best has 0.4"


def test_min_group_is_where_bands_begin() -> None:
    assert viewer(min_group=7).band("x", 7).low >= 7
    assert viewer(min_group=1).band("x", 1).low == 1
    assert {viewer(min_group=12).band(f"{n}", 13).low for n in range(99)} == {12}


def test_confidential_rules_share_one_name() -> None:
    exact = answer(refused={"pep": 3, "held": 2, "sanctions": 4}, confidential=("pep", "sanctions"))
    assert viewer().answer(exact).refused == {NOT_AVAILABLE: 7, "held": 2}
    refused = (
        Finding("pep", "refuse", "is a PEP", {"user.pep": True}, confidential=True),
        Finding("sanctions", "refuse", "is listed", {"user.listed": True}, confidential=True),
        Finding("held", "refuse", "already held", {}),
    )
    found = WhyNot("C1", "P2", None, None, "m", "s", None, "P2 is refused: is a PEP", 5, refused)
    seen = viewer().why_not(found)
    assert [one.rule for one in seen.refused] == [NOT_AVAILABLE, "held"]
    assert "PEP" not in json.dumps(seen.to_json())
    assert "listed" not in json.dumps(seen.to_json())


@pytest.mark.parametrize(("code", "said"), [("en", "not available"), ("de", "nicht verfügbar"), ("zh", "不可提供")])
def test_a_confidential_rule_is_hidden_in_the_language_of_the_answer(code: str, said: str) -> None:
    hidden = language_of(code).text("policy.not_available")
    one = Finding("pep", "refuse", "is a PEP", {}, confidential=True, in_its_place=hidden)
    assert one.public_sentence == said
    told = language_of(code).say("notes.not_available", i="P2", user="C1")
    found = WhyNot("C1", "P2", None, None, "m", "s", None, "P2: is a PEP", 5, (one,), told=told)
    seen = viewer().why_not(found)
    assert (seen.verdict, seen.refused[0].sentence) == (told, said)


@pytest.fixture
def run(own_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_policy: None) -> Any:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["--home", str(own_home.path), *words], prog_name="graphrec")
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    return invoke


@pytest.mark.parametrize("view", ["adviser", "customer"])
def test_commands_take_a_view(run: Any, view: str) -> None:
    for words in (["recommend", "C008"], ["explain", "C008", "P04"], ["why-not", "C008", "P05"]):
        exact = json.loads(run(*words, "--json", "--no-record"))
        seen = json.loads(run(*words, "--json", "--no-record", "--view", view))
        assert "score" in keys_of(exact)
        assert not keys_of(seen) & EXACT_KEYS
        assert all(isinstance(number, int) or number * 10 % 1 == 0 for number in numbers_of(seen))
        assert "." not in seen.get("verdict", "")


def test_a_list_in_a_view_reads_well(run: Any) -> None:
    exact = json.loads(run("recommend", "C008", "--json", "--no-record"))
    text = run("recommend", "C008", "--view", "adviser", "--no-record")
    for one in exact["items"]:
        assert one["product"] in text
        assert f"{one['score']:.3f}" not in text
        assert one["name"] in text
    seen = json.loads(run("recommend", "C008", "--view", "adviser", "--json", "--no-record"))
    assert f"{seen['items'][0]['reasons'][0]['percent']}%" in text


def test_the_view_of_the_settings(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHREC_VIEW", "customer")
    assert json.loads(run("recommend", "C008", "--json", "--no-record"))["view"] == "customer"
    assert "score" in json.loads(run("recommend", "C008", "--view", "compliance", "--json", "--no-record"))["items"][0]
    monkeypatch.setenv("GRAPHREC_VIEW", "boss")
    assert "boss" in run("recommend", "C008", code=3)


def test_what_has_no_other_form_is_refused(run: Any, tmp_path: Path) -> None:
    for words in (
        ["explain", "C008", "P04", "--audit"],
        ["explain", "C008", "P04", "--picture", str(tmp_path / "a.svg")],
        ["query", "MATCH (n) RETURN n"],
    ):
        text = run(*words, "--view", "adviser", code=2)
        assert "want --view compliance" in text
    assert not (tmp_path / "a.svg").exists()


def test_others_find_products_alone(run: Any) -> None:
    assert json.loads(run("find", "C008", "--json"))["users"]
    assert json.loads(run("find", "C008", "--json", "--view", "adviser"))["users"] == []
    assert json.loads(run("find", "Fund 1", "--json", "--view", "adviser"))["products"]
    assert "60 users" not in run("find", "C008", "--view", "adviser")


def test_the_secret_of_a_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    secret = home.secret()
    file = home.serving / "secret"
    assert len(secret) == 32
    assert home.secret() == secret == bytes.fromhex(file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert Home(tmp_path / "other").prepare().secret() != secret
    assert not [one for one in home.serving.iterdir() if one.name.startswith(".")]
    file.write_text("00")
    with pytest.raises(SettingsError, match="holds 1 bytes"):
        home.secret()
    file.write_text("no")
    with pytest.raises(SettingsError, match="restore it from a backup"):
        home.secret()


def test_steps_of_ten_add_up() -> None:
    for first in range(1, 100):
        made = item(reason(first + 0.4, 6), reason(99.6 - first, 7))
        (seen,) = viewer().answer(answer(made)).items
        shown = [one.percent or 0 for one in seen.reasons]
        assert sum(shown) + (seen.other or 0) == 100
        assert all(one % 10 == 0 for one in shown)
        assert all(abs(exact - one) < 10 for one, exact in zip(shown, [first + 0.4, 99.6 - first], strict=True))


def test_what_is_cut_off_still_makes_steps_of_ten() -> None:
    """One reason of nobody is shown; the one behind it, of few people, is not."""
    cut = item(reason(62.4))
    assert (viewer().item(cut).reasons[0].percent, viewer().item(cut).other) == (62, 38)
    few = viewer().item(replace(cut, fewest=5))
    assert (few.reasons[0].percent, few.other) == (60, 40)
    assert viewer().item(replace(cut, fewest=700)).reasons[0].percent == 62


def test_few_people_count_for_a_list_of_one_reason(served_home: Home) -> None:
    """The exact answer says the same number however many reasons are shown."""
    engine = Engine.open(served_home)
    whole = {one.product: one.fewest for one in engine.recommend("C008", 5).items}
    assert any(whole.values())
    one = engine.recommend("C008", 5, ListOptions(reasons=1))
    assert {item.product: item.fewest for item in one.items} == whole
