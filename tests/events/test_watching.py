"""Rules of alerts.toml on events as they come: at once, once, and as a nightly run would find them."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.finance.watching import LOOKED, Watching
from graphrec.app.jobs import Consume, ListAlerts, RunAlerts
from graphrec.config.settings import Settings
from graphrec.errors import RecordError
from graphrec.events.log import Appended
from tests.events.conftest import TODAY, purchases

ALERTS = """
repeat_days = 30
[[rule]]
id = "burst"
severity = "critical"
when = "count('BOUGHT', 7) >= 3"
[[rule]]
id = "careful"
when = "user.risk >= 3 and count('VIEWED', 1) >= 2"
"""
SECONDS = 0.05


@pytest.fixture
def bank(shop: Path) -> Bank:
    (shop / "home" / "alerts.toml").write_text(ALERTS)
    return Bank(Settings(home=shop / "home", today=TODAY, policy="none", actor="A. Baker"))


def bought(user: str, *numbers: int, day: str = "2025-06-01") -> list[dict[str, object]]:
    return [
        {"id": f"{user}-{n}", "user": user, "type": "bought", "product": f"p{n}", "at": f"{day}T{9 + n:02}:00:00Z"}
        for n in numbers
    ]


def raised(bank: Bank) -> list[tuple[str, str, str]]:
    return [(one.rule, one.about, one.at) for one in bank.alerts(ListAlerts())]


def test_a_rule_is_met_by_an_event_at_once_and_raised_once(bank: Bank) -> None:
    late = {row[0] for row in purchases() if row[3] > "2025-05-24"}
    user = next(one for one in (f"c{n:02}" for n in range(30)) if one not in late)
    accept(bank, bought(user, 0, 1))
    assert bank.watching.wait() is None
    assert raised(bank) == []
    accept(bank, bought(user, 2))
    assert bank.watching.wait() is None
    (one,) = bank.alerts(ListAlerts())
    assert (one.rule, one.user, one.at, one.severity, one.kind) == ("burst", user, "2025-06-01", "critical", "rule")
    assert one.evidence == ("count('BOUGHT', 7) >= 3", "count('BOUGHT', 7) is 3")
    accept(bank, bought(user, 3))
    assert bank.watching.wait() is None
    assert len(raised(bank)) == 1
    assert bank.events.log.noted(LOOKED) == "4"
    # Values that an event sets are read as well.
    views = [
        {"id": f"v{n}", "user": "c07", "type": "viewed", "product": "p1", "at": f"2025-06-01T1{n}:30:00Z"}
        for n in (1, 2)
    ]
    accept(
        bank, [*views, {"id": "r", "user": "c07", "type": "advised", "at": "2025-06-01T09:00:00Z", "set": {"risk": 3}}]
    )
    assert bank.watching.wait() is None
    assert [one for one in raised(bank) if one[1] == "c07"] == [("careful", "c07", "2025-06-01")]
    # A nightly run finds nothing new in what was seen at once.
    done = bank.run_alerts(RunAlerts("2025-06-02", "rule"))
    assert not {one.user for one in done.alerts} & {user, "c07"}


def test_a_feed_is_watched_and_what_a_killed_process_left_is_done_by_the_next(bank: Bank, shop: Path) -> None:
    file = shop / "events.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in bought("c03", 0, 1, 2, 4)))
    bank.consume(Consume(str(file)))
    assert ("burst", "c03", "2025-06-01") in raised(bank)
    # Killed after the log had them and before anybody looked.
    bank.events.log.append([_event(one) for one in bought("c04", 0, 1, 2, 4)])
    assert not [one for one in raised(bank) if one[1] == "c04"]
    other = Bank(Settings(home=shop / "home", today=TODAY, policy="none"))
    accept(other, bought("c05", 0))
    assert other.watching.wait() is None
    assert [one for one in raised(bank) if one[1] == "c04"] == [("burst", "c04", "2025-06-01")]


def _event(content: dict[str, object]) -> object:
    from graphrec.events.event import event_of

    return event_of(content)


def test_an_event_takes_little(bank: Bank) -> None:
    accept(bank, bought("c00", 0))
    assert bank.watching.wait() is None
    spent = []
    for n in range(20):
        began = time.process_time()
        accept(bank, bought(f"c{n:02}", 5, day="2025-05-31"))
        assert bank.watching.wait() is None
        spent.append(time.process_time() - began)
    assert np.median(spent) <= SECONDS


def test_without_rules_or_a_record_nobody_watches(bank: Bank, shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    done = Appended(1, 0, 1)
    silent = Bank(Settings(home=shop / "home", today=TODAY, policy="none", record=False))
    silent.watching.wake(done)
    with pytest.raises(RecordError):
        silent.run_alerts(RunAlerts())
    file = shop / "home" / "alerts.toml"
    for text in ("", 'rule = "x"'):
        file.write_text(text)
        watching = Watching(bank)
        watching.wake(done)
        assert watching.wait(0.1) is None
    assert "alerts.toml" in caplog.text
    file.write_text('[[rule]]\nid = "a"\nwhen = "user.nothing > 1"')
    accept(bank, bought("c01", 1))
    assert "rule a of alerts.toml" in str(bank.watching.wait())
