"""Facts: published by a load, read by the next answer without a training, and noticed where the store is newer."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.data import facts as module
from graphrec.app.jobs import AskQuery, Export, Load, Train
from graphrec.app.requests import Recommend
from graphrec.config.settings import Settings
from graphrec.errors import Damaged, GraphrecError, StaleFacts
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.serving.answer import Line

CUSTOMERS = 24
PRODUCTS = 8
MAPPING = """
[source]
name = "shop"
[source.files]
customers = "customers.csv"
products = "products.csv"
bought = "bought.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id, consent FROM customers"
[nodes.Product]
key = "id"
sql = "SELECT id, name, status FROM products"
name = "name"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
at = "day"
sql = "SELECT customer, product, CAST(bought.at AS DATE) AS day FROM bought"
"""
TODAY = date(2025, 6, 1)


def write_files(folder: Path, bought: list[tuple[str, str, str]], *, closed: str = "", refusing: str = "") -> None:
    """A shop's files."""
    folder.mkdir(exist_ok=True)
    people = [f"c{n:02}" for n in range(CUSTOMERS)] + ["new"]
    rows = "".join(f"{one},{'no' if one == refusing else 'yes'}\n" for one in people)
    (folder / "customers.csv").write_text(f"id,consent\n{rows}")
    rows = "".join(f"p{n},Thing {n},{'closed' if f'p{n}' == closed else 'open'}\n" for n in range(PRODUCTS))
    (folder / "products.csv").write_text(f"id,name,status\n{rows}")
    (folder / "bought.csv").write_text("customer,product,at\n" + "".join(f"{','.join(one)}\n" for one in bought))
    (folder / "shop.toml").write_text(MAPPING)


def purchases() -> list[tuple[str, str, str]]:
    """Two tastes: even customers buy even products, odd ones odd products, each all but one."""
    found = []
    for n in range(CUSTOMERS):
        taste = [p for p in range(PRODUCTS) if p % 2 == n % 2]
        left_out = taste[(n // 2) % len(taste)]
        found += [(f"c{n:02}", f"p{p}", f"2025-0{1 + p % 4}-1{n % 9}") for p in taste if p != left_out]
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files and a home in which they are loaded and a model is trained."""
    folder = tmp_path_factory.mktemp("shop")
    write_files(folder / "files", purchases())
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "shop.toml")))
    bank.train(Train("kernel", fixed=True))
    return folder


@pytest.fixture
def shop(trained: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(trained, tmp_path / "shop")
    return tmp_path / "shop"


def bank_in(folder: Path, **settings: object) -> Bank:
    return Bank(replace(Settings(home=folder / "home", policy="none", today=TODAY), **settings))  # type: ignore[arg-type]


def load(folder: Path) -> Bank:
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "shop.toml")))
    return bank


def test_what_was_bought_this_morning_is_not_offered_at_noon_and_speaks(shop: Path) -> None:
    before = bank_in(shop).recommend(Recommend("c00", 3)).answer
    bought = before.items[0].product
    write_files(shop / "files", [*purchases(), ("c00", bought, "2025-06-01")])
    bank = load(shop)
    after = bank.recommend(Recommend("c00", 3)).answer
    assert bought not in {item.product for item in after.items}
    assert (after.model, after.snapshot) == (before.model, before.snapshot)
    assert after.facts != before.facts
    assert (before.facts_as_of, after.facts_as_of) == ("2025-04-18T00:00:00+00:00", "2025-06-01T00:00:00+00:00")
    assert after.as_of == "2025-06-01T00:00:00+00:00"
    known = bank.opened.engine(bank.home_at(None, no_policy=True), "kernel", bank.now())
    user, product = known.users.ids.find("c00"), known.products.ids.find(bought)
    assert product in known.model.graph.held().row(user)


def test_a_new_customer_needs_no_training(shop: Path) -> None:
    assert not bank_in(shop).recommend(Recommend("new", 3)).answer.items
    write_files(shop / "files", [*purchases(), ("new", "p0", "2025-05-30"), ("new", "p2", "2025-05-30")])
    items = load(shop).recommend(Recommend("new", 2)).answer.items
    assert {item.product for item in items} == {"p4", "p6"}


def test_a_product_that_closed_this_morning_is_not_offered(shop: Path) -> None:
    offered = bank_in(shop).recommend(Recommend("c01", 1)).answer.items[0].product
    write_files(shop / "files", purchases(), closed=offered)
    assert offered not in {item.product for item in load(shop).recommend(Recommend("c01", 8)).answer.items}


def test_a_consent_withdrawn_this_morning_counts_at_once(shop: Path) -> None:
    policy = shop / "policy.toml"
    policy.write_text(
        'version = "1"\n[[rule]]\nid = "consent"\nrequire = "user.consent == \'yes\'"\n'
        'sentence = "{user} has not agreed"\n'
    )
    assert bank_in(shop, policy=policy).recommend(Recommend("c02", 2)).answer.items
    write_files(shop / "files", purchases(), refusing="c02")
    load(shop)
    answer = bank_in(shop, policy=policy).recommend(Recommend("c02", 2)).answer
    assert (answer.items, answer.abstained) == ((), "nothing is shown to c02: c02 has not agreed")


def test_a_replay_computes_from_the_entry_alone(shop: Path) -> None:
    bank = bank_in(shop)
    served = bank.recommend(Recommend("c00", 3))
    write_files(shop / "files", [*purchases(), ("c00", served.answer.items[0].product, "2025-06-01")])
    bank = load(shop)
    bank.train(Train("kernel", fixed=True))
    for folder in (bank.home.facts, bank.home.snapshots, bank.home.models):
        shutil.rmtree(folder)
    assert served.record is not None
    assert bank_in(shop).replay(served.record).same
    kept = bank.home.records / "kept"
    names = {name for path in (kept / "facts").iterdir() for name in json.loads(path.read_bytes())["files"]}
    assert names
    assert not any(name.startswith(("edges/0/", "nodes/0/")) for name in names)


@pytest.mark.slow
def test_a_load_that_is_killed_before_the_facts_leaves_a_note_and_stops_the_export(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(shop / "files", [*purchases(), ("c00", "p1", "2025-06-01")])
    before = FactsShelf(bank_in(shop).home.facts).latest().hash

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("graphrec.app.data.prepare.publish", killed)
        with pytest.raises(KeyboardInterrupt):
            load(shop)
    bank = bank_in(shop)
    served = bank.recommend(Recommend("c00", 1))
    (note,) = (note for note in served.notes if "newer" in note)
    assert note.startswith("the store is newer than the facts: graphrec load shop changed it on 20")
    assert note.endswith("; run: graphrec refresh")
    assert served.answer.facts == before
    with pytest.raises(StaleFacts, match="the store is newer than the facts"):
        bank.export(Export(shop / "lists.csv"))
    assert not (shop / "lists.csv").exists()
    assert {check.name: check.ok for check in bank.doctor()}["facts"] is False
    load(shop)
    assert not [note for note in bank_in(shop).recommend(Recommend("c00", 1)).notes if "newer" in note]
    assert {check.name: check.ok for check in bank_in(shop).doctor()}["facts"]
    bank_in(shop).export(Export(shop / "lists.csv"))


def test_a_load_that_fails_before_it_wrote_leaves_the_facts_current(shop: Path) -> None:
    (shop / "files" / "bought.csv").unlink()
    with pytest.raises(GraphrecError):
        load(shop)
    assert module.behind(bank_in(shop).home) is None


def test_a_change_by_query_is_newer_than_the_facts(shop: Path) -> None:
    bank = bank_in(shop)
    bank.query(AskQuery("MATCH (p:Product {id: 'p1'}) SET p.name = 'other'", write=True))
    assert "graphrec query --write changed it on " in str(module.behind(bank.home))
    assert {check.name: check.ok for check in bank.doctor()}["facts"] is False


def test_facts_that_are_too_old_are_refused(shop: Path) -> None:
    assert bank_in(shop, max_age=60).recommend(Recommend("c00", 1)).answer.items
    with pytest.raises(
        StaleFacts, match="the facts go until 2025-04-18, 44 days before the date of the answer, and max_age"
    ):
        bank_in(shop, max_age=30).recommend(Recommend("c00", 1))


def test_now_is_the_date_that_is_asked_for(shop: Path) -> None:
    bank = bank_in(shop, today=date(2025, 2, 1))
    served = bank.recommend(Recommend("c00", 3))
    assert served.answer.as_of == "2025-02-01T00:00:00+00:00"
    (note,) = (note for note in served.answer.notes if "go on" in note)
    assert note.startswith("the facts go on until 2025-04-18, and this answer is as of 2025-02-01")
    held = bank.opened.engine(bank.home_at(None, no_policy=True), "kernel", bank.now()).model.graph.held()
    assert held.row(0).tolist() == [4]
    assert bank_in(shop).recommend(Recommend("c00", 3)).answer == bank_in(shop).recommend(Recommend("c00", 3)).answer


@pytest.mark.slow
def test_a_second_load_publishes_nothing_new_and_old_facts_are_removed(shop: Path) -> None:
    shelf = FactsShelf(bank_in(shop).home.facts)
    before = shelf.latest().hash
    load(shop)
    assert shelf.latest().hash == before
    for n in range(5):
        write_files(shop / "files", [*purchases(), ("c00", f"p{n}", f"2025-05-2{n}")])
        load(shop)
    kept = [path for path in shelf.folder.iterdir() if (path / "meta.json").exists()]
    assert len(kept) == 3
    assert SnapshotShelf(bank_in(shop).home.snapshots).latest().hash == shelf.latest().origin


def test_facts_of_which_nobody_knows_the_newest_are_refused(shop: Path) -> None:
    (shop / "home" / "serving" / "facts" / "latest").unlink()
    with pytest.raises(Damaged, match=r"facts/latest is gone: it is not known what is served; run: graphrec load"):
        bank_in(shop).recommend(Recommend("c00", record=False))


def test_lines_use_dates_of_now_and_of_the_fit(shop: Path) -> None:
    write_files(shop / "files", [*purchases(), ("c05", "p0", "2025-05-30")])
    answer = load(shop).recommend(Recommend("c00", 3, reasons=None)).answer
    paths: list[Line] = [line for item in answer.items for line in item.lines if line.cypher]
    assert paths
    for line in paths:
        assert line.parameters is not None
        assert line.parameters["as_of"] == "2025-06-02T00:00:00.000000Z"
        assert line.cypher_note == "BOUGHT changed since the fit: in the store the statement gives another share"
