"""The fixed words and figures of the demo bank: kinds, categories, sectors, names, places, goals. All invented."""

from dataclasses import dataclass

LEVELS = 5
"""Risk classes of products and risk tolerances of customers run from 1 to this."""


@dataclass(frozen=True)
class Kind:
    """One kind of product: its share of the catalogue, its conditions and how its texts speak."""

    name: str
    word: str
    share: float
    categories: tuple[str, ...]
    risk: tuple[int, ...]
    fee_percent: tuple[float, float]
    minimum_amounts: tuple[int, ...]
    min_horizon_years: tuple[int, ...]
    min_age: int
    amount: float
    openings: tuple[str, ...]
    is_security: bool = False
    is_credit: bool = False
    """Whether it gives cash: then its file names no least amount and no horizon, which are of what is put in."""


KINDS: tuple[Kind, ...] = (
    Kind(
        "equity", "Shares", 0.18, ("Large companies", "Small companies"), (3, 4, 5), (0.0, 0.3), (50, 100),
        (3, 5, 7), 18, 2_500.0,
        ("Shares in a listed company that earns its money with {p} and {q}.",
         "A stake in a listed firm known for {p}; a second branch deals with {q}."),
        is_security=True,
    ),
    Kind(
        "fund", "Fund", 0.2, ("Mixed funds", "Equity funds"), (2, 3, 3, 4), (0.8, 1.9), (50, 250, 500),
        (3, 5), 18, 3_000.0,
        ("An actively managed fund that picks firms working on {p} and {q}.",
         "A fund whose managers look for {p}, and for {q} as well."),
        is_security=True,
    ),
    Kind(
        "ETF", "ETF", 0.13, ("Index funds",), (2, 3, 4), (0.1, 0.6), (25, 50), (3, 5), 18, 2_000.0,
        ("An exchange-traded fund that copies an index of firms behind {p} and {q}.",
         "A low-cost index fund on {p}; {q} completes the basket."),
        is_security=True,
    ),
    Kind(
        "bond", "Bond", 0.14, ("Corporate bonds", "Public bonds"), (1, 1, 2, 3), (0.0, 0.4), (500, 1_000),
        (1, 3, 5), 18, 8_000.0,
        ("A bond whose proceeds pay for {p} and {q}.", "A fixed-interest bond that finances {p}, then {q}."),
        is_security=True,
    ),
    Kind(
        "deposit", "Deposit", 0.1, ("Savings",), (1,), (0.0, 0.1), (10, 100, 500), (0, 1, 2), 0, 6_000.0,
        ("A savings deposit; the bank lends the money on for {p} and {q}.",
         "Savings with a fixed rate that are put to work for {p} and for {q}."),
    ),
    Kind(
        "insurance", "Cover", 0.1, ("Protection", "Provision"), (1, 1, 2), (0.5, 1.5), (20, 40), (1, 3, 5), 18, 900.0,
        ("An insurance policy whose reserves serve {p} and {q}.",
         "Cover with a purpose: the premiums that are not needed go to {p} and {q}."),
    ),
    Kind(
        "card", "Card", 0.08, ("Cards",), (1,), (0.0, 0.9), (0,), (0,), 16, 60.0,
        ("A payment card: every purchase adds a few cents for {p} and {q}.",
         "A card for every day whose bonus points turn into help for {p}, or for {q}."),
    ),
    Kind(
        "loan", "Loan", 0.07, ("Consumer credit",), (1, 2), (0.2, 1.2), (1_000, 3_000), (1, 3), 18, 12_000.0,
        ("A loan at a lower rate for anyone who pays for {p} or {q}.",
         "Credit in equal instalments, meant for {p} and for {q}."),
        is_credit=True,
    ),
)  # fmt: skip

#: What follows the opening of a description: the theme once more, in other words.
MIDDLES: tuple[str, ...] = (
    "It is all about {label}: {r} and {s}.",
    "{Label} is the idea behind it, from {r} to {s}.",
    "Whoever cares about {label} will find {r} here, and {s}.",
    "The focus on {label} is strict: {r}, then {s}.",
    "A yearly report on {label} shows what was done for {r} and for {s}.",
    "Experts in {label} advise on {r}; lately also on {s}.",
)

#: How some descriptions end; the same for all kinds, so that the theme tells texts apart and not the kind.
ENDINGS: tuple[str, ...] = (
    "Fees are shown once a year.", "Can be ended with a month's notice.", "Questions are answered on any bank day.",
    "All papers come by post or online.", "Ask for the key facts on one page.", "A cheaper variant exists online.",
)  # fmt: skip

STEPS: tuple[str, ...] = (
    *("Machinery", "Components", "Materials", "Infrastructure", "Operators", "Engineering", "Software", "Research"),
    *("Logistics", "Wholesale", "Retail", "Maintenance", "Construction", "Consulting", "Leasing", "Testing"),
    *("Services", "Distribution", "Training", "Packaging", "Suppliers", "Planning"),
)
"""Sectors of securities: steps of a value chain, each of which every theme has."""
BUSINESS_LINES: tuple[str, ...] = (
    *("Everyday Banking", "Household Finance", "Small Business", "Family Finance", "Direct Banking"),
    *("Regional Banking", "Personal Finance", "Private Banking", "Branch Banking", "Member Banking"),
    *("Partner Banking", "Digital Banking"),
)
"""Sectors of what is no security: lines of a bank's business."""

ISSUER_FIRST: tuple[str, ...] = (
    *("Nord", "Alden", "Berg", "Corva", "Dorn", "Elm", "Falken", "Grau", "Hall", "Iven", "Jadel", "Kirn", "Lind"),
    *("Mar", "Nell", "Ost", "Pell", "Quern", "Rosen", "Silber", "Tann", "Ulmen", "Vell", "Wald", "Yor", "Zell"),
    *("Amber", "Birk", "Cedar", "Dray", "Esk", "Fenn", "Gild", "Hazel", "Isen", "Kestrel", "Lark", "Moor", "Oaken"),
    *("Plover", "Rook", "Sorrel", "Thorn", "Umber", "Viol", "Wren"),
)
ISSUER_SECOND: tuple[str, ...] = (
    *("licht", "mark", "haven", "stein", "brook", "gate", "feld", "mere", "wick", "hurst", "dale", "crest", "holm"),
    *("stead", "fjord", "bridge", "ridge", "quay", "garth", "worth", "mont", "vale", "strand", "lund", "bourne"),
    *("combe", "thorpe", "heim", "burgh", "by", "croft", "den", "ford", "grove", "hythe", "keld", "ley", "minster"),
    *("ness", "stow"),
)

COUNTRIES: tuple[tuple[str, str, str], ...] = (
    ("AT", "Austria", "EUR"), ("BE", "Belgium", "EUR"), ("CH", "Switzerland", "CHF"), ("DE", "Germany", "EUR"),
    ("DK", "Denmark", "DKK"), ("ES", "Spain", "EUR"), ("FR", "France", "EUR"), ("GB", "United Kingdom", "GBP"),
    ("IE", "Ireland", "EUR"), ("IT", "Italy", "EUR"), ("LU", "Luxembourg", "EUR"), ("NL", "Netherlands", "EUR"),
    ("SE", "Sweden", "SEK"), ("US", "United States", "USD"),
)  # fmt: skip
"""Code, name and currency of the countries that issuers come from."""
EUR_PER_UNIT: dict[str, float] = {"EUR": 1.0, "CHF": 1.05, "DKK": 0.134, "GBP": 1.16, "SEK": 0.088, "USD": 0.92}

REGIONS: tuple[tuple[str, str, float], ...] = (
    ("Vienna", "AT", 0.2), ("Lower Austria", "AT", 0.12), ("Upper Austria", "AT", 0.12), ("Styria", "AT", 0.1),
    ("Tyrol", "AT", 0.08), ("Salzburg", "AT", 0.06), ("Carinthia", "AT", 0.05), ("Vorarlberg", "AT", 0.04),
    ("Upper Bavaria", "DE", 0.1), ("Swabia", "DE", 0.06), ("St. Gallen", "CH", 0.04), ("Zurich", "CH", 0.03),
)  # fmt: skip
"""Name, country and share of the regions that customers live in."""

AGE_BANDS: tuple[tuple[str, int, int, float], ...] = (
    ("18-24", 18, 24, 0.1), ("25-34", 25, 34, 0.19), ("35-44", 35, 44, 0.2), ("45-54", 45, 54, 0.19),
    ("55-64", 55, 64, 0.17), ("65 and over", 65, 88, 0.15),
)  # fmt: skip
INCOME_BANDS: tuple[tuple[str, int, float], ...] = (
    ("up to 20,000", 15_000, 0.2), ("20,000-35,000", 27_000, 0.3), ("35,000-55,000", 44_000, 0.27),
    ("55,000-90,000", 70_000, 0.16), ("over 90,000", 130_000, 0.07),
)  # fmt: skip
"""Name, a typical yearly income in EUR and the share of customers."""
SEGMENTS: tuple[str, ...] = ("everyday", "family", "affluent", "private", "self-employed")
TOLERANCES: tuple[float, ...] = (0.08, 0.17, 0.3, 0.27, 0.18)
HORIZONS: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 15, 20, 30)

GOALS: tuple[str, ...] = (
    "Saving for a flat of my own.", "Wants to retire at sixty.", "Putting money aside for the children.",
    "Keeps a reserve for hard times.", "Building up wealth step by step.", "Paying back a mortgage early.",
    "Planning a long journey.", "Looks for a regular income.", "Opening a small shop soon.",
    "Wants few papers to sign.",
)  # fmt: skip
INTERESTS: tuple[str, ...] = ("Cares about {label}: {p}.", "Reads a lot about {label}, above all {p}.")

GIVEN_NAMES: dict[str, tuple[str, ...]] = {
    "female": ("Alva", "Berit", "Clea", "Dorea", "Edda", "Finja", "Gesa", "Hedda", "Ilka", "Jorid", "Kaja", "Levke",
               "Merle", "Nele", "Oda", "Pia", "Ronja", "Silke", "Tomma", "Ulla", "Vea", "Wiebke", "Yrsa", "Zita"),
    "male": ("Arvid", "Bela", "Caspar", "Dario", "Eike", "Fiete", "Gero", "Hanno", "Ivo", "Joris", "Kuno", "Lasse",
             "Malte", "Nils", "Okko", "Piet", "Rurik", "Sven", "Tjark", "Udo", "Veit", "Wido", "Yannik", "Zeno"),
    "diverse": ("Alex", "Charly", "Jona", "Kim", "Luca", "Mika", "Noel", "Robin", "Sascha", "Toni"),
}  # fmt: skip
FAMILY_FIRST: tuple[str, ...] = (
    *("Ahren", "Birken", "Calden", "Deich", "Eschen", "Fuchs", "Ginster", "Hasel", "Ingel", "Jost", "Krumm", "Lerchen"),
    *("Moos", "Nuss", "Ohlen", "Pirk", "Quitten", "Reiher", "Schleh", "Torf", "Uhlen", "Vogel", "Weiden", "Zirben"),
)
FAMILY_SECOND: tuple[str, ...] = (
    *("bach", "berger", "brandt", "eder", "egger", "hauser", "hofer", "huber", "kamp", "lechner", "mayr", "moser"),
    *("nagl", "pichler", "rauch", "reiter", "sieder", "stetter", "thaler", "wieser", "winkler", "zeller"),
)
CHANNELS: tuple[str, ...] = ("app", "web", "branch", "phone", "adviser")
