"""A model on a real MLflow server: run, files, version and alias are what the home says, and nothing of a customer."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import TrackModel, Train
from graphrec.app.requests import SwitchModel
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import DeliveryError, UnknownId, UsageError
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.terms.folder import read_meta
from tests.evaluation.test_fairness import write_bank
from tests.mlflow.server import served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("mlflow")) as found:
        yield found


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    home = Home(tmp_path_factory.mktemp("tracked") / "home").prepare()
    SnapshotShelf(home.snapshots).add(write_bank)
    found = Bank(Settings(home=home.path, policy="none", actor="Ms A"))
    for kind in ("itemknn", "kernel"):
        found.train(Train(kind, blocks=()))
        found.train(Train(kind, final=True, blocks=()))
    return found


def asked(address: str, path: str, **query: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}") as response:
        found: dict[str, Any] = json.loads(response.read())
        return found


def test_run_and_version_are_what_the_home_says(bank: Bank, address: str) -> None:
    bank.switch_model(SwitchModel("promote", "kernel-final"))
    done = bank.track_model(TrackModel("kernel-final", address))
    meta = read_meta(bank.home.models / "kernel-final")
    assert (done.registered, done.version, done.alias, done.is_new) == ("graphrec-kernel", "1", "champion", True)
    run = asked(address, "runs/get", run_id=done.run)["run"]
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FINISHED", "kernel-final")
    tags = {one["key"]: one["value"] for one in run["data"]["tags"]}
    assert (tags["graphrec.hash"], tags["graphrec.snapshot"]) == (meta.hash, meta.snapshot)
    metrics = {one["key"]: one["value"] for one in run["data"]["metrics"]}
    assert metrics["ndcg_at_10"] == meta.metrics["ndcg@10"].value
    assert metrics["ndcg_at_10_low"] == meta.metrics["ndcg@10"].low
    assert run["data"]["params"]
    card = urllib.request.urlopen(f"{address}/get-artifact?path=card.md&run_id={done.run}").read().decode()
    assert card.startswith("# Model kernel-final")
    version = asked(address, "registered-models/alias", name="graphrec-kernel", alias="champion")["model_version"]
    assert (version["version"], version["run_id"]) == ("1", done.run)
    assert {one["key"]: one["value"] for one in version["tags"]}["standing"] == "draft"
    users = set(SnapshotShelf(bank.home.snapshots).latest().nodes("User").ids)
    assert not users & set(json.dumps(run).replace('"', " ").split())
    assert not users & set(card.split())


def test_the_same_model_is_one_run_and_its_alias_moves(bank: Bank, address: str) -> None:
    first = bank.track_model(TrackModel("itemknn-final", address))
    again = bank.track_model(TrackModel("itemknn-final", address, record=False))
    assert (again.run, again.version, again.is_new, again.alias) == (first.run, first.version, False, "challenger")
    bank.switch_model(SwitchModel("promote", "itemknn-final"))
    assert bank.track_model(TrackModel("itemknn-final", address)).alias == "champion"
    bank.switch_model(SwitchModel("rollback"))


def test_bad_input_is_one_line(bank: Bank, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(
        UsageError, match=r"name a tracking server: --to https://…, or MLFLOW_TRACKING_URI \(is: not set"
    ):
        bank.track_model(TrackModel("kernel-final"))
    with pytest.raises(UnknownId, match="there is no model 'other'"):
        bank.track_model(TrackModel("other", address))
    with pytest.raises(DeliveryError, match="does not answer .*; run it again"):
        bank.track_model(TrackModel("kernel-final", "http://127.0.0.1:1"))
    with pytest.raises(DeliveryError, match=r"refuses .*: 404"):
        bank.track_model(TrackModel("kernel-final", f"{address}/elsewhere"))


def test_the_command(bank: Bank, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    words = ["--home", str(bank.home.path), "models", "track", "kernel-test"]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["registered"] == "graphrec-kernel"
    assert "version " in CliRunner().invoke(app, words).stdout
    assert CliRunner().invoke(app, [*words[:-2], "list", "--to", address]).exit_code == 2
