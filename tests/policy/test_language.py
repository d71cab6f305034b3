"""What a bank has to write: concentration, lists, requests, reviews, confidential rules, dates of rules and of data."""

import json
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import PolicyError
from graphrec.graph.folders.facts import write_facts
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.languages import language_of
from graphrec.policy.compiled import CompiledPolicy, Finding
from graphrec.policy.facts import Occasion, microseconds
from graphrec.policy.read import parse_policy, read_policy
from graphrec.policy.rules import Policy, public_counts
from graphrec.policy.words import in_words
from graphrec.schema import Kind
from graphrec.serving.eligible import Eligibility
from tests.policy.graphs import AS_OF, compiled, days_ago, policy, rule, snapshot_of

KINDS: dict[str, Kind] = {"kind": "text", "markets": "text", "home": "text", "listed": "boolean", "closed_on": "time"}
USERS = [{"home": "AT"}, {"home": "DE", "listed": True}, {"home": "CH"}]
PRODUCTS = [
    {"kind": "fund", "markets": "AT; DE"},
    {"kind": "fund", "markets": '["CH", "AT"]'},
    {"kind": "bond", "markets": "DE|CH", "closed_on": days_ago(1)},
    {"kind": "crypto", "markets": "AT"},
]
EVENTS = [
    ("BOUGHT", 0, 0, days_ago(20), 800.0),
    ("BOUGHT", 0, 2, days_ago(200), 200.0),
    ("BOUGHT", 1, 3, days_ago(5), 50.0),
    ("COMPLAINED", 1, 0, days_ago(30)),
    *(("ISSUED_BY", product, issuer, None) for product, issuer in ((0, 0), (1, 0), (2, 1), (3, 2))),
]
PART = '(total("BOUGHT", "ISSUED_BY") + amount) / (total("BOUGHT") + amount) <= 0.5'
SANCTIONS = rule(
    "is_missing(user.listed) or not user.listed", name="sanctions", sentence="on list 7", more="confidential = true"
)
HOME = rule('user.home != "CH"', name="home", sentence="no offers to {user.home}", more='code = "not_available"')


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Three customers, four products of three issuers, holdings with amounts."""
    return snapshot_of(tmp_path_factory.mktemp("graph") / "snapshot", USERS, PRODUCTS, EVENTS, kinds=KINDS)


def shown(graph: Snapshot, condition: str, occasion: Occasion | None = None, more: str = "") -> list[list[bool]]:
    asked = compiled(graph, rule(condition, more=more)).asking(occasion or Occasion())
    found: list[list[bool]] = asked.masks(np.arange(3)).tolist()
    return found


def test_concentration_after_the_purchase(graph: Snapshot) -> None:
    # 800 with issuer 0 and 200 with issuer 1 of 1,000: with 600 more, 1,400 of 1,600 and 800 of 1,600.
    assert shown(graph, PART, Occasion(amount=600.0))[0] == [False, False, True, True]
    assert shown(graph, PART, Occasion(amount=10_000.0))[0] == [False, False, False, False]
    # Without an amount the rule cannot tell, and refuses.
    assert shown(graph, PART)[0] == [False] * 4
    assert shown(graph, PART, more='missing = "allow"')[0] == [True] * 4
    (found,) = compiled(graph, rule(PART, sentence="{amount} more")).asking(Occasion(amount=600.0)).refusals(0, 1)
    read = {"total('BOUGHT', 'ISSUED_BY')": 800, "total('BOUGHT')": 1000, "amount": 600}
    assert (found.sentence, found.values) == ("600 more", read)


def test_lists_in_a_column(graph: Snapshot) -> None:
    assert shown(graph, "contains(product.markets, user.home)") == [
        [True, True, False, True],
        [True, False, True, False],
        [False, True, True, False],
    ]
    assert shown(graph, 'contains(product.markets, "D")')[0] == [False] * 4


def test_what_happened_to_a_category_or_anywhere_else(graph: Snapshot) -> None:
    assert shown(graph, 'not happened("BOUGHT", 30, product.kind)')[0] == [False, False, True, True]
    assert shown(graph, 'not happened("BOUGHT", 365, "ISSUED_BY")')[0] == [False, False, False, True]
    assert shown(graph, 'not happened("COMPLAINED", 60)') == [[True] * 4, [False] * 4, [True] * 4]
    assert shown(graph, 'count("BOUGHT", 100) < 1') == [[False] * 4, [False] * 4, [True] * 4]
    assert shown(graph, 'max(count("BOUGHT"), 1) > min(count("BOUGHT"), 1)') == [[True] * 4, [False] * 4, [True] * 4]


def test_channel_purpose_and_time_of_the_request(graph: Snapshot) -> None:
    by_phone = 'product.kind != "bond" if channel == "phone" else True'
    assert shown(graph, by_phone, Occasion(channel="phone"))[0] == [True, True, False, True]
    assert shown(graph, by_phone, Occasion(channel="branch"))[0] == [True] * 4
    assert shown(graph, 'purpose in ["advice"]', Occasion(purpose="advertising"))[0] == [False] * 4
    assert shown(graph, "is_missing(product.closed_on) or product.closed_on > now")[0] == [True, True, False, True]


def test_known_at_is_a_column(graph: Snapshot) -> None:
    # Nodes of this graph were never dated.
    assert shown(graph, "is_missing(user.known_at) and is_missing(product.known_at)")[0] == [True] * 4
    assert shown(graph, "user.known_at < now")[0] == [False] * 4


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ('total("COMPLAINED") > 1', "edges of COMPLAINED carry no weight to sum; let the mapping give them one"),
        ('count("COMPLAINED", product.kind) > 1', "product.kind: edges of COMPLAINED do not lead to products"),
        ('count("BOUGHT", "ISSUED") > 1', "no ISSUED leads from products; the nearest is ISSUED_BY"),
        ('count("BOUGHT", user.home) > 1', "user.home: want product.COLUMN, or a relation of products in quotes"),
        ('count("ISSUED_BY") > 1', "there is no interaction ISSUED_BY"),
        ("min(amount) > 1", "min(amount): want min(a, b), of two numbers or times or more"),
        ("min(product.kind, channel) == channel", "product.kind is a text; want a number or a time"),
        ("(1 if held else channel) == 1", "1 is a number and channel a text: want one kind"),
        ("contains(product.listed, channel)", "product.listed is a boolean; want a text"),
        ("amont > 1", "there is no name amont; the nearest is amount"),
    ],
)
def test_what_cannot_be_asked_is_named(graph: Snapshot, condition: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compiled(graph, rule(condition))
    assert str(caught.value) == f"policy.toml line 6: rule r: {message}"


def test_a_review_leaves_the_product_and_says_so(graph: Snapshot) -> None:
    text = rule('product.kind != "crypto"', name="board", sentence="asks the board", more='severity = "review"')
    asked = Eligibility(graph, policy(text))
    assert asked.mask(0).all()
    assert asked.warnings(0, 3) == ("needs approval: asks the board",)
    assert [one.outcomes for one in asked.outcomes(0, np.array([0, 3]))] == ["m", "a"]


def test_others_read_a_confidential_rule_as_not_available(graph: Snapshot) -> None:
    asked = Eligibility(graph, policy(SANCTIONS, HOME))
    for user, name in ((1, "sanctions"), (2, "home")):
        # What compliance reads is exact, and what everybody reads is the same for both.
        (found,) = asked.refusals(user, 0)
        assert (found.rule, found.confidential, found.public_sentence) == (name, True, "not available")
        assert asked.refused(user) == {name: 4}
        assert public_counts(asked.refused(user), asked.policy.codes) == {"not_available": 4}
        assert (asked.refusal(user, 0), asked.barred(user)) == ("not available", "not available")
    assert asked.refusals(1, 0) == [Finding("sanctions", "refuse", "on list 7", {"user.listed": True}, True)]
    german = language_of("de")
    assert [one.public_sentence for one in asked.refusals(1, 0, german)] == ["nicht verfügbar"]
    assert asked.barred(1, german) == "nicht verfügbar"


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ((), 'give an ordinary rule that reads the customer alone, as it does, code = "not_available" too'),
        (
            (rule('product.kind != "bond"', name="kind", more='code = "not_available"'),),
            "rule sanctions is confidential, and nothing else is told as not_available, so that this names it",
        ),
    ],
)
def test_a_code_that_only_one_rule_has_would_name_it(others: tuple[str, ...], message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(*others, SANCTIONS)
    assert message in str(caught.value)


def test_rules_and_policies_have_a_first_day(graph: Snapshot) -> None:
    later = rule("False", name="later", more="valid_from = 2025-03-02")
    asked = compiled(graph, later, rule("True", name="always"))
    assert [one.rule.id for one in asked.rules] == ["always"]
    assert [one.rule.id for one in asked.later] == ["later"]
    assert [one.rule.id for one in compiled(graph, rule("held", more='valid_from = "2025-03-01"')).rules] == ["r"]
    with pytest.raises(PolicyError) as caught:
        compiled(graph, head="valid_from = 2025-03-02")
    assert str(caught.value) == (
        "policy.toml: version 1 is valid from 2025-03-02, and the date of the answer is 2025-03-01; use the policy of "
        "that day"
    )


def test_data_may_be_too_old(graph: Snapshot) -> None:
    asked = compiled(graph, head="max_age_days = 7")
    asked.check_age(microseconds(days_ago(6.9).isoformat()))
    with pytest.raises(PolicyError) as caught:
        asked.check_age(microseconds(days_ago(8).isoformat()))
    assert str(caught.value) == (
        "policy.toml: the data are of 2025-02-21, older than max_age_days = 7 on 2025-03-01; load newer data"
    )


def test_a_value_that_the_policy_does_not_know_is_remarked_on(graph: Snapshot) -> None:
    known = '[values.product]\nkind = ["fund", "bond"]'
    asked = Eligibility(graph, policy(rule("not held"), head=known))
    assert asked.warnings(2, 0) == ()
    assert asked.warnings(2, 3) == ("product.kind is crypto, which the policy does not know",)
    with pytest.raises(
        PolicyError, match=r"policy.toml: \[values\]: there is no product.knd; the nearest is product.k"
    ):
        compiled(graph, head='[values.product]\nknd = ["fund"]')


def test_who_answers_for_a_rule_is_part_of_it_and_of_its_hash() -> None:
    more = 'law = "WpHG 64"\nowner = "Compliance"\napproved_by = "A. B."\nvalid_from = 2025-01-31'
    head = 'owner = "Risk"\napproved_by = "Board"\nvalid_from = "2025-01-01"\nmax_age_days = 3.5'
    read = policy(rule("held", more=more), head=head)
    (found,) = read.rules
    assert (found.law, found.owner, found.approved_by, found.valid_from) == (
        "WpHG 64",
        "Compliance",
        "A. B.",
        "2025-01-31",
    )
    assert (read.owner, read.approved_by, read.valid_from, read.max_age_days) == ("Risk", "Board", "2025-01-01", 3.5)
    # What a record keeps is the whole of it.
    assert Policy.from_json(read.to_json()).hash == read.hash
    plain = policy(rule("held"))
    assert (
        len({read.hash, plain.hash, policy(rule("held", more='law = "x"')).hash, policy(rule("held"), head=head).hash})
        == 4
    )


def test_the_law_stands_for_the_reason_of_a_protected_column() -> None:
    text = 'version = "1"\n[[rule]]\nid = "r"\nsentence = "s"\nrequire = "held"\nprotected = true\nlaw = "JuSchG"\n'
    assert parse_policy(text, "policy.toml").rules[0].law == "JuSchG"
    with pytest.raises(PolicyError, match="protected = true and reason"):
        parse_policy(text.replace('law = "JuSchG"\n', ""), "policy.toml")


def test_the_date_of_the_request_counts_for_all(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path / "s", USERS, PRODUCTS, EVENTS, kinds=KINDS)
    early = microseconds(days_ago(2).isoformat())
    asked = CompiledPolicy(
        policy(rule("is_missing(product.closed_on) or product.closed_on > now")),
        snapshot,
        as_of=early,
        known_before=early,
    )
    assert asked.masks(np.array([0])).tolist() == [[True] * 4]
    assert days_ago(1) < AS_OF


def test_facts_answer_like_the_snapshot_they_are_of(graph: Snapshot, tmp_path: Path) -> None:
    facts = write_facts(tmp_path / "facts", graph)
    for condition in (PART, 'not happened("BOUGHT", 365, "ISSUED_BY")', "is_missing(user.known_at)"):
        assert shown(facts, condition, Occasion(amount=600.0)) == shown(graph, condition, Occasion(amount=600.0))


WEALTH_KINDS: dict[str, Kind] = {"cash": "real", "kind": "text", "clients": "text", "not_for": "text"}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Customers with cash and a kind, products with a target market."""
    users = [{"cash": 1_000.0, "kind": "retail"}, {"kind": "expert"}, {"cash": 0.0}]
    products = [
        {"kind": "fund", "clients": "retail;expert"},
        {"kind": "fund", "clients": "expert", "not_for": "retail"},
        {"kind": "bond"},
        {"kind": "crypto", "not_for": "retail|any"},
    ]
    return snapshot_of(tmp_path_factory.mktemp("market") / "snapshot", users, products, EVENTS, kinds=WEALTH_KINDS)


PURCHASE = '[after_purchase]\ncash = "cash"\nshares = { family = "product.kind" }\n'
TARGET = '[target_market.positive]\nclients = "kind"\n[target_market.negative]\nnot_for = "kind"\n'


def judged(graph: Snapshot, condition: str, amount: float | None = None, tables: str = PURCHASE) -> list[list[bool]]:
    text = f'version = "1"\n{tables}[[rule]]\n{rule(condition)}'
    found = CompiledPolicy(parse_policy(text, "policy.toml"), graph, as_of=microseconds(AS_OF.isoformat()))
    masks: list[list[bool]] = found.asking(Occasion(amount=amount)).masks(np.arange(3)).tolist()
    return masks


def test_shares_of_wealth_after_a_purchase(market: Snapshot) -> None:
    # 800 with issuer 0, 200 with issuer 1, cash 1,000: wealth 2,000, which a purchase from cash leaves as it is.
    assert judged(market, "after_purchase.issuer_share <= 0.6", 400.0)[0] == [True, True, True, True]
    assert judged(market, "after_purchase.issuer_share < 0.6", 400.0)[0] == [False, False, True, True]
    # 600 of 1,600 are new money: the wealth is 2,600 then.
    assert judged(market, "after_purchase.product_share <= 1600 / 2600", 1600.0)[0] == [False, True, False, True]
    assert judged(market, "after_purchase.family_share == 0.65", 500.0)[0] == [True, True, False, False]
    assert judged(market, "after_purchase.kind_share == 0.65", 500.0)[0] == [True, True, False, False]
    assert judged(market, "after_purchase.cash >= 500", 500.0)[0] == [True] * 4
    assert judged(market, "amount <= 0.1 * wealth", 200.0) == [[True] * 4, [False] * 4, [False] * 4]
    # Without an amount, or without the cash of a customer, nothing is known.
    assert judged(market, "after_purchase.issuer_share <= 1") == [[False] * 4] * 3
    assert judged(market, "after_purchase.issuer_share <= 1", 10.0)[1] == [False] * 4
    # Who has nothing puts all into one.
    assert judged(market, "after_purchase.issuer_share < 1", 10.0)[2] == [False] * 4


def test_a_share_stands_in_the_sentence_and_in_what_was_read(market: Snapshot) -> None:
    sentence = "with {amount} more, {after_purchase.issuer_share} would be with one issuer"
    text = f'version = "1"\n{PURCHASE}[[rule]]\n{rule("after_purchase.issuer_share <= 0.2", sentence=sentence)}'
    made = CompiledPolicy(parse_policy(text, "p"), market, as_of=microseconds(AS_OF.isoformat()))
    (found,) = made.asking(Occasion(amount=300.0)).refusals(0, 0)
    assert found.sentence == "with 300 more, 55.0% would be with one issuer"
    assert found.values == {"user.cash": 1000.0, "product.kind": "fund", "after_purchase.issuer_share": 0.55}
    with pytest.raises(PolicyError, match=r"the nearest is after_purchase.issuer_share; there are"):
        judged(market, "after_purchase.issuers_share <= 0.2")
    with pytest.raises(PolicyError, match="no BOUHGT leads to products; the nearest is BOUGHT"):
        judged(market, "wealth > 1", tables='[after_purchase]\npositions = "BOUHGT"\n')


def test_the_target_market_and_the_negative_one(market: Snapshot) -> None:
    assert judged(market, "in_target_market", tables=TARGET) == [
        [True, False, True, True], [True, True, True, True], [False, False, True, True],
    ]  # fmt: skip
    assert judged(market, "not in_negative_market", tables=TARGET) == [
        [True, False, True, False], [True, True, True, True], [True, False, True, False],
    ]  # fmt: skip
    with pytest.raises(PolicyError, match=r"nothing is declared: \[target_market.positive\]"):
        judged(market, "in_target_market")


def test_lists_in_files(graph: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "countries.csv").write_text("name,code\nGermany,DE\n\nSwitzerland, CH \n")
    (tmp_path / "people.txt").write_text("U2\n\nU9\n")
    text = 'version = "1"\n[[rule]]\n' + rule(
        'user.home not in file("countries.csv", "code") and not user in file("people.txt")'
    )
    (tmp_path / "policy.toml").write_text(text)
    read = read_policy(tmp_path / "policy.toml")
    masks = [one[0] for one in CompiledPolicy(read, graph, as_of=0).masks(np.arange(3)).tolist()]
    assert masks == [True, False, False]
    # The hash covers what the lists say, and the copy that a record keeps needs no file and names nobody.
    plain = json.loads(json.dumps(read.to_json()))
    assert "U9" not in json.dumps(plain)
    kept = Policy.from_json(plain)
    assert kept.hash == read.hash
    assert [one[0] for one in CompiledPolicy(kept, graph, as_of=0).masks(np.arange(3)).tolist()] == masks
    (tmp_path / "people.txt").write_text("U9\n")
    assert read_policy(tmp_path / "policy.toml").hash != read.hash
    assert [said for said in in_words(read) if "people.txt" in said] == [
        "r: A product is left out unless the customer's home is none of the list countries.csv (code) and the "
        "customer is none of the list people.txt. Where a value is missing, so that this is not known, it counts as "
        "not met."
    ]
    (tmp_path / "people.txt").unlink()
    with pytest.raises(PolicyError, match=r"the list .*people.txt cannot be read \(No such file"):
        read_policy(tmp_path / "policy.toml")


def test_a_list_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "countries.csv").write_text("name,code\nGermany,DE\n")
    for condition, said in (
        ('user.home in file("countries.csv", "cod")', "no column cod; it has name, code, the nearest is code"),
        ('user.home in file("countries")', "cannot be read"),
        ('user.home in file("../countries.csv")', "lies beside the policy"),
        ("user.home in file(countries)", 'want file\\("NAME.csv"\\)'),
    ):
        (tmp_path / "policy.toml").write_text('version = "1"\n[[rule]]\n' + rule(condition))
        with pytest.raises(PolicyError, match=said):
            read_policy(tmp_path / "policy.toml")
    with pytest.raises(PolicyError, match="no lists beside it"):
        parse_policy('version = "1"\n[[rule]]\n' + rule('user.home in file("countries.csv")'), "a text")


def test_new_words_are_said_in_three_languages() -> None:
    conditions = ["after_purchase.issuer_share <= 0.2 and wealth > 5", "in_target_market and not in_negative_market"]
    text = 'version = "1"\n' + "".join("[[rule]]\n" + rule(one, name=f"r{n}") for n, one in enumerate(conditions))
    said = {code: in_words(parse_policy(text, "p"), language_of(code))[1:] for code in ("en", "de", "zh")}
    assert "the share of wealth in the same issuer after the purchase is at most 0.2" in said["en"][0]
    assert "der Kunde gehört nicht zum negativen Zielmarkt" in said["de"][1]
    assert "客户属于该产品的目标市场" in said["zh"][1]
