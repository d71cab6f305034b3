"""The customers of the demo bank: their data, the risk they can bear, and their goals."""

from dataclasses import dataclass

import numpy as np

from graphrec.demo.sizes import DAY_SECONDS, END, START, Flags, Ints, Size
from graphrec.demo.words.topics import TOPICS
from graphrec.demo.words.vocabulary import (
    AGE_BANDS,
    COUNTRIES,
    GOALS,
    HORIZONS,
    INCOME_BANDS,
    LEVELS,
    REGIONS,
    SEGMENTS,
    TOLERANCES,
)

THEMED_SHARE = 0.4
SILENT_SHARE = 0.05
CONTACT_SHARE = 0.92
PROFILING_SHARE = 0.97
NEWCOMER_SHARE = 0.25


@dataclass(frozen=True)
class Customers:
    """Arrays over customers. `topic` and `goal` are -1 where the profile is silent; `joined` may be before START."""

    sex: Ints
    age_band: Ints
    age: Ints
    birth: Ints
    income_band: Ints
    liquid_eur: Ints
    segment: Ints
    region: Ints
    country: Ints
    tolerance: Ints
    horizon: Ints
    contact: Flags
    profiling: Flags
    goal: Ints
    topic: Ints
    joined: Ints
    pick: Ints

    @property
    def count(self) -> int:
        """How many customers there are."""
        return len(self.sex)


def draw_customers(size: Size, rng: np.random.Generator) -> Customers:
    """The customers of one bank."""
    count = size.customers
    age_band = rng.choice(len(AGE_BANDS), count, p=[band[3] for band in AGE_BANDS])
    age, birth = _ages(age_band, rng)
    income_band = rng.choice(len(INCOME_BANDS), count, p=[band[2] for band in INCOME_BANDS])
    income = np.array([band[1] for band in INCOME_BANDS])[income_band]
    region = rng.choice(len(REGIONS), count, p=[each[2] for each in REGIONS])
    codes = [code for code, _, _ in COUNTRIES]
    tolerance = 1 + rng.choice(LEVELS, count, p=TOLERANCES)
    goal = np.where(rng.random(count) < SILENT_SHARE, -1, rng.integers(len(GOALS), size=count))
    is_themed = (goal >= 0) & (rng.random(count) < THEMED_SHARE)
    return Customers(
        sex=rng.choice(3, count, p=[0.495, 0.495, 0.01]),
        age_band=age_band,
        age=age,
        birth=birth,
        income_band=income_band,
        liquid_eur=np.round(income * np.exp(rng.normal(-0.2, 0.8, count)), -2).astype(np.int64),
        segment=_segments(age_band, income_band, rng),
        region=region,
        country=np.array([codes.index(each[1]) for each in REGIONS])[region],
        tolerance=tolerance,
        horizon=_horizons(tolerance, age, rng),
        contact=rng.random(count) < CONTACT_SHARE,
        profiling=rng.random(count) < PROFILING_SHARE,
        goal=goal,
        topic=np.where(is_themed, rng.integers(len(TOPICS), size=count), -1),
        joined=_joined(age, rng),
        pick=rng.integers(1 << 40, size=count),
    )


def _ages(age_band: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Age in years on the last day, and the day of birth as days since 1970."""
    low = np.array([band[1] for band in AGE_BANDS])[age_band]
    high = np.array([band[2] for band in AGE_BANDS])[age_band]
    age = low + np.floor(rng.random(len(age_band)) * (high - low + 1)).astype(np.int64)
    # 365.25 days a year, less 2 for leap days that a short life may not have had.
    days_old = np.ceil(age * 365.25).astype(np.int64) + rng.integers(0, 363, len(age))
    return age, END // DAY_SECONDS - days_old


def _segments(age_band: Ints, income_band: Ints, rng: np.random.Generator) -> Ints:
    """Index in SEGMENTS: income and age pull, chance decides."""
    pull = np.zeros((len(age_band), len(SEGMENTS)))
    pull[:, 0] = 1.0 - 0.3 * income_band
    pull[:, 1] = np.where((age_band >= 1) & (age_band <= 3), 0.9, -0.5)
    pull[:, 2] = -1.5 + 0.8 * income_band
    pull[:, 3] = -3.5 + 1.2 * income_band
    pull[:, 4] = -0.4
    pull += rng.gumbel(size=pull.shape)
    segment: Ints = pull.argmax(axis=1)
    return segment


def _horizons(tolerance: Ints, age: Ints, rng: np.random.Generator) -> Ints:
    """Years that the money may stay: longer for the young and the bold."""
    centre = 2.0 + 0.7 * tolerance - 0.02 * (age - 40) + rng.normal(0.0, 1.3, len(age))
    return np.array(HORIZONS)[np.clip(np.round(centre), 0, len(HORIZONS) - 1).astype(np.int64)]


def _joined(age: Ints, rng: np.random.Generator) -> Ints:
    """Seconds at which each became a customer: most long ago, some within the three years."""
    adult_years = np.maximum(age - 18, 3)
    ago = 3.05 + rng.random(len(age)) * np.minimum(adult_years, 25)
    within = rng.random(len(age)) * 2.6
    is_new = rng.random(len(age)) < NEWCOMER_SHARE
    old = END - (ago * 365 * DAY_SECONDS).astype(np.int64)
    new = START + (within * 365 * DAY_SECONDS).astype(np.int64)
    return np.where(is_new, new, np.minimum(old, START)) // DAY_SECONDS * DAY_SECONDS
