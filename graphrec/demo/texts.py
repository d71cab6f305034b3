"""Names and descriptions of the products, and what customers say about themselves."""

from collections.abc import Sequence

import numpy as np

from graphrec.demo.draw.customers import Customers
from graphrec.demo.draw.products import Products
from graphrec.demo.sizes import Ints
from graphrec.demo.words.topics import PLACES, TOPICS
from graphrec.demo.words.vocabulary import ENDINGS, GOALS, INTERESTS, KINDS, MIDDLES

_ROMAN = ("", " II", " III", " IV", " V", " VI", " VII", " VIII")


def product_names(products: Products, rng: np.random.Generator) -> list[str]:
    """One name per product, no two alike: "Nordlicht Green Buildings Bond 2031"."""
    issuer = products.relations[1].of
    due = rng.integers(2027, 2045, products.count)
    seen: dict[str, int] = {}
    names = []
    for number in range(products.count):
        kind = KINDS[products.kind[number]]
        place = products.place[number]
        subject = (PLACES[place] + " " if place >= 0 else "") + TOPICS[products.topic[number]].label
        name = f"{products.issuer_names[issuer[number]]} {subject} {kind.word}"
        if kind.name == "bond":
            name += f" {due[number]}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name + _ROMAN[seen[name] - 1])
    return names


def product_descriptions(products: Products, rng: np.random.Generator) -> list[str]:
    """Two or three sentences per product, in the words of its theme."""
    dice = rng.integers(1 << 30, size=(products.count, 4))
    return [_description(products, number, dice[number]) for number in range(products.count)]


def _description(products: Products, number: int, dice: Ints) -> str:
    kind, topic = KINDS[products.kind[number]], TOPICS[products.topic[number]]
    place = products.place[number]
    where = f" in the {PLACES[place]} region" if place >= 0 else ""
    # The first two phrases are in every text of a theme, so that texts of one theme are alike.
    p, q = topic.phrases[:2] if dice[0] % 2 else topic.phrases[1::-1]
    others = topic.phrases[2:]
    first = int(dice[0] // 2) % len(others)
    r, s = others[first], others[first - 1]
    label = topic.label.lower()
    words = {"p": p, "q": q + where, "r": r, "s": s, "label": label, "Label": label.capitalize()}
    sentences = [_pick(kind.openings, dice[1]).format(**words), _pick(MIDDLES, dice[2]).format(**words)]
    if dice[3] % 2:
        sentences.append(_pick(ENDINGS, dice[3] // 2))
    return " ".join(sentences)


def _pick(choices: Sequence[str], die: int) -> str:
    return choices[int(die) % len(choices)]


def profile_texts() -> list[str]:
    """Every profile a customer may have, few enough to encode in seconds."""
    themed = [
        interest.format(label=topic.label.lower(), p=topic.phrases[number])
        for topic in TOPICS
        for number, interest in enumerate(INTERESTS)
    ]
    return [*GOALS, *themed]


def profile_number(customers: Customers) -> Ints:
    """(customers,): the index in `profile_texts` of each profile; -1: no profile."""
    themed = len(GOALS) + len(INTERESTS) * customers.topic + customers.goal % len(INTERESTS)
    number = np.where(customers.topic >= 0, themed, customers.goal)
    return np.where(customers.goal >= 0, number, -1)
