"""Fairness: a group with worse lists is found, one that has none is not told, shares are those of a plain count."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app.bank import Bank
from graphrec.app.jobs import AskFairness
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.errors import UsageError
from graphrec.evaluation import mitigation
from graphrec.evaluation.fairness import Accepted, Fairness, acceptances, fairness
from graphrec.evaluation.groups import told_apart
from graphrec.evaluation.hidden_part import HiddenPart, Measured, measure, open_tested
from graphrec.evaluation.mitigation import mitigated
from graphrec.graph.edges.adjacency import Graph, visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.policy.read import read_policy
from graphrec.schema import LiveBounds
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from tests.training import bank
from tests.training.bank import NO_BOUNDS

USERS, PRODUCTS = 400, 20


def write_bank(folder: Path, live: LiveBounds = NO_BOUNDS, seed: int = 4) -> Snapshot:
    """Women buy from one half of the products, each her own; men buy anything. Three people say nothing of sex."""
    rng = np.random.default_rng(seed)
    events: dict[str, list[bank.Event]] = {"BOUGHT": [], "LIVES_IN": [], "IN_SECTOR": [], "OF_SEX": []}
    hidden = []
    for n in range(USERS):
        half = PRODUCTS // 2
        own = rng.permutation(half)[:8] + (n // 2 % 2) * half if n % 2 == 0 else rng.permutation(PRODUCTS)[:8]
        events["BOUGHT"] += [(f"u{n:03d}", f"p{p:02d}") for p in own]
        hidden.append((f"u{n:03d}", f"p{own[0]:02d}"))
        if n >= 3:
            events["OF_SEX"].append((f"u{n:03d}", ("f", "m")[n % 2]))
        events["LIVES_IN"].append((f"u{n:03d}", f"t{rng.integers(2)}"))
    events["IN_SECTOR"] = [(f"p{p:02d}", f"s{p % 4}") for p in range(PRODUCTS)]
    return bank.make(folder, dict(events), split={"test": hidden}, min_group=3, live=live)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("fair") / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(write_bank)
    train(snapshot, home, TrainOptions("kernel", fixed=True))
    return home


@pytest.fixture(scope="module")
def found(home: Home) -> Fairness:
    return fairness(SnapshotShelf(home.snapshots).latest(), home.models / "kernel-test", k=3)


def test_the_group_with_worse_lists_is_found_and_others_are_not(found: Fairness) -> None:
    by_name = {one.name: one for one in found.attributes}
    sex = by_name["OF_SEX"]
    assert found.attributes[0] is sex
    assert (sex.protected, by_name["LIVES_IN"].protected) == (True, False)
    assert sex.worst.name == "m"
    assert sex.worst.gap < -0.1
    assert sex.worst.p < 0.01
    assert {group.users for group in sex.groups} == {198, 199}
    assert min(group.p for group in by_name["LIVES_IN"].groups) > 0.05
    assert not found.uses_protected


def visible_of(snapshot: Snapshot) -> Graph:
    split = split_of(snapshot)
    return visible_graph(snapshot, split.hidden(split.fitted))


def measured_of(home: Home) -> tuple[Snapshot, HiddenPart, Measured]:
    snapshot = SnapshotShelf(home.snapshots).latest()
    part = HiddenPart.of(snapshot, split_of(snapshot), visible_of(snapshot))
    own = measure(open_tested(home.models / "kernel-test", snapshot).blend, part, [3], seed=0)
    return snapshot, part, own


def test_figures_are_those_of_a_plain_count(home: Home, found: Fairness) -> None:
    snapshot, part, own = measured_of(home)
    ids = snapshot.nodes("User").ids
    women = [
        place
        for place, user in enumerate(part.users.tolist())
        if int(ids[user][1:]) % 2 == 0 and int(ids[user][1:]) > 2
    ]
    group = next(one for one in found.attributes[0].groups if one.name == "f")
    assert group.ndcg.value == pytest.approx(own.per_user["ndcg@3"][women].mean(), abs=1e-12)
    exposure = dict.fromkeys(range(4), 0.0)
    for row in own.lists[:, :3].tolist():
        for rank, product in enumerate(row, start=1):
            exposure[product % 4] += 1 / np.log2(1 + rank)
    (sectors,) = found.providers
    for one in sectors.providers:
        assert one.exposure.value == pytest.approx(exposure[int(one.name[1:])] / sum(exposure.values()), abs=1e-12)
        assert one.exposure.low <= one.exposure.value <= one.exposure.high
        assert (one.products, one.catalogue) == (5, 0.25)
    assert sum(one.merit for one in sectors.providers) == pytest.approx(1)


def test_groups_are_those_of_fairlearn(home: Home, found: Fairness) -> None:
    """Means by group, and their largest difference, are those of MetricFrame to the last digits."""
    from fairlearn.metrics import MetricFrame

    snapshot, part, own = measured_of(home)
    groups = {name: mask for one in told_apart(snapshot, visible_of(snapshot), part.users)
              if one.attribute == "OF_SEX" for name, mask in one.masks.items()}  # fmt: skip
    inside = np.logical_or.reduce(list(groups.values()))
    sex = np.where(groups["f"], "f", "m")[inside]
    for metric in ("ndcg", "recall"):
        values = own.per_user[f"{metric}@3"][inside]
        frame = MetricFrame(
            metrics=lambda _true, values: float(np.mean(values)), y_true=values, y_pred=values, sensitive_features=sex
        )
        for group in found.attributes[0].groups:
            assert getattr(group, metric).value == pytest.approx(frame.by_group[group.name], abs=1e-12)
        mine = {group.name: getattr(group, metric).value for group in found.attributes[0].groups}
        assert max(mine.values()) - min(mine.values()) == pytest.approx(frame.difference(), abs=1e-12)
    gaps = {group.name: group.gap for group in found.attributes[0].groups}
    assert gaps["m"] == pytest.approx(-gaps["f"], abs=1e-12)


def test_everybody_in_another_group_changes_no_list(home: Home, found: Fairness, tmp_path: Path) -> None:
    by_name = {one.name: one for one in found.attributes}
    assert by_name["OF_SEX"].flipped == 1.0
    assert by_name["LIVES_IN"].flipped is None
    other = Home(tmp_path / "home").prepare()
    snapshot = SnapshotShelf(other.snapshots).add(write_bank)
    train(snapshot, other, TrainOptions("ease", fixed=True, use_protected=True))
    asked = fairness(snapshot, other.models / "ease-test", k=3)
    assert asked.uses_protected
    flipped = asked.attributes[0].flipped
    assert flipped is not None
    assert flipped < 1.0


@pytest.mark.parametrize(("rule", "refused"), [("held", 1.0), ("not held", 0.0)])
def test_refusals_by_group_are_those_of_the_policy(home: Home, tmp_path: Path, rule: str, refused: float) -> None:
    """Of what is not held: a rule that wants something held refuses all of it, its opposite nothing."""
    file = tmp_path / "rules.toml"
    file.write_text(f'version = "1"\n[[rule]]\nid = "one"\nsentence = "{rule}"\nrequire = "{rule}"\n')
    snapshot = SnapshotShelf(home.snapshots).latest()
    told = fairness(snapshot, home.models / "kernel-test", k=3, policy=read_policy(file))
    assert [group.refused.value for group in told.attributes[0].groups if group.refused] == [refused, refused]


def test_the_price_of_less_excess_is_that_of_a_plain_recount(home: Home) -> None:
    snapshot, _, own = measured_of(home)
    done = mitigated(snapshot, home.models / "kernel-test", "Sector", k=3)
    assert done.reached
    assert done.after <= 0.5 * done.before
    assert done.ndcg_before.value == pytest.approx(own.per_user["ndcg@3"].mean(), abs=1e-12)
    assert done.price == pytest.approx(1 - done.ndcg_after.value / done.ndcg_before.value, abs=1e-12)
    assert all(penalty > 0 for _, penalty in done.penalties)
    (sectors,) = fairness(snapshot, home.models / "kernel-test", k=3).providers
    assert done.before == pytest.approx(max(one.exposure.value - one.merit for one in sectors.providers), abs=1e-12)
    whole = mitigated(snapshot, home.models / "kernel-test", "Sector", k=3, wanted=0.99)
    assert whole.price <= done.price
    with pytest.raises(UsageError, match="--mitigate Issuer: no such label describes products; there are Sector"):
        mitigated(snapshot, home.models / "kernel-test", "Issuer")


def test_calibration_by_group_is_that_of_a_plain_count(home: Home, found: Fairness) -> None:
    """The divergence of two mixes of sectors, by scipy, averaged over the members of a group."""
    from scipy.spatial.distance import jensenshannon

    snapshot, part, own = measured_of(home)
    by_user = []
    for row, user in enumerate(part.users.tolist()):
        mixes = (part.held.row(user), own.lists[row, :3])
        shown, held = (np.bincount(np.asarray(one) % 4, minlength=4) for one in mixes)
        by_user.append(jensenshannon(shown, held, base=2) ** 2)
    masks = {one.attribute: one.masks for one in told_apart(snapshot, visible_of(snapshot), part.users)}["OF_SEX"]
    for group in found.attributes[0].groups:
        assert group.calibration is not None
        assert group.calibration.value == pytest.approx(np.array(by_user)[masks[group.name]].mean(), abs=1e-12)


def test_what_protected_attributes_would_add_is_measured_and_stands_in_the_card(home: Home, tmp_path: Path) -> None:
    """Women buy from one half: who sees the sex ranks better. The other model is in no home afterwards."""
    own = shutil.copytree(home.path, tmp_path / "home")
    before = sorted(path.name for path in (own / "serving" / "models").iterdir())
    card = ["--home", str(own), "models", "card", "kernel-test"]
    assert "graphrec fairness --protected-price" in CliRunner().invoke(app, card).stdout
    done = CliRunner().invoke(app, ["--home", str(own), "fairness", "--model", "kernel", "-k", "3", "--protected-price",
                                    "--json"])  # fmt: skip
    price = json.loads(done.stdout)["protected"]
    _, part, measured = measured_of(home)
    other = Home(tmp_path / "other").prepare()
    kept = SnapshotShelf(other.snapshots).add(write_bank)
    train(kept, other, TrainOptions("kernel", fixed=True, use_protected=True))
    twin = measure(open_tested(other.models / "kernel-test", kept).blend, part, [3], seed=0).per_user["ndcg@3"]
    gain = twin - measured.per_user["ndcg@3"]
    assert price["attributes"] == ["OF_SEX"]
    assert price["gain"]["value"] == pytest.approx(gain.mean(), abs=1e-12)
    assert price["with_them"]["value"] == pytest.approx(twin.mean(), abs=1e-12)
    assert price["users"] == len(part.users)
    said = CliRunner().invoke(app, card).stdout
    assert f"What they add: nDCG@3 {price['without']['value']:.4f} without" in said
    assert {path.name for path in (own / "serving" / "models").iterdir()} == {*before, "bounds.json"}
    assert not list(own.rglob("protected*"))


def test_where_scores_are_too_many_some_users_pay_their_own_price(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with what they have to find: the nDCG is that of the same users among all."""
    snapshot, part, own = measured_of(home)
    monkeypatch.setattr(mitigation, "MOST_SCORES", 0)
    monkeypatch.setattr(mitigation, "LEAST_USERS", len(part.users) // 2)
    drawn = mitigation._sampled(part, 0).users
    done = mitigated(snapshot, home.models / "kernel-test", "Sector", k=3)
    assert done.users == len(drawn) == len(part.users) // 2
    rows = np.searchsorted(part.users, drawn)
    assert done.ndcg_before.value == pytest.approx(own.per_user["ndcg@3"][rows].mean(), abs=1e-12)


def test_acceptance_by_group(home: Home) -> None:
    snapshot = SnapshotShelf(home.snapshots).latest()
    users = np.arange(USERS, dtype=np.int32)
    shown = np.full(USERS, 2)
    taken = acceptances(snapshot, visible_graph(snapshot), Accepted(users, shown, (users % 2).astype(np.int64)))
    assert taken["OF_SEX", "m"].value == 0.5
    assert taken["OF_SEX", "f"].value == 0.0
    few = Accepted(users[:12], shown[:12], shown[:12])
    assert acceptances(snapshot, visible_graph(snapshot), few) == {}


def test_the_command_is_a_gate(home: Home) -> None:
    options = ["--home", str(home.path), "fairness", "--model", "kernel", "--json"]
    done = CliRunner().invoke(app, [*options, "--max-gap", "0.05"])
    assert done.exit_code == 7
    assert "1 protected groups are more than 0.05 below the others, first OF_SEX: m" in done.stderr
    plain = json.loads(done.stdout)
    assert plain["below"] == ["OF_SEX: m"]
    assert CliRunner().invoke(app, [*options, "--max-gap", "0.9"]).exit_code == 0
    text = CliRunner().invoke(app, [*options[:-1], "--all"]).stdout
    assert "LIVES_IN" in text
    assert "protected attributes are in no score" in text
    with pytest.raises(UsageError, match="-k 0: want a length of at least 1"):
        Bank(Settings(home=home.path)).fairness(AskFairness(k=0))
