"""The protocol of FAR-Trans by hand: dates, customers, assets, nDCG@10, monthly ROI@10."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import ModelError, UsageError
from graphrec.evaluation.rolling import (
    EPOCH,
    PROTOCOLS,
    Prices,
    Protocol,
    Rolling,
    Span,
    Window,
    check_protocol,
    evaluate_rolling,
    windows_of,
)
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from tests.loading import far_trans

BEGIN, END = date(2020, 1, 1), date(2020, 3, 1)  # 60 days
ONE = Protocol((Span(BEGIN, END, 0),), ahead=1)


def number(day: date) -> int:
    return (day - EPOCH).days


def test_dates_are_equally_many_price_days_apart() -> None:
    days = np.array([90, *range(100, 110), 120])
    protocol = Protocol((Span(EPOCH + timedelta(100), EPOCH + timedelta(109), 2),), ahead=2)
    # Ten price days in four pieces: marks 100, 102, 104, 106 and the last day, 109.
    assert windows_of(days, protocol) == [Window(100, 104), Window(102, 106), Window(104, 109)]


def test_the_dates_of_the_paper() -> None:
    days = np.array([number(day) for day in far_trans.price_days(date(2018, 1, 2), date(2022, 11, 29))])
    windows = windows_of(days, PROTOCOLS["far-trans"])
    assert len(windows) == 61
    # 412 weekdays in 41 pieces and 441 in 44: ten price days, two weeks; 13 pieces are half a year.
    assert windows[0] == Window(number(date(2019, 8, 1)), number(date(2020, 1, 30)))
    assert windows[1] == Window(number(date(2019, 8, 15)), number(date(2020, 2, 13)))
    assert windows[28] == Window(number(date(2020, 8, 27)), number(date(2021, 2, 26)))
    assert windows[29] == Window(number(date(2020, 9, 14)), number(date(2021, 3, 15)))
    assert windows[60] == Window(number(date(2021, 11, 22)), number(date(2022, 5, 23)))


def test_too_few_price_days_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        windows_of(np.array([number(BEGIN)]), PROTOCOLS["far-trans"])
    assert str(caught.value) == (
        "there are prices on 1 days from 2019-08-01 to 2021-02-26, and the dates of this protocol need at least 41; "
        "load the close_prices.csv of the whole data set"
    )


def test_a_protocol_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"^--rolling other: there is no such protocol; there is far-trans$"):
        check_protocol("other")


def test_a_return_is_brought_to_a_month() -> None:
    prices = Prices(np.array([0, 60]), np.array([[100.0, 100.0, 100.0, np.nan], [121.0, 81.0, np.nan, 5.0]]))
    np.testing.assert_allclose(prices.monthly_returns(Window(0, 60)), [0.1, -0.1, np.nan, np.nan])
    # Over 20 days: (1.21) ** (30 / 20) - 1.
    np.testing.assert_allclose(Prices(np.array([0, 20]), prices.values).monthly_returns(Window(0, 20))[0], 0.331)


TRADES = [
    ("c1", "A", "Buy", "2019-05-02"), ("c2", "A", "Buy", "2019-06-03"), ("c3", "A", "Buy", "2019-06-03"),
    ("c2", "B", "Buy", "2019-06-04"), ("c4", "B", "Buy", "2019-07-01"), ("c4", "C", "Buy", "2019-12-31"),
    ("c6", "B", "Sell", "2019-07-02"),  # bought before the records begin
    # The test period: c1 finds C (buying A again is no test pair) ...
    ("c1", "C", "Buy", "2020-02-03"), ("c1", "A", "Buy", "2020-02-03"),
    ("c2", "D", "Buy", "2020-01-02"),  # ... nobody traded D before: nothing to find ...
    ("c3", "A", "Sell", "2020-02-03"), ("c3", "C", "Buy", "2020-01-01"),  # ... c3 is no test customer ...
    ("c4", "A", "Sell", "2020-02-04"),  # ... c4 is one, without a purchase ...
    ("c5", "A", "Buy", "2020-02-05"),  # ... c5 is new ...
    ("c6", "A", "Buy", "2020-03-01"), ("c1", "B", "Buy", "2020-03-02"),  # ... the last day counts, not the next ...
    ("c1", "E", "Buy", "2020-02-03"),  # ... and E has no price at the end.
]  # fmt: skip
PRICES = {
    "A": {BEGIN: 100.0, END: 121.0},
    "B": {BEGIN: 100.0, END: 100.0},
    "C": {BEGIN: 100.0, END: 81.0},
    "D": {BEGIN: 100.0, END: 144.0},
    "E": {BEGIN: 100.0},
    "Z": {BEGIN: 100.0, date(2020, 1, 2): 0.0, END: 900.0},
}


def rolling(folder: Path, *, min_group: int = 1, **options: object) -> Rolling:
    """Popularity on the small files, at one date."""
    sink = MemorySink()
    run_load(load_mapping("far-trans"), far_trans.write(folder / "files", TRADES, PRICES), sink)
    schema = replace(sink.schema, roles=replace(sink.schema.roles, min_group=min_group))
    snapshot = write_snapshot(folder / "snapshot", schema, sink.nodes, sink.edges, sink.series, {})
    prices = Prices.of(sink.series["price"], list(snapshot.nodes("Asset").ids))
    return evaluate_rolling(snapshot, prices, kind="popularity", protocol=ONE, **options)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("is_fixed", [True, False])
def test_one_date_by_hand(tmp_path: Path, is_fixed: bool) -> None:
    (found,) = rolling(tmp_path, is_fixed=is_fixed).dates
    assert (found.date, found.until, found.customers, found.assets) == ("2020-01-01", "2020-03-01", 4, 4)
    # By popularity A, B, C, D without what was traded: c1 B C D finds C second; c2 C D and c4 A D find nothing;
    # c6 A C D finds A first.
    assert found.ndcg["popularity"] == pytest.approx((1 / np.log2(3) + 0 + 0 + 1) / 4)
    # Monthly returns: A .1, B 0, C -.1, D .2; lists: c1 (0 - .1 + .2) / 3, c2 .05, c4 .15, c6 (.1 - .1 + .2) / 3.
    assert found.roi["popularity"] == pytest.approx((0.1 / 3 + 0.05 + 0.15 + 0.2 / 3) / 4)
    assert found.roi["market"] == pytest.approx(0.05)
    assert found.ndcg["model"] == found.ndcg["popularity"]


@pytest.mark.slow
def test_means_are_over_dates(tmp_path: Path) -> None:
    found = rolling(tmp_path, is_fixed=True)
    assert found.ndcg["popularity"] == found.dates[0].ndcg["popularity"]
    assert found.roi == dict(found.dates[0].roi)
    assert found.weights == {"popularity": 1.0}


@pytest.mark.slow
def test_dates_with_too_few_customers_are_left_out(tmp_path: Path) -> None:
    assert rolling(tmp_path / "four", min_group=4, is_fixed=True).left_out == 0
    with pytest.raises(ModelError, match="^on none of 1 dates do 5 customers buy something in the window, "):
        rolling(tmp_path / "five", min_group=5, is_fixed=True)
