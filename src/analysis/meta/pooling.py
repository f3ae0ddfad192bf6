"""Pooling by inverse variance: the common-effect and the random-effects model.

One engine: leading axes are replicates, `where=` chooses studies, so leave-one-out is `~np.eye(k)` and
cumulative a lower triangle. Estimators of tau2 live in `heterogeneity`, what comes back in `pooled_estimate`,
models with moderators in `regression`, sums of tables in `sparse`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from analysis.meta.heterogeneity import TAU2_METHODS, estimate_tau2
from analysis.meta.methods.mean_interval import henmi_copas_half_width, kenward_roger, profile_limits
from analysis.meta.methods.sets_of_studies import SetsOfStudies
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.values.alternatives import AlternativeEffects
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.meta.methods.weighted_model import Studies
    from analysis.meta.pooled_range import PooledRange
    from analysis.values.arrays import FloatArray

__all__ = ["INTERVALS", "default_interval", "pool"]

_MODELS = ("random", "common")
INTERVALS = (
    "hartung-knapp-adhoc",
    "hartung-knapp",
    "t",
    "wald",
    "kenward-roger",
    "profile",
    "profile-bartlett",
    "henmi-copas",
)
# What an interval is built on, where it is not free.
_NEEDS_TAU2 = {
    "kenward-roger": "REML",
    "profile": "ML",
    "profile-bartlett": "ML",
    "henmi-copas": "DL",
}


@overload
def pool(
    effects: EffectSizes,
    *,
    model: str = ...,
    tau2: str | float = ...,
    ci: str | None = ...,
    weights: ArrayLike | None = ...,
    where: ArrayLike | None = ...,
    confidence_level: float = ...,
) -> PooledEstimate: ...


@overload
def pool(
    effects: AlternativeEffects,
    *,
    model: str = ...,
    tau2: str | float = ...,
    ci: str | None = ...,
    confidence_level: float = ...,
) -> PooledRange: ...


def pool(
    effects: EffectSizes | AlternativeEffects,
    *,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PooledEstimate | PooledRange:
    """Pool effect sizes over the last axis by inverse-variance weights.

    Parameters
    ----------
    effects : EffectSizes or AlternativeEffects
        Shape (..., k). Leading axes are replicates and are pooled separately, all at once. Alternatives,
        which `effect_sizes` makes of all tables that each study may have, are pooled in every combination.
    model : {"random", "common"}, default "random"
        Random effects, or one common effect (then `tau2` is not used).
    tau2 : str or float, default "REML"
        Estimator of the between-study variance, or its value if it is known.

        - "REML": restricted maximum likelihood, the global maximum; approximately unbiased
        - "ML": maximum likelihood; too small with few studies
        - "DL": DerSimonian and Laird; underestimates large heterogeneity; "DL2": in two steps
        - "PM": Paule and Mandel; "EB", empirical Bayes, is the same; "PMM": median unbiased
        - "HE": Hedges and Olkin (Cochran's analysis of variance); "CA2": in two steps
        - "HS", "HSk": Hunter and Schmidt, plain and corrected for few studies
        - "SJ": Sidik and Jonkman; never 0, too large where there is no heterogeneity
        - "GENQ", "GENQM": generalised Q with the given `weights`, by its mean and by its median
    ci : str, optional
        Interval of the mean; by default "hartung-knapp-adhoc" for random effects, whose small number of
        studies a normal interval ignores, and "wald" for a common effect, which has nothing to estimate but
        the mean.

        - "hartung-knapp": the standard error from the scatter of the effects, t on k - 1 degrees of freedom.
          It keeps the level with few studies, but by chance can be smaller than the one of the common-effect
          model
        - "hartung-knapp-adhoc": the same with its factor never below 1, so that the interval is never
          narrower than the t interval of the same weights
        - "wald", "t": normal and t (k - 1) interval of the weighted mean
        - "kenward-roger": t with the standard error and degrees of freedom of Kenward and Roger; tau2="REML"
        - "profile", "profile-bartlett": profile likelihood, and with Bartlett's correction for few studies;
          tau2="ML"
        - "henmi-copas": about the mean of the common-effect model, robust to small studies missing; tau2="DL"
    weights : array_like, shape broadcastable to (..., k), optional
        Weights of the studies in place of inverse variances, greater than 0. The standard error is that of
        the mean with these weights.
    where : array_like of bool, shape broadcastable to (..., k), optional
        Studies that enter. More leading axes than the effects have make more replicates.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    PooledEstimate, or PooledRange for alternatives
        Arrays over the leading axes. One study gives its own estimate with a normal interval under the
        common-effect model; a t distribution on k - 1 degrees of freedom does not exist for it, so under the
        random-effects model limits are NaN and tau2 is 0.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes`.
    ValueError
        If a study that enters has an effect that is not finite or a variance that is not greater than 0, if
        a set has no study, an option is unknown, or two options do not go together.
    ConvergenceError
        If tau2 does not converge; names the set.

    Notes
    -----
    Weights 1/(v + tau2). Hartung-Knapp: variance of the mean times q = Σw(y - mean)²/(k - 1), t on k - 1
    degrees of freedom. Prediction interval (Higgins, Thompson and Spiegelhalter): mean ± t(k - 2)
    sqrt(tau2 + SE²), SE that of the chosen interval.

    References
    ----------
    Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with a single covariate.
    Stat Med 22:2693-2710. DOI 10.1002/sim.1482

    Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of 95% confidence and
    prediction intervals following REML estimation. Stat Med 36:301-317. DOI 10.1002/sim.7140

    Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with random effects. Stat Med
    15:619-629. DOI 10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A

    Henmi M, Copas JB (2010). Confidence intervals for random effects meta-analysis and robustness to
    publication bias. Stat Med 29:2969-2983. DOI 10.1002/sim.4029

    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects meta-analysis.
    J R Stat Soc A 172:137-159. DOI 10.1111/j.1467-985X.2008.00552.x

    Those of the estimators of tau2 are in `analysis.meta.heterogeneity`.

    Examples
    --------
    >>> import numpy as np
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> result = pool(effects)
    >>> print(result.estimate)
    0.38 (−0.04 to 0.80)
    >>> leave_one_out = pool(effects, where=~np.eye(4, dtype=bool))
    >>> leave_one_out.estimate.value.round(2)
    array([0.48, 0.39, 0.37, 0.23])
    """
    if isinstance(effects, AlternativeEffects):
        options = {"model": model, "tau2": tau2, "ci": ci, "confidence_level": confidence_level}
        return _pool_alternatives(effects, {"weights": weights, "where": where}, options)
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            f"`effects` must be EffectSizes, but got {type(effects).__name__}. "
            "Tables enter by effect_sizes(table, measure), published estimates by EffectSizes.from_estimates."
        )
    method, given = _tau2_argument(tau2)
    ci = default_interval(model) if ci is None else ci
    level = check_confidence_level(confidence_level)
    sets = SetsOfStudies(effects, where)
    user = None if weights is None else _user_weights(weights, sets)
    _check_choices(model, method, ci, user)
    fixed = 0.0 if model == "common" else given

    between, mean, std_error = np.empty((3, sets.size))
    low, high = np.empty((2, sets.size if ci in _NEEDS_TAU2 else 0))
    for block, studies in sets.blocks():
        weight = sets.rows(user, block)
        if fixed is not None:
            between[block] = fixed
        else:
            between[block] = estimate_tau2(studies, method, first=block.start, weight=weight)
        mean[block], std_error[block] = _mean(studies, between[block], weight, ci)
        if ci == "kenward-roger":
            std_error[block], low[block] = kenward_roger(studies, between[block])
        elif ci == "henmi-copas":
            half = henmi_copas_half_width(studies, between[block], level)
            low[block], high[block] = mean[block] - half, mean[block] + half
        elif ci in _NEEDS_TAU2:
            limits = profile_limits(studies, level, bartlett=ci == "profile-bartlett")
            low[block], high[block] = limits

    has_limits = ci in _NEEDS_TAU2 and ci != "kenward-roger"
    mean_df: FloatArray | float = np.inf
    if ci == "kenward-roger":
        mean_df = low.reshape(sets.shape)
    elif ci not in {"wald", *_NEEDS_TAU2}:
        mean_df = float(sets.k - 1) if sets.mask is None else sets.counts().reshape(sets.shape) - 1
    result = PooledEstimate(
        effects=effects,
        where=None if where is None else np.asarray(where),
        user_weights=user,
        mean=mean.reshape(sets.shape),
        std_error=std_error.reshape(sets.shape),
        tau2=between.reshape(sets.shape),
        mean_df=mean_df,
        mean_low=low.reshape(sets.shape) if has_limits else None,
        mean_high=high.reshape(sets.shape) if has_limits else None,
        confidence_level=level,
        model=model,
        tau2_method="none" if model == "common" else method,
        ci_method=ci,
    )
    # What is computed later begins where pooling began.
    vars(result)["sets"] = sets
    return result


def default_interval(model: str) -> str:
    """Return the interval that a model has where none is asked for."""
    return "wald" if model == "common" else "hartung-knapp-adhoc"


def _pool_alternatives(
    effects: AlternativeEffects, excluded: dict[str, ArrayLike | None], options: dict[str, Any]
) -> PooledRange:
    from analysis.meta.pooled_range import pool_alternatives

    given = [f"`{name}`" for name, value in excluded.items() if value is not None]
    if given:
        raise ValueError(f"{' and '.join(given)} cannot be given with the alternatives of studies.")
    return pool_alternatives(effects, **options)


def _mean(
    studies: Studies, tau2: FloatArray, weight: FloatArray | None, ci: str
) -> tuple[FloatArray, FloatArray]:
    """Return the mean of every set and its standard error."""
    if ci == "henmi-copas":
        # About the common-effect mean, whose variance is that under random effects: Σw²(v + tau2)/(Σw)².
        weight = 1 / studies.variance
    total = studies.variance + tau2
    inverse = np.divide(1.0, total, out=total)
    if weight is None:
        given, s1 = inverse, np.add.reduce(inverse, axis=0)
        variance = 1 / s1
    else:
        given = np.where(studies.inside, weight, 0.0)
        s1 = given.sum(axis=0)
        with np.errstate(invalid="ignore"):
            variance = np.where(inverse > 0, given**2 / inverse, 0.0).sum(axis=0) / s1**2
    work = given * studies.effect
    mean = np.add.reduce(work, axis=0) / s1
    if ci.startswith("hartung-knapp"):
        # The scatter is about the inverse-variance mean whatever weights are given.
        about = mean if weight is None else (inverse * studies.effect).sum(axis=0) / inverse.sum(axis=0)
        residual = np.subtract(studies.effect, about, out=work)
        np.multiply(residual, residual, out=residual)
        np.multiply(residual, inverse, out=residual)
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.add.reduce(residual, axis=0) / studies.residual_df()
        variance = variance * (np.maximum(factor, 1.0) if ci == "hartung-knapp-adhoc" else factor)
    return mean, np.sqrt(variance)


def _check_choices(model: str, method: str, ci: str, user: FloatArray | None) -> None:
    check_choice("model", model, _MODELS)
    check_choice("ci", ci, INTERVALS)
    needed = _NEEDS_TAU2.get(ci)
    if needed is None:
        return
    if model == "common" or method != needed:
        raise ValueError(f'`ci` = "{ci}" is built on tau2="{needed}" and model="random"; give these too.')
    if user is not None:
        raise ValueError(f'`weights` cannot be given with ci="{ci}", whose weights are inverse variances.')


def _tau2_argument(tau2: str | float) -> tuple[str, float | None]:
    """Return the method, and the value where it is given."""
    if isinstance(tau2, str):
        return check_choice("tau2", tau2, TAU2_METHODS), None
    value = as_numbers("tau2", tau2)
    if value.ndim or not 0 <= value < np.inf:
        raise ValueError(f"`tau2` must be one number that is 0 or greater, or a method, but got {tau2!r}.")
    return "given", float(value)


def _user_weights(weights: ArrayLike, sets: SetsOfStudies) -> FloatArray:
    array = np.atleast_1d(as_numbers("weights", weights))
    try:
        fits = np.broadcast_shapes(array.shape, (*sets.shape, sets.k)) == (*sets.shape, sets.k)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"`weights` must broadcast to the studies {(*sets.shape, sets.k)}, but has shape {array.shape}."
        )
    array = np.broadcast_to(array, (*array.shape[:-1], sets.k))
    fault = ~(np.isfinite(array) & (array > 0))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`weights` must be greater than 0, but is {array[index]:g} at index "
            f"{index[0] if len(index) == 1 else index}. Leave studies out with where=."
        )
    return array
