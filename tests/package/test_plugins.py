"""A bank adds a model in one file, a source of features in another: commands know both, serving needs neither."""

import csv
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.loading import far_trans

ROOT = Path(__file__).resolve().parents[2]

MODEL = '''
"""A model of one bank: popularity to a power."""

from dataclasses import dataclass

import numpy as np

from graphrec.models.fitting.config import Positive
from graphrec.models.spec import Fitted, ModelSpec
from graphrec.terms.forms.factors import Neighbours, TableTerm
from graphrec.graph.edges.adjacency import Hop


@dataclass(frozen=True)
class PairsConfig:
    power: Positive = 1.0


def fit(graph, config, inputs):
    held = graph.held()
    table = np.zeros((graph.num_products, graph.num_products), np.float32)
    for user in range(graph.num_users):
        row = held.row(user)
        table[np.ix_(row, row)] += 1
    np.fill_diagonal(table, 0)
    hops = [Hop(name) for name in graph.schema.roles.relevant]
    return Fitted.of(TableTerm("couples", graph, [Neighbours(hop, table**config.power) for hop in hops]))


SPEC = ModelSpec(
    name="couples",
    sentence="How often two products are held together.",
    fit=fit,
    config=PairsConfig,
    trials=lambda graph: iter([{"power": 0.5}, {"power": 1.0}]),
    space=lambda trial, graph: {"power": trial.suggest_float("power", 0.1, 2.0)},
)
'''

SOURCE = '''
"""A source of features of one bank: the number in a product's id."""

import numpy as np

from graphrec.features.blocks import FeatureBlock
from graphrec.models.content.text import likeness_model


class Numbers:
    name = "numbers"
    sentences = {
        "+": {"en": "the number of {i} is close to that of {a}, which {who} {verb}", "zh": "{i}的编号与{a}相近"},
        "-": {"en": "the number of {i} is far from that of {a}, which {who} {verb}", "zh": "{i}的编号与{a}相差较大"},
    }

    def blocks(self, seen, progress=None):
        label = seen.graph.schema.roles.product
        numbers = np.array([int(name[1:]) for name in seen.snapshot.nodes(label).ids])
        matrix = np.stack([numbers % 2 == 0, numbers % 2 == 1], axis=1).astype(np.float32)
        return [FeatureBlock("numbers", label, matrix, ("even", "odd"))]


def make(context):
    return Numbers()


SPEC = likeness_model("numbers", "Products whose numbers are like those of the holdings.")
'''

ENTRY_POINTS = """[graphrec.models]
couples = bank_model:SPEC
numbers = bank_features:SPEC
[graphrec.features]
numbers = bank_features:make
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed distribution of two files."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "bank_model.py").write_text(MODEL)
    (folder / "bank_features.py").write_text(SOURCE)
    info = folder / "bank_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bank-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the snapshot of a small bank: even customers hold even products, odd ones odd products."""
    folder = tmp_path_factory.mktemp("bank")
    begin = date(2020, 1, 2)
    trades = [
        (f"c{c:02d}", f"A{a:02d}", "Buy", (begin + timedelta(days=(7 * c + 3 * a) % 200)).isoformat())
        for c in range(30)
        for a in range(20)
        if a % 2 == c % 2 and (a + c) % 5
    ]
    prices = {f"A{a:02d}": {begin: 1.0} for a in range(20)}
    files = far_trans.write(folder / "files", trades, prices)
    graphrec(folder / "home", None, "snapshot", "--from", "far-trans", "--data", str(files))
    return folder / "home"


APP = "from graphrec.cli import app; app()"


def graphrec(home: Path, plugins: Path | None, *arguments: str, code: int = 0) -> str:
    """What a command prints, in a process that sees the distribution or not."""
    paths = [str(ROOT), *([str(plugins)] if plugins else [])]
    done = subprocess.run(
        [sys.executable, "-c", APP, "--home", str(home), "--policy", "none", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        check=False, capture_output=True, text=True, cwd=home.parent, timeout=300,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.mark.slow
def test_a_model_of_one_file_is_trained_tuned_explained_and_exported(home: Path, plugins: Path) -> None:
    for command in ("train", "tune"):
        assert "couples" in graphrec(home, plugins, command, "--help")
        assert "couples" not in graphrec(home, None, command, "--help")
    options = ("--model", "couples", "--blocks", "none", "--json")
    (study,) = json.loads(graphrec(home, plugins, "tune", *options, "--trials", "3"))["studies"]
    assert (study["model"], study["trials"]) == ("couples", 3)
    done = json.loads(graphrec(home, plugins, "train", *options))
    assert done["tuned"] == ["couples"]
    assert done["configuration"]["terms"] == {"couples": study["configuration"]}
    # Serving needs no plug-in.
    answer = json.loads(graphrec(home, None, "recommend", "c00", "-k", "2", "--model", "couples", "--json"))
    assert {int(item["product"][1:]) % 2 for item in answer["items"]} == {0}
    assert "goes well with" in answer["items"][0]["lines"][0]["text"]
    graphrec(home, None, "export", "--model", "couples", "-k", "2", "--out", "lists.csv")
    with (home.parent / "lists.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["user"] for row in rows}) == 30
    said = graphrec(home, None, "train", "--model", "couples", code=2)
    assert said.startswith("error: there is no model 'couples'")
    said = graphrec(home, plugins, "train", "--model", "couples", "--set", "couples.powr=1", code=2)
    assert "couples has no 'powr'; the nearest is power" in said


@pytest.mark.slow
def test_a_feature_source_of_one_file_is_read_and_named_by_the_ledger(home: Path, plugins: Path) -> None:
    options = ("--model", "numbers", "--blocks", "numbers", "--json")
    done = json.loads(graphrec(home, plugins, "train", *options))
    assert done["configuration"]["weights"] == {"numbers": 1.0}
    meta = json.loads((home / "serving" / "models" / "numbers-test" / "meta.json").read_text("utf-8"))
    (block,) = meta["blocks"]
    assert (block["name"], block["width"], len(block["digest"])) == ("numbers", 2, 64)
    answer = json.loads(graphrec(home, None, "recommend", "c01", "-k", "2", "--model", "numbers", "--json"))
    assert {int(item["product"][1:]) % 2 for item in answer["items"]} == {1}
    assert answer["items"][0]["lines"][0]["text"].startswith("the number of it is close to that of FUND ")
    said = graphrec(home, plugins, "train", "--blocks", "nubmers", code=2)
    assert said.startswith("error: --blocks nubmers: there is no source 'nubmers'; there are text, columns, series, ")
    refused = graphrec(home, plugins, "train", "--model", "numbers", "--blocks", "none", code=5)
    assert "needs the block `numbers`" in refused
