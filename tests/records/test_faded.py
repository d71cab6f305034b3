"""A recorded answer of evidence that has faded is computed again from its own date, whatever day it is."""

from datetime import date
from pathlib import Path

from msgspec import structs

from graphrec.app import requests
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.terms.folder import write_model
from graphrec.terms.forms.blend import Blend
from graphrec.terms.meta import Configuration
from tests.banks import bank_snapshot
from tests.served import META, random_factors


def test_an_entry_replays_with_the_ages_of_its_date(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(snapshot.schema)), random_factors(graph)], [1.0, 0.5])
    faded = Configuration(half_life_days={"BOUGHT": 100.0, "VIEWED": 30.0})
    said = structs.replace(META, configuration=faded)
    with replace_folder(home.models / "blend-final") as folder:
        write_model(folder, blend, graph, snapshot, said)
    asked = requests.Recommend("C003", no_policy=True)
    found = [Bank(Settings(home=home.path, today=day)).recommend(asked) for day in (date(2025, 1, 2), date(2026, 1, 2))]
    lines = [
        [line for item in one.answer.items for line in item.lines if "left" in (line.parameters or {})] for one in found
    ]
    assert all(lines)
    first, second = ([(line.parameters or {})["age_days"] for line in one] for one in lines)
    assert max(map(float, second)) > max(map(float, first))
    assert found[0].answer.items[0].score != found[1].answer.items[0].score
    later = Bank(Settings(home=home.path, today=date(2026, 9, 9)))
    assert [later.replay(number).same for number in (1, 2)] == [True, True]
