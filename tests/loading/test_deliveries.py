"""What banks deliver every month, columns of products held or not, codes for bought and sold, contracts with claims."""

from pathlib import Path

import pytest

from graphrec.loading.propose.looks import actions_in
from tests.loading.delivered import loaded


@pytest.mark.slow
def test_products_as_columns_of_every_month(data: Path) -> None:
    products = ["ahor", "cco", "fond", "plan"]
    head = f"fecha_dato,ncodpers,sexo,age,ind_nuevo,renta,{','.join(f'ind_{one}_fin_ult1' for one in products)}"
    rows = [
        f"2016-0{month}-28,{900 + i},{'HV'[i % 2]},{20 + i},0,NA,{i % 2},{(i + 1) % 2},{int(not i % 3)},{2 - month}"
        for month in (1, 2)
        for i in range(30)
    ]
    (data / "train_ver2.csv").write_text("\n".join([head, *rows]))
    questions, sink, text = loaded(data)
    assert sorted(sink.nodes["Product"]["id"].to_pylist()) == products
    assert sink.nodes["TrainVer2"].num_rows == 30
    held = sink.edges["HELD"].to_pylist()
    assert len(held) == 30 + 10 + 30
    assert {one["target"] for one in held if one["held_until"] is not None} == {"plan"}
    assert 'protected = ["sexo"]' in text
    assert (
        "train_ver2: has every ncodpers for each fecha_dato; the latest row of each is read: is that right?"
        in questions
    )


@pytest.mark.slow
def test_positions_of_every_month_are_spans(data: Path) -> None:
    (data / "customers.csv").write_text("cust_no,full_name\n" + "".join(f"{i + 1000},Ann {i}\n" for i in range(20)))
    (data / "instruments.csv").write_text(
        "isin,instrument_name,issuer\n" + "".join(f"LU{i:010},F {i},{'AB'[i % 2]} SA\n" for i in range(8))
    )
    for month in (1, 2, 3):
        rows = [f"28.0{month}.2024,{i % 20 + 1000},LU{i % 8:010},{month}" for i in range(30) if i or month < 3]
        (data / f"holdings_20240{month}.csv").write_text("\n".join(["snapshot_date,cust_no,isin,quantity", *rows]))
    _, sink, text = loaded(data)
    held = sorted(sink.edges["HELD"].to_pylist(), key=lambda one: (one["source"], one["target"]))
    assert len(held) == 30
    assert [one["target"] for one in held if one["held_until"] is not None] == ["LU0000000000"]
    assert {(one["at"].month, one["quantity"]) for one in held} == {(1, 2), (1, 3)}
    assert "risk = true" in text


@pytest.mark.slow
def test_trades_of_few_days_are_no_deliveries(data: Path) -> None:
    (data / "customers.csv").write_text("cust_no,full_name\n" + "".join(f"{i + 1000},Ann {i}\n" for i in range(40)))
    (data / "products.csv").write_text("isin,name\n" + "".join(f"LU{i:010},F {i}\n" for i in range(8)))
    rows = [f"0{1 + i % 9}.0{1 + i % 3}.2024,{i % 40 + 1000},LU{i % 8:010},{'BS'[i % 6 == 5]}" for i in range(80)]
    (data / "trades.csv").write_text("\n".join(["day,cust_no,isin,side", *rows]))
    questions, sink, _ = loaded(data)
    assert sink.edges["BOUGHT"].num_rows == 67
    assert sink.edges["SOLD"].num_rows == 13
    assert not any("latest" in question for question in questions)


@pytest.mark.slow
def test_an_insurer_with_claims(data: Path) -> None:
    (data / "policyholders.csv").write_text(
        "Policyholder Ref,Title,Surname,Marketing Preference\n"
        + "".join(f"PH{i:04},{('Mr', 'Ms')[i % 2]},Smith,{('Opt in', 'Opt out')[i % 3 == 0]}\n" for i in range(20))
    )
    (data / "products.csv").write_text(
        "Product Code,Product Name,Line of Business\n"
        + "".join(f"MOT{i:02},Motor {i},{('Motor', 'Home')[i % 2]}\n" for i in range(6))
    )
    (data / "policies.csv").write_text(
        "Policy Number,Policyholder Ref,Product Code,Inception Date,Expiry Date\n"
        + "".join(f"POL/{i:05},PH{i % 20:04},MOT{i % 6:02},1{i % 9}/02/2023,1{i % 9}/02/2024\n" for i in range(60))
    )
    (data / "claims.csv").write_text(
        "Claim Ref,Policy Number,Loss Date\n" + "".join(f"CL{i},POL/{i:05},1{i % 9}/03/2023\n" for i in range(0, 60, 3))
    )
    questions, sink, text = loaded(data)
    assert sink.edges["HELD"].num_rows == 60
    assert "claims joins no two things that were recognised and is not used" in questions
    assert 'protected = ["Title"]' in text
    assert 'show = { kind = "Line_of_Business" }' in text
    assert "MarketingPreference" not in sink.nodes


@pytest.mark.slow
def test_kinds_and_consents_as_banks_write_them(data: Path) -> None:
    (data / "customers.csv").write_text(
        "cust_no,full_name,email_opt_in\n" + "".join(f"{i + 1000},A {i},{i % 2}\n" for i in range(20))
    )
    head = "isin,Sector,Instrument Type,type_text,Riskometer,Expense Ratio\n"
    rows = "".join(
        f"LU{i:010},{('Banking', 'Power')[i % 2]},{('EQ', 'MF')[i % 2]},{('Equity', 'Fund')[i % 2]},Low,0.{i} %\n"
        for i in range(8)
    )
    (data / "products.csv").write_text(head + rows)
    (data / "trades.csv").write_text(
        "cust_no,isin,day\n" + "".join(f"{i % 20 + 1000},LU{i % 8:010},2024-01-0{1 + i % 9}\n" for i in range(50))
    )
    _, sink, text = loaded(data)
    assert sink.nodes["Customer"]["email_opt_in"].to_pylist()[:2] == [False, True]
    assert 'show = { kind = "type_text", risk = "Riskometer", fee = "Expense_Ratio" }' in text


def test_letters_for_bought_and_sold() -> None:
    told = {one: action.type for one, action in actions_in(["V", "k"]).items() if action is not None}
    assert told == {"V": "SOLD", "k": "BOUGHT"}
    assert actions_in(["X", "Y"]) == {"X": None, "Y": None}
