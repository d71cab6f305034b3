"""An independent look at delivered lists: small code of its own, which knows the truth of a bank and nothing else."""

import csv
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Findings:
    """What is wrong with delivered lists, and how many there are."""

    customers: int = 0
    items: int = 0
    without_consent: int = 0
    closed: int = 0
    held: int = 0
    repeated: int = 0
    unranked: int = 0
    too_risky: int = 0
    untrue: int = 0
    leaks: int = 0
    """Sentences with English words in a list in another language."""
    examples: list[str] = field(default_factory=list)
    """Sentences that are not true, or not in the language."""
    covered: list[float] = field(default_factory=list)
    """Per cents of each product that true sentences with a name, a count or a word cover."""

    def faults(self) -> dict[str, int]:
        """The counts that have to be 0."""
        return {name: getattr(self, name) for name in FAULTS}


FAULTS = ("without_consent", "closed", "held", "repeated", "unranked", "too_risky", "untrue", "leaks")
#: What no reason of its own says.
NOTHING = ("many", "other", "general", "self", "nonlinear", "rest")


@dataclass(frozen=True)
class Facts:
    """What is true of a bank, for its sentences."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Product by its name."""
    acted: Collection[tuple[str, str]] = frozenset()
    """Customers and the products that they bought, hold or looked at."""
    bought: Collection[tuple[str, str]] = frozenset()
    traits: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What files say of a customer, as texts."""
    risk: Mapping[str, float] = field(default_factory=dict)
    """Of products."""
    tolerance: Mapping[str, float] = field(default_factory=dict)
    """Of customers."""
    looked: Collection[tuple[str, str]] | None = None
    """Customers and the products that they looked at, where that is known apart from what they hold."""

    def denies(self, user: str, product: str, sentence: str) -> bool:
        """Whether a sentence says what is not so."""
        named = {one for name, one in self.names.items() if re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", sentence)}
        if any((user, one) not in self.acted for one in named - {product}):
            return True
        if found := re.fullmatch(
            r"([\d,.]+) others (?:with|from)( .+?) (bought|looked at|chose|hold|held)"
            r"(?: or (?:bought|chose|hold|held))* it"
            r"(: it is more frequent among them than among all)?",
            sentence,
        ):
            said = found[2].casefold()
            values = [value for value in self.traits[user] if said.endswith(f" {value}".casefold())]
            seen = self.acted if self.looked is None else self.looked
            did = seen if found[3] == "looked at" else self.bought
            like = {one for one, own in self.traits.items() if set(values) & set(own)}
            took = {one for one in self.traits if (one, product) in did}
            if found[4] and len(like & took) * len(self.traits) <= len(took) * len(like):
                return True
            return len((like & took) - {user}) != int(re.sub(r"\D", "", found[1]))
        return False


def look_at(
    path: Path,
    consents: Mapping[str, bool],
    closed: frozenset[str],
    held: frozenset[tuple[str, str]],
    facts: Facts | None = None,
    language: str = "en",
) -> Findings:
    """What a CSV file of lists has in it."""
    found, ranks = Findings(), dict[str, list[int]]()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            user, product = plain(row["user"]), plain(row["product"])
            found.items += 1
            found.without_consent += not consents[user]
            found.closed += product in closed
            found.held += (user, product) in held
            sentences = sentences_of(row)
            found.repeated += len(sentences) - len(set(sentences))
            if facts is not None:
                _hear(found, row, facts, language)
            ranks.setdefault(user, []).append(int(row["rank"]))
    found.customers = len(ranks)
    found.unranked = sum(sorted(some) != list(range(1, len(some) + 1)) for some in ranks.values())
    return found


def _hear(found: Findings, row: Mapping[str, str], facts: Facts, language: str) -> None:
    """Whether what is said of one product is true, and how much of it."""
    user, product, covers = plain(row["user"]), plain(row["product"]), 0.0
    found.too_risky += facts.risk.get(product, 0) > facts.tolerance.get(user, 99)
    for one in json.loads(row["reasons"]):
        is_false = facts.denies(user, product, one["text"])
        leaks = language != "en" and bool(
            re.search(r"\b(the|which|others|customer|you|like|with|bought)\b", one["text"])
        )
        found.untrue += is_false
        found.leaks += leaks
        found.examples += [one["text"]] if is_false or leaks else []
        covers += 0 if is_false or one["kind"] in NOTHING else one["percent"] or 0
    found.covered.append(covers)


def sentences_of(row: Mapping[str, str]) -> list[str]:
    """The sentences of one item, in the one column or the other."""
    texts = row.get("reasons") or ""
    if texts.startswith("["):
        return [normal(one["text"]) for one in json.loads(texts)]
    return [normal(row["reason"])] if row.get("reason") else []


def normal(sentence: str) -> str:
    """A sentence without what does not make it another one."""
    return re.sub(r"\s+", " ", sentence).strip(" .").casefold()


def plain(cell: str) -> str:
    """A cell without the sign that keeps spreadsheets from computing it."""
    return cell.removeprefix("'")
