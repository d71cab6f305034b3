"""A model in MLflow, by option: card, settings, metrics and hashes as a run, and as a version of a registered model.

The REST interface of a tracking server is spoken directly, so that nothing has to be installed. The environment says
where, as for MLflow's own client: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, and MLFLOW_TRACKING_TOKEN, or
MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD. No row, no id and no file of a customer is sent.

Source: MLflow REST API 2.0, https://mlflow.org/docs/latest/rest-api.html.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from graphrec import __version__
from graphrec.app.bank import Bank
from graphrec.app.jobs import TrackModel
from graphrec.app.models.card import Card, model_card
from graphrec.app.models.standing import check_there
from graphrec.app.recording import record_event
from graphrec.app.requests import AskModelCard
from graphrec.app.results import Tracked
from graphrec.errors import DeliveryError, UsageError
from graphrec.terms.folder import latest, read_meta
from graphrec.terms.meta import ModelMeta

URI, EXPERIMENT = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
API = "api/2.0/mlflow"
SECONDS = 30.0
BATCH = 100
"""Settings of one request, at most; the server takes no more."""
LONGEST = 500
"""Characters of a setting's value that every server takes."""
HASH = "graphrec.hash"


class MlflowRefused(DeliveryError):
    """The server answers with an error; `code` is its own name for it."""

    def __init__(self, code: str, line: str) -> None:
        super().__init__(line)
        self.code = code


def track_model(bank: Bank, request: TrackModel) -> Tracked:
    """The run and the version of a model; a model that is there already gets its alias and state alone.

    Raises:
        UsageError: no server is named.
        UnknownId: there is no such model.
        DeliveryError: the server does not answer, or refuses.
    """
    home = bank.home
    check_there(home, request.model)
    server = Server.of_environment(request.address)
    meta, card = read_meta(home.models / request.model), model_card(bank, AskModelCard(request.model))
    name = f"graphrec-{meta.kind}"
    is_live = read_meta(latest(home)).hash == meta.hash
    experiment = server.experiment(os.environ.get(EXPERIMENT) or "graphrec")
    run = server.run_of(experiment, meta.hash)
    is_new = run is None
    if run is None:
        run = server.new_run(experiment, request.model, meta, card, bank.settings.actor)
    version = server.version_of(name, run, meta)
    alias = "champion" if is_live else "challenger"
    server.post("registered-models/alias", {"name": name, "alias": alias, "version": version})
    standing = {"name": name, "version": version, "key": "standing", "value": card.standing}
    server.post("model-versions/set-tag", standing)
    content = {"did": "track", "model": request.model, "hash": meta.hash, "server": server.address,
               "run": run["run_id"], "version": version, "alias": alias}  # fmt: skip
    number, notes = record_event(bank, "models", content, wanted=request.record)
    return Tracked(request.model, server.address, run["run_id"], name, version, alias, is_new, number, notes)


@dataclass(frozen=True)
class Server:
    """One tracking server."""

    address: str
    headers: Mapping[str, str]

    @classmethod
    def of_environment(cls, address: str | None) -> Server:
        """The server that is named, with the login of the environment."""
        address = address or os.environ.get(URI)
        if not address or not address.startswith(("https://", "http://")):
            raise UsageError(f"name a tracking server: --to https://…, or {URI} (is: {address or 'not set'})")
        headers = {"User-Agent": f"graphrec/{__version__}"}
        token, user = os.environ.get("MLFLOW_TRACKING_TOKEN"), os.environ.get("MLFLOW_TRACKING_USERNAME")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif user:
            login = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode('ascii')}"
        return cls(address.rstrip("/"), headers)

    def post(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """What the server answers to a call."""
        found: dict[str, Any] = json.loads(self._send("POST", f"{API}/{path}", json.dumps(content).encode()) or "{}")
        return found

    def get(self, path: str) -> dict[str, Any]:
        """What the server answers to a question."""
        found: dict[str, Any] = json.loads(self._send("GET", f"{API}/{path}", None))
        return found

    def experiment(self, name: str) -> str:
        """The id of an experiment, which is made where it is not there."""
        try:
            return str(self.post("experiments/create", {"name": name})["experiment_id"])
        except MlflowRefused as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        return str(self.get(f"experiments/get-by-name?experiment_name={quote(name)}")["experiment"]["experiment_id"])

    def run_of(self, experiment: str, model_hash: str) -> dict[str, Any] | None:
        """The finished run of a model by its hash; None: there is none."""
        query = f"tags.`{HASH}` = '{model_hash}' and attributes.status = 'FINISHED'"
        found = self.post("runs/search", {"experiment_ids": [experiment], "filter": query, "max_results": 1})
        runs = found.get("runs", [])
        return runs[0]["info"] if runs else None

    def new_run(self, experiment: str, model: str, meta: ModelMeta, card: Card, actor: str | None) -> dict[str, Any]:
        """A finished run with settings, metrics, hashes and the card."""
        now = round(datetime.now(UTC).timestamp() * 1000)
        tags = {HASH: meta.hash, "graphrec.snapshot": meta.snapshot, "graphrec.split": meta.split.hash,
                "graphrec.version": __version__, "graphrec.fitted_on": meta.fitted,
                "graphrec.final": str(meta.final).lower(), "mlflow.user": actor or "graphrec"}  # fmt: skip
        said = [{"key": key, "value": value} for key, value in tags.items()]
        started = {"experiment_id": experiment, "start_time": now, "run_name": model, "tags": said}
        run: dict[str, Any] = self.post("runs/create", started)["run"]["info"]
        settings = next(one.rows for one in card.parts if one.title == "Configuration")
        params = [{"key": key[:250], "value": value[:LONGEST]} for key, value in settings]
        for start in range(0, len(params), BATCH):
            self.post("runs/log-batch", {"run_id": run["run_id"], "params": params[start : start + BATCH]})
        # The server's names have no @.
        metrics = [
            {"key": f"{key.replace('@', '_at_')}{end}", "value": value, "timestamp": now, "step": 0}
            for key, one in sorted(meta.metrics.items())
            for end, value in (("", one.value), ("_low", one.low), ("_high", one.high))
        ]
        self.post("runs/log-batch", {"run_id": run["run_id"], "metrics": metrics})
        folder = str(run["artifact_uri"])
        if folder.startswith("mlflow-artifacts:"):
            place = folder.partition(":")[2].lstrip("/")
            for name, text in (("card.md", card.markdown), ("card.html", card.html)):
                self._send("PUT", f"api/2.0/mlflow-artifacts/artifacts/{place}/{name}", text.encode("utf-8"))
        self.post("runs/update", {"run_id": run["run_id"], "status": "FINISHED", "end_time": now})
        return run

    def version_of(self, name: str, run: Mapping[str, Any], meta: ModelMeta) -> str:
        """The version of a run among those of a registered model; both are made where they are not there."""
        try:
            self.post("registered-models/create", {"name": name})
        except MlflowRefused as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        query = quote(f"name='{name}' and run_id='{run['run_id']}'")
        known = self.get(f"model-versions/search?filter={query}").get("model_versions", [])
        if known:
            return str(known[0]["version"])
        tags = [{"key": HASH, "value": meta.hash}, {"key": "graphrec.snapshot", "value": meta.snapshot}]
        content = {"name": name, "source": run["artifact_uri"], "run_id": run["run_id"], "tags": tags}
        return str(self.post("model-versions/create", content)["model_version"]["version"])

    def _send(self, method: str, path: str, body: bytes | None) -> str:
        kind = "application/json" if API in path else "application/octet-stream"
        request = urllib.request.Request(  # noqa: S310 - http and https alone
            f"{self.address}/{path}", body, {**self.headers, "Content-Type": kind}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310 - just checked
                return str(response.read().decode("utf-8"))
        except urllib.error.HTTPError as error:
            code, why = _reason(error.read())
            raise MlflowRefused(code, f"{self.address} refuses {path.partition('?')[0]}: {error.code} {why}") from None
        except (OSError, ValueError) as error:
            raise DeliveryError(f"{self.address} does not answer ({error}); run it again") from None


def _reason(body: bytes) -> tuple[str, str]:
    try:
        plain = json.loads(body)
        return str(plain.get("error_code", "")), str(plain.get("message", ""))[:200]
    except (ValueError, AttributeError):
        return "", body[:200].decode("utf-8", "replace")
