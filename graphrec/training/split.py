"""What a fit must not see: the mapping's own pairs, a cut in time, or a seeded choice by user.

train         the graph without validation and test: models are fitted here, and chosen on validation
train+valid   the graph without test: what the tested model is fitted on, unless the mapping says `refit = false`
all           everything: what `--final` fits on
"""

import hashlib
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.errors import ModelError
from graphrec.graph.edges.adjacency import Adjacency, Graph, Hidden, Hop, among, codes_of, from_codes, union
from graphrec.graph.folders.snapshot import ALWAYS, Snapshot
from graphrec.terms.meta import Stage

Mask = Literal["fitted", "train", "train+valid"]
Codes = NDArray[np.int64]

TEST_PART = 0.2
"""Share of the relevant edges in the test part where the mapping has no split of its own."""
VALID_PART = 0.1
"""Share of the relevant edges in the validation part before it."""
LEAST_AFTER = 300
"""Relevant edges after the first moment, from which on they are cut alone where that moment has most edges."""
MOST_SHOWN = 0.5
"""Share of what a cut in time would hide that edges without a time may show."""
FEW_ABLE = 30
"""Users who keep a product when one is hidden, below which a validation part asks others for their only one."""
SPLIT_SEED = 0
"""Draws what is drawn; apart from the seed of a fit, so that fits with other seeds are evaluated on the same pairs."""


@dataclass(frozen=True, eq=False)
class Split:
    """Which relevant pairs are hidden from which fit.

    Shapes: valid, test and the parts of `listed` are sorted distinct codes user * num_products + product.
    """

    name: Literal["mapping", "time", "random", "cold"]
    num_users: int
    num_products: int
    valid: Codes
    """Relevant pairs to find by what is fitted on train."""
    test: Codes
    """Relevant pairs to find by what is fitted on `fitted`."""
    cuts: tuple[int, int] | None = None
    """Time split: microseconds at which validation and test begin."""
    listed: tuple[Codes, Codes] | None = None
    """Other splits: all pairs hidden for validation and for test, with those that do not count."""
    refit: bool = True
    mask: Mask = "fitted"
    notes: tuple[str, ...] = ()
    """What a report has to say about this split."""

    @property
    def fitted(self) -> Stage:
        """What the tested model is fitted on."""
        return "train+valid" if self.refit else "train"

    @property
    def masked(self) -> Stage:
        """What holds the products that are left out of the candidates at test time."""
        return self.fitted if self.mask == "fitted" else self.mask

    def hidden(self, stage: Stage) -> Hidden:
        """What a fit of this stage must not see."""
        if stage == "all":
            return Hidden()
        if self.cuts is not None:
            return Hidden(known_from=self.cuts[0 if stage == "train" else 1])
        assert self.listed is not None, "a split has cuts or pairs"
        valid, test = self.listed
        return Hidden(pairs=distinct(np.concatenate((valid, test))) if stage == "train" else test)

    def relevant(self, part: Literal["valid", "test"]) -> tuple[NDArray[np.int32], Adjacency]:
        """The users who have something to find, ascending, and what: one row per such user."""
        codes = self.valid if part == "valid" else self.test
        owners = codes // self.num_products
        starts = _starts(owners)
        rows = np.cumsum(starts) - 1
        users = owners[starts].astype(np.int32)
        return users, from_codes(rows * self.num_products + codes % self.num_products, len(users), self.num_products)

    @property
    def hash(self) -> str:
        """sha256 of everything that decides who has to find what, and what fits may see."""
        digest = hashlib.sha256()
        digest.update(repr((self.name, self.num_users, self.num_products, self.cuts, self.refit, self.mask)).encode())
        for codes in (self.valid, self.test, *(self.listed or ())):
            digest.update(f" {len(codes)} ".encode())
            digest.update(np.ascontiguousarray(codes, "<i8").tobytes())
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """Users and interactions of both parts."""
        counted = {}
        for part, codes in (("validation", self.valid), ("test", self.test)):
            counted[f"{part}_users"] = int(_starts(codes // self.num_products).sum())
            counted[f"{part}_interactions"] = len(codes)
        return counted

    def describe(self) -> dict[str, Any]:
        """Name, hash, counts, rules and notes, as plain values."""
        return {
            "name": self.name, "hash": self.hash, **self.counts(), "fitted": self.fitted, "masked": self.masked,
            "notes": list(self.notes),
        }  # fmt: skip


def distinct(codes: Codes) -> Codes:
    """The distinct codes, ascending; by sorting, which is many times faster here than hashing as `np.unique` does."""
    ordered = np.sort(codes)
    return ordered[_starts(ordered)]


def split_of(snapshot: Snapshot, *, seed: int = SPLIT_SEED) -> Split:
    """The split of a snapshot: the mapping's own, else by time, else a seeded choice by user."""
    split = _split_of(snapshot, seed)
    return split if snapshot.uncut is None else replace(split, notes=(*split.notes, snapshot.uncut))


def _split_of(snapshot: Snapshot, seed: int) -> Split:
    listed = snapshot.split_pairs("test")
    if listed is not None and len(listed):
        return _by_mapping(snapshot, seed)
    events = _relevant_events(snapshot)
    roles = snapshot.schema.roles
    if not len(events.codes):
        raise ModelError(
            f"no {roles.user} holds a {roles.product}: the snapshot has no edge of {', '.join(roles.relevant)}; load "
            "interactions: graphrec load MAPPING"
        )
    if (events.known_at != ALWAYS).any():
        by_time = _by_time(snapshot, events)
        if by_time is not None:
            return by_time
    return _by_user(snapshot, events, seed)


def fold_of(snapshot: Snapshot, split: Split, fold: int) -> Split | None:
    """The split with the same test part and another validation part, of the same kind as its own.

    Args:
        snapshot: that was split.
        split: its own.
        fold: from 1 on. Of a split by time, that many validation windows earlier, as long as train keeps half of what
            is before the test part; of a random one, another draw.

    Returns:
        None where there is none: nothing is fitted again with the validation part, or no window is left.
    """
    events = _relevant_events(snapshot)
    if split.cuts is not None:
        return _earlier(split, events, fold)
    if split.name not in ("mapping", "random") or not split.refit:
        return None
    assert split.listed is not None, "a split without cuts has pairs"
    relevant, rng = distinct(events.codes), np.random.default_rng((SPLIT_SEED, fold))
    if split.name == "mapping":
        valid = _draw_like_test(relevant, split.test, split.num_products, rng)
    else:
        remaining = relevant[~among(relevant, split.listed[1])]
        _, counts, place, remaining = _shuffled(remaining, split.num_products, rng)
        part = VALID_PART / (1 - TEST_PART)
        wanted = np.minimum(_rounded(counts * part, rng), counts - 1)
        valid = np.sort(remaining[place < np.repeat(wanted, counts)])
    return replace(split, valid=valid, listed=(valid, split.listed[1]))


def _earlier(split: Split, events: "_Events", fold: int) -> Split | None:
    """The split by time whose validation window ends where the one before it begins."""
    cuts = _cuts(events)
    if len(cuts) < fold + 2:
        return None
    end, begin = cuts[fold : fold + 2]
    known, later = (distinct(events.codes[events.known_at < cut]) for cut in (begin, end))
    valid = later[~among(later, known)]
    assert split.cuts is not None, "a split by time"
    return replace(split, valid=valid, cuts=(begin, split.cuts[1])) if len(known) and len(valid) else None


def check_hidden(split: Split, graph: Graph, stage: Stage) -> None:
    """Raise a ModelError when a graph shows a pair that the split hides from a fit of this stage: a leak."""
    if stage == "all":
        return
    pairs = split.hidden(stage).pairs
    # A cut in time hides the event, not the pair: that somebody looked at a product before buying it may be known.
    names = graph.schema.roles.relevant if pairs is None else graph.schema.roles.interactions
    if pairs is None:
        pairs = distinct(np.concatenate((split.valid, split.test))) if stage == "train" else split.test
    shown = union([graph.hops[Hop(name)] for name in names if Hop(name) in graph.hops], split.num_products)
    codes = codes_of(shown, split.num_products)
    leaked = codes[among(codes, pairs)]
    if len(leaked):
        user, product = divmod(int(leaked[0]), split.num_products)
        raise ModelError(
            f"leak: a fit of stage {stage} would see {len(leaked)} of the {len(pairs)} pairs that the split hides from "
            f"it, the first of them user {user} and product {product} of the snapshot; fit on what the split shows"
        )


@dataclass(frozen=True, eq=False)
class _Events:
    """Relevant events: pair codes (n,) and when each was known (n,)."""

    codes: Codes
    known_at: Codes


def _relevant_events(snapshot: Snapshot) -> _Events:
    num_products = snapshot.count(snapshot.schema.roles.product)
    codes, known_at = [], []
    for name in snapshot.schema.roles.relevant:
        edges = snapshot.edges(name)
        codes.append(codes_of(edges, num_products))
        known_at.append(np.asarray(edges.known_at))
    if not codes:
        return _Events(np.zeros(0, np.int64), np.zeros(0, np.int64))
    return _Events(np.concatenate(codes), np.concatenate(known_at))


def _starts(ordered: Codes) -> NDArray[np.bool_]:
    """True where another value begins."""
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _runs(ordered: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each run of equal values begins, and how long it is."""
    first = np.flatnonzero(_starts(ordered))
    return first, np.diff(np.append(first, len(ordered)))


def _sizes(snapshot: Snapshot) -> tuple[int, int]:
    """Users and products."""
    roles = snapshot.schema.roles
    return snapshot.count(roles.user), snapshot.count(roles.product)


def _by_mapping(snapshot: Snapshot, seed: int) -> Split:
    sizes = _sizes(snapshot)
    num_products = sizes[1]
    relevant = distinct(_relevant_events(snapshot).codes)
    test = _listed(snapshot, "test", num_products)
    valid = _listed(snapshot, "valid", num_products)
    valid = valid[~among(valid, test)]
    notes = []
    counted = test[among(test, relevant)]
    if len(counted) < len(test):
        notes.append(f"{len(test) - len(counted)} test pairs of the mapping are no relevant edges and do not count")
    if not len(valid):
        valid = _draw_like_test(relevant, counted, num_products, np.random.default_rng(seed))
    rule = snapshot.schema.split
    return Split(
        "mapping", *sizes, valid=valid[among(valid, relevant)], test=counted, listed=(valid, test),
        refit=rule.refit if rule else True, mask=rule.mask if rule else "fitted", notes=tuple(notes),
    )  # fmt: skip


def _listed(snapshot: Snapshot, part: str, num_products: int) -> Codes:
    pairs = snapshot.split_pairs(part)
    if pairs is None:
        return np.zeros(0, np.int64)
    return distinct(pairs[:, 0].astype(np.int64) * num_products + pairs[:, 1])


def _draw_like_test(relevant: Codes, test: Codes, num_products: int, rng: np.random.Generator) -> Codes:
    """As many users as the test part has, and of what remains of each half the part that test hides, at least one.

    Never more than test hides of anybody, and each keeps one. Of users of whom test hides nothing, if they are enough:
    the hidden product of others would stand among the candidates and count as wrong. Where hardly anybody would keep
    one, as in a bank whose customers hold one product each, some are asked for the only one that they hold: models are
    told apart by what else is known of them. Where most would be left with one product, half of them are asked: what
    goes with what is learned from those who hold several, and a choice among models that saw hardly any would be
    against all that learn it, which have many more to learn from when they are fitted again.
    """
    hidden = _runs(test // num_products)[1]
    asked = distinct(test // num_products)
    remaining = relevant[~among(relevant, test)]
    beside = int(among(remaining // num_products, asked).sum())
    first, counts, place, remaining = _shuffled(remaining, num_products, rng)
    able = np.flatnonzero(counts >= 2)
    if len(able) < min(FEW_ABLE, -(-len(asked) // 10)):
        single = np.flatnonzero(counts == 1)
        able = np.union1d(able, rng.choice(single, int(len(single) * TEST_PART), replace=False))
    whole = able[~among(remaining[first[able]] // num_products, asked)]
    able = whole if len(whole) >= len(asked) else able
    chosen = np.sort(rng.choice(able, min(len(asked), len(able)), replace=False))
    share = len(test) / (len(test) + beside) * (VALID_PART / TEST_PART)
    most = np.minimum(int(hidden.max()), np.maximum(counts[chosen] - 1, 1))
    wanted = np.zeros(len(counts), np.int64)
    wanted[chosen] = np.clip(_rounded(counts[chosen] * share, rng), 1, most)
    if _leaves_few(counts, wanted) and len(chosen) >= 2 * FEW_ABLE and (counts[chosen] >= 2).all():
        wanted[rng.permutation(chosen)[len(chosen) // 2 :]] = 0
    return np.sort(remaining[place < np.repeat(wanted, counts)])


def _leaves_few(counts: Codes, wanted: Codes) -> bool:
    """Whether of users who hold several products fewer than half would do so without what is wanted of them."""
    several = counts >= 2
    return bool(2 * (counts[several] - wanted[several] >= 2).sum() < several.sum())


def _by_time(snapshot: Snapshot, events: _Events) -> Split | None:
    """Global cuts in time; None when nothing lies before a cut, or edges without a time show most of what follows it.

    So they do where a bank gives what was bought, with its time, and what is held now, without one.
    """
    cuts = _cuts(events)
    if len(cuts) < 2:
        return None
    test_cut, valid_cut = cuts[:2]
    before_valid, before_test = events.known_at < valid_cut, events.known_at < test_cut
    in_train, in_fitted = distinct(events.codes[before_valid]), distinct(events.codes[before_test])
    # What a fit has seen never counts as found: a pair bought again later is out of the later part.
    after = distinct(events.codes[~before_test])
    valid, test = in_fitted[~among(in_fitted, in_train)], after[~among(after, in_fitted)]
    if len(test) < _shown_later(events, test_cut) * (1 - MOST_SHOWN):
        return None
    undated = int((events.known_at == ALWAYS).sum())
    notes = (f"{undated} relevant edges have no time and are in train",) if undated else ()
    return Split("time", *_sizes(snapshot), valid=valid, test=test, cuts=(valid_cut, test_cut), notes=notes)


def _cuts(events: _Events) -> list[int]:
    """Moments at which the test part, the validation part and the validation windows before it begin, latest first.

    Train keeps half of what is before the test part. Where the first moment has most of the edges, as a first delivery
    has that says what is held and not since when, the edges after it are cut.
    """
    times = np.sort(events.known_at[events.known_at != ALWAYS])
    cuts = _cuts_of(times, has_earlier=len(times) < len(events.known_at))
    after = times[times > times[0]]
    return _cuts_of(after, has_earlier=True) if len(cuts) < 2 and len(after) >= LEAST_AFTER else cuts


def _cuts_of(times: NDArray[np.int64], *, has_earlier: bool) -> list[int]:
    """The cuts of ascending times; one that would fall on the cut after it is at the moment before."""
    cuts: list[int] = []
    for window in count():
        part = 1 - TEST_PART - VALID_PART * window
        place = min(round(len(times) * part), len(times) - 1)
        if cuts and times[place] >= cuts[-1]:
            place = int(np.searchsorted(times, cuts[-1])) - 1
        if part < (1 - TEST_PART) / 2 or place < 0 or not (has_earlier or times[place] > times[0]):
            break
        cuts.append(int(times[place]))
    return cuts


def _shown_later(events: _Events, cut: int) -> int:
    """How many pairs are new after a cut, by their dated edges alone."""
    is_dated = events.known_at != ALWAYS
    before = distinct(events.codes[is_dated & (events.known_at < cut)])
    after = distinct(events.codes[events.known_at >= cut])
    return int((~among(after, before)).sum())


def _by_user(snapshot: Snapshot, events: _Events, seed: int) -> Split:
    """For every user a random share of the pairs, at least one left in train."""
    sizes = _sizes(snapshot)
    num_products = sizes[1]
    rng = np.random.default_rng(seed)
    _, counts, place, pairs = _shuffled(distinct(events.codes), num_products, rng)
    # Sizes of parts are rounded up or down at random, so that users with few pairs take part too.
    num_test = np.minimum(_rounded(counts * TEST_PART, rng), counts - 1)
    num_valid = np.minimum(_rounded(counts * VALID_PART, rng), counts - 1 - num_test)
    in_test = place < np.repeat(num_test, counts)
    in_valid = ~in_test & (place < np.repeat(num_test + num_valid, counts))
    valid, test = np.sort(pairs[in_valid]), np.sort(pairs[in_test])
    dated = events.known_at[events.known_at != ALWAYS]
    why = "the relevant edges have no times"
    if len(dated):
        why = "relevant edges without a time show what most dated ones would have to find"
        if len(_cuts(events)) < 2:
            why = f"{'nearly ' if dated.min() < dated.max() else ''}all relevant edges have one time"
    note = f"{why}: validation and test are a seeded random choice by user, which a model finds easier than the future"
    return Split("random", *sizes, valid=valid, test=test, listed=(valid, test), notes=(note,))


def _shuffled(
    pairs: Codes, num_products: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Codes]:
    """Where each user's pairs begin, how many they are, the place of each within them, and the pairs, shuffled so."""
    pairs = pairs[np.lexsort((rng.random(len(pairs)), pairs // num_products))]
    first, counts = _runs(pairs // num_products)
    return first, counts, np.arange(len(pairs)) - np.repeat(first, counts), pairs


def _rounded(values: NDArray[np.floating[Any]], rng: np.random.Generator) -> NDArray[np.int64]:
    return np.floor(values + rng.random(len(values))).astype(np.int64)
