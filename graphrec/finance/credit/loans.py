"""Loan plans: instalment, what is left after it, and why a plan is refused; nothing but what the tables say.

instalment   P i / (1 - (1 + i)^-n),  i = rate / 1200 a month, n months;  P / n without a rate
share        (duties + instalment) / income: the debt-service ratio
left         income - spending - duties - instalment
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

Refusing = Callable[[str, float], tuple[str, ...]]
"""What the policy says against a product at an amount."""


@dataclass(frozen=True)
class Loan:
    """A loan as the product table has it; None: the table says nothing."""

    product: str
    name: str
    rate_percent: float | None
    minimum: float | None = None
    maximum: float | None = None
    least_months: float | None = None
    most_months: float | None = None
    purposes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Means:
    """What a customer has a month, and the bounds that hold."""

    income: float | None
    spending: float | None
    duties: float
    pd: float | None
    most_share: float
    most_pd: float
    needs_pd: bool
    needs_spending: bool

    @property
    def left(self) -> float | None:
        """What is left a month before a new loan; None: something is not known."""
        if self.income is None or (self.needs_spending and self.spending is None):
            return None
        return self.income - (self.spending or 0.0) - self.duties


@dataclass(frozen=True)
class Plan:
    """A loan over a term."""

    product: str
    name: str
    months: int
    amount: float
    rate_percent: float | None
    instalment: float | None
    """A month; None: no rate is known."""
    total: float | None
    """All instalments."""
    share: float | None
    """Instalments of all debts, as a part of income."""
    left: float | None
    """What is left a month with it."""
    pd: float | None
    refused: tuple[str, ...]
    """Why it is refused; none: it may be offered."""
    rank: int | None = None
    """Among those that may be offered: the least total first."""


@dataclass(frozen=True)
class Limit:
    """The largest amount that may be offered."""

    product: str
    name: str
    months: int
    amount: float
    instalment: float


def instalment(amount: float, rate_percent: float, months: int) -> float:
    """The level payment at the end of each month.

    >>> round(instalment(10_000, 6.0, 12), 6), instalment(1200, 0.0, 12)
    (860.664297, 100.0)
    """
    rate = rate_percent / 1200
    return amount / months if rate == 0 else amount * rate / (1 - (1 + rate) ** -months)


def amount_of(payment: float, rate_percent: float, months: int) -> float:
    """The amount that a payment a month repays.

    >>> round(amount_of(instalment(5000, 4.5, 36), 4.5, 36), 6)
    5000.0
    """
    rate = rate_percent / 1200
    return payment * months if rate == 0 else payment * (1 - (1 + rate) ** -months) / rate


def plans(
    loans: Sequence[Loan], means: Means, terms: Sequence[int], amount: float, purpose: str | None, policy: Refusing
) -> tuple[Plan, ...]:
    """Every loan over every term: those that may be offered by their total, then the refused ones."""
    made = []
    for loan in loans:
        against = policy(loan.product, amount)
        made += [_plan(loan, means, months, amount, purpose, against) for months in terms]
    offered = sorted((one for one in made if not one.refused), key=lambda one: (one.total, one.product, one.months))
    ranked = [replace(one, rank=place + 1) for place, one in enumerate(offered)]
    return (*ranked, *(one for one in made if one.refused))


def limit(
    loans: Sequence[Loan], means: Means, terms: Sequence[int], purpose: str | None, policy: Refusing
) -> Limit | None:
    """The largest amount that may be offered at all, in whole units; of equal ones the least instalment.

    None: nothing may.
    """
    if means.left is None or means.income is None:
        return None
    room = min(means.most_share * means.income - means.duties, means.left)
    if room <= 0:
        return None
    best: Limit | None = None
    for loan in loans:
        if loan.rate_percent is None:
            continue
        for months in terms:
            most = amount_of(room, loan.rate_percent, months)
            amount = float(int(most if loan.maximum is None else min(most, loan.maximum)))
            if amount < 1:
                continue
            plan = _plan(loan, means, months, amount, purpose, policy(loan.product, amount))
            if plan.refused or plan.instalment is None:
                continue
            if best is None or (amount, -plan.instalment) > (best.amount, -best.instalment):
                best = Limit(loan.product, loan.name, months, amount, plan.instalment)
    return best


def _plan(loan: Loan, means: Means, months: int, amount: float, purpose: str | None, against: tuple[str, ...]) -> Plan:
    paid = None if loan.rate_percent is None else instalment(amount, loan.rate_percent, months)
    share = None if paid is None or not means.income else (means.duties + paid) / means.income
    left = None if paid is None or means.left is None else means.left - paid
    refused = (*against, *_of_product(loan, months, amount, purpose), *_of_means(means, share, left))
    total = None if paid is None else paid * months
    return Plan(
        loan.product, loan.name, months, amount, loan.rate_percent, paid, total, share, left, means.pd, refused
    )  # fmt: skip


def _of_product(loan: Loan, months: int, amount: float, purpose: str | None) -> list[str]:
    """What the product itself does not allow."""
    said = []
    if loan.rate_percent is None:
        said.append("its rate is not known")
    if loan.minimum is not None and amount < loan.minimum:
        said.append(f"{amount:,.2f} is below its least amount of {loan.minimum:,.2f}")
    if loan.maximum is not None and amount > loan.maximum:
        said.append(f"{amount:,.2f} is above its largest amount of {loan.maximum:,.2f}")
    if loan.least_months is not None and months < loan.least_months:
        said.append(f"{months} months are below its shortest term of {loan.least_months:g}")
    if loan.most_months is not None and months > loan.most_months:
        said.append(f"{months} months are above its longest term of {loan.most_months:g}")
    if purpose is not None and loan.purposes is not None and purpose not in loan.purposes:
        said.append(f"it is not for {purpose}, but for {', '.join(loan.purposes) or 'nothing'}")
    return said


def _of_means(means: Means, share: float | None, left: float | None) -> list[str]:
    """What the customer cannot bear, and what has to be known."""
    said = []
    if not means.income or means.income <= 0:
        said.append("income is not known")
    if means.needs_spending and means.spending is None:
        said.append("spending is not known")
    if share is not None and share > means.most_share:
        said.append(f"debt service of {share:.1%} of income is above {means.most_share:.1%}")
    if left is not None and left < 0:
        said.append(f"{-left:,.2f} a month would be lacking")
    if means.needs_pd and means.pd is None:
        said.append("the probability of default is not known")
    if means.pd is not None and means.pd > means.most_pd:
        said.append(f"the probability of default of {means.pd:.2%} is above {means.most_pd:.2%}")
    return said
