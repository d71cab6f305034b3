"""Invented banks: code that writes the files that each of them would send, and what is true of them.

The files are as such houses deliver them: other encodings and languages, dates of several forms, gaps by several words,
rows in rows, sheets, databases.
"""

import csv
import datetime
import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.banks.checker import Facts


@dataclass(frozen=True)
class Truth:
    """What a checker has to know of a bank, taken from the generator and never from graphrec."""

    consents: dict[str, bool]
    """Of every customer."""
    closed: frozenset[str]
    """Products that are not sold any more."""
    held: frozenset[tuple[str, str]]
    """What customers hold now."""
    customers_with_lists: int
    """At least so many get a list."""
    facts: Facts
    """What sentences may say."""


CLIENTS, INSTRUMENTS = 110, 30
"""Of the broker."""
FIRST = datetime.date(2022, 1, 3)
NAMES = ("Anna", "Björn", "Çelik", "Dörte", "Émile", "François", "Grüner", "Jürgen", "Straß", "O'Neil")


def day(chance: random.Random) -> datetime.date:
    """A day of three years."""
    return FIRST + datetime.timedelta(days=chance.randrange(1095))


def likes(chance: random.Random, customers: Sequence[str], products: Sequence[str], each: int) -> list[tuple[str, str]]:
    """Pairs of customers and products, each once, in three groups that like different products."""
    pairs = []
    for place, customer in enumerate(customers):
        near = [product for spot, product in enumerate(products) if spot % 3 == place % 3]
        count = chance.randint(1, each)
        wanted = chance.sample(near, min(count, len(near))) + chance.sample(list(products), 1)
        pairs += [(customer, product) for product in dict.fromkeys(wanted)]
    return pairs


def write_rows(path: Path, rows: list[Sequence[Any]], *, delimiter: str = ",", encoding: str = "utf-8") -> None:
    """A CSV file as Windows programs write it."""
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(rows)


def german_retail(folder: Path) -> Truth:
    """Exports of a core system: cp1252, semicolons, decimal commas, German words, one file a year."""
    chance = random.Random(1)
    customers = [f"{100000 + 7 * i:08}" for i in range(240)]
    products = [f"P-{i:03}" for i in range(36)]
    consents = {customer: chance.random() < 0.7 for customer in customers}
    closed = frozenset(products[i] for i in (2, 11, 23))
    rows: list[Sequence[Any]] = [
        [
            "Kundennummer",
            "Anrede",
            "Name",
            "Geburtsdatum",
            "Wohnort",
            "Kundengruppe",
            "Einkommen",
            "Einwilligung",
            "Berater",
        ]
    ]
    for i, customer in enumerate(customers):
        income = f"{chance.randint(18, 95)}.{chance.randint(0, 999):03},{chance.randint(0, 99):02}"
        born = f"{1 + i % 28:02}.{1 + i % 12:02}.{1940 + i % 62}"
        rows.append(
            [
                customer, ("Frau", "Herr")[i % 2], f"{NAMES[i % 10]} Müller {i}", born if i % 31 else "k.A.",
                ("Köln", "Düsseldorf", "Zürich", "Gießen")[i % 4], ("Privat", "Jugend", "Vermögend")[i % 3],
                income if i % 17 else "", "Ja" if consents[customer] else "Nein", f"B{i % 5}",
            ]
        )  # fmt: skip
    write_rows(folder / "KUNDEN.csv", rows, delimiter=";", encoding="cp1252")
    rows = [
        ["Produktnummer", "Bezeichnung", "Produktart", "Risikoklasse", "Mindestanlage", "Vertriebsende", "Beschreibung"]
    ]
    for i, product in enumerate(products):
        kind = ("Fonds", "Anleihe", "Sparplan")[i % 3]
        rows.append(
            [
                product, f"{kind} Größe {i}", kind, 1 + i % 5, f"{1 + i % 9}.000,00",
                "31.12.2023" if product in closed else "31.12.2099",
                f'Für Anleger, die „sicher" {kind} {i} halten wollen; mit Gebühren und Überschüssen aus {2000 + i}',
            ]
        )  # fmt: skip
    write_rows(folder / "PRODUKTE.csv", rows, delimiter=";", encoding="cp1252")
    pairs = likes(chance, customers, products, 4)
    head = ["Vorgangsnummer", "Kundennummer", "Produktnummer", "Abschlussdatum", "Betrag", "Verwendungszweck"]
    for year in (2022, 2023, 2024):
        rows = [head]
        for i, (customer, product) in enumerate(pairs):
            when = day(chance)
            if i % 3 == year - 2022:
                amount = f"{chance.randint(1, 40)}.{chance.randint(0, 999):03},{chance.randint(0, 99):02}"
                text = f"Sparen für {NAMES[i % 10]}; Ref {i}"
                rows.append([f"V{i:06}", customer, product, f"{when:%d.%m.}{year} {i % 24:02}:15:00", amount, text])
        write_rows(folder / f"ABSCHLUESSE_{year}.csv", rows, delimiter=";", encoding="cp1252")
    facts = Facts(
        names={f"{('Fonds', 'Anleihe', 'Sparplan')[i % 3]} Größe {i}": product for i, product in enumerate(products)},
        acted=frozenset(pairs),
        bought=frozenset(pairs),
        traits={
            customer: (("Köln", "Düsseldorf", "Zürich", "Gießen")[i % 4], ("Privat", "Jugend", "Vermögend")[i % 3])
            for i, customer in enumerate(customers)
        },
    )
    return Truth(consents, closed, frozenset(pairs), 60, facts)


def broker(folder: Path) -> Truth:
    """A broker's lake: Parquet with types, and JSON lines with the legs of each order inside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = random.Random(2)
    clients = [f"CL{i:05}" for i in range(CLIENTS)]
    isins = [f"XS{i:09}{i % 10}" for i in range(INSTRUMENTS)]
    consents = {client: chance.random() < 0.6 for client in clients}
    closed = frozenset(isins[i] for i in (0, 9, 17))
    table = {
        "client_id": clients,
        "full_name": [f"{NAMES[i % 10]} {i}" for i in range(CLIENTS)],
        "email": [f"c{i}@example.org" for i in range(CLIENTS)],
        "birth_date": [datetime.date(1950 + i % 50, 1 + i % 12, 1 + i % 28) for i in range(CLIENTS)],
        "country": [("DE", "FR", "AT", "NL")[i % 4] for i in range(CLIENTS)],
        "risk_profile": [1 + i % 5 for i in range(CLIENTS)],
        "marketing_consent": [consents[client] for client in clients],
    }
    pq.write_table(pa.table(table), folder / "clients.parquet")
    table = {
        "isin": isins,
        "name": [f"{('Solar', 'Wind', 'Water')[i % 3]} {('bond', 'share')[i % 2]} {i}" for i in range(INSTRUMENTS)],
        "asset_class": [("bond", "share")[i % 2] for i in range(INSTRUMENTS)],
        "risk_class": [1 + i % 5 for i in range(INSTRUMENTS)],
        "ter": [0.1 + i / 100 for i in range(INSTRUMENTS)],
        "status": ["closed" if isin in closed else "open" for isin in isins],
    }
    pq.write_table(pa.table(table), folder / "instruments.parquet")
    pairs = likes(chance, clients, isins, 5)
    by_client: dict[str, list[str]] = {}
    for client, isin in pairs:
        by_client.setdefault(client, []).append(isin)
    with (folder / "orders.jsonl").open("w", encoding="utf-8") as stream:
        for i, (client, some) in enumerate(by_client.items()):
            for part, legs in enumerate((some[::2], some[1::2])):
                order = {
                    "order_id": f"O{i:05}-{part}",
                    "placed_at": f"{day(chance).isoformat()}T{i % 24:02}:{i % 60:02}:00Z",
                    "client": {"client_id": client, "channel": ("app", "desk")[i % 2]},
                    "legs": [{"isin": isin, "quantity": chance.randint(1, 90)} for isin in legs],
                }
                if legs:
                    stream.write(json.dumps(order) + "\n")
    seen = likes(chance, clients, isins, 6)
    with (folder / "views.jsonl").open("w", encoding="utf-8") as stream:
        for client, isin in seen:
            when = int(datetime.datetime.combine(day(chance), datetime.time(), datetime.UTC).timestamp() * 1000)
            stream.write(json.dumps({"client_id": client, "isin": isin, "timestamp": when}) + "\n")
    facts = Facts(
        names={
            f"{('Solar', 'Wind', 'Water')[i % 3]} {('bond', 'share')[i % 2]} {i}": isins[i] for i in range(INSTRUMENTS)
        },
        acted=frozenset((*pairs, *seen)),
        bought=frozenset(pairs),
        traits={client: (("DE", "FR", "AT", "NL")[i % 4], str(1 + i % 5)) for i, client in enumerate(clients)},
        risk={isin: 1 + i % 5 for i, isin in enumerate(isins)},
        tolerance={client: 1 + i % 5 for i, client in enumerate(clients)},
    )
    return Truth(consents, closed, frozenset(pairs), 30, facts)


def insurer(folder: Path, postgres: str) -> Truth:
    """An insurer: customers and tariffs on two sheets, contracts in SQLite, offers in PostgreSQL."""
    import psycopg
    import xlsxwriter

    chance = random.Random(3)
    customers = [f"VN{i:05}" for i in range(200)]
    tariffs = [f"T{i:03}" for i in range(30)]
    consents = {customer: chance.random() < 0.65 for customer in customers}
    closed = frozenset(tariffs[i] for i in (4, 13))
    with xlsxwriter.Workbook(folder / "Bestand.xlsx") as book:
        date = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet = book.add_worksheet("Kunden")
        sheet.write_row(0, 0, ["Kundennummer", "Nachname", "Geburtsdatum", "Region", "Familienstand", "Einwilligung"])
        for i, customer in enumerate(customers, start=1):
            sheet.write_row(i, 0, [customer, f"{NAMES[i % 10]} {i}"])
            sheet.write_datetime(i, 2, datetime.date(1945 + i % 60, 1 + i % 12, 1 + i % 28), date)
            sheet.write_row(i, 3, [("Nord", "Süd", "West")[i % 3], ("ledig", "verheiratet")[i % 2]])
            sheet.write(i, 5, "ja" if consents[customer] else "nein")
        sheet = book.add_worksheet("Tarife")
        sheet.write_row(0, 0, ["Tarifnummer", "Bezeichnung", "Sparte", "Jahresbeitrag", "Status"])
        for i, tariff in enumerate(tariffs, start=1):
            branch = ("Hausrat", "Leben", "Kfz")[i % 3]
            state = "geschlossen" if tariff in closed else "offen"
            sheet.write_row(i, 0, [tariff, f"{branch} Komfort {i}", branch, 80.5 + 10 * i, state])
    pairs = likes(chance, customers, tariffs, 3)
    with closing(sqlite3.connect(folder / "vertraege.sqlite")) as database:
        database.execute(
            "CREATE TABLE vertraege (Vertragsnummer INTEGER PRIMARY KEY, Kundennummer TEXT, Tarifnummer TEXT, "
            "Beginn TEXT, Beitrag REAL)"
        )
        rows = [(50_000 + i, *pair, day(chance).isoformat(), 100.0 + i) for i, pair in enumerate(pairs)]
        database.executemany("INSERT INTO vertraege VALUES (?, ?, ?, ?, ?)", rows)
        database.commit()
    with psycopg.connect(postgres) as connection:
        connection.execute("DROP TABLE IF EXISTS angebote")
        connection.execute(
            "CREATE TABLE angebote (angebot_id bigint PRIMARY KEY, kundennummer text, tarifnummer text, "
            "angeboten_am timestamptz, ergebnis text)"
        )
        offers = [
            (i, *pair, f"{day(chance)} 10:00+00", ("abgelehnt", "angesehen")[i % 2])
            for i, pair in enumerate(likes(chance, customers, tariffs, 2))
        ]
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO angebote VALUES (%s, %s, %s, %s, %s)", offers)
    facts = Facts(
        names={
            f"{('Hausrat', 'Leben', 'Kfz')[i % 3]} Komfort {i}": tariff for i, tariff in enumerate(tariffs, start=1)
        },
        acted=frozenset(pairs) | {(customer, tariff) for _, customer, tariff, _, _ in offers},
        bought=frozenset(pairs),
        traits={customer: (("Nord", "Süd", "West")[(i + 1) % 3],) for i, customer in enumerate(customers)},
    )
    return Truth(consents, closed, frozenset(pairs), 50, facts)


def core_system(folder: Path) -> Truth:
    """A core system with names of six letters: codes, 99991231 for no end, X for yes, a block that few have."""
    chance = random.Random(6)
    customers, products = [f"{1000 + i * 7:010}" for i in range(120)], [f"{i + 400:018}" for i in range(27)]
    consents = {customer: chance.random() < 0.7 for customer in customers}
    closed = frozenset(products[i] for i in (5, 12, 24))
    rows: list[Sequence[Any]] = [
        ["MANDT", "KUNNR", "ANRED", "NAME1", "STRAS", "PSTLZ", "ORT01", "GBDAT", "KTOKD", "KDGRP", "XWERB"]
    ]
    for i, customer in enumerate(customers):
        rows.append(
            [
                "100", customer, f"000{1 + i % 2}", f"{NAMES[i % 10]} {i}", f"Allee {i}", f"{10115 + i * 31:05}",
                ("Bonn", "Kiel", "Ulm")[i % 3], f"{1945 + i % 58}{1 + i % 12:02}{1 + i % 28:02}",
                ("PRIV", "FIRM", "STUD")[(i // 2) % 3], f"{1 + i % 4:02}", "X" if consents[customer] else "",
            ]
        )  # fmt: skip
    write_rows(folder / "KNA1.txt", rows, delimiter="|", encoding="cp1252")
    rows, names = [["MANDT", "MATNR", "MAKTX", "MTART", "MSTAE", "WAERS", "MINBE"]], {}
    for i, product in enumerate(products):
        kind = ("Sparbrief", "Depot", "Ratenkredit")[i % 3]
        names[f"{kind} {i}"] = product
        block = "Z9" if product in closed else ""
        rows.append(["100", product, f"{kind} {i}", kind[:4].upper(), block, "EUR", f"{500 * (1 + i % 4)}.00"])
    write_rows(folder / "MARA.txt", rows, delimiter="|", encoding="cp1252")
    pairs, held = likes(chance, customers, products, 4), set()
    rows = [["MANDT", "VBELN", "KUNNR", "MATNR", "AUDAT", "BEGDA", "ENDDA", "NETWR", "WAERK"]]
    for i, (customer, product) in enumerate(pairs):
        since, is_over = f"{day(chance):%Y%m%d}", i % 7 == 0
        held |= set() if is_over else {(customer, product)}
        until = f"2025{1 + i % 9:02}01" if is_over else "99991231"
        rows.append(["100", f"{40000000 + i:010}", customer, product, since, since, until, f"{100 + i}.00", "EUR"])
    write_rows(folder / "VBAK.txt", rows, delimiter="|", encoding="cp1252")
    towns, groups = ("Bonn", "Kiel", "Ulm"), ("PRIV", "FIRM", "STUD")
    traits = {c: (towns[i % 3], groups[(i // 2) % 3], f"{1 + i % 4:02}") for i, c in enumerate(customers)}
    return Truth(consents, closed, frozenset(held), 50, Facts(names, frozenset(pairs), frozenset(pairs), traits))


def policies(folder: Path) -> Truth:
    """An Austrian insurer: contracts that run out on one day, and that some customers cancelled on another."""
    chance = random.Random(7)
    customers, tariffs = (
        [f"VN{700100 + i * 7}" for i in range(120)],
        [f"{('LV', 'UV', 'HH')[i % 3]}-{i:02}" for i in range(27)],
    )
    consents = {customer: chance.random() < 0.7 for customer in customers}
    closed = frozenset(tariffs[i] for i in (5, 12, 19))
    towns, works = ("Wien", "Innsbruck", "Villach"), ("Angestellte", "Arbeiter", "Pension")
    rows: list[Sequence[Any]] = [
        ["VNNR", "FAMNAME", "VORNAME", "GEBDATUM", "SVNR", "ORT", "BERUFSGRUPPE", "WERBEEINWILLIGUNG"]
    ]
    for i, customer in enumerate(customers):
        year = 1945 + i % 58
        born = f"{year}-{1 + i % 12:02}-{1 + i % 28:02}"
        number = f"{1000 + i} {1 + i % 28:02}{1 + i % 12:02}{year % 100:02}"
        agrees = "JA" if consents[customer] else "NEIN"
        rows.append([customer, f"Gruber{i}", "Eva", born, number, towns[i % 3], works[(i // 4) % 3], agrees])
    write_rows(folder / "VN_STAMM.csv", rows, delimiter=";", encoding="cp1252")
    rows, names = [["TARIFNR", "TARIFNAME", "SPARTE", "VERKAUFSENDE"]], {}
    for i, tariff in enumerate(tariffs):
        branch = ("Leben", "Unfall", "Haushalt")[i % 3]
        names[f"Sicher {branch} {i}"] = tariff
        rows.append([tariff, f"Sicher {branch} {i}", branch, "2023-12-31" if tariff in closed else "9999-12-31"])
    write_rows(folder / "TARIFKATALOG.csv", rows, delimiter=";", encoding="cp1252")
    pairs, held = likes(chance, customers, tariffs, 4), set()
    rows = [["POLIZZENNR", "VNNR", "TARIFNR", "BEGINN", "ABLAUF", "STORNODATUM", "STORNOGRUND", "JAHRESPRAEMIE"]]
    for i, (customer, tariff) in enumerate(pairs):
        begun, is_cancelled, is_over = day(chance), i % 6 == 0, i % 11 == 3
        held |= set() if is_cancelled or is_over else {(customer, tariff)}
        runs_out = "2025-06-30" if is_over else f"{begun.year + 20}-01-01"
        over = [f"2025-{1 + i % 9:02}-01", ("Kündigung", "Nichtzahlung")[i % 2]] if is_cancelled else ["", ""]
        rows.append([f"P{100000 + i * 11}", customer, tariff, begun, runs_out, *over, f"{100 + i},50"])
    write_rows(folder / "POLIZZEN.csv", rows, delimiter=";", encoding="cp1252")
    traits = {c: (towns[i % 3], works[(i // 4) % 3]) for i, c in enumerate(customers)}
    return Truth(consents, closed, frozenset(held), 50, Facts(names, frozenset(pairs), frozenset(pairs), traits))


def shop(folder: Path) -> Truth:
    """A web shop: one JSON array of orders with their items, reviews with stars, returns in a file of their own."""
    chance = random.Random(4)
    customers = [f"{i}" for i in range(1, 131)]
    products = [f"SKU-{i:04}" for i in range(36)]
    consents = {customer: chance.random() < 0.75 for customer in customers}
    closed = frozenset(products[i] for i in (1, 20, 30))
    rows: list[Sequence[Any]] = [["customer_id", "email", "city", "age_group", "newsletter_consent"]]
    for i, customer in enumerate(customers):
        city, age = ("Oslo", "Łódź", "Paris")[i % 3], ("18-29", "30-49", "50+", "N/A")[i % 4]
        rows.append([customer, f"c{i}@example.org", city, age, "yes" if consents[customer] else "no"])
    write_rows(folder / "customers.csv", rows, encoding="utf-8-sig")
    rows = [["sku", "title", "category", "brand", "price", "status", "description"]]
    for i, product in enumerate(products):
        category = ("Shoes", "Tents", "Lamps")[i % 3]
        state = "discontinued" if product in closed else "active"
        words = f"A good thing from the world of {category.lower()}, made for the {i}th year of travels"
        rows.append([product, f"{category} no {i}", category, f"Brand {i % 5}", f"{10 + i}.90", state, words])
    write_rows(folder / "products.csv", rows)
    pairs = likes(chance, customers, products, 6)
    orders: dict[str, dict[str, Any]] = {}
    for i, (customer, product) in enumerate(pairs):
        order = orders.setdefault(customer, {"order_id": f"A{i}", "customer_id": int(customer), "items": []})
        order["ordered_at"] = f"{day(chance).isoformat()} 12:{i % 60:02}:00"
        order["items"].append({"sku": product, "quantity": 1 + i % 3, "unit_price": 10.9})
    (folder / "orders.json").write_text(json.dumps(list(orders.values())), encoding="utf-8")
    rows = [["review_id", "customer_id", "sku", "stars", "comment", "created_at"]]
    for i, (customer, product) in enumerate(pairs[::3]):
        rows.append([f"R{i}", customer, product, 1 + i % 5, "so so, said Anna", f"{day(chance).isoformat()}T08:00:00"])
    write_rows(folder / "reviews.csv", rows)
    rows = [["return_id", "customer_id", "sku", "returned_on"]]
    rows += [[f"X{i}", *pair, day(chance).isoformat()] for i, pair in enumerate(pairs[::11])]
    write_rows(folder / "returns.csv", rows)
    facts = Facts(
        names={f"{('Shoes', 'Tents', 'Lamps')[i % 3]} no {i}": product for i, product in enumerate(products)},
        acted=frozenset(pairs),
        bought=frozenset(pairs),
        traits={
            customer: (("Oslo", "Łódź", "Paris")[i % 3], ("18-29", "30-49", "50+", "")[i % 4] or "–")
            for i, customer in enumerate(customers)
        },
    )
    return Truth(consents, closed, frozenset(pairs), 30, facts)


def two_customers(folder: Path) -> Truth:
    """A bank that opened yesterday: two customers, five products, three purchases."""
    rows: list[Sequence[Any]] = [["customer_id", "name", "segment", "consent"]]
    rows += [["C1", "Ada", "private", "yes"], ["C2", "Bo", "private", "no"]]
    write_rows(folder / "customers.csv", rows)
    rows = [["product_id", "name", "sector", "status"]]
    rows += [[f"P{i}", f"Fund {i}", ("energy", "health")[i % 2], "closed" if i == 4 else "open"] for i in range(5)]
    write_rows(folder / "products.csv", rows)
    rows = [["trade_id", "customer_id", "product_id", "traded_on", "amount"]]
    pairs = [("C1", "P0"), ("C1", "P1"), ("C2", "P0")]
    rows += [[f"T{i}", *pair, f"2024-0{i + 1}-15", 100 * i + 50] for i, pair in enumerate(pairs)]
    write_rows(folder / "trades.csv", rows)
    facts = Facts({f"Fund {i}": f"P{i}" for i in range(5)}, frozenset(pairs), frozenset(pairs), {"C1": (), "C2": ()})
    return Truth({"C1": True, "C2": False}, frozenset({"P4"}), frozenset(pairs), 0, facts)
