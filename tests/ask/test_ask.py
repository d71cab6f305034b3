"""Answers from records alone: each intent, what is refused, what each role reads, and the memory of a conversation."""

import json
import re
from collections import Counter
from dataclasses import asdict, replace

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.requests import AboutCustomer, Explain, Recommend, SendEvent, WhatIf
from graphrec.app.results import Alert, LoanPlans
from graphrec.ask.asking import Ask, ask
from graphrec.ask.said import Draft, Evidence, Value
from graphrec.cli import app
from graphrec.errors import NoPolicy, UnknownId, UsageError
from graphrec.finance.credit.loans import Limit, Plan
from graphrec.graph.edges.adjacency import Hop
from graphrec.languages import language_of
from graphrec.records.decision import event
from graphrec.terms.deletion import blend_without_edges
from tests.ask.conftest import USER, Asker


def held(bank: Bank) -> str:
    return next(one.product for one in bank.about_customer(AboutCustomer(USER)).events if one.is_holding)


def best(bank: Bank, k: int = 5) -> list[str]:
    return [item.product for item in bank.recommend(Recommend(USER, k, record=False)).answer.items]


def test_a_list_is_that_of_recommend_with_its_reasons(bank: Bank, asked: Asker) -> None:
    found = asked("Which products fit best?")
    answer = bank.recommend(Recommend(USER, record=False)).answer
    assert found.intent == "recommend"
    assert re.findall(r"\((P\d\d)\):", found.answer) == [item.product for item in answer.items]
    for sentence, item in zip(found.sentences[1:], answer.items, strict=True):
        assert item.reasons[0].text.rstrip(".") in sentence
    assert len(asked("Give me the top 3 recommendations").sentences) == 4


def test_why_says_rank_reasons_and_what_speaks_against(bank: Bank, asked: Asker) -> None:
    product = best(bank)[0]
    item = bank.explain(Explain(USER, product, record=False)).answer.items[0]
    found = asked(f"Why is {product} recommended?")
    assert f"({product}) has rank 1 for {USER}" in found.sentences[0]
    assert item.reasons[0].text in found.answer
    ways = [one.path for one in found.evidence if one.path]
    assert ways
    assert all(path.startswith(f"Customer {USER} -") and path.endswith(f"Product {product}") for path in ways)


def test_why_not_names_the_rule_with_what_it_read(asked: Asker) -> None:
    found = asked("Why not P19?")
    rule = next(one for one in found.evidence if one.what == "rule")
    assert (rule.field, rule.value) == ("open", "rule open, product.status closed")
    assert "refused by the rule open" in found.answer


@pytest.mark.parametrize(
    ("question", "intent", "says"),
    [
        ("Was besitzt der Kunde?", "holdings", "hält mit Stand"),
        ("我持有P01吗?", "holdings", "P01"),
        ("Vergleiche P01 mit P02", "compare", "Art: Fund 1"),
        ("What does P01 cost?", "cost", "The records hold no fee of Fund 1 (P01)."),
        ("How risky is P01?", "risk", "The records hold no risk of Fund 1 (P01)."),
        ("What is P01?", "product", "kind: bond."),
        ("How many customers hold P01?", "product", "60 customers hold Fund 1 (P01)."),
        ("Tell me about this customer", "portrait", "Products held: 2."),
        ("Are there any alerts?", "alerts", "No alert about C001 is open"),
    ],
)
def test_each_intent_answers_from_records(asked: Asker, question: str, intent: str, says: str) -> None:
    found = asked(question)
    assert found.intent == intent
    assert says.casefold() in found.answer.casefold()


@pytest.mark.parametrize(
    ("question", "intent", "says"),
    [
        ("Which rules does the policy have?", "policy", "open: not offered any more."),
        ("Was steht in der Richtlinie?", "policy", "hat 2 Regeln"),
        ("How is my portfolio composed?", "portfolio", "holds 2 products"),
        ("我的投资组合集中吗？", "portfolio", "C001 持有2个产品"),
        ("Why does he get no recommendations?", "recommend", "fit"),
        ("Warum bekommt er keine Liste?", "recommend", "Produkte"),
        ("为什么没有推荐？", "recommend", "产品"),
        ("How old is the customer?", "portrait", "age band: 35-54."),
        ("Wie viel Geld hat er?", "portrait", "nichts"),
        ("Write the suitability statement for P01", "statement", "No statement is set up"),
        ("Could he afford a loan of 10,000 EUR?", "loan", "No loan plans are set up"),
        ("Kann er einen Kredit haben?", "loan", "braucht einen Betrag"),
        ("Delete my data", "none", "do not answer this"),
        ("Wer bist du?", "none", "beantworten das nicht"),
        ("How often was P01 recommended?", "none", "do not answer this"),
        ("What is a bond?", "none", "do not answer this"),
        ("Was ist ein Fonds?", "none", "beantworten das nicht"),
        ("什么是债券？", "none", "无法回答"),
        ("Zeig mir meine Produkte", "holdings", "hält mit Stand"),
        ("Show my contracts", "holdings", "holds 2 products"),
    ],
)
def test_what_advisers_ask_is_not_taken_for_something_else(asked: Asker, question: str, intent: str, says: str) -> None:
    found = asked(question)
    assert found.intent == intent
    assert says.casefold() in found.answer.casefold()


@pytest.mark.slow
def test_a_list_of_some_kinds_has_these_alone_in_any_language(bank: Bank, asked: Asker) -> None:
    products = bank.opened.engine(bank.home, None, bank.now()).products
    for question in ("Show me bonds only", "Zeig mir nur Anleihen", "只看债券"):
        found = asked(question)
        assert (found.intent, found.slots["kinds"]) == ("recommend", ["bond"])
        shown = re.findall(r"\((P\d\d)\)", "\n".join(found.sentences[1:]))
        assert shown
        assert {products.column("kind").get(products.ids.find(one)) for one in shown} == {"bond"}
    assert asked("Which products fit best?").slots == {}
    for question in ("Show me 2 bonds", "Zeig mir zwei Anleihen", "推荐2只债券"):
        found = asked(question)
        assert (found.slots["kinds"], found.slots["k"]) == (["bond"], 2)
        assert len(re.findall(r"\((P\d\d)\)", "\n".join(found.sentences[1:]))) == 2
    # A term, a price and a class count nothing.
    for question in ("Show me bonds of 2 years", "Show me 2 year bonds", "Show me bonds below risk class 2"):
        assert "k" not in asked(question).slots


def test_a_loan_is_said_as_it_is_planned(bank: Bank, asked: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = Plan("L1", "Car loan", 12, 1000.0, 6.0, 86.07, 1032.8, 0.1, 900.0, None, (), 1)
    refused = Plan("L1", "Car loan", 6, 1000.0, 6.0, 169.6, 1017.6, 0.5, 700.0, None, ("takes too much of the income",))
    found = LoanPlans(USER, 1000.0, None, (offered, refused), Limit("L1", "Car loan", 12, 5000.0, 430.3), 986.0, None)
    monkeypatch.setattr(Bank, "plan_loan", lambda _, request: found)
    answer = asked("Could this customer afford a loan of 1,000 EUR?").answer
    assert "Car loan (L1): 12 months, 86.07 a month, 1,032.80 in all." in answer
    assert "largest amount that may be offered to C001 is 5,000." in answer
    monkeypatch.setattr(Bank, "plan_loan", lambda _, request: replace(found, plans=(refused,), limit=None))
    answer = asked("Could this customer afford a loan of 1,000 EUR?").answer
    assert answer.splitlines()[1:] == [
        "Car loan (L1) over 6 months comes closest: 169.60 a month.",
        "All debts would take 50.0% of the income.",
        "takes too much of the income.",
    ]
    # Of all refused plans one is told, in the words of the answer's language.
    worse = replace(refused, months=12, share=0.9, left=-12.5, refused=("one", "two"))
    lacking = replace(refused, left=-2.5)
    monkeypatch.setattr(Bank, "plan_loan", lambda _, request: replace(found, plans=(worse, lacking), limit=None))
    answer = asked("Kann er sich einen Kredit von 1.000 EUR leisten?").answer
    assert answer.splitlines()[1:] == [
        "Car loan (L1) über 6 Monate kommt dem am nächsten: 169,60 im Monat.",
        "Alle Schulden nähmen 50,0 % des Einkommens.",
        "Es fehlten 2,50 im Monat.",
    ]


def test_what_if_without_a_product_is_the_exact_counterfactual(bank: Bank) -> None:
    less = held(bank)
    found = bank.what_if(WhatIf(USER, less=less, k=20, record=False))
    engine = bank.opened.engine(bank.home, None, bank.now())
    user = engine.positions.in_model("Customer", engine.users.ids.find(USER))
    product = engine.positions.in_model("Product", engine.products.ids.find(less))
    without = blend_without_edges(engine.model.blend, Hop("BOUGHT"), user, [product])
    scores = without.row(user).scores
    order = [one.product for one in found.moves if one.after is not None]
    places = [engine.positions.in_model("Product", engine.products.ids.find(one)) for one in order]
    assert list(scores[places]) == sorted(scores[places], reverse=True)
    # What the customer never got may be offered.
    assert less in order
    assert best(bank, 20) == [
        one.product for one in sorted(found.moves, key=lambda one: one.before or 99) if one.before
    ]


def test_what_if_with_a_product_is_what_the_event_gives(bank: Bank) -> None:
    more = best(bank)[0]
    found = bank.what_if(WhatIf(USER, more=more, record=False))
    assert found.moves[-1].product == more or more not in [one.product for one in found.moves if one.after]
    bank.send_event(SendEvent(USER, "bought", more))
    assert [one.product for one in found.moves if one.after is not None and one.after <= 5] == best(bank)
    with pytest.raises(UsageError, match="wants something that is different"):
        bank.what_if(WhatIf(USER, record=False))


def test_what_if_keeps_what_events_say_already(bank: Bank, asked: Asker) -> None:
    first, second = best(bank)[:2]
    bank.send_event(SendEvent(USER, "bought", first))
    found = bank.what_if(WhatIf(USER, more=second, record=False))
    assert not {first, second} & {one.product for one in found.moves if one.after is not None}
    assert f"({first}) besides" not in asked(f"What if I also bought {second}?").answer


def test_nobody_sells_what_is_not_held(bank: Bank, asked: Asker) -> None:
    other = best(bank)[0]
    assert f"({other})" in (answer := asked(f"What if I sold {other}?").answer)
    assert "not hold" in answer
    assert "list" not in answer


def test_an_amount_changes_only_what_rules_read(asked: Asker) -> None:
    assert "Nothing in the list would change." in asked("What if the customer put in 5000 EUR?").answer


def test_what_is_behind_others_is_said_in_the_language_of_the_question(bank: Bank, asked: Asker) -> None:
    behind = best(bank, 8)[-1]
    first = asked(f"Warum nicht {behind}?", view="adviser", k=3).sentences[0]
    assert f"({behind}) darf C001 gezeigt werden und hat Rang 8; die Liste endet mit" in first


def test_a_complaint_opens_a_case(bank: Bank, asked: Asker) -> None:
    product = best(bank)[0]
    found = asked(f"I want to complain about {product}")
    case = next(str(one.value) for one in found.evidence if one.what == "case")
    (logged,) = list(bank.events.log.of_user(USER))
    assert (logged.event.id, logged.event.type, logged.event.product) == (case, "complained", product)
    assert logged.event.reason == f"I want to complain about {product}"


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("Will P01 rise next year?", "unanswerable"),
        ("What does C002 hold?", "other_customer"),
        ("Compare what C002 and C003 hold", "other_customer"),
        ("Why?", "no_product"),
        ("Compare P01", "two_products"),
    ],
)
def test_what_cannot_be_said_is_refused(asked: Asker, question: str, why: str) -> None:
    found = asked(question)
    assert found.refused == why
    assert len(found.sentences) == 1
    assert not re.search(r"C00[23]", found.answer)


def test_who_may_read_what(bank: Bank, asked: Asker) -> None:
    assert asked("What fits?", view="analyst").refused == "role"
    assert asked("What is P01?", view="analyst").refused is None
    assert asked("I complain about P01", view="auditor").refused == "role"
    assert asked("Run the query popular", view="customer").refused == "role"
    assert asked("What fits?", user=None).refused == "no_customer"
    assert asked("What fits C001?", user=None).user == USER
    assert asked("What fits C001?", user=None, may_name=False).refused == "other_customer"
    product = best(bank)[0]
    spoken = asked(f"Why {product}?", view="customer")
    exact = bank.explain(Explain(USER, product, record=False)).answer.items[0]
    assert "you" in spoken.answer
    # Others than compliance read bands of people and no exact number of them.
    people = [reason.people for reason in exact.reasons[:3] if reason.people]
    assert people
    assert all(f" {count} others" not in spoken.answer for count in people)
    assert asked("How many customers hold P01?", view="adviser").answer.count("–") == 1


def test_alerts_are_told_to_those_who_cannot_warn_the_customer(bank: Bank, asked: Asker) -> None:
    alert = Alert("a1", "fan", "many small transfers", "high", USER, "Customer", USER, "2025-12-30", ("9 in a day",))
    other = replace(alert, id="a2", about="C002", user="C002", name="another one")
    for one in (alert, other):
        event(bank.home, "alert", None, {"did": "raised", **asdict(one)}, user=one.user)
    found = asked("Are there any alerts?")
    assert found.sentences[1] == "high, 2025-12-30, open: many small transfers (fan; 9 in a day)."
    assert "another one" not in found.answer
    for view in ("adviser", "customer", "service"):
        assert asked("Are there any alerts?", view=view).refused == "role"


def test_every_value_of_an_answer_stands_in_its_evidence(bank: Bank, asked: Asker) -> None:
    for question in ("What fits?", f"Why {best(bank)[0]}?", "Why not P19?", "Compare P01 and P02", "What do I hold?"):
        found = asked(question)
        assert found.evidence
        # Numbers and ids that no evidence holds would be of the template, which has none.
        numbers = Counter(re.findall(r"P\d\d|\d+", found.answer))
        told = " ".join(f"{one.value} {one.date or ''}" for one in found.evidence)
        assert all(number.lstrip("0") in told for number in numbers), question


def test_a_draft_says_values_and_keeps_them(bank: Bank) -> None:
    draft = Draft(language_of("zh"))
    value = Value("Fund 1 (P01)", Evidence("product", "Fund 1 (P01)", "facts"))
    draft.say("case_of", product=value)
    assert draft.sentences[0].template == "涉及[1]。"
    assert draft.evidence == (value.evidence,)
    assert draft.sentences[0].needed
    assert bank.home.policy.exists()


def test_a_conversation_goes_on_from_its_entry(bank: Bank) -> None:
    product, other = best(bank)[:2]
    first = ask(bank, Ask(f"Why {product}?", USER))
    assert first.record is not None
    second = ask(bank, Ask("Is it risky?", USER, after=first.record))
    assert (second.intent, second.slots["products"]) == ("risk", [product])
    third = ask(bank, Ask(f"And {other}?", USER, after=first.record))
    assert (third.intent, third.slots["products"], third.found_by) == ("why", [other], "conversation")
    assert ask(bank, Ask("Compare with P19", USER, after=first.record, record=False)).slots["products"] == [
        product,
        "P19",
    ]
    with pytest.raises(UsageError, match="about another customer"):
        ask(bank, Ask("why?", "C002", after=first.record))
    with pytest.raises(UsageError, match="somebody else"):
        ask(bank, Ask("why?", USER, after=first.record, asker="key-2"))
    listed = bank.recommend(Recommend(USER)).record
    with pytest.raises(UsageError, match="no question"):
        ask(bank, Ask("why?", USER, after=listed))
    with pytest.raises(UnknownId, match="no entry 99"):
        ask(bank, Ask("why?", USER, after=99))


def test_what_follows_a_list_is_about_its_products(bank: Bank) -> None:
    first = best(bank, 10)
    given = ask(bank, Ask("Give me the top 3 recommendations", user=USER))
    after = {"user": USER, "record": False, "after": given.record}
    assert ask(bank, Ask("why that one?", **after)).slots["products"] == first[:1]
    assert ask(bank, Ask("und was kostet das zweite?", **after)).slots["products"] == first[1:2]
    assert ask(bank, Ask("And the fees?", **after)).slots["products"] == first[:3]
    # There is no fifth one.
    assert ask(bank, Ask("Why the fifth?", **after)).refused == "no_product"
    more = ask(bank, Ask("What else? Give me 3 products", **after))
    assert more.slots["beyond"] == first[:3]
    assert re.findall(r"\((P\d\d)\):", more.answer) == first[3:6]


def test_a_what_if_of_what_is_held_takes_it_away_unless_it_comes_besides(bank: Bank, asked: Asker) -> None:
    product = held(bank)
    assert "Without" in asked(f"What if she drops {product}?").answer
    assert "Without" in asked(f"suppose {product} were gone").answer
    assert "besides" in asked(f"What if she bought more of {product}?").answer


def test_two_questions_in_one_get_two_answers(bank: Bank, asked: Asker) -> None:
    found = asked("What does P03 cost and how risky is it?")
    assert found.answer.startswith(asked("What does P03 cost?").answer)
    assert found.answer.endswith(asked("How risky is P03?").answer)


def test_a_conversation_goes_with_the_person(bank: Bank) -> None:
    from graphrec.records.keys import Keys

    found = ask(bank, Ask("What do I hold, sunflower?", USER))
    assert found.record is not None
    kept = bank.record_entry(found.record).entry["event"]
    assert (kept["question"], kept["intent"]) == ("What do I hold, sunflower?", "holdings")
    Keys.beside(bank.home.records).destroy(USER)
    assert bank.record_entry(found.record).is_erased
    with pytest.raises(UsageError, match="is erased"):
        ask(bank, Ask("why?", USER, after=found.record))
    about_nobody = ask(bank, Ask("What is P01, sunflower?", None))
    assert about_nobody.record is not None
    assert "question" not in bank.record_entry(about_nobody.record).entry["event"]


def test_a_home_without_a_policy_gives_no_answer(bank: Bank) -> None:
    with pytest.raises(UnknownId, match="no user 'C999'"):
        ask(bank, Ask("What fits?", "C999"))
    bank.home.policy.unlink()
    with pytest.raises(NoPolicy):
        ask(bank, Ask("What fits?", USER))


def test_the_command_prints_the_answer_and_its_evidence(bank: Bank) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["--home", str(bank.home.path), *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    plain = json.loads(run("ask", USER, "Why not P19?", "--json", "--no-record"))
    assert {"question", "language", "intent", "answer", "evidence", "refused"} <= plain.keys()
    assert {"what", "value", "source", "date"} <= plain["evidence"][0].keys()
    shown = run("ask", USER, "Why not P19?", "--evidence", "--no-record")
    assert plain["sentences"][0] in shown
    assert "product.status closed" in shown
