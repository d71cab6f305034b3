"""The sentences of a report: what was found, said so that it can be checked."""

from dataclasses import dataclass

from graphrec.evaluation.details import Details
from graphrec.evaluation.evaluate import Evaluation
from graphrec.evaluation.reasons.explanations import KEPT, REASONS
from graphrec.evaluation.verdict import percent, verdict
from graphrec.terms.meta import ModelMeta

#: Labels whose plural has an s, in English; a report calls all others customers.
PEOPLE = ("customer", "client", "user", "member", "investor", "account", "subscriber", "reader", "household", "patient")


def people(label: str) -> str:
    """What a report calls those with a label, in the plural."""
    return f"{label.lower()}s" if label.lower() in PEOPLE else "customers"


@dataclass(frozen=True)
class Words:
    """What the top of the page says."""

    done: Evaluation
    details: Details
    users: str

    @property
    def title(self) -> str:
        """The heading."""
        return f"How good are the recommendations of {self.done.model}?"

    @property
    def finding(self) -> str:
        """The headline: how many are served, against the best baseline."""
        split, k = self.done.split, self.details.k
        return verdict(
            k, self.done.metrics, self.done.baselines, self.details.paired, users=f"{split.users:,} {self.users}",
            one_each=split.users == split.test_interactions,
        )[0]  # fmt: skip

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the highest nDCG."""
        name = f"ndcg@{self.details.k}"
        return max(self.done.baselines, key=lambda other: self.done.baselines[other][name].value, default=None)

    @property
    def reasons(self) -> str:
        """What the explanations are worth."""
        found = self.details.explanations
        if found is None:
            return ""
        own, random = found.necessity["reasons"].value, found.necessity["random"].value
        return (
            f"{percent(found.composition['path'].value)} of the scores of what is shown lie on real paths in the "
            f"graph. Without what their {REASONS} strongest reasons rest on, {percent(own)} of the products leave the "
            f"list (as much taken at random: {percent(random)}); with what the first {KEPT} rest on alone, "
            f"{percent(found.sufficiency['reasons'].value)} stay."
        )

    @property
    def cards(self) -> list[tuple[str, str]]:
        """The numbers to remember."""
        k, metrics = self.details.k, self.done.metrics
        found = [
            (percent(metrics[f"hit_rate@{k}"].value), f"of {self.users} are served by their list of {k}"),
            (f"{metrics[f'ndcg@{k}'].value:.3f}", f"nDCG@{k}: 1 would be every hidden product on top"),
            (percent(metrics[f"coverage@{k}"].value), "of all products are in somebody's list"),
        ]
        explained = self.details.explanations
        if explained is not None:
            found.append((percent(explained.composition["path"].value), "of the scores lie on real paths"))
        return found

    def terms(self, meta: ModelMeta) -> str:
        """The parts of the model with their weights."""
        return ", ".join(f"{weight:g} x {name}" for name, weight in meta.configuration.weights.items())
