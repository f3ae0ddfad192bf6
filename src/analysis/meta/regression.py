"""Meta-regression: the mean effect as a linear function of what the studies are like.

The engine is that of `pooling`, with a design; subgroups live in `subgroups`, the result in
`regression_result`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.meta.heterogeneity import TAU2_METHODS, estimate_tau2
from analysis.meta.methods.regression_design import design_of
from analysis.meta.methods.sets_of_studies import SetsOfStudies
from analysis.meta.methods.weighted_model import Studies, fit
from analysis.meta.pooling import default_interval
from analysis.meta.regression_result import MetaRegression
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.meta.methods.weighted_model import Fitted
    from analysis.values.arrays import FloatArray

__all__ = ["meta_regression"]

_INTERVALS = ("hartung-knapp-adhoc", "hartung-knapp", "t", "wald")
# A column that loses all but this share of its length to the columns before it says nothing new.
_COLLINEAR = 1e-9


def meta_regression(
    effects: EffectSizes,
    moderators: Any,  # noqa: ANN401 -- a mapping, a data frame or an array
    *,
    formula: str | None = None,
    intercept: bool = True,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> MetaRegression:
    """Fit a linear model of the effects by inverse-variance weights.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k). Leading axes are replicates and are fitted separately, all at once.
    moderators : mapping, DataFrame or array_like
        Names to values, of shape (..., k), or an array of shape (..., k, p). Text is a category, compared
        with its first level in alphabetical order.
    formula : str, optional
        Right-hand side in Wilkinson's notation ("year + design"), for moderators with names. It may use the
        columns and formulaic's own functions, nothing of the caller's.
    intercept : bool, default True
        Whether the model has an intercept; a formula says so itself ("year - 1").
    model : {"random", "common"}, default "random"
        Mixed effects, or moderators that explain everything.
    tau2 : str or float, default "REML"
        As in `pool`; "GENQ" and "GENQM" are for means.
    ci : {"hartung-knapp-adhoc", "hartung-knapp", "t", "wald"}, optional
        Knapp and Hartung's standard errors with t on k - p degrees of freedom; in the ad hoc form their
        factor is never below 1. By default the ad hoc form, and "wald" for the common-effect model.
    where : array_like of bool, shape broadcastable to (..., k), optional
        Studies that enter.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    MetaRegression
        Arrays over the leading axes.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes`.
    ValueError
        If a set has no more studies than coefficients, a column is a linear combination of others, a
        moderator has a value that is missing, or an option is unknown.
    ConvergenceError
        If tau2 does not converge; names the set.

    Notes
    -----
    b = (X'WX)⁻¹X'Wy with W = diag(1/(v + tau2)); standard errors from (X'WX)⁻¹, by Knapp and Hartung times
    Σw(y - Xb)²/(k - p). The columns are made orthonormal in the weights, so that no matrix of studies is ever
    held.

    References
    ----------
    Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with a single covariate.
    Stat Med 22:2693-2710. DOI 10.1002/sim.1482

    Thompson SG, Higgins JPT (2002). How should meta-regression analyses be undertaken and interpreted? Stat
    Med 21:1559-1573. DOI 10.1002/sim.1187

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.7], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> print(meta_regression(effects, {"dose": [1, 2, 3, 5, 6]}, tau2="DL"))
    5 studies, τ² = 0 (100% explained), I² = 0%, QE = 0.3 (df = 3)
    QM = 11.1 (df = 1 and 3), P = 0.045
    intercept 0.017 (−0.497 to 0.531)
    dose 0.12 (0.01 to 0.24)
    """
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    check_choice("model", model, ("random", "common"))
    ci = check_choice("ci", default_interval(model) if ci is None else ci, _INTERVALS)
    level = check_confidence_level(confidence_level)
    method, fixed = _tau2_argument(tau2, model)
    sets = SetsOfStudies(effects, where)
    design = design_of(moderators, sets.k, formula=formula, intercept=intercept)
    sets, columns = _with_replicates(sets, design.columns, design.names)

    p, size = len(columns), sets.size
    tau2_, qe, tau2_without = np.empty((3, size))
    coefficients, covariance = np.empty((size, p)), np.empty((size, p, p))
    for block, plain in sets.blocks():
        studies = sets.with_design(plain, columns, block)
        if block.start == 0 or columns[-1].size != sets.k:
            _check_rank(studies, design.names)
        common = fit(studies, 1 / studies.variance)
        qe[block] = (common.weight * common.residual**2).sum(axis=0)
        if fixed is not None:
            tau2_[block] = fixed
            tau2_without[block] = np.nan
        else:
            tau2_[block] = estimate_tau2(studies, method, first=block.start)
            # Where only moderators differ from set to set, the model without them is one.
            bare = plain.take(slice(0, 1)) if sets.shared else plain
            tau2_without[block] = estimate_tau2(bare, method, first=block.start)
        fitted = common if model == "common" else fit(studies, 1 / (studies.variance + tau2_[block]))
        coefficients[block], covariance[block] = _coefficients(studies, fitted, ci)
    shape = sets.shape
    return MetaRegression(
        names=design.names,
        coefficients=coefficients.reshape(*shape, p),
        covariance=covariance.reshape(*shape, p, p),
        tau2=tau2_.reshape(shape),
        tau2_without=tau2_without.reshape(shape),
        qe=qe.reshape(shape),
        n_studies=sets.counts().reshape(shape),
        confidence_level=level,
        model=model,
        tau2_method="none" if model == "common" else method,
        ci_method=ci,
        effects=effects,
        columns=columns,
        sets=sets,
        design=design,
    )


def _tau2_argument(tau2: str | float, model: str) -> tuple[str, float | None]:
    if model == "common":
        return "none", 0.0
    if isinstance(tau2, str):
        allowed = [name for name in TAU2_METHODS if not name.startswith("GENQ")]
        return check_choice("tau2", tau2, allowed), None
    value = as_numbers("tau2", tau2)
    if value.ndim or not 0 <= value < np.inf:
        raise ValueError(f"`tau2` must be one number that is 0 or greater, or a method, but got {tau2!r}.")
    return "given", float(value)


def _with_replicates(
    sets: SetsOfStudies, columns: tuple[FloatArray, ...], names: tuple[str, ...]
) -> tuple[SetsOfStudies, tuple[FloatArray, ...]]:
    """Return the sets with the leading axes of the moderators too, and columns of shape (..., k)."""
    shape = np.broadcast_shapes((*sets.shape, sets.k), *(column.shape for column in columns))
    sets = sets.widened(shape[:-1])
    full = []
    for name, column in zip(names, columns, strict=True):
        whole = np.broadcast_to(column, (*column.shape[:-1], sets.k))
        fault = ~np.isfinite(whole)
        if sets.mask is not None and fault.any():
            # A study that is left out may lack its moderators.
            fault = np.broadcast_to(fault, shape).reshape(-1, sets.k) & sets.mask
        if fault.any():
            index = int(np.argwhere(fault)[0][-1])
            raise ValueError(
                f"Moderator {name!r} must be a number for every study that enters, but is missing "
                f"or infinite for study {index}. Leave such studies out with where=."
            )
        full.append(np.where(np.isfinite(whole), whole, 0.0))
    return sets, tuple(full)


def _check_rank(studies: Studies, names: tuple[str, ...]) -> None:
    """Refuse sets with too few studies or with a column that others make up."""
    p = len(names)
    count = studies.inside.sum(axis=0)
    if (count < p).any():
        position = int(np.argmax(count < p))
        raise ValueError(
            f"A set needs at least as many studies as coefficients, but set {position} has {count[position]} "
            f"studies for {p} ({', '.join(names)}). Leave moderators out."
        )
    design = studies.design or ()
    inside = studies.inside.astype(np.float64)
    done: list[FloatArray] = []
    for name, column in zip(names, design, strict=True):
        vector = np.where(studies.inside, column, 0.0)
        length = np.sqrt((vector**2).sum(axis=0))
        for other in [*done, *done]:
            vector = vector - other * (inside * other * vector).sum(axis=0)
        left = np.sqrt((vector**2).sum(axis=0))
        if not (left > _COLLINEAR * length).all():
            position = int(np.argmin(left > _COLLINEAR * length))
            raise ValueError(
                f"Moderator {name!r} is constant or a linear combination of the others (set {position}): its "
                "coefficient cannot be told from theirs. Leave it out."
            )
        done.append(vector / left)


def _coefficients(studies: Studies, fitted: Fitted, ci: str) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients of every set, shape (m, p), and their covariance, shape (m, p, p)."""
    design = studies.design or ()
    p, m = len(design), studies.effect.shape[1]
    loading = np.zeros((m, p, p))
    for i, vector in enumerate(fitted.basis):
        for j in range(i, p):
            loading[:, i, j] = (fitted.weight * vector * design[j]).sum(axis=0)
    inverse = np.linalg.inv(loading)
    scores = np.stack(fitted.scores, axis=-1)
    coefficients = (inverse @ scores[..., np.newaxis])[..., 0]
    covariance = np.asarray(inverse @ np.swapaxes(inverse, -1, -2), dtype=np.float64)
    if ci.startswith("hartung-knapp"):
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = (fitted.weight * fitted.residual**2).sum(axis=0) / studies.residual_df()
        factor = np.maximum(factor, 1.0) if ci == "hartung-knapp-adhoc" else factor
        covariance = covariance * factor[:, np.newaxis, np.newaxis]
    return coefficients, covariance
