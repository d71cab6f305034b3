"""Needs by rules and events of life: open, covered, none or not known, with evidence; and what may be offered."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import InitFile, Load, PlanCover
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UnknownId, UsageError
from graphrec.finance.needs import read_needs

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


def test_a_first_file_is_written_from_kinds_columns_and_events(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home")
    own = tmp_path / "home"
    run = CliRunner()
    words = ["--home", str(own), "plan", "cover"]
    assert "is there already" in run.invoke(app, [*words, "--init"]).stderr
    (own / "needs.toml").unlink()
    assert "plan cover --init writes a first one" in run.invoke(app, [*words, "c1"]).stderr
    written = json.loads(run.invoke(app, [*words, "--init", "--json"]).stdout)
    assert written["found"] == ["life", "home"]
    assert written["left_out"] == ["health.products", "travel.when"]
    read = {one.id: (one.when, one.products) for one in read_needs(own / "needs.toml").need}
    assert read == {
        "life": ("user.dependants >= 1 or happened('BIRTH', 365)", "product.covers in ['life']"),
        "home": ("user.owns_home", "product.covers in ['contents', 'home']"),
    }
    text = (own / "needs.toml").read_text()
    assert '# when = ""\n# products = "product.covers in [\'travel\']"' in text
    assert "may name: BIRTH." in text
    # It answers as the file that was written by hand.
    for user in ("c1", "c2", "c3", "c4"):
        assert states(own, user) == states(home, user)
    assert run.invoke(app, [*words, "c1", "--init"]).exit_code == 2


GERMAN = {
    "kunden.csv": "id,kinderzahl,eigenheim,umzug_am,geburtsdatum\nk1,2,ja,,1980-01-01\n"
    "k2,0,nein,2025-12-01,2025-03-01\n",
    "tarife.csv": "id,name,sparte\nT1,Alpha,Risikolebensversicherung\nT2,Beta,Hausrat\nT3,Gamma,Kfz-Haftpflicht\n"
    "T4,Delta,Girokonto\n",
    "vertraege.csv": "kunde,tarif\nk1,T4\nk2,T4\n",
}
GERMAN_MAPPING = """
[source]
name = "versicherer"
[source.files]
kunden = "kunden.csv"
tarife = "tarife.csv"
vertraege = "vertraege.csv"
[roles]
user = "Kunde"
product = "Tarif"
interactions = ["HAT"]
[nodes.Kunde]
key = "id"
sql = "SELECT id, CAST(kinderzahl AS INTEGER) AS kinderzahl, eigenheim, CAST(umzug_am AS DATE) AS umzug_am, CAST(geburtsdatum AS DATE) AS geburtsdatum FROM kunden"
[nodes.Tarif]
key = "id"
name = "name"
sql = "SELECT id, name, sparte FROM tarife"
[edges.HAT]
from = "Kunde.kunde"
to = "Tarif.tarif"
sql = "SELECT kunde, tarif FROM vertraege"
"""  # noqa: E501


def test_german_names_and_days_and_what_speaks_of_nothing(tmp_path: Path) -> None:
    for name, text in GERMAN.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "v.toml").write_text(GERMAN_MAPPING)
    bank = Bank(Settings(home=tmp_path / "home", today=TODAY, policy="none"))
    bank.load(Load(str(tmp_path / "v.toml")))
    written = bank.init_file(InitFile("needs"))
    read = {one.id: (one.when, one.products) for one in read_needs(written.path).need}
    assert read == {
        "life": ("user.kinderzahl >= 1", "product.sparte in ['Risikolebensversicherung']"),
        "home": ("user.eigenheim in ['ja'] or days_since(user.umzug_am) <= 365", "product.sparte in ['Hausrat']"),
    }  # a birthday is no birth of a child
    assert written.left_out == ("motor.when", "liability.when")
    assert states(bank.home.path, "k1") == {"life": "open", "home": "open"}
    assert states(bank.home.path, "k2") == {"life": "none", "home": "open"}
    (tmp_path / "tarife.csv").write_text("id,name,sparte\nT1,Alpha,Fonds\nT4,Delta,Girokonto\n")
    bank.load(Load(str(tmp_path / "v.toml")))
    with pytest.raises(UsageError, match="no kind of product speaks of insurance or cover"):
        bank.init_file(InitFile("needs", force=True))


def test_a_segment_says_who_works_for_themselves(tmp_path: Path) -> None:
    files = {
        "kunden.csv": "id,segment\nk1,self-employed\nk2,family\n",
        "tarife.csv": "id,name,sparte\nT1,Alpha,disability\nT2,Beta,Girokonto\n",
        "vertraege.csv": "kunde,tarif\nk1,T2\nk2,T2\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    select = GERMAN_MAPPING[GERMAN_MAPPING.index('sql = "SELECT id, CAST') :].partition("\n")[0]
    (tmp_path / "v.toml").write_text(GERMAN_MAPPING.replace(select, 'sql = "SELECT id, segment FROM kunden"'))
    bank = Bank(Settings(home=tmp_path / "home", today=TODAY, policy="none"))
    bank.load(Load(str(tmp_path / "v.toml")))
    (read,) = read_needs(bank.init_file(InitFile("needs")).path).need
    assert (read.id, read.when) == ("income", "user.segment in ['self-employed']")
    assert states(bank.home.path, "k1") == {"income": "open"}
    assert states(bank.home.path, "k2") == {"income": "none"}
