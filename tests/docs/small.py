"""`graphrec` where the demo bank has fewer customers, the first ones: python -m tests.docs.small demo --run."""

from pathlib import Path
from typing import Any

import duckdb

from graphrec.cli import app
from graphrec.demo import BankReport, bank
from tests.banks.demo import CUSTOMERS, cut_demo_bank


def cut_money(files: Path) -> None:
    """Leave of what the bank knows of money what is of the customers that are left."""
    with duckdb.connect() as database:
        for file in sorted((files / "money").iterdir()):  # accounts come before transfers
            table = file.stem
            database.execute(f"CREATE TABLE {table} AS FROM '{file}'")
            if "customer_id" in {row[0] for row in database.execute(f"DESCRIBE {table}").fetchall()}:
                database.execute(f"DELETE FROM {table} WHERE customer_id > 'C{CUSTOMERS:06}'")
            elif table == "transfers":
                ours = "(SELECT account_id FROM accounts)"
                database.execute(f"DELETE FROM transfers WHERE sender NOT IN {ours} OR receiver NOT IN {ours}")
            else:
                continue
            database.execute(f"COPY {table} TO '{file}'")


if __name__ == "__main__":
    whole = bank.write_bank

    def write_small_bank(folder: Path | str, **given: Any) -> BankReport:
        made = whole(folder, **given)
        cut_demo_bank(made.path)
        cut_money(made.path)
        return made

    bank.write_bank = write_small_bank
    app(prog_name="graphrec")
