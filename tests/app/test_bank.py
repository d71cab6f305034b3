"""The use cases: one bank, typed requests and answers, a model replaced under a running one."""

import ast
import dataclasses
import errno
import hashlib
import importlib
import inspect
import json
import re
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

import graphrec
from graphrec import app
from graphrec.app import jobs, requests
from graphrec.app.answers import refused_to_json
from graphrec.app.bank import Bank
from graphrec.app.views import viewer
from graphrec.config.settings import NO_POLICY, Settings
from graphrec.errors import (
    Damaged,
    MissingRules,
    NoPolicy,
    NotTrained,
    PolicyError,
    RecordError,
    UnknownId,
    UsageError,
)
from graphrec.home import Home
from graphrec.languages import language_of
from graphrec.policy.facts import Occasion
from graphrec.serving.answer import Answer
from graphrec.serving.views import Band
from graphrec.terms.forms.blend import Blend
from tests.served import copied, rewrite_meta, write_model

HEAVY = {"torch", "scipy", "pandas", "duckdb", "numba", "pyarrow", "arcadedb", "neo4j", "transformers"}
SELDOM = {"sqlite3", "zipfile", "tempfile", "graphrec.outcomes.experiments", "graphrec.events.log"}
"""What a list needs only where the home has events, experiments or a damaged disk."""
NOT_FOR_SERVING = ("graphrec.models", "graphrec.training", "graphrec.store", "graphrec.loading", "graphrec.cli")


@pytest.fixture
def home(served_home: Home, tmp_path: Path) -> Home:
    """A home of its own with the served snapshot and model."""
    copied(served_home, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def bank(home: Home) -> Bank:
    return Bank(Settings(home=home.path, policy=NO_POLICY))


@pytest.fixture
def ruled(home: Home) -> Bank:
    """The same home with a policy that refuses nothing."""
    home.policy.write_text('version = "1"\n', "utf-8")
    return Bank(Settings(home=home.path))


def test_one_user_is_answered_and_recorded(bank: Bank) -> None:
    served = bank.recommend(requests.Recommend("C003", 4))
    assert [item.rank for item in served.answer.items] == [1, 2, 3, 4]
    assert (served.record, served.notes) == (1, (language_of("en").say("notes.no_policy"),))
    product = served.answer.items[0].product
    explained = bank.explain(requests.Explain("C003", product))
    assert explained.answer.items[0].score == pytest.approx(served.answer.items[0].score)
    assert bank.why_not(requests.WhyNot("C003", product)).found.product == product
    assert [one.id for one in bank.find(requests.Find("C003")).users] == ["C003"]
    assert [one.command for one in bank.record_list(jobs.ListRecord())] == [
        "recommend",
        "explain",
        "why-not",
        "find",
    ]
    assert bank.replay(1).same
    assert bank.recommend(requests.Recommend("C003", record=False)).record is None


@pytest.mark.slow
def test_every_entry_of_an_export_of_all_customers_replays(ruled: Bank, tmp_path: Path) -> None:
    """Empty lists and short ones too: 20 products are more than the policy leaves."""
    bank = ruled
    bank.home.policy.write_text(
        'version = "1"\n[[rule]]\nid = "bonds"\nsentence = "no bonds"\nrequire = "product.kind != \'bond\'"\n', "utf-8"
    )
    done = bank.export(jobs.Export(tmp_path / "lists.csv", k=20))
    assert done.report.users == len(done.recorded) == 60
    assert done.report.without_list == 1
    bank.home.policy.unlink()
    assert all(one.same for one in bank.replays(done.recorded))


def test_a_list_as_of_a_date_is_part_of_the_request(bank: Bank) -> None:
    with pytest.raises(NotTrained, match="as-of/2024-03-01"):
        bank.recommend(requests.Recommend("C003", as_of="2024-03-01"))
    with pytest.raises(UsageError, match="--as-of then is no date; want YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS"):
        bank.recommend(requests.Recommend("C003", as_of="then"))
    assert bank.recommend(requests.Recommend("C003")).answer.items


def test_a_model_is_replaced_under_a_running_bank(bank: Bank) -> None:
    first = bank.opened.engine(bank.home, None, bank.now())
    assert bank.opened.engine(bank.home, None, bank.now()) is first
    folder = bank.home.models / "blend-final"
    rewrite_meta(folder, kind="kernel")
    second = bank.opened.engine(bank.home, None, bank.now())
    assert second is not first
    assert (first.model.name, second.model.name) == ("blend-final", "kernel-final")
    # Those who hold the first one go on with it.
    assert first.recommend("C003", 3).model == "blend-final"
    home = Home(bank.home.path)
    assert bank.opened.engine(home, None, bank.now()).policy.is_built_in
    home.policy.write_text('version = "1"\n', "utf-8")
    assert bank.opened.engine(home, None, bank.now()).policy.version == "1"


@pytest.mark.slow
def test_answers_are_never_mixed_while_models_are_swapped(bank: Bank) -> None:
    """Two models take turns under readers; every recorded answer is that of one of them and replays."""
    engine = bank.opened.engine(bank.home, None, bank.now())
    folder, graph = bank.home.models / "blend-final", engine.model.graph
    blends = [Blend(engine.model.blend.terms, weights) for weights in ([1.0, 0.5], [0.2, 2.0])]
    expected = []
    for blend in blends:
        write_model(bank.home, engine.snapshot, blend, graph)
        expected.append(bank.recommend(requests.Recommend("C003", 5)).answer.items)
    assert expected[0] != expected[1]
    is_over, problems, numbers = threading.Event(), [], []

    def swap() -> None:
        for turn in range(400):
            write_model(bank.home, engine.snapshot, blends[turn % 2], graph)
            if turn >= 40 and len(numbers) > 10:
                break
        is_over.set()

    def read() -> None:
        while not is_over.is_set():
            served = bank.recommend(requests.Recommend("C003", 5))
            numbers.append(served.record)
            if served.answer.items not in expected:
                problems.append(served.answer)

    threads = [threading.Thread(target=swap), *(threading.Thread(target=read) for _ in range(2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folder.is_dir()
    assert problems == []
    assert len(numbers) > 10
    assert None not in numbers
    assert all(one.same for one in bank.replays(numbers[:: max(1, len(numbers) // 20)]))


def test_a_flipped_bit_is_found_before_the_first_answer(bank: Bank) -> None:
    arrays = bank.home.models / "blend-final" / "model.safetensors"
    content = bytearray(arrays.read_bytes())
    content[-5] ^= 4
    arrays.write_bytes(content)
    with pytest.raises(Damaged, match="blend-final"):
        bank.recommend(requests.Recommend("C003"))


@pytest.mark.slow
def test_threads_share_a_bank(bank: Bank) -> None:
    def answer(user: str) -> Answer:
        return bank.recommend(requests.Recommend(user, record=False)).answer

    expected = {user: answer(user) for user in ("C001", "C002", "C003")}
    found: list[bool] = []

    def ask(user: str) -> None:
        found.extend(answer(user) == expected[user] for _ in range(10))

    threads = [threading.Thread(target=ask, args=(user,)) for user in expected for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 60


def test_no_policy_no_list(home: Home, tmp_path: Path) -> None:
    bank = Bank(Settings(home=home.path))
    asked = (
        lambda: bank.recommend(requests.Recommend("C003")),
        lambda: bank.explain(requests.Explain("C003", "P01")),
        lambda: bank.why_not(requests.WhyNot("C003", "P01")),
        lambda: bank.export(jobs.Export(tmp_path / "lists.csv", k=2)),
    )
    for ask in asked:
        with pytest.raises(NoPolicy) as caught:
            ask()
        assert str(caught.value) == "there is no policy; run: graphrec policy init, or give --no-policy"
        assert caught.value.exit_code == 3
    assert not (tmp_path / "lists.csv").exists()
    assert list(bank.record_list(jobs.ListRecord())) == []
    # Without one, what is held and what is closed stay out, and the answer says so.
    served = bank.recommend(requests.Recommend("C003", 20, no_policy=True))
    assert served.answer.to_json()["policy"] is None
    assert served.notes == (language_of("en").say("notes.no_policy"),)
    assert set(served.answer.refused) == {"held", "offered"}
    done = bank.export(jobs.Export(tmp_path / "lists.csv", k=2, no_policy=True))
    assert (done.policy, done.notes) == (None, (language_of("en").say("notes.no_policy"),))
    assert bank.why_not(requests.WhyNot("C003", "P01", no_policy=True)).policy is None


def test_an_answer_names_its_policy_and_settings_may_pin_it(ruled: Bank) -> None:
    answer = ruled.recommend(requests.Recommend("C003")).answer
    assert answer.policy is not None
    assert answer.to_json()["policy"] == {"version": "1", "hash": answer.policy.hash}
    assert ruled.why_not(requests.WhyNot("C003", "P01")).policy == answer.policy
    path = ruled.home.path
    pinned = Bank(Settings(home=path, policy_hash=answer.policy.hash[:16]))
    assert pinned.recommend(requests.Recommend("C003")).answer.policy == answer.policy
    ruled.home.policy.write_text('version = "2"\n', "utf-8")
    with pytest.raises(PolicyError, match=rf"policy_hash pins {answer.policy.hash[:16]}; restore that policy"):
        pinned.recommend(requests.Recommend("C003"))
    with pytest.raises(PolicyError, match="pins a policy, and the request has none"):
        pinned.recommend(requests.Recommend("C003", no_policy=True))


def test_the_month_of_bands_is_that_of_today(bank: Bank) -> None:
    sentences = bank.recommend(requests.Recommend("C003", no_policy=True)).sentences
    statistics = [(f"statistic {n}", 9 + n) for n in range(60)]

    def bands(today: date | None) -> list[Band]:
        seer = viewer(Bank(Settings(home=bank.home.path, today=today)), "adviser", sentences)
        return [seer.band(*one) for one in statistics]

    assert bands(date(2020, 1, 3)) == bands(date(2020, 1, 30)) != bands(date(2020, 2, 1))
    assert bands(date(2020, 1, 3)) != bands(None)


def test_settings_may_require_the_record(ruled: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = Bank(Settings(home=ruled.home.path, require_record=True))
    assert bank.recommend(requests.Recommend("C003")).record == 1
    with pytest.raises(RecordError, match="require_record asks for an entry of every answer"):
        bank.recommend(requests.Recommend("C003", record=False))

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RecordError, match="nothing can be recorded, and require_record asks for it: .* cannot be"):
        bank.recommend(requests.Recommend("C003"))
    assert ruled.recommend(requests.Recommend("C003")).record is None


def test_a_policy_that_is_gone_stops_every_answer(ruled: Bank, tmp_path: Path) -> None:
    assert ruled.recommend(requests.Recommend("C003")).notes == ()
    ruled.home.policy.unlink()
    with pytest.raises(NoPolicy, match=r"policy .*policy\.toml was in force on 20\S+ and is gone; restore it; run: "):
        ruled.recommend(requests.Recommend("C003"))
    with pytest.raises(NoPolicy):
        ruled.export(jobs.Export(tmp_path / "lists.csv", k=2, accept_missing=True))
    assert not (tmp_path / "lists.csv").exists()
    said = ruled.recommend(requests.Recommend("C003", no_policy=True)).notes
    assert said[0] == language_of("en").say("notes.no_policy")
    assert re.match(r"policy .*policy\.toml was in force on 20\S+ and does not hold for this answer", said[1])


def test_a_final_model_that_is_gone_is_said_and_stops_an_export(bank: Bank, tmp_path: Path) -> None:
    bank.recommend(requests.Recommend("C003"))
    (bank.home.models / "blend-final").rename(bank.home.models / "blend-test")
    _, note = bank.recommend(requests.Recommend("C003")).notes
    assert re.match(
        r"model blend-final was there on 20\S+ and is gone from .*; restore it, or run: graphrec train", note
    )
    refused = bank.why_not(requests.WhyNot("C003", "P19"))
    assert note in refused_to_json(refused, refused.found)["notes"]  # type: ignore[operator]
    with pytest.raises(MissingRules):
        bank.export(jobs.Export(tmp_path / "lists.csv", k=2))


def test_a_missing_package_names_its_extra(home: Home) -> None:
    code = (
        "import sys\nsys.modules['duckdb'] = None\nfrom pathlib import Path\nfrom graphrec import Bank, Load\n"
        "from graphrec.config.settings import Settings\nfrom graphrec.errors import MissingExtra\n"
        f"try: Bank(Settings(home=Path({str(home.path)!r}))).load(Load('demo'))\n"
        "except MissingExtra as error: print(error.exit_code, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "2 this needs the Python package duckdb, which is not installed; run: pip install 'graphrec[load]'\n"
    )


@pytest.mark.slow
def test_a_cold_recommend_imports_little(home: Home) -> None:
    code = (
        "import sys\nfrom graphrec import Bank, Recommend\nfrom graphrec.config.settings import Settings\n"
        f"from pathlib import Path\nbank = Bank(Settings(home=Path({str(home.path)!r}), policy='none'))\n"
        "assert bank.recommend(Recommend('C003')).record\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert not {name.partition(".")[0] for name in names} & HEAVY
    assert not {name for name in names if name.startswith(NOT_FOR_SERVING)}
    line = [sys.executable, str(Path(__file__).resolve().parents[2] / "cli.py")]
    code = (
        f"import sys\nsys.argv = ['graphrec', '--home', {str(home.path)!r}, 'recommend', 'C003', '--no-policy']\n"
        "from graphrec.cli import app\ntry: app()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([line[0], "-c", code], capture_output=True, text=True, check=True)
    names = set(done.stderr.split())
    assert not {name.partition(".")[0] for name in names} & HEAVY
    assert not names & SELDOM
    assert not {name for name in names if name.startswith(NOT_FOR_SERVING[:-1])}


# Signatures: what goes in and comes out has a type of its own.

BARE = re.compile(r"\bdict\b(?!\[str, (int|float|str|Counts)\])|Mapping\[str, Any\]|\*\*|\bAny\b")


def public_modules() -> list[ModuleType]:
    folder = Path(app.__file__).parent
    return [importlib.import_module(f"graphrec.app.{path.stem}") for path in sorted(folder.glob("[!_]*.py"))]


def test_no_public_signature_of_the_app_has_a_bare_dict() -> None:
    found = []
    for module in public_modules():
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            functions = [value] if inspect.isfunction(value) else []
            if inspect.isclass(value):
                functions += [one for key, one in vars(value).items() if inspect.isfunction(one) and key[0] != "_"]
                if dataclasses.is_dataclass(value):
                    found += [f"{name}.{one.name}: {one.type}" for one in dataclasses.fields(value)]
            for function in functions:
                signature = inspect.signature(inspect.unwrap(function))
                kinds = [one.annotation for one in signature.parameters.values() if one.name not in ("self", "cls")]
                found += [f"{name}.{function.__name__}: {kind}" for kind in (*kinds, signature.return_annotation)]
    assert len(found) > 150
    assert [one for one in found if BARE.search(one)] == []


def test_no_answer_of_another_room_has_a_bare_dict() -> None:
    """Of the answers that `Bank` gives on; what a recorded entry holds is whatever was recorded."""
    tree = ast.parse(Path(inspect.getfile(Bank)).read_text("utf-8"))
    names = [
        (node.module, one.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in node.names
    ]
    answers = [getattr(importlib.import_module(str(module)), name, None) for module, name in names]
    found = [
        f"{one.__name__}.{field.name}: {field.type}"
        for one in answers
        if isinstance(one, type) and dataclasses.is_dataclass(one)
        for field in dataclasses.fields(one)
    ]
    assert len(found) > 120
    bare = [one for one in found if re.search(r"\bdict\b(?!\[)|\bAny\b", one)]
    assert [one.partition(":")[0] for one in bare] == ["Entry.shared"]


def test_requests_are_frozen_and_every_public_name_is_there() -> None:
    asked = [value for module in (requests, jobs) for value in vars(module).values() if dataclasses.is_dataclass(value)]
    assert len(asked) == 91  # Occasion stands in both modules
    for value in asked:
        assert value.__dataclass_params__.frozen
        assert getattr(graphrec, value.__name__) is value
    assert graphrec.Bank is Bank
    with pytest.raises(AttributeError):
        graphrec.Nothing  # noqa: B018
    assert json.dumps(sorted(graphrec.__all__)) == json.dumps(sorted(dir(graphrec)))


def test_the_record_keeps_rules_actor_and_what_the_request_said(home: Home) -> None:
    home.policy.write_text(
        'version = "1"\n[[rule]]\nid = "bonds"\nsentence = "no bonds"\nrequire = "product.kind != \'bond\'"\n'
        '[[rule]]\nid = "large"\nsentence = "a lot"\nrequire = "amount < 100"\nmissing = "allow"\nseverity = "warn"\n',
        "utf-8",
    )
    bank = Bank(Settings(home=home.path, actor="adviser 7"))
    asked = requests.Recommend("C003", 3, occasion=Occasion(500.0, "branch", "advice"))
    served = bank.recommend(asked)
    assert all(item.warnings == ("a lot",) for item in served.answer.items)
    plain = bank.record_entry(1).to_json()
    assert plain["actor"] == "adviser 7"
    assert {name: plain["request"][name] for name in ("amount", "channel", "purpose")} == vars(asked.occasion)
    assert plain["policy"]["rules"] == ["bonds", "large"]
    assert [one["outcomes"] for one in plain["judged"]] == ["mw"] * 3
    assert plain["judged"][0]["values"] == {"product.kind": "fund", "amount": 500}
    assert plain["answer"]["items"][0]["warnings"] == ["a lot"]
    assert bank.replay(1).same
    then = bank.judged_then(1, "P01")
    assert (then.rules, then.was_left) == ({"bonds": "refuses", "large": "warns"}, False)
    assert then.values == {"product.kind": "bond", "amount": 500}
    with pytest.raises(UnknownId, match="there was no product 'P99' when entry 1 was recorded"):
        bank.judged_then(1, "P99")


def test_why_not_find_files_and_policies_leave_entries(ruled: Bank, tmp_path: Path) -> None:
    ruled.recommend(requests.Recommend("C003"))
    assert ruled.why_not(requests.WhyNot("C003", "P01")).record == 2
    ruled.find(requests.Find("Fund 1"))
    ruled.home.policy.write_text('version = "2"\n', "utf-8")
    done = ruled.export(jobs.Export(tmp_path / "lists.csv", k=2))
    entries = [ruled.record_entry(number).to_json() for number in range(1, done.recorded.stop + 1)]
    commands = [one["request"]["command"] for one in entries]
    assert commands == ["recommend", "why-not", "find", "policy", *["export"] * 61]
    assert entries[1]["event"]["answer"]["verdict"]
    assert entries[2]["event"]["found"]["Product"][0] == "P01"
    assert entries[3]["event"]["version"] == "2"
    assert entries[3]["event"]["before"] == entries[0]["policy"]["hash"]
    delivered = entries[-1]["event"]
    content = (tmp_path / "lists.csv").read_bytes()
    assert delivered["sha256"] == hashlib.sha256(content).hexdigest()
    assert (delivered["file"], delivered["report"]["rows"]) == ("lists.csv", done.report.rows)
    assert delivered["entries"] == [done.recorded[0], done.recorded[-1]]
    assert delivered["policy"]["version"] == "2"
    listed = ruled.record_list(jobs.ListRecord(last=1))
    assert (listed[0].command, listed[0].user, listed[0].shown) == ("export", None, ())
    assert not ruled.replay(2).is_computed
    ruled.prune_record(jobs.PruneRecord("2999-01-01"))


def test_a_product_may_be_asked_for_by_a_name_that_no_other_has(own_home: Home) -> None:
    bank = Bank(Settings(home=own_home.path, policy="none"))
    by_name = bank.explain(requests.Explain("C008", "fund 3", record=False)).answer
    assert by_name.items == bank.explain(requests.Explain("C008", "P03", record=False)).answer.items
    assert bank.why_not(requests.WhyNot("C008", " Fund 3", record=False)).found.product == "P03"
    with pytest.raises(UnknownId, match="no product 'Fund of nothing'"):
        bank.explain(requests.Explain("C008", "Fund of nothing", record=False))
