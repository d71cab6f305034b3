"""The hash of a policy: of what the rules say, not of how they are written down."""

from dataclasses import replace

import pytest

from graphrec.policy.rules import BUILT_IN, HELD, OFFERED, Policy, Rule

RULE = Rule("risk", "too risky", "product.risk_class <= user.risk_tolerance", lines={"id": 4})
POLICY = Policy("1", (HELD, RULE), {"risk": ("low", "high")})


def test_writing_does_not_change_the_hash() -> None:
    spaced = replace(RULE, require="  product.risk_class<=user.risk_tolerance\n", lines={})
    assert Policy("1", (HELD, spaced), {"risk": ("low", "high")}, "other.toml").hash == POLICY.hash
    assert len(POLICY.hash) == 64


@pytest.mark.parametrize(
    "other",
    [
        replace(POLICY, version="2"),
        replace(POLICY, rules=(RULE, HELD)),
        replace(POLICY, rules=(HELD, RULE, OFFERED)),
        replace(POLICY, rules=(HELD, replace(RULE, sentence="far too risky"))),
        replace(POLICY, rules=(HELD, replace(RULE, require="product.risk_class < user.risk_tolerance"))),
        replace(POLICY, rules=(HELD, replace(RULE, severity="warn"))),
        replace(POLICY, rules=(HELD, replace(RULE, missing="allow"))),
        replace(POLICY, levels={"risk": ("high", "low")}),
        replace(POLICY, levels={}),
    ],
)
def test_every_part_changes_the_hash(other: Policy) -> None:
    assert other.hash != POLICY.hash


def test_a_kept_copy_still_says_whether_it_is_built_in() -> None:
    """A record keeps no name of a file."""
    assert not replace(POLICY, source=None).is_built_in
    assert Policy(BUILT_IN, (HELD,)).is_built_in


@pytest.mark.parametrize("damaged", ["not", "not " * 5000 + "held", "product.a == " + "1" * 5000])
def test_a_damaged_copy_has_another_hash(damaged: str) -> None:
    assert replace(POLICY, rules=(replace(HELD, require=damaged),)).hash != POLICY.hash
