"""The examples of docs/policy.md are policies that a graph with their columns answers."""

import re
from pathlib import Path

import numpy as np
import pytest

from graphrec.graph.folders.snapshot import Snapshot
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.facts import microseconds
from graphrec.policy.file import PolicyFile, RuleTable
from graphrec.policy.language.operands import FUNCTIONS, NAMES
from graphrec.policy.read import parse_policy
from graphrec.schema import Kind
from tests.policy.graphs import AS_OF, days_ago, snapshot_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
USER: dict[str, Kind] = {
    "tolerance": "text", "born_on": "time", "sanctioned": "boolean", "consent": "boolean", "category": "text",
    "cash_eur": "real",
}  # fmt: skip
PRODUCT: dict[str, Kind] = {
    "risk": "text", "min_age": "integer", "kind": "text", "clients": "text", "risk_class": "integer",
    "not_for": "text", "fund_family": "text",
}  # fmt: skip


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    users = [{"tolerance": "low", "born_on": days_ago(9000), "consent": True, "category": "retail"}]
    products = [{"risk": "low", "min_age": 0, "kind": "fund", "clients": "retail; professional", "risk_class": 2}]
    return snapshot_of(
        tmp_path_factory.mktemp("graph") / "s", users, products,
        [("BOUGHT", 0, 0, days_ago(9), 5.0)], kinds=USER, product_kinds=PRODUCT,
    )  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_a_policy(graph: Snapshot, number: int) -> None:
    # The graph of the tests calls positions BOUGHT, and the group of a product its issuer.
    text = EXAMPLES[number].replace("HOLDS", "BOUGHT").replace("POSITION", "BOUGHT").replace("PART_OF", "ISSUED_BY")
    policy = parse_policy(text if "version" in text else f'version = "1"\n{text}', "docs/policy.md")
    assert policy.rules
    compiled = CompiledPolicy(policy, graph, as_of=microseconds(AS_OF.isoformat()))
    assert compiled.masks(np.array([0])).tolist() == [[True]]


def test_every_key_function_and_name_is_on_the_page() -> None:
    assert len(EXAMPLES) >= 3
    for name in (*FUNCTIONS, "amount", "channel", "purpose", "now", "known_at"):
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE), name
    assert set(NAMES) >= {"amount", "channel", "purpose", "now"}
    for key in (*RuleTable.__struct_fields__, *PolicyFile.__struct_fields__):
        assert re.search(rf"`[^`]*\b{key}\b[^`]*`", PAGE), key
