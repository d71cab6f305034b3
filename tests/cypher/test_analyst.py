"""Every analyst query on the small bank, next to the same answer counted in Python."""

from collections import Counter, defaultdict
from typing import Any

import pytest

from graphrec import queries
from graphrec.store.base import Result, Store
from tests.banks import SCHEMA, small_bank

NODES, EDGES = small_bank()
BOUGHT = [(row["source"], row["target"]) for row in EDGES["BOUGHT"].to_pylist()]
HELD: dict[str, set[str]] = defaultdict(set)
HOLDERS: dict[str, set[str]] = defaultdict(set)
for _user, _product in BOUGHT:
    HELD[_user].add(_product)
    HOLDERS[_product].add(_user)
BAND = {row["source"]: row["target"] for row in EDGES["IN_AGE_BAND"].to_pylist()}
SECTOR = {row["source"]: row["target"] for row in EDGES["IN_SECTOR"].to_pylist()}


#: What the small bank has no rows for, or only after an export to the store.
EMPTY = ("never_held", "holders", "dormant", "unsuitable_holdings", "call_list", "stale_recommendations")


def ask(store: Store, name: str, **given: str) -> Result:
    values = queries.describe(name).values(given)
    return store.query(queries.text(f"analyst/{name}", queries.roles(SCHEMA)), values)


def best(scores: dict[str, Any], k: int) -> list[str]:
    return sorted(scores, key=lambda one: (-scores[one], one))[:k]


@pytest.mark.parametrize("query", queries.library(SCHEMA), ids=lambda query: query.name)
def test_every_query_answers(bank_store: Store, query: queries.Query) -> None:
    given = {"user": "C001", "other": "C005", "product": "P03", "attribute": "id", "value": "C001"}
    given |= {"relation": "IN_AGE_BAND", "since": "2024-06-01", "before": "2999"}
    given |= {"one": "18-34", "other": "35-54"} if query.name == "bridges" else {}
    wanted = {one.name: given[one.name] for one in query.parameters if one.default is None}
    result = ask(bank_store, query.name, **wanted)
    assert result.columns == queries.columns(queries.text(f"analyst/{query.name}", queries.roles(SCHEMA)))
    assert result.rows or query.name in EMPTY


def test_popular(bank_store: Store) -> None:
    counts = {product: len(users) for product, users in HOLDERS.items()}
    expected = [(one, f"Fund {int(one[1:])}", counts[one]) for one in best(counts, 5)]
    assert ask(bank_store, "popular", k="5").rows == expected


def test_never_held(bank_store: Store) -> None:
    expected = sorted(set(NODES["Product"]["id"].to_pylist()) - set(HOLDERS))
    assert [row[0] for row in ask(bank_store, "never_held").rows] == expected


def test_neighbourhood(bank_store: Store) -> None:
    found = ask(bank_store, "neighbourhood", user="C001").records()
    times = Counter(product for user, product in BOUGHT if user == "C001")
    assert {row["id"]: row["times"] for row in found if row["relation"] == "BOUGHT"} == times
    assert [(row["label"], row["id"]) for row in found if row["relation"] == "IN_AGE_BAND"] == [
        ("AgeBand", BAND["C001"])
    ]


def test_alike(bank_store: Store) -> None:
    found = ask(bank_store, "alike", user="C001", other="C004").rows
    assert {row[2] for row in found if row[0] == "BOUGHT"} == HELD["C001"] & HELD["C004"]
    assert [row[:3] for row in found if row[0] == "IN_AGE_BAND"] == [("IN_AGE_BAND", "AgeBand", BAND["C001"])]


def test_most_alike(bank_store: Store) -> None:
    own = HELD["C001"]
    scores = {user: len(own & held) / len(own | held) for user, held in HELD.items() if user != "C001" and own & held}
    found = ask(bank_store, "most_alike", user="C001", k="7").rows
    assert [row[0] for row in found] == best(scores, 7)
    assert [row[3] for row in found] == pytest.approx([scores[row[0]] for row in found])


def test_held_together(bank_store: Store) -> None:
    holders = HOLDERS["P03"]
    both = {product: len(users & holders) for product, users in HOLDERS.items() if product != "P03" and users & holders}
    found = ask(bank_store, "held_together", product="P03", k="4").records()
    assert [(row["id"], row["both"], row["holders"]) for row in found] == [
        (product, both[product], len(HOLDERS[product])) for product in best(both, 4)
    ]


def test_should_hear(bank_store: Store) -> None:
    holders = HOLDERS["P03"]
    together = {
        product: len(users & holders) for product, users in HOLDERS.items() if product != "P03" and users & holders
    }
    near = best(together, 20)
    scores = {
        user: sum(together[product] for product in held if product in near)
        for user, held in HELD.items()
        if user not in holders and held & set(near)
    }
    found = ask(bank_store, "should_hear", product="P03", k="6").records()
    assert [(row["id"], row["holders_who_share"]) for row in found] == [
        (user, scores[user]) for user in best(scores, 6)
    ]


def test_holders(bank_store: Store) -> None:
    user = min(HOLDERS["P03"])
    found = ask(bank_store, "holders", product="P03", attribute="id", value=user).rows
    assert [row[:2] for row in found] == [(user, BOUGHT.count((user, "P03")))]


def test_bridges(bank_store: Store) -> None:
    found = ask(bank_store, "bridges", relation="IN_AGE_BAND", one="18-34", other="35-54", k="3").records()
    counts = {
        product: Counter(BAND[user] for user in users if BAND[user] in ("18-34", "35-54"))
        for product, users in HOLDERS.items()
    }
    bridge = {product: min(one["18-34"], one["35-54"]) for product, one in counts.items()}
    assert [(row["id"], row["bridge"]) for row in found] == [(one, bridge[one]) for one in best(bridge, 3)]


def test_concentration(bank_store: Store) -> None:
    found = ask(bank_store, "concentration", user="C001").records()
    counts = Counter(SECTOR[product] for product in HELD["C001"])
    assert {row["id"]: row["products"] for row in found} == counts
    assert sum(row["share"] for row in found) == pytest.approx(1.0)


def test_unsuitable_holdings(bank_store: Store) -> None:
    assert ask(bank_store, "unsuitable_holdings").rows == [], "the small bank has no risk classes"
    # Ids are texts: each product's is greater than each customer's.
    found = ask(bank_store, "unsuitable_holdings", risk="id", tolerance="id", k="1000").rows
    assert sorted((row[0], row[1]) for row in found) == sorted(set(BOUGHT))


def test_coverage(bank_store: Store) -> None:
    found = ask(bank_store, "coverage", relation="IN_AGE_BAND").records()
    for row in found:
        users = {user for user, band in BAND.items() if band == row["id"]}
        holding = {user for user in users if HELD.get(user)}
        products = {product for user in holding for product in HELD[user]}
        assert (row["customers"], row["holding"], row["products"]) == (len(users), len(holding), len(products))
        assert row["share"] == pytest.approx(len(holding) / len(users))
    assert {row["id"] for row in found} == set(BAND.values())


LAST: dict[str, str] = {}
for _type in ("BOUGHT", "VIEWED"):
    for _row in EDGES[_type].to_pylist():
        _at = _row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        LAST[_row["source"]] = max(LAST.get(_row["source"], ""), _at)


def test_dormant(bank_store: Store) -> None:
    day = sorted(LAST.values())[9]
    expected = sorted((last, user) for user, last in LAST.items() if last < day and HELD.get(user))
    found = ask(bank_store, "dormant", since=day, k="5").rows
    assert found == [(user, last, len(HELD[user])) for last, user in expected[:5]]


def test_recent(bank_store: Store) -> None:
    first: dict[tuple[str, str], str] = {}
    for row in EDGES["BOUGHT"].to_pylist():
        pair, at = (row["source"], row["target"]), str(row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        first[pair] = min(first.get(pair, at), at)
    counts = Counter(product for (_, product), at in first.items() if at >= "2024-06-01")
    found = ask(bank_store, "recent", since="2024-06-01", k="4").rows
    assert [(row[0], row[2]) for row in found] == [(product, counts[product]) for product in best(counts, 4)]


def test_like_product(bank_store: Store) -> None:
    found = ask(bank_store, "like_product", product="P03").records()
    assert {row["id"] for row in found} == {one for one, sector in SECTOR.items() if sector == SECTOR["P03"]} - {"P03"}
    assert found[0]["ways"] == [f"IN_SECTOR {SECTOR['P03']}"]


def test_typical_of_holders(bank_store: Store) -> None:
    found = ask(bank_store, "typical_of_holders", product="P03", least="1").records()
    bands = Counter(BAND[user] for user in HOLDERS["P03"])
    everywhere = Counter(BAND.values())
    assert {row["id"]: row["holders"] for row in found} == bands
    customers = len(NODES["Customer"])
    for row in found:
        lift = (bands[row["id"]] / len(HOLDERS["P03"])) / (everywhere[row["id"]] / customers)
        assert row["lift"] == pytest.approx(lift)
