"""Whether what was logged can say anything of another policy."""

from dataclasses import dataclass

from graphrec.errors import NoSupport
from graphrec.metrics.intervals import Interval
from graphrec.metrics.off_policy import OffPolicy

#: Of the places of the new policy, the share that the logging policy could have filled alike.
LEAST_SUPPORT = 0.95
#: Choices that an estimate has to rest on.
LEAST_EFFECTIVE = 30.0


@dataclass(frozen=True)
class Estimate:
    """What a policy would have earned: the mean reward of one place, 0 to 1."""

    ips: Interval
    snips: Interval
    dr: Interval
    effective: float
    """Choices of equal weight that would say as much."""
    largest_weight: float
    support: float
    """Share of its places that the logging policy could have filled alike."""
    choices: int
    logged: float
    """Mean reward of what was logged."""
    notes: tuple[str, ...] = ()


def check(found: OffPolicy, support: float, choices: int, logged: float, notes: tuple[str, ...] = ()) -> Estimate:
    """An estimate that has support.

    Raises:
        NoSupport: it has too little.
    """
    if support < LEAST_SUPPORT:
        raise NoSupport(
            f"{1 - support:.1%} of what the new policy shows could never have been logged, and at most "
            f"{1 - LEAST_SUPPORT:.0%} may be: no estimate is given; draw from more products (a larger pool of "
            "[explore], or [holdout]) and wait for their outcomes"
        )
    if found.effective < LEAST_EFFECTIVE:
        raise NoSupport(
            f"the estimate would rest on {found.effective:.1f} of {choices:,} choices, and wants {LEAST_EFFECTIVE:g}: "
            "the two policies agree too seldom; draw more lists (a larger share of [explore]) and wait"
        )
    return Estimate(found.ips, found.snips, found.dr, found.effective, found.largest, support, choices, logged, notes)
