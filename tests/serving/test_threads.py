"""One engine, many threads: the answers of one thread."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from graphrec.home import Home
from graphrec.serving.answer import Answer, ExplainOptions, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
from graphrec.serving.why_not import WhyNot, why_not

THREADS = 8
POLICY = """
version = "1"
[[rule]]
id = "held"
sentence = "already held"
require = "not held"
[[rule]]
id = "bonds"
sentence = "{product} is a {product.kind}"
require = 'product.kind != "bond" or is_missing(product.status) or lower(product.status) != "closed"'
[[rule]]
id = "seen"
severity = "warn"
sentence = "looked at on {last.VIEWED}"
require = 'not happened("VIEWED")'
"""


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads change places after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def asked(engine: Engine, number: int) -> tuple[Answer, Answer | None, WhyNot | None]:
    """What one thread asks of one user: a list in one of two languages, an explanation, why another is not listed."""
    user, language = engine.users.ids[number], ("en", "zh")[number % 2]
    prefer = (None, "recent", "diverse")[number % 3]
    options = ListOptions(language=language, prefer=prefer)  # type: ignore[arg-type]
    found = engine.recommend(user, 4, options)
    if len(found.items) < 4:
        return found, None, None
    last = found.items[-1].product
    return found, engine.explain(user, last, 4, ExplainOptions(language=language)), why_not(engine, user, last, 2)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_threads_share_an_engine(served_home: Home, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    home = Home(served_home.path, tmp_path / "policy.toml")
    alone = Engine.open(home)
    numbers = list(range(len(alone.users))) * 2
    expected = [asked(alone, number) for number in numbers[: len(alone.users)]] * 2
    shared = Engine.open(home)  # nothing of it was used before
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda number: asked(shared, number), numbers))
    assert found == expected


@pytest.mark.slow
def test_threads_share_the_compiled_loops(engine: Engine) -> None:
    users = range(len(engine.users))
    expected = list(recommend_many(engine, users, 3))
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: list(recommend_many(engine, users, 3)), range(THREADS)))
    assert all(one == expected for one in found)
