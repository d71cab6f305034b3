"""Sentences of both languages, for every kind of line; the mapping's own sentences and words stand over them."""

from dataclasses import replace
from datetime import UTC, datetime
from string import Formatter

import pytest

from graphrec.errors import SourceError
from graphrec.graph.adjacency import Hop
from graphrec.serving.answer import ListOptions, Node, PathPart, People, Step
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.languages import CHINESE, ENGLISH
from graphrec.serving.reasons.sentences import Event, Sentences
from graphrec.terms.ledger import LineGroup
from tests.banks import SCHEMA

ME = Node("Customer", "C1", None)
HELD = Node("Product", "P1", "Fund 1")
TARGET = Node("Product", "P2", "Fund 2")
BAND = Node("AgeBand", "18-34", None)
SECTOR = Node("Sector", "S1", "Energy")
PEOPLE = People("Customer", 7)
#: The same vocabulary without sentences of the mapping.
BARE = replace(SCHEMA, reasons={})


def hops(way: str) -> tuple[Hop, ...]:
    return tuple(Hop.parse(word) for word in way.split())


def path(way: str, *between: Node | People) -> list[PathPart]:
    parts: list[PathPart] = [ME]
    for hop, node in zip(hops(way), (*between, TARGET), strict=True):
        parts += [Step(hop.type, "in" if hop.reverse else "out"), node]
    return parts


PATHS = [
    ("BOUGHT", (), None, "you bought Fund 2", "您买过 Fund 2"),
    (
        "BOUGHT <BOUGHT BOUGHT", (HELD, PEOPLE), 7,
        "7 others who bought Fund 1 bought Fund 2", "另有 7 位买过 Fund 1 的客户也买过 Fund 2",
    ),
    (
        "BOUGHT <VIEWED BOUGHT", (HELD, PEOPLE), 7,
        "7 others who viewed Fund 1 bought Fund 2", "另有 7 位浏览过 Fund 1 的客户也买过 Fund 2",
    ),
    (
        "IN_AGE_BAND <IN_AGE_BAND BOUGHT", (BAND, PEOPLE), 7,
        "7 others with age band 18-34 bought Fund 2", "另有 7 位年龄段同为 18-34 的客户买过 Fund 2",
    ),
    (
        "VIEWED IN_SECTOR <IN_SECTOR", (HELD, SECTOR), None,
        "Fund 2 shares the sector Energy with Fund 1, which you viewed",
        "Fund 2 与您浏览过的 Fund 1 有相同的行业：Energy",
    ),
    (
        "LIKES_SECTOR LEADS_TO <IN_SECTOR", (BAND, SECTOR), None,
        "Fund 2 shares the sector Energy with your 18-34", "Fund 2 与您的 18-34 有相同的行业：Energy",
    ),
    (
        "BOUGHT SIMILAR_TO", (HELD,), None,
        "Fund 2 is linked with Fund 1, which you bought", "Fund 2 与您买过的 Fund 1 有关联",
    ),
    ("LIKES_SECTOR <IN_SECTOR", (SECTOR,), None, "Fund 2 is linked with your Energy", "Fund 2 与您的 Energy 有关联"),
    ("KNOWS BOUGHT", (PEOPLE,), 7, "7 people connected with you lead to Fund 2", "7 位与您有联系的人也选择了 Fund 2"),
    ("OWES_TO", (), None, "you have a link (owes to) to Fund 2", "您关联 Fund 2"),
]  # fmt: skip


@pytest.mark.parametrize(("way", "between", "count", "english", "chinese"), PATHS, ids=[row[0] for row in PATHS])
def test_paths(way: str, between: tuple[Node | People, ...], count: int | None, english: str, chinese: str) -> None:
    found = path(way, *between)
    assert Sentences(BARE).path(hops(way), found, count) == english
    assert Sentences(BARE, CHINESE).path(hops(way), found, count) == chinese


BOUGHT = Hop("BOUGHT")
LEARNED = [
    (LineGroup("general"), None, True, "Fund 2 is widely held", "很多客户持有 Fund 2"),
    (LineGroup("general"), None, False, "Fund 2 is not widely held", "持有 Fund 2 的客户不多"),
    (LineGroup("new"), None, True, "Fund 2 is new: nobody holds it yet", "Fund 2 是新产品，尚无客户持有"),
    (LineGroup("new"), None, False, "Fund 2 is not new: others hold it", "Fund 2 不是新产品，已有客户持有"),
    (
        LineGroup("self"), None, False,
        "what was learned about you alone speaks against Fund 2", "仅从您本人学到的内容不倾向于 Fund 2",
    ),
    (
        LineGroup("nonlinear"), None, True,
        "all that is around you, taken together, speaks for Fund 2", "您周围的一切综合起来倾向于 Fund 2",
    ),
    (
        LineGroup("nonlinear", Hop("IN_AGE_BAND")), BAND, True,
        "customers with age band 18-34 tend towards Fund 2", "年龄段为 18-34 的客户更倾向于选择 Fund 2",
    ),
    (LineGroup("similarity", part="text"), None, True, "Fund 2 fits your profile", "Fund 2 符合您的个人情况"),
    (
        LineGroup("similarity", part="text"), None, False,
        "Fund 2 does not fit your profile", "Fund 2 与您的个人情况不太相符",
    ),
    (
        LineGroup("attribute", Hop("IN_AGE_BAND")), BAND, True,
        "customers with age band 18-34 tend towards Fund 2", "年龄段为 18-34 的客户更倾向于选择 Fund 2",
    ),
    (
        LineGroup("attribute", Hop("IN_AGE_BAND")), BAND, False,
        "customers with age band 18-34 tend away from Fund 2", "年龄段为 18-34 的客户较少选择 Fund 2",
    ),
    (
        LineGroup("similarity", BOUGHT, part="text"), HELD, True,
        "the description of Fund 2 is close to that of Fund 1, which you bought",
        "Fund 2 的产品介绍与您买过的 Fund 1 相近",
    ),
    (
        LineGroup("similarity", BOUGHT, part="text"), HELD, False,
        "the description of Fund 2 is far from that of Fund 1, which you bought",
        "Fund 2 的产品介绍与您买过的 Fund 1 相差较大",
    ),
    (
        LineGroup("similarity", BOUGHT, part="price history"), HELD, True,  # type: ignore[arg-type]
        "the price history of Fund 2 is close to that of Fund 1, which you bought",
        "Fund 2 的 price history 与您买过的 Fund 1 相近",
    ),
    (
        LineGroup("similarity", BOUGHT, part="learned"), HELD, True,
        "Fund 2 goes well with Fund 1, which you bought", "Fund 2 与您买过的 Fund 1 很搭配",
    ),
    (
        LineGroup("similarity", BOUGHT, part="learned"), HELD, False,
        "Fund 2 goes less well with Fund 1, which you bought", "Fund 2 与您买过的 Fund 1 不太搭配",
    ),
    (LineGroup("similarity", Hop("VIEWED"), part="text"), TARGET, True, "you viewed Fund 2", "您浏览过 Fund 2"),
]  # fmt: skip


@pytest.mark.parametrize(("group", "via", "favours", "english", "chinese"), LEARNED, ids=[row[3] for row in LEARNED])
def test_learned(group: LineGroup, via: Node | None, favours: bool, english: str, chinese: str) -> None:
    assert Sentences(BARE).learned(group, via, TARGET, favours=favours) == english
    assert Sentences(BARE, CHINESE).learned(group, via, TARGET, favours=favours) == chinese


def test_both_languages_say_the_same_things() -> None:
    assert set(ENGLISH.sentences) == set(CHINESE.sentences)
    for key, sentence in ENGLISH.sentences.items():
        named = [
            {name for _, name, _, _ in Formatter().parse(text) if name} for text in (sentence, CHINESE.sentences[key])
        ]
        assert named[0] == named[1] or key in ("people attribute", "unknown verb"), key


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{i}与您持有的{a}同属“{s}”领域", "稳健26号与您持有的 Fund 7 同属“科技B股”领域"),
        ("有{n}位客户{verb}{a}", "有 13 位客户买过 Fund 7"),
        ("您的ID是{n}", "您的 ID 是 13"),
    ],
)
def test_chinese_has_spaces_at_the_borders_of_values_and_never_within(template: str, said: str) -> None:
    values = {"i": "稳健26号", "a": "Fund 7", "s": "科技B股", "n": "13", "verb": "买过"}
    assert CHINESE.fill(template, values) == said


def test_the_mappings_sentence_stands_over_the_languages() -> None:
    way = "BOUGHT IN_SECTOR <IN_SECTOR"
    found = path(way, HELD, SECTOR)
    assert Sentences(SCHEMA, CHINESE).path(hops(way), found, None) == "Fund 2 is in Energy, like your Fund 1"
    own = replace(SCHEMA, reasons_in={"zh": {way: "{i}和{a}都属{sector}"}}, words={"zh": {"Energy": "能源"}})
    assert Sentences(own, CHINESE).path(hops(way), found, None) == "Fund 2 和 Fund 1 都属能源"
    assert Sentences(own).path(hops(way), found, None) == "Fund 2 is in Energy, like your Fund 1"


def test_words_of_the_mapping_name_labels_types_and_values() -> None:
    told = Sentences(replace(BARE, words={"zh": {"BOUGHT": "持有", "AgeBand": "年纪", "18-34": "青年"}}), CHINESE)
    assert told.learned(LineGroup("attribute", Hop("IN_AGE_BAND")), BAND, TARGET, favours=True) == (
        "年纪为青年的客户更倾向于选择 Fund 2"
    )
    assert (
        told.path(hops("BOUGHT SIMILAR_TO"), path("BOUGHT SIMILAR_TO", HELD), None) == "Fund 2 与您持有的 Fund 1 有关联"
    )


def test_date_and_weight_of_the_customers_own_edge() -> None:
    schema = replace(SCHEMA, reasons={"VIEWED": "{at}: {i} for {weight}"}, reasons_in={"zh": {"VIEWED": "{at}浏览{i}"}})
    event = Event(datetime(2024, 3, 5, tzinfo=UTC), 1234.5)
    assert Sentences(schema).path(hops("VIEWED"), path("VIEWED"), None, event) == "5 March 2024: Fund 2 for 1,234.5"
    assert (
        Sentences(schema, CHINESE).path(hops("VIEWED"), path("VIEWED"), None, event) == "2024 年 3 月 5 日浏览 Fund 2"
    )
    for lacking in (None, Event(None, 2.0), Event(event.at, None)):
        assert Sentences(schema).path(hops("VIEWED"), path("VIEWED"), None, lacking) == "you viewed Fund 2"


def test_a_sentence_that_asks_for_what_is_not_there() -> None:
    told = Sentences(replace(SCHEMA, reasons={"VIEWED": "{i} in {sector}"}))
    with pytest.raises(SourceError) as caught:
        told.path(hops("VIEWED"), path("VIEWED"), None)
    assert str(caught.value) == (
        "reasons: the sentence for 'VIEWED' says 'sector', and that way has only i, n; "
        "correct it in the mapping and load again"
    )


def test_the_latest_event_that_the_model_knew(engine: Engine) -> None:
    told = engine.reasons_in("en")
    told.sentences = Sentences(replace(SCHEMA, reasons={"VIEWED": "seen on {at}"}))
    edges = engine.snapshot.edges("VIEWED")
    user = 8
    span = slice(int(edges.indptr[user]), int(edges.indptr[user + 1]))
    lines = [line for item in engine.recommend("C008", 20, ListOptions(reasons=None)).items for line in item.lines]
    seen = {line.via.id: line.text for line in lines if line.text.startswith("seen on") and line.via}
    assert seen
    for product, text in seen.items():
        times = edges.at[span][edges.indices[span] == int(product[1:])]
        latest = datetime.fromtimestamp(int(times.max()) / 1e6, UTC)
        assert text == f"seen on {latest.day} {latest:%B} {latest.year}"
