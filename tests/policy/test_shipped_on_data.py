"""The three policies that are shipped, on data: `policy check`, and a case for each rule by `policy test`."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import Load, TakeSnapshot
from graphrec.cli import app
from graphrec.config.settings import Settings

TODAY = date(2026, 1, 2)
Row = dict[str, Any]
Case = tuple[Row, Row, list[tuple[str, str, str, float]], float | None]
"""What differs from the usual customer and product, what the customer did, and the amount of the request."""

USERS: dict[str, Row] = {
    "bank": {
        "contact_consent": True, "profiling_consent": True, "assessed_on": "2025-06-30", "risk_tolerance": 5,
        "capacity_for_loss": 5, "horizon_years": 10, "knowledge": "informed", "liquid_assets_eur": 90000.0,
        "cash_eur": 40000.0, "spending_eur_month": 2000.0, "debt_service_eur_month": 0.0, "income_eur_month": 4000.0,
        "born_by": "1980-05-31", "country": "DE",
    },
    "broker": {
        "consent": True, "category": "retail", "knowledge": "informed", "tolerance": 5, "assessed_on": "2025-06-30",
        "country": "DE", "cash_eur": 40000.0,
    },
    "insurer": {
        "consent": True, "born_on": "1980-05-31", "dependants": 2, "income_eur_month": 4000.0, "savings_eur": 60000.0,
        "owns_home": True, "drives": True, "assessed_on": "2025-06-30", "country": "DE", "occupation": "clerk",
    },
}  # fmt: skip
PRODUCTS: dict[str, Row] = {
    "bank": {
        "status": "open", "closed_on": None, "kind": "fund", "risk_class": 3, "min_horizon_years": 5,
        "minimum_amount_eur": 100.0, "min_age": 18, "residents_of": "DE;AT",
    },
    "broker": {
        "kind": "share", "risk_class": 3, "clients": "retail;professional", "not_for": None, "residents_of": None,
        "delisted_on": None,
    },
    "insurer": {
        "kind": "term", "covers": "life", "min_age": 18, "max_age": 65, "premium_eur_month": 30.0, "residents_of": "DE",
        "waiting_months": 6, "made_for": "clerk;farmer", "not_for": None, "closed_on": None,
    },
}  # fmt: skip
OTHER, SAME = "other", "same"
"""Products of which a customer may have dealings: of another issuer and kind, and of the same ones."""
DAY = "2025-12-20"
CASES: dict[str, dict[str, Case]] = {
    "bank": {
        "sanctions": ({}, {}, [], None),
        "contact": ({"contact_consent": False}, {}, [], None),
        "profiling": ({"profiling_consent": False}, {}, [], None),
        "on-sale": ({}, {"closed_on": "2025-12-15"}, [], None),
        "held": ({}, {}, [("BOUGHT", "it", DAY, 1.0)], None),
        "answers": ({"assessed_on": "2024-11-30"}, {}, [], None),  # with twelve months: 2025-11-30
        "risk": ({}, {"risk_class": 6}, [], None),
        "capacity": ({"capacity_for_loss": 2}, {}, [], None),
        "horizon": ({"horizon_years": 3}, {}, [], None),
        "experience": ({"knowledge": "basic"}, {"kind": "equity"}, [("BOUGHT", SAME, DAY, 1.0)], None),
        "means": ({"liquid_assets_eur": 900.0}, {}, [], None),
        "one-position": ({}, {}, [("POSITION", SAME, DAY, 15000.0), ("POSITION", OTHER, DAY, 5000.0)], 5000.0),
        "reserve": ({}, {}, [("POSITION", OTHER, DAY, 90000.0)], 35000.0),
        "debt": ({"spending_eur_month": 4500.0}, {"kind": "loan"}, [], None),
        "one-loan": ({}, {"kind": "loan"}, [("BOUGHT", SAME, "2025-03-01", 1.0)], None),
        "age": ({"born_by": "2008-01-31"}, {}, [], None),
        "target-market": ({"country": "FR"}, {}, [], None),
        "cooling-off": ({}, {}, [("REJECTED", "it", "2025-09-01", 1.0)], None),
        "too-many": ({}, {}, [("REJECTED", f"{OTHER}{n}", DAY, 1.0) for n in range(4)], None),
    },
    "broker": {
        "sanctions": ({}, {}, [], None),
        "country": ({}, {"residents_of": "US"}, [], None),
        "reachable": ({"consent": False}, {}, [], None),
        "listed": ({}, {"delisted_on": "2025-12-15"}, [], None),
        "target-market": ({}, {"not_for": "retail"}, [], None),
        "appropriate": ({"knowledge": "basic"}, {"kind": "option"}, [("TRADED", SAME, DAY, 1.0)] * 4, None),
        "answers": ({"assessed_on": "2024-11-30"}, {}, [], None),
        "risk": ({"tolerance": 2}, {}, [], None),
        "issuer": ({}, {}, [("HOLDS", SAME, DAY, 6000.0), ("HOLDS", OTHER, DAY, 4000.0)], 5000.0),
        "large": ({}, {"risk_class": 1}, [("HOLDS", OTHER, DAY, 60000.0)], 15000.0),
        "on-credit": ({}, {}, [("HOLDS", OTHER, DAY, 900000.0)], 41000.0),
        "churning": ({}, {}, [("TRADED", OTHER, DAY, 1.0)] * 30, None),
    },
    "insurer": {
        "sanctions": ({}, {}, [], None),
        "consent": ({"consent": False}, {}, [], None),
        "open": ({}, {"closed_on": "2025-12-15"}, [], None),
        "covered": ({}, {}, [("HOLDS", SAME, "2020-01-01", 20.0)], None),
        "need-home": ({"owns_home": False}, {"covers": "home"}, [], None),
        "need-car": ({"drives": False}, {"covers": "car"}, [], None),
        "need-life": ({"dependants": 0}, {}, [], None),
        "youngest": ({"born_on": "2008-01-31"}, {}, [], None),
        "oldest": ({"born_on": "1950-01-31"}, {}, [], None),
        "premium": ({}, {}, [("HOLDS", OTHER, DAY, 380.0)], None),
        "reserve": ({}, {"kind": "unit-linked"}, [("HOLDS", f"{SAME}-kind", DAY, 20.0)], 40000.0),
        "experience": ({}, {"kind": "unit-linked"}, [], None),
        "target-market": ({"occupation": "diver"}, {}, [], None),
        "waiting": ({"born_on": "1960-05-31"}, {}, [], None),
        "residence": ({"country": "FR"}, {}, [], None),
        "claims": ({}, {}, [("CLAIMED", OTHER, DAY, 1.0)] * 3, None),
        "answers": ({"assessed_on": "2024-11-30"}, {}, [], None),
        "cooling-off": ({}, {}, [("REJECTED", "it", "2025-09-01", 1.0)], None),
    },
}  # fmt: skip
EDGES = {
    "bank": ("BOUGHT", "REJECTED", "POSITION"),
    "broker": ("HOLDS", "TRADED"),
    "insurer": ("HOLDS", "CLAIMED", "REJECTED"),
}


def kind_of(value: object) -> str:
    names = {bool: "BOOLEAN", int: "INTEGER", float: "DOUBLE"}
    if isinstance(value, str) and len(value) == 10 and value[4] == "-":
        return "DATE"
    return names.get(type(value), "VARCHAR")


def written(folder: Path, name: str) -> Path:
    """The files of a bank in which each customer and product is a case of one rule; the mapping."""
    users, products, dealings = [], [], []
    dates = {"closed_on", "delisted_on"}
    for rule, (user, product, events, _) in {"": ({}, {}, [], None), **CASES[name]}.items():
        it, who = f"p-{rule}", f"c-{rule}"
        users.append({"id": who, **USERS[name], **user})
        own = {**PRODUCTS[name], **product}
        products.append({"id": it, "issuer": f"i-{rule}", **own})
        away = {"kind": "else"} | ({"covers": "else"} if "covers" in own else {})
        products.append({"id": f"{it}-{SAME}", "issuer": f"i-{rule}", **own})
        products.append(
            {"id": f"{it}-{SAME}-kind", "issuer": "i-else", **own, **{k: v for k, v in away.items() if k != "kind"}}
        )
        products += [
            {"id": f"{it}-{other}", "issuer": "i-else", **own, **away}
            for other in (OTHER, *(f"{OTHER}{n}" for n in range(4)))
        ]
        dealings += [
            {
                "n": f"{who}{n}",
                "type": kind,
                "customer": who,
                "product": it if to == "it" else f"{it}-{to}",
                "day": day,
                "amount": amount,
            }
            for n, (kind, to, day, amount) in enumerate(events)
        ]
    for file, rows in (("users", users), ("products", products), ("dealings", dealings)):
        with (folder / f"{file}.csv").open("w", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    lines = [f'[source]\nname = "{name}"\n[source.files]']
    lines += [f'{one} = "{one}.csv"' for one in ("users", "products", "dealings")]
    interactions = [one for one in EDGES[name] if one != "POSITION"]
    lines += ['[roles]\nuser = "Customer"\nproduct = "Product"', f"interactions = {json.dumps(interactions)}"]
    lines.append(f"relevant = {json.dumps(interactions[:1])}")
    for label, file, row in (("Customer", "users", USERS[name]), ("Product", "products", PRODUCTS[name])):
        columns = ", ".join(
            f"TRY_CAST({one} AS {'DATE' if one in dates else kind_of(value)}) AS {one}" for one, value in row.items()
        )
        lines.append(f'[nodes.{label}]\nkey = "id"\nsql = "SELECT id, {columns} FROM {file}"')
    lines.append('[nodes.Issuer]\nkey = "issuer"\nsql = "SELECT DISTINCT issuer FROM products"')
    lines.append(
        '[edges.ISSUED_BY]\nfrom = "Product.id"\nto = "Issuer.issuer"\nsql = "SELECT id, issuer FROM products"'
    )
    for one in EDGES[name]:
        values = "CAST(day AS DATE) AS day, CAST(amount AS DOUBLE) AS amount"
        lines.append(f'[edges.{one}]\nfrom = "Customer.customer"\nto = "Product.product"')
        lines.append('key = "n"\nat = "day"\nweight = "amount"')
        lines.append(f"sql = \"SELECT n, customer, product, {values} FROM dealings WHERE type = '{one}'\"")
    mapping = folder / "bank.toml"
    mapping.write_text("\n".join(lines) + "\n")
    return mapping


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bank", "broker", "insurer"])
def test_each_rule_has_its_case(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    bank = Bank(Settings(home=home, today=TODAY))
    bank.load(Load(str(written(tmp_path, name))))
    bank.take_snapshot(TakeSnapshot())
    monkeypatch.setenv("GRAPHREC_HOME", str(home))
    monkeypatch.setenv("GRAPHREC_TODAY", str(TODAY))
    begun = CliRunner().invoke(app, ["policy", "init", "--like", name, "--json"])
    assert begun.exit_code == 0, begun.output
    assert json.loads(begun.output)["left_out"] == []
    assert (home / "sanctions.txt").read_text() == ""
    (home / "sanctions.txt").write_text("c-sanctions\n")
    checked = CliRunner().invoke(app, ["policy", "check", "--json"])
    assert checked.exit_code == 0, checked.output
    rules = {one["id"]: one for one in json.loads(checked.output)["rules"]}
    assert set(rules) == set(CASES[name])
    quiet = {"issuer", "one-position", "reserve", "large", "on-credit"}  # they speak of an amount
    assert [one for one, counts in rules.items() if not counts["pairs"] and one not in quiet] == []
    severities = {"refuse": "refuse", "review": "review", "warn": "warn"}
    cases = tmp_path / "cases.csv"
    lines = ["customer,product,expected,rule,amount", "c-,p-,allow,,"]
    for rule, (*_, amount) in CASES[name].items():
        said = severities[rules[rule]["severity"]]
        lines.append(f"c-{rule},p-{rule},{said},{rule},{amount or ''}")
    cases.write_text("\n".join(lines) + "\n")
    tested = CliRunner().invoke(app, ["policy", "test", str(cases), "--json"])
    assert tested.exit_code == 0, tested.output
    assert json.loads(tested.output) == {"cases": len(CASES[name]) + 1, "failed": []}
