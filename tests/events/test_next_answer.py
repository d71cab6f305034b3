"""An event is in the very next answer, as if it had been loaded: rows, holdings, values, windows of the policy."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.jobs import Export, ListRecord, Load
from graphrec.app.requests import Explain, Recommend, WhyNot
from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import Answer
from tests.events.conftest import bank_in, purchases, views, write_files


def sent(bank: Bank, **event: Any) -> None:
    """One event of c00, on the day of the answers."""
    whole = {"id": f"e{bank.events.log.last() + 1}", "user": "c00", "at": "2025-06-01T09:00:00Z", **event}
    accept(bank, [whole])


def asked(bank: Bank, model: str = "kernel", user: str = "c00") -> Answer:
    return bank.recommend(Recommend(user, 4, model, reasons=None)).answer


def said(answer: Answer) -> list[object]:
    """What an answer lists and why, but for what names the facts."""
    lines = [[replace(line, cypher_note=None) for line in one.lines] for one in answer.items]
    return [
        (one.product, one.score, one.confidence, own, one.reasons, one.warnings)
        for one, own in zip(answer.items, lines, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["kernel", "ease", "als"])
def test_an_answer_after_events_is_that_after_a_load_of_the_same(model: str, bank: Bank, shop: Path) -> None:
    before = asked(bank, model)
    product = before.items[0].product
    sent(bank, type="bought", product=product, key="new", quantity=500)
    sent(bank, type="viewed", product="p7")
    sent(bank, type="viewed", product="p7")
    after = asked(bank, model)
    assert product not in [item.product for item in after.items]
    assert after.last_event == "e3"
    assert before.last_event is None
    row = ("c00", product, "new", "2025-06-01T09:00:00Z", "500")
    looked = [("c00", "p7", "2025-06-01T09:00:00")] * 2
    # The file has no key for views: two at one time are one row there.
    looked[1] = ("c00", "p7", "2025-06-01T09:00:00.000001")
    write_files(shop / "files", [*purchases(), row], [*views(), *looked])
    other = bank_in(shop)
    other.home.events.unlink()
    other.load(Load(str(shop / "files" / "shop.toml")))
    loaded = asked(other, model)
    assert said(loaded) == said(after)
    assert loaded.refused == after.refused
    assert said(asked(bank, model, "c01")) == said(asked(other, model, "c01"))


@pytest.mark.parametrize("model", ["kernel", "ease", "als"])
@pytest.mark.parametrize("half_life", [None, 30.0])
def test_compiled_loops_answer_a_customer_with_events_to_the_bit(
    model: str, half_life: float | None, bank: Bank
) -> None:
    engine = bank.opened.engine(bank.home, model, bank.now())
    if half_life is not None:
        graph = engine.model.graph.fading({"BOUGHT": half_life, "VIEWED": half_life})
        faded = replace(engine.model, graph=graph, blend=engine.model.blend.reading(graph))
        engine = copy(engine)
        engine.model = faded
    for user, product in (("c00", "p1"), ("c01", "p6"), ("c02", "p8")):
        sent(bank, user=user, type="viewed", product=product)
        sent(bank, user=user, type="bought", product="p3", key="new", quantity=500)
    answers = []
    for is_compiled in (False, True):
        engine.is_compiled = is_compiled
        among = engine.among(bank.events.owns(engine.snapshot, ("c00", "c01", "c02")))
        answers.append(
            [(among.recommend(user, 4), among.explain(user, "p5", 4)) for user in ("c00", "c01", "c02", "c03")]
        )
        alone = among.of_customer("c00").model.graph.hops[Hop("VIEWED")]
        # The rows of all customers are not read for one.
        assert "_whole" not in vars(alone)
    assert answers[0] == answers[1]
    assert any(answer.items for answer, _ in answers[0])


def test_a_product_that_was_bought_is_held(bank: Bank) -> None:
    product = asked(bank).items[0].product
    sent(bank, type="bought", product=product)
    assert [one.rule for one in bank.why_not(WhyNot("c00", product, 4, "kernel")).found.refused] == ["held"]
    answer = bank.explain(Explain("c00", product, 4, "kernel")).answer
    assert not answer.items
    assert "is held" in str(answer.abstained)


def test_a_rejection_begins_the_window_of_the_policy(bank: Bank) -> None:
    product = asked(bank).items[0].product
    sent(bank, type="rejected", product=product, reason="too dear")
    (refused,) = bank.why_not(WhyNot("c00", product, 4, "kernel")).found.refused
    assert (refused.rule, refused.sentence) == ("cooling", "was rejected on 2025-06-01")


def test_values_that_events_set_decide_and_the_latest_counts(bank: Bank) -> None:
    sent(bank, type="advised", set={"consent": "no"})
    nothing = asked(bank)
    assert not nothing.items
    assert nothing.refused == {"consent": 12}
    sent(bank, type="advised", set={"consent": "yes", "risk": 1}, at="2025-06-01T09:00:01Z")
    # Earlier than both: it was on its way.
    sent(bank, type="advised", set={"consent": "no"}, at="2025-05-31T09:00:00Z")
    answer = asked(bank)
    assert {item.product for item in answer.items} <= {"p0", "p4", "p8"}
    assert answer.limits == {"consent": "yes", "risk": 1}
    assert asked(bank, user="c02").refused.get("consent") is None


def test_a_replay_computes_from_the_events_that_its_entry_kept(bank: Bank) -> None:
    numbers = []
    for event in (
        {"type": "bought", "product": "p2", "quantity": 50},
        {"type": "advised", "set": {"risk": 2}},
        {"type": "rejected", "product": "p4"},
    ):
        sent(bank, **event)
        numbers.append(bank.recommend(Recommend("c00", 3, "kernel")).record)
        numbers.append(bank.explain(Explain("c00", "p6", 3, "ease")).record)
    sent(bank, type="bought", product="p6")
    assert [bank.replay(int(number or 0)).differences for number in numbers] == [()] * 6
    entry = bank.record_entry(int(numbers[0] or 0)).entry
    assert entry["events"]["last"] == "e1"
    assert [edge["to"] for edge in entry["events"]["edges"]] == ["p2"]
    assert "p2" not in {item["product"] for item in entry["answer"]["items"]}


def test_an_export_keeps_what_it_counted_for_every_customer_with_events(bank: Bank, tmp_path: Path) -> None:
    users = ("c00", "c01", "c02", "c05")
    for user in users:
        sent(bank, user=user, type="viewed", product="p1")
    bank.export(Export(tmp_path / "lists.csv", k=3, model="kernel"))
    numbers = {one.user: one.record for one in bank.record_list(ListRecord(last=100)) if one.user}
    assert all(bank.record_entry(numbers[user]).entry["counted"] for user in users)
    assert [bank.replay(numbers[user]).differences for user in users] == [()] * 4


def test_the_state_of_a_customer_changes_with_their_events_alone(bank: Bank) -> None:
    before = bank.last_event("c00"), bank.last_event("c01"), bank.state(model="kernel")
    sent(bank, type="viewed", product="p1")
    after = bank.last_event("c00"), bank.last_event("c01"), bank.state(model="kernel")
    assert (before[0] != after[0], before[1:] == after[1:]) == (True, True)
