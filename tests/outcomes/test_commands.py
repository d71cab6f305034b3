"""graphrec outcomes and graphrec experiment as people and scripts use them; the same over HTTP."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.requests import Recommend
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.home import Home
from graphrec.service.application import make_app
from graphrec.service.core import ServiceOptions
from tests.outcomes.test_bank import DAY, EXPERIMENT, SECRET
from tests.served import copied


@pytest.fixture(scope="module")
def filled(served_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with lists of 2026-01-02 in two arms and a holdout, and events of the next day."""
    found = Home(tmp_path_factory.mktemp("outcomes") / "home")
    copied(served_home, found.path)
    (found.serving / "secret").write_text(SECRET, "ascii")
    found.policy.write_text('version = "1"\n', "utf-8")
    (found.path / "experiments.toml").write_text("[holdout]\nshare = 0.3\n" + EXPERIMENT, "utf-8")
    bank = Bank(Settings(home=found.path, today=DAY))
    sent = []
    for number, user in enumerate(bank.opened.engine(found, None, bank.now()).users.ids):
        items = bank.recommend(Recommend(user, 3)).answer.items
        if number % 2 and items:
            event = {"id": f"e{number}", "user": user, "type": "accepted", "at": "2026-01-02T12:00:00Z"}
            sent.append({**event, "product": items[0].product})
    accept(bank, sent)
    return found


def run(home: Home, *words: str, today: str = "2026-03-01") -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["--home", str(home.path), *words], env={"GRAPHREC_TODAY": today})
    return done.exit_code, done.stdout, done.stderr


def test_outcomes_in_json_have_the_keys_that_scripts_rely_on(filled: Home) -> None:
    code, out, _ = run(filled, "outcomes", "--by", "rank", "--json")
    assert code == 0
    plain = json.loads(out)
    assert set(plain["by"][0]) >= {"group", "value", "shown", "accepted", "rate", "low", "high"}
    assert plain["control"]["group"] == "control"
    assert plain["control"]["rate"] == plain["control"]["accepted"] / plain["control"]["shown"]
    assert plain["lift"]["low"] <= plain["lift"]["value"] <= plain["lift"]["high"]
    assert plain["window_days"] == 30


def test_outcomes_as_a_table_say_control_drift_and_place(filled: Home, tmp_path: Path) -> None:
    code, out, _ = run(filled, "outcomes", "--by", "arm", "--picture", str(tmp_path / "arms.svg"))
    assert code == 0
    assert "length/usual" in out
    assert "drawn evenly" in out
    assert "drift: one month says nothing of a drift" in out
    assert "place: " in out
    drawn = (tmp_path / "arms.svg").read_text("utf-8")
    assert "length/short" in drawn
    assert drawn.startswith("<svg ")


def test_segments_are_columns_of_customers(filled: Home) -> None:
    code, out, _ = run(filled, "outcomes", "--by", "segment", "--segment", "nothing", "--json")
    assert (code, out) == (2, "")
    bank = Bank(Settings(home=filled.path, today=DAY))
    facts = bank.opened.engine(filled, None, bank.now()).snapshot
    for column in facts.nodes(facts.schema.roles.user).columns:
        code, out, _ = run(filled, "outcomes", "--by", "segment", "--segment", column, "--json")
        assert code == 0
        assert json.loads(out)["total"]["shown"] > 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("outcomes", "--by", "segment"), 2, "wants --segment"),
        (("outcomes", "--window", "0"), 2, "want a number of days above 0"),
        (("outcomes", "--since", "soon"), 2, "--since soon is no date"),
        (("outcomes", "--log", "x.csv"), 2, "--log FILE and --target FILE"),
        (("outcomes", "--log", "no.csv", "--target", "even"), 3, "no.csv cannot be read"),
        (("outcomes", "--model", "nothing"), 5, "nothing"),
        (("experiment", "show", "height"), 3, "there is no experiment 'height'"),
        (("experiment", "stop", "length"), 2, "wants a name and a reason"),
    ],
    ids=["segment", "window", "since", "log", "file", "model", "unknown", "reason"],
)
def test_what_cannot_be_answered_is_one_line(filled: Home, words: tuple[str, ...], code: int, message: str) -> None:
    found, out, err = run(filled, *words)
    assert (found, out) == (code, "")
    assert message in err.strip().splitlines()[-1]


def test_an_experiment_is_shown_checked_and_stopped(filled: Home, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(filled.path, home.path)
    code, out, _ = run(home, "experiment", "show")
    assert code == 0
    assert "length · running" in out
    assert "nothing is sure yet" in out
    assert "drawn evenly: 30.0% of the customers" in out
    plain = json.loads(run(home, "experiment", "check", "--json")[1])
    assert plain["experiments"][0]["arms"][0]["difference"] is None
    assert plain["stopped_now"] == []
    code, out, _ = run(home, "experiment", "stop", "length", "--why", "enough")
    assert (code, out.strip()) == (0, "experiment length is stopped: enough")
    assert "length · stopped" in run(home, "experiment", "check", "length")[1]


def test_the_service_answers_the_same_and_shows_no_protected_column_to_an_analyst(filled: Home) -> None:
    bank = Bank(Settings(home=filled.path, today=DAY))
    with TestClient(make_app(bank, ServiceOptions(is_open=True))) as client:
        plain = client.get("/v1/outcomes?by=arm").json()
        assert plain == json.loads(run(filled, "outcomes", "--by", "arm", "--json", today="2026-01-02")[1])
        found = client.get("/v1/experiments").json()
        assert [one["name"] for one in found["experiments"]] == ["length"]
        assert client.get("/v1/outcomes?by=height").status_code == 422
        assert client.get("/v1/outcomes?since=soon").status_code == 422
        assert client.get("/v1/outcomes?window=0").status_code == 422


def test_a_log_in_the_form_of_open_bandit_is_judged_without_a_home(
    data_dir: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = data_dir("open-bandit")
    words = ("--log", str(folder / "random" / "all"), "--target", str(folder / "bts" / "all"))
    code, out, _ = run(Home(tmp_path / "none"), "outcomes", *words, "--json")
    assert code == 0
    found = json.loads(out)["estimate"]
    # obp 0.5.7: see tests/metrics/test_metrics_off_policy.py
    assert found["ips"]["value"] == pytest.approx(0.005035366932711512, abs=1e-9)
    assert found["snips"]["value"] == pytest.approx(0.0052530721964214695, abs=1e-9)
    assert found["dr"]["value"] == pytest.approx(0.005042376877618841, abs=1e-9)
    assert found["logged"] == 0.0038
    assert found["effective"] > 1000
    # What BTS earned when it was served lies within.
    assert found["snips"]["low"] <= 0.0042 <= found["snips"]["high"]


def _log(path: Path, rows: list[str]) -> Path:
    path.write_text("item_id,position,click,propensity_score\n" + "\n".join(rows) + "\n", "utf-8")
    return path


def test_a_target_beyond_the_log_is_refused_and_so_is_one_that_it_says_too_little_of(tmp_path: Path) -> None:
    log = _log(tmp_path / "log.csv", [f"{item},1,{int(n % 3 == 0)},0.5" for n in range(100) for item in ("a", "b")])
    target = tmp_path / "target.csv"
    home = Home(tmp_path / "none")
    target.write_text("item_id,position,probability\na,1,1.0\n", "utf-8")
    code, out, _ = run(home, "outcomes", "--log", str(log), "--target", str(target), "--json")
    assert code == 0
    assert json.loads(out)["estimate"]["ips"]["value"] == pytest.approx(34 / 100)
    target.write_text("item_id,position,probability\nc,1,1.0\n", "utf-8")
    assert "item c at position 1 is not in the log" in run(
        home, "outcomes", "--log", str(log), "--target", str(target)
    )[2]  # fmt: skip
    target.write_text("item_id,position,probability\na,1,0.7\n", "utf-8")
    assert "add up to 0.7" in run(home, "outcomes", "--log", str(log), "--target", str(target))[2]
    few = _log(tmp_path / "few.csv", ["a,1,1,0.5", "b,1,0,0.5"])
    target.write_text("item_id,position,probability\na,1,1.0\n", "utf-8")
    code, _, err = run(home, "outcomes", "--log", str(few), "--target", str(target))
    assert code == 3
    assert "rest on 1.0 of 2 choices" in err
    bad = _log(tmp_path / "bad.csv", ["a,1,2,0.5"])
    assert "line 2: click '2' is no number from 0 to 1" in run(
        home, "outcomes", "--log", str(bad), "--target", "even"
    )[2]  # fmt: skip
