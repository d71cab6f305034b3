"""The whole way by commands: load, train, evaluate, recommend, explain, export; and the keys other programs rely on."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.banks.commands import Commands
from tests.banks.demo import CUSTOMERS, cut_demo_bank

pytestmark = pytest.mark.slow

PYTHON = [sys.executable, str(Path(__file__).resolve().parents[2] / "cli.py")]


class Bank(Commands):
    """A home with the demo bank in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "home", "--policy", "none")
        self.folder, self.files = folder, folder / "bank"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """The demo bank with fewer customers, loaded, trained and trained finally without texts."""
    made = Bank(tmp_path_factory.mktemp("chain"))
    made.run("demo", "--out", str(made.files))
    cut_demo_bank(made.files)
    made.run("load", "demo", "--data", str(made.files))
    made.run("train", "--no-text")
    return made


@pytest.fixture(scope="module")
def served(bank: Bank) -> Bank:
    """The same with a final model."""
    bank.run("train", "--final", "--no-text")
    return bank


def test_load_again_has_nothing_to_do(bank: Bank) -> None:
    report = bank.json("load", "demo", "--data", str(bank.files))
    assert set(report) == {"mapping", "run", "nodes", "edges", "marks", "cleaned", "seconds"}
    assert report["mapping"] == "demo"
    counts = [*report["nodes"].values(), *report["edges"].values()]
    assert all(
        set(one) == {"read", "created", "changed", "unchanged", "removed", "rejected", "suppressed"} for one in counts
    )
    assert not any(one["created"] or one["changed"] or one["removed"] for one in counts)
    said = bank.run("load", "demo", "--data", str(bank.files)).stdout
    assert said == "nothing to do: the files are those of the last full load\n"


def test_the_demo_bank_has_no_fault_of_quality(bank: Bank) -> None:
    assert bank.json("quality")["faults"] == []


def test_train_again_has_nothing_to_do(bank: Bank) -> None:
    report = bank.json("train", "--no-text")
    assert {"model", "path", "hash", "snapshot", "metrics", "seconds"} <= set(report)
    assert report["is_new"] is False
    assert set(report["metrics"]["ndcg@20"]) == {"value", "low", "high"}
    assert bank.run("train", "--no-text").stdout.startswith("nothing to do: blend-test was trained on this snapshot")


def test_evaluate_has_its_keys_and_beats_the_baselines(bank: Bank) -> None:
    report = bank.json("evaluate", "--k", "10,20")
    assert set(report) == {"model", "split", "k", "metrics", "baselines", "notes", "details", "seconds", "verdict"}
    assert report["k"] == [10, 20]
    assert {"name", "hash", "users", "test_interactions"} <= set(report["split"])
    names = {"recall", "precision", "ndcg", "hit_rate", "mrr", "coverage", "novelty"}
    assert set(report["metrics"]) == {f"{name}@{k}" for name in names for k in (10, 20)}
    assert set(report["baselines"]) == {"popularity", "itemknn"}
    best = max(baseline["ndcg@20"]["value"] for baseline in report["baselines"].values())
    assert report["metrics"]["ndcg@20"]["value"] > best + 0.01


def test_recommend_has_its_keys_and_adds_up(served: Bank) -> None:
    answer = served.json("recommend", "C000016", "-k", "4")
    assert {"user", "as_of", "model", "snapshot", "items", "abstained"} <= set(answer)
    assert (answer["user"], answer["model"], answer["abstained"]) == ("C000016", "blend-final", None)
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4]
    for item in answer["items"]:
        assert {"rank", "product", "name", "score", "lines", "rest"} <= set(item)
        assert sum(line["share"] for line in item["lines"]) + item["rest"] == pytest.approx(item["score"], abs=1e-9)
        assert 1 <= len(item["lines"]) <= 5
        for line in item["lines"]:
            keys = {"kind", "text", "share", "contrast", "via", "path", "cypher", "parameters"}
            assert keys <= set(line)
            assert line["share"] > 0
            if line["path"]:
                assert [set(edge) for edge in line["path"][1::2]] == [{"type", "direction"}] * (len(line["path"]) // 2)
                assert {frozenset(node) for node in line["path"][::2]} <= {
                    frozenset({"label", "id", "name"}),
                    frozenset({"label", "count"}),
                }


def test_explain_prints_every_line_and_its_cypher_runs(served: Bank) -> None:
    product = served.json("recommend", "C000016", "-k", "1")["items"][0]["product"]
    answer = served.json("explain", "C000016", product)
    (item,) = answer["items"]
    line = next(line for line in item["lines"] if line["path"] and "count" not in line["path"][-3])
    given = [part for name, value in line["parameters"].items() for part in ("--param", f"{name}={value}")]
    result = served.json("query", line["cypher"], *given)
    assert [row[result["columns"].index("share")] for row in result["rows"]] == [pytest.approx(line["share"], rel=1e-6)]
    text = served.run("explain", "C000016", product, "--picture", str(served.folder / "why.png")).stdout
    assert "the lines add up to the score" in text
    assert "MATCH (u:`Customer` {id: $user})" in text
    assert (served.folder / "why.png").stat().st_size > 10_000


def test_export_holds_the_lists(served: Bank) -> None:
    report = served.json("export", "--out", str(served.folder / "scores.csv"), "-k", "3")
    assert report["users"] == CUSTOMERS
    with (served.folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = ["user", "product", "rank", "score", "reason", "reason_share", "model", "snapshot", "as_of"]
    wanted += ["name", "confidence", "warnings"]
    assert list(rows[0])[: len(wanted)] == wanted
    listed = served.json("recommend", "C000016", "-k", "3")["items"]
    found = [(row["product"], float(row["score"])) for row in rows if row["user"] == "C000016"]
    assert found == [(item["product"], pytest.approx(item["score"], abs=1e-9)) for item in listed]


def test_unknown_ids_and_models_are_one_line(served: Bank) -> None:
    error = served.run("recommend", "C00016", code=3).stderr
    assert error.startswith("error: no user 'C00016'; the nearest are C000016,")
    assert error.endswith("search with: graphrec find C00016\n")
    assert error.count("\n") == 1
    error = served.run("recommend", "C000016", "--model", "ease", code=5).stderr
    models = served.home / "serving" / "models"
    wanted = f"error: there is no model of kind ease in {models} yet; run: graphrec train --model ease\n"
    assert error == wanted
    error = served.run("evaluate", "--k", "ten", code=2).stderr
    assert error == "error: -k ten: want whole numbers with commas between them, such as 1,3,10,20\n"
    error = served.run("evaluate", "--baselines", "best", code=2).stderr
    assert error.startswith("error: there is no baseline 'best'; there are kernel, learned-kernel, ")
    error = served.run("train", "--model", "magic", code=2).stderr
    assert error.startswith("error: there is no model 'magic'; there are blend, kernel,")


def test_recommend_works_while_a_load_runs_and_a_second_load_is_refused(served: Bank) -> None:
    big = served.folder / "big"
    served.run("demo", "--size", "M", "--out", str(big))
    line = [*PYTHON, "--home", str(served.home), "load", "demo", "--data", str(big), "--incremental"]
    loading = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        deadline = time.monotonic() + 200
        while served.home.joinpath("vault", "store").exists() and time.monotonic() < deadline:
            if loading.poll() is not None:
                # A query had the store open when the load wanted it.
                loading.communicate()
                loading = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            time.sleep(1)
            refused = subprocess.run(
                [*PYTHON, "--home", str(served.home), "query", "MATCH (c:Customer) RETURN count(c) AS customers"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if refused.returncode == 4:
                break
        assert (
            f"another process has the store {served.home / 'vault' / 'store'} open; wait for its load to end"
            in refused.stderr
        )
        assert loading.poll() is None
        assert len(served.json("recommend", "C000016")["items"]) == 5
        assert served.json("find", "C000016")["users"][0]["id"] == "C000016"
    finally:
        loading.send_signal(signal.SIGINT)
        _, error = loading.communicate(timeout=60)
    assert loading.returncode in (130, 0)
    assert os.linesep.join(error.splitlines()[-1:]) in ("error: interrupted", "")
