"""Three banks whose files Flower carries, between real processes: each gets the table of the file way, to the byte."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.features.sources.sums import file_of
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.models.tables.ease import EaseConfig, fit_ease
from graphrec.terms.folder import open_model
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of
from tests.flower.server import Flower, flower
from tests.privacy.people import write_people

pytestmark = pytest.mark.slow

CUSTOMERS = 45
PARTS = {"A": (0, 15), "B": (15, 30), "C": (30, 45)}
"""Customers of each bank."""
LEAST = 3


def bank_of(folder: Path, first: int, last: int) -> Bank:
    without = [one for one in range(CUSTOMERS) if not first <= one < last]
    mapping = write_people(folder / "data", without=without, customers=CUSTOMERS)
    mapping.write_text(mapping.read_text().replace("min_group = 2", f"min_group = {LEAST}"))
    bank = Bank(Settings(home=folder / "home", policy="none"))
    bank.load(jobs.Load(str(mapping)))
    return bank


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Bank]]:
    """A folder, and the three banks, which have the sums of what the test of a model may see, by files."""
    folder = tmp_path_factory.mktemp("flower")
    found = {name: bank_of(folder / name, *part) for name, part in PARTS.items()}
    for name, bank in found.items():
        bank.federate(jobs.Federate("join", out=folder / f"{name}.json", name=f"Bank {name}"))
    by_files(folder, found, final=False)
    return folder, found


@pytest.fixture(scope="module")
def by_flower(banks: tuple[Path, dict[str, Bank]]) -> Iterator[tuple[Flower, dict[str, Path]]]:
    """A SuperLink with a SuperNode at a copy of each home; A knows the key of B by another way."""
    folder, found = banks
    homes = {name: shutil.copytree(bank.home.path, folder / f"{name}-flower") for name, bank in found.items()}
    (folder / "known").mkdir()
    shutil.copy(folder / "B.json", folder / "known")
    options = {
        name: {"name": f"Bank {name}", "home": str(home), "min-group": LEAST} for name, home in homes.items()
    }  # fmt: skip
    options["A"]["known"] = str(folder / "known")
    with flower(folder, options) as running:
        yield running, homes


def by_files(folder: Path, banks: dict[str, Bank], *, final: bool) -> None:
    """The way of docs/federated.md without Flower."""
    plan, totals = folder / "plan", [folder / "total1", folder / "total2"]
    first = banks["A"]
    joined = tuple(folder / f"{name}.json" for name in banks)
    first.federate(jobs.Federate("plan", joined, out=plan, name="r", min_group=LEAST, final=final))
    for number, total in enumerate(totals):
        for name, bank in banks.items():
            bank.federate(jobs.Federate("send", (plan, *totals[:number]), out=folder / f"{name}{number}"))
        sent = (folder / f"{name}{number}" for name in banks)
        first.federate(jobs.Federate("add", (plan, *sent), out=total))
    for bank in banks.values():
        bank.federate(jobs.Federate("finish", (plan, *totals)))


def test_each_bank_has_the_table_of_the_file_way(
    banks: tuple[Path, dict[str, Bank]], by_flower: tuple[Flower, dict[str, Path]], tmp_path: Path
) -> None:
    """To the byte, and that of one bank with all customers to 1e-9."""
    folder, found = banks
    running, homes = by_flower
    ended, log = running.run(name="r", banks=3, min_group=LEAST, final=True)
    assert ended == "finished:completed", log
    by_files(folder, found, final=True)
    snapshot = SnapshotShelf(bank_of(tmp_path, 0, CUSTOMERS).home.snapshots).latest()
    graph = graph_of(snapshot, split_of(snapshot), "all")
    central = fit_ease(graph, EaseConfig(attributes=False)).neighbours[0].left
    for name, bank in found.items():
        own = Bank(Settings(home=homes[name], policy="none"))
        sums = [file_of(one.home.vault / "federated", "all").read_bytes() for one in (own, bank)]
        assert sums[0] == sums[1], name
        tables = []
        for one in (own, bank):
            trained = one.train(jobs.Train("federated", final=True))
            opened = open_model(trained.path, SnapshotShelf(one.home.snapshots).latest())
            tables.append(np.asarray(opened.blend.terms[0].neighbours[0].left))  # type: ignore[attr-defined]
        assert tables[0].tobytes() == tables[1].tobytes()
        assert np.abs(tables[0] - np.asarray(central)).max() < 1e-9
        assert np.abs(tables[0]).max() > 0.01


def test_banks_refuse_in_one_line(
    banks: tuple[Path, dict[str, Bank]], by_flower: tuple[Flower, dict[str, Path]]
) -> None:
    """A key that is not the one that A knows, smaller groups than B allows; and a bank that is missing."""
    folder, _ = banks
    running, _ = by_flower
    known = folder / "known" / "B.json"
    swapped = {**json.loads(known.read_text()), "public_key": "00" * 32}
    known.write_text(json.dumps(swapped))
    ended, log = running.run(name="other", banks=3, min_group=2)
    assert ended == "finished:failed"
    assert f"Bank A refuses: the plan other has another key of Bank B than {known}; ask them by telephone" in log
    assert "Bank B refuses: the plan other shows counts of 2 customers; want 3 at least" in log
    ended, log = running.run(name="alone", banks=4, wait_seconds=0)
    assert ended == "finished:failed"
    assert "3 SuperNodes are there; want 4, one of each bank" in log
