"""Tokens of an identity provider whose keys are served here: who they let in, and who not."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.errors import SettingsError, UsageError
from graphrec.home import Home
from graphrec.service.access import tokens
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from graphrec.service.server import Address, check_address
from tests.service.conftest import bearer

ISSUER, AUDIENCE = "https://login.bank.example", "graphrec"
PATH = "/v1/users/C003/recommendations?record=false"


class Provider:
    """An identity provider: its keys on a loopback address."""

    def __init__(self) -> None:
        self.private: dict[str, Any] = {}
        self.reads = 0
        self.add("first")
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.reads += 1
                body = json.dumps({"keys": [provider.public(kid) for kid in provider.private]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/keys"

    def add(self, kid: str) -> None:
        """A new key."""
        self.private[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public(self, kid: str) -> dict[str, Any]:
        """What the endpoint says of a key."""
        plain = jwt.algorithms.RSAAlgorithm.to_jwk(self.private[kid].public_key(), as_dict=True)
        return {**plain, "kid": kid, "use": "sig", "alg": "RS256"}

    def token(self, kid: str = "first", key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        """A token, good unless a claim says otherwise; None leaves one out."""
        now = int(time.time())
        plain = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "ms.a@bank.example", "iat": now, "exp": now + 600,
            "groups": ["staff", "bank-compliance"], **claims,
        }  # fmt: skip
        kept = {name: value for name, value in plain.items() if value is not None}
        return jwt.encode(kept, self.private[kid] if key is None else key, algorithm, {"kid": kid})

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def provider(running: Provider, home: Home, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider, named by the home."""
    monkeypatch.setattr(tokens, "COOLDOWN_SECONDS", 0.0)
    (home.path / "oidc.toml").write_text(
        f'issuer = "{ISSUER}"\naudience = "{AUDIENCE}"\njwks = "{running.address}"\nrole_claim = "groups"\n'
        'adviser_claim = "employee"\n[roles]\nbank-compliance = "compliance"\nbank-advisers = "adviser"\n',
        "utf-8",
    )
    return running


@pytest.fixture
def get(provider: Provider, bank: Bank) -> Iterator[Callable[[str], Any]]:
    """What a token gets."""
    with TestClient(make_app(bank, ServiceOptions(is_open=True)), raise_server_exceptions=False) as client:
        yield lambda text: client.get(PATH, headers=bearer(text))


def test_a_token_is_a_role(
    provider: Provider, get: Callable[[str], Any], bank: Bank, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get(provider.token()).json()["items"][0]["score"] is not None
    monkeypatch.setattr(bank, "adviser_of", {"C003": "A1"}.get)
    assert get(provider.token(groups="bank-advisers", employee="A1")).status_code == 200
    assert get(provider.token(groups="bank-advisers", employee="A2")).status_code == 403
    (file,) = home.logs.glob("access-*.log")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len({line["caller"] for line in lines}) == 1
    assert "bank.example" not in file.read_text("utf-8")


def test_what_opens_nothing(provider: Provider, get: Callable[[str], Any]) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    now = int(time.time())
    for wrong in (
        provider.token(iss="https://elsewhere.example"),
        provider.token(aud="another"),
        provider.token(exp=now - 60),
        provider.token(nbf=now + 600),
        provider.token(exp=None),
        provider.token(sub=None),
        provider.token(key=other),
        provider.token(key=curve, algorithm="ES256"),
        provider.token(groups=["staff"]),
        provider.token(groups=None),
        provider.token(groups="bank-advisers"),  # without whose customers
        jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": now + 60}, None, "none"),  # type: ignore[arg-type]
        jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": now + 60}, "s" * 64, "HS256", {"kid": "first"}),
        provider.token()[:-4] + "AAAA",
        "a.b.c",
    ):
        found = get(wrong)
        assert (found.status_code, found.json()["type"]) == (401, "urn:graphrec:problem:no-key"), wrong


def test_keys_are_rotated(provider: Provider, get: Callable[[str], Any]) -> None:
    assert get(provider.token()).status_code == 200
    before = provider.reads
    assert get(provider.token()).status_code == 200
    assert provider.reads == before  # known keys are not read again
    provider.add("second")
    assert get(provider.token("second")).status_code == 200
    assert provider.reads == before + 1


def test_without_a_token_nobody_is_the_owner(provider: Provider, bank: Bank) -> None:
    with TestClient(make_app(bank, ServiceOptions(is_open=True))) as client:
        assert client.get(PATH).status_code == 401
    check_address(bank, Address("0.0.0.0"))


def test_a_file_that_cannot_be_used(bank: Bank, home: Home) -> None:
    with pytest.raises(UsageError, match="has no key"):
        check_address(bank, Address("0.0.0.0"))
    for text, match in (
        ('issuer = "x"\n', "audience"),
        (
            'issuer = "x"\naudience = "y"\njwks = "http://login.example/keys"\n[roles]\na = "admin"\n',
            "want an https address",
        ),
        ('issuer = "x"\naudience = "y"\njwks = "https://login.example/keys"\n[roles]\na = "boss"\n', "roles"),
    ):
        (home.path / "oidc.toml").write_text(text, "utf-8")
        with pytest.raises(SettingsError, match=match):
            tokens.read_tokens(Path(home.path))
