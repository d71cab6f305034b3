"""What stands beside a product: amounts with the signs of their currencies, as each language writes them."""

from dataclasses import replace

import pytest

from graphrec.languages import language_of
from graphrec.serving.reasons.sentences import Sentences
from tests.banks import SCHEMA


@pytest.mark.parametrize(
    ("code", "unit", "value", "told"),
    [
        ("en", "£", 1200, "£1,200"),
        ("de", "£", 1200, "1.200 £"),
        ("zh", "¥", 1200, "¥1,200"),
        ("en", "EUR", 1200, "1,200 EUR"),
        ("zh", "元", 1200, "1,200 元"),
        ("en", "‰", 3, "3 ‰"),
        ("de", "%", 0.5, "0,50 %"),
    ],
)
def test_amounts_with_their_units(code: str, unit: str, value: float, told: str) -> None:
    product = replace(SCHEMA.nodes["Product"], show={"minimum": "least"}, units={"least": unit})
    schema = replace(SCHEMA, nodes={**SCHEMA.nodes, "Product": product})
    assert Sentences(schema, language_of(code)).shown("minimum", value) == told
