"""Figures of a price as of a date: returns, volatility, drawdown, beta, momentum, and the market risk class.

    volatility     sqrt(252 v),  v_t = .94 v_(t-1) + .06 r_t^2,  r daily log returns           RiskMetrics (1996)
    GARCH          sqrt(252 h),  h the mean of v_(T+1) ... v_(T+21),  v_t = w + a r_(t-1)^2 + b v_(t-1)  (Bollerslev)
    VaR            sd sqrt(N) (-1.96 + .474 s / sqrt(N) - .0687 k / N + .146 s^2 / N) - .5 sd^2 N
    VEV            (sqrt(3.842 - 2 VaR) - 1.96) / sqrt(T)

with sd, skewness s and excess kurtosis k of the daily log returns of up to five years, N trading days in the
recommended holding period of T years. The class 1 to 7 is that of VEV among CLASSES.

Source of the last two and of CLASSES: Commission Delegated Regulation (EU) 2017/653, Annex II, part 1. The market risk
class is not yet the summary risk indicator: that takes the credit risk too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphrec.extras import needs_extra

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
DAY = 86_400_000_000
"""Microseconds."""
TRADING_DAYS = 252
DECAY = 0.94
WINDOWS = (30, 91, 182, 365)
"""Days of the returns."""
CLASSES = (0.005, 0.05, 0.12, 0.2, 0.3, 0.8)
"""Annualised VEV at which classes 2 to 7 begin: Delegated Regulation (EU) 2017/653, Annex II, part 1, point 2."""
LEAST = 2 * TRADING_DAYS
"""Daily returns that a class wants: two years, as category 2 of the same part does; a fit of GARCH wants as many."""
AHEAD = 21
"""Trading days that GARCH speaks of."""
YEARS = 5
"""Of returns that a class looks at."""


@dataclass(frozen=True)
class Figures:
    """What a price did until a date; None: there are too few prices for it."""

    last_day: str
    last: float
    returns: Mapping[str, float | None]
    """By window: 30d, 91d, 182d, 365d."""
    volatility: float | None
    """EWMA of daily log returns, a year."""
    drawdown: float
    """Below the highest price of the last 365 days, 0 to 1."""
    momentum: float | None
    """Return from 365 days to 30 days before the last price."""
    beta: float | None
    """To the benchmark, over the last 252 days on which both have a return."""
    correlation: float | None
    vev: float | None
    """Equivalent volatility of the value at risk, a year."""
    market_class: int | None
    """1 to 7."""
    garch: float | None = None
    """Volatility a year of the next 21 trading days by GARCH(1,1); None: not asked for, or it has no fit."""


@dataclass(frozen=True, eq=False)
class Prices:
    """The positive prices of one product before a date, by time.

    Shapes: times, values (num_days,).
    """

    times: Times
    values: Floats

    @classmethod
    def of(cls, times: Times, values: Floats, as_of: int) -> "Prices":
        """Those known before a date; what is no positive number is left out."""
        kept = (times < as_of) & np.isfinite(values) & (values > 0)
        order = np.argsort(times[kept], kind="stable")
        return cls(times[kept][order], values[kept][order])

    @property
    def log_returns(self) -> Floats:
        """Of each price but the first."""
        found: Floats = np.diff(np.log(self.values))
        return found

    def before(self, days: int) -> float | None:
        """The latest price at least so many days before the last one."""
        place = int(np.searchsorted(self.times, self.times[-1] - days * DAY, side="right")) - 1
        return float(self.values[place]) if place >= 0 else None


def figures(
    prices: Prices, benchmark: Prices | None = None, *, horizon: float = 5.0, garch: bool = False
) -> Figures | None:
    """The figures of a price; None: there is none before the date.

    Args:
        horizon: recommended holding period in years.
        garch: fit GARCH too, which takes some hundredths of a second a price.
    """
    if not len(prices.values):
        return None
    last, returns = float(prices.values[-1]), prices.log_returns
    ago = {days: prices.before(days) for days in WINDOWS}
    year = prices.values[prices.times > prices.times[-1] - 365 * DAY]
    early, late = ago[365], ago[30]
    beta, correlation = (None, None) if benchmark is None else beta_of(prices, benchmark)
    vev = vev_of(returns[-YEARS * TRADING_DAYS :], horizon) if len(returns) >= LEAST else None
    return Figures(
        last_day=str(prices.times[-1].astype("datetime64[us]"))[:10],
        last=last,
        returns={f"{days}d": None if one is None else last / one - 1 for days, one in ago.items()},
        volatility=ewma(returns) if len(returns) > 1 else None,
        drawdown=float(1 - last / year.max()),
        momentum=None if early is None or late is None else late / early - 1,
        beta=beta,
        correlation=correlation,
        vev=vev,
        market_class=None if vev is None else class_of(vev),
        garch=garch_of(returns[-YEARS * TRADING_DAYS :]) if garch and len(returns) >= LEAST else None,
    )


def ewma(returns: Floats) -> float:
    """Volatility a year of daily log returns, the first of which starts the mean.

    >>> round(ewma(np.array([0.01, 0.01])), 6) == round(0.01 * 252**0.5, 6)
    True
    """
    ages = np.arange(len(returns))[::-1]
    weights = (1 - DECAY) * DECAY**ages
    weights[0] = DECAY ** ages[0]
    return float(np.sqrt(TRADING_DAYS * np.dot(weights, returns**2)))


@needs_extra("finance", "GARCH")
def garch_of(returns: Floats) -> float | None:
    """The volatility a year that GARCH(1,1) expects of the next 21 trading days; None: the fit did not converge.

    Mean zero, normal likelihood, fitted by maximum likelihood in per cent (package arch).
    """
    from arch.univariate import arch_model

    if float(returns.std()) == 0:
        return 0.0
    model = arch_model(100 * returns, mean="Zero", vol="GARCH", p=1, q=1, dist="normal", rescale=False)
    fitted = model.fit(disp="off", show_warning=False)
    if fitted.convergence_flag != 0:
        return None
    w, a, b = (float(one) for one in fitted.params)
    ahead = w + a * float(100 * returns[-1]) ** 2 + b * float(fitted.conditional_volatility[-1]) ** 2
    variances = [ahead]
    for _ in range(AHEAD - 1):
        variances.append(w + (a + b) * variances[-1])
    return float(np.sqrt(TRADING_DAYS * np.mean(variances))) / 100


def beta_of(prices: Prices, benchmark: Prices) -> tuple[float | None, float | None]:
    """Beta and correlation of the last daily log returns that end on the same days; None: fewer than 20."""
    days, theirs = prices.times[1:] // DAY, benchmark.times[1:] // DAY
    _, mine, other = np.intersect1d(days, theirs, return_indices=True)
    own = prices.log_returns[mine][-TRADING_DAYS:]
    market = benchmark.log_returns[other][-TRADING_DAYS:]
    if len(own) < 20 or own.std() == 0 or market.std() == 0:
        return None, None
    covariance = np.cov(own, market, ddof=1)
    beta = float(covariance[0, 1] / covariance[1, 1])
    return beta, float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def vev_of(returns: Floats, horizon: float) -> float:
    """The VaR-equivalent volatility, a year."""
    spread = float(returns.std(ddof=1))
    if spread == 0:
        return 0.0
    scaled = (returns - returns.mean()) / returns.std()
    skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean() - 3)
    days = TRADING_DAYS * horizon
    quantile = -1.96 + 0.474 * skew / np.sqrt(days) - 0.0687 * kurtosis / days + 0.146 * skew**2 / days
    var = spread * np.sqrt(days) * quantile - 0.5 * spread**2 * days
    return float((np.sqrt(3.842 - 2 * var) - 1.96) / np.sqrt(horizon))


def class_of(vev: float) -> int:
    """The market risk class of a VEV.

    >>> [class_of(one) for one in (0.004, 0.005, 0.1, 0.2, 0.9)]
    [1, 2, 3, 5, 7]
    """
    return 1 + int(np.searchsorted(CLASSES, vev, side="right"))
