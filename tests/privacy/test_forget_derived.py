"""What is computed of a customer goes with that one: portraits, scores of risk, and what a risk model knows of them."""

from pathlib import Path

import numpy as np
import pytest

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.finance.credit.scorecard import Axis, Part, Scorecard
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.privacy.search import search
from graphrec.store import open_store
from graphrec.store.checks.check import check
from tests.privacy.people import name_of, write_people

GONE, CUSTOMERS = "KUNDE-008", 12
PORTRAIT = """windows = [365]
bands = { holdings = [3, 4] }
[[tag]]
id = "some"
when = "count('BOUGHT', 3650) >= 3"
"""


def computed(bank: Bank, folder: Path, *, without: tuple[int, ...] = ()) -> Bank:
    """The bank with portraits and scores of risk in its store, and a model that knows one customer's name."""
    (bank.home.path / "portrait.toml").write_text(PORTRAIT)
    bank.make_portraits(jobs.MakePortraits(keep=True))
    known = Axis("name", None, (name_of(7), name_of(8), name_of(9)))
    amount = Axis("amount", np.array([5.0]))
    card = Scorecard(0.5, (Part((known,), np.arange(5.0)), Part((amount, known), np.arange(15.0).reshape(3, 5))))
    file = bank.home.vault / "risk" / "pd.safetensors"
    file.parent.mkdir()
    card.write(file, {"bands": {"low": 0.9, "high": 1.0}})
    rows = [f"KUNDE-{n:03},{name_of(n)},{n % 10}" for n in range(CUSTOMERS) if n not in without]
    (folder / "now.csv").write_text("\n".join(["id,name,amount", *rows]) + "\n")
    bank.score_risk(jobs.ScoreRisk("pd", folder / "now.csv", user="id", keep=True))
    bank.take_snapshot(jobs.TakeSnapshot())
    return bank


def loaded(folder: Path, *, without: tuple[int, ...] = ()) -> Bank:
    bank = Bank(Settings(home=folder / "home", policy="none"))
    files = write_people(folder / "data", without=without, customers=CUSTOMERS, products=6)
    bank.load(jobs.Load(str(files)))
    return computed(bank, folder, without=without)


@pytest.mark.slow
def test_what_was_computed_of_a_customer_goes_too(tmp_path: Path) -> None:
    bank = loaded(tmp_path / "bank")
    home = bank.home.path
    before, _ = Scorecard.read(home / "vault" / "risk" / "pd.safetensors")
    done = bank.forget(jobs.Forget((GONE,)))
    assert not search(home, (GONE, name_of(8), "q08@mail.example")).found
    assert done.removed["risk models, without values of theirs"] == 1
    assert done.removed["store: Customer"] == 1
    assert any(one.place == "vault/risk/pd.safetensors" for one in done.kept)
    after, _ = Scorecard.read(home / "vault" / "risk" / "pd.safetensors")
    others = {"name": np.array([name_of(7), name_of(9), "", "X"], object), "amount": np.array([1.0, 9.0, np.nan, 5.0])}
    assert after.logits(others).tolist() == before.logits(others).tolist()
    theirs = {"name": np.array([name_of(8), "X"], object), "amount": np.array([1.0, 1.0])}
    assert len(set(after.logits(theirs))) == 1
    with open_store(None, bank.home.store) as store:
        assert check(store, deep=True) == []
    never = loaded(tmp_path / "never", without=(8,))
    hashes = [SnapshotShelf(one.home.snapshots).latest().hash for one in (bank, never)]
    assert hashes[0] == hashes[1]
