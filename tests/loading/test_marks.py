"""Keys that say how a node or an edge is shown reach the schema, a snapshot and another load of it."""

from pathlib import Path

import pytest

from graphrec.errors import SourceError
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.graph.memory import MemorySink
from graphrec.loading import run_load
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.schema import GraphSchema

MAPPING = """
[source]
name = "small"
[source.files]
people = "people.csv"
things = "things.csv"
likes = "likes.csv"
[roles]
user = "Person"
product = "Thing"
interactions = ["LIKES"]
[nodes.Person]
key = "person"
personal = ["phone"]
sensitive = ["age"]
crm_id = "crm"
adviser = "clerk"
data_as_of = "kept"
parse = { kept = { type = "time", format = "%d.%m.%Y" }, age = { type = "integer" } }
sql = "SELECT person, phone, age, crm, clerk, kept FROM people"
[nodes.Thing]
key = "thing"
show = { kind = "sort", risk = "class", fee = "costs", minimum = "from_eur" }
sql = "SELECT thing, sort, class, costs, from_eur FROM things"
[edges.LIKES]
from = "Person.person"
to = "Thing.thing"
risk = true
sensitive = true
sql = "SELECT person, thing FROM likes"
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    people = "person,phone,age,crm,clerk,kept\na,1,30,003A,Ada,31.12.2025\nb,2,40,003B,Bo,01.12.2025\n"
    (tmp_path / "people.csv").write_text(people)
    (tmp_path / "things.csv").write_text("thing,sort,class,costs,from_eur\nt,fund,3,0.5,50\n")
    (tmp_path / "likes.csv").write_text("person,thing\na,t\n")
    return tmp_path


def test_the_schema_has_what_the_mapping_says(files: Path, tmp_path: Path) -> None:
    sink = MemorySink()
    run_load(parse_mapping(MAPPING, "my.toml"), files, sink)
    schema = GraphSchema.from_json(sink.schema.to_json())
    assert schema == sink.schema
    person, thing, likes = schema.nodes["Person"], schema.nodes["Thing"], schema.edges["LIKES"]
    assert (person.sensitive, person.crm_id, person.adviser, person.data_as_of) == (("age",), "crm", "clerk", "kept")
    assert thing.show == {"kind": "sort", "risk": "class", "fee": "costs", "minimum": "from_eur"}
    assert (likes.risk, likes.sensitive) == (True, True)
    write_snapshot(tmp_path / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, {}, None)
    assert Snapshot.open(tmp_path / "snapshot").schema.nodes["Thing"].show == thing.show
    merged = schema.merge(schema)
    assert (merged.nodes["Person"].crm_id, merged.nodes["Thing"].show, merged.edges["LIKES"].risk) == (
        "crm",
        thing.show,
        True,
    )


def test_a_schema_without_them_is_written_as_it_was(files: Path) -> None:
    plain = "\n".join(
        line for line in MAPPING.splitlines() if line.split(" ")[0] not in {"sensitive", "crm_id", "adviser",
                                                                            "data_as_of", "show", "risk"}
    )  # fmt: skip
    sink = MemorySink()
    run_load(parse_mapping(plain, "my.toml"), files, sink)
    content = sink.schema.to_json()
    assert set(content["nodes"]["Person"]) == {"label", "columns", "name", "text", "personal", "protected"}
    assert set(content["edges"]["LIKES"]) == {"type", "source", "target", "columns", "protected"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'crm_id = "crm"',
            'crm_id = "phone"',
            "my.toml line 16: nodes.Person.crm_id names 'phone', which is personal and stays in the store; leave it "
            "out of one",
        ),
        (
            'kind = "sort"',
            'kind = "srot"',
            "my.toml line 23: nodes.Thing.show names 'srot', which is no column of its sql; did you mean 'sort'?",
        ),
        (
            'kind = "sort"',
            'kinds = "sort"',
            "my.toml line 23: unknown key nodes.Thing.show.kinds; the nearest known one is nodes.Thing.show.kind",
        ),
        (
            'type = "time", format = "%d.%m.%Y"',
            'type = "text"',
            "my.toml line 18: nodes.Person.data_as_of names 'kept', which is of type text and no time; say how it is "
            'read: parse = { kept = { type = "time" } }',
        ),
        (
            'likes = "likes.csv"',
            'likes = { path = "likes.csv", sheet = "one" }',
            "my.toml line 7: source.files.likes.sheet is for reader = 'xlsx'; correct it",
        ),
        (
            'likes = "likes.csv"',
            'likes = { reader = "database", url_env = "BANK", query = "SELECT 1", newest = true }',
            'my.toml line 7: source.files.likes.newest is for files; reader = "database" has url_env and query',
        ),
        (
            'likes = "likes.csv"',
            'likes = { reader = "database", url_env = "BANK" }',
            'my.toml line 7: source.files.likes.query is missing; reader = "database" needs url_env and query',
        ),
        (
            'likes = "likes.csv"',
            'likes = { reader = "database", url_env = "BANK", query = "SELECT 1", delim = ";" }',
            'my.toml line 7: source.files.likes.delim is for files; reader = "database" has url_env and query',
        ),
        (
            'likes = "likes.csv"',
            'likes = { reader = "database", url_env = "postgresql://me:secret@host/db", query = "SELECT 1" }',
            "my.toml line 7: source.files.likes.url_env holds an address; want the name of an environment variable "
            "that holds it, so that no password stands in a mapping",
        ),
        (
            'likes = "likes.csv"',
            'likes = { reader = "csv" }',
            'my.toml line 7: source.files.likes.path is missing; name a file, or say reader = "database"',
        ),
    ],
)
def test_refusals(files: Path, old: str, new: str, message: str) -> None:
    assert old in MAPPING
    with pytest.raises(SourceError) as caught:
        run_load(parse_mapping(MAPPING.replace(old, new), "my.toml"), files, MemorySink())
    assert str(caught.value) == message
