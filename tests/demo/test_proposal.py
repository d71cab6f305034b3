"""A mapping proposed from the raw files of the demo bank loads without an edit, and says what the shipped one says."""

import shutil
from pathlib import Path

import pytest

from graphrec.demo import BankReport
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.propose.draft import write_draft
from graphrec.loading.propose.drafted import Draft

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(bank: BankReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the bank without what it knows of money and of what was held, which are sources of their own."""
    folder = tmp_path_factory.mktemp("proposal") / "bank"
    shutil.copytree(bank.path, folder, ignore=shutil.ignore_patterns("money", "holdings", "alerts.csv"))
    return folder


@pytest.fixture(scope="module")
def draft(files: Path) -> tuple[Draft, Path]:
    path = files.with_name("my.toml")
    return write_draft(path, files), path


@pytest.fixture(scope="module")
def mine(draft: tuple[Draft, Path]) -> Mapping:
    return load_mapping(draft[1])


def test_it_loads_what_the_shipped_one_loads(files: Path, mine: Mapping) -> None:
    loaded, shipped = MemorySink(), MemorySink()
    report = run_load(mine, files, loaded)
    run_load(load_mapping("demo"), files, shipped)
    assert sum(one.rejected for one in (*report.nodes.values(), *report.edges.values())) == 0
    for label in ("Customer", "Product", "Issuer", "Sector", "Category", "Country", "AgeBand", "IncomeBand", "Segment"):
        assert sorted(loaded.nodes[label]["id"].to_pylist()) == sorted(shipped.nodes[label]["id"].to_pylist()), label
    ends = {
        "ISSUED_BY": "HAS_ISSUER",
        "IN_SECTOR": "HAS_SECTOR",
        "IN_CATEGORY": "HAS_CATEGORY",
        "IN_REGION": "HAS_REGION",
    }
    for theirs, ours in {**ends, "VIEWED": "VIEWED", "REJECTED": "REJECTED"}.items():
        pairs = [
            sorted(zip(edges["source"].to_pylist(), edges["target"].to_pylist(), strict=True))
            for edges in (shipped.edges[theirs], loaded.edges[ours])
        ]
        assert pairs[0] == pairs[1], theirs
    assert loaded.edges["BOUGHT"].num_rows + loaded.edges["HELD"].num_rows == shipped.edges["BOUGHT"].num_rows
    assert loaded.series["price"].num_rows == shipped.series["price"].num_rows


def test_roles_and_marks_are_those_of_the_shipped_one(mine: Mapping) -> None:
    theirs = load_mapping("demo")
    assert (mine.roles.user, mine.roles.product, mine.roles.min_group) == ("Customer", "Product", 5)
    assert mine.roles.weights == {**theirs.roles.weights, "HELD": 1.0}
    assert mine.roles.relevant == ("BOUGHT", "HELD")
    customer, product = mine.nodes["Customer"], mine.nodes["Product"]
    # What an adviser wrote of a person is no feature until somebody says so.
    assert customer.personal == (*theirs.nodes["Customer"].personal, "profile")
    assert customer.protected == ("sex",)
    assert (customer.text, product.text, product.known_at) == ((), ("name", "description"), "issued_on")
    bought = mine.edges["BOUGHT"]
    assert (bought.key, bought.at, bought.known_at, bought.weight) == ("event_id", "happened_at", "booked_at", None)


def test_what_it_asks(draft: tuple[Draft, Path]) -> None:
    assert draft[0].questions == [
        "nodes.Customer: display_name, birth_date, profile look personal: is that all?",
        "nodes.Customer: sex look protected: is that all?",
        "interactions: each value of kind became an edge type; which speak for a product?",
        "demo_bank joins no two things that were recognised and is not used",
        "truth_planted joins no two things that were recognised and is not used",
    ]
