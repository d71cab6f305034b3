"""Holdings that end: what a mapping says of ends and quantities, and what is held at a date."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import PolicyError, SourceError
from graphrec.graph.asked import Asked
from graphrec.graph.edges.holdings import has_left
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.facts import write_facts
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import run_load
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.policy.rules import Policy, Rule
from graphrec.schema import GraphSchema
from graphrec.serving.eligible import Eligibility, compiled_policy

MAPPING = """
[source]
name = "haus"
[source.files]
kunden = "kunden.csv"
produkte = "produkte.csv"
vertraege = "vertraege.csv"
auftraege = "auftraege.csv"
[roles]
user = "Kunde"
product = "Produkt"
interactions = ["HAT", "HANDELTE"]
held = ["HAT", "HANDELTE"]
repeatable = 'product.art in ["Fonds"]'
[nodes.Kunde]
key = "kunde"
sql = "SELECT kunde FROM kunden"
[nodes.Produkt]
key = "produkt"
sql = "SELECT produkt, art FROM produkte"
[edges.HAT]
from = "Kunde.kunde"
to = "Produkt.produkt"
at = "beginn"
until = "ende"
until_known_at = "gekuendigt"
half_life_days = 365
parse = { beginn = { type = "time", format = "%d.%m.%Y" }, ende = { type = "time", format = "%d.%m.%Y" }, gekuendigt = { type = "time", format = "%d.%m.%Y" } }
sql = "SELECT kunde, produkt, beginn, ende, gekuendigt FROM vertraege"
[edges.HANDELTE]
from = "Kunde.kunde"
to = "Produkt.produkt"
key = "nummer"
at = "tag"
quantity = "stueck"
weight = "euro"
sql = "SELECT nummer, kunde, produkt, tag, stueck, euro FROM auftraege"
"""  # noqa: E501
FILES = {
    "kunden": "kunde\nA\nB\nC\n",
    "produkte": "produkt,art\nGiro,Konto\nSpar,Konto\nAktie,Aktie\nFonds,Fonds\n",
    "vertraege": (
        "kunde,produkt,beginn,ende,gekuendigt\nA,Giro,01.01.2020,,\nA,Spar,01.01.2021,31.03.2024,01.02.2024\n"
        "B,Spar,01.01.2022,31.12.9999,\nB,Giro,01.01.2022,30.06.2024,01.05.2024\nC,Fonds,01.01.2022,,\n"
    ),
    "auftraege": (
        "nummer,kunde,produkt,tag,stueck,euro\n1,A,Aktie,2023-01-01,0.3,300\n2,A,Aktie,2023-06-01,-0.1,110\n"
        "3,A,Aktie,2023-07-01,-0.2,220\n4,B,Aktie,2023-01-01,10,1000\n5,B,Aktie,2024-02-01,-4,500\n6,C,Aktie,2023-01-01,,50\n"
    ),
}


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., MemorySink]:
    def load(mapping: str = MAPPING, **changed: str) -> MemorySink:
        folder = tmp_path_factory.mktemp("haus")
        for name, text in {**FILES, **changed}.items():
            (folder / f"{name}.csv").write_text(text)
        sink = MemorySink()
        run_load(parse_mapping(mapping, "haus.toml"), folder, sink)
        return sink

    return load


@pytest.fixture(scope="module")
def snapshot(load: Callable[..., MemorySink], tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return taken(load(), tmp_path_factory.mktemp("now") / "snapshot")


def taken(sink: MemorySink, folder: Path, as_of: datetime | None = None) -> Snapshot:
    return write_snapshot(folder, sink.schema, sink.nodes, sink.edges, sink.series, {}, as_of)


def held(snapshot: Snapshot, user: str, day: str, require: str = "not held") -> set[str]:
    """What a rule leaves out for a user on a day."""
    now = round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000_000)
    before = None if snapshot.as_of else now + 86_400_000_000
    policy = Policy("1", (Rule("held", "already held", require),))
    mask = Eligibility(snapshot, policy, now=now, known_before=before).mask(snapshot.nodes("Kunde").ids.find(user))
    ids = snapshot.nodes("Produkt").ids
    return {ids[n] for n in np.flatnonzero(~mask).tolist()}


@pytest.mark.parametrize(
    ("user", "day", "expected"),
    [
        ("A", "2022-01-01", {"Giro", "Spar"}),
        ("A", "2023-02-01", {"Giro", "Spar", "Aktie"}),
        ("A", "2024-03-30", {"Giro", "Spar"}),
        ("A", "2024-03-31", {"Giro"}),
        ("B", "2021-12-31", set()),
        ("B", "2026-01-01", {"Spar", "Aktie"}),
        ("C", "2026-01-01", {"Aktie"}),
    ],
)
def test_held_is_what_is_known_and_not_over_on_the_day(
    snapshot: Snapshot, user: str, day: str, expected: set[str]
) -> None:
    assert held(snapshot, user, day) == expected


def test_facts_and_kept_rows_of_a_customer_know_the_ends(snapshot: Snapshot, tmp_path: Path) -> None:
    facts = write_facts(tmp_path / "facts", snapshot)
    assert held(facts, "A", "2024-04-01") == {"Giro"}
    alone = Asked.of(facts, facts.nodes("Kunde").ids.find("A"), {}).alone(facts)
    assert alone.count("Kunde") == 1
    assert held(alone, "A", "2024-04-01") == {"Giro"}
    assert held(alone, "A", "2023-04-01") == {"Giro", "Spar", "Aktie"}


def test_an_end_that_was_not_known_yet_is_none(load: Callable[..., MemorySink], tmp_path: Path) -> None:
    before = taken(load(), tmp_path / "before", datetime(2024, 1, 15, tzinfo=UTC))
    after = taken(load(), tmp_path / "after", datetime(2024, 2, 15, tzinfo=UTC))
    assert held(before, "A", "2024-12-31") == {"Giro", "Spar"}
    assert held(after, "A", "2024-12-31") == {"Giro"}


def test_counts_sums_and_events_of_a_policy_follow(snapshot: Snapshot) -> None:
    every = {"Giro", "Spar", "Aktie", "Fonds"}
    assert held(snapshot, "A", "2023-12-31", 'count("HAT") < 2') == every
    assert held(snapshot, "A", "2024-12-31", 'count("HAT") < 2') == set()
    assert held(snapshot, "A", "2024-12-31", 'count("HANDELTE") == 1') == every
    assert held(snapshot, "B", "2024-12-31", 'count("HANDELTE") == 1') == set()
    assert held(snapshot, "B", "2024-12-31", 'total("HANDELTE") == 500') == set()
    assert held(snapshot, "A", "2024-12-31", 'not happened("HAT")') == {"Giro"}
    # In a window everything that happened counts, over or not.
    assert held(snapshot, "A", "2024-12-31", 'not happened("HAT", 5000)') == {"Giro", "Spar"}


def test_a_mapping_without_ends_is_written_as_it_was(load: Callable[..., MemorySink]) -> None:
    words = ("until", "until_known_at", "half_life_days", "quantity", "held", "repeatable")
    plain = "\n".join(line for line in MAPPING.splitlines() if line.split(" ")[0] not in words)
    text = str(load(plain).schema.to_json())
    assert not [word for word in (*words[:4], "'held'", "'repeatable'") if word in text]
    whole = load().schema
    assert GraphSchema.from_json(whole.to_json()) == whole
    assert (whole.edges["HAT"].until, whole.edges["HAT"].until_known_at) == ("ende", "gekuendigt")
    assert whole.edges["HAT"].half_life_days == 365
    assert whole.merge(whole) == whole


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('until = "ende"', 'until = "schluss"', "schluss"),
        ('until = "ende"\n', "", "name the end: until"),
        ("half_life_days = 365", "half_life_days = -1", "half_life_days is -1; want a number of days above 0"),
        ('at = "beginn"\n', "", "half_life_days needs a time to count from"),
        ('held = ["HAT", "HANDELTE"]', 'held = ["HATTE"]', "roles.held names 'HATTE', which is no interaction"),
    ],
)
def test_a_wrong_key_is_refused_with_its_line(
    load: Callable[..., MemorySink], old: str, new: str, message: str
) -> None:
    assert old in MAPPING
    with pytest.raises(SourceError, match=message):
        load(MAPPING.replace(old, new))


def test_an_end_or_a_quantity_that_is_none_is_a_rejected_row(load: Callable[..., MemorySink]) -> None:
    with pytest.raises(SourceError, match="rejected"):
        load(vertraege=FILES["vertraege"] + "C,Spar,01.01.2022,bald,\n")
    with pytest.raises(SourceError, match="rejected"):
        load(auftraege=FILES["auftraege"] + "7,C,Aktie,2023-01-01,viele,50\n")


def test_what_is_repeatable_is_asked_of_products_alone(load: Callable[..., MemorySink], tmp_path: Path) -> None:
    wrong = taken(load(MAPPING.replace('product.art in ["Fonds"]', "user.art == product.art")), tmp_path / "wrong")
    with pytest.raises(PolicyError, match="roles.repeatable of the mapping"):
        compiled_policy(wrong, Policy("1", (Rule("held", "already held", "not held"),)))


def test_a_sum_of_quantities_that_is_rounding_is_nothing() -> None:
    pairs = np.array([0, 0, 0, 1, 1])
    left = has_left(pairs, np.array([0.1, 0.2, -0.3, 1.0, -0.5]))
    assert left.tolist() == [False, False, False, True, True]
