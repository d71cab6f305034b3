"""Two banks with parts of one data set: their model is that of all customers in one bank, and nobody sees a part."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app import jobs, requests
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import ModelError, SourceError, UsageError
from graphrec.features.sources.sums import SumsFile, file_of
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.models.counted.federated import FederatedConfig, fit_sums
from graphrec.models.counted.sums import BITS, sums_of
from graphrec.models.tables.ease import EaseConfig, fit_ease
from graphrec.privacy.federated import Message, Plan, added, masked, public_of, read_plan, second_vector
from graphrec.terms.folder import open_model
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of
from tests.privacy.people import write_people

pytestmark = pytest.mark.slow

CUSTOMERS = 40
PARTS = {"A": range(15, CUSTOMERS), "B": range(15)}
"""Customers whom each bank does not have."""


def bank_of(folder: Path, without: range) -> Bank:
    bank = Bank(Settings(home=folder / "home", policy="none"))
    bank.load(jobs.Load(str(write_people(folder / "data", without=without, customers=CUSTOMERS))))
    return bank


@pytest.fixture(scope="module", params=[0.0, 0.7])
def banks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Bank]]:
    """A folder with the files of a whole round, and the banks; `all` has every customer."""
    folder = tmp_path_factory.mktemp("federation")
    found = {name: bank_of(folder / name, without) for name, without in {**PARTS, "all": range(0)}.items()}

    def step(bank: Bank, what: str, *files: str, out: str | None = None, **options: object) -> None:
        paths = tuple(folder / file for file in files)
        bank.federate(jobs.Federate(what, paths, out=out and folder / out, **options))  # type: ignore[arg-type]

    for name in PARTS:
        step(found[name], "join", out=f"{name}.json", name=f"Bank {name}")
    first = found["A"]
    # What the test of a model may see comes first; all of it has the names without a letter before them.
    for before, final in (("t-", False), ("", True)):
        step(
            first, "plan", "A.json", "B.json", out=f"{before}plan.json", name="2026", power=request.param, min_group=2,
            final=final,
        )  # fmt: skip
        for number, totals in ((1, ()), (2, (f"{before}total1",))):
            for name in PARTS:
                step(found[name], "send", f"{before}plan.json", *totals, out=f"{before}{name}{number}")
            step(
                first, "add", f"{before}plan.json", *(f"{before}{name}{number}" for name in PARTS),
                out=f"{before}total{number}",
            )  # fmt: skip
        for name in PARTS:
            step(found[name], "finish", f"{before}plan.json", f"{before}total1", f"{before}total2")
    return folder, found


def holdings(bank: Bank) -> np.ndarray:
    """R (customers, products) by the ids of products."""
    snapshot = SnapshotShelf(bank.home.snapshots).latest()
    graph = graph_of(snapshot, split_of(snapshot), "all")
    held = graph.held()
    found = np.zeros((held.num_rows, graph.num_products))
    found[np.repeat(np.arange(held.num_rows), held.degrees()), held.indices] = 1
    return found


def test_the_sums_are_those_of_all_customers(banks: tuple[Path, dict[str, Bank]]) -> None:
    folder, found = banks
    R = holdings(found["all"])
    together = R.T @ R
    together[together < 2] = 0
    power = read_plan(folder / "plan.json").power
    weighted = (R.T / R.sum(axis=1) ** power) @ R
    for name in PARTS:
        sums = SumsFile.read(file_of(found[name].home.vault / "federated", "all"))
        assert (sums.together == together).all()
        assert np.abs(np.ldexp(sums.weighted.astype(float), -BITS) - np.where(together, weighted, 0)).max() < 1e-9
        assert (sums.customers, sums.branches) == (CUSTOMERS, ("Bank A", "Bank B"))


@pytest.mark.parametrize("method", ["ease", "itemknn", "kernel", "spectral", "chebyshev", "popularity"])
def test_the_model_is_that_of_one_bank(banks: tuple[Path, dict[str, Bank]], method: str) -> None:
    """To the bit, in both banks; it has no paths, and explains by what is alike."""
    folder, found = banks
    snapshot = SnapshotShelf(found["all"].home.snapshots).latest()
    graph = graph_of(snapshot, split_of(snapshot), "all")
    power = read_plan(folder / "plan.json").power
    central = fit_sums(
        "federated", graph, sums_of(graph.held(), graph.num_products, power), FederatedConfig(method=method), 2
    )  # type: ignore[arg-type]
    for name in PARTS:
        bank = found[name]
        bank.train(jobs.Train("federated", overrides=(f"federated.method={method}",)))
        trained = bank.train(jobs.Train("federated", final=True))
        opened = open_model(trained.path, SnapshotShelf(bank.home.snapshots).latest())
        left = opened.blend.terms[0].neighbours[0].left  # type: ignore[attr-defined]
        assert np.array_equal(np.asarray(left), central.neighbours[0].left)
    items = found["A"].recommend(requests.Recommend("KUNDE-003", 3, model="federated", record=False)).answer.items
    assert len(items) == 3


@pytest.mark.parametrize("banks", [0.0], indirect=True)
def test_without_weights_it_is_ease_itself(banks: tuple[Path, dict[str, Bank]]) -> None:
    found = banks[1]
    snapshot = SnapshotShelf(found["all"].home.snapshots).latest()
    graph = graph_of(snapshot, split_of(snapshot), "all")
    sums = sums_of(graph.held(), graph.num_products, 0.0)
    own = fit_sums("federated", graph, sums, FederatedConfig(), 2).neighbours[0].left
    ease = fit_ease(graph, EaseConfig(attributes=False)).neighbours[0].left
    assert np.abs(np.asarray(own) - np.asarray(ease)).max() < 1e-9


def test_a_message_is_noise_without_the_other_one(banks: tuple[Path, dict[str, Bank]]) -> None:
    """Its bits are even, and none of its numbers is one of the bank's own."""
    folder, found = banks
    message = Message.read(folder / "A2")
    plan = read_plan(folder / "plan.json")
    own = second_vector(sums_of(held_of(found["A"]), len(plan.products), plan.power))
    assert (message.values == own).mean() < 0.02
    bits = np.unpackbits(message.values.view(np.uint8))
    assert abs(bits.mean() - 0.5) < 4 * 0.5 / len(bits) ** 0.5
    assert b"KUNDE" not in (folder / "A2").read_bytes() + (folder / "total2").read_bytes()


def held_of(bank: Bank):  # type: ignore[no-untyped-def]
    snapshot = SnapshotShelf(bank.home.snapshots).latest()
    return graph_of(snapshot, split_of(snapshot), "all").held()


def test_three_banks_and_all_their_masks_cancel() -> None:
    rng = np.random.default_rng(3)
    keys = {name: rng.bytes(32) for name in ("A", "B", "C")}
    plan = Plan("r", {name: public_of(key) for name, key in keys.items()}, ("P",), 0.0, 1, "all")
    own = {name: rng.integers(0, 2**63, 50).astype(np.uint64) for name in keys}
    messages = [masked(plan, 1, name, key, own[name]) for name, key in keys.items()]
    assert (added(plan, messages).values == own["A"] + own["B"] + own["C"]).all()
    other = Plan("s", plan.banks, ("P",), 0.0, 1, "all")
    again = masked(other, 1, "A", keys["A"], own["A"]).values
    assert (again != messages[0].values).all()


def test_a_second_answer_to_a_round_is_refused(banks: tuple[Path, dict[str, Bank]]) -> None:
    folder, found = banks
    bank = found["A"]
    bank.federate(jobs.Federate("send", (folder / "plan.json",), out=folder / "again"))
    assert (folder / "again").read_bytes() == (folder / "A1").read_bytes()
    data = folder / "A" / "data"
    before = (data / "trades.csv").read_text()
    (data / "trades.csv").write_text(before + "T999,KUNDE-001,P01,2025-12-01\nT998,KUNDE-001,P02,2025-12-01\n")
    bank.load(jobs.Load(str(data / "small.toml")))
    with pytest.raises(UsageError, match="was answered before the data changed, and a second answer would tell the"):
        bank.federate(jobs.Federate("send", (folder / "plan.json",), out=folder / "again"))
    (data / "trades.csv").write_text(before)
    bank.load(jobs.Load(str(data / "small.toml"), max_removed="100%"))


def test_the_certificate_names_the_sums(banks: tuple[Path, dict[str, Bank]], tmp_path: Path) -> None:
    _, found = banks
    bank = Bank(Settings(home=shutil.copytree(found["B"].home.path, tmp_path / "home"), policy="none"))
    done = bank.forget(jobs.Forget(("KUNDE-020",)))
    assert [one.until for one in done.kept if one.place == "vault/federated"] == ["the next round of graphrec federate"]


def test_what_cannot_be_used_is_one_line(banks: tuple[Path, dict[str, Bank]], tmp_path: Path) -> None:
    folder, found = banks
    plan = folder / "plan.json"
    for step, files, said in (
        ("add", (plan, folder / "A1"), "Bank B is missing: masks cancel only where every bank of the plan sent once"),
        ("add", (plan, folder / "A1", folder / "A1", folder / "B1"), "Bank A is there twice"),
        ("add", (plan, folder / "A1", folder / "B2"), "the messages are of different rounds"),
        ("send", (plan, folder / "total2"), "this is not the total of round 1 of the plan 2026"),
        ("finish", (plan, folder / "total1", folder / "A2"), "this is not the total of round 2"),
        ("plan", (folder / "A.json",), "1 bank is no federation"),
        ("plan", (folder / "A.json", folder / "A.json"), "are of one bank, or have one key"),
        ("join", (), "who takes part\\? graphrec federate join --name BANK --out FILE"),
    ):
        with pytest.raises(UsageError, match=said):
            found["A"].federate(
                jobs.Federate(step, files, out=tmp_path / "out", name=None if step == "join" else "x")  # type: ignore[arg-type]
            )
    with pytest.raises(UsageError, match="has no key of this home; run: graphrec federate join"):
        found["all"].federate(jobs.Federate("send", (plan,), out=tmp_path / "out"))
    with pytest.raises(SourceError, match=r"plan\.json is no message of graphrec federate"):
        found["A"].federate(jobs.Federate("add", (plan, plan), out=tmp_path / "out"))
    with pytest.raises(SourceError, match="A1 is no file of graphrec federate plan"):
        found["A"].federate(jobs.Federate("send", (folder / "A1",), out=tmp_path / "out"))
    with pytest.raises(
        ModelError, match="there are no sums of several banks in .*sums-fitted.safetensors; run: graphrec"
    ):
        found["all"].train(jobs.Train("federated"))


def test_the_command_takes_the_same_steps(banks: tuple[Path, dict[str, Bank]], tmp_path: Path) -> None:
    folder, found = banks
    words = ["--home", str(found["A"].home.path), "--policy", "none", "federate"]
    done = CliRunner().invoke(app, [*words, "join", "--name", "Bank A", "--out", str(tmp_path / "a.json")])
    assert done.stdout == f"{tmp_path / 'a.json'}: join, 1 banks, 12 products\n"
    assert (tmp_path / "a.json").read_bytes() == (folder / "A.json").read_bytes()
    files = [str(folder / name) for name in ("plan.json", "total1", "total2")]
    told = json.loads(CliRunner().invoke(app, [*words, "finish", *files, "--json"]).stdout)
    assert (told["banks"], told["customers"], told["step"]) == (2, CUSTOMERS, "finish")
