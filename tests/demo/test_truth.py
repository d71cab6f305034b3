"""The planted pairs: each has the relation it says, and no other explanation."""

import re

import numpy as np
import pytest

from graphrec.demo import BankReport
from graphrec.demo.draw.products import Products
from graphrec.demo.words.topics import TOPICS
from tests.demo.conftest import Ask, only

RELATIONS = ("sector", "issuer", "holders", "text")
TIED = " OR ".join(f"x.{relation} = y.{relation}" for relation in RELATIONS)


def test_enough_pairs_of_every_relation(bank: BankReport, ask: Ask) -> None:
    counted: dict[str, int] = dict(ask("SELECT relation, count(*) FROM planted GROUP BY relation"))
    assert counted == bank.planted
    assert set(counted) == set(RELATIONS)
    assert sum(counted.values()) >= 300
    assert min(counted.values()) >= 50


def test_the_cut_is_where_the_last_fifth_of_purchases_begins(bank: BankReport, ask: Ask) -> None:
    times = np.array([time for (time,) in ask("SELECT epoch(happened_at) FROM purchases ORDER BY 1")])
    cut = only(ask(f"SELECT epoch(TIMESTAMPTZ '{bank.test_cut}')"))
    assert np.mean(times >= cut) == pytest.approx(0.2, abs=1 / len(times))


def test_a_pair_is_a_first_purchase_after_the_cut(bank: BankReport, ask: Ask) -> None:
    first = "SELECT customer_id, product_id, min(happened_at) AS first FROM purchases GROUP BY ALL"
    cut = f"TIMESTAMP '{bank.test_cut[:19]}'"
    agree = ask(
        f"SELECT count(*), min(first - {cut}) >= INTERVAL 3 DAY FROM planted JOIN ({first}) f"
        ' ON f.customer_id = "user" AND f.product_id = product AND f.first = planted."at"'
    )
    assert agree == [(sum(bank.planted.values()), True)]


def test_via_was_booked_before_the_cut(bank: BankReport, ask: Ask) -> None:
    cut = f"TIMESTAMP '{bank.test_cut[:19]}'"
    booked = "SELECT customer_id, product_id, min(booked_at) AS booked FROM purchases GROUP BY ALL"
    kept = ask(
        f'SELECT count(*) FROM planted JOIN ({booked}) b ON b.customer_id = "user" AND b.product_id = via'
        f" WHERE booked < {cut} - INTERVAL 3 DAY"
    )
    assert only(kept) == sum(bank.planted.values())


@pytest.mark.parametrize("relation", RELATIONS)
def test_the_relation_holds_and_no_other(ask: Ask, relation: str) -> None:
    others = " OR ".join(f"x.{other} = y.{other}" for other in RELATIONS if other != relation)
    wrong = (
        "SELECT count(*) FROM planted JOIN groups x ON x.product_id = product JOIN groups y ON y.product_id = via"
        f" WHERE relation = '{relation}' AND (x.{relation} <> y.{relation} OR {others})"
    )
    assert only(ask(wrong)) == 0


def test_sector_and_issuer_hold_in_the_files_too(ask: Ask) -> None:
    for relation in ("sector", "issuer"):
        wrong = (
            "SELECT count(*) FROM planted JOIN products x ON x.product_id = product"
            f" JOIN products y ON y.product_id = via WHERE (relation = '{relation}') <> (x.{relation} = y.{relation})"
        )
        assert only(ask(wrong)) == 0


def test_no_other_early_event_is_tied_to_the_product(bank: BankReport, ask: Ask) -> None:
    rivals = (
        'SELECT count(*) FROM planted JOIN interactions i ON i.customer_id = "user"'
        " JOIN groups x ON x.product_id = product JOIN groups y ON y.product_id = i.product_id"
        f" WHERE i.happened_at < TIMESTAMP '{bank.test_cut[:19]}' + INTERVAL 3 DAY AND i.product_id <> via AND ({TIED})"
    )
    assert only(ask(rivals)) == 0


def test_pairs_may_be_recommended(ask: Ask) -> None:
    refused = (
        'SELECT count(*) FROM planted JOIN customers c ON c.customer_id = "user"'
        " JOIN products p ON p.product_id = product WHERE status <> 'open' OR risk_class > risk_tolerance"
        " OR p.min_horizon_years > c.horizon_years"
        " OR minimum_amount_eur > liquid_assets_eur OR min_age > age OR residents_of <> c.country"
        " OR NOT contact_consent OR NOT profiling_consent"
    )
    assert only(ask(refused)) == 0


def test_text_pairs_are_about_the_same_subject_and_no_others_are(ask: Ask) -> None:
    texts: dict[str, str] = dict(ask("SELECT product_id, lower(description) FROM products"))
    labels = [topic.label.lower() for topic in TOPICS]
    subjects = {
        product: {label for label in labels if re.search(rf"\b{label}\b", text)} for product, text in texts.items()
    }
    assert {len(found) for found in subjects.values()} == {1}
    for product, via, is_text in ask("SELECT product, via, relation = 'text' FROM planted"):
        assert (subjects[product] == subjects[via]) is is_text


def test_planted_relations_lift_the_chance_of_a_purchase(bank: BankReport, ask: Ask, catalogue: Products) -> None:
    """P(bought after the cut | one relation to an early holding) is many times that of unrelated products."""
    cut = only(ask(f"SELECT epoch(TIMESTAMPTZ '{bank.test_cut}')"))
    rows = ask("SELECT customer_id[2:]::INT - 1, product_id[2:]::INT - 1, epoch(happened_at) FROM purchases")
    early, late = np.zeros((2_000, 150)), np.zeros((2_000, 150))
    for user, product, at in rows:
        (early if at < cut else late)[user, product] = 1
    open_pairs = early == 0
    reach = {}
    for relation, groups in zip(RELATIONS, catalogue.relations, strict=True):
        reach[relation] = (early @ (groups.of[:, None] == groups.of[None, :])) > 0
    unrelated = late[open_pairs & ~np.any(list(reach.values()), axis=0)].mean()
    lifts = {relation: late[open_pairs & mask].mean() / unrelated for relation, mask in reach.items()}
    assert lifts["sector"] == pytest.approx(9.1, abs=0.1)
    assert lifts["issuer"] == pytest.approx(9.9, abs=0.1)
    assert lifts["holders"] == pytest.approx(17.6, abs=0.1)
    assert lifts["text"] == pytest.approx(10.6, abs=0.1)
