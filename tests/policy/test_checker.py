"""SQL over an export and the source files of the bank finds no violation, and finds each rule that is gone.

The SQL reads the files that the bank wrote, with DuckDB's own idea of their types, and knows nothing of snapshots.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from graphrec.home import Home
from graphrec.policy.example import example_policy
from graphrec.policy.read import parse_policy
from graphrec.serving.eligible import date_of
from graphrec.serving.engine import Engine
from tests.policy.banks import cut_bank, random_model, snapshot_bank
from tests.served import export_lists

#: Per rule what of (lists l, customers c, products p) breaks it; `d` is the date of the lists.
BROKEN = {
    "contact": "c.contact_consent IS NOT TRUE",
    "profiling": "c.profiling_consent IS NOT TRUE",
    "held": """EXISTS (FROM interactions i WHERE i.customer_id = c.customer_id AND i.product_id = p.product_id
               AND i.kind IN ('buy', 'hold') AND i.booked_at <= d)""",
    "open": "p.closed_on <= d",
    "risk": "(p.risk_class <= c.risk_tolerance) IS NOT TRUE",
    "horizon": "(p.min_horizon_years <= c.horizon_years) IS NOT TRUE",
    "means": "(p.minimum_amount_eur <= c.liquid_assets_eur) IS NOT TRUE",
    "age": "(date_sub('year', c.birth_date, d::DATE) >= p.min_age) IS NOT TRUE",
    "residence": "p.residents_of IS NOT NULL AND (p.residents_of = c.country) IS NOT TRUE",
    "cooling-off": """EXISTS (FROM interactions i WHERE i.customer_id = c.customer_id AND i.product_id = p.product_id
                      AND i.kind = 'reject' AND i.booked_at <= d AND i.happened_at > d - INTERVAL 180 DAY)""",
}
RULES = list(BROKEN)
DATES = {"now": None, "before": datetime(2025, 3, 1, tzinfo=UTC)}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a bank with minors and gaps."""
    return cut_bank(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module", params=list(DATES))
def home(request: pytest.FixtureRequest, bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home as of a date, with the shipped policy and a model that ranks at random."""
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    snapshot = snapshot_bank(bank, home, DATES[request.param])
    random_model(snapshot, home)
    example = example_policy(snapshot, date_of(snapshot))
    assert example.left_out == ()
    home.policy.write_text(example.text, encoding="utf-8")
    return home


def violations(bank: Path, lists: Path) -> dict[str, int]:
    """How many rows of an export break each rule."""
    database = duckdb.connect()
    for name in ("customers.csv", "products.csv", "interactions.parquet"):
        database.execute(f"CREATE VIEW {name.partition('.')[0]} AS FROM '{bank / name}'")
    database.execute(f"CREATE VIEW lists AS SELECT *, as_of::TIMESTAMP AS d FROM '{lists}'")
    found = {}
    for rule, broken in BROKEN.items():
        row = database.execute(
            'SELECT count(*) FROM lists l JOIN customers c ON c.customer_id = l."user" '
            f"JOIN products p ON p.product_id = l.product WHERE {broken}"
        ).fetchone()
        assert row is not None
        found[rule] = row[0]
    return found


def export(home: Home, folder: Path, k: int = 12) -> Path:
    """The lists of everybody."""
    path = folder / "lists.parquet"
    report = export_lists(Engine.open(home), path, k)
    assert report.rows > 300
    return path


@pytest.mark.slow
def test_no_list_breaks_a_rule(bank: Path, home: Home, tmp_path: Path) -> None:
    assert violations(bank, export(home, tmp_path)) == dict.fromkeys(RULES, 0)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_without_a_rule_the_checker_finds_what_breaks_it(bank: Path, home: Home, tmp_path: Path, rule: str) -> None:
    text = home.policy.read_text(encoding="utf-8")
    kept = [block for block in text.split("\n\n") if f'"{rule}"' not in block.partition("sentence")[0]]
    assert len(parse_policy("\n\n".join(kept), "kept").rules) == len(parse_policy(text, "all").rules) - 1
    (tmp_path / "policy.toml").write_text("\n\n".join(kept), encoding="utf-8")
    found = violations(bank, export(Home(home.path, tmp_path / "policy.toml"), tmp_path))
    assert found.pop(rule) > 0
    assert set(found.values()) == {0}
