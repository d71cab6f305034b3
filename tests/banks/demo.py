"""The demo bank with fewer customers, where a test asks how commands behave and not how good lists are."""

from pathlib import Path

import duckdb

CUSTOMERS = 400


def cut_demo_bank(files: Path, customers: int = CUSTOMERS) -> None:
    """Leave the first customers of a demo bank, and what they did: C000001, C000002, …"""
    last = f"C{customers:06}"
    path = files / "customers.csv"
    head, *lines = path.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.strip('"')[: len(last)] <= last]
    assert 0 < len(kept) < len(lines)
    path.write_text("".join([head, *kept]), "utf-8")
    events = files / "interactions.parquet"
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE events AS FROM '{events}' WHERE customer_id <= '{last}'")
        database.execute(f"COPY events TO '{events}'")
