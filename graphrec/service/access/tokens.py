"""Bearer tokens of the bank's identity provider (OpenID Connect): whose token it is, by its claims.

`oidc.toml` in the home names the issuer, the audience, where its keys are, and which claim says what. A token opens
something where its signature is of a key that the issuer publishes now, it is of this issuer and for this audience, and
has not expired. Keys are read again when a token names one that is not known, so that they may be rotated.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import UNSET, Meta, Struct, UnsetType

from graphrec.config.convert import convert
from graphrec.config.document import read_toml
from graphrec.errors import SettingsError
from graphrec.service.access.roles import Caller, Role

FILE = "oidc.toml"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those with a public key: none with a shared secret, and not `none`."""
LEEWAY_SECONDS = 30
"""By which clocks may differ."""
COOLDOWN_SECONDS = 5.0
"""Between two reads of the issuer's keys for tokens that name unknown ones."""
LIFESPAN_SECONDS = 300.0
"""After which keys are read again in any case, so that a withdrawn one opens nothing any more."""
TIMEOUT_SECONDS = 3.0

Text = Annotated[str, Meta(min_length=1)]


class OidcFile(Struct, frozen=True, forbid_unknown_fields=True):
    """oidc.toml: whose tokens the service takes."""

    issuer: Annotated[Text, Meta(description="Of the tokens, as their claim `iss` has it.")]
    audience: Annotated[Text, Meta(description="For whom the tokens are, as their claim `aud` has it.")]
    jwks: Annotated[Text, Meta(description="https address of the issuer's public keys.")]
    roles: Annotated[
        dict[Text, Role], Meta(min_length=1, description="Role by value of the claim; the first that fits counts.")
    ]
    role_claim: Annotated[Text, Meta(description="Claim with one value or a list of them.")] = "roles"
    adviser_claim: Annotated[
        Text | UnsetType, Meta(description="Claim with the adviser's id, as the mapping's column has it.")
    ] = UNSET


class Tokens:
    """The tokens of one issuer.

    Raises:
        SettingsError: the address of the keys is not https, and not of this machine.
    """

    def __init__(self, file: OidcFile, source: Path) -> None:
        address = urlsplit(file.jwks)
        if address.scheme != "https" and (address.scheme, address.hostname) not in (
            ("http", "127.0.0.1"), ("http", "localhost"),
        ):  # fmt: skip
            raise SettingsError(f"{source}: jwks = {file.jwks!r}: want an https address; correct it")
        # With cryptography, which a home without an issuer does not need.
        import jwt

        self._file, self._jwt = file, jwt
        self._keys = jwt.PyJWKClient(
            file.jwks, lifespan=LIFESPAN_SECONDS, cooldown_duration=COOLDOWN_SECONDS, timeout=TIMEOUT_SECONDS
        )

    def caller(self, text: str) -> Caller | None:
        """Who asks with a token; None where it opens nothing."""
        file, jwt = self._file, self._jwt
        try:
            if jwt.get_unverified_header(text).get("alg") not in ALGORITHMS:
                return None
            key = self._keys.get_signing_key_from_jwt(text)
            claims: Mapping[str, Any] = jwt.decode(
                text,
                key,
                algorithms=list(ALGORITHMS),
                audience=file.audience,
                issuer=file.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        role = _role(claims.get(file.role_claim), file.roles)
        adviser = None if file.adviser_claim is UNSET else claims.get(file.adviser_claim)
        if role is None or (role == "adviser" and not isinstance(adviser, str)):
            return None
        who = hashlib.sha256(f"{file.issuer}\0{claims['sub']}".encode()).hexdigest()[:16]
        return Caller(f"oidc-{who}", role, adviser if role == "adviser" else None)


def read_tokens(home: Path) -> Tokens | None:
    """The tokens that a home takes; None: none.

    Raises:
        SettingsError: oidc.toml cannot be used.
    """
    file = home / FILE
    if not file.exists():
        return None
    return Tokens(convert(read_toml(file, SettingsError), OidcFile), file)


def _role(value: object, roles: Mapping[str, Role]) -> Role | None:
    """The first role of the file that a claim names."""
    named = value if isinstance(value, list) else [value]
    return next((role for name, role in roles.items() if name in named), None)
