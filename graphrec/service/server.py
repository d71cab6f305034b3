"""The process that serves: uvicorn with one or several workers on one address."""

import ipaddress
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.supervisors import Multiprocess

from graphrec.app.bank import Bank
from graphrec.app.models.opened import collect_seldom
from graphrec.config.settings import Settings, read_settings
from graphrec.errors import GraphrecError, UsageError
from graphrec.files import private_folder
from graphrec.service.access.keys import Keys
from graphrec.service.access.limits import Limits
from graphrec.service.access.tokens import read_tokens
from graphrec.service.turns import SHARED, Turns

if TYPE_CHECKING:
    from fastapi import FastAPI

WORKER = "graphrec.service.server:worker"
"""What makes the application in each process."""
_OPTIONS = "_GRAPHREC_SERVICE"
"""Variable by which the parent tells its workers what `graphrec serve` was started with."""
SWITCH = 0.0005
"""Seconds after which a thread that computes lets one go on that has come back from the disk, ten times in a commit."""
COMPILE_AFTER = 5.0
"""Seconds after the start when the compiled loops are loaded: the first lists do not wait for that."""

KEEP_SECONDS = 75
"""How long a connection on which nothing is asked is kept: longer than the minute of usual proxies and clients."""


@dataclass(frozen=True)
class Address:
    """Where the service listens, and with how many processes."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    limits: Limits = field(default_factory=Limits)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def serve(bank: Bank, address: Address) -> None:
    """Serve until SIGINT or SIGTERM; what was begun is answered, for ten seconds at most.

    Raises:
        UsageError: it would listen beyond this machine without a key.
        NotTrained: there is no model.
    """
    check_address(bank, address)
    if address.workers == 1:
        bank.check_ready()
    with _sent_to_workers(bank.settings, bank.home.prepare().path, address):
        options: dict[str, Any] = {
            "factory": True, "host": address.host, "port": address.port, "workers": address.workers,
            "log_level": "warning", "access_log": False, "server_header": False, "timeout_keep_alive": KEEP_SECONDS,
            "timeout_graceful_shutdown": 10, "limit_concurrency": 1000,
        }  # fmt: skip
        if address.workers == 1:
            uvicorn.run(WORKER, **options)
            return
        config = uvicorn.Config(WORKER, **options)
        with suppress(KeyboardInterrupt), Turns(_at_once(config.bind_socket())) as turns:
            # Each process that is started gets a door of its own of it.
            _Workers(config, [cast("socket.socket", turns)], bank.check_ready).run()


class _Workers(Multiprocess):
    """Workers that begin to import while their parent looks whether they can answer."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], check: Callable[[], None]) -> None:
        super().__init__(config, sockets)
        self._check = check

    def init_processes(self) -> None:
        """Start the workers; where they could not answer they end.

        Raises:
            GraphrecError: of the check.
        """
        super().init_processes()
        try:
            self._check()
        except BaseException:
            self.terminate_all()
            self.join_all()
            raise


def _at_once(listening: socket.socket) -> socket.socket:
    """A socket whose connections send what is written at once.

    asyncio asks for that only where a socket names its protocol, and that of several workers does not: the body of an
    answer would wait 40 ms until its head is acknowledged.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def check_address(bank: Bank, address: Address) -> None:
    """Stop where other machines would be answered without a key.

    Raises:
        UsageError: they would.
    """
    if not address.is_loopback and not Keys(bank.home.path).any() and read_tokens(bank.home.path) is None:
        raise UsageError(
            f"--host {address.host} is reached from other machines, and this home has no key; make one first: "
            "graphrec access make NAME --role ROLE"
        )


@contextmanager
def _sent_to_workers(settings: Settings, home: Path, address: Address) -> Iterator[None]:
    """The environment in which workers read the same settings."""
    with private_folder(home, "metrics") as shared:
        options = {"open": address.is_loopback, "limits": asdict(address.limits)}
        os.environ |= {
            _OPTIONS: json.dumps(options),
            "GRAPHREC_HOME": str(home.resolve()),
            **({"GRAPHREC_STORE": settings.store} if settings.store else {}),
            **({"GRAPHREC_POLICY": str(settings.policy)} if settings.policy else {}),
        }
        if address.workers > 1:
            os.environ[SHARED] = str(shared.resolve())
            # Processes share the processors; a thread of a loop more would wait for them.
            os.environ.setdefault("NUMBA_NUM_THREADS", "1")
        yield


def worker() -> "FastAPI":
    """The application of one worker, from the environment that `serve` left."""
    # The parent of several workers does without it.
    with built_later():
        import fastapi  # noqa: F401
    from graphrec.service.application import make_app
    from graphrec.service.core import ServiceOptions

    sys.setswitchinterval(SWITCH)
    sent = json.loads(os.environ[_OPTIONS])
    options = ServiceOptions(Limits(**sent["limits"]), is_open=sent["open"])
    bank = Bank(read_settings())
    later = threading.Timer(COMPILE_AFTER, _compile, (bank,))
    later.daemon = True
    later.start()
    return make_app(bank, options)


@contextmanager
def built_later() -> Iterator[None]:
    """Models of pydantic that are defined in the block are built when they are first used.

    FastAPI defines those of all OpenAPI, which takes a third of its import; no list uses them.
    """
    from pydantic import BaseModel, ConfigDict

    before = BaseModel.model_config
    later: ConfigDict = {**before, "defer_build": True}
    BaseModel.model_config = later
    try:
        yield
    finally:
        BaseModel.model_config = before


def _compile(bank: Bank) -> None:
    """Make single lists by compiled loops as soon as these are loaded, and look for garbage seldom from then on."""
    with suppress(GraphrecError):  # requests say so
        bank.opened.compile(bank.opened.engine(bank.home, None, bank.now()))
    collect_seldom()
