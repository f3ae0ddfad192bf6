"""Residuals of a meta-regression, and what each study does to its coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.regression import meta_regression
from analysis.values.arguments import read_only
from analysis.values.distributions import chi2_tail
from analysis.values.estimate import EffectSizes
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.regression_result import MetaRegression
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["RegressionInfluence", "regression_influence"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionInfluence(Framed):
    """Diagnostics of a meta-regression, one entry a study that entered.

    NaN where the model cannot be fitted without the study, because a column becomes constant.

    Parameters
    ----------
    study : tuple of str
        Labels, or positions among the studies.
    names : tuple of str
        Of the coefficients.
    residual, residual_std_error, rstandard : ndarray, shape (k,)
        Effect minus fitted value, its standard error (0 for a study without which there is no fit), and their
        ratio.
    deleted_residual, deleted_std_error, rstudent : ndarray, shape (k,)
        The same from the fit without the study.
    hat, weight : ndarray, shape (k,)
        Leverage, and weight in percent.
    dffits, cooks_distance, covariance_ratio : ndarray, shape (k,)
        Change of the fitted value in its standard errors; of all coefficients, squared; and of their
        generalised variance, as a ratio.
    tau2_deleted, qe_deleted : ndarray, shape (k,)
        Of the fit without the study.
    dfbetas : ndarray, shape (k, p)
        Change of each coefficient in its standard errors.
    influential : ndarray of bool, shape (k,)
        |DFFITS| > 3 √(p/(k - p)), Cook's distance above the median of chi-square on p, hat > 3 p/k, or any
        |DFBETAS| > 1.
    """

    study: tuple[str, ...]
    names: tuple[str, ...]
    residual: FloatArray
    residual_std_error: FloatArray
    rstandard: FloatArray
    deleted_residual: FloatArray
    deleted_std_error: FloatArray
    rstudent: FloatArray
    hat: FloatArray
    weight: FloatArray
    dffits: FloatArray
    cooks_distance: FloatArray
    covariance_ratio: FloatArray
    tau2_deleted: FloatArray
    qe_deleted: FloatArray
    dfbetas: FloatArray
    influential: FloatArray

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if name not in {"study", "names"}:
                object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per study, at full precision."""
        import pandas as pd

        columns = {name: getattr(self, name) for name in self.__slots__ if name not in {"names", "dfbetas"}}
        betas = {f"dfbetas {name}": self.dfbetas[:, i] for i, name in enumerate(self.names)}
        frame = pd.DataFrame(columns | betas)
        return frame.assign(influential=frame["influential"].astype(bool))


def regression_influence(fitted: MetaRegression) -> RegressionInfluence:
    """Return residuals and influence diagnostics of one meta-regression.

    Parameters
    ----------
    fitted : MetaRegression
        Of one set of studies.

    Returns
    -------
    RegressionInfluence
        Rows for the studies that entered.

    Raises
    ------
    ValueError
        If there is more than one set, or the fit has no residual degree of freedom.

    Notes
    -----
    All fits without a study are one call with a mask a study. Knapp and Hartung's factor of the others enters
    deleted residuals, DFFITS and DFBETAS.

    References
    ----------
    Viechtbauer W, Cheung MWL (2010). Outlier and influence diagnostics for meta-analysis. Res Synth Methods
    1:112-125. DOI 10.1002/jrsm.11

    Examples
    --------
    >>> from analysis import EffectSizes, meta_regression
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.7], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> fit = meta_regression(effects, {"dose": [1, 2, 3, 5, 6]}, tau2="DL", ci="wald")
    >>> found = regression_influence(fit)
    >>> found.rstudent.round(2)
    array([-0.33,  0.29, -0.14,  0.4 , -0.42])
    """
    if fitted.tau2.size != 1:
        raise ValueError(f"One meta-regression is needed, but got {fitted.tau2.size}.")
    if fitted.sets.mask is None:
        inside = np.ones(fitted.sets.k, dtype=bool)
    else:
        inside = np.asarray(fitted.sets.mask[0])
    effects, p = fitted.effects, len(fitted.names)
    design = np.stack(np.broadcast_arrays(*(column.reshape(-1) for column in fitted.columns)), axis=-1)[
        inside
    ]
    y, v = np.atleast_1d(effects.effect)[inside], np.atleast_1d(effects.variance)[inside]
    k = y.size
    if k <= p:
        raise ValueError(f"{k} studies for {p} coefficients leave no residual.")
    part = EffectSizes(effect=y, variance=v)
    without = ~np.eye(k, dtype=bool)
    fits = np.array(
        [np.linalg.matrix_rank(design[rows] / np.abs(design).max(axis=0)) == p for rows in without]
    )
    options = {"model": fitted.model, "confidence_level": fitted.confidence_level, "intercept": False}
    tau2 = float(fitted.tau2) if fitted.tau2_method == "given" else fitted.tau2_method
    if fitted.model == "common":
        tau2 = "REML"
    columns = {name: design[:, i] for i, name in enumerate(fitted.names)}
    scaled, plain = (
        meta_regression(part, columns, tau2=tau2, ci=ci, where=without[fits], **options)  # type: ignore[arg-type]
        for ci in (fitted.ci_method, "wald")
    )

    weight = 1 / (v + fitted.tau2)
    unscaled = np.linalg.inv((design.T * weight) @ design)
    spread = np.einsum("ij,jl,il->i", design, unscaled, design)
    coefficients = fitted.coefficients.reshape(p)
    covariance = fitted.covariance.reshape(p, p)
    mean = design @ coefficients
    # A study that alone says something of a coefficient lies on its fitted value.
    residual_error = np.where(fits, np.sqrt(np.maximum(v + fitted.tau2 - spread, 0.0)), 0.0)
    hat = weight * spread

    rows = design[fits]
    factor = scaled.covariance[:, 0, 0] / plain.covariance[:, 0, 0]
    fitted_without = (rows * scaled.coefficients).sum(axis=-1)
    own = factor * (v[fits] + scaled.tau2)
    deleted = y[fits] - fitted_without
    deleted_error = np.sqrt(own + np.einsum("ij,ijl,il->i", rows, scaled.covariance, rows))
    change = coefficients - scaled.coefficients
    weights_without = 1 / (v + scaled.tau2[:, np.newaxis])
    inverse = np.linalg.inv(np.einsum("ri,ij,il->rjl", weights_without, design, design))
    errors = np.sqrt(factor[:, np.newaxis] * np.diagonal(inverse, axis1=-2, axis2=-1))
    dffits = _spread_out((mean[fits] - fitted_without) / np.sqrt(hat[fits] * own), fits)
    cooks = _spread_out((change * np.linalg.solve(covariance, change.T).T).sum(axis=-1), fits)
    dfbetas = _spread_out(change / errors, fits)
    ratio = np.linalg.det(scaled.covariance) / np.linalg.det(covariance)
    with np.errstate(invalid="ignore", divide="ignore"):
        rstandard = np.where(fits, (y - mean) / residual_error, np.nan)
        influential = (
            (np.abs(dffits) > 3 * np.sqrt(p / (k - p)))
            | (chi2_tail(np.nan_to_num(cooks), p) < 0.5)
            | (hat > 3 * p / k)
            | (np.abs(dfbetas) > 1).any(axis=-1)
        )
    labels = effects.label or tuple(str(i) for i in range(fitted.sets.k))
    return RegressionInfluence(
        study=tuple(label for label, enters in zip(labels, inside, strict=True) if enters),
        names=fitted.names,
        residual=y - mean,
        residual_std_error=residual_error,
        rstandard=rstandard,
        deleted_residual=_spread_out(deleted, fits),
        deleted_std_error=_spread_out(deleted_error, fits),
        rstudent=_spread_out(deleted / deleted_error, fits),
        hat=hat,
        weight=100 * weight / weight.sum(),
        dffits=dffits,
        cooks_distance=cooks,
        covariance_ratio=_spread_out(ratio, fits),
        tau2_deleted=_spread_out(scaled.tau2, fits),
        qe_deleted=_spread_out(scaled.qe, fits),
        dfbetas=dfbetas,
        influential=influential,
    )


def _spread_out(values: FloatArray, where: BoolArray) -> FloatArray:
    """Put values at the places where there are any, NaN elsewhere."""
    result = np.full((where.size, *values.shape[1:]), np.nan)
    result[where] = values
    return result
