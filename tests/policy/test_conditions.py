"""The vectorised evaluation equals judging pair by pair; what cannot be is refused with the nearest name."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphrec.errors import PolicyError
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import Block, Occasion
from graphrec.policy.language.conditions import parse
from graphrec.policy.language.operands import BadCondition
from graphrec.schema import Kind
from tests.policy.graphs import ISSUERS, compiled, days_ago, policy, rule, snapshot_of
from tests.policy.naive import LEVELS, WORDS, Pair, conditions, judged, written

KINDS: dict[str, Kind] = {
    "whole": "integer",
    "real": "real",
    "word": "text",
    "other": "text",
    "flag": "boolean",
    "day": "time",
}
FIRST, LAST = (datetime.fromisoformat(day) for day in ("1990-01-01", "2026-01-01"))
HEAD = f"[levels]\nrisk = {list(LEVELS)}"

rows = st.fixed_dictionaries(
    {},
    optional={
        "whole": st.sampled_from([-2, 0, 1, 3, 1 << 40]),
        "real": st.sampled_from([-2.0, 0.0, 0.5, 1.0, float("nan")]),
        "word": st.sampled_from(WORDS),
        "other": st.sampled_from(WORDS),
        "flag": st.booleans(),
        "day": st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    },
)
whens = st.sampled_from([None, days_ago(0.5), days_ago(10), days_ago(30), days_ago(30.5), days_ago(400)])
of_products = st.tuples(st.sampled_from(["BOUGHT", "REJECTED"]), st.integers(0, 2), st.integers(0, 3), whens)
events = st.lists(
    st.one_of(
        of_products,
        st.tuples(st.just("BOUGHT"), st.integers(0, 2), st.integers(0, 3), whens, st.sampled_from([1.0, 2.5])),
        st.tuples(st.just("COMPLAINED"), st.integers(0, 2), st.integers(0, ISSUERS - 1), whens),
    ),
    max_size=6,
)
links = st.sets(st.tuples(st.integers(0, 3), st.integers(0, ISSUERS - 1)), max_size=6)
occasions = st.builds(Occasion, st.sampled_from([None, 0.0, 2.0]), st.sampled_from([None, "low", "Mid"]))
WEIGHED = ("BOUGHT", 0, 0, days_ago(10), 2.0)
"""One edge with a weight, so that the type has some."""


def known(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row is a value: not a number is none."""
    return {name: value for name, value in row.items() if value == value}


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(rows, min_size=3, max_size=3),
    st.lists(rows, min_size=4, max_size=4),
    events,
    links,
    occasions,
    st.lists(conditions, min_size=8, max_size=8),
)
def test_blocks_equal_pairs(
    users: list[dict[str, Any]],
    products: list[dict[str, Any]],
    happened: list[Any],
    issued: set[tuple[int, int]],
    occasion: Occasion,
    trees: list[Any],
) -> None:
    happened = [WEIGHED, *happened]
    issuers = {product: {issuer for one, issuer in issued if one == product} for product in range(4)}
    of_issuers = [("ISSUED_BY", product, issuer, None) for product, issuer in sorted(issued)]
    with tempfile.TemporaryDirectory() as folder:
        snapshot = snapshot_of(Path(folder) / "snapshot", users, products, [*happened, *of_issuers], kinds=KINDS)
        for tree in trees:
            text = written(tree)
            strict = compiled(snapshot, rule(text), head=HEAD).asking(occasion)
            lenient = compiled(snapshot, rule(text, more='missing = "allow"'), head=HEAD).asking(occasion)
            expected = [
                [
                    judged(
                        tree,
                        Pair(
                            {"user": known(user), "product": known(product)},
                            _between(happened, u, p),
                            [event for event in happened if event[1] == u],
                            [known(one) for one in products],
                            p,
                            issuers,
                            vars(occasion),
                        ),
                    )
                    for p, product in enumerate(products)
                ]
                for u, user in enumerate(users)
            ]
            met = [[value is True for value in row] for row in expected]
            assert strict.masks(np.arange(3)).tolist() == met, text
            assert lenient.masks(np.arange(3)).tolist() == [[v is not False for v in row] for row in expected], text
            # One user, and one pair, take other ways to the same values.
            alone = compiled(snapshot, rule(text), head=HEAD).asking(occasion)
            assert [alone.masks(np.array([u]))[0].tolist() for u in range(3)] == met, text
            single = compiled(snapshot, rule(text), head=HEAD).asking(occasion)
            assert [[not single.refusals(u, p) for p in range(4)] for u in range(3)] == met, text
            letters = single.letters(np.arange(3), np.tile(np.arange(4), (3, 1)))[..., 0]
            assert [[chr(one) != "x" for one in row] for row in letters] == met, text


def _between(happened: list[Any], user: int, product: int) -> list[Any]:
    return [event for event in happened if event[0] != "COMPLAINED" and event[1:3] == (user, product)]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Two users and three products with a column of every kind; users' names are personal, their sex protected."""
    kinds: dict[str, Kind] = {**KINDS, "name": "text", "sex": "text"}
    row = {"whole": 1, "real": 0.5, "word": "low", "other": "high", "flag": True, "day": days_ago(400)}
    users = [{**row, "name": "Person", "sex": "f"}, {**row, "name": "Other", "sex": "m"}]
    folder = tmp_path_factory.mktemp("graph")
    return snapshot_of(folder / "snapshot", users, [row, row, {}], kinds=kinds, personal=("name",), protected=("sex",))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("product.wole == 1", "there is no product.wole; the nearest is product.whole"),
        ("user.nothing", "there is no user.nothing; the nearest is user.other"),
        ("user.xylophone", "there is no user.xylophone"),
        (
            'user.name == "x"',
            "user.name is personal and stays in the store, where no rule can read it; let the mapping derive a column "
            "that is not personal, such as the year of birth",
        ),
        (
            'user.sex == "f"',
            'user.sex is protected; a rule that the law asks for may read it with protected = true and reason = "…"',
        ),
        (
            "product.word < user.word",
            "product.word < user.word: a text has no order; give it one with [levels] and level(NAME, …)",
        ),
        ("product.word == user.whole", "product.word is a text and user.whole a number: they do not compare"),
        (
            'product.day < "2025-01-01"',
            "product.day is a time and '2025-01-01' a text: they do not compare; a date is written "
            'date("2026-01-31")',
        ),
        ("product.flag < user.flag", "product.flag < user.flag: a boolean has no order"),
        ("product.whole", "product.whole is a number, and a condition is true or false"),
        ("product.whole + product.word > 1", "product.word is a text; want a number"),
        ("hold", "there is no name hold; the nearest is held"),
        ("held == True", "held has no value that a condition can use"),
        ("days_sinc(user.day) > 3", "there is no function days_sinc; the nearest is days_since"),
        ("days_since(user.word) > 3", "user.word is a text; want a time"),
        ("days_since(user.day, 1) > 3", "days_since(user.day, 1): want days_since(user.COLUMN)"),
        ('user.day > date("2025-02-30")', "'2025-02-30' is no date (want YYYY-MM-DD)"),
        ('level("rsk", user.word) > 0', "there are no levels rsk; the nearest is risk"),
        ("level(risk, user.word) > 0", 'risk: want level("NAME", product.COLUMN), with the name in quotes'),
        ('happened("REJECT")', "there is no interaction REJECT; the nearest is REJECTED"),
        ('happened("REJECTED", 0)', "0 is no number of days above 0"),
        ('happened("REJECTED", True)', "True is no number of days above 0"),
        ('happened("BOUGHT") > 1', "happened('BOUGHT') is true or false: it does not compare"),
        ("product.word in user.word", 'user.word: want a list after in, such as ["fund", "bond"]'),
        ("product.word in []", '[]: want a list after in, such as ["fund", "bond"]'),
        ('product.word in ["low", 1]', "1: want a list of literals, each a text"),
        ('product.word in ["low", user.word]', "user.word: want a list of literals, each a text"),
        ("product.word is None", "product.word is None: compare with <, <=, >, >=, ==, != or in"),
        ("product.whole == None", "None has no value that a condition can use"),
        ("product.whole ** 2 > 1", "product.whole ** 2 has no value that a condition can use"),
        ("(lambda: 1)() > 0", "(lambda: 1)() has no value that a condition can use"),
        ('__import__("os")', "there is no function __import__"),
        ("product.word.upper() == 1", "product.word.upper() has no value that a condition can use"),
        ("held and", "is no condition: invalid syntax"),
    ],
)
def test_what_cannot_be_is_refused(graph: Snapshot, condition: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compiled(graph, rule(condition), head=HEAD)
    assert str(caught.value).partition(": rule r: ") == ("policy.toml line 7", ": rule r: ", message)


def test_a_protected_column_is_read_where_the_law_asks_for_it(graph: Snapshot) -> None:
    lawful = rule('user.sex == "f"', more='protected = true\nreason = "a law"')
    assert compiled(graph, lawful).masks(np.arange(2)).tolist() == [[True] * 3, [False] * 3]


def test_a_condition_may_go_over_lines_and_hold_comments(graph: Snapshot) -> None:
    text = "\nproduct.whole == 1  # one\nand product.wrd == 'low'\n"
    with pytest.raises(PolicyError, match=r"^policy.toml line 9: rule r: there is no product.wrd; the nearest is "):
        compiled(graph, rule(text), head=HEAD)
    right = compiled(graph, rule(text.replace("wrd", "word")), head=HEAD)
    assert right.masks(np.arange(2)).tolist() == [[True, True, False]] * 2


def test_without_any_date_conditions_on_dates_are_refused(graph: Snapshot, tmp_path: Path) -> None:
    undated = snapshot_of(tmp_path / "snapshot", [{}], [{}], kinds={"day": "time"}, as_of=None)
    for condition in ("days_since(user.day) > 1", 'happened("REJECTED", 3)'):
        with pytest.raises(PolicyError) as caught:
            CompiledPolicy(policy(rule(condition)), undated)
        assert str(caught.value) == (
            "policy.toml line 6: rule r: asks for a date, and nothing in the graph has one; give one: graphrec "
            "snapshot --as-of DATE"
        )
    assert CompiledPolicy(policy(rule('happened("REJECTED")')), undated).masks(np.array([0])).tolist() == [[False]]


def test_a_value_is_computed_only_for_what_it_depends_on(graph: Snapshot) -> None:
    asked = compiled(
        graph, rule("user.flag"), rule("product.flag", name="s"), rule("user.real < product.real", name="t")
    )
    shapes = [one.condition.truth(Block(np.arange(2))).yes.shape for one in asked.rules]
    assert shapes == [(2, 1), (1, 3), (2, 3)]


def test_the_lowest_integer_is_a_number() -> None:
    parse(f"user.account == {-(2**63)}")
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(BadCondition, match="more than 64 bits"):
            parse(f"user.account == {number}")
