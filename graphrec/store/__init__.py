"""Stores: the contract, the embedded one, Neo4j, and how a URI finds its own."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphrec.config.settings import StoreLogin
    from graphrec.store.base import Store

__all__ = ["SERVER_SCHEMES", "is_server", "open_store"]

#: How the URI of a Neo4j server begins.
SERVER_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def is_server(uri: str | None) -> bool:
    """Whether the URI names a server; else it is a path or nothing."""
    return uri is not None and uri.partition("://")[0] in SERVER_SCHEMES and "://" in uri


def open_store(uri: str | None, home_store: Path, login: "StoreLogin | None" = None) -> "Store":
    """The store that a URI names.

    Args:
        uri: `neo4j://…`, `bolt://…` and their `+s` forms, or a path; None: the embedded store of the home.
        home_store: the path of that one; series are in the folder `series` beside it, whatever the store.
        login: of the server, `Settings.login`; None: no password.

    Raises:
        StoreError: the URI has a scheme that no store knows.
        Unreachable: the store does not answer, or another process holds it.
        NotAuthorised: it refuses the login.
    """
    from graphrec.errors import StoreError

    series = home_store.parent / "series"
    if uri is not None and is_server(uri):
        from graphrec.store.neo4j.driver import Neo4jStore

        return Neo4jStore(uri, series, login)
    if uri is not None and "://" in uri:
        raise StoreError(
            f"store {uri} has a scheme that is not known; want {'://, '.join(SERVER_SCHEMES)}:// or a path"
        )
    from graphrec.store.embedded.store import EmbeddedStore

    return EmbeddedStore(home_store if uri is None else Path(uri), series)
