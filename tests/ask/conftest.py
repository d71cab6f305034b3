"""A served bank that questions are asked of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.ask.asking import Answered, Ask, ask
from graphrec.config.settings import Settings
from graphrec.home import Home
from tests.served import copied

POLICY = """version = "7"
[[rule]]
id = "held"
sentence = "already held"
require = "not held"
[[rule]]
id = "open"
sentence = "not offered any more (status {product.status})"
require = 'product.status == "open"'
"""
USER = "C001"


@pytest.fixture
def bank(served_home: Home, tmp_path: Path) -> Bank:
    """A bank of its own on the served model, whose policy refuses what is held or closed."""
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    home.policy.write_text(POLICY, "utf-8")
    return Bank(Settings(home=home.path))


Asker = Callable[..., Answered]


@pytest.fixture
def asked(bank: Bank) -> Asker:
    """A question to the bank about one customer, without an entry in the record unless it says so."""

    def answered(question: str, **more: object) -> Answered:
        return ask(bank, Ask(question, **{"user": USER, "record": False, **more}))  # type: ignore[arg-type]

    return answered
