"""What questions ask for: the half of the two hundred that no pattern was written for, and odd forms."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graphrec.ask import nearest as module
from graphrec.ask import patterns
from graphrec.ask.nearest import read_examples
from graphrec.ask.patterns import Intent
from graphrec.ask.question import LONGEST, Names, Parsed, folded, language_of_question, parse
from graphrec.errors import UsageError
from graphrec.home import Home
from graphrec.serving.engine import Engine

TEST = Path(__file__).parent / "questions.tsv"
UNSEEN = Path(__file__).parent / "unseen.tsv"
"""Questions as people type them, written before anybody read the patterns; they were then tuned on the half `tune`."""
MENTIONS = {"{P}": ("Fund 7", "P07"), "{Q}": ("p11", "P11"), "{V}": ("C005", "C005")}


@pytest.fixture(scope="module")
def names(served_home: Home) -> Names:
    return Names(Engine.open(served_home).snapshot)


def filled(question: str) -> str:
    for sign, (said, _) in MENTIONS.items():
        question = question.replace(sign, said)
    return question


def is_right(parsed: Parsed, intent: str, slots: str) -> bool:
    """Whether a question was read as it was meant: its intent, products, number, amount and query."""
    if intent == "none":
        # What names another customer is refused, whatever it asks.
        return parsed.intent == "none" or bool(parsed.users)
    wanted = dict(one.split("=") for one in slots.split())
    products = tuple(
        MENTIONS[f"{{{wanted[name]}}}"][1] for name in ("product", "less", "more", "other") if name in wanted
    )
    number, amount = wanted.get("k"), wanted.get("amount")
    return (
        (parsed.intent, parsed.products, parsed.less) == (intent, products, "less" in wanted)
        and parsed.query == wanted.get("query")
        and parsed.k == (None if number is None else int(number))
        and parsed.amount == (None if amount is None else float(amount))
    )


def test_the_hidden_half_is_understood_and_what_no_record_answers_is_refused(names: Names) -> None:
    examples = read_examples(TEST)
    assert len(examples) == 100
    right = [is_right(parse(filled(one.question), names), one.intent, one.slots) for one in examples]
    assert sum(right) >= 95, [one.question for one, ok in zip(examples, right, strict=True) if not ok]
    unanswerable = [one for one in (*examples, *read_examples()) if one.intent == "none"]
    assert len(unanswerable) == 30
    assert all(is_right(parse(filled(one.question), names), "none", "") for one in unanswerable)


@pytest.mark.parametrize(("half", "least"), [("tune", 0.9), ("test", 0.85)])
def test_questions_as_people_type_them_are_understood(names: Names, half: str, least: float) -> None:
    rows = [line.split("\t") for line in UNSEEN.read_text("utf-8").splitlines()[1:]]
    own = [(intents.split("|"), question) for part, _, intents, question in rows if part == half]
    wrong = []
    for intents, question in own:
        parsed = parse(filled(question), names)
        # What nothing fits is refused; so is another customer, whatever is asked of one.
        if parsed.intent not in intents and not ("none" in intents and parsed.users):
            wrong.append((question, parsed.intent))
    assert len(wrong) <= (1 - least) * len(own), wrong


def test_the_halves_share_no_question_and_each_has_all_intents() -> None:
    halves = [read_examples(), read_examples(TEST)]
    assert not {one.question for one in halves[0]} & {one.question for one in halves[1]}
    assert len({one.intent for one in halves[0]}) == len({one.intent for one in halves[1]}) == 14
    assert {one.language for half in halves for one in half} == {"en", "de", "zh"}


def test_products_and_customers_are_found_by_id_and_by_name_in_any_script(names: Names) -> None:
    assert parse("Is Fund 1 better than FUND 12?", names).products == ("P01", "P12")
    assert parse("为什么推荐p03和Ｐ04？", names).products == ("P03", "P04")
    assert parse("Why did c005's list change?", names).users == ("C005",)
    # A part of a longer word or number is no mention.
    assert parse("Why XP03 or P033 or Fund 123?", names).products == ()


def test_a_name_that_is_not_whole_is_unclear(names: Names) -> None:
    found = parse("Why is the Fund 1 kind recommended?", names)
    assert found.products == ("P01",)
    assert parse("Why is superfund recommended?", names).unclear == ()


@pytest.mark.parametrize(
    ("question", "amount"),
    [
        ("What if I invest 5,000 EUR?", 5000.0),
        ("Was wäre bei einer Anlage von 2.500,50 Euro?", 2500.5),
        ("如果投入1万元会怎样?", 10_000.0),
        ("What if the customer put in €250?", 250.0),
    ],
)
def test_amounts_are_read_as_the_language_writes_them(names: Names, question: str, amount: float) -> None:
    assert (parse(question, names).intent, parse(question, names).amount) == ("what_if", amount)


@pytest.mark.parametrize(
    ("question", "amount"),
    [
        ("suppose she had 20k more to invest", 20_000.0),
        ("如果我再投两万欧元会怎么样", 20_000.0),
        ("他借一万五还得起吗", 15_000.0),
        ("can she afford 15000 over 5 yrs", 15_000.0),
    ],
)
def test_amounts_without_a_currency_and_in_chinese_signs_are_read(names: Names, question: str, amount: float) -> None:
    assert parse(question, names).amount == amount


def test_a_question_may_ask_for_two_things_and_name_places_in_a_list(names: Names) -> None:
    both = parse("Was kostet Fund 7 und wie riskant ist es?", names)
    assert (both.intent, both.also) == ("cost", ("risk",))
    assert parse("What do Fund 7 and Fund 8 cost?", names).also == ()
    assert parse("What would the second one cost?", names).places == (2,)
    assert parse("最多3个推荐", names).k == 3
    assert parse("Empfehlungen bitte, max 3", names).k == 3


def test_orders_are_no_questions_and_what_is_popular_is_one_of_the_library(names: Names) -> None:
    for order in ("Kündigen Sie meinen Sparplan", "Please terminate Fund 7", "帮我把Fund 7退了"):
        assert parse(order, names).intent == "none"
    for question in ("most popular products?", "was sind die beliebtesten Produkte", "哪些产品最受欢迎"):
        assert (parse(question, names).intent, parse(question, names).query) == ("query", "popular")


def test_questions_that_are_empty_or_too_long_are_refused(names: Names) -> None:
    for question in ("", "  \n ", "a" * (LONGEST + 1)):
        with pytest.raises(UsageError, match="want 1 to 1,000"):
            parse(question, names)


def test_german_patterns_read_folded_text() -> None:
    assert folded("Größe") == "grösse"
    assert not [one for one in patterns._patterns()["de"] if "ß" in one[1]]
    assert language_of_question("Was spricht gegen P01?") == "de"
    assert language_of_question("P01?", "zh") == "zh"


class Words:
    """Stands for the encoder: a vector counts the words of a text that any example has."""

    def __init__(self) -> None:
        texts = " ".join(one.question for one in read_examples()).casefold().split()
        self._places = {word: place for place, word in enumerate(sorted(set(texts)))}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.full((len(texts), len(self._places)), 1e-6, np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                if word in self._places:
                    found[row, self._places[word]] += 1
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_the_nearest_examples_count_where_they_agree_and_no_pattern_fits(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def near(text: str) -> Intent:
        asked.append(text)
        return "why"

    assert parse("Why not Fund 7?", names, nearest=near).by == "pattern"
    assert asked == []
    found = parse("Fund 7, hm", names, nearest=near)
    assert (found.intent, found.by, asked) == ("why", "example", ["@p, hm"])
    monkeypatch.setattr(module, "is_there", lambda: True)
    monkeypatch.setattr(module, "_encoder", Words)
    module._vectors.cache_clear()
    try:
        repeated = [one.question.casefold() for one in read_examples() if one.intent == "cost" and one.language == "en"]
        assert module.nearest(" ".join(repeated)) == "cost"
        monkeypatch.setattr(module, "is_there", lambda: False)
        assert module.nearest(repeated[0]) is None
    finally:
        module._vectors.cache_clear()


def test_a_question_in_words_of_two_languages_is_read_by_the_patterns_of_all(names: Names) -> None:
    found = parse("was passt?", names)
    assert (found.intent, found.language) == ("recommend", "de")


@pytest.mark.parametrize(
    ("question", "order"),
    [("Which fund is the cheapest?", "fee"), ("Was ist sicherer als P01?", "risk"), ("最便宜的", "fee")],
)
def test_the_cheapest_and_the_safest_are_lists_in_that_order(names: Names, question: str, order: str) -> None:
    found = parse(question, names)
    assert (found.intent, found.order) == ("recommend", order)
