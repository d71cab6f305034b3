"""What each rule does on small graphs, counted by hand: findings, sentences, events, counts, warnings."""

from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import Damaged, PolicyError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.policy.check import RuleCount, check_policy
from graphrec.policy.compiled import CompiledPolicy, Finding
from graphrec.policy.facts import Occasion, microseconds
from graphrec.schema import Kind
from tests.policy.graphs import AS_OF, compiled, days_ago, policy, rule, snapshot_of

KINDS: dict[str, Kind] = {"risk": "integer", "born": "time", "amount": "real", "home": "text"}
USERS = [
    {"risk": 2, "born": days_ago(365 * 30), "amount": 1234.5, "home": "AT"},
    {"risk": 3, "born": days_ago(365 * 10), "amount": 50.0, "home": "DE"},
    {"home": "AT"},
]
PRODUCTS = [{"risk": 1, "amount": 100.0}, {"risk": 3, "amount": 2000.0, "home": "AT"}]
EVENTS = [
    ("BOUGHT", 0, 0, days_ago(700)),
    ("REJECTED", 0, 1, days_ago(200)),
    ("REJECTED", 0, 1, days_ago(90)),
    ("REJECTED", 1, 0, days_ago(200)),
    ("REJECTED", 2, 0, None),
]
RISK = rule("product.risk <= user.risk", name="risk", sentence="class {product.risk} above {user.risk}")
MEANS = rule("product.amount <= user.amount", name="means", sentence="{product.amount} over {user.amount}")
COOLING = rule('not happened("REJECTED", 180)', name="cooling", sentence="{product} refused on {last.REJECTED}")
HELD = rule("not held", name="held", sentence="{user} holds it")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Three users, one of whom nothing is known, and two products."""
    return snapshot_of(tmp_path_factory.mktemp("graph") / "snapshot", USERS, PRODUCTS, EVENTS, kinds=KINDS)


def test_findings_name_the_values(graph: Snapshot) -> None:
    both = compiled(graph, RISK, MEANS, HELD)
    assert both.refusals(0, 1) == [
        Finding("risk", "refuse", "class 3 above 2", {"product.risk": 3, "user.risk": 2}),
        Finding("means", "refuse", "2,000 over 1,234.50", {"product.amount": 2000.0, "user.amount": 1234.5}),
    ]
    assert both.refusals(0, 0) == [Finding("held", "refuse", "U0 holds it", {})]
    assert both.refusals(1, 1)[0].rule == "means"
    assert [finding.sentence for finding in both.refusals(2, 1)] == [
        "rule risk needs user.risk, which is not known",
        "rule means needs user.amount, which is not known",
    ]


def test_what_rules_said_of_the_users_asked_last_is_not_said_of_other_requests(graph: Snapshot) -> None:
    """A list, its warnings and its entry are judged once; another amount, other users and other facts anew."""
    rules = compiled(graph, rule("amount >= product.amount", name="least", sentence="from {product.amount}"))
    users, products = np.array([0]), [np.array([0, 1])]
    small, large = rules.asking(Occasion(amount=500.0)), rules.asking(Occasion(amount=5000.0))
    for asked, letters in ((small, "mx"), (large, "mm"), (small, "mx")):
        assert asked.masks(users).tolist() == [[letter == "m" for letter in letters]]
        assert [one.outcomes for one in asked.outcomes_of(users, products)[0]] == list(letters)
    last = small.asking(Occasion(amount=5000.0))
    assert last.masks(users).tolist() == [[True, True]]
    held = compiled(graph, HELD)
    assert held.masks(np.array([0])).tolist() == [[False, True]]
    assert held.masks(np.array([1])).tolist() == [[True, True]]
    assert held.judged_first(np.array([0]))[1] == [{"held": 1}]


def test_cooling_off_ends_and_an_event_without_a_date_does_not(graph: Snapshot) -> None:
    cooling = compiled(graph, COOLING)
    assert cooling.masks(np.arange(3)).tolist() == [[True, False], [True, True], [False, True]]
    day = days_ago(90).date().isoformat()
    assert cooling.refusals(0, 1) == [Finding("cooling", "refuse", f"P1 refused on {day}", {"REJECTED": day})]
    assert cooling.refusals(2, 0)[0].sentence == "rule cooling needs the date of REJECTED, which is not known"
    ever = compiled(graph, rule('not happened("REJECTED")'))
    assert ever.masks(np.arange(3)).tolist() == [[True, False], [False, True], [False, True]]


def test_the_date_of_the_answer_counts(graph: Snapshot) -> None:
    def masks(date: float, text: str) -> list[list[bool]]:
        as_of = microseconds(days_ago(date).isoformat())
        asked = CompiledPolicy(policy(text), graph, as_of=as_of, known_before=as_of)
        return np.asarray(asked.masks(np.arange(2))).tolist()

    # 150 days earlier the first refusal was 50 days old and the second unknown.
    assert masks(150, COOLING) == [[True, False], [False, True]]
    assert masks(250, COOLING) == [[True, True], [True, True]]
    assert masks(0, rule("years_since(user.born) >= 10")) == [[True, True], [False, False]]
    assert masks(-10, rule("years_since(user.born) >= 10")) == [[True, True], [True, True]]


def test_first_refusals_and_what_is_left_are_all_products(graph: Snapshot) -> None:
    asked = compiled(graph, HELD, RISK, MEANS)
    assert [asked.refused_first(user) for user in range(3)] == [{"held": 1, "risk": 1}, {"means": 2}, {"risk": 2}]


def test_rules_that_warn_leave_the_product(graph: Snapshot) -> None:
    asked = compiled(graph, rule("product.risk < 3", name="bold", sentence="bold", more='severity = "warn"'), HELD)
    assert asked.masks(np.arange(3)).tolist() == [[False, True], [True, True], [True, True]]
    assert asked.refusals(0, 1) == []
    assert asked.warnings(0, 1) == [Finding("bold", "warn", "bold", {"product.risk": 3})]


def test_only_rules_on_the_user_alone_bar_everything(graph: Snapshot) -> None:
    asked = compiled(graph, RISK, rule('user.home == "DE"', name="home", sentence="{user} lives in {user.home}"))
    barred = asked.barred(0)
    assert barred is not None
    assert barred.sentence == "U0 lives in AT"
    assert asked.barred(1) is None


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("{product.rsk}", "there is no product.rsk; the nearest is product.risk"),
        ("{last.REJECT}", "there is no interaction REJECT; the nearest is REJECTED"),
        ("{risk}", "{risk} stands for nothing; want {product.COLUMN} or {user.COLUMN}"),
    ],
)
def test_sentences_are_checked_too(graph: Snapshot, sentence: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compiled(graph, rule("held", sentence=sentence))
    assert str(caught.value) == f"policy.toml line 5: rule r: {message}"


def test_counts_of_a_check(graph: Snapshot) -> None:
    warn = rule("product.risk < 3", name="bold", more='severity = "warn"')
    asked = compiled(graph, HELD, RISK, MEANS, warn)
    report = check_policy(asked)
    # held: (0, 0); risk: (0, 1), (2, 0), (2, 1); means: (0, 1), (1, 0), (1, 1), (2, 0), (2, 1).
    assert report.rules == [
        RuleCount("held", "refuse", users=1, products=1, pairs=1, first=1, alone=1, missing=0),
        RuleCount("risk", "refuse", users=2, products=2, pairs=3, first=3, alone=0, missing=2),
        RuleCount("means", "refuse", users=3, products=2, pairs=5, first=2, alone=2, missing=2),
        RuleCount("bold", "warn", users=3, products=1, pairs=3, first=0, alone=0, missing=0),
    ]
    assert (report.users, report.products, report.pairs_left, report.users_without_product) == (3, 2, 0, 3)
    assert (report.version, report.hash) == ("1", asked.policy.hash)


def test_blocks_do_not_change_a_check(graph: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check_policy(compiled(graph, HELD, RISK, COOLING))
    monkeypatch.setattr("graphrec.policy.check.BLOCK_BYTES", 6)
    assert check_policy(compiled(graph, HELD, RISK, COOLING)) == whole
    assert whole.pairs_left == 2


def test_a_pair_that_256_rules_refuse_counts_for_none_alone(graph: Snapshot) -> None:
    rules = [rule("False", name=f"r{number}") for number in range(257)]
    report = check_policy(compiled(graph, *rules))
    assert report.pairs_left == 0
    assert {count.alone for count in report.rules} == {0}
    assert [count.first for count in report.rules if count.first] == [report.users * report.products]


def test_levels_order_texts(tmp_path: Path) -> None:
    rows = [{"home": "low"}, {"home": "high"}, {"home": "none of them"}]
    snapshot = snapshot_of(tmp_path / "snapshot", rows, rows, kinds=KINDS, as_of=AS_OF)
    order = 'level("scale", product.home) <= level("scale", user.home)'
    asked = compiled(snapshot, rule(order, name="order"), head='[levels]\nscale = ["low", "high"]')
    assert asked.masks(np.arange(3)).tolist() == [[True, False, False], [True, True, False], [False] * 3]


def test_a_flipped_bit_of_consent_shows_nobody_anything(tmp_path: Path) -> None:
    rows = [{"consent": number % 2 == 0} for number in range(10)]
    snapshot = snapshot_of(tmp_path / "s", rows, [{}, {}], kinds={"consent": "boolean"})
    consent = rule("user.consent")
    assert compiled(snapshot, consent).masks(np.arange(10)).any(axis=1).tolist() == [row["consent"] for row in rows]
    users = snapshot.folder / "nodes" / str(snapshot.labels.index("User"))
    for path in (users / "0.npy", users / "0.valid.npy"):
        content = bytearray(path.read_bytes())
        for place in range(len(content) - 10, len(content)):
            path.write_bytes(bytes([*content[:place], content[place] ^ 1, *content[place + 1 :]]))
            policy = compiled(Snapshot.open(snapshot.folder), consent)
            for asked in (np.array([1]), np.arange(10)):
                with pytest.raises(Damaged, match=rf"{path.name} is damaged: .*; run: graphrec snapshot$"):
                    policy.masks(asked)
        path.write_bytes(content)


def test_what_is_said_of_products_alone_is_the_same_for_every_user_and_request(graph: Snapshot) -> None:
    alike = ("product.risk <= 2", 'is_missing(product.home) or product.home == "AT"', "product.amount > 100.0")
    others = (
        "product.risk <= user.risk", "not held", 'not happened("REJECTED", 180)', "amount >= product.amount",
        'count("BOUGHT") < 3', "user.risk > 1",
    )  # fmt: skip
    found = compiled(graph, *[rule(text, name=f"r{number}") for number, text in enumerate((*alike, *others))])
    assert [one.of_products for one in found.refusing] == [True] * len(alike) + [False] * len(others)
    asked = found.asking(Occasion(amount=1500.0))
    for user in range(len(USERS)):
        mask, counts = asked.judged_first(np.array([user]))
        assert mask.tolist() == asked.masks(np.array([user])).tolist()
        # Of one product at a time nothing is kept.
        alone = [not asked.refusals(user, product) for product in range(len(PRODUCTS))]
        assert mask[0].tolist() == alone
        assert sum(counts[0].values()) == len(PRODUCTS) - sum(alone)
