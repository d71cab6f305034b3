"""The OpenAPI text as others use it: every example runs, and a client made from it asks every path that has JSON."""

import importlib.util
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.app.requests import Audience, Recommend, SwitchModel
from graphrec.config.settings import Settings
from graphrec.home import Home
from graphrec.service.access.keys import Keys
from graphrec.service.openapi import HELD, PRODUCT, SELDOM, USER
from tests.conftest import ROOT
from tests.served import copied
from tests.service.conftest import campaign

#: The examples are of the demo bank; the bank of these tests has these in their place.
HERE = {USER: "C003", PRODUCT: "P02", HELD: "P03"}
#: Free paths, and pages for people.
JSON = "application/json"


def operations(text: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, verb and operation of all that answers in JSON."""
    return [
        (path, verb, operation)
        for path, verbs in text["paths"].items()
        for verb, operation in verbs.items()
        if JSON in operation["responses"].get("200", {}).get("content", {})
    ]


@pytest.fixture(scope="module")
def ready_home(served_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an entry in its record, a model to go back to and a campaign; tests get a copy."""
    folder = tmp_path_factory.mktemp("ready")
    copied(served_home, folder / "home")
    home = Home(folder / "home")
    home.policy.write_text('version = "1"\n', "utf-8")
    bank = Bank(Settings(home=home.path))
    bank.recommend(Recommend("C003"))
    bank.audience(Audience("P02", record=False))  # compiled once, which may take longer than a request may
    bank.switch_model(SwitchModel("promote", "blend-final", record=False))
    campaign(bank, folder)
    return home.path


@pytest.fixture
def home(ready_home: Path, tmp_path: Path) -> Home:
    shutil.copytree(ready_home, tmp_path / "home")
    return Home(tmp_path / "home")


OWN = (
    "recommendations", "recommendations_of_many", "explanation", "why_not", "audience", "search", "records", "record",
    "replay_record", "models", "set_standing", "model_card", "monitor", "contests", "contest", "plan_campaign",
    "campaigns", "campaign", "campaign_contacts", "campaign_report", "live", "ready",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_every_example_runs(client: TestClient, name: str) -> None:
    path, verb, operation = next(
        one for one in operations(client.get("/openapi.json").json()) if one[2]["operationId"] == name
    )
    query = {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header":
            continue
        assert "example" in parameter or not parameter["required"], parameter
        value = HERE.get(str(parameter.get("example")), parameter.get("example"))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(value))
        elif value is not None and parameter["name"] not in SELDOM:
            query[parameter["name"]] = value
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    if body is not None:
        plain = json.dumps(body).replace("spring", "summer")  # a campaign of that name is delivered
        for there, here in HERE.items():
            plain = plain.replace(there, here)
        body = json.loads(plain)
    found = client.request(verb, path, params=query, json=body)
    assert found.status_code == 200, found.text


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The client that the tool writes."""
    file = tmp_path_factory.mktemp("client") / "bank_client.py"
    subprocess.run([sys.executable, str(ROOT / "tools" / "client.py"), "--out", str(file)], check=True, cwd=ROOT)
    spec = importlib.util.spec_from_file_location("bank_client", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_client_made_from_the_text_gives_the_answers(
    client: TestClient, module: ModuleType, bank: Bank, keys: Keys
) -> None:
    _, key = keys.make("exact", "compliance")
    asking = module.Client("", key, http=client)
    answer = asking.recommendations("C003", k=3, record=False)
    expected = bank.recommend(Recommend("C003", 3, record=False)).answer
    assert [item["product"] for item in answer["items"]] == [item.product for item in expected.items]
    assert asking.why_not("C003", "P02", record=False)["product"] == "P02"
    assert asking.recommendations_of_many({"users": ["C003", "x"], "k": 2, "record": False})["unknown"] == ["x"]
    assert asking.audience("P02", k=2)["users"]
    assert asking.models()["models"]
    with pytest.raises(module.Failed, match="404"):
        asking.recommendations("a/b c")
    with pytest.raises(module.Failed, match="403"):
        asking.roll_back_model()


@pytest.mark.slow
def test_the_client_has_every_operation_and_its_types_hold(
    client: TestClient, module: ModuleType, tmp_path: Path
) -> None:
    names = {operation["operationId"] for _, _, operation in operations(client.get("/openapi.json").json())}
    methods = {name for name, _ in inspect.getmembers(module.Client, inspect.isfunction) if name[0] != "_"}
    assert methods == names
    assert module.__file__ is not None
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), module.__file__],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout
