"""OpenLineage events of load, train and export: what was made out of what, for the bank's own catalogue of data.

By option alone: GRAPHREC_LINEAGE names a file that gets a line an event; OPENLINEAGE_URL (with OPENLINEAGE_ENDPOINT,
OPENLINEAGE_API_KEY, OPENLINEAGE_NAMESPACE) an address, as for every other program that speaks it. Names of files and
hashes are sent, and nothing of a customer. A catalogue that does not answer stops nothing.

Source: OpenLineage 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json.
"""

from __future__ import annotations

import json
import os
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec import __version__
from graphrec.errors import GraphrecError, UsageError
from graphrec.files import append_line

if TYPE_CHECKING:
    from graphrec.app.bank import Bank

FILE, URL = "GRAPHREC_LINEAGE", "OPENLINEAGE_URL"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
VERSION_FACET = (
    "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
)
ERROR_FACET = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
PRODUCER = f"https://pypi.org/project/graphrec/{__version__}/"
SECONDS = 10.0


@dataclass(frozen=True)
class Dataset:
    """Something that a job reads or makes."""

    namespace: str
    name: str
    version: str | None = None
    """Its hash, where it has one."""


@dataclass
class Traced:
    """What a job reads and makes, which it says while it runs."""

    inputs: list[Dataset] = field(default_factory=list)
    outputs: list[Dataset] = field(default_factory=list)


def _plain(one: Dataset) -> dict[str, Any]:
    found: dict[str, Any] = {"namespace": one.namespace, "name": one.name}
    if one.version is not None:
        found["facets"] = {
            "version": {"_producer": PRODUCER, "_schemaURL": VERSION_FACET, "datasetVersion": one.version}
        }
    return found


@contextmanager
def traced(bank: Bank, job: str) -> Iterator[Traced]:
    """Send START before a job and COMPLETE or FAIL after it; nothing where no option asks for it."""
    found = Traced()
    if not (os.environ.get(FILE) or os.environ.get(URL)):
        yield found
        return
    run = str(uuid.uuid4())
    _send(bank, _event(job, run, "START", found))
    try:
        yield found
    except BaseException as error:
        _send(bank, _event(job, run, "FAIL", found, type(error).__name__))
        raise
    _send(bank, _event(job, run, "COMPLETE", found))


def _event(job: str, run: str, kind: str, found: Traced, error: str | None = None) -> dict[str, Any]:
    """One event; of a failure the kind of error is told and no value."""
    facets: Mapping[str, Any] = {} if error is None else {
        "errorMessage": {
            "_producer": PRODUCER, "_schemaURL": ERROR_FACET, "message": error, "programmingLanguage": "Python",
        }
    }  # fmt: skip
    return {
        "eventType": kind, "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "run": {"runId": run, "facets": facets},
        "job": {"namespace": os.environ.get("OPENLINEAGE_NAMESPACE") or "graphrec", "name": job},
        "inputs": [_plain(one) for one in found.inputs], "outputs": [_plain(one) for one in found.outputs],
        "producer": PRODUCER, "schemaURL": SPEC,
    }  # fmt: skip


def _send(bank: Bank, one: dict[str, Any]) -> None:
    text = json.dumps(one, ensure_ascii=False)
    try:
        if file := os.environ.get(FILE):
            append_line(Path(file), text)
        if address := os.environ.get(URL):
            _post(address, text)
    except (OSError, ValueError, GraphrecError) as error:
        bank.on_note(f"lineage was not told: {error}")


def _post(address: str, text: str) -> None:
    endpoint = os.environ.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage"
    if not address.startswith(("https://", "http://")):
        raise UsageError(f"{URL} {address}: want https:// or http://")
    headers = {"Content-Type": "application/json", "User-Agent": "graphrec"}
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    whole = f"{address.rstrip('/')}/{endpoint.lstrip('/')}"
    request = urllib.request.Request(whole, text.encode(), headers, method="POST")  # noqa: S310 - http and https alone
    with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310 - just checked
        pass
