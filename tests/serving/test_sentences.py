"""Sentences of every language for every kind of reason; the mapping's own sentences and words stand over them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from graphrec.errors import SourceError
from graphrec.graph.edges.adjacency import Hop
from graphrec.languages import language_of
from graphrec.schema import Column, GraphSchema
from graphrec.serving.answer import ListOptions, Node
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.sentences import Event, PathParts, Sentences
from graphrec.serving.reasons.words import is_foreign
from graphrec.terms.ledger import LineGroup
from graphrec.times import microseconds_of
from tests.banks import SCHEMA

CODES = ("en", "de", "zh")
HELD = Node("Product", "P1", "Fund 1")
OTHERS = tuple(Node("Product", f"P{n}", f"Fund {n}") for n in range(3, 7))
BAND = Node("AgeBand", "18-34", None)
SECTOR = Node("Sector", "S1", "Energy")
#: The same vocabulary without sentences of the mapping.
BARE = replace(SCHEMA, reasons={})


def hops(way: str) -> tuple[Hop, ...]:
    return tuple(Hop.parse(word) for word in way.split())


def sentences(code: str, schema: GraphSchema = BARE, voice: str = "adviser") -> Sentences:
    return Sentences(schema, language_of(code), voice)  # type: ignore[arg-type]


def parts(*ways: str, via: tuple[Node, ...] = (), mid: Node | None = None, people: bool = False) -> PathParts:
    return PathParts(tuple(hops(way) for way in ways), via, mid, people=people)


PATHS = [
    (
        parts("BOUGHT", via=(HELD,)),
        "the customer bought it",
        "gehört zu dem, was der Kunde gekauft hat",
        "该客户买过该产品",
    ),
    (
        parts("BOUGHT <BOUGHT BOUGHT", via=(HELD,), people=True),
        "{people} others who bought Fund 1 also bought it",
        "{people} andere, die Fund 1 und auch dieses Produkt gekauft haben",
        "另有{people}位买过 Fund 1 的客户也买过该产品",
    ),
    (
        parts("BOUGHT <VIEWED BOUGHT", via=(HELD, *OTHERS), people=True),
        "{people} others who looked at Fund 1, Fund 3, Fund 4 or one of 2 more bought it",
        "{people} andere, die Fund 1, Fund 3, Fund 4 oder eines von 2 weiteren angesehen haben und dieses Produkt "
        "gekauft haben",
        "另有{people}位浏览过 Fund 1、Fund 3、Fund 4 或另外2种产品之一的客户买过该产品",
    ),
    (
        parts("BOUGHT <BOUGHT BOUGHT", "BOUGHT <VIEWED BOUGHT", "VIEWED <BOUGHT VIEWED", via=(HELD,), people=True),
        "{people} others who bought or looked at Fund 1 also bought or looked at it",
        "{people} andere, die Fund 1 und auch dieses Produkt gekauft oder angesehen haben",
        "另有{people}位买过或浏览过 Fund 1 的客户也买过或浏览过该产品",
    ),
    (
        parts("IN_AGE_BAND <IN_AGE_BAND BOUGHT", via=(BAND,), people=True),
        "{people} others with age band 18-34 bought it",
        "{people} andere mit Altersgruppe 18-34, die es gekauft haben",
        "另有{people}位年龄段同为18-34的客户买过该产品",
    ),
    (
        parts("VIEWED IN_SECTOR <IN_SECTOR", via=(HELD,), mid=SECTOR),
        "is in Energy, like Fund 1, which the customer looked at",
        "Branche Energy, wie Fund 1, das der Kunde angesehen hat",
        "与该客户浏览过的 Fund 1 行业同为“Energy”",
    ),
    (
        parts("BOUGHT IN_SECTOR <IN_SECTOR", "VIEWED IN_SECTOR <IN_SECTOR", via=(HELD, *OTHERS), mid=SECTOR),
        "is in Energy, like 5 products the customer bought or looked at, among them Fund 1, Fund 3 and Fund 4",
        "Branche Energy, wie 5 Produkte, die der Kunde gekauft oder angesehen hat, darunter Fund 1, Fund 3 und Fund 4",
        "与该客户买过或浏览过的5种产品（如 Fund 1、Fund 3 和 Fund 4）行业同为“Energy”",
    ),
    (
        parts("LIKES_SECTOR LEADS_TO <IN_SECTOR", via=(BAND,), mid=SECTOR),
        "is in Energy, linked with the customer's age band 18-34",
        "Branche Energy, verbunden mit Altersgruppe 18-34 beim Kunden",
        "行业同为“Energy”，与该客户的年龄段（18-34）有关联",
    ),
    (
        parts("BOUGHT SIMILAR_TO", via=(HELD,)),
        "is linked with Fund 1, which the customer bought",
        "direkt verbunden: Fund 1, das der Kunde gekauft hat",
        "与该客户买过的 Fund 1 有关联",
    ),
    (
        parts("LIKES_SECTOR <IN_SECTOR", via=(SECTOR,)),
        "is in Energy, the customer's sector",
        "Branche Energy, so auch beim Kunden",
        "行业同为“Energy”，与该客户的行业一致",
    ),
    (
        parts("KNOWS BOUGHT", people=True),
        "{people} people connected with the customer bought it",
        "{people} Personen aus dem Umfeld des Kunden, die es gekauft haben",
        "{people}位与该客户有联系的人买过该产品",
    ),
    (parts("OWES_TO", via=(HELD,)), "the customer has to do with it", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "english", "german", "chinese"), PATHS, ids=[str(row[1]) for row in PATHS])
def test_paths(what: PathParts, english: str, german: str | None, chinese: str | None) -> None:
    assert sentences("en").path(what) == english
    for code, wanted in (("de", german), ("zh", chinese)):
        if wanted is not None:
            assert sentences(code).path(what) == wanted


def test_products_that_are_called_alike_are_named_once() -> None:
    alike = [Node("Product", f"P{n}", "Savings") for n in range(5)]
    shared = parts("BOUGHT IN_SECTOR <IN_SECTOR", via=(*alike, HELD), mid=SECTOR)
    assert sentences("en").path(shared) == (
        "is in Energy, like 6 products the customer bought, among them Savings and Fund 1"
    )
    people = parts("BOUGHT <BOUGHT BOUGHT", via=tuple(alike[:2]), people=True)
    assert sentences("en").path(people) == "{people} others who bought Savings also bought it"


def test_the_customer_is_addressed_by_voice() -> None:
    shared = parts("BOUGHT IN_SECTOR <IN_SECTOR", via=(HELD,), mid=SECTOR)
    assert [sentences(code, voice="customer").path(shared) for code in ("en", "de", "zh")] == [
        "is in Energy, like Fund 1, which you bought",
        "Branche Energy, wie Fund 1, das Sie gekauft haben",
        "与您买过的 Fund 1 行业同为“Energy”",
    ]
    owns = sentences("en", replace(BARE, words={"en": {"BOUGHT": "own|owns|own"}}))
    assert owns.path(shared) == "is in Energy, like Fund 1, which the customer owns"


def test_what_is_shared_is_named_by_its_edge() -> None:
    def said(kind: str, name: str = "Alpha", label: str = "Issuer") -> str:
        way = parts(f"BOUGHT {kind} <{kind}", via=(HELD,), mid=Node(label, "X", name))
        return sentences("en").path(way).partition(", like")[0]

    assert said("ISSUED_BY") == "is issued by Alpha"
    assert said("LISTED_ON") == "is listed on Alpha"
    assert said("HAS_GENRE", "Comedy", "Genre") == "has the genre Comedy"
    assert said("HAS_PRODUCT_TYPE", "Bond", "ProductType") == "is of the product type Bond"
    assert said("STARRING", label="Person") == "has the same person, Alpha"
    assert said("IN_RISK_CLASS", "3", "RiskClass") == "has the same risk class, 3"


def test_what_is_shared_may_be_a_risk() -> None:
    shared = parts("BOUGHT IN_SECTOR <IN_SECTOR", via=(HELD,), mid=SECTOR)
    own = replace(SCHEMA, reasons={"BOUGHT IN_SECTOR <IN_SECTOR": "{i} is in {sector} too"})
    assert sentences("en", own).path(shared, concentrates=True) == (
        "is in Energy, like Fund 1, which the customer bought: this concentrates the risk"
    )
    assert sentences("de").path(shared, concentrates=True).endswith(": erhöht das Klumpenrisiko")


BOUGHT = Hop("BOUGHT")
LEARNED = [
    (LineGroup("general"), (), True, "is a frequent choice: {people} people bought it"),
    (LineGroup("general"), (), False, "is not a frequent choice"),
    (LineGroup("new"), (), True, "is new: few people bought it so far"),
    (LineGroup("new"), (), False, "is not new: others bought it"),
    (LineGroup("nonlinear"), (), True, "all that is around the customer, taken together, speaks for it"),
    (
        LineGroup("nonlinear", Hop("IN_AGE_BAND")), (BAND,), True,
        "is more frequent among people with age band 18-34",
    ),
    (LineGroup("similarity", part="text"), (), True, "fits the customer's profile: garden, house"),
    (LineGroup("similarity", part="text"), (), False, "does not fit the customer's profile"),
    (
        LineGroup("attribute", Hop("IN_AGE_BAND")), (BAND,), False,
        "is less frequent among people with age band 18-34",
    ),
    (
        LineGroup("similarity", BOUGHT, part="text"), (HELD, OTHERS[0]), True,
        "has a description close to that of Fund 1 and Fund 3, which the customer bought",
    ),
    (
        LineGroup("similarity", BOUGHT, part="text"), (HELD,), False,
        "has a description far from that of Fund 1, which the customer bought",
    ),
    (
        LineGroup("similarity", BOUGHT, part="series"), (HELD,), True,
        "is close to Fund 1, which the customer bought by price history",
    ),
    (
        LineGroup("similarity", BOUGHT, part="learned"), (HELD,), True,
        "goes well with Fund 1, which the customer bought",
    ),
    (
        LineGroup("similarity", BOUGHT, part="learned"), (HELD,), False,
        "goes less well with Fund 1, which the customer bought",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("group", "via", "favours", "english"), LEARNED, ids=[row[3] for row in LEARNED])
def test_learned(group: LineGroup, via: tuple[Node, ...], favours: bool, english: str) -> None:
    types = () if group.hop is None else (group.hop,)
    words = ("garden", "house") if group.part == "text" and not via else ()
    assert sentences("en").learned(group, via, types, favours=favours, words=words) == english
    for code in ("de", "zh"):
        said = sentences(code).learned(group, via, types, favours=favours, words=words)
        assert said
        assert said != english


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{i}与您持有的{a}同属“{s}”领域", "稳健26号与您持有的 Fund 7 同属“科技B股”领域"),
        ("有{n}位客户{verb}{a}", "有13位客户买过 Fund 7"),
        ("您的ID是{n}", "您的 ID 是13"),
    ],
)
def test_chinese_has_spaces_at_the_borders_of_values_and_never_within(template: str, said: str) -> None:
    values = {"i": "稳健26号", "a": "Fund 7", "s": "科技B股", "n": "13", "verb": "买过"}
    assert language_of("zh").fill(template, values) == said


def test_the_mappings_sentence_stands_over_the_languages() -> None:
    way = "BOUGHT IN_SECTOR <IN_SECTOR"
    found = parts(way, via=(HELD,), mid=SECTOR)
    assert sentences("zh", SCHEMA, "customer").path(found) == "与您买过的 Fund 1 行业同为“Energy”"
    own = replace(SCHEMA, reasons_in={"zh": {way: "{i}和{a}都属{sector}"}}, words={"zh": {"Energy": "能源"}})
    assert sentences("zh", own).path(found) == "该产品和 Fund 1 都属能源"
    assert sentences("en", own, "customer").path(found) == "it is in Energy, like your Fund 1"
    # A sentence to the customer is not said of the customer.
    assert sentences("en", own).path(found) == "is in Energy, like Fund 1, which the customer bought"
    both = replace(SCHEMA, reasons={way: "in {sector}, as {whose} {a}, which {who} {verb}"})
    assert sentences("en", both).path(found) == "in Energy, as the customer's Fund 1, which the customer bought"
    assert sentences("en", both, "customer").path(found) == "in Energy, as your Fund 1, which you bought"


def test_words_of_the_mapping_name_labels_types_and_values() -> None:
    schema = replace(BARE, words={"zh": {"BOUGHT": "持有", "AgeBand": "年纪", "18-34": "青年"}})
    said = sentences("zh", schema)
    group = LineGroup("attribute", Hop("IN_AGE_BAND"))
    assert said.learned(group, (BAND,), hops("IN_AGE_BAND"), favours=True) == "在年纪为青年的客户中更常见"
    assert said.path(parts("BOUGHT SIMILAR_TO", via=(HELD,))) == "与该客户持有的 Fund 1 有关联"


def test_date_and_weight_of_the_customers_own_edge() -> None:
    schema = replace(SCHEMA, reasons={"VIEWED": "{at}: {i} for {weight}"}, reasons_in={"zh": {"VIEWED": "{at}浏览{i}"}})
    event = Event(datetime(2024, 3, 5, tzinfo=UTC), 1234.5)
    found = replace(parts("VIEWED", via=(HELD,)), event=event)
    assert sentences("en", schema).path(found) == "5 March 2024: it for 1,234.50"
    german = replace(schema, reasons_in={"de": {"VIEWED": "{at}: {i} für {weight}"}})
    assert sentences("de", german).path(found) == "5. März 2024: dieses Produkt für 1.234,50"
    assert sentences("zh", schema).path(found) == "2024年3月5日浏览该产品"
    for lacking in (None, Event(None, 2.0), Event(event.at, None)):
        assert sentences("en", schema).path(replace(found, event=lacking)) == "the customer looked at it"


def test_a_sentence_that_asks_for_what_is_not_there() -> None:
    with pytest.raises(SourceError) as caught:
        sentences("en", replace(SCHEMA, reasons={"VIEWED": "{i} in {sector}"})).path(parts("VIEWED", via=(HELD,)))
    assert str(caught.value) == (
        "reasons: the sentence for 'VIEWED' says 'sector', and that way has only a, i, last, n, product, verb, who, "
        "whose; correct it in the mapping and load again"
    )


def test_the_latest_event_that_the_model_knew(engine: Engine) -> None:
    reasons = engine.reasons_in("en")
    reasons.sentences = Sentences(replace(SCHEMA, reasons={"VIEWED": "seen on {at}"}))
    edges = engine.snapshot.edges("VIEWED")
    user = 8
    span = slice(int(edges.indptr[user]), int(edges.indptr[user + 1]))
    lines = [line for item in engine.recommend("C008", 20, ListOptions(reasons=None)).items for line in item.lines]
    seen = {line.via.id: line.text for line in lines if line.text.startswith("seen on") and line.via}
    assert seen
    for product, text in seen.items():
        times = edges.at[span][edges.indices[span] == int(product[1:])]
        latest = datetime.fromtimestamp(int(times.max()) / 1e6, UTC)
        assert text == f"seen on {latest.day} {latest:%B} {latest.year}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "is in Energy, like Fund 1, which the customer holds"),
        ("de", "Branche Energy, wie Fund 1, das der Kunde hält"),
        ("zh", "与该客户持有的 Fund 1 行业同为“Energy”"),
    ],
)
def test_what_is_held_until_it_ends_is_held_now(code: str, said: str) -> None:
    roles = replace(BARE.roles, interactions=("HELD",), relevant=("HELD",), weights={"HELD": 1.0})
    schema = replace(BARE, roles=roles, edges={**BARE.edges, "HELD": BARE.edges["BOUGHT"]})
    one = parts("HELD IN_SECTOR <IN_SECTOR", via=(HELD,), mid=SECTOR)
    assert sentences(code, schema).path(one) == said
    past = replace(schema, roles=replace(roles, interactions=("HELD", "BOUGHT"), relevant=("BOUGHT",)))
    assert sentences(code, past).path(one) != said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en", "{people} others with age band 18-34 held it"),
        ("de", "{people} andere mit Altersgruppe 18-34, die es hatten"),
        ("zh", "另有{people}位年龄段同为18-34的客户拥有过该产品"),
    ],
)
def test_who_holds_it_has_held_it_and_one_verb_says_so(code: str, said: str) -> None:
    roles = replace(BARE.roles, interactions=("HELD", "BOUGHT"), relevant=("HELD", "BOUGHT"))
    ended = replace(BARE.edges["BOUGHT"], until="until")
    schema = replace(BARE, roles=roles, edges={**BARE.edges, "HELD": BARE.edges["BOUGHT"], "BOUGHT": ended})
    ways = ("IN_AGE_BAND <IN_AGE_BAND HELD", "IN_AGE_BAND <IN_AGE_BAND BOUGHT")
    found = sentences(code, schema).path(parts(*ways, via=(BAND,), people=True))
    assert found == said


def test_a_unit_stands_behind_its_value() -> None:
    assert sentences("en").measured("InvestmentHorizonYears", "10") == ("investment horizon", "10 years")
    assert sentences("de").measured("ANLAGEHORIZONT_JAHRE", "10") == ("Anlagehorizont", "10 Jahre")
    assert sentences("en").measured("Years", "10") == ("years", "10")


def test_of_what_is_no_frequent_choice_the_number_alone_is_said() -> None:
    said = [sentences(code).learned(LineGroup("general"), (), (), favours=True, is_frequent=False) for code in CODES]
    assert said == ["{people} people bought it", "{people} Personen, die es gekauft haben", "{people}位客户买过该产品"]


def test_of_what_fades_is_said_since_when_it_was_taken() -> None:
    since = microseconds_of(datetime(2024, 3, 9, tzinfo=UTC))
    often, some = (
        [sentences(code).learned(LineGroup("general"), (), (), favours=True, is_frequent=is_frequent, since=since)
         for code in CODES]
        for is_frequent in (True, False)
    )  # fmt: skip
    dates = [sentences(code).language.date(datetime(2024, 3, 9, tzinfo=UTC)) for code in CODES]
    assert often == [
        f"has been a frequent choice since {dates[0]}: {{people}} people took it",
        f"seit {dates[1]} häufig gewählt: {{people}} Personen",
        f"自{dates[2]}起选择的人较多：{{people}}位客户选择了该产品",
    ]
    assert some == [
        f"{{people}} people took it since {dates[0]}",
        f"seit {dates[1]} gewählt: {{people}} Personen",
        f"自{dates[2]}起有{{people}}位客户选择了该产品",
    ]


def test_short_names_in_capitals_are_abbreviations_where_others_have_none() -> None:
    customer = replace(BARE.nodes["Customer"], columns=(Column("ATR", "integer"), Column("Town", "text")))
    mixed = replace(BARE, nodes={"Customer": customer})
    assert (sentences("en", mixed).word("ATR"), sentences("de", mixed).word("SRRI")) == ("ATR", "SRRI")
    capitals = replace(BARE, nodes={"Customer": replace(customer, columns=(Column("WORT", "text"),))})
    assert sentences("en", capitals).word("WORT") == "wort"


def test_a_value_that_begins_with_its_label_says_it_once() -> None:
    assert sentences("en").labelled("Plan", "Plan 3") == ("plan", "3")
    assert sentences("de").labelled("Plan", "Plan 3") == ("Plan", "3")
    assert sentences("en").labelled("Plan", "Plan 3, Plan 4") == ("plan", "Plan 3, Plan 4")


def test_names_of_columns_and_years_as_people_write_them() -> None:
    german = sentences("de")
    assert german.word("SecteurDeRisque") == "Secteur de Risque"
    assert german.word("FancyColour") == "Fancy Colour"
    assert german.word("Neigung_lt_WpHG_Bogen") == "Neigung lt WpHG Bogen"
    assert german.word("Werbung_Tel") == "Werbung Tel"
    assert sentences("en").word("Score_of_ESG_Kind") == "score of ESG kind"
    customer = replace(BARE.nodes["Customer"], columns=(Column("Neigung_lt_WpHG_Bogen", "text"),))
    drafted = replace(BARE, nodes={**BARE.nodes, "Customer": customer})
    assert sentences("de", drafted).word("NeigungLtWpHgBogen") == "Neigung lt WpHG Bogen"
    assert (german.fact_of("birth_year", 1944), german.fact_of("Income", 1944)) == ("1944", "1.944")
    assert sentences("en").fact_of("Opt_Out", value=False) == "no"
    assert german.fact_of("born_by", "1972-10-31") == "31. Oktober 1972"


def test_people_are_from_places_and_codes_of_them_need_their_label() -> None:
    def said(code: str, name: str, label: str = "Region") -> str:
        node = Node(label, name, None)
        hop = Hop("HAS_REGION")
        return sentences(code).learned(LineGroup("attribute", hop=hop), (node,), (hop,), favours=True)

    assert said("de", "Salzburg") == "häufiger bei Personen aus Salzburg"
    assert said("zh", "Salzburg") == "在 Salzburg 的客户中更常见"
    assert said("en", "Salzburg") == "is more frequent among people from Salzburg"
    assert said("en", "Bretagne", "Région") == "is more frequent among people from Bretagne"
    assert said("de", "05") == "häufiger bei Personen mit Region 05"
    assert said("de", "Ausgewogen", "Anlegerprofil") == "häufiger bei Personen mit Anlegerprofil Ausgewogen"
    assert said("zh", "Ausgewogen", "Anlegerprofil") == "在投资者类型为 Ausgewogen 的客户中更常见"


def test_two_names_beside_each_other_are_apart_in_chinese() -> None:
    chinese = language_of("zh")
    assert chinese.fill("与{a}{b}", {"a": "Unfall Plus 13", "b": "Sparte同为"}) == "与 Unfall Plus 13 Sparte同为"
    assert chinese.fill("截至{date}，风险等级{x}较高", {"date": "2026年1月2日", "x": "Équilibré"}) == (
        "截至2026年1月2日，风险等级 Équilibré 较高"
    )
    assert chinese.fill("第{n}位，共{m}%", {"n": "3", "m": "12"}) == "第3位，共12%"


def test_a_profile_in_another_language_is_named_without_its_words() -> None:
    group = LineGroup("similarity", part="text")
    said = {code: sentences(code).learned(group, (), (), favours=True) for code in ("de", "zh")}
    assert said == {"de": "passt zum Profil des Kunden (Beschreibung)", "zh": "产品介绍符合该客户的个人情况"}
    texts = ("likes a walk in the woods", "geht gern mit dem Hund in den Wald und auf die Berge", "喜欢森林")
    assert [[is_foreign(text, code) for text in texts] for code in ("en", "de", "zh", "sv")] == [
        [False, True, True], [True, False, True], [True, True, False], [False, False, False]
    ]  # fmt: skip


def test_labels_of_files_in_other_languages_have_words() -> None:
    assert sentences("zh").word("Anlegerprofil") == "投资者类型"
    assert sentences("de").word("风险承受能力") == "Risikobereitschaft"
    assert sentences("de").word("Woonplaats") == "Wohnort"
    assert sentences("en").word("客户类别") == "customer class"
    assert sentences("zh").word("UnknownThing") == "Unknown Thing"


def test_who_bought_in_another_table_bought_too() -> None:
    """What many people did is counted in every edge type of which it is so: who sold it since bought it, too."""
    traded = replace(BARE.edges["BOUGHT"], type="TRADE_BOUGHT", until="sold_on")
    roles = replace(BARE.roles, relevant=(*BARE.roles.relevant, "TRADE_BOUGHT"), held=())
    said = sentences("en", replace(BARE, roles=roles, edges={**BARE.edges, "TRADE_BOUGHT": traded}))
    assert said.are_said_alike("BOUGHT", "TRADE_BOUGHT")
    assert not said.are_said_alike("TRADE_BOUGHT", "BOUGHT")
    assert not said.are_said_alike("BOUGHT", "VIEWED")


def test_a_label_is_called_without_that_of_its_owner() -> None:
    nodes = {**BARE.nodes, "RiskLevel": BARE.nodes["Sector"], "CustomerRiskLevel": BARE.nodes["Sector"]}
    nodes["CustomerGroup"] = BARE.nodes["Sector"]
    said = sentences("en", replace(BARE, nodes=nodes))
    user = BARE.roles.user
    assert user == "Customer"
    assert [said.word(one) for one in ("CustomerRiskLevel", "CustomerGroup")] == ["risk level", "customer group"]
    assert said.word("RISIKOPROFIL") == said.word("Risikoprofil") == "risk profile"


def test_a_pair_of_attributes_is_no_thing_that_goes_well_with() -> None:
    both = Node("AgeBand", "18-34", None), Node("Sector", "S1", "Energy")
    traits = LineGroup("pair", Hop("IN_AGE_BAND"), other=Hop("IN_SECTOR"))
    held = LineGroup("pair", Hop("BOUGHT"), other=Hop("IN_SECTOR"))
    said = sentences("en", BARE)
    assert said.pair(traits, both, favours=True) == "{people} people with age band 18-34 and sector Energy bought it"
    assert said.pair(held, both, favours=True).startswith("goes well with 18-34 and sector Energy together")
    assert "goes less well with" in said.pair(traits, both, favours=False)
