"""Mappings: what is refused, in which words, and what a name finds."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.config.settings import RoleOverrides
from graphrec.errors import SourceError
from graphrec.loading import load_mapping, shipped_names
from graphrec.loading.mapping.names import snake_case
from graphrec.loading.mapping.reading import parse_mapping
from graphrec.loading.mapping.specs import End, FileSpec, SplitSpec
from graphrec.schema import Roles
from tests.loading.conftest import SMALL, TINY_BANK

TEXT = SMALL.replace("FILES", 'people = "people.csv"\nthings = "things.csv"\nlikes = "likes.csv"')


def refusal(text: str) -> str:
    with pytest.raises(SourceError) as caught:
        parse_mapping(text, "my.toml")
    return str(caught.value)


def test_a_whole_mapping() -> None:
    mapping = load_mapping(TINY_BANK / "bank.toml")
    assert mapping.name == "tiny-bank"
    assert mapping.files["products"] == FileSpec(
        "products", "products.csv", "csv", False, {"delim": ";", "nullstr": "NA"}
    )
    assert mapping.files["sectors"].reader == "lines"
    assert mapping.files["views"].reader == "json"
    assert mapping.roles == Roles(
        "Customer", "Product", ("BOUGHT", "VIEWED"), {"BOUGHT": 1.0, "VIEWED": 0.2}, ("BOUGHT",), None, 2
    )
    bought = mapping.edges["BOUGHT"]
    assert (bought.source, bought.target) == (End("Customer", "customer_id"), End("Product", "isin"))
    assert (bought.key, bought.at, bought.known_at, bought.weight) == (
        "trade_id",
        "traded_at",
        "booked_at",
        "amount_eur",
    )
    assert mapping.series["price"].values == ("close", "volume")
    assert mapping.split == SplitSpec(
        "SELECT 'C2' AS customer_id, 'P1' AS isin",
        "SELECT customer_id, isin FROM holdout",
        "SELECT count(*) = 0 FROM holdout",
        "train+valid",
    )


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_mapping_parses(name: str) -> None:
    mapping = load_mapping(name)
    assert mapping.name == name
    assert load_mapping(name.replace("-", "_")) == mapping


def test_the_shipped_names() -> None:
    assert shipped_names() == [
        "demo",
        "demo-holdings",
        "demo-money",
        "far-trans",
        "lightgcn-split",
        "ml-1m",
        "senate",
        "zimnat",
    ]


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(SourceError) as caught:
        load_mapping("zimnatt")
    assert str(caught.value) == (
        "no mapping 'zimnatt': it is no file, and graphrec ships demo, demo-holdings, demo-money, far-trans, "
        "lightgcn-split, ml-1m, senate, zimnat; did you mean 'zimnat'?"
    )
    with pytest.raises(
        SourceError, match="ships demo, demo-holdings, demo-money, far-trans, lightgcn-split, ml-1m, senate, zimnat$"
    ):
        load_mapping("nosuch")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[roles]", "[rolls]", "my.toml line 8: unknown key rolls; the nearest known one is roles"),
        (
            "[roles]",
            "[roles]\nmin_grop = 3",
            "my.toml line 9: unknown key roles.min_grop; the nearest known one is roles.min_group",
        ),
        (
            "[roles]",
            "[roles]\nmin_group = 0",
            "my.toml line 9: roles.min_group = 0 is not a whole number of at least 1; correct it",
        ),
        ("[roles]", "[serie.x]\n[roles]", "my.toml line 8: unknown key serie; the nearest known one is series"),
        (
            'key = "person"',
            'keys = "person"',
            "my.toml line 13: unknown key nodes.Person.keys; the nearest known one is nodes.Person.key",
        ),
        (
            'key = "person"',
            'key = "person"\ntexts = []',
            "my.toml line 14: unknown key nodes.Person.texts; the nearest known one is nodes.Person.text",
        ),
        (
            'key = "person"',
            'key = "person"\ntext = "x"',
            "my.toml line 14: nodes.Person.text = 'x' is not a list of texts; correct it",
        ),
        ('key = "person"\n', "", "my.toml line 12: nodes.Person.key is missing; correct it"),
        (
            'key = "person"',
            'key = "person"\npersonal = ["person"]',
            "my.toml line 14: nodes.Person.personal holds the key 'person'; keys go into every answer: "
            "use a pseudonym as key",
        ),
        (
            'key = "person"',
            'key = "person"\ntext = ["a"]\nprotected = ["a"]',
            "my.toml line 14: nodes.Person.text holds 'a', which is protected; leave it out of one",
        ),
        (
            'from = "Person.person"',
            'from = "person"',
            "my.toml line 19: edges.LIKES.from is 'person'; want Label.column, a label and a column of this SQL",
        ),
        (
            'to = "Thing.thing"',
            'to = "Thing.thing"\nprotected = "yes"',
            "my.toml line 21: edges.LIKES.protected = 'yes' is not true or false; correct it",
        ),
        (
            'user = "Person"',
            'user = "Persons"',
            "my.toml line 9: roles.user names 'Persons', which is no label of this mapping; did you mean 'Person'?",
        ),
        (
            'interactions = ["LIKES"]',
            'interactions = ["LIKED"]',
            "my.toml line 11: roles.interactions names 'LIKED', which is no edge type of this mapping; "
            "did you mean 'LIKES'?",
        ),
        (
            'interactions = ["LIKES"]',
            'interactions = ["LIKES"]\nweights = { LIKE = 1 }',
            "my.toml line 12: roles.weights names 'LIKE', which is no interaction; did you mean 'LIKES'?",
        ),
        (
            'interactions = ["LIKES"]',
            'interactions = ["LIKES"]\nweights = { LIKES = "much" }',
            "my.toml line 12: roles.weights.LIKES = 'much' is not a number; correct it",
        ),
        (
            'interactions = ["LIKES"]',
            'interactions = ["LIKES"]\nrelevant = ["LIKED"]',
            "my.toml line 12: roles.relevant names 'LIKED', which is no interaction with a weight "
            "above 0; did you mean 'LIKES'?",
        ),
        (
            'from = "Person.person"\nto = "Thing.thing"',
            'from = "Thing.thing"\nto = "Person.person"',
            "my.toml line 18: edges.LIKES joins Thing to Person, but roles.interactions lists it; an "
            "interaction joins Person to Thing",
        ),
        (
            'interactions = ["LIKES"]',
            'interactions = ["LIKES"]\nmetapaths = ["LIKES <LIKS LIKES"]',
            "my.toml line 12: roles.metapaths 'LIKES <LIKS LIKES' takes 'LIKS', which is no edge type "
            "of this mapping; did you mean 'LIKES'?",
        ),
        (
            "[edges.LIKES]",
            "[edges.'LI KES']",
            "my.toml line 18: edges.\"LI KES\": 'LI KES' is not an edge type; want letters, digits and "
            "_, beginning with a letter",
        ),
        (
            'people = "people.csv"',
            'people = "people.dat"',
            "my.toml line 5: source.files.people is 'people.dat', whose suffix names no reader; add "
            "reader = one of csv, json, parquet, lines, xlsx, sqlite, database, xml, fixed, dump",
        ),
        (
            'people = "people.csv"',
            'people = { path = "people.csv", reader = "pdf" }',
            "my.toml line 5: source.files.people.reader = 'pdf' is not one of csv, database, dump, fixed, json, lines, "
            "parquet, sqlite, xlsx, xml; correct it",
        ),
        (
            'people = "people.csv"',
            'people = "/etc/people.csv"',
            "my.toml line 5: source.files.people is '/etc/people.csv'; paths are relative to --data and stay inside it",
        ),
        (
            "[roles]",
            "[roles",
            "my.toml line 8 is not TOML: Expected ']' at the end of a table declaration (column 7); correct it",
        ),
    ],
)
def test_refused(old: str, new: str, message: str) -> None:
    assert old in TEXT
    assert refusal(TEXT.replace(old, new, 1)) == message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[split]\nvalid = 'SELECT 1'", "my.toml line 22: split.test is missing; correct it"),
        (
            "[split]\ntest = 'SELECT 1, 2'\nmask = 'all'",
            "my.toml line 24: split.mask = 'all' is not one of fitted, train, train+valid; correct it",
        ),
        (
            "[split]\ntest = 'x'\nrefit = 1",
            "my.toml line 24: split.refit = 1 is not true, false or SQL that gives a boolean; correct it",
        ),
        (
            "[reasons]\n'LIKES <LIKE LIKES' = 'x'",
            "my.toml line 23: reasons 'LIKES <LIKE LIKES' takes 'LIKE', which is no edge type of this "
            "mapping; did you mean 'LIKES'?",
        ),
        (
            "[reasons.zh]\n'LIKES <LIKES LIKES' = '{things}'",
            "my.toml line 23: reasons.zh 'LIKES <LIKES LIKES' has {things}; did you mean {thing}? A "
            "sentence knows {a}, {i}, {n}, {at}, {weight}, {who}, {whose}, {verb}, {last} and the labels in snake_case",
        ),
        (
            "[words.German]\nThing = 'Ding'",
            "my.toml line 22: words.German is no language; want a code such as en, de or zh",
        ),
        (
            "[reasons]\n'LIKES <LIKES LIKES' = '{n} like {things}'",
            "my.toml line 23: reasons 'LIKES <LIKES LIKES' has {things}; did you mean {thing}? A "
            "sentence knows {a}, {i}, {n}, {at}, {weight}, {who}, {whose}, {verb}, {last} and the labels in snake_case",
        ),
        (
            "[series.price]\nof = 'Thing.thing'\nat = 'day'\nsql = 'x'",
            "my.toml line 22: series.price.values is missing; correct it",
        ),
    ],
)
def test_refused_sections(more: str, message: str) -> None:
    assert refusal(TEXT + more) == message


def test_roles_of_the_home_stand_over_those_of_the_mapping(small_mapping: Callable[..., Path]) -> None:
    mapping = load_mapping(small_mapping(), RoleOverrides(min_group=9))
    assert (mapping.roles.user, mapping.roles.min_group) == ("Person", 9)
    without = TEXT.replace('[roles]\nuser = "Person"\nproduct = "Thing"\ninteractions = ["LIKES"]\n', "")
    assert refusal(without) == "my.toml: roles.user is missing; correct it"
    given = parse_mapping(without, "my.toml", RoleOverrides("Person", "Thing", ("LIKES",)))
    assert given.roles == Roles("Person", "Thing", ("LIKES",), {}, ("LIKES",))


def test_snake_case() -> None:
    assert [snake_case(label) for label in ("AgeBand", "Product", "ISIN", "ETFIssuer", "Class2A")] == [
        "age_band",
        "product",
        "isin",
        "etf_issuer",
        "class2_a",
    ]


@pytest.mark.slow
def test_reading_a_mapping_with_parse_ends_well() -> None:
    script = "from graphrec.loading.mapping.reading import parse_mapping; parse_mapping(open(0).read(), 'a.toml')"
    more = '[nodes.Person.parse]\nborn = { type = "time", format = ["%d.%m.%Y", "iso"], null = ["-"] }\n'
    text = SMALL.replace("FILES", 'people = "p.csv"') + more
    for _ in range(5):
        subprocess.run([sys.executable, "-c", script], input=text, text=True, check=True)
