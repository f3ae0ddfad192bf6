"""Intervals of the between-study variance, and of I2 and H2 with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.meta.methods.tau2_likelihood import log_likelihood
from analysis.meta.methods.tau2_quantile import solve_form, solve_q
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.regression_result import MetaRegression
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.distributions import chi2_quantile, normal_quantile
from analysis.values.framed import Framed
from analysis.values.text import short_range

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.methods.weighted_model import Studies
    from analysis.values.arrays import FloatArray

__all__ = ["HeterogeneityInterval", "tau2_interval"]

_METHODS = (
    "q-profile",
    "jackson",
    "biggerstaff-jackson",
    "profile-likelihood",
    "wald",
    "wald-log",
    "wald-square-root",
    "test-based",
)
_LIKELIHOODS = {"ML": False, "REML": True}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeterogeneityInterval(Framed):
    """Between-study variance with its interval, and what follows for I2 and H2.

    Parameters
    ----------
    tau2, tau2_low, tau2_high : ndarray
        On the analysis scale, squared. Both limits are 0 where no tau2 fits, not even 0: the effects lie
        closer together than their standard errors allow.
    i2, i2_low, i2_high : ndarray
        In percent, by the typical sampling variance.
    h2, h2_low, h2_high : ndarray
        1/(1 - I2/100).
    confidence_level : float
        In (0, 1).
    method : str
        How the interval was computed.
    """

    tau2: FloatArray
    tau2_low: FloatArray
    tau2_high: FloatArray
    i2: FloatArray
    i2_low: FloatArray
    i2_high: FloatArray
    h2: FloatArray
    h2_low: FloatArray
    h2_high: FloatArray
    confidence_level: float
    method: str

    def __post_init__(self) -> None:
        for name in ("tau2", "i2", "h2"):
            for end in ("", "_low", "_high"):
                object.__setattr__(self, name + end, read_only(getattr(self, name + end)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of meta-analyses; () for one."""
        return self.tau2.shape

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        import pandas as pd

        names = [name + end for name in ("tau2", "i2", "h2") for end in ("", "_low", "_high")]
        columns = {name: getattr(self, name).ravel() for name in names}
        return pd.DataFrame(columns).assign(confidence_level=self.confidence_level, method=self.method)

    def __str__(self) -> str:
        """Return what a paper prints; an array gives one line each, at most ten."""
        lines: list[str] = []
        for index in np.ndindex(self.shape):
            if len(lines) == 10:
                lines.append(f"... ({self.tau2.size} in all)")
                break
            tau2, i2 = self.tau2[index], self.i2[index]
            text = "" if np.isnan(self.tau2_low[index]) else f" ({_ends(self, 'tau2', index)})"
            lines.append(f"τ² = {tau2:.3g}{text}, I² = {i2:.0f}% ({_ends(self, 'i2', index)})")
        return "\n".join(lines)


def _ends(result: HeterogeneityInterval, name: str, index: tuple[int, ...]) -> str:
    low, high = (float(getattr(result, name + end)[index]) for end in ("_low", "_high"))
    if name == "i2":
        return f"{low:.0f}% to {high:.0f}%"
    return short_range(low, high)


def tau2_interval(
    pooled: PooledEstimate | MetaRegression,
    *,
    method: str = "q-profile",
    confidence_level: float | None = None,
) -> HeterogeneityInterval:
    """Return an interval of tau2 of a random-effects model, with those of I2 and H2.

    Parameters
    ----------
    pooled : PooledEstimate or MetaRegression
        What `pool` found, by any estimator of tau2; or `meta_regression`, for what its moderators leave, by
        "q-profile" and "profile-likelihood".
    method : str, default "q-profile"
        - "q-profile": the tau2 at which Q has the probability alpha/2 in either tail; exact for normal
          effects
        - "jackson", "biggerstaff-jackson": generalised Q with weights 1/√v and 1/v, by its exact law;
          Jackson's is often the shorter where heterogeneity is moderate
        - "profile-likelihood": for tau2="ML" or "REML"
        - "wald", "wald-log", "wald-square-root": estimate plus or minus a quantile times its standard error,
          on the scale named; rough with few studies
        - "test-based": of I2 and H2 alone, from Q and k (Higgins and Thompson); tau2 limits are NaN
    confidence_level : float, optional
        In (0, 1); by default that of `pooled`.

    Returns
    -------
    HeterogeneityInterval
        Of the shape of `pooled`. The estimate can lie outside of an interval that is built on another
        statistic. Sets of one study have limits of NaN.

    Raises
    ------
    ValueError
        If the method is unknown or does not go with the model.

    Notes
    -----
    Limits of I2 are 100 tau2/(tau2 + v) at those of tau2, v the typical sampling variance.

    References
    ----------
    Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity in meta-analysis. Stat Med
    26:37-52. DOI 10.1002/sim.2514

    Jackson D (2013). Confidence intervals for the between-study variance in random effects meta-analysis
    using generalised Cochran heterogeneity statistics. Res Synth Methods 4:220-229. DOI 10.1002/jrsm.1081

    Biggerstaff BJ, Jackson D (2008). The exact distribution of Cochran's heterogeneity statistic in one-way
    random effects meta-analysis. Stat Med 27:6093-6110. (Citation not verified.)

    Higgins JPT, Thompson SG (2002). Quantifying heterogeneity in a meta-analysis. Stat Med 21:1539-1558.
    DOI 10.1002/sim.1186

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> print(tau2_interval(pool(effects)))
    τ² = 0.0429 (0.00 to 0.70), I² = 63% (0% to 97%)
    """
    check_choice("method", method, _METHODS)
    level = pooled.confidence_level if confidence_level is None else check_confidence_level(confidence_level)
    if pooled.model == "common" and method != "test-based":
        raise ValueError("The common-effect model has no tau2; pool with model='random' for its interval.")
    if isinstance(pooled, MetaRegression):
        if method not in {"q-profile", "profile-likelihood"}:
            raise ValueError(f"`method` = {method!r} is for means; for a meta-regression take 'q-profile'.")
    elif method == "test-based":
        return _test_based(pooled, level)
    if method.startswith(("profile", "wald")) and pooled.tau2_method not in _LIKELIHOODS:
        raise ValueError(
            f"`method` = {method!r} is for tau2='ML' and tau2='REML', but tau2 is {pooled.tau2_method!r}."
        )
    low, high = np.full((2, pooled.tau2.size), np.nan)
    if method.startswith("wald") and isinstance(pooled, PooledEstimate):
        low, high = _wald(pooled.tau2.ravel(), pooled.tau2_std_error.ravel(), level, method)
    else:
        tau2 = pooled.tau2.ravel()
        for block, studies in pooled.blocks():
            several = np.flatnonzero(studies.residual_df() > 0)
            if several.size:
                at = several + block.start
                part = studies.take(several)
                if method == "profile-likelihood":
                    restricted = _LIKELIHOODS[pooled.tau2_method]
                    low[at], high[at] = _profile_likelihood(part, tau2[at], level, restricted=restricted)
                else:
                    low[at], high[at] = _from_form(part, level, method)
    return _result(pooled, low.reshape(pooled.shape), high.reshape(pooled.shape), level, method)


def _from_form(studies: Studies, level: float, method: str) -> tuple[FloatArray, FloatArray]:
    tail = (1 - level) / 2
    df = studies.residual_df()
    if method == "q-profile":
        wanted = chi2_quantile(1 - tail, df), chi2_quantile(tail, df)
        # Q at 0 below both quantiles: no tau2 fits, and both limits are 0.
        return solve_q(studies, wanted[0]), solve_q(studies, wanted[1])
    power = 0.5 if method == "jackson" else 1.0
    weight = np.where(studies.inside, studies.variance, np.inf) ** -power
    every = np.ones(df.size)
    return solve_form(studies, weight, (1 - tail) * every), solve_form(studies, weight, tail * every)


def _profile_likelihood(
    studies: Studies, tau2: FloatArray, level: float, *, restricted: bool
) -> tuple[FloatArray, FloatArray]:
    critical = normal_quantile((1 + level) / 2) ** 2
    highest = log_likelihood(studies, tau2, restricted=restricted)

    def excess(at: FloatArray, rows: FloatArray) -> FloatArray:
        index = rows.astype(np.intp)
        lost: FloatArray = 2 * (
            highest[index] - log_likelihood(studies.take(index), at, restricted=restricted)
        )
        return lost - critical

    rows = np.arange(tau2.size, dtype=np.float64)
    what = "the profile likelihood limit of tau2"
    low = np.zeros(tau2.size)
    bounded = excess(low, rows) > 0
    if bounded.any():
        low[bounded] = find_root(
            excess, low[bounded], tau2[bounded], rows[bounded], what=what, tolerance=1e-13
        )
    end = 2 * tau2 + studies.variance.min(axis=0)
    short = excess(end, rows) < 0
    while short.any():
        end[short] *= 4
        short[short] = excess(end[short], rows[short]) < 0
    return low, find_root(excess, tau2, end, rows, what=what, tolerance=1e-13)


def _wald(
    tau2: FloatArray, std_error: FloatArray, level: float, method: str
) -> tuple[FloatArray, FloatArray]:
    half = normal_quantile((1 + level) / 2) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "wald":
            return np.maximum(tau2 - half, 0.0), tau2 + half
        if method == "wald-log":
            factor = np.exp(half / tau2)
            return tau2 / factor, np.where(tau2 > 0, tau2 * factor, np.nan)
        tau = np.sqrt(tau2)
        reach = half / (2 * tau)
        return np.maximum(tau - reach, 0.0) ** 2, (tau + reach) ** 2


def _result(
    pooled: PooledEstimate | MetaRegression, low: FloatArray, high: FloatArray, level: float, method: str
) -> HeterogeneityInterval:
    typical = pooled.typical_variance
    with np.errstate(invalid="ignore"):
        shares = [np.where(np.isinf(end), 100.0, 100 * end / (end + typical)) for end in (low, high)]
    return HeterogeneityInterval(
        tau2=pooled.tau2,
        tau2_low=low,
        tau2_high=high,
        i2=pooled.i2,
        i2_low=shares[0],
        i2_high=shares[1],
        h2=pooled.h2,
        h2_low=1 + low / typical,
        h2_high=1 + high / typical,
        confidence_level=level,
        method=method,
    )


def _test_based(pooled: PooledEstimate, level: float) -> HeterogeneityInterval:
    """Return Higgins and Thompson's interval of H = √(Q/(k - 1)), and of I2 with it."""
    q, df = pooled.q, pooled.df
    with np.errstate(divide="ignore", invalid="ignore"):
        large = (np.log(q) - np.log(df)) / (2 * (np.sqrt(2 * q) - np.sqrt(2 * df - 1)))
        small = np.sqrt((1 - 1 / (3 * (df - 1) ** 2)) / (2 * (df - 1)))
        std_error = np.where(q > df + 1, large, small)
        log_h = np.log(np.maximum(q / df, 1.0)) / 2
        half = normal_quantile((1 + level) / 2) * std_error
        ends = [np.maximum(np.exp(2 * (log_h + sign * half)), 1.0) for sign in (-1, 0, 1)]
    unknown = np.full(pooled.shape, np.nan)
    share = [100 * (1 - 1 / end) for end in ends]
    return HeterogeneityInterval(
        tau2=pooled.tau2,
        tau2_low=unknown,
        tau2_high=unknown,
        i2=share[1],
        i2_low=share[0],
        i2_high=share[2],
        h2=ends[1],
        h2_low=ends[0],
        h2_high=ends[2],
        confidence_level=level,
        method="test-based",
    )
