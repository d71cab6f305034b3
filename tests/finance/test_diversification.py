"""The term of diversification: minus the covariance, holding by holding, and nothing of a price to come."""

import csv
import json
import math
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export, Load, Train
from graphrec.app.report.business import money
from graphrec.app.requests import Explain, Recommend
from graphrec.config.settings import Settings
from graphrec.errors import UsageError
from graphrec.graph.edges.adjacency import Hop
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.progress import silent
from graphrec.serving.answer import Answer
from graphrec.store import open_store
from graphrec.terms.folder import latest, open_model, read_meta
from graphrec.terms.forms.portfolio import PortfolioTerm
from tests.finance.test_portfolio import MAPPING

TODAY = date(2025, 6, 1)
DAYS, CUSTOMERS, PRODUCTS = 300, 60, 12
OWN = MAPPING.replace(
    'sql = "SELECT id, name, kind, CAST(fee AS DOUBLE) AS fee_percent FROM products"',
    'sql = "SELECT id, name, kind, stands FROM products"\nshow = { kind = "kind" }',
)
SETTINGS = 'cash = "cash_eur"\nriskless = ["deposit"]\nproxy = "stands"\n'
DEPOSIT, UNPRICED, STOOD = "P10", "P11", "P09"
"""A deposit; a fund without prices; one for which P01 stands."""


def courses() -> np.ndarray:
    """Prices of products of two groups that move apart (PRODUCTS, DAYS)."""
    draw = np.random.default_rng(5)
    market, other = draw.normal(0, 0.01, (2, DAYS))
    own = draw.normal(0, 0.006, (PRODUCTS, DAYS))
    both = [(market if n % 2 else 0.7 * other - 0.3 * market) + own[n] for n in range(PRODUCTS)]
    return 50 * np.exp(np.cumsum(both, axis=1))


def write_files(folder: Path, *, later: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    days = [str(np.datetime64("2024-08-01") + n) for n in range(DAYS)]
    priced = [n for n in range(PRODUCTS) if f"P{n:02}" not in (DEPOSIT, UNPRICED, STOOD)]
    rows = [
        f"P{n:02},{day},{price!r}"
        for n in priced
        for day, price in zip(days, courses()[n].tolist(), strict=True)
        if (n, day) != (3, days[50])
    ]
    if later:
        rows += [f"P{n:02},2025-06-0{day},{10 ** (day + 2)}" for n in priced for day in (1, 2, 3)]
    (folder / "prices.csv").write_text("id,day,close\n" + "\n".join(rows) + "\n")
    kinds = {f"P{n:02}": "fund" for n in range(PRODUCTS)} | {DEPOSIT: "deposit"}
    stands = {STOOD: "P01"}
    products = [
        f"{one},Product {one},{kind},{stands.get(one, '')},I{n % 3}" for n, (one, kind) in enumerate(kinds.items())
    ]
    (folder / "products.csv").write_text("id,name,kind,stands,issuer\n" + "\n".join(products) + "\n")
    customers = [f"c{n:02},{100 * n if n % 3 else ''}" for n in range(CUSTOMERS)]
    (folder / "customers.csv").write_text("id,cash\n" + "\n".join(customers) + "\n")
    draw = np.random.default_rng(8)
    held = []
    for n in range(CUSTOMERS):
        for place, product in enumerate(draw.permutation(PRODUCTS)[:5].tolist()):
            day = np.datetime64("2024-09-01") + int(40 * place + draw.integers(0, 30))
            held.append(f"c{n:02},P{product:02},{day},{int(draw.integers(1, 40)) * 100}")
    (folder / "held.csv").write_text("customer,product,since,value\n" + "\n".join(held) + "\n")
    (folder / "broker.toml").write_text(OWN)


def bank_in(folder: Path) -> Bank:
    return Bank(Settings(home=folder / "home", policy="none", today=TODAY))


WEIGHED = Train(blocks=("portfolio",), overrides=("diversification.weight=0.4",))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model that weighs diversification."""
    folder = tmp_path_factory.mktemp("spread")
    write_files(folder / "files")
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "broker.toml")))
    (folder / "home" / "market.toml").write_text(SETTINGS)
    bank.train(WEIGHED)
    return folder


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "files" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def covariances(folder: Path) -> dict[tuple[str, str], float]:
    """By two products, from the prices alone that the fit could see: a year, with divisor T - 1."""
    (block,) = read_meta(latest(bank_in(folder).home)).blocks
    assert block.as_of is not None
    first = datetime(2024, 8, 1, tzinfo=UTC)
    seen = math.ceil((datetime.fromisoformat(block.as_of) - first) / timedelta(days=1))
    assert 100 < seen < DAYS, "prices after the last event that the fit saw are not read"
    course = courses()[:, :seen]
    course[3, 50] = course[3, 49]
    course[int(STOOD[1:])] = course[1]
    table = np.cov(course[:, 1:] / course[:, :-1] - 1, ddof=1) * 252
    return {(f"P{a:02}", f"P{b:02}"): table[a, b] for a in range(PRODUCTS) for b in range(PRODUCTS)}


def wealth_of(folder: Path, user: str) -> tuple[dict[str, float], float]:
    held = {row["product"]: float(row["value"]) for row in rows(folder, "held") if row["customer"] == user}
    cash = next(float(row["cash"] or 0) for row in rows(folder, "customers") if row["id"] == user)
    return held, sum(held.values()) + cash


def explained(bank: Bank, user: str, product: str, **more: object) -> Answer:
    return bank.explain(Explain(user, product, record=False, **more)).answer  # type: ignore[arg-type]


def snapshot_of(bank: Bank) -> Snapshot:
    return SnapshotShelf(bank.home.snapshots).latest()


def term_of(folder: Path) -> tuple[PortfolioTerm, float]:
    bank = bank_in(folder)
    model = open_model(latest(bank.home), snapshot_of(bank))
    place = next(n for n, term in enumerate(model.blend.terms) if isinstance(term, PortfolioTerm))
    term = model.blend.terms[place]
    assert isinstance(term, PortfolioTerm)
    return term, model.blend.weights[place]


@pytest.mark.slow
def test_each_holding_has_its_line_to_1e_9(broker: Path) -> None:
    bank, covariance = bank_in(broker), covariances(broker)
    term, weight = term_of(broker)
    checked = 0
    for user in ("c01", "c02", "c03", "c10", "c31"):
        held, wealth = wealth_of(broker, user)
        for item in bank.recommend(Recommend(user, 4, record=False)).answer.items:
            (whole,) = explained(bank, user, item.product).items
            assert abs(sum(line.share for line in whole.lines) - whole.score) <= 1e-9
            own = {line.via.id: line for line in whole.lines if line.kind == "diversification" and line.via}
            moving = {one for one in held if one not in (DEPOSIT, UNPRICED)}
            assert set(own) == (set() if item.product in (DEPOSIT, UNPRICED) else moving)
            for one, line in own.items():
                expected = -held[one] / wealth * covariance[one, item.product] / term.moves.scale
                assert abs(line.share - weight * expected) <= 1e-9
                assert line.cypher is not None
                assert line.cypher_note is None
                with open_store(None, bank.home.store) as store:
                    (found,) = store.query(line.cypher, line.parameters).records()  # type: ignore[arg-type]
                assert found["via"] == one
                assert abs(found["share"] - line.share) <= 1e-9
                checked += 1
    assert checked > 40


@pytest.mark.slow
def test_the_sentence_names_correlation_and_both_volatilities_where_the_sign_agrees(broker: Path) -> None:
    bank, covariance = bank_in(broker), covariances(broker)
    said = {"with": 0, "against": 0, "told": 0, "untold": 0}
    for user in (f"c{n:02}" for n in range(0, CUSTOMERS, 3)):
        held, wealth = wealth_of(broker, user)
        parts = {one: value / wealth for one, value in held.items() if one not in (DEPOSIT, UNPRICED)}
        for item in bank.recommend(Recommend(user, 3, record=False)).answer.items:
            if item.product in (DEPOSIT, UNPRICED):
                continue
            variance = sum(p * q * covariance[a, b] for a, p in parts.items() for b, q in parts.items())
            joint = sum(p * covariance[a, item.product] for a, p in parts.items())
            after = 0.95**2 * variance + 2 * 0.05 * 0.95 * joint + 0.05**2 * covariance[item.product, item.product]
            before, then = (f"{100 * one**0.5:.1f}%" for one in (variance, after))
            for line in explained(bank, user, item.product).items[0].lines:
                if line.kind != "diversification" or line.via is None:
                    continue
                a, b = line.via.id, item.product
                correlation = covariance[a, b] / (covariance[a, a] * covariance[b, b]) ** 0.5
                way = "against" if line.share > 0 else "with"
                # Two texts: with both volatilities, or without where they would say the opposite of the line.
                start = f"moves {way} the customer's Product {a} (correlation {correlation:.2f})"
                assert line.text.replace("−", "-").startswith(start)
                agrees = (after < variance) == (line.share > 0)
                told = f"; with 5% of the wealth in it, the portfolio's volatility would go from {before} to {then}"
                assert line.text.endswith(told) == agrees
                said[way] += 1
                said["told" if agrees else "untold"] += 1
    assert min(said.values()) > 0


def test_a_deletion_is_a_sale_to_cash(broker: Path) -> None:
    covariance = covariances(broker)
    term, _ = term_of(broker)
    bank = bank_in(broker)
    snapshot = snapshot_of(bank)
    ids = list(snapshot.nodes("Product").ids)
    user = snapshot.nodes("Customer").ids.find("c01")
    held, wealth = wealth_of(broker, "c01")
    sold = next(one for one in held if one not in (DEPOSIT, UNPRICED))
    edge = (Hop("HOLDS"), ids.index(sold))
    left = term.without_edges(user, [edge])
    assert np.abs(left.batch(np.array([user], np.int32))[0] - left.scores(user)).max() < 1e-5
    for place, product in enumerate(ids):
        if product in (DEPOSIT, UNPRICED):
            assert left.scores(user)[place] == 0
            continue
        kept = [one for one in held if one not in (DEPOSIT, UNPRICED, sold)]
        expected = -sum(held[one] / wealth * covariance[one, product] for one in kept) / term.moves.scale
        assert abs(left.scores(user)[place] - expected) <= 1e-9
    # An audit takes every line's own edge away and finds what the line said.
    listed = bank.recommend(Recommend("c01", 3, record=False)).answer.items[0]
    (item,) = explained(bank, "c01", listed.product, audit=True).items
    assert item.audit is not None
    assert "diversification" in item.audit.folded_in


def test_one_customer_and_many_have_the_same_scores(broker: Path) -> None:
    term, _ = term_of(broker)
    users = np.arange(CUSTOMERS, dtype=np.int32)
    single = np.stack([term.scores(user) for user in users.tolist()])
    assert np.array_equal(term.rows(users), single)
    assert np.abs(term.batch(users) - single).max() < 1e-5 * np.abs(single).max()
    assert single.std(axis=1).mean() == pytest.approx(1.0, rel=0.5), "the constant is of the size of its spread"
    shares = term.shares(3, np.arange(term.graph.num_products, dtype=np.int32))
    assert np.abs(shares.values.sum(axis=0) - term.scores(3)).max() <= 1e-12


def test_it_is_recorded_replayed_and_exported(broker: Path, tmp_path: Path) -> None:
    bank = bank_in(broker)
    found = bank.recommend(Recommend("c05", 5))
    assert found.record is not None
    assert bank.replay(found.record).same
    bank.export(Export(tmp_path / "lists.jsonl", k=5))
    lines = [json.loads(line) for line in (tmp_path / "lists.jsonl").read_text().splitlines()]
    own = [line["product"] for line in lines if line["user"] == "c05"]
    assert own == [item.product for item in found.answer.items]
    for code, word in (("de", "Korrelation"), ("zh", "相关系数")):
        (item,) = explained(bank, "c05", own[0], language=code).items
        told = [line.text for line in item.lines if line.kind == "diversification"]
        assert told
        assert all(word in text for text in told)


@pytest.mark.slow
def test_a_price_to_come_changes_no_byte(broker: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "files", later=True)
    bank = bank_in(tmp_path)
    bank.load(Load(str(tmp_path / "files" / "broker.toml")))
    (tmp_path / "home" / "market.toml").write_text(SETTINGS)
    bank.train(WEIGHED)
    before, after = (latest(bank_in(folder).home) / "model.safetensors" for folder in (broker, tmp_path))
    assert before.read_bytes() == after.read_bytes()
    one, other = (bank_in(folder).recommend(Recommend("c07", 5, record=False)).answer for folder in (broker, tmp_path))
    assert [asdict(item) for item in one.items] == [asdict(item) for item in other.items]


@pytest.mark.slow
def test_it_is_off_without_prices_amounts_or_the_block(broker: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "files")
    bank = bank_in(tmp_path)
    bank.load(Load(str(tmp_path / "files" / "broker.toml")))
    bank.train(Train(blocks=()))
    assert all(
        not isinstance(term, PortfolioTerm) for term in open_model(latest(bank.home), snapshot_of(bank)).blend.terms
    )
    plain = bank.train(Train(blocks=("portfolio",), seed=3))
    kept = "diversification" in plain.configuration.terms
    assert kept is not any("validation gains nothing" in note for note in plain.notes)
    (tmp_path / "home" / "market.toml").write_text('cash = "cash_usd"\n')
    with pytest.raises(UsageError, match="cash_usd"):
        bank.train(WEIGHED)
    with pytest.raises(UsageError, match="has no part diversification"):
        bank.train(Train("popularity", overrides=("diversification.weight=0.4",)))


@pytest.mark.slow
def test_a_report_reads_the_lists_of_such_a_model(tmp_path: Path) -> None:
    write_files(tmp_path / "files")
    file = tmp_path / "files" / "broker.toml"
    fee = "CAST(substr(id, 2) AS DOUBLE) AS fee"
    own = file.read_text("utf-8").replace("stands FROM products", f"stands, {fee} FROM products")
    file.write_text(own.replace('show = { kind = "kind" }', 'show = { kind = "kind", fee = "fee" }'), "utf-8")
    bank = bank_in(tmp_path)
    bank.load(Load(str(file)))
    (tmp_path / "home" / "market.toml").write_text(SETTINGS)
    bank.train(WEIGHED)
    before = {one.name: one.value for one in money(bank, silent).figures}
    assert 0 < before["fee_listed"] < PRODUCTS
    # What the policy refuses is in no list, and in no figure of lists.
    (tmp_path / "home" / "policy.toml").write_text(
        'version = "1"\n[[rule]]\nid = "fee"\nsentence = "it costs too much"\nrequire = "product.fee < 2"\n', "utf-8"
    )
    cheap = Bank(Settings(home=tmp_path / "home", today=TODAY))
    after = {one.name: one.value for one in money(cheap, silent).figures}
    assert after["fee_listed"] < 1 < before["fee_listed"]
    assert after["fee_held"] == before["fee_held"]


PIECES = OWN.replace('weight = "value"', 'quantity = "pieces"\nuntil = "ended"').replace(
    "CAST(held.value AS DOUBLE) AS value FROM held",
    "CAST(held.pieces AS DOUBLE) AS pieces, CAST(NULLIF(held.ended, '') AS DATE) AS ended FROM held",
)
GIVEN = PIECES.replace('quantity = "pieces"', 'quantity = "pieces"\nweight = "value"').replace(
    " AS pieces,", " AS pieces, CAST(held.value AS DOUBLE) AS value,"
)


def write_changing(folder: Path, mapping: str) -> None:
    """The same bank with pieces, of which some are given away, and holdings that are over or end later."""
    write_files(folder)
    draw, lines = np.random.default_rng(3), []
    for row in csv.DictReader((folder / "held.csv").read_text().splitlines()):
        pieces = int(draw.integers(2, 30))
        ended = str(draw.choice(["", "", "2025-04-01", "2027-01-01"]))
        lines.append(f"{row['customer']},{row['product']},{row['since']},{row['value']},{pieces},{ended}")
        if not ended and draw.random() < 0.5:
            sold = int(draw.integers(1, pieces))
            lines.append(f"{row['customer']},{row['product']},2025-05-01,{int(row['value']) // 3},{-sold},")
    (folder / "held.csv").write_text("customer,product,since,value,pieces,ended\n" + "\n".join(lines) + "\n")
    (folder / "broker.toml").write_text(mapping)


@pytest.fixture(scope="module", params=[OWN, PIECES, GIVEN], ids=["amounts", "pieces", "both"])
def changing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A mapping, and a home with a model that weighs diversification."""
    folder = tmp_path_factory.mktemp("changing")
    write_changing(folder / "files", request.param)
    bank = bank_in(folder)
    bank.load(Load(str(folder / "files" / "broker.toml")))
    (folder / "home" / "market.toml").write_text(SETTINGS)
    bank.train(WEIGHED)
    return request.param, folder


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def test_each_line_runs_as_cypher(
    kind: str, changing: tuple[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """On both stores: amounts, pieces at their last price, and amounts of which some are over or were given away."""
    mapping, folder = changing
    bank = bank_in(folder)
    opened = bank.home.store, None, None
    if kind == "neo4j":
        uri, login = request.getfixturevalue("neo4j_login")
        request.getfixturevalue("neo4j_store")  # empty, and emptied again
        Bank(Settings(home=tmp_path, store=uri, login=login, policy="none", today=TODAY)).load(
            Load(str(folder / "files" / "broker.toml"))
        )
        opened = tmp_path, uri, login
    checked, forms = 0, set()
    lines = [
        line
        for user in ("c01", "c02", "c03", "c10", "c31", "c44")
        for item in bank.recommend(Recommend(user, 3, record=False)).answer.items
        for line in explained(bank, user, item.product).items[0].lines
        if line.kind == "diversification" and line.via is not None
    ]
    with open_store(opened[1], opened[0], opened[2]) as store:
        for line in lines:
            assert line.via is not None
            assert line.cypher is not None
            assert line.parameters is not None
            assert line.cypher_note is None
            (found,) = store.query(line.cypher, line.parameters).records()  # type: ignore[arg-type]
            assert (found["via"], found["share"]) == (line.via.id, pytest.approx(line.share, abs=1e-9))
            checked += 1
            forms.add(frozenset(line.parameters))
    assert checked > 30
    (names,) = forms
    assert ("price" in names, "until" in names) == (mapping == PIECES, mapping != OWN)
