"""A served bank behind the HTTP application, called without a network."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.app.jobs import DeliverCampaign, PlanCampaign
from graphrec.config.settings import Settings
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from tests.served import copied


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home of its own with the served snapshot and model, and a policy that refuses nothing."""
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    home.policy.write_text('version = "1"\n', "utf-8")
    return home


@pytest.fixture
def bank(home: Home) -> Bank:
    return Bank(Settings(home=home.path))


@pytest.fixture
def keys(home: Home) -> Keys:
    return Keys(home.path)


@pytest.fixture
def client(bank: Bank) -> Iterator[TestClient]:
    """The service as it listens on a loopback address; a slow machine has a minute for an answer."""
    with TestClient(
        make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True)), raise_server_exceptions=False
    ) as client:
        yield client


@contextmanager
def listening(bank: Bank) -> Iterator[str]:
    """The address of the service on a loopback port, in a thread; a slow machine has a minute for an answer."""
    app = make_app(bank, ServiceOptions(Limits(seconds=60), is_open=True))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < until, "the server does not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def bearer(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": f"Bearer {key}"}


CAMPAIGN = """name = "spring"
products = ["P02", "P04", "P06"]
control = 0.25
[cap]
per_campaign = 2
contacts = 5
[[channel]]
name = "mail"
cost_eur = 1.5
"""


def campaign(
    bank: Bank, folder: Path, name: str = "spring", *, record: bool = False, language: str | None = None
) -> None:
    """Plan and deliver a campaign."""
    text = CAMPAIGN.replace("spring", name)
    bank.plan_campaign(PlanCampaign(folder / f"{name}.toml", text, record=False))
    bank.deliver_campaign(DeliverCampaign(name, folder / name, language=language, record=record))
