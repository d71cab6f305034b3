"""A rejection that arrives as an event teaches: the shipped rule cools off, and what is like it loses in the ledger."""

from datetime import date, timedelta

import pytest

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.jobs import InitPolicy
from graphrec.app.requests import Explain, Recommend, WhyNot
from graphrec.config.settings import Settings
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.general.rejection import RejectionConfig, fit_rejection
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.terms.forms.blend import Blend
from tests.served import write_model
from tests.training.test_rejections import bank as rejecting_bank

TODAY = date(2024, 5, 1)
USER = "u003"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """A blend of walks and rejections, with the policy that `policy init` writes."""
    home = Home(tmp_path_factory.mktemp("home") / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(rejecting_bank)
    graph = visible_graph(snapshot)
    walks = fit_kernel(graph, starting_walks(snapshot.schema))
    write_model(home, snapshot, Blend([walks, fit_rejection(graph, RejectionConfig())], [1.0, 0.5]), graph)
    found = Bank(Settings(home=home.path, today=TODAY))
    assert "cooling-off" in found.init_policy(InitPolicy()).rules
    return found


def test_a_rejected_product_cools_off_and_what_is_like_it_loses(bank: Bank) -> None:
    before = bank.recommend(Recommend(USER, 20, reasons=None)).answer
    product = before.items[0].product
    accept(bank, [{"id": "no", "user": USER, "type": "rejected", "at": TODAY.isoformat(), "product": product}])
    served = bank.recommend(Recommend(USER, 20, reasons=None))
    after = {item.product: item for item in served.answer.items}
    assert product not in after
    refused = bank.why_not(WhyNot(USER, product)).found.refused
    assert [one.rule for one in refused] == ["cooling-off"]
    against = {
        item.product: line
        for item in after.values()
        for line in item.lines
        if line.kind == "against" and line.via is not None and line.via.id == product
    }
    assert against
    assert all(line.share < 0 for line in against.values())
    assert any("which the customer rejected" in line.text for line in against.values())
    like_it = next(iter(against))
    assert after[like_it].against is not None
    assert after[like_it].against > 0
    # The ledger adds up, and the record computes the same again.
    explained = bank.explain(Explain(USER, like_it)).answer.items[0]
    assert explained.score == pytest.approx(sum(line.share for line in explained.lines) + explained.rest, abs=1e-9)
    assert served.record is not None
    assert bank.replay(served.record).same


def test_after_the_cooling_off_the_product_may_be_shown_again(bank: Bank) -> None:
    user = "u010"
    product = bank.recommend(Recommend(user, 1)).answer.items[0].product
    accept(bank, [{"id": "not-now", "user": user, "type": "rejected", "at": TODAY.isoformat(), "product": product}])
    rules = {
        day: [one.rule for one in _on(bank, day).why_not(WhyNot(user, product)).found.refused] for day in (0, 179, 181)
    }
    assert rules == {0: ["cooling-off"], 179: ["cooling-off"], 181: []}


def _on(bank: Bank, day: int) -> Bank:
    return Bank(Settings(home=bank.home.path, today=TODAY + timedelta(days=day)))
