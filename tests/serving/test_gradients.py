"""A model that is not linear says so: its lines, its gradients with their gap, and nobody else in them."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.networks.graphsage import GraphSageConfig
from graphrec.models.networks.graphsage.network import fit_graphsage
from graphrec.models.networks.lightgcn_id import PlainLightGCNConfig
from graphrec.models.networks.lightgcn_id.network import fit_lightgcn_id
from graphrec.serving.engine import Engine
from graphrec.serving.proof.audit import audited
from graphrec.terms.base import Term
from graphrec.terms.folder import write_model
from graphrec.terms.forms.blend import Blend
from tests.banks import bank_snapshot
from tests.served import META


def serve(folder: Path, kind: str) -> Engine:
    """The engine of a home with one small model of that kind."""
    home = Home(folder).prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    term: Term
    if kind == "graphsage":
        term = fit_graphsage(graph, GraphSageConfig(dim=8, epochs=3, fanout=25)).term
    else:
        term = fit_lightgcn_id(graph, PlainLightGCNConfig(dim=8, epochs=3)).term
    model = home.models / f"{kind}-final"
    model.mkdir(parents=True)
    write_model(model, Blend([term], [1.0]), graph, snapshot, structs.replace(META, kind=kind))
    return Engine.open(home, kind)


@pytest.fixture(scope="module")
def sage(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return serve(tmp_path_factory.mktemp("sage"), "graphsage")


def first_pair(engine: Engine) -> tuple[str, str]:
    user = engine.users.ids[0]
    return user, engine.recommend(user, 1).items[0].product


def test_every_line_is_said_to_be_not_linear(sage: Engine) -> None:
    item = sage.explain(*first_pair(sage), 3).items[0]
    assert {line.kind for line in item.lines} == {"nonlinear"}
    assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-9)
    assert item.composition["nonlinear"] == pytest.approx(item.score, abs=1e-9)


def test_the_gradients_add_up_to_the_score_but_for_the_gap(sage: Engine) -> None:
    item = sage.explain(*first_pair(sage), 3).items[0]
    found = item.gradients
    assert found is not None
    assert found.score == pytest.approx(item.score, rel=1e-5)
    assert found.completeness_gap <= 0.005
    shown = sum(entry.share for entry in found.edges)
    assert found.baseline + shown + found.rest == pytest.approx(found.score, abs=1e-9)


def test_no_other_user_is_in_the_gradients(sage: Engine) -> None:
    user, product = first_pair(sage)
    found = sage.explain(user, product, 3).items[0].gradients
    assert found is not None
    nodes = [node for entry in found.edges for node in (entry.source, entry.target)]
    assert {node.id for node in nodes if node.label == sage.roles.user} == {user}


def test_an_audit_deletes_what_a_user_hears(sage: Engine) -> None:
    item = audited(sage, sage.explain(*first_pair(sage), 3)).items[0]
    assert item.audit is not None
    edges = {line.via for line in item.lines if line.via is not None}
    assert {one.via for one in item.audit.deletions if one.via is not None} == edges
    assert item.audit.recomputed == ("graphsage",)
    assert item.audit.sum_error == pytest.approx(0.0, abs=1e-12)


def test_linear_models_have_no_gradients(tmp_path: Path) -> None:
    engine = serve(tmp_path / "home", "lightgcn-id")
    item = engine.explain(*first_pair(engine), 3).items[0]
    assert item.gradients is None
    assert {line.kind for line in item.lines} == {"similarity"}


def test_who_is_linked_with_nothing_gets_no_list(sage: Engine) -> None:
    term = sage.model.blend.terms[0]
    known = np.array([term.knows(user) for user in range(sage.model.graph.num_users)])  # type: ignore[attr-defined]
    assert [sage.has_evidence(user) for user in range(len(known))] == known.tolist()
