"""What customers of the demo bank have had: contracts that ended, positions that were sold, funds bought again."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from graphrec.demo import BankReport
from graphrec.demo.holdings import ENDED, REDUCED, SOLD
from tests.banks.commands import Commands

pytestmark = pytest.mark.slow

Pair = tuple[str, str]
SHOWN = 400
"""Customers whose lists of all products are looked at."""
SECURITIES = {"fund", "ETF", "equity", "bond"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def contracts(bank: BankReport) -> list[dict[str, str]]:
    return rows(bank.path / "holdings" / "contracts.csv")


@pytest.fixture(scope="module")
def positions(bank: BankReport) -> dict[Pair, list[int]]:
    """Signed units of each position, in the order of the orders."""
    found: dict[Pair, list[int]] = defaultdict(list)
    for row in rows(bank.path / "holdings" / "orders.csv"):
        found[row["customer_id"], row["product_id"]].append(int(row["units"]))
    return found


@pytest.fixture(scope="module")
def home(bank: BankReport, tmp_path_factory: pytest.TempPathFactory) -> Commands:
    commands = Commands(tmp_path_factory.mktemp("holdings") / "home")
    commands.run("load", "demo_holdings", "--data", str(bank.path))
    commands.run("train", "--model", "kernel", "--final")
    return commands


def test_some_contracts_are_over_and_no_end_is_before_its_beginning(contracts: list[dict[str, str]]) -> None:
    over = [row for row in contracts if row["ended_on"]]
    assert 0.1 < len(over) / len(contracts) < ENDED
    assert all(row["opened_on"] < row["ended_on"] < "2026-01-01" for row in over)
    pairs = [(row["customer_id"], row["product_id"]) for row in contracts]
    assert len(set(pairs)) == len(pairs)


def test_positions_are_bought_before_they_are_sold_and_never_below_0(positions: dict[Pair, list[int]]) -> None:
    assert all(units[0] > 0 and sum(units) >= 0 and all(one < 0 for one in units[1:]) for units in positions.values())
    sold = sum(not sum(units) for units in positions.values())
    reduced = sum(len(units) > 1 and sum(units) > 0 for units in positions.values())
    assert 0.08 < sold / len(positions) < SOLD
    assert 0.08 < reduced / len(positions) < REDUCED


def test_held_is_what_goes_on_and_securities_may_be_bought_again(
    home: Commands, contracts: list[dict[str, str]], positions: dict[Pair, list[int]], bank: BankReport
) -> None:
    kinds = {row["product_id"]: row["kind"] for row in rows(bank.path / "products.csv")}
    assert {kinds[product] for _, product in positions} <= SECURITIES
    going = {(row["customer_id"], row["product_id"]) for row in contracts if not row["ended_on"]}
    lists, users = (home.home.parent / name for name in ("lists.csv", "users.txt"))
    users.write_text("".join(f"C{number:06}\n" for number in range(1, SHOWN + 1)))
    home.run("export", "--out", str(lists), "--users", str(users), "-k", "150", "--no-policy", "--no-record")
    listed = {(row["user"], row["product"]) for row in rows(lists)}
    assert not going & listed
    assert len(listed & {pair for pair, units in positions.items() if sum(units)}) > SHOWN / 2
    assert len(listed & {(row["customer_id"], row["product_id"]) for row in contracts if row["ended_on"]}) > SHOWN / 20
    said = " ".join(row["reasons"] for row in rows(lists))
    assert "which the customer held until December 2025" in said
    assert "which the customer held earlier" in said
