"""The customers for whom a product ranks best: computed once for all roles, then shown as each of them may see it."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphrec import log
from graphrec.app.answers import AudienceGroup, AudienceUser, ProductAudience
from graphrec.app.bank import Bank
from graphrec.app.data.facts import stale
from graphrec.app.lists.products import product_id
from graphrec.app.models import in_force
from graphrec.app.recording import engine_of, record_event
from graphrec.app.requests import Audience
from graphrec.app.views import viewer
from graphrec.errors import PolicyError, UnknownId, UsageError
from graphrec.graph.lookup import nearest_ids
from graphrec.policy.rules import public_counts
from graphrec.progress import Progress
from graphrec.schema import EXACT, View
from graphrec.serving.answer import ExplainOptions, Item
from graphrec.serving.audience import Standings, chosen, standings
from graphrec.serving.engine import Engine
from graphrec.serving.views import SeenItem, Viewer

if TYPE_CHECKING:
    from graphrec.app.answers import Count

LIST_LENGTH = 10
"""A product is in the list of a customer where it ranks at most so low."""
GROUPS_ALONE: tuple[View, ...] = ("analyst", "auditor", "service", "customer")
"""Views that name no customer."""
#: Columns and labels with more values than this make no groups.
_MOST_VALUES = 30


def audience(bank: Bank, request: Audience, view: View, progress: Progress) -> ProductAudience:
    """The audience of one product as a role reads it."""
    home = bank.home_at(request.as_of, no_policy=request.no_policy)
    engine = engine_of(bank, home, request.model, request.occasion, every=True)
    request = replace(request, product=product_id(engine, request.product))
    product = engine.products.ids.find(request.product)
    if product < 0:
        near = ", ".join(nearest_ids(engine.products, request.product))
        raise UnknownId(f"no product {request.product!r}{f'; the nearest are {near}' if near else ''}")
    language = request.language or bank.settings.language
    with log.stage("audience", level=10, product=request.product) as stage:
        try:
            asked = chosen(engine, request.where)
        except PolicyError as error:
            raise UsageError(str(error)) from None
        users = _of_adviser(engine, asked, request.adviser)
        found = standings(engine, users, [product], progress)
        best = _best(found, request.k) if view not in GROUPS_ALONE else []
        explained = [(user, _item(engine, user, request, language)) for user in best]
        stage.count(customers=len(users), eligible=int(found.eligible.sum()))
    sentences = engine.reasons_in(language).sentences
    seer = None if view == EXACT else viewer(bank, view, sentences)
    people = _People(seer, engine.roles.min_group, f"audience\0{request.product}\0{request.where}\0{request.adviser}")
    shown = [_shown(engine, user, item, request.reasons, seer) for user, item in explained if item is not None]
    shown.sort(key=lambda one: one[0])
    eligible, listed = found.eligible[:, 0], (found.ranks[:, 0] > 0) & (found.ranks[:, 0] <= LIST_LENGTH)
    refused = found.counts(0)
    counts = refused if seer is None else public_counts(refused, engine.policy.codes)
    ids = hashlib.sha256("\n".join(one.user for _, one in shown).encode()).hexdigest()
    content = {
        "product": request.product, "k": request.k, "where": request.where, "view": view, "adviser": request.adviser,
        "as_of": home.as_of, **vars(request.occasion), "model": engine.model.name, "policy": engine.policy_name,
        "asked": len(users), "refused": refused, "shown": len(shown), "users_sha256": ids,
    }  # fmt: skip
    number, unwritten = record_event(bank, "audience", content, wanted=request.record)
    abstained = None
    if not (found.ranks > 0).any():
        abstained = sentences.say("notes.no_audience", i=request.product)
    told_in = sentences.language
    notes = (
        *engine.notes_in(language),
        *in_force.notes(home, request.model, told_in),
        *stale(home, told_in),
        *unwritten,
    )
    return ProductAudience(
        product=request.product,
        name=engine.snapshot.name(engine.roles.product, product),
        as_of=engine.as_of,
        model=engine.model.name,
        snapshot=engine.fitted_on,
        facts=engine.snapshot.hash,
        policy=engine.policy_name,
        view=view,
        where=request.where,
        k=request.k,
        asked=people.count("asked", len(users)),
        eligible=people.count("eligible", int(eligible.sum())),
        listed=people.count("listed", int(listed.sum())),
        list_length=LIST_LENGTH,
        unknown=people.count("unknown", int((eligible & (found.ranks[:, 0] == 0)).sum())),
        refused={rule: people.count(f"refused {rule}", count) for rule, count in counts.items()},
        users=tuple(one for _, one in shown),
        groups=tuple(_groups(engine, users, eligible, listed, people)),
        abstained=abstained,
        notes=notes,
        record=number,
    )


class _People:
    """Numbers of people as a view says them."""

    def __init__(self, seer: Viewer | None, min_group: int, asked: str) -> None:
        self._seer, self._least, self._asked = seer, min_group, asked

    def count(self, what: str, count: int) -> "Count":
        """Exact, or a band; None: fewer than `min_group`."""
        if self._seer is None:
            return count
        return self._seer.band(f"{self._asked}\0{what}", count) if count >= self._least else None


def _of_adviser(engine: Engine, users: NDArray[np.int64], adviser: str | None) -> NDArray[np.int64]:
    if adviser is None:
        return users
    kept = [user for user in users.tolist() if _adviser(engine, user) == adviser]
    return np.array(kept, np.int64)


def _adviser(engine: Engine, user: int) -> str | None:
    column = engine.snapshot.schema.nodes[engine.roles.user].adviser
    found = None if column is None else engine.snapshot.value(engine.roles.user, column, user)
    return None if found is None else str(found)


def _best(found: Standings, k: int) -> list[int]:
    """The customers, by position in the snapshot, with whom the product stands best."""
    rows = np.flatnonzero(found.ranks[:, 0] > 0)
    order = np.lexsort((found.users[rows], -found.scores[rows, 0], found.ranks[rows, 0]))[:k]
    best: list[int] = found.users[rows[order]].tolist()
    return best


def _item(engine: Engine, user: int, request: Audience, language: str) -> Item | None:
    answer = engine.explain(engine.users.ids[user], request.product, LIST_LENGTH, ExplainOptions(language=language))
    return answer.items[0] if answer.items else None


def _shown(
    engine: Engine, user: int, item: Item, most: int, seer: Viewer | None
) -> tuple[tuple[int, float, str], AudienceUser]:
    """A customer as the view shows one, after what customers are ordered by."""
    seen: Item | SeenItem = item if seer is None else seer.item(item)
    one = AudienceUser(
        user=engine.users.ids[user],
        rank=item.rank or 0,
        score=item.score if seer is None else None,
        confidence=seen.confidence,
        reasons=seen.reasons[:most],
        warnings=seen.warnings,
        adviser=_adviser(engine, user),
    )
    return (one.rank, -item.score, one.user), one


def _groups(
    engine: Engine,
    users: NDArray[np.int64],
    eligible: NDArray[np.bool_],
    listed: NDArray[np.bool_],
    people: _People,
) -> Iterator[AudienceGroup]:
    """The eligible customers by each column and each label with few values, largest first."""
    least = engine.roles.min_group
    for name, members in (*_columns(engine, users), *_neighbours(engine, users)):
        counted = Counter({value: int(eligible[rows].sum()) for value, rows in members.items()})
        for value, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
            if count >= least:
                hit = int(listed[members[value]].sum())
                what = f"{name}\0{value}"
                yield AudienceGroup(
                    name,
                    value,
                    people.count(f"{what}\0eligible", count),
                    people.count(f"{what}\0listed", hit) if hit >= least else None,
                )


def _columns(engine: Engine, users: NDArray[np.int64]) -> Iterator[tuple[str, Mapping[str, NDArray[np.int64]]]]:
    """For each column of customers with few texts, which of these customers have each of them."""
    schema = engine.schema.nodes[engine.roles.user]
    hidden = {*schema.personal, *schema.protected, *schema.sensitive, schema.name, schema.crm_id, schema.adviser,
              schema.vector}  # fmt: skip
    for name, kind in sorted(engine.users.columns.items()):
        if kind != "text" or name in hidden:
            continue
        column = engine.users.column(name)
        values = [str(column.get(int(user))) if column.valid[int(user)] else "" for user in users]
        if len({*values} - {""}) <= _MOST_VALUES:
            yield name, _members(values)


def _neighbours(engine: Engine, users: NDArray[np.int64]) -> Iterator[tuple[str, Mapping[str, NDArray[np.int64]]]]:
    """For each label with few nodes that customers lead to, which of these customers lead to each of them."""
    snapshot, roles = engine.snapshot, engine.roles
    for name, edge in sorted(engine.schema.edges.items()):
        few = edge.target != roles.product and edge.source == roles.user and snapshot.count(edge.target) <= _MOST_VALUES
        if not few or edge.protected or edge.sensitive:
            continue
        edges = snapshot.edges(name)
        indptr, indices = np.asarray(edges.indptr), np.asarray(edges.indices)
        of = {
            snapshot.name(edge.target, node) or snapshot.nodes(edge.target).ids[node]: node
            for node in range(snapshot.count(edge.target))
        }
        owners = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        yield name, {value: np.flatnonzero(np.isin(users, owners[indices == node])) for value, node in of.items()}


def _members(values: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    found: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        if value:
            found.setdefault(value, []).append(row)
    return {value: np.array(rows, np.int64) for value, rows in found.items()}
