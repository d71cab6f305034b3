"""loaders/demo.toml reads the files of the demo bank, every row of them."""

import pytest

from graphrec.demo import BankReport
from graphrec.loading import check, load_mapping
from tests.demo.conftest import Ask, only


@pytest.mark.slow
def test_every_row_is_good(bank: BankReport, ask: Ask) -> None:
    report = check(load_mapping("demo"), bank.path)
    rejected = {name: counts.rejected for name, counts in {**report.nodes, **report.edges}.items()}
    assert set(rejected.values()) == {0}
    assert report.nodes["Customer"].read == 2_000
    assert report.nodes["Product"].read == 150
    assert report.edges["BOUGHT"].read == bank.counts["buys"] + bank.counts["holds"]
    assert report.edges["VIEWED"].read == bank.counts["views"]
    assert report.edges["REJECTED"].read == bank.counts["rejects"]
    values = {"AgeBand": "age_band", "IncomeBand": "income_band", "Segment": "segment", "Region": "region"}
    values |= {"RiskTolerance": "risk_tolerance", "Horizon": "horizon_years"}
    for label, column in values.items():
        assert report.nodes[label].read == only(ask(f"SELECT count(DISTINCT {column}) FROM customers"))


def test_the_truth_is_not_read() -> None:
    mapping = load_mapping("demo")
    assert sorted(spec.path for spec in mapping.files.values()) == [
        "categories.csv",
        "countries.csv",
        "customers.csv",
        "interactions.parquet",
        "issuers.csv",
        "prices.parquet",
        "products.csv",
        "sectors.csv",
    ]
    assert mapping.split is None


def test_roles_and_marks() -> None:
    mapping = load_mapping("demo")
    assert mapping.roles.weights == {"BOUGHT": 1.0, "VIEWED": 0.2, "REJECTED": -1.0}
    assert (mapping.roles.relevant, mapping.roles.min_group) == (("BOUGHT",), 5)
    customer, product = mapping.nodes["Customer"], mapping.nodes["Product"]
    assert (customer.personal, customer.protected) == (("display_name", "birth_date"), ("sex",))
    assert (product.text, product.known_at) == (("description",), "issued_on")


def test_german_and_chinese_say_the_same_values() -> None:
    words = load_mapping("demo").words
    own = {"BOUGHT"}  # how Chinese says that a customer holds something; German has the verb
    assert set(words["de"]) == set(words["zh"]) - own
    assert (words["de"]["Logistics"], words["de"]["20 years"], words["zh"]["Logistics"]) == (
        "Logistik",
        "20 Jahre",
        "物流",
    )
