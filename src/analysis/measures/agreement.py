"""Agreement of two raters beyond chance: Cohen's kappa, weighted kappa, the prevalence-adjusted form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.wald import wald_difference
from analysis.measures.proportion import prevalence
from analysis.values.arguments import as_counts, check_choice
from analysis.values.counts import Proportion

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["adjusted_kappa", "kappa"]

_WEIGHTS = ("none", "linear", "quadratic")
_METHODS = ("large-sample", "cohen")


def kappa(
    table: ArrayLike,
    *,
    weights: str = "none",
    method: str = "large-sample",
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate how far two raters agree beyond chance.

    Parameters
    ----------
    table : array_like
        Counts of shape (..., k, k), k >= 2: rows are the first rater's categories, columns the second's, in
        the same order. Which rater is which makes no difference.
    weights : {"none", "linear", "quadratic"}, default "none"
        Credit for near agreement between ordered categories: none, 1 - |i - j|/(k - 1), or 1 - (i - j)²/(k -
        1)². With two categories all three are the same.
    method : {"large-sample", "cohen"}, default "large-sample"
        Which standard error the normal interval uses: Fleiss, Cohen and Everitt's (1969), or Cohen's simpler
        one of 1960, which takes the expected agreement as known; that one is for `weights="none"`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "KAPPA" of the shape of the leading axes, limits cut to [-1, 1]. Where both raters used one
        and the same category throughout, or the table is empty, kappa is NaN between -1 and 1. A standard
        error of 0 (complete agreement, or one rater of one category) gives the single point and a P-value of
        NaN.

    Raises
    ------
    TypeError, ValueError
        If the table is not square or holds anything but counts, or an option is unknown.

    Notes
    -----
    With shares p_ij, margins p_i. and p_.j, weights w_ij: kappa = (po - pe)/(1 - pe), po = sum w_ij p_ij,
    pe = sum w_ij p_i. p_.j. Large-sample variance: that of w_ij - (w_i. + w_.j)(1 - kappa) under p_ij, over
    n(1 - pe)², where w_i. = sum_j p_.j w_ij and w_.j = sum_i p_i. w_ij. Cohen: po(1 - po)/(n(1 - pe)²).

    The P-value is of kappa = 0, from the standard error of the interval. The variance under kappa = 0, which
    some programs also put into the interval, is not that of the estimate.

    References
    ----------
    Cohen J (1960). A coefficient of agreement for nominal scales. Educ Psychol Meas 20:37-46.
    DOI 10.1177/001316446002000104

    Fleiss JL, Cohen J, Everitt BS (1969). Large sample standard errors of kappa and weighted kappa. Psychol
    Bull 72:323-327. (Citation not verified.)

    Examples
    --------
    >>> print(kappa([[20, 5], [10, 15]]))
    0.40 (0.15 to 0.65)
    """
    check_choice("weights", weights, _WEIGHTS)
    check_choice("method", method, _METHODS)
    if method == "cohen" and weights != "none":
        raise ValueError(
            f"`method` 'cohen' is for unweighted kappa, but `weights` is {weights!r}. Use 'large-sample'."
        )
    counts = _square(table)
    w = _weights(counts.shape[-1], weights)
    n = counts.sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = counts / n[..., None, None]
        rows, columns = p.sum(axis=-1), p.sum(axis=-2)
        expected = rows[..., :, None] * columns[..., None, :]
        # 1 - po and 1 - pe as sums of what is not agreed upon: exact where agreement is nearly complete.
        lost, lost_by_chance = ((1 - w) * p).sum(axis=(-2, -1)), ((1 - w) * expected).sum(axis=(-2, -1))
        ratio = lost / lost_by_chance
        value = np.where(lost_by_chance > 0, 1 - ratio, np.nan)
        if method == "cohen":
            variance = (1 - lost) * lost / (n * lost_by_chance**2)
        else:
            row_mean = (columns[..., None, :] * w).sum(axis=-1)
            column_mean = (rows[..., :, None] * w).sum(axis=-2)
            g = w - (row_mean[..., :, None] + column_mean[..., None, :]) * ratio[..., None, None]
            mean = (p * g).sum(axis=(-2, -1), keepdims=True)
            variance = (p * (g - mean) ** 2).sum(axis=(-2, -1)) / (n * lost_by_chance**2)
            # Complete agreement, or a rater who used one category, leaves rounding only.
            constant = (counts.sum(axis=-1).max(axis=-1) == n) | (counts.sum(axis=-2).max(axis=-1) == n)
            variance = np.where((lost == 0) | constant, 0.0, variance)
            value = np.where(constant & ~np.isnan(value), 0.0, value)
    estimate = wald_difference(
        measure="KAPPA",
        difference=value,
        variance=np.where(np.isnan(value), np.nan, variance),
        method=method,
        confidence_level=confidence_level,
        ends=(-1.0, 1.0),
    )
    pvalue = np.where(np.asarray(estimate.std_error) == 0, np.nan, np.asarray(estimate.pvalue))
    return replace(estimate, pvalue=pvalue)


def adjusted_kappa(table: ArrayLike, *, method: str = "wilson", confidence_level: float = 0.95) -> Estimate:
    """Estimate the prevalence- and bias-adjusted kappa.

    Parameters
    ----------
    table : array_like
        As for `kappa`.
    method : str, default "wilson"
        An interval of `prevalence`, for the observed agreement.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "KAPPA" of the shape of the leading axes. An empty table gives NaN between the ends.

    Raises
    ------
    TypeError, ValueError
        As for `kappa`, and if the method is unknown.

    Notes
    -----
    (k po - 1)/(k - 1), which is 2 po - 1 for two categories: kappa as it would be if every category were
    equally frequent with both raters. It is the observed agreement on another scale, from -1/(k - 1) to 1,
    and says nothing about chance in the data at hand; report it beside kappa, not in its place.

    References
    ----------
    Byrt T, Bishop J, Carlin JB (1993). Bias, prevalence and kappa. J Clin Epidemiol 46:423-429. (Citation
    not verified.)

    Examples
    --------
    >>> print(adjusted_kappa([[20, 5], [10, 15]]))
    0.40 (0.12 to 0.62)
    """
    counts = _square(table)
    k = counts.shape[-1]
    agreed = np.trace(counts, axis1=-2, axis2=-1)
    observed = prevalence(
        Proportion(events=agreed, total=counts.sum(axis=(-2, -1))),
        method=method,
        confidence_level=confidence_level,
    )
    value, low, high = ((k * part - 1) / (k - 1) for part in (observed.value, observed.low, observed.high))
    return replace(
        observed,
        measure="KAPPA",
        value=value,
        low=low,
        high=high,
        std_error=None if observed.std_error is None else k / (k - 1) * observed.std_error,
        scale="identity",
    )


def _square(table: ArrayLike) -> FloatArray:
    counts = as_counts("table", table)
    if counts.ndim < 2 or counts.shape[-1] != counts.shape[-2] or counts.shape[-1] < 2:
        raise ValueError(
            "`table` must be square in its last two axes, one row and column a category and at least two of "
            f"them, but has shape {counts.shape}."
        )
    return counts


def _weights(k: int, weights: str) -> FloatArray:
    if weights == "none":
        return np.eye(k)
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / (k - 1)
    return 1 - (distance if weights == "linear" else distance**2)
