"""From the files of invented banks to delivered lists: no hand edit, and nothing that a bank could not show.

The way is that of the commands: `load --new --yes`, `load`, `snapshot`, `policy init`, `train`, `export`. What is
delivered is looked at by code that knows nothing of graphrec (checker.py).
"""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from click.testing import Result
from typer.testing import CliRunner

from graphrec.cli import app
from tests.banks import checker, invented, messy
from tests.banks.checker import Facts, look_at
from tests.banks.invented import Truth
from tests.postgres.server import running

pytestmark = pytest.mark.slow

BANKS = (
    "german_retail",
    "broker",
    "insurer",
    "shop",
    "two_customers",
    "core_system",
    "policies",
    "fund_seller",
    "building_society",
)
USER = {
    "german_retail": "Kunde",
    "insurer": "Kunde",
    "broker": "Client",
    "policies": "Vn",
    "fund_seller": "客户持仓",
    "building_society": "Member",
}
EDGES = {
    "german_retail": {"BOUGHT": 1.0},
    "broker": {"BOUGHT": 1.0, "VIEWED": 0.2},
    "insurer": {"HELD": 1.0, "VIEWED": 0.2, "REJECTED": -1.0},
    "shop": {"BOUGHT": 1.0, "RETURNED": -1.0, "RATED": 1.0, "RATED_LOW": -1.0},
    "two_customers": {"BOUGHT": 1.0},
    "core_system": {"BOUGHT": 1.0},
    "policies": {"HELD": 1.0},
    "fund_seller": {"HELD": 1.0},
    "building_society": {"HELD": 1.0},
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running() as address:
        yield address


class Way:
    """The commands from files to lists, in one home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str | Path) -> Result:
        done = CliRunner().invoke(app, ["--home", str(self.folder / "home"), *map(str, words)])
        assert done.exit_code == 0, f"{words}: {done.stderr}"
        return done

    def lists(self, data: Path, *more: str) -> Path:
        mapping, lists = self.folder / "my.toml", self.folder / "lists.csv"
        self.run("load", "--new", mapping, "--data", data, "--yes", *more)
        self.run("load", mapping, "--data", data)
        self.run("snapshot")
        self.run("policy", "init")
        self.run("train", "--model", "kernel", "--final")
        self.run("export", "--out", lists, "-k", "5", "--no-record")
        return lists

    def other_voices(self, truth: Truth) -> None:
        """What is said to some customers in other languages is true too, and in that language."""
        few, file = [user for user, agrees in truth.consents.items() if agrees][:40], self.folder / "few.txt"
        file.write_text("\n".join(few), "utf-8")
        for language, voice in (("de", "customer"), ("zh", "adviser"), ("en", "customer")):
            lists = self.folder / f"{language}-{voice}.csv"
            told = ("--language", language, "--voice", voice, "--users", file, "-k", "5", "--no-record")
            self.run("export", "--out", lists, *told)
            found = look_at(lists, truth.consents, truth.closed, truth.held, truth.facts, language)
            assert found.faults() == dict.fromkeys(found.faults(), 0), found.examples[:5]
            assert median(found.covered) >= 75


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(tmp_path)


@pytest.fixture
def deliver(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Path], Truth]:
    """Writes the files of a bank."""

    def write(bank: str, folder: Path) -> Truth:
        folder.mkdir()
        if bank != "insurer":
            return getattr(messy if hasattr(messy, bank) else invented, bank)(folder)  # type: ignore[no-any-return]
        address = request.getfixturevalue("postgres")
        monkeypatch.setenv("OFFERS_URL", address)
        return invented.insurer(folder, address)

    return write


@pytest.mark.parametrize("bank", BANKS)
def test_from_files_to_lists(bank: str, way: Way, deliver: Callable[[str, Path], Truth], tmp_path: Path) -> None:
    truth = deliver(bank, tmp_path / "data")
    lists = way.lists(tmp_path / "data", *(("--database", "OFFERS_URL") if bank == "insurer" else ()))
    roles = json.loads(way.run("load", tmp_path / "my.toml", "--data", tmp_path / "data", "--check", "--json").stdout)
    assert set(EDGES[bank]) <= set(roles["edges"])
    assert sum(one["rejected"] for one in (*roles["nodes"].values(), *roles["edges"].values())) == 0
    assert roles["nodes"][USER.get(bank, "Customer")]["read"] == len(truth.consents)
    found = look_at(lists, truth.consents, truth.closed, truth.held, truth.facts)
    assert found.faults() == dict.fromkeys(found.faults(), 0), found.examples[:5]
    assert median(found.covered) >= 75
    if bank in ("broker", "shop", "fund_seller"):
        way.other_voices(truth)
    assert found.customers >= truth.customers_with_lists
    wanted = next((user for user, agrees in truth.consents.items() if agrees), "")
    answer = json.loads(way.run("recommend", wanted, "--json", "--no-record").stdout)
    for item in answer["items"]:
        sentences = [checker.normal(one["text"]) for one in item.get("reasons") or item["lines"]]
        assert len(sentences) == len(set(sentences)), sentences
        assert item["product"] not in truth.closed


def test_the_checker_sees_what_is_wrong(tmp_path: Path) -> None:
    rows = [
        "user,product,rank,reason,reasons",
        'A,p,1,x,"[{""text"": ""Holds a.""}, {""text"": ""holds  a""}]"',
        "'B,q,1,x,[]",
        "A,held,3,x,[]",
    ]
    (tmp_path / "lists.csv").write_text("\n".join(rows) + "\n")
    found = look_at(tmp_path / "lists.csv", {"A": True, "B": False}, frozenset({"q"}), frozenset({("A", "held")}))
    assert {name: count for name, count in found.faults().items() if count} == {
        "without_consent": 1, "closed": 1, "held": 1, "repeated": 1, "unranked": 1
    }  # fmt: skip
    assert (found.customers, found.items) == (2, 3)


def test_the_checker_imports_nothing_of_graphrec() -> None:
    tree = ast.parse(Path(checker.__file__).read_text("utf-8"))
    named = [one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    named += [alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names]
    assert set(named) == {"csv", "json", "re", "collections.abc", "dataclasses", "pathlib"}


@pytest.mark.parametrize(
    ("sentence", "is_false"),
    [
        ("2 others from Oslo bought it", False),
        ("3 others from Oslo bought it", True),
        ("3 others with city Oslo bought it", True),
        ("is in Tents, like Tent 1, which the customer bought", False),
        ("has a description close to that of Tent 12, which the customer bought", True),
    ],
)
def test_the_checker_hears_what_is_not_so(sentence: str, is_false: bool) -> None:
    held = {("A", "t1"), ("B", "p"), ("C", "p"), ("D", "p")}
    facts = Facts(
        {"Tent 1": "t1", "Tent 12": "t12"}, held, held, {"A": ("Oslo",), "B": ("Oslo",), "C": ("Oslo",), "D": ()}
    )
    assert facts.denies("A", "p", sentence) is is_false
