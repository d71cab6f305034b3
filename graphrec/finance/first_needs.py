"""The text of a first needs.toml: needs that names of columns, events of life and kinds of products speak of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphrec.finance.first_file import column_lines, toml
from graphrec.finance.needs import NeedTable

HEAD = """\
# Which needs there are, when a customer has one, and which products meet it (docs/finance.md). graphrec wrote it from
# names of columns, events of life and kinds of products: read every line before you rely on it.
"""
DAYS = 365
"""How long an event of life counts."""


@dataclass(frozen=True)
class Known:
    """A need that banks and insurers know, with the words that speak of it."""

    id: str
    name: str
    kinds: tuple[str, ...]
    """Of the products that meet it."""
    columns: tuple[str, ...] = ()
    """Of customers: true, a number of at least 1, or a yes."""
    values: Mapping[tuple[str, ...], tuple[str, ...]] | None = None
    """Words of columns of customers, and of the values that speak of the need."""
    events: tuple[str, ...] = ()
    """Of edges to what is no product, and of columns of days."""
    not_events: tuple[str, ...] = ()
    """Words of columns of days that are something else."""


KNOWN: tuple[Known, ...] = (
    Known(
        "life", "income for those who depend on you",
        ("life", "termlife", "wholelife", "lifecover", "survivor", "lebensversicherung", "risikoleben", "leben",
         "寿险", "人寿", "deces", "prevoyance", "vida", "vita"),
        ("dependants", "dependents", "children", "child", "kids", "kinder", "kinderzahl", "unterhalt", "子女", "抚养",
         "enfants", "hijos", "figli"),
        {("segment", "lifestage", "lebensphase", "household", "haushalt", "客群", "人生阶段"): (
            "family", "families", "parent", "parents", "familie", "familien", "eltern", "家庭", "famille", "familia")},
        ("birth", "childbirth", "newborn", "child", "marriage", "married", "wedding", "geburt", "kind", "heirat",
         "hochzeit", "eheschliessung", "出生", "生育", "结婚", "naissance", "mariage", "nacimiento", "matrimonio"),
        ("birthdate", "birthday", "dateofbirth", "birth", "geburt", "geburtsdatum", "geburtstag", "出生", "naissance",
         "nacimiento"),
    ),
    Known(
        "home", "cover of the home",
        ("home", "household", "contents", "building", "buildings", "property", "homeowner", "hausrat", "wohngebaeude",
         "gebaeude", "家财", "房屋", "habitation", "hogar", "casa"),
        ("ownshome", "homeowner", "ownsproperty", "ownshouse", "houseowner", "eigenheim", "wohneigentum",
         "hauseigentum", "有房", "自有住房", "proprietaire", "propietario"),
        {("housing", "residencetype", "hometype", "homestatus", "tenure", "wohnsituation", "wohnform", "住房"): (
            "own", "owner", "owned", "eigentum", "eigentuemer", "自有", "proprietaire", "propia")},
        ("moved", "move", "movinghouse", "relocation", "housepurchase", "homepurchase", "umzug", "umgezogen",
         "hauskauf", "wohnungskauf", "搬家", "购房", "demenagement", "mudanza"),
    ),
    Known(
        "motor", "cover of the vehicle",
        ("motor", "car", "auto", "vehicle", "kfz", "车险", "机动车", "automobile", "coche", "veicolo"),
        ("ownscar", "cars", "vehicles", "vehicle", "carowner", "fahrzeug", "fahrzeuge", "autobesitz", "kfz", "有车",
         "vehicule", "vehiculo"),
        None,
        ("carpurchase", "vehicleregistration", "registeredcar", "boughtcar", "zulassung", "autokauf", "fahrzeugkauf",
         "购车"),
    ),
    Known(
        "liability", "claims of others against you",
        ("liability", "haftpflicht", "privathaftpflicht", "责任险", "responsabilitecivile", "responsabilidadcivil"),
        ("pets", "dogs", "dogowner", "hund", "hunde", "宠物"),
    ),
    Known(
        "income", "income where you can no longer work",
        ("disability", "incomeprotection", "occupationaldisability", "berufsunfaehigkeit", "erwerbsunfaehigkeit",
         "krankentagegeld", "伤残", "失能", "invalidite", "incapacidad"),
        ("selfemployed", "selbststaendig", "selbstaendig", "freiberufler", "自雇", "个体", "independant", "autonomo"),
        {("segment", "employment", "occupation", "employmentstatus", "beschaeftigung", "beruf", "就业", "职业"): (
            "selfemployed", "employed", "selbststaendig", "angestellt", "angestellter", "自雇", "在职")},
        ("newjob", "jobchange", "hired", "stellenwechsel", "berufsstart", "入职"),
    ),
    Known(
        "health", "cost of treatment",
        ("health", "medical", "krankenversicherung", "krankenzusatz", "zahnzusatz", "医疗", "健康险", "sante", "salud",
         "salute"),
        ("uninsured", "unversichert"),
        None,
        ("birth", "childbirth", "newborn", "geburt", "出生", "naissance"),
        ("birth", "geburt", "出生", "naissance"),
    ),
    Known(
        "travel", "cover of a journey",
        ("travel", "reiseversicherung", "reise", "旅行", "旅游险", "voyage", "viaje"),
        (),
        None,
        ("trip", "journey", "travelbooking", "reisebuchung", "出行", "旅行"),
    ),
    Known(
        "pension", "income in old age",
        ("pension", "retirement", "annuity", "rente", "rentenversicherung", "altersvorsorge", "riester", "养老", "年金",
         "retraite", "jubilacion"),
        (),
        None,
        ("retirement", "retired", "ruhestand", "rentenbeginn", "退休"),
    ),
)  # fmt: skip
ANY_COVER = ("insurance", "cover", "protection", "versicherung", "absicherung", "保险", "assurance", "seguro",
             "assicurazione", "verzekering")  # fmt: skip
"""Words of kinds that say that something is insured and not what."""


@dataclass(frozen=True)
class Drafted:
    """A need with what was found of it; an empty text: nothing was."""

    known: Known
    when: str
    products: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Which keys are to be filled in."""
        return tuple(
            f"{self.known.id}.{key}" for key, text in (("when", self.when), ("products", self.products)) if not text
        )

    def table(self) -> NeedTable:
        """The need, where both conditions were found."""
        return NeedTable(self.known.id, self.when, self.products, self.known.name)


def first_needs(
    drafted: Sequence[Drafted], customers: Sequence[str], products: Sequence[str], events: Sequence[str],
    others: Sequence[str],
) -> str:  # fmt: skip
    """The text of a first needs.toml: whole needs are in force, of others what was found stands as a comment.

    Args:
        drafted: needs.
        customers: columns of customers that may be named.
        products: the same of products.
        events: edge types from customers to what is no product, with times.
        others: kinds of cover that no need names.
    """
    lines = [HEAD.rstrip("\n"), *column_lines(customers, products)]
    lines.append(f"# Events of life that happened('…', {DAYS}) may name: {', '.join(events) or 'none'}.")
    if others:
        lines.append(f"# Kinds of products that say cover, and not of what: {', '.join(others)}.")
    lines += ["", 'version = "1"']
    for one in (one for one in drafted if not one.missing):
        lines += ["", *_lines(one)]
    left = [one for one in drafted if one.missing]
    if left:
        lines += ["", "# Not in force: fill in what is empty, and take the # away."]
    for one in left:
        lines += ["#", *(f"# {line}" for line in _lines(one))]
    return "\n".join([*lines, ""])


def _lines(one: Drafted) -> Iterator[str]:
    yield "[[need]]"
    written = {"id": one.known.id, "name": one.known.name, "when": one.when, "products": one.products}
    yield from (f"{key} = {toml(value)}" for key, value in written.items())
