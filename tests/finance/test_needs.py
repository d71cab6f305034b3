"""Needs by rules and events of life: open, covered, none or not known, with evidence; and what may be offered."""

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Load, PlanCover
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError

TODAY = date(2026, 1, 2)
MAPPING = """
[source]
name = "insurer"
[source.files]
customers = "customers.csv"
products = "products.csv"
contracts = "contracts.csv"
births = "births.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["HOLDS"]
[nodes.Customer]
key = "id"
sql = '''
SELECT id, TRY_CAST(dependants AS INTEGER) AS dependants, TRY_CAST(owns_home AS BOOLEAN) AS owns_home
FROM customers'''
[nodes.Product]
key = "id"
name = "name"
sql = "SELECT id, name, covers FROM products"
[nodes.Child]
key = "child"
sql = "SELECT child FROM births"
[edges.HOLDS]
from = "Customer.customer"
to = "Product.product"
sql = "SELECT customer, product FROM contracts"
[edges.BIRTH]
from = "Customer.customer"
to = "Child.child"
at = "day"
sql = "SELECT customer, child, CAST(day AS DATE) AS day FROM births"
"""
NEEDS = """version = "7"
[[need]]
id = "life"
name = "income for those who depend on you"
when = "user.dependants >= 1 or happened('BIRTH', 365)"
products = "product.covers == 'life'"
[[need]]
id = "home"
when = "user.owns_home"
products = "product.covers in ['home', 'contents']"
"""
POLICY = """version = "1"
[[rule]]
id = "no-contents"
sentence = "it is not sold any more"
require = "product.covers != 'contents'"
"""
FILES = {
    "customers.csv": "id,dependants,owns_home\nc1,2,true\nc2,0,false\nc3,0,\nc4,,true\n",
    "products.csv": "id,name,covers\nL1,Term life,life\nL2,Whole life,life\nH1,House,home\nH2,Contents,contents\n"
    "X,Travel,travel\n",
    "contracts.csv": "customer,product\nc1,L2\nc2,X\n",
    "births.csv": "customer,child,day\nc2,k1,2025-11-05\nc3,k2,2023-01-05\n",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("insurer")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "insurer.toml").write_text(MAPPING)
    Bank(Settings(home=folder / "home", today=TODAY)).load(Load(str(folder / "insurer.toml")))
    (folder / "home" / "needs.toml").write_text(NEEDS)
    (folder / "home" / "policy.toml").write_text(POLICY)
    return folder / "home"


def states(home: Path, user: str, as_of: str | None = None) -> dict[str, str]:
    found = Bank(Settings(home=home, today=TODAY)).plan_cover(PlanCover(user, as_of, record=False))
    return {one.need.id: one.need.state for one in found.needs}


def test_states_follow_rules_events_and_holdings(home: Path) -> None:
    assert states(home, "c1") == {"life": "covered", "home": "open"}
    assert states(home, "c2") == {"life": "open", "home": "none"}  # a birth within a year
    assert states(home, "c2", "2025-11-05") == {"life": "none", "home": "none"}  # not born yet
    assert states(home, "c3") == {"life": "none", "home": "unknown"}  # the birth is long ago
    assert states(home, "c4") == {"life": "unknown", "home": "open"}
    with pytest.raises(UnknownId, match="^no user 'c9'"):
        states(home, "c9")


def test_evidence_what_is_missing_and_what_may_be_offered(home: Path) -> None:
    bank = Bank(Settings(home=home, today=TODAY))
    found = bank.plan_cover(PlanCover("c1"))
    life, own_home = found.needs
    assert (found.version, found.as_of) == ("7", "2026-01-02")
    assert found.record is not None
    assert life.need.held == ("L2",)
    assert (life.products, life.refused) == ((), ())
    assert own_home.need.evidence == {"user.owns_home": True}
    assert own_home.products == ("H1",)
    assert [(one.product, one.why) for one in own_home.refused] == [("H2", ("it is not sold any more",))]
    unknown = bank.plan_cover(PlanCover("c4", record=False)).needs[0]
    assert unknown.need.evidence["user.dependants"] is None
    assert unknown.need.missing == ("user.dependants",)
    assert unknown.need.rule == "user.dependants >= 1 or happened('BIRTH', 365)"


def test_faults_and_the_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHREC_HOME", str(home))
    monkeypatch.setenv("GRAPHREC_TODAY", str(TODAY))
    shown = CliRunner().invoke(app, ["plan", "cover", "c1"])
    assert shown.exit_code == 0, shown.output
    assert "H2 would meet home and is refused: it is not sold any more" in shown.output
    told = json.loads(CliRunner().invoke(app, ["plan", "cover", "c4", "--json"]).output)
    assert [one["need"]["state"] for one in told["needs"]] == ["unknown", "open"]
    assert CliRunner().invoke(app, ["plan", "cover", "c1", "--amount", "5"]).exit_code == 2
    file, bank = home / "needs.toml", Bank(Settings(home=home, today=TODAY))
    try:
        for wrong, line in (
            (
                NEEDS.replace("product.covers == 'life'", "user.dependants == 1"),
                "life of needs.toml: products: it reads the customer",
            ),
            (
                NEEDS.replace("user.owns_home", "product.covers == 'x'"),
                "home of needs.toml: it reads a column of products",
            ),
            (NEEDS.replace('id = "home"', 'id = "life"'), "two needs have one id"),
            (NEEDS.replace("when", "if"), "if"),
        ):
            file.write_text(wrong)
            with pytest.raises(UsageError, match=line):
                bank.plan_cover(PlanCover("c1", record=False))
        file.unlink()
        with pytest.raises(UsageError, match="needs.toml is not there"):
            bank.plan_cover(PlanCover("c1", record=False))
    finally:
        file.write_text(NEEDS)
