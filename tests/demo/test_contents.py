"""What the files of the S bank say, asked in SQL."""

import pytest

from graphrec.demo import BankReport
from graphrec.demo.draw.products import Products
from graphrec.demo.words.vocabulary import BUSINESS_LINES, STEPS
from tests.demo.conftest import Ask, only


def test_counts(bank: BankReport, ask: Ask) -> None:
    counted = {
        table: only(ask(f"SELECT count(*) FROM {table}"))
        for table in ("customers", "products", "interactions", "prices")
    }
    assert counted == {key: bank.counts[key] for key in counted}
    assert (counted["customers"], counted["products"]) == (2_000, 150)
    assert counted["interactions"] == pytest.approx(40_000, rel=0.05)
    by_kind: dict[str, int] = dict(ask("SELECT kind || 's', count(*) FROM interactions GROUP BY kind"))
    assert by_kind == {key: bank.counts[key] for key in by_kind}
    assert len(by_kind) == 4


def test_ids_are_unique_and_all_ends_exist(ask: Ask) -> None:
    for table, key in (("customers", "customer_id"), ("products", "product_id"), ("interactions", "event_id")):
        assert only(ask(f"SELECT count(*) - count(DISTINCT {key}) FROM {table}")) == 0
    assert only(ask("SELECT count(*) FROM interactions ANTI JOIN customers USING (customer_id)")) == 0
    assert only(ask("SELECT count(*) FROM interactions ANTI JOIN products USING (product_id)")) == 0
    for table in ("issuers", "sectors", "categories", "countries"):
        key = {"countries": "country", "categories": "category"}.get(table, table.removesuffix("s"))
        assert only(ask(f"SELECT count(*) FROM products ANTI JOIN {table} USING ({key})")) == 0
        assert only(ask(f"SELECT count(*) - count(DISTINCT {key}) FROM {table}")) == 0
    assert ask("SELECT customer_id FROM customers ORDER BY 1 LIMIT 1") == [("C000001",)]


def test_the_catalogue(ask: Ask) -> None:
    kinds: dict[str, int] = dict(ask("SELECT kind, count(*) FROM products GROUP BY kind"))
    assert kinds == {
        "equity": 27, "fund": 30, "ETF": 19, "bond": 21, "deposit": 15, "insurance": 15, "card": 12, "loan": 11,
    }  # fmt: skip
    assert ask("SELECT min(risk_class), max(risk_class) FROM products") == [(1, 5)]
    assert only(ask("SELECT count(*) FROM products WHERE status = 'closed'")) == 8
    assert only(ask("SELECT count(*) FROM products WHERE (status = 'closed') <> (closed_on IS NOT NULL)")) == 0
    issuers = [count for (count,) in ask("SELECT count(*) FROM products GROUP BY issuer")]
    assert (len(issuers), min(issuers), max(issuers)) == (30, 4, 6)
    sectors = [count for (count,) in ask("SELECT count(*) FROM products GROUP BY sector")]
    assert (len(sectors), min(sectors), max(sectors)) == (24, 5, 8)
    assert (
        only(ask("SELECT count(*) FROM products JOIN issuers USING (issuer) WHERE products.country <> issuers.country"))
        == 0
    )


def test_texts(ask: Ask, catalogue: Products) -> None:
    assert only(ask("SELECT count(DISTINCT name) FROM products")) == 150
    assert only(ask("SELECT count(DISTINCT description) FROM products")) == 150
    sentences = [text.count(". ") + 1 for (text,) in ask("SELECT description FROM products")]
    assert (min(sentences), max(sentences)) == (2, 3)
    named = "strpos(lower(description), lower(issuer)) > 0 OR strpos(lower(description), lower(sector)) > 0"
    assert only(ask(f"SELECT count(*) FROM products WHERE {named}")) <= 5
    theme_sizes = [size for (size,) in ask("SELECT count(*) FROM groups GROUP BY text")]
    assert (len(theme_sizes), set(theme_sizes)) == (30, {5})
    assert "{" not in "".join(text for (text,) in ask("SELECT description || name FROM products"))
    assert only(ask("SELECT count(DISTINCT profile) FROM customers")) == 10 + 2 * 40


def test_two_products_seldom_share_two_relations(ask: Ask) -> None:
    shared = " + ".join(f"(a.{name} = b.{name})::INT" for name in ("sector", "issuer", "holders", "text"))
    sql = f"SELECT {shared} AS n, count(*) FROM groups a JOIN groups b ON a.product_id < b.product_id GROUP BY n"
    pairs: dict[int, int] = dict(ask(sql))
    assert set(pairs) == {0, 1}
    assert pairs[1] == pytest.approx(1_020, abs=60)


def test_times(ask: Ask) -> None:
    ((first, last, day),) = ask(
        "SELECT min(happened_at)::DATE::VARCHAR, max(happened_at)::DATE::VARCHAR, "
        "min(booked_at - happened_at) > INTERVAL 0 SECOND FROM interactions"
    )
    assert (first, last, day) == ("2023-01-02", "2025-12-29", True)
    assert only(ask("SELECT max(booked_at - happened_at) FROM interactions")).days == 3
    holds = ask("SELECT DISTINCT happened_at::VARCHAR FROM interactions WHERE kind = 'hold'")
    assert holds == [("2023-01-02 00:00:00",)]
    early = "SELECT count(*) FROM interactions JOIN customers USING (customer_id) WHERE happened_at < joined_on"
    assert only(ask(early)) == 0


def test_nothing_is_bought_before_issue_or_after_closing(ask: Ask) -> None:
    sql = "SELECT count(*) FROM interactions i JOIN products USING (product_id) WHERE i.kind <> 'view' AND {}"
    assert only(ask(sql.format("happened_at < issued_on"))) == 0
    assert only(ask(sql.format("happened_at >= closed_on"))) == 0


def test_who_rejects_never_buys(ask: Ask) -> None:
    rejections = "SELECT * FROM interactions WHERE kind = 'reject'"
    assert only(ask(f"SELECT count(*) FROM ({rejections}) SEMI JOIN purchases USING (customer_id, product_id)")) == 0


def test_purchases_are_mostly_suitable_and_some_are_repeated(ask: Ask) -> None:
    fits = (
        "risk_class <= risk_tolerance AND p.min_horizon_years <= c.horizon_years"
        " AND minimum_amount_eur <= liquid_assets_eur AND min_age <= age"
        " AND (residents_of IS NULL OR residents_of = c.country)"
    )
    joined = "purchases JOIN products p USING (product_id) JOIN customers c USING (customer_id)"
    assert only(ask(f"SELECT avg(({fits})::INT) FROM {joined}")) == pytest.approx(0.985, abs=0.01)
    repeated = only(ask("SELECT 1 - count(DISTINCT (customer_id, product_id)) / count(*) FROM purchases"))
    assert repeated == pytest.approx(0.09, abs=0.01)


def test_amounts(ask: Ask) -> None:
    assert only(ask("SELECT count(*) FROM interactions WHERE (amount IS NULL) <> (kind IN ('view', 'reject'))")) == 0
    assert only(ask("SELECT count(*) FROM interactions WHERE (amount IS NULL) <> (currency IS NULL)")) == 0
    below = "SELECT count(*) FROM purchases JOIN products USING (product_id) WHERE amount_eur < minimum_amount_eur"
    assert only(ask(below)) == 0


def test_prices(ask: Ask) -> None:
    kinds = ask("SELECT DISTINCT kind FROM prices JOIN products USING (product_id) ORDER BY 1")
    assert kinds == [("ETF",), ("bond",), ("equity",), ("fund",)]
    assert only(ask("SELECT count(*) - count(DISTINCT (product_id, day)) FROM prices")) == 0
    assert only(ask("SELECT count(*) FROM prices WHERE close <= 0 OR volume < 0 OR dayofweek(day) IN (0, 6)")) == 0
    days = "SELECT count(*) AS n FROM prices GROUP BY product_id"
    assert only(ask(f"SELECT max(n) FROM ({days})")) == 782
    wild = ask(
        "WITH r AS (SELECT product_id, ln(close / lag(close) OVER (PARTITION BY product_id ORDER BY day)) AS step"
        " FROM prices) SELECT risk_class, sqrt(252) * stddev(step) FROM r"
        " JOIN products USING (product_id) GROUP BY 1 ORDER BY 1"
    )
    assert [risk for risk, _ in wild] == [1, 2, 3, 4, 5]
    assert [sigma for _, sigma in wild] == pytest.approx([0.02, 0.06, 0.12, 0.2, 0.32], rel=0.05)


@pytest.mark.slow
def test_customers(ask: Ask) -> None:
    age = "date_diff('year', birth_date, DATE '2025-12-30') - (strftime(birth_date, '%m%d') > '1230')::INT"
    assert only(ask(f"SELECT count(*) FROM customers WHERE {age} <> age")) == 0
    assert ask("SELECT min(risk_tolerance), max(risk_tolerance), min(age) FROM customers") == [(1, 5, 18)]
    themed = only(ask("SELECT avg((profile LIKE '%Cares about%' OR profile LIKE '%Reads a lot%')::INT) FROM customers"))
    assert themed == pytest.approx(0.4, abs=0.03)
    silent = "SELECT count(*) FROM customers ANTI JOIN purchases USING (customer_id)"
    assert only(ask(silent)) == pytest.approx(80, abs=25)
    assert only(ask("SELECT count(DISTINCT display_name) FROM customers")) > 1_900


def test_a_sector_fits_every_theme(ask: Ask) -> None:
    """A fund of wind energy is in a step of a value chain, a deposit in a line of the bank's business."""
    for table, kinds in ((STEPS, "IN"), (BUSINESS_LINES, "NOT IN")):
        names = {
            row[0].partition(",")[0]
            for row in ask(f"SELECT sector FROM products WHERE kind {kinds} ('equity', 'fund', 'ETF', 'bond')")
        }
        assert names
        assert names <= set(table)
