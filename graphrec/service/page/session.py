"""Who looks at the page: a signed cookie in place of a key, and a token against posts that other sites forge.

A session is `KEY.UNTIL.NONCE.SIGNATURE` under the secret of the home: it needs no memory, holds in every worker, and
ends when its key is revoked.
"""

import hashlib
import hmac
import ipaddress
import secrets
import time
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from graphrec.service.access.roles import OWNER, Caller
from graphrec.service.core import Refusal, Service
from graphrec.service.problems import problem

SESSION, BROWSER = "graphrec_session", "graphrec_browser"
SECONDS = 10 * 3600
"""A working day."""


class Sessions:
    """The sessions of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._secret = service.bank.home.secret()

    def caller(self, request: Request) -> Caller:
        """Who asks.

        Raises:
            Refusal: nobody who may.
        """
        if "authorization" in request.headers:
            return self._service.caller(request)
        if self.is_open(request):
            return OWNER
        found = self._read(request.cookies.get(SESSION, ""))
        if found is None:
            raise Refusal(problem(401, "no-key", "sign in with an access key"))
        return found

    def is_open(self, request: Request) -> bool:
        """Whether the one who asks is the owner of the home: from this machine, under its name, and without any key.

        A name of another site that leads to this machine opens nothing.
        """
        return self._service.options.is_open and not self._service.keys.any() and _is_loopback(request.url.hostname)

    def begin(self, key: str, request: Request, response: Response) -> Caller | None:
        """Begin a session with the text of a key; None where it opens nothing."""
        caller = self._service.keys.caller(key.strip())
        if caller is not None:
            said = f"{caller.id}.{int(time.time()) + SECONDS}.{secrets.token_hex(8)}"
            self._put(request, response, SESSION, f"{said}.{self._signed('session', said)}", SECONDS)
        return caller

    def end(self, response: Response) -> None:
        """End the session of a browser."""
        response.delete_cookie(SESSION)

    def token(self, request: Request) -> str:
        """What a form of this browser sends along."""
        return self._signed("form", f"{self._browser(request)} {request.cookies.get(SESSION, '')}")

    def keep(self, request: Request, response: Response) -> None:
        """Give a browser the cookie that its forms are tied to."""
        if BROWSER not in request.cookies:
            self._put(request, response, BROWSER, self._browser(request), None)

    def _browser(self, request: Request) -> str:
        state = request.state
        if not hasattr(state, "browser"):
            state.browser = request.cookies.get(BROWSER) or secrets.token_hex(16)
        return str(state.browser)

    def check_form(self, request: Request, token: str) -> None:
        """Stop a post that does not come from a form of this page.

        Raises:
            Refusal: it does not.
        """
        origin = request.headers.get("origin")
        is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
        if (
            is_foreign
            or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
            or BROWSER not in request.cookies
            or not hmac.compare_digest(token, self.token(request))
        ):
            raise Refusal(problem(403, "foreign-form", "load the page again, and send the form from there"))

    def _read(self, cookie: str) -> Caller | None:
        said, _, signature = cookie.rpartition(".")
        parts = said.split(".")
        if len(parts) != 3 or not hmac.compare_digest(signature.encode(), self._signed("session", said).encode()):
            return None
        return self._service.keys.caller_of(parts[0]) if int(parts[1]) > time.time() else None

    def _signed(self, what: str, text: str) -> str:
        return hmac.new(self._secret, f"page {what}\0{text}".encode(), hashlib.sha256).hexdigest()

    def _put(self, request: Request, response: Response, name: str, value: str, seconds: int | None) -> None:
        is_secret = request.url.scheme == "https"
        response.set_cookie(name, value, seconds, secure=is_secret, httponly=True, samesite="strict")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
