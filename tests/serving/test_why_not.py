"""Why a product is not listed: the rules with both values, or rank, score and the evidence that is missing."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.errors import UnknownId
from graphrec.home import Home
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.why_not import PolicyName, why_not
from tests.served import copied

K = 3
POLICY = """
version = "7"
[[rule]]
id = "held"
sentence = "already held"
require = "not held"
[[rule]]
id = "bonds"
sentence = "{product} is a {product.kind}"
require = 'product.kind != "bond"'
[[rule]]
id = "seen"
severity = "warn"
sentence = "looked at on {last.VIEWED}"
require = 'not happened("VIEWED")'
"""


@pytest.fixture
def strict(served_home: Home, tmp_path: Path) -> Engine:
    """An engine with a policy that sells no bonds."""
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    return Engine.open(Home(served_home.path, tmp_path / "policy.toml"))


def test_a_refused_product_names_every_rule_with_its_values(strict: Engine) -> None:
    bought = strict.snapshot.edges("BOUGHT")
    held = next(int(p) for p in bought.indices[bought.indptr[3] : bought.indptr[4]] if p % 2)
    found = why_not(strict, "C003", f"P{held:02}", K)
    assert [(rule.rule, rule.sentence, rule.values) for rule in found.refused] == [
        ("held", "already held", {}),
        ("bonds", f"Fund {held} is a bond", {"product.kind": "bond"}),
    ]
    assert found.verdict == f"P{held:02} is not recommended to C003: already held; Fund {held} is a bond"
    assert (found.rank, found.score, found.ahead, found.missing) == (None, None, None, ())
    assert found.policy == PolicyName("7", strict.policy.hash)


def test_a_listed_product_has_its_place(engine: Engine) -> None:
    second = engine.recommend("C003", K).items[1]
    found = why_not(engine, "C003", second.product, K)
    assert found.verdict == f"{second.product} is in the list of C003: rank 2 of 3"
    assert (found.rank, found.score, found.composition) == (2, second.score, second.composition)
    assert found.ahead is None


def test_an_outranked_product_lacks_what_the_last_of_the_list_has(engine: Engine) -> None:
    everything = engine.recommend("C003", 20, ListOptions(reasons=None)).items
    last, asked = everything[K - 1], everything[K + 2]
    found = why_not(engine, "C003", asked.product, K)
    assert found.verdict == (
        f"{asked.product} may be shown to C003 and has rank {K + 3}: its score is {asked.score:.3f}, and that of "
        f"{last.product} at rank {K} is {last.score:.3f}"
    )
    assert found.ahead is not None
    assert (found.ahead.product, found.ahead.score, found.ahead.rank) == (last.product, last.score, K)
    assert found.ahead.composition == last.composition
    assert found.missing
    shares = {(line.text, line.share) for line in last.lines}
    gaps = [gap.ahead - (gap.here or 0.0) for gap in found.missing]
    assert all((gap.text, gap.ahead) in shares for gap in found.missing)
    assert all(gap > 0 for gap in gaps)


@pytest.mark.slow
def test_shares_behind_small_groups_are_not_shown(engine: Engine) -> None:
    """`here` is a share that the product's own ledger shows, or nothing; of people, nobody and too few read alike."""
    hidden = 0
    for number in range(0, 59, 4):
        items = engine.recommend(f"C{number:03}", 20, ListOptions(reasons=None)).items
        for item in items[K:]:
            shown = {round(line.share, 9) for line in item.lines}
            for gap in why_not(engine, f"C{number:03}", item.product, K).missing:
                hidden += gap.here is None
                assert gap.here is None or gap.here == 0 or round(gap.here, 9) in shown
                assert " others " not in gap.text or gap.here != 0
    assert hidden > 0


def test_what_more_speaks_against_is_listed_nowhere(engine: Engine) -> None:
    asked = (f"C{number:03}" for number in range(59))
    left_out = "no more for them than against"
    user = next(user for user in asked if left_out in (engine.recommend(user, 20).abstained or ""))
    shown = {item.product for item in engine.recommend(user, 20).items}
    answers = [engine.explain(user, f"P{number:02}", 20).items for number in range(20)]
    last = min((item for items in answers for item in items), key=lambda item: item.score)
    assert last.product not in shown
    found = why_not(engine, user, last.product, 20)
    assert found.verdict == (
        f"{last.product} is not listed for {user}: what is known speaks no more for it than against it"
    )
    assert (found.score, found.ahead) == (last.score, None)


def test_too_little_evidence_is_said(engine: Engine) -> None:
    first = engine.recommend("C003", K).items[0]
    found = why_not(engine, "C003", first.product, K, min_confidence=0.999)
    assert found.verdict == (
        f"{first.product} has too little evidence for C003: its confidence is {first.confidence:.2f}, and 0.999 is the "
        "least for a list"
    )
    assert why_not(engine, "C059", "P01", K).verdict == engine.recommend("C059", K).abstained
    with pytest.raises(UnknownId, match="no product 'P99'"):
        why_not(engine, "C003", "P99", K)


def test_a_policy_shortens_lists_and_says_so(strict: Engine) -> None:
    answer = strict.recommend("C003", 20)
    assert {item.product_kind for item in answer.items} == {"fund"}
    counts = ", ".join(f"{rule} {count}" for rule, count in answer.refused.items())
    assert answer.abstained == (
        f"products left for C003: {len(answer.items)}; the rules that left out the others: {counts}"
    )
    assert len(answer.items) + sum(answer.refused.values()) == 20


def test_warnings_stand_beside_the_item(strict: Engine) -> None:
    viewed, warned = strict.snapshot.edges("VIEWED"), 0
    for user in range(20):
        seen = {f"P{p:02}" for p in viewed.indices[viewed.indptr[user] : viewed.indptr[user + 1]]}
        for item in strict.recommend(f"C{user:03}", 20).items:
            assert [text[:14] for text in item.warnings] == ["looked at on 2"] * (item.product in seen)
            warned += len(item.warnings)
    assert warned > 0


def test_a_user_who_may_be_shown_nothing_is_told_why(served_home: Home, tmp_path: Path) -> None:
    rule = 'version = "1"\n[[rule]]\nid = "pause"\nsentence = "no offers to {user} this year"\nrequire = "False"\n'
    (tmp_path / "policy.toml").write_text(rule, encoding="utf-8")
    answer = Engine.open(Home(served_home.path, tmp_path / "policy.toml")).recommend("C003", 5)
    assert (answer.items, answer.refused) == ((), {"pause": 20})
    assert answer.abstained == "nothing is shown to C003: no offers to C003 this year"


def test_the_command_prints_rules_or_gaps(own_home: Home, engine: Engine, tmp_path: Path) -> None:
    everything = engine.recommend("C003", 20).items
    run = ["--home", str(own_home.path), "why-not", "C003", everything[K + 2].product, "-k", str(K)]
    text = CliRunner().invoke(app, [*run, "--no-policy"])
    assert text.exit_code == 0, text.stderr
    assert f"what speaks for {everything[K - 1].product}" in text.stdout
    found = json.loads(CliRunner().invoke(app, [*run, "--no-policy", "--json"]).stdout)
    assert "no policy" in " ".join(found.pop("notes"))
    assert found.pop("record") > 0
    expected = json.loads(json.dumps(why_not(engine, "C003", everything[K + 2].product, K).to_json()))
    assert found == {**expected, "as_of": "2026-01-02T00:00:00+00:00"}  # now, not the date of the facts
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    refused = CliRunner().invoke(app, ["--policy", str(tmp_path / "policy.toml"), *run[:4], "P19"])
    assert refused.exit_code == 0, refused.stderr
    assert "product.kind bond" in " ".join(refused.stdout.split())


def test_warnings_are_printed(strict: Engine, served_home: Home, tmp_path: Path) -> None:
    users = (f"C{user:03}" for user in range(20))
    user, item = next((u, i) for u in users for i in strict.recommend(u, 3).items if i.warnings)
    # A home of its own: it remembers which policy was in force.
    home = copied(served_home, tmp_path / "home")
    run = ["--home", str(home), "--policy", str(tmp_path / "policy.toml")]
    listed = CliRunner().invoke(app, [*run, "recommend", user, "-k", "3", "--no-record"]).stdout
    assert f"! {item.warnings[0]}" in " ".join(listed.replace("   ", " ").split())
    explained = CliRunner().invoke(app, [*run, "explain", user, item.product, "--no-record"]).stdout
    assert f"! {item.warnings[0]}" in " ".join(explained.split())
