"""A customer is told what is known, what was shown, and what would have changed it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app import requests
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId
from graphrec.graph.edges.adjacency import Hop
from graphrec.home import Home
from graphrec.serving.engine import Engine
from graphrec.serving.proof.counterfactual import counterfactuals
from graphrec.terms.forms.blend import Blend
from tests.privacy.people import name_of

USER = "KUNDE-010"


@pytest.fixture(scope="module")
def bank(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A bank that answered a customer, and a service that was asked about that one."""
    folder = tmp_path_factory.mktemp("subject")
    shutil.copytree(people, folder, dirs_exist_ok=True)
    bank = Bank(Settings(home=folder / "home", policy="none", actor="adviser 7"))
    for user in (USER, "KUNDE-011"):
        bank.recommend(requests.Recommend(user, 3))
    bank.explain(requests.Explain(USER, "P01"))
    bank.send_event(requests.SendEvent(USER, "viewed", "P01", id="seen"))
    from graphrec.service.access.audit import AuditLog

    log = AuditLog(bank.home.logs, bank.home.secret())
    for user in (USER, "KUNDE-011"):
        log.add(caller="portal", role="adviser", operation="recommend", status=200, user=user)
    return bank


def test_data_come_with_source_and_date(bank: Bank) -> None:
    told = bank.subject_access(requests.SubjectAccess(USER))
    values = {one.name: one for one in told.data.values}
    assert (values["full_name"].value, values["full_name"].marks) == (name_of(10), ("personal",))
    assert values["region"].sources == ("small",)
    assert (values["region"].loaded or "")[:2] == "20"
    trades = (Path(bank.home.path).parent / "data" / "trades.csv").read_text().splitlines()
    own = {line.split(",")[2] for line in trades if USER in line}
    assert {one.other for one in told.data.edges if one.type == "BOUGHT"} == own
    assert [row["eur"] for row in told.data.series["balance"]] == [101.0, 102.0]
    assert [one.id for one in told.data.events] == ["seen"]


def test_answers_and_readers_are_those_of_the_customer_alone(bank: Bank) -> None:
    told = bank.subject_access(requests.SubjectAccess(USER))
    assert [one.command for one in told.recommendations] == ["recommend", "explain"]
    assert len(told.recommendations[0].items) == 3
    assert {one.who for one in told.seen_by if one.where == "record"} == {"adviser 7"}
    assert [one.who for one in told.seen_by if one.where == "service"] == ["portal (adviser)"]
    assert any("at least 2 share them" in sentence for sentence in told.procedure)
    assert "KUNDE-011" not in json.dumps(told, default=vars)
    # The question itself is among what the next one tells.
    assert bank.subject_access(requests.SubjectAccess(USER)).seen_by[-1].what == "subject-access"
    with pytest.raises(UnknownId, match="no user 'KUNDE-999' in the store, the events or the record"):
        bank.subject_access(requests.SubjectAccess("KUNDE-999"))


def rank(engine: Engine, user: int, gone: list[tuple[Hop, int]], product_id: str) -> int:
    """Where a product stands among what is allowed, on a blend whose terms are made without some edges."""
    blend = engine.model.blend
    terms = [term.without_edges(user, gone) for term in blend.terms]
    scores = Blend(terms, blend.weights, offered=blend.offered).row(user).scores
    product = engine.product_at(product_id)
    ties = (scores == scores[product]) & (np.arange(len(scores)) < product)
    return 1 + int(((scores > scores[product]) | ties)[engine.allowed(np.array([user]))[0]].sum())


def test_counterfactuals_hold_when_they_are_computed_anew(bank: Bank) -> None:
    """Every one found is true on a model without these edges, and no edge of it can be left out."""
    engine = Engine.open(bank.home)
    checked = 0
    for number in range(40):
        user_id = f"KUNDE-{number:03}"
        user = engine.users.ids.find(user_id)
        for one in counterfactuals(engine, user_id, 3):
            if not one.without:
                continue
            assert one.verified
            gone = [
                (Hop.parse(edge.edge), engine.snapshot.nodes(edge.node.label).ids.find(edge.node.id))
                for edge in one.without
            ]
            assert rank(engine, user, gone, one.product) > 3
            fewer = [[edge for edge in gone if edge != left] for left in gone] if len(gone) > 1 else []
            assert all(rank(engine, user, some, one.product) <= 3 for some in fewer)
            checked += 1
    assert checked > 20


def test_the_command_tells_it(bank: Bank) -> None:
    words = ["--home", str(bank.home.path), "--policy", "none", "subject-access", USER]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert {"user", "data", "procedure", "recommendations", "counterfactuals", "seen_by"} <= set(
        json.loads(done.stdout)
    )
    text = CliRunner().invoke(app, words).stdout
    for part in (
        name_of(10),
        "HOW A LIST COMES ABOUT",
        "what was recommended",
        "who looked",
        "would not be in the list",
    ):
        assert part in text
    assert isinstance(bank.home, Home)
