"""Each study adjusted for its bias, then pooled: what is left of a meta-analysis of biased studies.

One study is in `probabilistic`, pooling itself in `meta.pooling`, the result in `pooled_result`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.bias.methods.draw_evaluation import Subject
from analysis.bias.methods.draw_quantiles import quantiles_of
from analysis.bias.methods.draw_studies import StudyParameters, biases_of_studies, share_of, sharing_of
from analysis.bias.methods.draw_uniforms import blocks, check_draws, seed_sequence
from analysis.bias.pooled_result import BiasAdjustedPool
from analysis.meta.pooling import default_interval, pool
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.bias.methods.draw_biases import Bias
    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.counts import TwoByTwo, TwoRates

    BiasesOfStudy = Sequence[Bias] | Bias

__all__ = ["BiasAdjustedPool", "pool_bias_adjusted"]

# Intervals that are a mean plus or minus a quantile times a standard error, which a draw can be added to.
_INTERVALS = ("hartung-knapp-adhoc", "hartung-knapp", "wald", "t", "kenward-roger")
_MOST_DRAWS = 200_000


def pool_bias_adjusted(
    data: TwoByTwo | TwoRates | EffectSizes,
    *,
    biases: BiasesOfStudy | Sequence[BiasesOfStudy] | Mapping[str, BiasesOfStudy],
    rng: np.random.Generator | int,
    parameters: str | float | Mapping[str, str | float] = "shared",
    labels: Sequence[str] | None = None,
    measure: str | None = None,
    draws: int = 5_000,
    random_error: str = "delta",
    model: str = "random",
    tau2: str = "REML",
    ci: str | None = None,
    confidence_level: float = 0.95,
) -> BiasAdjustedPool:
    """Adjust every study for its biases, pool the adjusted studies, and do so for every draw.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
        Shape (k,), at least two studies.
    biases : bias, sequence or mapping of them
        As for `probabilistic_bias_analysis`: one bias or a sequence of them in the order in which they are
        undone, the same for every study. Or one such sequence a study: a sequence of k lists, or a mapping of
        the studies' labels to lists; an empty list is a study without bias.
    rng : numpy.random.Generator or int
        Generator or seed.
    parameters : {"shared", "study-specific"}, float or mapping, default "shared"
        "shared": one draw holds for all studies, so that pooling averages nothing of the bias away; where
        studies have distributions of their own, a draw is at the same quantile of each.
        "study-specific": each study has draws of its own. A number in [0, 1] is the correlation of the normal
        scores of a parameter between any two studies. A mapping names the parameters that are not "shared".
    labels : sequence of str, optional
        One name a study; by default those of the effect sizes.
    measure : {"OR", "RR", "RD"} or {"IRR", "IRD"}, optional
        Of tables, by default "OR"; of rates, by default "IRR".
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
        If there are fewer than two studies, a study has no finite effect (an empty cell) or no biases where
        others have their own, a label or an option is unknown, or no draw fits all studies.
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

    The second study had a register of its own, the third none to be doubted:

    >>> register = OutcomeMisclassification(sensitivity=0.95, control_sensitivity="uniform(0.8, 0.95)",
    ...                                     specificity=1, control_specificity=1)
    >>> apart = pool_bias_adjusted(tables, biases={"A": bias, "B": register, "C": []}, labels="ABC",
    ...                            measure="RR", rng=1, draws=2000)
    >>> apart.study_frame()["biases"].tolist()
    ['outcome misclassification', 'outcome misclassification', 'none']
    """
    level = check_confidence_level(confidence_level)
    subject = Subject(data, measure, level)
    if len(subject.shape) != 1 or subject.shape[0] < 2:
        raise ValueError(
            f"`data` must hold at least two studies along one axis, but has shape {subject.shape}. For one "
            "study use probabilistic_bias_analysis."
        )
    names = _labels(labels, data, subject.shape[0])
    common, by_study = biases_of_studies(biases, subject, names)
    ci = check_choice("ci", default_interval(model) if ci is None else ci, _INTERVALS)
    check_choice("random_error", random_error, ("delta", "conventional"))
    study_parameters = StudyParameters(by_study)
    sharing = sharing_of(parameters, study_parameters)
    count = check_draws(draws, "random")
    if count > _MOST_DRAWS:
        raise ValueError(f"`draws` must be at most {_MOST_DRAWS}, but got {count}: every draw is pooled.")
    conventional = pool(_observed(subject), model=model, tau2=tau2, ci=ci, confidence_level=level)

    effect, variance, tail = _adjusted(subject, study_parameters, count, sharing, rng, random_error)
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
    each, _ = quantiles_of(np.where(fine, effect.T, np.nan), limits)
    order = [1, 0, 2]
    return BiasAdjustedPool(
        measure=subject.measure,
        scale=subject.scale,
        conventional=conventional,
        biases=common,
        study_biases=by_study,
        labels=names,
        systematic=_interval(subject, quantiles[:, 0], level, "systematic"),
        total=_interval(subject, quantiles[:, 1], level, "total"),
        systematic_error=errors[order, 0],
        total_error=errors[order, 1],
        observed_studies=subject.conventional,
        studies=_interval(subject, each, level, "systematic"),
        systematic_variance=float(np.var(pooled.mean, ddof=1)),
        random_variance=float(np.mean(factor * sampling)),
        between_variance=float(np.mean(factor * between)),
        tau2=heterogeneity[order, 0],
        i2=heterogeneity[order, 1],
        draws=count,
        impossible_draws=int((~fine).sum()),
        impossible_studies=gone.sum(axis=0),
        sharing=sharing if isinstance(parameters, Mapping) else share_of("parameters", parameters),
        confidence_level=level,
        seed=None if isinstance(rng, np.random.Generator) else int(rng),
    )


def _labels(
    labels: Sequence[str] | None, data: TwoByTwo | TwoRates | EffectSizes, count: int
) -> tuple[str, ...] | None:
    if labels is None:
        return data.label if isinstance(data, EffectSizes) else None
    names = tuple(map(str, labels))
    if len(names) != count:
        raise ValueError(f"`labels` must name each of the {count} studies, but are {len(names)}.")
    return names


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
    parameters: StudyParameters,
    draws: int,
    sharing: Mapping[str, float],
    rng: np.random.Generator | int,
    random_error: str,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return effects and variances of shape (draws, k), and a uniform a draw for the pooled random error."""
    k = subject.shape[0]
    effect, variance, tail = np.empty((draws, k)), np.empty((draws, k)), np.empty(draws)
    rows = parameters.rows(sharing)
    # Studies whose biases differ in numbers alone are adjusted at once.
    taken = [(group, subject.take(group.studies)) for group in parameters.groups]
    for block in blocks(draws, rows + 1, sampling="random", seed=seed_sequence(rng)):
        some = slice(block.start, block.stop)
        uniforms = parameters.by_study(block.uniforms[:rows], sharing)
        for group, part in taken:
            values = group.values(uniforms)
            adjusted, _ = part.adjusted(group.biases, values)
            effect[some, group.studies] = adjusted
            delta = random_error == "delta"
            variance[some, group.studies] = (
                part.variance(group.biases, values) if delta else part.std_error**2
            )
        tail[some] = block.uniforms[rows]
    return effect, variance, tail


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
