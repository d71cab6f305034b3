"""graphrec mcp: tools for a person's own assistant."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.extras import needs_extra


@needs_extra("service", "graphrec mcp")
def command(
    http: Annotated[
        bool,
        typer.Option("--http", help="Over HTTP at /mcp, with the keys of `graphrec access`; else on this terminal."),
    ] = False,
    host: Annotated[str, typer.Option(help="--http: address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="--http: port to listen on.")] = 8001,
    role: Annotated[
        str, typer.Option(help="Without --http: who asks, by the roles of `graphrec access`.")
    ] = "compliance",
    adviser: Annotated[str | None, typer.Option(help="Without --http, with --role adviser: their id.")] = None,
) -> None:
    """Answer an assistant by the Model Context Protocol: recommend, explain, why_not, find, audience, query.

    What it is told is what --json gives, as the role sees it. Without --http the assistant starts this command itself
    and speaks with it over standard input and output.

    Example: graphrec mcp --role analyst
    """
    from graphrec.service import assistants
    from graphrec.service.core import ServiceOptions
    from graphrec.service.server import Address, check_address

    here = bank()
    here.check_ready()
    if http:
        address = Address(host, port)
        check_address(here, address)
        assistants.serve_http(here, ServiceOptions(is_open=address.is_loopback), host, port)
    else:
        assistants.serve_stdio(here, assistants.local_caller(role, adviser))
