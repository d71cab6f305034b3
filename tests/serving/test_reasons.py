"""Reasons over all lists of a bank: a checker that knows the rows alone finds no untrue and no repeated sentence."""

import re
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec.structs import replace as replace_struct

from graphrec.graph.edges.adjacency import Hop
from graphrec.schema import EdgeSchema
from graphrec.serving.answer import Item, ListOptions, Reason
from graphrec.serving.engine import Engine
from graphrec.serving.reasons.forms import Ways
from graphrec.serving.reasons.groups import CLOSE, LEADS, Chosen, joined
from graphrec.serving.reasons.lines import sensitive_types
from tests.banks import SCHEMA, small_bank

TYPES = {"bought": "BOUGHT", "looked at": "VIEWED"}
PEOPLE = re.compile(
    r"(\d+) others who (.+?) (Fund .+?) (?:also )?((?:bought|looked at)(?: or (?:bought|looked at))*) it"
)
WITH = re.compile(r"(\d+) others with age band (\S+) (.+) it")
SHARED = re.compile(r"is in (Sector \d), like (.+)")
MANY = re.compile(r"(\d+) products the customer (.+?), among them (.+)")
FEW = re.compile(r"(Fund .+), which the customer (.+)")
OFTEN = re.compile(r"is a frequent choice: (\d+) people bought it")
AMONG = re.compile(r"is more frequent among people with age band (\S+)")
MORE = ": it is more frequent among them than among all"
OWN = re.compile(r"the customer (.+) it")
CLOSE_TO = re.compile(r"(?:goes well with|has a description close to that of) (.+)")


class Checker:
    """Recomputes what a sentence says from the rows of the bank."""

    def __init__(self, engine: Engine) -> None:
        nodes, edges = small_bank()
        self.engine = engine
        self.names = {row["name"]: row["id"] for row in nodes["Product"].to_pylist()}
        self.sector = {row["source"]: f"Sector {row['target'][1:]}" for row in edges["IN_SECTOR"].to_pylist()}
        self.band = {row["source"]: row["target"] for row in edges["IN_AGE_BAND"].to_pylist()}
        self.customers = len(nodes["Customer"])
        self.of: dict[tuple[str, str], set[str]] = defaultdict(set)
        for kind in TYPES.values():
            for row in edges[kind].to_pylist():
                self.of[kind, row["target"]].add(row["source"])

    def is_likelier(self, product: str, band: str) -> bool:
        """Whether people of an age band hold a product more often than all do."""
        group, holders = {one for one, own in self.band.items() if own == band}, self.of["BOUGHT", product]
        return len(group & holders) / len(group) > len(holders) / self.customers

    def who(self, verbs: str, products: list[str]) -> set[str]:
        return {one for verb in verbs.split(" or ") for product in products for one in self.of[TYPES[verb], product]}

    def named(self, text: str) -> list[str]:
        return [self.names[name] for name in re.findall(r"Fund \d+", text)]

    def is_true(self, user: str, item: Item, reason: Reason) -> bool:
        """Whether all that a reason says is true."""
        if not reason.text.endswith(MORE):
            return self.holds(user, item, reason)
        said = replace(reason, text=reason.text.removesuffix(MORE))
        return self.is_likelier(item.product, self.band[user]) and self.holds(user, item, said)

    def holds(self, user: str, item: Item, reason: Reason) -> bool:
        """Whether a sentence is true; a KeyError where it is none that is known."""
        product, text = item.product, reason.text
        holders = self.of["BOUGHT", product]
        if found := PEOPLE.fullmatch(text):
            via = reason.parameters["via"] if reason.parameters else []
            assert set(self.named(found[3])) <= set(via)
            people = (self.who(found[2], via) & self.who(found[4], [product])) - {user}
            return len(people) == int(found[1]) == reason.people >= SCHEMA.roles.min_group
        if found := WITH.fullmatch(text):
            people = {one for one in self.who(found[3], [product]) if self.band.get(one) == found[2]} - {user}
            return len(people) == int(found[1]) >= SCHEMA.roles.min_group and self.band[user] == found[2]
        if found := SHARED.fullmatch(text):
            count = None
            things = FEW.fullmatch(found[2])
            if many := MANY.fullmatch(found[2]):
                count, verbs, names = int(many[1]), many[2], self.named(many[3])
                alike = [one for one, name in self.sector.items() if name == found[1] and one != product]
                if count != sum(user in self.who(verbs, [one]) for one in alike):
                    return False
            else:
                assert things is not None, text
                verbs, names = things[2], self.named(things[1])
            return self.sector[product] == found[1] and all(
                self.sector[one] == found[1] and user in self.who(verbs, [one]) for one in names
            )
        if found := OFTEN.fullmatch(text):
            counts = [len(self.of["BOUGHT", one]) for one in self.names.values()]
            return len(holders) == int(found[1]) and sum(one > len(holders) for one in counts) < 0.1 * len(counts)
        if found := AMONG.fullmatch(text):
            return self.band[user] == found[1] and self.is_likelier(product, found[1])
        if found := OWN.fullmatch(text):
            return user in self.who(found[1], [product])
        if found := CLOSE_TO.fullmatch(text):
            things = FEW.fullmatch(found[1])
            names = self.named(things[1] if things else found[1])
            return all(self.is_close(user, product, one) for one in names)
        raise KeyError(text)

    def is_close(self, user: str, product: str, other: str) -> bool:
        """Whether a holding gives more to a product than to nine tenths of those that may be shown."""
        engine = self.engine
        row = engine.users.ids.find(user)
        allowed = np.flatnonzero(engine.allowed(np.array([row]))[0]).astype(np.int32)
        ledger = engine.model.blend.ledger(row, allowed, engine.model.blend.row(row).scales)
        column = int(np.flatnonzero(allowed == engine.products.ids.find(product))[0])
        for line in np.flatnonzero(ledger.via == engine.products.ids.find(other)).tolist():
            values = ledger.values[line]
            if (
                ledger.group_of(line).kind == "similarity"
                and values[column] > np.sort(values)[int(CLOSE * (len(values) - 1))]
            ):
                return user in self.who("bought or looked at", [other])
        return False


@pytest.mark.slow
def test_no_sentence_is_untrue_or_repeated(engine: Engine) -> None:
    checker, checked, together = Checker(engine), 0, 0
    for user in engine.users.ids:
        for item in engine.recommend(user, 20).items:
            assert len({reason.text for reason in item.reasons}) == len(item.reasons)
            bands = [reason.text for reason in item.reasons if "age band" in reason.text]
            assert sum("looked at" not in text for text in bands) <= 1, "one attribute is one reason"
            together += any(reason.text.endswith(MORE) for reason in item.reasons)
            for reason in item.reasons:
                if reason.kind not in ("many", "other"):
                    assert checker.is_true(user, item, reason), (user, item.product, reason)
                    checked += 1
    assert checked > 1000
    assert together


def test_three_reasons_of_one_attribute_say_once_that_it_is_more_frequent(engine: Engine) -> None:
    sentences = engine.reasons_in("en").sentences
    people = Chosen("path", "{people} others with segment A bought it", np.array([0]), 1.0, 10.0, people=7)
    often = Chosen("attribute", "is more frequent among people with segment A", np.array([1]), 2.0, 20.0)
    again = replace_struct(often, lines=np.array([2]))
    told = people.wording + MORE
    for order in ((people, often, again), (often, people, again), (often, again, people)):
        found = joined(sentences, joined(sentences, *order[:2]), order[2])
        assert (found.wording, found.people, found.share, found.percent) == (told, 7, 5.0, 50.0)
        assert sorted(found.lines.tolist()) == [0, 1, 2]


def test_per_cents_are_shares_of_what_speaks_for_the_product(engine: Engine) -> None:
    for user in ("C003", "C008", "C020"):
        for item in engine.recommend(user, 10, ListOptions(reasons=None)).items:
            known = [reason for reason in item.reasons if reason.percent is not None]
            assert sum(reason.percent or 0 for reason in known) + (item.others or 0) == pytest.approx(100)
            assert item.others == pytest.approx(0, abs=1e-6)
            whole = 100 * known[0].share / (known[0].percent or 1)
            against = (item.against or 0) * whole / 100
            assert whole - against == pytest.approx(item.score, rel=1e-6)  # per cents have nine decimals
            for reason in known:
                assert reason.share / whole * 100 == pytest.approx(reason.percent)


def test_reasons_stand_in_the_order_of_their_shares_whatever_k_is(engine: Engine) -> None:
    for user in ("C003", "C008", "C020", "C033"):
        wide = {item.product: item.reasons for item in engine.recommend(user, 20).items}
        for item in engine.recommend(user, 2).items:
            assert item.reasons == wide[item.product]
            assert engine.explain(user, item.product, 7).items[0].reasons[0] == item.reasons[0]
        for reasons in wide.values():
            first = reasons[0]
            assert (first.kind == "many") == (first.percent is None)
            if first.kind != "many":
                assert (first.percent or 0) >= 100 * LEADS
                told = [one.percent or 0 for one in reasons if one.kind != "other"]
                behind = "those that push all alike are behind, and those that are sensitive never lead"
                assert sum(b > a for a, b in pairwise(told)) <= 2, behind
            assert "age band" not in first.text
    plain = engine.recommend("C008", 5, ListOptions(plain=True)).items
    for item in plain:
        told = [one.percent or 0 for one in item.reasons[1:] if one.kind != "other"]
        assert told == sorted(told, reverse=True), "what is sensitive never leads"


@pytest.mark.slow
def test_what_is_sensitive_leads_no_list_for_the_customer(engine: Engine) -> None:
    led = 0
    for user in engine.users.ids:
        for item in engine.recommend(user, 20, ListOptions(voice="customer")).items:
            assert "age band" not in item.reasons[0].text
            led += "age band" in " ".join(reason.text for reason in item.reasons)
            assert not any("the customer" in reason.text for reason in item.reasons)
    assert led


def test_marks_of_the_mapping_stand_over_words() -> None:
    assert sensitive_types(SCHEMA) == {"IN_AGE_BAND"}
    edges = {**SCHEMA.edges, "IN_CLUB": EdgeSchema("IN_CLUB", "Customer", "Sector", sensitive=True)}
    assert sensitive_types(replace(SCHEMA, edges=edges)) == {"IN_CLUB"}
    german = {**SCHEMA.edges, "HAT_GEHALT": EdgeSchema("HAT_GEHALT", "Customer", "Gehaltsstufe")}
    assert sensitive_types(replace(SCHEMA, edges=german)) == {"IN_AGE_BAND", "HAT_GEHALT"}


@pytest.mark.slow
def test_a_risk_that_is_held_already_is_a_concentration_and_does_not_lead(engine: Engine) -> None:
    edges = {**SCHEMA.edges, "IN_SECTOR": replace(SCHEMA.edges["IN_SECTOR"], risk=True)}
    reasons = engine.reasons_in("en")
    found = 0
    before = reasons.schema
    try:
        reasons.schema = replace(SCHEMA, edges=edges)
        for user in engine.users.ids:
            for item in engine.recommend(user, 20).items:
                for place, reason in enumerate(item.reasons):
                    if "this concentrates the risk" in reason.text:
                        assert reason.kind == "concentration"
                        assert place > 0
                        found += 1
    finally:
        reasons.schema = before
    assert found


def test_the_cypher_of_a_reason_counts_its_people(engine: Engine) -> None:
    found = [
        reason for user in ("C003", "C008") for item in engine.recommend(user, 5).items for reason in item.reasons
        if reason.people is not None and reason.cypher
    ]  # fmt: skip
    assert found
    for reason in found:
        assert reason.wording is not None
        assert reason.wording.replace("{people}", str(reason.people)) == reason.text
        assert "count(DISTINCT v.id) AS people" in (reason.cypher or "")
        assert reason.parameters is not None
        assert set(reason.parameters) == {"user", "product", "via", "fitted_as_of", "nodes_as_of"}


def test_a_learned_line_that_is_not_close_says_who_has_both_where_more_of_them_do(engine: Engine) -> None:
    checker, said, unsaid = Checker(engine), 0, 0
    bought = {kind: checker.of["BOUGHT", kind] for kind in checker.names.values()}
    for user in ("C003", "C008", "C020", "C033"):
        for item in engine.recommend(user, 3).items:
            for line in engine.explain(user, item.product, 40).items[0].lines:
                if line.kind != "similarity" or line.share <= 0 or line.via is None or "AgeBand" in line.via.label:
                    continue
                having, holding = bought[line.via.id] - {user}, bought[item.product] - {user}
                both = having & holding
                more = len(both) * (checker.customers - 1) > len(holding) * len(having)
                if found := PEOPLE.fullmatch(line.text):
                    assert found[2] == "bought"
                    assert int(found[1]) == len(both) >= SCHEMA.roles.min_group
                    assert more
                    said += 1
                elif line.text == "other similarities":
                    unsaid += not more
    assert said
    assert unsaid


def test_people_are_counted_in_all_tables_at_both_ends_of_what_they_share() -> None:
    ways = object.__new__(Ways)
    ways.hops = ((Hop("BOUGHT"), Hop("BOUGHT", True), Hop("BOUGHT")), (Hop("KEPT"), Hop("KEPT", True)))
    other = {"BOUGHT": ("TRADE_BOUGHT",)}
    ways._reasons = SimpleNamespace(said_alike=lambda kind: other.get(kind, ()))  # type: ignore[assignment]
    said = {" ".join(map(str, way)) for way in ways.counted}
    ends = ("BOUGHT", "TRADE_BOUGHT")
    assert said == {f"BOUGHT <{one} {two}" for one in ends for two in ends} | {"KEPT <KEPT"}
