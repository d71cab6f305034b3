"""Banks without a file of products: a file each of loans, cards and accounts; and opening stocks of held products."""

from pathlib import Path

import pytest

from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.loading.propose.draft import write_draft

USERS = [f"C{n:03}" for n in range(40)]


def write(file: Path, head: str, rows: list[str]) -> None:
    file.write_text("\n".join([head, *rows]) + "\n", "utf-8")


def loaded(data: Path) -> tuple[list[str], MemorySink, str]:
    path, sink = data.parent / "my.toml", MemorySink()
    questions = write_draft(path, data).questions
    run_load(load_mapping(path), data, sink)
    return questions, sink, path.read_text("utf-8")


def pairs(sink: MemorySink, edge: str) -> set[tuple[str, str]]:
    table = sink.edges[edge]
    return set(zip(*(table[one].to_pylist() for one in table.column_names[:2]), strict=True))


def products(sink: MemorySink) -> dict[str, str]:
    """The products and their lines."""
    table = sink.nodes["Product"]
    return dict(zip(table["id"].to_pylist(), table["kind"].to_pylist(), strict=True))


@pytest.mark.slow
def test_a_file_each_of_loans_cards_and_policies(data: Path) -> None:
    write(
        data / "customers.csv", "customer_id,birth_date,segment",
        [f"{one},19{50 + n}-02-03,{'mass' if n % 3 else 'private'}" for n, one in enumerate(USERS)],
    )  # fmt: skip
    write(
        data / "loans.csv", "loan_id,customer_id,loan_type,amount,start_date,status",
        [f"L{n},{one},{('mortgage', 'Car loan')[n % 2]},{1000 + n},2021-0{1 + n % 9}-05,"
         f"{('active', 'closed')[n % 5 == 0]}" for n, one in enumerate(USERS[:30])],
    )  # fmt: skip
    write(
        data / "cards.csv", "card_id,customer_id,card_type,issued_on",
        [f"K{n},{one},{('gold', 'classic')[n % 2]},2022-0{1 + n % 9}-06" for n, one in enumerate(USERS[10:])],
    )  # fmt: skip
    write(
        data / "complaints.csv", "complaint_id,customer_id,type,at",
        [f"B{n},{one},{('fee', 'delay')[n % 2]},2022-0{1 + n % 9}-07" for n, one in enumerate(USERS[:20])],
    )  # fmt: skip
    questions, sink, text = loaded(data)
    assert products(sink) == {
        "mortgage loan": "loan", "Car loan": "loan", "gold card": "card", "classic card": "card",
    }  # fmt: skip
    assert ("C000", "mortgage loan") in pairs(sink, "HELD_LOAN")
    assert ("C010", "gold card") in pairs(sink, "HELD_CARD")
    assert 'interactions = ["HELD_CARD", "HELD_LOAN"]' in text
    assert 'quantity = "still_held"' in text
    assert any("loan and loan_type are read as what a customer has chosen" in one for one in questions)
    assert not any("complaint" in one.lower() for one in sink.edges)


@pytest.mark.slow
def test_accounts_of_a_bank_whose_customers_stand_in_a_third_file(data: Path) -> None:
    """The shape of the Czech bank of PKDD'99: days of six digits, several people of an account, numbers as keys."""
    birth = ("470213", "455204", "401009")
    write(data / "client.asc", '"client_id";"birth_number"', [f'{n};"{birth[n % 3]}"' for n in range(1, 41)])
    write(
        data / "disp.asc", '"disp_id";"client_id";"account_id";"type"',
        [*(f'{n};{n};{n};"OWNER"' for n in range(1, 31)), *(f'{n};{n};{n - 30};"DISPONENT"' for n in range(31, 41))],
    )  # fmt: skip
    write(
        data / "account.asc", '"account_id";"frequency";"date"',
        [f'{n};"POPLATEK MESICNE";9{3 + n % 4}0{1 + n % 9}28' for n in range(1, 31)],
    )  # fmt: skip
    write(
        data / "loan.asc", '"loan_id";"account_id";"date";"amount"',
        [f"{4900 + n};{n};9{4 + n % 4}1{n % 3}15;{1000 * n}" for n in range(1, 21)],
    )  # fmt: skip
    write(
        data / "card.asc", '"card_id";"disp_id";"type";"issued"',
        [f'{700 + n};{n};"{("gold", "classic")[n % 2]}";"9{5 + n % 4}1130 00:00:00"' for n in range(1, 31)],
    )  # fmt: skip
    write(
        data / "trans.asc", '"trans_id";"account_id";"date";"amount"',
        [f"{n};{1 + n % 30};9{5 + n % 4}0{1 + n % 9}11;{n}.5" for n in range(600)],
    )  # fmt: skip
    questions, sink, text = loaded(data)
    assert set(products(sink)) == {"account", "loan", "gold card", "classic card"}
    assert pairs(sink, "HELD_LOAN") == {(str(n), "loan") for n in range(1, 21)}
    assert pairs(sink, "HELD_CARD") == {(str(n), ("gold card", "classic card")[n % 2]) for n in range(1, 31)}
    assert len(pairs(sink, "HELD_ACCOUNT")) == 30
    assert text.count('format = "%y%m%d"') == 2
    assert 'issued = { type = "time", format = "%y%m%d %H:%M:%S" }' in text
    assert 'personal = ["birth_number"]' in text
    assert "loan: client_id is the first one that disp names for each account_id: is that right?" in questions


def test_files_without_contracts_stay_incomplete(data: Path) -> None:
    from graphrec.errors import SourceError

    write(data / "customers.csv", "customer_id,birth_date", [f"{one},1950-02-03" for one in USERS])
    write(
        data / "complaints.csv", "complaint_id,customer_id,type,at",
        [f"B{n},{one},{('fee', 'delay')[n % 2]},2022-01-07" for n, one in enumerate(USERS[:20])],
    )  # fmt: skip
    with pytest.raises(SourceError, match="no file joins two things by their keys"):
        write_draft(data.parent / "my.toml", data)


@pytest.mark.slow
def test_one_flat_file_describes_its_customers_and_products(data: Path) -> None:
    """A name that was corrected is the last one; what is alike in all rows is nobody's; nothing is lost to a policy."""
    rows = []
    for n in range(240):
        user, product = n % 30, (7 * n + n // 30) % 12
        title = "Europa Aktienfonds neu" if product == 3 and n > 200 else f"Fonds {product}"
        rows.append(
            f"K{user:03};Anna Huber {user};{20 + user};{('ja', 'nein')[user % 2]};P{product:02};{title};"
            f"{('Aktien', 'Renten')[product % 2]};{1 + product % 7};{1 + n % 28:02}.0{1 + n % 9}.2023;{n}50,10;Wien"
        )
    write(
        data / "kaeufe.csv",
        "Kundennummer;Name;Alter;Werbeeinwilligung;Produktnummer;Produktname;Kategorie;Risikoklasse;Kaufdatum;Betrag;Ort",
        rows,
    )
    questions, sink, text = loaded(data)
    products = {one["id"]: one for one in sink.nodes["Produkt"].to_pylist()}
    assert len(products) == 12
    assert (products["P03"]["Produktname"], products["P03"]["Risikoklasse"]) == ("Europa Aktienfonds neu", 4)
    customers = {one["id"]: one for one in sink.nodes["Kunden"].to_pylist()}
    assert customers["K001"]["Werbeeinwilligung"] is False
    assert "Ort" not in customers["K001"]
    assert 'personal = ["Name"]' in text
    assert 'name = "Produktname"' in text
    assert sink.edges["BOUGHT"].num_rows == 240
    assert any("Name, Alter, Werbeeinwilligung of kaeufe say the same" in one for one in questions)


def test_what_chance_would_make_alike_describes_nothing(data: Path) -> None:
    """One row in twenty-five has another channel: two rows of a customer agree in it anyhow."""
    rows = [f"K{n % 60:03},P{n % 11:02},{'branch' if n % 25 else 'web'},2023-01-{1 + n % 28:02}" for n in range(150)]
    write(data / "buys.csv", "customer_id,product_id,place,bought_at", rows)
    _, sink, _ = loaded(data)
    assert [name for name in sink.nodes["Customer"].column_names if not name.startswith("_")] == ["id", "known_at"]


def test_a_day_that_all_dealings_with_a_product_have_stays_theirs(data: Path) -> None:
    """Subscriptions of an issue are of one day."""
    chosen = [(n % 40, (n * n + n // 3) % 7) for n in range(150)]
    rows = [f"K{user:03},P{one:02},Bond {one},2023-0{1 + one}-15" for user, one in chosen]
    write(data / "subscriptions.csv", "customer_id,product_id,product_name,subscribed_on", rows)
    write_draft(data.parent / "my.toml", data)
    text = (data.parent / "my.toml").read_text("utf-8")
    assert 'at = "subscribed_on"' in text
    assert 'name = "product_name"' in text
