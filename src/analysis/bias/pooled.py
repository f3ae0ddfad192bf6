"""Each study adjusted for its bias, then pooled: what is left of a meta-analysis of biased studies.

One study is in `probabilistic`, pooling itself in `meta.pooling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.bias.methods.draw_evaluation import Parameters, Subject, check_biases
from analysis.bias.methods.draw_quantiles import quantiles_of
from analysis.bias.methods.draw_uniforms import blocks, check_draws, mixed, seed_sequence
from analysis.meta.pooling import pool
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import short_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.bias.methods.draw_biases import Bias
    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import BoolArray, FloatArray, IntArray
    from analysis.values.counts import TwoByTwo

__all__ = ["BiasAdjustedPool", "pool_bias_adjusted"]

# Intervals that are a mean plus or minus a quantile times a standard error, which a draw can be added to.
_INTERVALS = ("hartung-knapp-adhoc", "hartung-knapp", "wald", "t", "kenward-roger")
_MOST_DRAWS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasAdjustedPool(Framed):
    """A pooled estimate before and after its studies are adjusted, its uncertainty in three parts.

    Parameters
    ----------
    measure, scale : str
        What was pooled, and its analysis scale.
    conventional : PooledEstimate
        Without bias adjustment.
    biases : tuple
        In the order in which they were undone.
    systematic, total : Estimate
        Median and limits of the pooled estimate over the bias parameters alone, and over all that is
        uncertain.
    systematic_error, total_error : ndarray, shape (3,)
        Monte-Carlo standard errors of median, low and high on the analysis scale.
    studies : Estimate
        Per study: median and limits over the bias parameters alone.
    systematic_variance : float
        Variance of the pooled effect between draws of the bias parameters, on the analysis scale.
    random_variance, between_variance : float
        Parts of the pooled effect's variance that come from sampling within studies and from heterogeneity
        between them, averaged over the draws.
    tau2 : ndarray, shape (3,)
        Median and limits of the between-study variance over the draws.
    i2 : ndarray, shape (3,)
        The same of I2, in percent.
    draws : int
        Sets of parameters that were drawn.
    impossible_draws : int
        Draws that contradict at least one study; they are in no result.
    impossible_studies : ndarray of int, shape (k,)
        Draws that contradict each study.
    sharing : float
        Correlation of the parameters between studies: 1 shared, 0 specific to each.
    confidence_level : float
    seed : int or None
    """

    measure: str
    scale: str
    conventional: PooledEstimate
    biases: tuple[Bias, ...]
    systematic: Estimate
    total: Estimate
    systematic_error: FloatArray
    total_error: FloatArray
    studies: Estimate
    systematic_variance: float
    random_variance: float
    between_variance: float
    tau2: FloatArray
    i2: FloatArray
    draws: int
    impossible_draws: int
    impossible_studies: IntArray
    sharing: float
    confidence_level: float
    seed: int | None

    def __post_init__(self) -> None:
        for name in ("systematic_error", "total_error", "tau2", "i2"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def shares(self) -> dict[str, float]:
        """The three parts of the variance as shares that add to 1."""
        parts = {
            "systematic": self.systematic_variance,
            "random": self.random_variance,
            "between studies": self.between_variance,
        }
        whole = sum(parts.values())
        return {name: part / whole for name, part in parts.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return three rows: conventional, systematic, total."""
        import pandas as pd

        usual = self.conventional.estimate
        rows = [("conventional", usual, np.full(3, np.nan))]
        rows += [("systematic", self.systematic, self.systematic_error)]
        rows += [("total", self.total, self.total_error)]
        return pd.DataFrame(
            {
                "error": name,
                "measure": self.measure,
                "value": float(estimate.value.item()),
                "low": float(estimate.low.item()),
                "high": float(estimate.high.item()),
                "value_monte_carlo_error": errors[0],
                "low_monte_carlo_error": errors[1],
                "high_monte_carlo_error": errors[2],
            }
            for name, estimate, errors in rows
        )

    def __str__(self) -> str:
        """Return what a paper prints."""
        shares = ", ".join(f"{100 * share:.0f}% {name}" for name, share in self.shares.items())
        lines = [
            f"{self.measure}, pooled without bias adjustment: {self.conventional.estimate}",
            f"{self.measure}, bias alone: {self.systematic}",
            f"{self.measure}, bias, sampling and heterogeneity: {self.total}",
            f"variance: {shares}",
            f"{short_count(self.draws)} draws",
        ]
        if self.impossible_draws:
            lines[-1] += (
                f", of which {short_count(self.impossible_draws)} contradict at least one study and are "
                "left out"
            )
        return "\n".join(lines)


def pool_bias_adjusted(
    data: TwoByTwo | EffectSizes,
    *,
    biases: Sequence[Bias] | Bias,
    rng: np.random.Generator | int,
    parameters: str | float = "shared",
    measure: str | None = None,
    draws: int = 5_000,
    random_error: str = "delta",
    model: str = "random",
    tau2: str = "REML",
    ci: str = "hartung-knapp-adhoc",
    confidence_level: float = 0.95,
) -> BiasAdjustedPool:
    """Adjust every study for its biases, pool the adjusted studies, and do so for every draw.

    Parameters
    ----------
    data : TwoByTwo or EffectSizes
        Shape (k,), at least two studies.
    biases : bias or sequence of them
        As for `probabilistic_bias_analysis`; every study has the same distributions.
    rng : numpy.random.Generator or int
        Generator or seed.
    parameters : {"shared", "study-specific"} or float, default "shared"
        "shared": one draw holds for all studies, so that pooling averages nothing of the bias away.
        "study-specific": each study has draws of its own. A number in [0, 1] is the correlation of the normal
        scores of a parameter between any two studies.
    measure : {"OR", "RR", "RD"}, optional
        Of tables; by default "OR".
    draws : int, default 5000
        At most 200 000.
    random_error : {"delta", "conventional"}, default "delta"
        Sampling variance of an adjusted study: of the adjusted measure, or of the unadjusted one.
    model, tau2, ci : str
        As for `pool`; `ci` must have a standard error.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    BiasAdjustedPool
        With the three parts of the variance apart.

    Raises
    ------
    TypeError
        If the data, a bias or the seed is of another type.
    ValueError
        If there are fewer than two studies, a study has no finite effect (an empty cell), an option is
        unknown, or no draw fits all studies.
    ConvergenceError
        If the between-study variance of a draw does not converge.

    Notes
    -----
    Each draw j gives a pooled effect m_j with variance V_j = Σw²v/(Σw)² + tau²Σw²/(Σw)², times the factor of
    the interval where it has one. Systematic: Var(m_j). Random and between studies: means of the two sums.
    The total interval is that of m_j + t √V_j, with t of the distribution of the interval, its degrees of
    freedom included. A draw that contradicts one study is left out for all: the studies together say that it
    is impossible.

    References
    ----------
    Turner RM, Spiegelhalter DJ, Smith GCS, Thompson SG (2009). Bias modelling in evidence synthesis. J R Stat
    Soc A 172:21-47. (Citation not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> from analysis.bias.spec import OutcomeMisclassification
    >>> tables = TwoByTwo(exposed_cases=[30, 22, 41], exposed_total=[200, 180, 300],
    ...                   control_cases=[40, 35, 66], control_total=[400, 420, 800])
    >>> bias = OutcomeMisclassification(sensitivity=0.95, control_sensitivity="uniform(0.7, 0.9)",
    ...                                 specificity=1, control_specificity=1)
    >>> result = pool_bias_adjusted(tables, biases=bias, measure="RR", rng=1, draws=2000)
    >>> result.total.value < result.conventional.estimate.value
    np.True_
    """
    level = check_confidence_level(confidence_level)
    subject = Subject(data, measure, level)
    chosen = check_biases(biases, subject)
    if len(subject.shape) != 1 or subject.shape[0] < 2:
        raise ValueError(
            f"`data` must hold at least two studies along one axis, but has shape {subject.shape}. For one "
            "study use probabilistic_bias_analysis."
        )
    check_choice("ci", ci, _INTERVALS)
    check_choice("random_error", random_error, ("delta", "conventional"))
    sharing = _sharing(parameters)
    count = check_draws(draws, "random")
    if count > _MOST_DRAWS:
        raise ValueError(f"`draws` must be at most {_MOST_DRAWS}, but got {count}: every draw is pooled.")
    conventional = pool(_observed(subject), model=model, tau2=tau2, ci=ci, confidence_level=level)

    effect, variance, tail = _adjusted(subject, Parameters(chosen), count, sharing, rng, random_error)
    gone = np.isnan(effect)
    fine: BoolArray = np.asarray(~gone.any(axis=1))
    _check_left(fine, gone, effect, variance)
    pooled = pool(
        EffectSizes(effect=effect[fine], variance=variance[fine], measure=subject.measure),
        model=model,
        tau2=tau2,
        ci=ci,
        confidence_level=level,
    )
    share = pooled.weights / 100
    sampling = (share**2 * variance[fine]).sum(axis=-1)
    between = (share**2).sum(axis=-1) * pooled.tau2
    # Hartung and Knapp's factor, or Kenward and Roger's, belongs to both parts.
    factor = pooled.std_error**2 / (sampling + between)
    total = pooled.mean + _deviate(tail[fine], pooled.mean_df) * pooled.std_error
    limits = ((1 - level) / 2, 0.5, (1 + level) / 2)
    quantiles, errors = quantiles_of(np.stack([pooled.mean, total]), limits)
    heterogeneity, _ = quantiles_of(np.stack([pooled.tau2, pooled.i2]), limits)
    by_study, _ = quantiles_of(np.where(fine, effect.T, np.nan), limits)
    order = [1, 0, 2]
    return BiasAdjustedPool(
        measure=subject.measure,
        scale=subject.scale,
        conventional=conventional,
        biases=chosen,
        systematic=_interval(subject, quantiles[:, 0], level, "systematic"),
        total=_interval(subject, quantiles[:, 1], level, "total"),
        systematic_error=errors[order, 0],
        total_error=errors[order, 1],
        studies=_interval(subject, by_study, level, "systematic"),
        systematic_variance=float(np.var(pooled.mean, ddof=1)),
        random_variance=float(np.mean(factor * sampling)),
        between_variance=float(np.mean(factor * between)),
        tau2=heterogeneity[order, 0],
        i2=heterogeneity[order, 1],
        draws=count,
        impossible_draws=int((~fine).sum()),
        impossible_studies=gone.sum(axis=0),
        sharing=sharing,
        confidence_level=level,
        seed=None if isinstance(rng, np.random.Generator) else int(rng),
    )


def _sharing(parameters: str | float) -> float:
    if isinstance(parameters, str):
        return float(check_choice("parameters", parameters, ("shared", "study-specific")) == "shared")
    if isinstance(parameters, bool) or not isinstance(parameters, (int, float)) or not 0 <= parameters <= 1:
        raise ValueError(
            "`parameters` must be 'shared', 'study-specific' or a correlation between 0 and 1, "
            f"but got {parameters!r}."
        )
    return float(parameters)


def _observed(subject: Subject) -> EffectSizes:
    effect, _ = subject.adjusted((), ())
    if not (np.isfinite(effect) & np.isfinite(subject.std_error)).all():
        place = int(np.flatnonzero(~(np.isfinite(effect) & np.isfinite(subject.std_error)))[0])
        raise ValueError(
            f"`data` must have a finite effect and standard error in every study, but study {place} has an "
            "empty cell. Leave it out, or adjust and report it alone."
        )
    return EffectSizes(effect=effect, variance=subject.std_error**2, measure=subject.measure)


def _adjusted(
    subject: Subject,
    parameters: Parameters,
    draws: int,
    sharing: float,
    rng: np.random.Generator | int,
    random_error: str,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return effects and variances of shape (draws, k), and a uniform a draw for the pooled random error."""
    k, d = subject.shape[0], parameters.dimensions
    effect, variance, tail = np.empty((draws, k)), np.empty((draws, k)), np.empty(draws)
    # One row of uniforms a parameter where all studies share it, one a study where they do not, and between
    # the two a common row and one a study.
    rows = d * (1 if sharing == 1 else k if sharing == 0 else k + 1)
    for block in blocks(draws, rows + 1, sampling="random", seed=seed_sequence(rng)):
        some = slice(block.start, block.stop)
        uniforms = _by_study(block.uniforms[:rows], d, k, sharing)
        values = parameters.values(uniforms)
        adjusted, _ = subject.adjusted(parameters.biases, values)
        effect[some] = adjusted
        delta = random_error == "delta"
        variance[some] = subject.variance(parameters.biases, values) if delta else subject.std_error**2
        tail[some] = block.uniforms[rows]
    return effect, variance, tail


def _by_study(uniforms: FloatArray, d: int, k: int, sharing: float) -> FloatArray:
    """Return uniforms of shape (parameters, draws, studies)."""
    if sharing == 1:
        return uniforms[:, :, np.newaxis]
    if sharing == 0:
        return np.swapaxes(uniforms.reshape(d, k, -1), 1, 2)
    rows = uniforms.reshape(d, k + 1, -1)
    factor = np.hstack([np.full((k, 1), np.sqrt(sharing)), np.sqrt(1 - sharing) * np.eye(k)])
    return np.stack([mixed(row, factor).T for row in rows]) if d else np.empty((0, rows.shape[-1], k))


def _check_left(fine: BoolArray, gone: BoolArray, effect: FloatArray, variance: FloatArray) -> None:
    if fine.sum() < 100:
        worst = int(gone.sum(axis=0).argmax())
        raise ValueError(
            f"`biases` must be possible for the studies together, but only {int(fine.sum())} of {fine.size} "
            f"draws are; study {worst} contradicts {int(gone[:, worst].sum())}. Narrow the distributions, or "
            "leave that study out."
        )
    open_ = ~(np.isfinite(effect[fine]) & np.isfinite(variance[fine]))
    if open_.any():
        raise ValueError(
            f"`biases` must leave no cell empty, but a draw does so in study {int(np.argwhere(open_)[0][1])}."
        )


def _deviate(uniform: FloatArray, df: FloatArray | float) -> FloatArray:
    degrees = np.broadcast_to(np.asarray(df, dtype=np.float64), uniform.shape)
    normal = np.isinf(degrees)
    student = special.stdtrit(np.where(normal, 1.0, degrees), uniform)
    return np.asarray(np.where(normal, special.ndtri(uniform), student), dtype=np.float64)


def _interval(subject: Subject, quantiles: FloatArray, level: float, method: str) -> Estimate:
    low, value, high = (scale_of(subject.scale).backward(part) for part in quantiles)
    return Estimate(
        measure=subject.measure,
        value=value,
        low=low,
        high=high,
        confidence_level=level,
        std_error=None,
        scale=subject.scale,
        method=method,
    )
