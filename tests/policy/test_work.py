"""Work on a policy: cases, differences, rules in words, and what a check says besides counts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.errors import PolicyError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.languages import language_of
from graphrec.policy.cases import difference, judge, read_cases
from graphrec.policy.check import check_policy
from graphrec.policy.words import in_words
from graphrec.schema import Kind
from tests.banks import bank_snapshot, small_bank
from tests.policy.graphs import compiled, policy, rule, snapshot_of

_, EDGES = small_bank()
KINDS: dict[str, Kind] = {"consent": "text", "risk_tolerance": "integer", "PEP": "boolean"}
PRODUCT_KINDS: dict[str, Kind] = {"kind": "text", "risk_class": "integer", "markets": "text"}
USERS = [{"consent": "J", "risk_tolerance": 2}, {"consent": "N", "risk_tolerance": 5}]
PRODUCTS = [
    {"kind": "fund", "risk_class": 1, "markets": "AT;DE"},
    {"kind": "bond", "risk_class": 3, "markets": "DE"},
    {"kind": "crypto", "risk_class": 5, "markets": "DE"},
]
CONSENT = rule('user.consent == "J"', name="consent")
RISK = rule("product.risk_class <= user.risk_tolerance", name="risk")
CRYPTO = rule('product.kind != "crypto"', name="crypto", more='severity = "review"')


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("graph")
    return snapshot_of(folder / "s", USERS, PRODUCTS, kinds=KINDS, product_kinds=PRODUCT_KINDS)


def test_cases_are_as_expected_or_not(graph: Snapshot, tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(
        "customer,product,expected,rule,amount\n"
        "U0,P0,allow,,\n"
        "U0,P1,refuse,risk,\n"
        "U1,P0,refuse,risk,\n"
        "U1,P0,allow,,100\n",
        "utf-8",
    )
    found = judge(compiled(graph, CONSENT, RISK, CRYPTO), read_cases(file), file)
    assert [(one.found, one.rules, one.is_as_expected) for one in found] == [
        ("allow", (), True),
        ("refuse", ("risk",), True),
        ("refuse", ("consent",), False),
        ("refuse", ("consent",), False),
    ]
    assert found[3].case.occasion.amount == 100
    reviewed = judge(compiled(graph, CRYPTO), read_cases(_case(tmp_path, "U1,P2,review")), file)
    assert [one.is_as_expected for one in reviewed] == [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("customer,product\nU0,P0\n", "line 1: there is no column expected; want customer,product,expected"),
        ("customer,product,expected,rul\n", "line 1: there is no column rul; the nearest is rule"),
        (
            "customer,product,expected\nU0,P0,deny\n",
            "line 2: expected = 'deny' is not one of allow, refuse, review, warn",
        ),
        ("customer,product,expected,amount\nU0,P0,allow,much\n", "line 2: amount = 'much' is no number"),
        ("customer,product,expected\nU9,P0,allow\n", "line 2: there is no customer 'U9'; search with: graphrec find"),
        ("customer,product,expected,rule\nU0,P0,refuse,rsk\n", "line 2: there is no rule rsk; the nearest is risk"),
    ],
)
def test_cases_that_are_none_are_named(graph: Snapshot, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(PolicyError) as caught:
        judge(compiled(graph, RISK), read_cases(file), file)
    assert str(caught.value) == f"{file} {message}"


def test_a_difference_counts_pairs_by_the_rule_that_refused_them(graph: Snapshot) -> None:
    loose = rule("product.risk_class <= user.risk_tolerance + 1", name="risk")
    new = rule('product.kind != "fund"', name="funds")
    found = difference(compiled(graph, CONSENT, RISK), compiled(graph, CONSENT, loose, new))
    # Customer 0 may now be shown product 1, and no longer product 0; customer 1 has not agreed.
    assert (found.pairs, found.newly_allowed, found.newly_refused, found.users_newly_allowed) == (6, 1, 1, 1)
    assert (found.allowed_by_rule, found.refused_by_rule) == ({"risk": 1}, {"funds": 1})
    assert found.examples == (("U0", "P1"),)
    same = difference(compiled(graph, RISK), compiled(graph, RISK))
    assert (same.newly_allowed, same.newly_refused, same.examples) == (0, 0, ())


def test_a_check_says_what_does_nothing_and_what_is_missing(graph: Snapshot) -> None:
    idle = rule('product.kind != "Crypto"', name="typo")
    double = rule("product.risk_class <= user.risk_tolerance + 0", name="double")
    listed = rule('not contains(product.markets, "CH")', name="markets")
    later = rule("False", name="later", more="valid_from = 2030-01-01")
    report = check_policy(compiled(graph, RISK, idle, double, listed, later))
    assert report.idle == (
        "risk refuses no pair that no other rule refuses",
        "typo refuses no pair",
        "double refuses no pair that no other rule refuses",
        "markets refuses no pair",
        "later does not hold before 2030-01-01",
    )
    assert report.warnings == (
        "rule typo: product.kind is never 'Crypto'; the nearest value is 'crypto'",
        "rule markets: product.markets is never 'CH'",
    )
    assert report.remarks == (
        "product.kind has values that no rule names: 'fund' (1), 'bond' (1), 'crypto' (1)",
        "no rule reads user.consent, which seems to speak of consent",
        "no rule reads user.PEP, which seems to speak of pep",
    )
    known = compiled(graph, CRYPTO, head='[values.product]\nkind = ["fund", "bond"]')
    assert not [one for one in check_policy(known).remarks if "product.kind" in one]


@pytest.mark.parametrize(
    ("require", "words"),
    [
        ("product.risk <= user.tolerance", "the product's risk is at most the customer's tolerance"),
        ("not held", "the customer does not hold the product"),
        (
            "is_missing(product.closed_on) or product.closed_on > now",
            "the product's closed_on is not known or the product's closed_on is above the date of the answer",
        ),
        (
            'not (user.a == "x" and product.kind in ["fund", "bond"])',
            "the customer's a is not 'x' or the product's kind is none of 'fund', 'bond'",
        ),
        (
            'not happened("REJECTED", 180, product.kind)',
            "there is no REJECTED of the customer in the last 180 days with a product of the same kind",
        ),
        (
            '(total("HOLDS", "ISSUED_BY") + amount) / total("HOLDS") <= 0.2',
            "((the sum of HOLDS of the customer with a product of the same ISSUED_BY plus the amount of the request) "
            "divided by the sum of HOLDS of the customer) is at most 0.2",
        ),
        (
            'user.consent if channel == "app" else True',
            "the customer's consent is yes where the channel of the request is 'app', and otherwise always",
        ),
        ("contains(product.markets, user.home)", "the product's markets lists the customer's home"),
        (
            'level("r", product.a) < max(1, year(user.born))',
            "the level of the product's a is below the largest of 1, the year of the customer's born",
        ),
    ],
)
def test_conditions_in_words(require: str, words: str) -> None:
    (_, line) = in_words(policy(rule(require, name="r"), head='[levels]\nr = ["a", "b"]'))
    assert line == (
        f"r: A product is left out unless {words}. Where a value is missing, so that this is not known, it counts as "
        "not met."
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "r: Ein Produkt entfällt, wenn nicht gilt: „risk“ des Produkts ist höchstens „limit“ des Kunden. "),
        ("zh", "r：以下条件不满足时，产品不予展示：产品的“risk”不大于客户的“limit”。"),
    ],
)
def test_a_policy_in_the_words_of_a_language(language: str, words: str) -> None:
    (_, line) = in_words(policy(rule("product.risk <= user.limit", name="r")), language_of(language))
    assert line.startswith(words)


def test_a_policy_in_words_says_who_answers_for_it() -> None:
    text = Path(__file__).resolve().parents[1] / "data" / "policy.toml"
    from graphrec.policy.read import read_policy

    lead, sanctions, contact, risk, age = in_words(read_policy(text))
    assert lead == (
        "Policy version 2026-01, owner Compliance, approved by Board, 2025-12-01, valid from 2026-01-01, no answer "
        "where the data are older than 7 days."
    )
    assert "Only compliance may learn of it" in sanctions
    assert "Law: Regulation (EU) 833/2014. Owner: Financial crime." in sanctions
    assert contact.endswith("Others than compliance read that the product is not available.")
    assert risk.startswith("risk: A person has to approve a product unless the level of the product's risk is at most")
    assert "counts as met" in risk
    assert age.endswith("It may read protected columns: Youth protection act, section 2.")


def test_the_commands(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    SnapshotShelf(home.snapshots).add(bank_snapshot)

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["--home", str(home.path), "policy", *words])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr

    run("init")
    assert run("explain").splitlines()[1].startswith("held: A product is left out unless the customer does not hold")
    assert len(json.loads(run("explain", "--json"))["rules"]) == 2
    cases = _case(tmp_path, "C000,P19,refuse")
    assert run("test", str(cases)) == "1 cases are as expected\n"
    cases = _case(tmp_path, "C000,P19,allow")
    assert run("test", str(cases), code=3).splitlines()[-1] == (
        f"error: {cases}: 1 of 1 cases are not as expected; correct the policy, or the cases"
    )
    old, new = home.policy, tmp_path / "new.toml"
    new.write_text('version = "2"\n', "utf-8")
    bought = EDGES["BOUGHT"]
    held = set(zip(bought["source"].to_pylist(), bought["target"].to_pylist(), strict=True))
    closed = {(f"C{user:03}", "P19") for user in range(60)} - held
    by_rule = f"refused before by held {len(held)}, open {len(closed)}"
    lead = f"{len(held | closed)} of 1,200 pairs are newly allowed ({by_rule})\n"
    assert run("diff", str(old), str(new)).startswith(lead)
    assert json.loads(run("diff", str(new), str(old), "--json"))["newly_allowed"] == 0
    assert "takes 2 files and got 1; want graphrec policy diff OLD.toml NEW.toml" in run("diff", str(old), code=2)
    assert "remark: " not in run("check")


def _case(folder: Path, line: str) -> Path:
    file = folder / "case.csv"
    file.write_text(f"customer,product,expected\n{line}\n", "utf-8")
    return file
