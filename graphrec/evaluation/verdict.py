"""What a measurement comes to, in a sentence or two, and loudly where the most popular products do as well."""

from collections.abc import Mapping, Sequence

from graphrec.metrics.intervals import Interval

#: A difference is said to be more than chance below this p.
SURE = 0.05
NAMES = {"popularity": "the most popular products", "itemknn": "item-kNN"}


def verdict(
    k: int,
    metrics: Mapping[str, Interval],
    baselines: Mapping[str, Mapping[str, Interval]],
    paired: Mapping[str, Mapping[str, float]],
    *,
    users: str,
    one_each: bool,
) -> tuple[str, ...]:
    """How many are served, against the best baseline; then that popularity wins, where it does.

    Args:
        paired: the p of the difference to each baseline, by metric.
        users: how many, and what they are called: "120 users".
        one_each: whether there is one hidden product for each of them.
    """
    served = between(metrics[f"hit_rate@{k}"])
    said = (
        f"For {served} of {users}, the list of {k} holds {'the' if one_each else 'a'} product that they took "
        "afterwards and that was hidden from the model."
    )
    best = max(baselines, key=lambda other: baselines[other][f"ndcg@{k}"].value, default=None)
    if best is None:
        return (said,)
    name = NAMES.get(best, best)
    said += f" {name[:1].upper()}{name[1:]} would serve {percent(baselines[best][f'hit_rate@{k}'].value)}"
    p = paired[best][f"hit_rate@{k}"]
    said += (
        f"; the difference is {'more than chance' if p < SURE else 'not more than chance could make'} ({p_text(p)})."
    )
    if "popularity" not in baselines:
        return (said,)
    own, other = metrics[f"ndcg@{k}"].value, baselines["popularity"][f"ndcg@{k}"].value
    return (said, *popularity_wins(f"ndcg@{k}", own, other))


def popularity_wins(metric: str, own: float, other: float) -> Sequence[str]:
    """The warning that the most popular products do as well as the model; none where they do not.

    >>> list(popularity_wins("ndcg@10", 0.2, 0.1))
    []
    """
    if own > other:
        return ()
    said = (
        f"ATTENTION: POPULARITY WINS. The most popular products reach {metric} {other:.4f}, the model {own:.4f}: lists "
        "made for each customer are no better than one list for all. Load more dealings, or attributes and texts; "
        "until then the honest list is that of: graphrec train --model popularity"
    )
    return (said,)


def percent(value: float) -> str:
    """A share as a person reads it."""
    return f"{value:.1%}" if 0 < value < 0.1 or 0.9 < value < 1 else f"{value:.0%}"


def between(found: Interval) -> str:
    """A share with its interval."""
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"


def p_text(p: float) -> str:
    """A p-value with as many digits as it deserves."""
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".")
