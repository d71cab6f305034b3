"""graphrec serve: the answers over HTTP."""

from typing import Annotated

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.output import note
from graphrec.extras import needs_extra


@needs_extra("service", "graphrec serve")
def command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait in each; another one gets 503.")] = 64,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second with one key.")] = 200.0,
) -> None:
    """Serve lists, reasons and the record over HTTP, with the policy, the record and the notes of the command line.

    Without keys, who asks from this machine is the owner of the home. `graphrec access make` makes keys with roles; a
    new model, snapshot or policy answers from the next request on. The paths: /openapi.json.

    Example: graphrec serve --port 8000
    """
    from graphrec.service.access.limits import Limits
    from graphrec.service.server import Address, serve

    note(f"the page: http://{host}:{port}/ (paths: /openapi.json; ready: /v1/health/ready); Ctrl-C stops")
    serve(bank(), Address(host, port, workers, Limits(queue=queue, rate=rate)))
