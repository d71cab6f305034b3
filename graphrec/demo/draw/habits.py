"""How the demo bank's customers come to it: devices and hours of dealings, and who they say they are.

A seed stream of its own draws it, after everything else. Planted, and listed by the truth: devices that several
customers share, dealings at night from a device that is new, and customers who are there twice under two ids.
"""

from dataclasses import dataclass

import numpy as np

from graphrec.demo.draw.money import Case
from graphrec.demo.sizes import DAY_SECONDS, END, Ints
from graphrec.demo.words.vocabulary import FAMILY_FIRST, FAMILY_SECOND, GIVEN_NAMES

DEVICE_KINDS = ("phone", "computer", "tablet")
STREETS = ("Mill", "Church", "Garden", "Station", "Harbour", "Forest", "Market", "Bridge", "School", "Meadow")
WAYS = ("Street", "Lane", "Road", "Square")
SHARED, SHARERS = 4, 5
"""Planted devices that are shared, and the customers of each."""
NIGHTS, AT_NIGHT = 6, 4
"""Planted customers who deal at night from a new device, and how often each does."""
TWICE = 25
"""Planted pairs of customers who are one person."""
LOGINS = 4.0
"""Mean number of logins of a customer in the last thirty days."""
SHARE, NIGHT = "shared-logged_in", "night-at_night"
"""Planted cases, called as the rules that `graphrec alerts init` writes."""


@dataclass(frozen=True)
class Devices:
    """Devices, the first use of each by a customer, and logins in the order of time."""

    kind: Ints
    user: Ints
    device: Ints
    first_used: Ints
    login_user: Ints
    login_device: Ints
    login_at: Ints


@dataclass(frozen=True)
class Contacts:
    """What customers say of themselves, and pairs of numbers of customers who are one person."""

    names: list[str]
    born: Ints
    streets: list[str]
    postcodes: Ints
    twice: Ints
    """(TWICE, 2)."""


def draw_devices(count: int, rng: np.random.Generator) -> tuple[Devices, list[Case]]:
    """One or two devices of each customer; those of the planted cases come last."""
    number = 1 + (rng.random(count) < 0.4)
    user, device = np.repeat(np.arange(count), number), np.arange(int(number.sum()))
    first = END - rng.integers(40 * DAY_SECONDS, 900 * DAY_SECONDS, len(user))
    # One in fifty has a new device, and deals by day.
    first = np.where(rng.random(len(user)) < 0.02, END - rng.integers(DAY_SECONDS, 7 * DAY_SECONDS, len(user)), first)
    people = rng.permutation(count)
    cases, more = [], list[tuple[int, int, int]]()
    shared = len(user) + np.arange(SHARED)
    for n, one in enumerate(shared.tolist()):
        for other in np.sort(people[SHARERS * n : SHARERS * (n + 1)]).tolist():
            more.append((other, one, int(END - rng.integers(200, 400) * DAY_SECONDS)))
            cases.append(Case(SHARE, other))
    awake = np.sort(people[SHARED * SHARERS : SHARED * SHARERS + NIGHTS])
    new = len(user) + SHARED + np.arange(NIGHTS)
    more += [(int(one), int(own), int(END - 4 * DAY_SECONDS)) for one, own in zip(awake, new, strict=True)]
    cases += [Case(NIGHT, int(one)) for one in awake]
    often = rng.poisson(LOGINS / number[user])
    row = np.repeat(np.arange(len(user)), often)
    # Nobody logs in before the first use, and by night only one in a thousand times.
    span = np.minimum(30, (END - first[row]) // DAY_SECONDS)
    by_day, is_night = np.clip(rng.normal(15, 3.5, len(row)), 7, 22), rng.random(len(row)) < 0.001
    hour = np.where(is_night, rng.integers(0, 5, len(row)), by_day)
    day = END // DAY_SECONDS - 1 - (rng.random(len(row)) * span).astype(np.int64)
    at = day * DAY_SECONDS + (hour * 3_600).astype(np.int64) + rng.integers(0, 3_600, len(row)) // 60 * 60
    parts = [(user[row], device[row], np.maximum(at, first[row]))]
    for other, one, _ in more[: SHARED * SHARERS]:
        times = END - rng.integers(1, 25 * 24, 2) // 24 * DAY_SECONDS - rng.integers(2, 16, 2) * 3_600
        parts.append((np.full(2, other), np.full(2, one), times))
    for other, one, _ in more[SHARED * SHARERS :]:
        nights = END - (1 + np.arange(AT_NIGHT) % 3) * DAY_SECONDS + (1 + np.arange(AT_NIGHT) // 3) * 3_600
        parts.append((np.full(AT_NIGHT, other), np.full(AT_NIGHT, one), nights + 60 * rng.integers(0, 60, AT_NIGHT)))
    logins = [np.concatenate([part[n] for part in parts]).astype(np.int64) for n in range(3)]
    order = np.lexsort((logins[1], logins[0], logins[2]))
    order = order[np.append(True, (np.diff(np.stack(logins)[:, order], axis=1) != 0).any(axis=0))]
    added = np.array(more, np.int64).T
    devices = Devices(
        rng.integers(len(DEVICE_KINDS), size=len(device) + SHARED + NIGHTS),
        np.concatenate([user, added[0]]), np.concatenate([device, added[1]]), np.concatenate([first, added[2]]),
        *(one[order] for one in logins),
    )  # fmt: skip
    return devices, cases


def draw_contacts(count: int, rng: np.random.Generator) -> Contacts:
    """Name, day of birth, street, postcode; of a planted pair the second is the first, spelled a little otherwise."""
    given = [name for names in GIVEN_NAMES.values() for name in names]
    families = [one + two for one in FAMILY_FIRST for two in FAMILY_SECOND]
    first, family = rng.integers(len(given), size=count), rng.integers(len(families), size=count)
    names = [f"{given[a]} {families[b]}" for a, b in zip(first, family, strict=True)]
    born = END // DAY_SECONDS - rng.integers(18 * 365, 90 * 365, count)
    street, way = rng.integers(len(STREETS), size=count), rng.integers(len(WAYS), size=count)
    house = rng.integers(1, 200, count)
    streets = [f"{STREETS[a]} {WAYS[b]} {n}" for a, b, n in zip(street, way, house, strict=True)]
    postcodes = rng.integers(10_000, 99_999, count)
    twice = np.sort(rng.permutation(count)[: 2 * min(TWICE, count // 2)].reshape(-1, 2), axis=1)
    twice = twice[np.argsort(twice[:, 0])]
    for n, (one, other) in enumerate(twice.tolist()):
        names[other], streets[other] = names[one], streets[one]
        born[other], postcodes[other] = born[one], postcodes[one]
        place = int(rng.integers(1, len(names[one]) - 2))
        if n % 3 == 0:
            text = names[one]
            names[other] = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        elif n % 3 == 1:
            streets[other] = streets[one].replace("Street", "St").replace("Road", "Rd").replace("Lane", "Ln")
    return Contacts(names, born, streets, postcodes, twice)
