"""graphrec access: the keys of the service."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json
from graphrec.cli.output import emit_json, note, say, table
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.home import Home
    from graphrec.service.access.keys import Key, Keys


def command(
    action: Annotated[
        Literal["make", "list", "revoke", "share", "unshare"],
        typer.Argument(help="make NAME, list, or revoke ID; share, unshare: commands want a key too, or no more."),
    ],
    name: Annotated[str | None, typer.Argument(help="make: whose key it is; revoke: the id of the key.")] = None,
    role: Annotated[
        str | None,
        typer.Option(help="make: service, adviser, analyst, campaign, auditor, compliance or admin."),
    ] = None,
    adviser: Annotated[
        str | None, typer.Option(help="make, for an adviser: their id, as the mapping's `adviser` column holds it.")
    ] = None,
    json: Json = False,
) -> None:
    """Make, list and revoke the keys with which programs and people use `graphrec serve`.

    A key is shown once, when it is made; the home keeps a hash of it. A role says what a key may ask, and whether the
    answers are exact: compliance sees every number, all others whole per cents.

    After `share` the commands of this home want a key too, in GRAPHREC_ACCESS_KEY: an admin's or compliance's runs them
    all, an analyst's looks and changes nothing, an adviser's is for own customers.

    Examples: graphrec access make "mobile app" --role service; graphrec access share
    """
    from graphrec.service.access.keys import Keys

    home = bank().home.prepare()
    keys = Keys(home.path)
    if action in ("share", "unshare"):
        _share(home, keys, wanted=action == "share", json=json)
        return
    if action == "list":
        _list(keys.all(), json=json)
        return
    if name is None:
        raise UsageError(f"graphrec access {action} wants {'a NAME' if action == 'make' else 'the ID of a key'}")
    if action == "make":
        if role is None:
            raise UsageError("graphrec access make wants --role ROLE; graphrec access --help names the roles")
        key, text = keys.make(name, role, adviser)
        if json:
            emit_json({"id": key.id, "name": key.name, "role": key.role, "key": text})
        else:
            note("the key is shown this once; send it as Authorization: Bearer KEY")
            say(text)
        return
    key = keys.revoke(name)
    if json:
        emit_json({"id": key.id, "revoked": key.revoked})
    else:
        say(f"key {key.id} ({key.name}) opens nothing any more")


def _share(home: "Home", keys: "Keys", *, wanted: bool, json: bool) -> None:
    from graphrec.cli.rights import MARK, VARIABLE

    if wanted and not any(key.role == "admin" and key.revoked is None for key in keys.all()):
        raise UsageError("nobody could run commands: first graphrec access make NAME --role admin, and keep its key")
    mark = home.path / MARK
    if wanted:
        mark.touch(0o600)
    else:
        mark.unlink(missing_ok=True)
    if json:
        emit_json({"shared": wanted})
    else:
        say(f"commands of {home.path} want a key in {VARIABLE}" if wanted else f"{home.path} is its owner's alone")


def _list(keys: "tuple[Key, ...]", *, json: bool) -> None:
    if json:
        shown = [
            {"id": key.id, "name": key.name, "role": key.role, "adviser": key.adviser, "created": key.created,
             "revoked": key.revoked}
            for key in keys
        ]  # fmt: skip
        emit_json({"keys": shown})
        return
    rows = [[key.id, key.name, key.role, key.adviser or "", key.created, key.revoked or ""] for key in keys]
    table(["id", "name", "role", "adviser", "created", "revoked"], rows)
    if not rows:
        say("there is no key; make one: graphrec access make NAME --role ROLE")
