"""The parts of ledger lines that are the same for all customers: computed once, then looked up."""

from collections.abc import Sequence
from dataclasses import field, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Hop
from graphrec.serving.answer import Step
from graphrec.terms.ledger import Ledger, LineGroup

if TYPE_CHECKING:
    from graphrec.serving.reasons.lines import Reasons
    from graphrec.serving.reasons.people import Plan
    from graphrec.serving.reasons.sentences import Sentences
    from graphrec.terms.walks import WalkScorer

Shape = Literal[
    "own",
    "linked",
    "shared",
    "people",
    "learned",
    "pair",
    "attribute",
    "profile",
    "general",
    "new",
    "nonlinear",
    "moves",
    "profit",
]
#: What a score may consist of; nothing is scored by who a user is: `self` is always 0.
PARTS = ("path", "text", "learned", "pair", "attribute", "general", "new", "self")
#: Layouts that are kept; those of one customer are others than those of a block.
KEPT = 256


@dataclass(frozen=True)
class Key:
    """What lines of one reason have in common."""

    shape: Shape
    hops: tuple[Hop, ...] = ()
    """The hops that they have in common; of a way with a sentence of its own, all."""
    part: str = ""
    kind: str = "path"
    ended: bool = False
    """What they start with is held no more."""


class Form:
    """The lines of one way of scoring."""

    def __init__(self, number: int, group: LineGroup, term: int, reasons: "Reasons") -> None:
        self.number = number
        self.group = group
        self.term = term
        self.key = replace(reasons.key(group, term), ended=group.ended)
        self.own_key = Key("own", kind=self.key.kind, ended=group.ended)
        self.scorer: WalkScorer | None = None if group.walk is None else reasons.blend.terms[term].scorers[group.walk]
        self.way: tuple[Hop, ...] = () if group.hop is None else (group.hop,)
        if self.scorer is not None:
            self.way = self.scorer.walk.hops
        self.sentences = reasons.blend.terms[term].sentences
        self.since = reasons.blend.terms[term].since
        self.target = None if group.hop is None else reasons.graph.target(group.hop)
        """The label of the neighbours."""
        self.to_product = (
            self.target == reasons.schema.roles.product and group.other is None and self.key.shape != "moves"
        )
        self.second = None if group.other is None else reasons.graph.target(group.other)
        """The label of the second neighbours of pairs."""
        self.by_mid = self.key.shape == "shared"
        self.by_via = self.key.shape == "linked" and reasons.is_attribute(self.key.hops[0])
        self.is_learned = self.key.shape in ("learned", "pair", "profile")
        self.goes_along = (
            self.key.shape == "learned"
            and group.kind == "similarity"
            and group.part in ("", "learned")
            and self.to_product
            and group.hop is not None
            and not group.hop.reverse
        )
        """Whether people who have the neighbour and the product stand behind the lines."""
        self.name = reasons.blend.terms[term].name
        self.moving: str | None = None
        """The Cypher of a holding that moves with a product; None: there is none."""
        self.note: str | None = None
        """That the store has other edges by now than the weights were fitted on."""
        if self.scorer is not None:
            self.steps = tuple(Step(hop.type, "in" if hop.reverse else "out") for hop in self.way)
            self.statement = reasons.statement(self.scorer)
            self.constants = reasons.constants(self.scorer)
            self.note = reasons.cypher_note(self.scorer)
        elif self.key.shape == "moves" and group.hop is not None:
            self.moving = reasons.moving(group.hop)


class Along(Form):
    """Learned lines that are not close, of which less is said: how many others have their neighbour and the product."""

    def __init__(self, number: int, form: Form, reasons: "Reasons") -> None:
        self.__dict__.update(form.__dict__)
        assert form.group.hop is not None, "what is learned of a neighbour is reached by a hop"
        hop, relevant = form.group.hop, reasons.schema.roles.relevant
        self.number = number
        self.way = (hop, hop.back(), Hop(hop.type if hop.type in relevant else relevant[0]))
        own = self.way if reasons.sentences.has_own(self.way) else ()
        self.key = Key("people", own, ended=form.group.ended)
        self.is_learned = self.to_product = False


_THROUGH_PEOPLE = 3
"""Hops from a customer over an attribute and other people to a product."""


class Ways:
    """The distinct ways of some forms, in the order of the mapping's interactions."""

    def __init__(self, number: int, forms: Sequence[Form], reasons: "Reasons") -> None:
        self.number = number
        order = {name: place for place, name in enumerate(reasons.schema.roles.interactions)}
        found = dict.fromkeys(form.way for form in sorted(forms, key=lambda one: (one.term, one.group.walk or 0)))
        self.hops = tuple(sorted(found, key=lambda way: [(order.get(hop.type, -1), hop.type) for hop in way]))
        self.label = reasons.graph.target(self.hops[0][0])
        """Of the customer's neighbours."""
        self.mid = reasons.graph.target(self.hops[0][1]) if len(self.hops[0]) > 1 else None
        self.says_event = len(self.hops) == 1 and reasons.sentences.says_event(self.hops[0])
        self.concentrates = reasons.concentrates(self.hops)
        self.types = tuple(dict.fromkeys(way[0] for way in self.hops))
        self.passes = any(reasons.passes(hop) for hop in self.types)
        """Whether what they start with ends or fades."""
        self._reasons = reasons

    @cached_property
    def plan(self) -> "Plan":
        """How the people on these ways are counted."""
        return self._reasons.people.plan(self.counted)

    @cached_property
    def counting(self) -> str:
        """The Cypher that counts the people on these ways."""
        return self._reasons.counting(self.counted)

    @cached_property
    def counted(self) -> tuple[tuple[Hop, ...], ...]:
        """The ways, and those over other edges of which the same is said: who bought it in another table did."""
        alike = self._reasons.said_alike
        more = [
            (way[0], replace(way[1], type=who), replace(way[2], type=what))
            for way in self.hops
            if len(way) == _THROUGH_PEOPLE
            for who in (way[1].type, *alike(way[1].type))
            for what in (way[2].type, *alike(way[2].type))
        ]
        return tuple(dict.fromkeys((*self.hops, *more)))


@dataclass(frozen=True, eq=False)
class Layout:
    """The groups of a ledger as reasons.

    Shapes: all arrays (num_forms,), the groups of the ledger first; `base` is the place of a group's key among `keys`.
    """

    forms: tuple[Form, ...]
    keys: tuple[Key, ...]
    base: NDArray[np.int64]
    by_mid: NDArray[np.bool_]
    by_via: NDArray[np.bool_]
    by_pair: NDArray[np.bool_]
    learned: NDArray[np.bool_]
    to_product: NDArray[np.bool_]
    bucket: NDArray[np.int64]
    """Where a line goes that no sentence covers."""
    buckets: int
    own_keys: tuple[Key, ...]
    own: NDArray[np.int64]
    """Which of `own_keys` the group's lines have that end where they began."""
    parts: tuple[str, ...]
    """What a score consists of; every one of PARTS is there."""
    part: NDArray[np.int64]
    """Which of `parts` the lines of the group are."""
    sensitive: NDArray[np.bool_]
    """Of the keys, then of the own ones."""
    along: NDArray[np.int64]
    """The place among `forms` of what is said of lines that are not close; -1: nothing."""
    ways: dict[int, Ways] = field(default_factory=dict)
    """Those of some groups that were asked for, by the sum of 2 ** number of the group."""

    @classmethod
    def of(cls, forms: Sequence[Form], reasons: "Reasons") -> "Layout":
        """The layout of groups of some forms; behind them stands what is said of lines that are not close."""
        less = {form: reasons.forms.along(form) for form in forms if form.goes_along}
        along = np.full(len(forms) + len(less), -1)
        along[[place for place, form in enumerate(forms) if form in less]] = np.arange(len(forms), len(along))
        forms = (*forms, *less.values())
        keys = tuple(sorted({form.key for form in forms}, key=_named))
        places = {key: place for place, key in enumerate(keys)}
        buckets: dict[tuple[int, str], int] = {}
        bucket = [buckets.setdefault((form.term, form.group.part), len(buckets)) for form in forms]
        own_keys = tuple(dict.fromkeys(form.own_key for form in forms if form.to_product))
        names = [
            form.group.part or form.group.kind if form.group.kind == "similarity" else form.group.kind for form in forms
        ]
        parts = {name: place for place, name in enumerate(dict.fromkeys((*PARTS, *names)))}
        owns = {key: place for place, key in enumerate(own_keys)}
        return cls(
            tuple(forms),
            keys,
            np.array([places[form.key] for form in forms], np.int64),
            np.array([form.by_mid for form in forms], np.bool_),
            np.array([form.by_via for form in forms], np.bool_),
            np.array([form.second is not None for form in forms], np.bool_),
            np.array([form.is_learned for form in forms], np.bool_),
            np.array([form.to_product for form in forms], np.bool_),
            np.array(bucket, np.int64),
            len(buckets),
            own_keys,
            np.array([owns.get(form.own_key, 0) for form in forms], np.int64),
            tuple(parts),
            np.array([parts[name] for name in names], np.int64),
            np.array([reasons.is_sensitive(key) for key in (*keys, *own_keys)], np.bool_),
            along,
        )


class Forms:
    """The forms, ways and layouts of one model in one language and voice."""

    def __init__(self, reasons: "Reasons") -> None:
        self._reasons = reasons
        self.sentences: Sentences = reasons.sentences
        self._forms: dict[tuple[int, LineGroup], Form] = {}
        self._along: dict[int, Along] = {}
        self._ways: dict[tuple[int, ...], Ways] = {}
        self._layouts: dict[tuple[tuple[int, ...], tuple[LineGroup, ...]], Layout] = {}
        self._last: tuple[object, Layout] | None = None
        self._numbers = count()

    def layout(self, ledger: Ledger) -> Layout:
        """What the groups of a ledger mean."""
        last, wanted = self._last, (ledger.owners, ledger.groups)
        # Ledgers of one blend mostly have the same groups, which is quickly seen.
        if last is not None and last[0] == wanted:
            return last[1]
        found = self._layouts.get(wanted)
        if found is None:
            if len(self._layouts) >= KEPT:
                self._layouts = {}
            forms = [self.form(term, group) for term, group in zip(*wanted, strict=True)]
            found = self._layouts[wanted] = Layout.of(forms, self._reasons)
        self._last = wanted, found
        return found

    def form(self, term: int, group: LineGroup) -> Form:
        """What the lines of a group mean."""
        found = self._forms.get((term, group))
        if found is None:
            made = Form(next(self._numbers), group, term, self._reasons)
            found = self._forms.setdefault((term, group), made)
        return found

    def along(self, form: Form) -> Along:
        """What is said of the lines of a form that are not close."""
        found = self._along.get(form.number)
        if found is None:
            found = self._along.setdefault(form.number, Along(next(self._numbers), form, self._reasons))
        return found

    def ways(self, forms: Sequence[Form]) -> Ways:
        """The ways of some forms."""
        numbers = (forms[0].number,) if len(forms) == 1 else tuple(sorted({form.number for form in forms}))
        found = self._ways.get(numbers)
        if found is None:
            found = self._ways.setdefault(numbers, Ways(next(self._numbers), forms, self._reasons))
        return found


def _named(key: Key) -> str:
    return f"{key.shape} {key.part} {key.kind} {' '.join(map(str, key.hops))}{' ended' if key.ended else ''}"
