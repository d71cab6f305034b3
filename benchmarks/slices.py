"""Sets cut out of the real data or drawn, each of another kind: more data that `defaults.py` asks the default on.

A rule that chooses should hold on data that nobody here has seen. Each slice is one kind of such data: few users, few
products, products that nobody held before the cut, repeats, two communities that share nothing, one holding each.
docs/log.md says which of them a rule was made after.
"""

import csv
import gzip
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapes import START, Shape, write_shape

Row = tuple[str, str, str]
"""User, product, time; without a time it is empty."""
Words = Mapping[str, Mapping[str, Sequence[str]]]
"""By attribute: the values of each user or product."""


@dataclass(frozen=True)
class Slice:
    """What a bank would give."""

    rows: list[Row]
    of_users: Words = field(default_factory=dict)
    of_products: Words = field(default_factory=dict)
    later: list[Row] = field(default_factory=list)
    """What has to be found; where there is none, the engine splits."""
    against: list[Row] = field(default_factory=list)
    """What speaks against a product, such as one star of five."""


def written(made: Slice, folder: Path) -> Path:
    """The files of a slice; returns their mapping."""
    folder.mkdir(parents=True, exist_ok=True)
    is_dated = all(row[2] for row in made.rows)
    _table(folder / "holdings.csv", ("event", "user", "product", "taken_on"),
           [(str(n), *row) for n, row in enumerate([*made.rows, *made.later])])  # fmt: skip
    every = [*made.rows, *made.later, *made.against]
    _table(folder / "users.csv", ("user",), sorted({(row[0],) for row in every}))
    _table(folder / "products.csv", ("product",), sorted({(row[1],) for row in every}))
    files, text = ["holdings", "users", "products"], []
    for label, key, words in (("User", "user", made.of_users), ("Product", "product", made.of_products)):
        for name, values in words.items():
            known = {row[0 if key == "user" else 1] for row in every}
            pairs = [(one, value) for one, own in values.items() if one in known for value in own]
            _table(folder / f"{key}_{name}.csv", (key, "value"), pairs)
            files.append(f"{key}_{name}")
            text.append(
                f'[nodes.{name.title()}]\nkey = "value"\nsql = "SELECT DISTINCT value FROM {key}_{name}"\n\n'
                f'[edges.HAS_{name.upper()}]\nfrom = "{label}.{key}"\nto = "{name.title()}.value"\n'
                f'sql = "SELECT DISTINCT {key}, value FROM {key}_{name}"\n'
            )
    holds = 'key = "event"\nat = "taken_on"\nsql = "SELECT event, \\"user\\", product, taken_on FROM holdings"\n'
    text.append(
        '[edges.HOLDS]\nfrom = "User.user"\nto = "Product.product"\n'
        + (holds if is_dated else 'sql = "SELECT DISTINCT \\"user\\", product FROM holdings"\n')
    )
    roles = 'interactions = ["HOLDS"]\n'
    if made.against:
        _table(folder / "against.csv", ("event", "user", "product", "taken_on"),
               [(str(n), *row) for n, row in enumerate(made.against)])  # fmt: skip
        files.append("against")
        text.append(
            '[edges.REJECTED]\nfrom = "User.user"\nto = "Product.product"\n' + holds.replace("holdings", "against")
        )
        roles = 'interactions = ["HOLDS", "REJECTED"]\nweights = { REJECTED = -1.0 }\n'
    if made.later:
        _table(folder / "later.csv", ("user", "product"), [row[:2] for row in made.later])
        files.append("later")
        text.append('[split]\ntest = "SELECT \\"user\\", product FROM later"\n')
    listed = "\n".join(f'{name} = "{name}.csv"' for name in files)
    mapping = folder / "slice.toml"
    mapping.write_text(
        f'[source]\nname = "slice"\n\n[source.files]\n{listed}\n\n[roles]\nuser = "User"\nproduct = "Product"\n'
        f'{roles}relevant = ["HOLDS"]\n\n[nodes.User]\nkey = "user"\n'
        'sql = "SELECT \\"user\\" FROM users"\n\n'
        '[nodes.Product]\nkey = "product"\nsql = "SELECT product FROM products"\n\n' + "\n".join(text),
        "utf-8",
    )
    return mapping


def _table(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def _last_hidden(rows: Iterable[Row], part: float = 0.2) -> tuple[list[Row], list[Row]]:
    """The rows, and the last part of each user's, by their order."""
    own: dict[str, list[Row]] = {}
    for row in rows:
        own.setdefault(row[0], []).append(row)
    kept, later = [], []
    for mine in own.values():
        cut = len(mine) - int(len(mine) * part)
        kept += mine[:cut]
        later += mine[cut:]
    return kept, later


# The sources.


def _ml_100k(data: Path) -> tuple[list[Row], Words, Words]:
    lines = (data / "ml-100k" / "ml-100k.inter").read_text("utf-8").splitlines()[1:]
    raw = sorted((line.split("\t") for line in lines), key=lambda one: (int(one[3]), one[0], one[1]))
    rows = [(user, item, datetime.fromtimestamp(int(at), UTC).isoformat()) for user, item, _, at in raw]
    people = [line.split("\t") for line in (data / "ml-100k" / "ml-100k.user").read_text("utf-8").splitlines()[1:]]
    films = [line.split("\t") for line in (data / "ml-100k" / "ml-100k.item").read_text("utf-8").splitlines()[1:]]
    return (
        rows,
        {"job": {one[0]: [one[3]] for one in people}, "age": {one[0]: [f"{int(one[1]) // 10}0s"] for one in people}},
        {"genre": {one[0]: one[3].split() for one in films}, "decade": {one[0]: [one[2][:3]] for one in films}},
    )


def _lines(path: Path) -> list[Row]:
    rows = [line.split() for line in path.read_text("utf-8").splitlines()]
    return [(row[0], item, "") for row in rows for item in row[1:]]


def _ml_1m(data: Path) -> list[Row]:
    return [row for part in ("train", "valid", "test") for row in _lines(data / "ml-1m" / f"{part}.txt")]


def _stocks(data: Path) -> tuple[list[Row], Words]:
    """Which concepts a Chinese stock belongs to, and its industry."""
    place = data / "ashare-kg"

    def pairs(name: str) -> list[list[str]]:
        return [row[:2] for row in csv.reader((place / name).open(encoding="utf-8"))][1:]

    industries: dict[str, list[str]] = {}
    for stock, industry in pairs("stock_industry.csv"):
        industries.setdefault(stock, []).append(industry)
    return [(a, b, "") for a, b in pairs("stock_concept.csv")], {"industry": industries}


def _kept(rows: Iterable[Row], users: int = 2, products: int = 5) -> list[Row]:
    """The rows without products of few users and users of few products."""
    found = list(dict.fromkeys(rows))
    while True:
        number: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for row in found:
            for side in (0, 1):
                number[side][row[side]] = number[side].get(row[side], 0) + 1
        left = [row for row in found if number[0][row[0]] >= users and number[1][row[1]] >= products]
        if len(left) == len(found):
            return left
        found = left


def _shuffled(rows: list[Row], seed: int) -> list[Row]:
    return [rows[n] for n in np.random.default_rng((seed, 1)).permutation(len(rows))]


def _some(names: Iterable[str], count: int, seed: int) -> set[str]:
    ordered = sorted(set(names))
    return {ordered[n] for n in np.random.default_rng(seed).permutation(len(ordered))[:count]}


# The slices.


def few_each(data: Path, _seed: int) -> Slice:
    """Films with attributes and times; the first twenty ratings of each user."""
    rows, of_users, of_products = _ml_100k(data)
    count: dict[str, int] = {}
    kept = []
    for row in rows:
        count[row[0]] = count.get(row[0], 0) + 1
        kept += [row] if count[row[0]] <= 20 else []
    return Slice(kept, of_users, of_products)


def early(data: Path, _seed: int) -> Slice:
    """The first quarter of the time of ml-100k, cut by one time."""
    rows, of_users, of_products = _ml_100k(data)
    return Slice(rows[: len(rows) // 4], of_users, of_products)


def all_new(data: Path, seed: int) -> Slice:
    """What has to be found are products of which nobody holds any: 300 random films, with genre and decade."""
    rows, of_users, of_products = _ml_100k(data)
    new = _some((row[1] for row in rows), 300, seed)
    plain = [(user, item, "") for user, item, _ in rows]
    return Slice(
        [row for row in plain if row[1] not in new], of_users, of_products, [row for row in plain if row[1] in new]
    )


def part_new(data: Path, seed: int) -> Slice:
    """A fifth of the films is new: the last fifth of each user, and all of the new films."""
    rows, of_users, of_products = _ml_100k(data)
    new = _some((row[1] for row in rows), 330, seed)
    old, later = _last_hidden([(user, item, "") for user, item, _ in rows if item not in new])
    return Slice(old, of_users, of_products, later + [(user, item, "") for user, item, _ in rows if item in new])


def quarter(data: Path, seed: int) -> Slice:
    """A random quarter of the films of ml-1m, 1,500 users, at random."""
    rows = _ml_1m(data)
    items, users = _some((row[1] for row in rows), 800, seed), _some((row[0] for row in rows), 1_500, seed)
    return Slice(*_pair(_last_hidden(_shuffled([row for row in rows if row[1] in items and row[0] in users], seed))))


def users_300(data: Path, seed: int) -> Slice:
    """300 users of ml-1m, all films."""
    rows = _ml_1m(data)
    users = _some((row[0] for row in rows), 300, seed)
    return Slice(*_pair(_last_hidden(_shuffled([row for row in rows if row[0] in users], seed))))


def articles(data: Path, seed: int) -> Slice:
    """A tenth of the users of citeulike-t."""
    lines = (data / "citeulike-t" / "users.dat").read_text("utf-8").splitlines()
    rows = [(str(n), item, "") for n, line in enumerate(lines) for item in line.split()[1:]]
    users = _some((row[0] for row in rows), 795, seed)
    return Slice(*_pair(_last_hidden(_shuffled([row for row in rows if row[0] in users], seed))))


def places(data: Path, seed: int) -> Slice:
    """A fifth of the users of gowalla and the places that ten of them went to; its own split."""
    train, test = (_lines(data / "gowalla" / f"{part}.txt") for part in ("train", "test"))
    users = _some((row[0] for row in train), 6_000, seed)
    train = _kept((row for row in train if row[0] in users), products=8)
    known, asked = {row[1] for row in train}, {row[0] for row in train}
    return Slice(train, later=[row for row in test if row[0] in asked and row[1] in known])


def concepts(data: Path, _seed: int) -> Slice:
    """Stocks and the concepts that they belong to, with their industry; the engine splits."""
    rows, of_users = _stocks(data)
    return Slice(_kept(rows, users=1), of_users)


def one_each(data: Path, seed: int) -> Slice:
    """One concept of each stock is known, and its industry; one has to be found."""
    rows, of_users = _stocks(data)
    own: dict[str, list[Row]] = {}
    for row in _shuffled(_kept(rows, users=2, products=20), seed):
        own.setdefault(row[0], []).append(row)
    return Slice([one[0] for one in own.values()], of_users, {}, [one[1] for one in own.values() if len(one) > 1])


def insurance(data: Path, seed: int) -> Slice:
    """2,500 clients of zimnat, the fifteen products that are held most, attributes; one hidden of who has two."""
    with (data / "zimnat" / "Train.csv").open(encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    fixed = {"join_date", "sex", "marital_status", "birth_year", "branch_code", "occupation_code",
             "occupation_category_code", "ID"}  # fmt: skip
    users = _some((one["ID"] for one in people), 2_500, seed)
    people = [one for one in people if one["ID"] in users]
    products = [name for name in people[0] if name not in fixed]
    products = sorted(products, key=lambda name: -sum(one[name] == "1" for one in people))[:15]
    of_users: Words = {
        "branch": {one["ID"]: [one["branch_code"]] for one in people},
        "occupation": {one["ID"]: [one["occupation_category_code"]] for one in people},
        "born": {one["ID"]: [f"{int(one['birth_year']) // 10}0s"] for one in people if one["birth_year"].isdigit()},
    }
    rng, kept, later = np.random.default_rng(seed), list[Row](), list[Row]()
    for one in people:
        own = [(one["ID"], name, "") for name in products if one[name] == "1"]
        hidden = int(rng.integers(len(own))) if len(own) > 1 else -1
        for n, row in enumerate(own):
            (later if n == hidden else kept).append(row)
    return Slice(kept, of_users, {}, later)


def payees(data: Path, seed: int) -> Slice:
    """Who pays whom (amlsim): many repeats, with times; payees that eight pay."""
    with tarfile.open(data / "amlsim" / "20K_cycle200.tgz") as archive:
        text = archive.extractfile("20K_cycle200/transactions.csv")
        assert text is not None, "the archive has its table"
        lines = text.read().decode().splitlines()[1:]
    raw = [line.split(",") for line in lines]
    users = _some((one[0] for one in raw), 4_000, seed)
    rows = [(one[0], f"to {one[1]}", str(START + np.timedelta64(int(float(one[3])), "D"))) for one in raw]
    number: dict[str, int] = {}
    for row in dict.fromkeys(row[:2] for row in rows):
        number[row[1]] = number.get(row[1], 0) + 1
    return Slice([row for row in rows if row[0] in users and number[row[1]] >= 8])


def calls(data: Path, seed: int) -> Slice:
    """Bank customers with attributes and what they hold, such as loans and a deposit; one hidden."""
    with gzip.open(data / "bank-marketing" / "bank-additional-full.csv.gz", "rt", encoding="utf-8") as file:
        people = list(csv.DictReader(file, delimiter=";"))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(people))[:5_000])
    names = {"housing": "yes", "loan": "yes", "y": "yes", "contact": "cellular", "poutcome": "success", "default": "no"}
    of_users = {name: {f"u{n}": [people[n][name]] for n in chosen} for name in ("job", "education", "month")}
    of_users["age"] = {f"u{n}": [f"{int(people[n]['age']) // 10}0s"] for n in chosen}
    rng, kept, later = np.random.default_rng(seed), list[Row](), list[Row]()
    for n in chosen:
        own = [(f"u{n}", name, "") for name, value in names.items() if people[n][name] == value]
        hidden = int(rng.integers(len(own))) if len(own) > 1 else -1
        for place, row in enumerate(own):
            (later if place == hidden else kept).append(row)
    return Slice(kept, of_users, {}, later)


def two_worlds(data: Path, seed: int) -> Slice:
    """600 readers of articles and 500 of films in one bank: two communities with no product in common."""
    films, readers = users_300(data, seed), articles(data, seed)
    return Slice(
        [(f"f{a}", f"f{b}", "") for a, b, _ in films.rows] + [(f"a{a}", f"a{b}", "") for a, b, _ in readers.rows],
        later=[(f"f{a}", f"f{b}", "") for a, b, _ in films.later]
        + [(f"a{a}", f"a{b}", "") for a, b, _ in readers.later],
    )


def senators(data: Path, seed: int) -> Slice:
    """Which tickers senators traded, without times, one random fifth hidden."""
    with (data / "senate" / "all_transactions.csv").open(encoding="utf-8") as file:
        rows = [(one["senator"], one["ticker"], "") for one in csv.DictReader(file)]
    rows = _kept(row for row in rows if re.fullmatch("[A-Z.]{1,6}", row[1]))
    return Slice(*_pair(_last_hidden(_shuffled(rows, seed))))


# Drawn here: further kinds of banks.


def _day(time: float) -> str:
    """A part of two years as a day."""
    return str(START + np.timedelta64(int(time * 700), "D"))


def _taken(likes: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Some products, drawn by likes (num_products,) without repetition, the first taken first."""
    return np.argsort(-(likes + rng.gumbel(size=len(likes))))[:count]


def _one_hidden(own: list[list[Row]], rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """The rows of each customer, and one of them of who has two."""
    hidden = [int(rng.integers(len(rows))) if len(rows) > 1 else -1 for rows in own]
    return (
        [row for rows, place in zip(own, hidden, strict=True) for n, row in enumerate(rows) if n != place],
        [rows[place] for rows, place in zip(own, hidden, strict=True) if place >= 0],
    )


def forty(_data: Path, seed: int) -> Slice:
    """An insurer: 4,000 clients, 12 products, 40 attributes of which six say something, and a tenth is missing."""
    rng = np.random.default_rng((seed, 11))
    values = rng.integers(2, 9, 40)
    facts = np.stack([rng.integers(most, size=4_000) for most in values], axis=1)
    likes = rng.normal(0, 1.2, 12) + sum(rng.normal(0, 0.8, (values[n], 12))[facts[:, n]] for n in range(4))
    likes = likes + rng.normal(0, 1.0, (values[4], values[5], 12))[facts[:, 4], facts[:, 5]]
    together = rng.normal(0, 0.8, (3, 12))[rng.integers(3, size=4_000)]
    own = [
        [(f"u{n}", f"p{one}", "") for one in _taken(likes[n] + together[n], 1 + rng.poisson(1.2), rng)]
        for n in range(4_000)
    ]
    known = rng.random((4_000, 40)) > 0.1
    of_users = {f"fact{k}": {f"u{n}": [f"{facts[n, k]}"] for n in range(4_000) if known[n, k]} for k in range(40)}
    kept, later = _one_hidden(own, rng)
    return Slice(kept, of_users, {}, later)


def funds(_data: Path, seed: int) -> Slice:
    """A broker: 2,500 clients and 5,000 funds, each of which is bought in its own season; savings plans repeat."""
    rng = np.random.default_rng((seed, 12))
    themes, houses = rng.integers(40, size=5_000), rng.integers(60, size=5_000)
    season, popular = rng.random(5_000) * 1.3 - 0.2, rng.normal(0, 1.3, 5_000)
    rows = list[Row]()
    for who in range(2_500):
        theme, house = rng.normal(0, 1.5, 40), rng.normal(0, 0.8, 60)
        plans = list[int]()
        for time in np.sort(rng.beta(1.5, 1.0, 1 + rng.poisson(rng.gamma(1.0, 7.0)))).tolist():
            if plans and rng.random() < 0.4:
                one = plans[int(rng.integers(len(plans)))]
            else:
                likes = theme[themes] + house[houses] + popular - ((time - season) / 0.12) ** 2 / 2
                one = int(_taken(likes, 1, rng)[0])
                plans.append(one)
            rows.append((f"u{who}", f"f{one}", _day(time)))
    of_products = {
        "theme": {f"f{n}": [f"theme {one}"] for n, one in enumerate(themes)},
        "house": {f"f{n}": [f"house {one}"] for n, one in enumerate(houses)},
    }
    return Slice(rows, {}, of_products)


def merchants(_data: Path, seed: int) -> Slice:
    """Cards: 1,200 holders and 700 merchants of eight towns, who are paid again and again."""
    rng = np.random.default_rng((seed, 13))
    towns, kinds, popular = rng.integers(8, size=700), rng.integers(25, size=700), rng.normal(0, 1.2, 700)
    rows, of_users = list[Row](), {"town": dict[str, list[str]](), "age": dict[str, list[str]]()}
    by_age = rng.normal(0, 0.7, (6, 25))
    for who in range(1_200):
        town, age = int(rng.integers(8)), int(rng.integers(6))
        of_users["town"][f"u{who}"], of_users["age"][f"u{who}"] = [f"town {town}"], [f"age {age}"]
        likes = 2.5 * (towns == town) + (rng.normal(0, 1.0, 25) + by_age[age])[kinds] + popular
        usual: list[int] = []
        for time in np.sort(rng.random(10 + rng.poisson(rng.gamma(2.0, 20.0)))).tolist():
            if not usual or rng.random() < 0.35:
                usual.append(int(_taken(likes, 1, rng)[0]))
            # What was paid lately is paid again.
            one = usual[-1 - min(int(rng.geometric(0.15)) - 1, len(usual) - 1)]
            rows.append((f"u{who}", f"m{one}", _day(time)))
    of_products = {"kind": {f"m{n}": [f"kind {one}"] for n, one in enumerate(kinds)},
                   "place": {f"m{n}": [f"place {one}"] for n, one in enumerate(towns)}}  # fmt: skip
    return Slice(rows, of_users, of_products)


def two_segments(_data: Path, seed: int) -> Slice:
    """1,500 private clients and 150 companies with 45 products, of which five are for both."""
    rng = np.random.default_rng((seed, 14))
    popular, own = rng.normal(0, 1.0, 45), list[list[Row]]()
    patterns = {False: rng.normal(0, 1.0, (4, 45)), True: rng.normal(0, 1.0, (2, 45))}
    allowed = {False: np.arange(45) < 30, True: (np.arange(45) < 5) | (np.arange(45) >= 30)}
    of_users = {"segment": dict[str, list[str]]()}
    for who in range(1_650):
        is_company = who >= 1_500
        of_users["segment"][f"u{who}"] = ["company" if is_company else "private"]
        taste = patterns[is_company][rng.integers(len(patterns[is_company]))]
        likes = np.where(allowed[is_company], 1.3 * taste + popular, -np.inf)
        count = min(1 + rng.poisson(5.0 if is_company else 2.0), 15)
        own.append([(f"u{who}", f"p{one}", "") for one in _taken(likes, count, rng)])
    kept, later = _one_hidden(own, rng)
    return Slice(kept, of_users, {}, later)


def stars(_data: Path, seed: int) -> Slice:
    """One to five stars with times: four and five speak for a product, one and two against it."""
    rng = np.random.default_rng((seed, 15))
    taste, nature = rng.normal(0, 0.6, (1_200, 6)), rng.normal(0, 0.6, (500, 6))
    good, known = rng.normal(0, 0.6, 500), rng.normal(0, 1.2, 500)
    likes = taste @ nature.T
    rows, against = list[Row](), list[Row]()
    for who in range(1_200):
        mild, count = rng.normal(0, 0.4), 5 + rng.poisson(rng.gamma(1.5, 15.0))
        seen = _taken(known + likes[who] + 0.3 * good, count, rng)
        for one, time in zip(seen.tolist(), np.sort(rng.random(len(seen))).tolist(), strict=True):
            given = round(3.4 + mild + 1.2 * likes[who, one] + good[one] + rng.normal(0, 0.7))
            row = (f"u{who}", f"p{one}", _day(time))
            (rows if given >= 4 else against).extend([row] if given != 3 else [])
    return Slice(rows, against=against)


def words(_data: Path, seed: int) -> Slice:
    """3,000 customers with some two products each of 1,500, which eight words each describe."""
    rng = np.random.default_rng((seed, 16))
    subjects = rng.integers(50, size=1_500)
    of_subject = rng.integers(600, size=(50, 20))
    said = {
        f"p{n}": sorted({f"w{of_subject[one, k]}" for k in rng.integers(20, size=6)}
                        | {f"w{k}" for k in rng.integers(600, size=2)})
        for n, one in enumerate(subjects)
    }  # fmt: skip
    popular, own = rng.normal(0, 0.7, 1_500), list[list[Row]]()
    for who in range(3_000):
        likes = popular + 4.0 * np.isin(subjects, rng.integers(50, size=2))
        own.append([(f"u{who}", f"p{one}", "") for one in _taken(likes, 1 + rng.poisson(1.4), rng)])
    kept, later = _one_hidden(own, rng)
    return Slice(kept, {}, {"word": said}, later)


def walk_in(_data: Path, seed: int) -> Slice:
    """4,000 customers who come one after another and take most of 25 products at once: of many nothing is held yet."""
    rng = np.random.default_rng((seed, 17))
    jobs, ages, places = rng.integers(12, size=4_000), rng.integers(7, size=4_000), rng.integers(20, size=4_000)
    likes = (
        rng.normal(0, 1.0, 25) + rng.normal(0, 1.0, (12, 25))[jobs] + rng.normal(0, 0.8, (7, 25))[ages]
        + rng.normal(0, 0.3, (20, 25))[places] + rng.normal(0, 0.8, (4, 25))[rng.integers(4, size=4_000)]
    )  # fmt: skip
    rows = list[Row]()
    for who in range(4_000):
        came = rng.random()
        for n, one in enumerate(_taken(likes[who], 1 + rng.poisson(1.5), rng).tolist()):
            rows.append((f"u{who}", f"p{one}", _day(min(came + n * rng.exponential(0.05), 1.0))))
    of_users = {
        name: {f"u{n}": [f"{name} {one}"] for n, one in enumerate(values)}
        for name, values in (("job", jobs), ("age", ages), ("place", places))
    }
    return Slice(rows, of_users)


def ladder(_data: Path, seed: int) -> Slice:
    """2,000 customers who climb: what was taken last says what is taken next, among 30 products."""
    rng = np.random.default_rng((seed, 18))
    first, following = rng.normal(0, 1.0, 30), rng.normal(0, 1.8, (30, 30))
    rows = list[Row]()
    for who in range(2_000):
        likes, last = rng.normal(0, 0.5, 30), -1
        for time in np.sort(rng.random(1 + rng.poisson(3.0))).tolist():
            wanted = likes + (first if last < 0 else following[last])
            likes[last := int(_taken(wanted, 1, rng)[0])] = -np.inf
            rows.append((f"u{who}", f"p{last}", _day(time)))
    return Slice(rows)


def months(_data: Path, seed: int) -> Slice:
    """Month ends of a bank: 5,000 customers, 24 products, most held since the first month; what is added after."""
    rng = np.random.default_rng((seed, 21))
    ages, channels, places = rng.integers(6, size=5_000), rng.integers(15, size=5_000), rng.integers(30, size=5_000)
    segments = np.minimum((ages + rng.integers(3, size=5_000)) // 3, 2)
    popular = -0.45 * np.arange(24) + rng.normal(0, 0.5, 24)
    likes = (
        popular + rng.normal(0, 0.9, (6, 24))[ages] + rng.normal(0, 0.7, (3, 24))[segments]
        + rng.normal(0, 0.8, (15, 24))[channels] + rng.normal(0, 0.2, (30, 24))[places]
    )  # fmt: skip
    follows, season = rng.normal(0, 0.9, (24, 24)), rng.normal(0, 0.6, (12, 24))
    # A payroll account brings the pension and the direct debit with it.
    follows[3, [4, 5]] = 3.0
    rows = list[Row]()
    for who in range(5_000):
        held = _taken(likes[who], 1 + rng.poisson(0.9), rng).tolist()
        rows += [(f"u{who}", f"p{one}", "2024-01-31") for one in held]
        for month in range(1, 18):
            for _ in range(rng.poisson(0.07)):
                wanted = 0.6 * likes[who] + follows[held].mean(axis=0) * 2 + season[month % 12]
                wanted[held] = -np.inf
                held.append(int(_taken(wanted, 1, rng)[0]))
                day = (np.datetime64("2024-01") + month + 1).astype("datetime64[D]") - 1
                rows.append((f"u{who}", f"p{held[-1]}", str(day)))
    of_users = {
        name: {f"u{n}": [f"{name} {one}"] for n, one in enumerate(values)}
        for name, values in (("age", ages), ("segment", segments), ("channel", channels), ("place", places))
    }
    return Slice(rows, of_users)


def cover(_data: Path, seed: int) -> Slice:
    """An insurer: 5,000 clients, 21 products of which most hold the same few, attributes; one product hidden."""
    rng = np.random.default_rng((seed, 22))
    sizes = {"branch": 15, "trade": 60, "kind": 6, "joined": 9, "born": 7}
    facts = {name: np.minimum(rng.geometric(3 / size, 5_000) - 1, size - 1) for name, size in sizes.items()}
    likes = -0.35 * np.arange(21) + rng.normal(0, 0.4, 21)
    likes = likes + sum(rng.normal(0, 0.7, (size, 21))[facts[name]] for name, size in sizes.items())
    likes = likes + rng.normal(0, 0.9, (6, 9, 21))[facts["kind"], facts["joined"]]
    both = rng.normal(0, 0.9, (21, 21))
    own = list[list[Row]]()
    for who in range(5_000):
        held = _taken(likes[who], 1, rng).tolist()
        for _ in range(1 + rng.poisson(0.8)):
            wanted = likes[who] + both[held].sum(axis=0)
            wanted[held] = -np.inf
            held.append(int(_taken(wanted, 1, rng)[0]))
        own.append([(f"u{who}", f"p{one}", "") for one in held])
    of_users = {name: {f"u{n}": [f"{name} {one}"] for n, one in enumerate(values)} for name, values in facts.items()}
    kept, later = _one_hidden(own, rng)
    return Slice(kept, of_users, {}, later)


def trades(_data: Path, seed: int) -> Slice:
    """A broker: 3,000 customers and 700 assets whose prices move; what rises is bought, mostly what is held already."""
    rng = np.random.default_rng((seed, 23))
    kinds, sectors, markets = rng.integers(3, size=700), rng.integers(20, size=700), rng.integers(12, size=700)
    popular, moves = rng.normal(0, 1.6, 700), rng.normal(0, 0.12, (100, 700))
    risen = np.stack([moves[max(0, week - 12) : week + 1].sum(axis=0) for week in range(100)])
    risks, classes = rng.integers(5, size=3_000), rng.integers(3, size=3_000)
    by_risk, by_class = rng.normal(0, 0.8, (5, 3)), rng.normal(0, 0.8, (3, 20))
    rows = list[Row]()
    for who in range(3_000):
        likes = (
            popular + by_risk[risks[who]][kinds] + (by_class[classes[who]] + rng.normal(0, 1.0, 20))[sectors]
            + rng.normal(0, 1.0, 12)[markets]
        )  # fmt: skip
        held = list[int]()
        came = rng.random() * 0.8
        for time in np.sort(came + (1 - came) * rng.random(1 + rng.poisson(rng.gamma(0.7, 9.0)))).tolist():
            if held and rng.random() < 0.55:
                one = held[int(rng.integers(len(held)))]
            else:
                one = int(_taken(likes + 2.5 * risen[int(time * 99)], 1, rng)[0])
                held.append(one)
            rows.append((f"u{who}", f"a{one}", _day(time)))
    of_users = {"risk": {f"u{n}": [f"risk {one}"] for n, one in enumerate(risks)},
                "class": {f"u{n}": [f"class {one}"] for n, one in enumerate(classes)}}  # fmt: skip
    of_products = {
        name: {f"a{n}": [f"{name} {one}"] for n, one in enumerate(values)}
        for name, values in (("kind", kinds), ("sector", sectors), ("market", markets))
    }
    return Slice(rows, of_users, of_products)


def baskets(_data: Path, seed: int) -> Slice:
    """A shop: 1,000 customers, 800 goods in 60 aisles, a basket every few weeks, most of it what was bought before."""
    rng = np.random.default_rng((seed, 24))
    aisles, popular = rng.integers(60, size=800), rng.normal(0, 1.3, 800)
    beside = rng.normal(0, 1.0, (60, 60))
    rows = list[Row]()
    for who in range(1_000):
        likes, usual = popular + rng.normal(0, 1.2, 60)[aisles], list[int]()
        for time in np.sort(rng.random(2 + rng.poisson(rng.gamma(2.0, 4.0)))).tolist():
            basket = list[int]()
            for _ in range(1 + rng.poisson(4.0)):
                if usual and rng.random() < 0.6:
                    basket.append(usual[int(rng.integers(len(usual)))])
                    continue
                near = beside[aisles[basket]].mean(axis=0)[aisles] if basket else 0.0
                basket.append(int(_taken(likes + near, 1, rng)[0]))
            usual += [one for one in dict.fromkeys(basket) if one not in usual]
            rows += [(f"u{who}", f"g{one}", _day(time)) for one in dict.fromkeys(basket)]
    return Slice(rows, {}, {"aisle": {f"g{n}": [f"aisle {one}"] for n, one in enumerate(aisles)}})


def sittings(_data: Path, seed: int) -> Slice:
    """Films: 900 viewers, 1,000 films, some sixty each at one or two sittings, old films first; cut by time."""
    rng = np.random.default_rng((seed, 25))
    genres, popular = rng.random((1_000, 12)) < 0.15, rng.normal(0, 1.3, 1_000)
    nature, out = rng.normal(0, 0.5, (1_000, 8)), rng.random(1_000) * 1.5 - 0.8
    rows = list[Row]()
    for who in range(900):
        likes = popular + nature @ rng.normal(0, 0.7, 8) + genres @ rng.normal(0, 0.7, 12)
        seen = list[int]()
        for sitting in np.sort(rng.random(1 + rng.poisson(0.7))).tolist():
            open_ones = np.where(out < sitting, likes + np.exp((out - sitting) * 4), -np.inf)
            open_ones[seen] = -np.inf
            chosen = _taken(open_ones, 15 + rng.poisson(rng.gamma(1.0, 35.0)), rng)
            seen += [int(one) for one in chosen if np.isfinite(open_ones[one])]
            rows += [(f"u{who}", f"f{one}", _day(sitting)) for one in chosen if np.isfinite(open_ones[one])]
    return Slice(
        rows, {}, {"genre": {f"f{n}": [f"genre {k}" for k in np.flatnonzero(genres[n])] for n in range(1_000)}}
    )


def sessions(_data: Path, seed: int) -> Slice:
    """A web shop with a long tail: 4,000 visitors, 5,000 goods, sessions about one kind of thing, with times."""
    rng = np.random.default_rng((seed, 26))
    kinds, popular = rng.integers(250, size=5_000), rng.normal(0, 1.5, 5_000)
    brands = rng.integers(300, size=5_000)
    groups, wanted = rng.integers(25, size=250), rng.normal(0, 0.8, 250)
    came_in = rng.random(5_000) * 1.4 - 0.7
    rows = list[Row]()
    for who in range(4_000):
        likes, brand = rng.normal(0, 1.5, 25)[groups] + wanted, rng.normal(0, 0.7, 300)
        for time in np.sort(rng.random(1 + rng.poisson(0.8))).tolist():
            about = int(_taken(likes, 1, rng)[0])
            open_ones = popular + brand[brands] + 5.0 * (kinds == about) + 2.0 * (groups[kinds] == groups[about])
            open_ones = np.where(came_in < time, open_ones, -np.inf)
            rows += [
                (f"u{who}", f"g{one}", _day(time)) for one in _taken(open_ones, 1 + rng.poisson(2.0), rng).tolist()
            ]
    of_products = {"kind": {f"g{n}": [f"kind {one}"] for n, one in enumerate(kinds)},
                   "brand": {f"g{n}": [f"brand {one}"] for n, one in enumerate(brands)}}  # fmt: skip
    return Slice(rows, {}, of_products)


def wholesale(_data: Path, seed: int) -> Slice:
    """A supplier of companies: 150 of them in twelve trades, 300 articles, some thirty each; a fifth hidden."""
    rng = np.random.default_rng((seed, 27))
    trade, region = rng.integers(12, size=150), rng.integers(6, size=150)
    lines, popular = rng.integers(30, size=300), rng.normal(0, 1.0, 300)
    of_trade, own = rng.normal(0, 1.5, (12, 30)), list[Row]()
    for who in range(150):
        likes = popular + (of_trade[trade[who]] + rng.normal(0, 0.5, 30))[lines]
        own += [(f"u{who}", f"p{one}", "") for one in _taken(likes, 5 + rng.poisson(rng.gamma(2.0, 12.0)), rng)]
    kept, later = _last_hidden(_shuffled(own, seed))
    of_users = {"trade": {f"u{n}": [f"trade {one}"] for n, one in enumerate(trade)},
                "region": {f"u{n}": [f"region {one}"] for n, one in enumerate(region)}}  # fmt: skip
    return Slice(kept, of_users, {"line": {f"p{n}": [f"line {one}"] for n, one in enumerate(lines)}}, later)


def declined(_data: Path, seed: int) -> Slice:
    """Offers: 2,500 customers, 60 products, most offers are declined and said so; attributes, times."""
    rng = np.random.default_rng((seed, 28))
    groups, jobs, ages = rng.integers(10, size=60), rng.integers(10, size=2_500), rng.integers(6, size=2_500)
    popular = rng.normal(0, 0.8, 60)
    by_job, by_age = rng.normal(0, 0.6, (10, 60)), rng.normal(0, 0.6, (6, 60))
    rows, against = list[Row](), list[Row]()
    for who in range(2_500):
        likes = popular + by_job[jobs[who]] + by_age[ages[who]] + rng.normal(0, 1.2, 10)[groups]
        offered = rng.permutation(60)[: 3 + rng.poisson(9.0)]
        for one, time in zip(offered.tolist(), np.sort(rng.random(len(offered))).tolist(), strict=True):
            takes = likes[one] - 0.8 + rng.logistic() > 0
            (rows if takes else against).append((f"u{who}", f"p{one}", _day(time)))
    of_users = {"job": {f"u{n}": [f"job {one}"] for n, one in enumerate(jobs)},
                "age": {f"u{n}": [f"age {one}"] for n, one in enumerate(ages)}}  # fmt: skip
    return Slice(
        rows, of_users, {"group": {f"p{n}": [f"group {one}"] for n, one in enumerate(groups)}}, against=against
    )


def _pair(parts: tuple[list[Row], list[Row]]) -> tuple[list[Row], Words, Words, list[Row]]:
    return parts[0], {}, {}, parts[1]


DRAWN = {
    "moving": Shape(1_500, 150, 10, 6, drift=4.0, dated=True),
    "often": Shape(800, 60, 30, 5, repeats=True, dated=True, near=1.0),
    "told-by-job": Shape(2_500, 40, 1.6, 4, sharp=0.3, described=3.0),
}
"""Drawn ones: what is popular moves fast; few products bought again and again; attributes say nearly all."""

SLICES: dict[str, Callable[[Path, int], Slice]] = {
    "few-each": few_each, "early": early, "all-new": all_new, "part-new": part_new, "quarter": quarter,
    "users-300": users_300, "articles": articles, "places": places, "concepts": concepts, "one-each": one_each,
    "insurance": insurance, "payees": payees, "calls": calls, "two-worlds": two_worlds, "senators": senators,
    "forty": forty, "funds": funds, "merchants": merchants, "two-segments": two_segments, "stars": stars,
    "words": words, "walk-in": walk_in, "ladder": ladder, "months": months, "cover": cover, "trades": trades,
    "baskets": baskets, "sittings": sittings, "sessions": sessions, "wholesale": wholesale, "declined": declined,
}  # fmt: skip
NAMES = (*SLICES, *DRAWN)


def write_slice(name: str, data: Path, folder: Path, seed: int = 0) -> Path:
    """The files of a slice; returns its mapping."""
    return write_shape(DRAWN[name], folder, seed) if name in DRAWN else written(SLICES[name](data, seed), folder)
