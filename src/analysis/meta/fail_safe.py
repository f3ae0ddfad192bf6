"""Fail-safe N: how many unpublished null results would undo a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.roots import find_root
from analysis.meta.methods.weighted_regression import studies_of
from analysis.meta.small_study_null import check_has_null
from analysis.values.arguments import check_choice, read_only
from analysis.values.distributions import chi2_tail, normal_quantile
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import short_count

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.methods.weighted_regression import Studies
    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["FailSafeN", "fail_safe_n"]

_METHODS = ("rosenthal", "fisher", "orwin", "rosenberg")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FailSafeN(Framed):
    """A fail-safe N, over the leading axes of its input.

    Parameters
    ----------
    n : ndarray
        Null studies that would be needed, rounded up; 0 where the finding is not there to be undone.
    pvalue : ndarray or None
        Of the studies as they are: one-sided in the observed direction (Rosenthal, Fisher) or two-sided
        (Rosenberg); None for Orwin.
    mean, target : ndarray or None
        Orwin: the mean and what it would fall to, on the reporting scale. Rosenberg: the common-effect mean.
    n_studies : ndarray
        Studies that entered.
    alpha : float or None
        Significance that would be lost; None for Orwin.
    method : str
        Which N.
    """

    n: FloatArray
    pvalue: FloatArray | None
    mean: FloatArray | None
    target: FloatArray | None
    n_studies: FloatArray
    alpha: float | None
    method: str

    def __post_init__(self) -> None:
        for name in ("n", "pvalue", "mean", "target", "n_studies"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        import pandas as pd

        frame = pd.DataFrame({"n": self.n.ravel()})
        for name in ("pvalue", "mean", "target"):
            array = getattr(self, name)
            frame[name] = np.nan if array is None else array.ravel()
        frame["n_studies"] = self.n_studies.ravel()
        frame["alpha"] = np.nan if self.alpha is None else self.alpha
        return frame.assign(method=self.method)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives one line each, at most ten."""
        lines = []
        for count, k in list(zip(self.n.flat, self.n_studies.flat, strict=True))[:10]:
            studies = "study" if count == 1 else "studies"
            lines.append(f"Fail-safe N ({self.method}): {short_count(count)} null {studies} beside {k:.0f}")
        if self.n.size > 10:
            lines.append(f"... ({self.n.size} in all)")
        return "\n".join(lines)


def fail_safe_n(
    effects: EffectSizes,
    *,
    method: str = "rosenthal",
    alpha: float = 0.05,
    target: float | None = None,
    weighted: bool = False,
) -> FailSafeN:
    """Count the null studies that would undo a finding.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k).
    method : {"rosenthal", "fisher", "orwin", "rosenberg"}, default "rosenthal"
        "rosenthal": until the combined z (Stouffer) is not significant one-sided. "fisher": the same for
        Fisher's combination of one-sided P-values, each null study adding P = 1/2. "orwin": until the mean
        falls to `target`. "rosenberg": until the common-effect mean is not significant two-sided, null
        studies having the average weight.
    alpha : float, default 0.05
        Significance; not read by "orwin".
    target : float, optional
        Only for "orwin": the mean that would not matter, on the reporting scale (1.05 or 1/1.05 for a ratio:
        only its distance from no effect counts). Half of the mean, on the analysis scale, if not given.
    weighted : bool, default False
        Only for "orwin": whether the mean is weighted by 1/v.

    Returns
    -------
    FailSafeN

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If the measure has no value of no effect (a proportion, a rate), a study has no finite effect or
        variance, `alpha` is not in (0, 1), `target` is no effect, or an option belongs to another method.

    Notes
    -----
    With k studies, z = y/√v and m the mean: Rosenthal (Σz)²/z(1 - alpha)² - k; Orwin k(m - t)/t; Rosenberg
    k((Σwy)²/(z(1 - alpha/2)² Σw) - 1). All of them suppose that the missing studies show no effect on
    average, none of them looks at the funnel, and heterogeneity does not enter: a large N does not show that
    bias is absent.

    References
    ----------
    Rosenthal R (1979). The "file drawer problem" and tolerance for null results. Psychol Bull 86:638-641.
    DOI 10.1037/0033-2909.86.3.638. (Citation not verified.)

    Orwin RG (1983). A fail-safe N for effect size in meta-analysis. J Educ Stat 8:157-159. (Citation not
    verified.)

    Rosenberg MS (2005). The file-drawer problem revisited: a general weighted method for calculating
    fail-safe numbers in meta-analysis. Evolution 59:464-468. (Citation not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.05, 0.02])
    >>> print(fail_safe_n(effects))
    Fail-safe N (rosenthal): 18 null studies beside 6
    """
    check_choice("method", method, _METHODS)
    if isinstance(alpha, bool) or not 0 < alpha < 1:
        raise ValueError(f"`alpha` must be between 0 and 1, but got {alpha!r}.")
    if method != "orwin" and (target is not None or weighted):
        raise ValueError(f"`{'weighted' if weighted else 'target'}` belongs to method='orwin'.")
    studies = studies_of(effects, least=1)
    check_has_null("effects", effects.measure)
    k = studies.inside.sum(axis=0)
    pvalue = mean = aim = None
    if method == "orwin":
        mean, aim, number = _orwin(studies, effects, target, weighted=weighted)
    elif method == "rosenberg":
        weight = 1 / studies.variance
        total, total_weight = (weight * studies.effect).sum(axis=0), weight.sum(axis=0)
        mean = total / total_weight
        pvalue = 2 * special.ndtr(-np.abs(total) / np.sqrt(total_weight))
        number = k * (total**2 / (normal_quantile(1 - alpha / 2) ** 2 * total_weight) - 1)
    else:
        z = studies.effect / np.sqrt(studies.variance)
        # The observed direction is that of the sum.
        combined = np.abs(z.sum(axis=0))
        if method == "rosenthal":
            pvalue = special.ndtr(-combined / np.sqrt(k))
            number = combined**2 / normal_quantile(1 - alpha) ** 2 - k
        else:
            tail = special.log_ndtr(-z * np.where(z.sum(axis=0) < 0, -1.0, 1.0))
            pvalue, number = _fisher(-2 * tail.sum(axis=0), k, alpha)
    if pvalue is not None:
        number = np.where(pvalue < alpha, number, 0.0)
    backward = scale_of(effects.scale).backward
    # An N that is whole but for rounding is not rounded up to the next; + 0.0 makes -0 a 0.
    whole = np.maximum(0.0, np.ceil(number - 1e-9 * np.maximum(1.0, number))) + 0.0
    shape = studies.shape
    return FailSafeN(
        n=whole.reshape(shape),
        pvalue=None if pvalue is None else pvalue.reshape(shape),
        mean=None if mean is None else backward(mean).reshape(shape),
        target=None if aim is None else backward(aim).reshape(shape),
        n_studies=k.reshape(shape),
        alpha=None if method == "orwin" else float(alpha),
        method=method,
    )


def _orwin(
    studies: Studies, effects: EffectSizes, target: float | None, *, weighted: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean and target on the analysis scale, and the unrounded number."""
    k = studies.inside.sum(axis=0)
    weight = 1 / studies.variance if weighted else studies.inside
    mean = (weight * studies.effect).sum(axis=0) / weight.sum(axis=0)
    if target is None:
        # Half of the mean: as many as there are studies, by definition.
        return mean, mean / 2, k
    size = np.abs(scale_of(effects.scale).forward(np.asarray(target, dtype=np.float64)))
    if not (np.isfinite(size) and size > 0):
        raise ValueError(
            f"`target` must be an effect that measure {effects.measure} can have, other than no effect, but "
            f"got {target!r}. For a ratio give one such as 1.05."
        )
    aim = np.where(mean < 0, -size, size)
    return mean, aim, k * (mean - aim) / aim


def _fisher(statistic: FloatArray, k: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Return Fisher's P-value, and the number of studies with P = 1/2 that brings it to alpha."""
    pvalue = chi2_tail(statistic, 2 * k)
    number = np.zeros_like(k)
    found = np.flatnonzero(pvalue < alpha)
    if not found.size:
        return pvalue, number

    def excess(more: FloatArray, own: FloatArray, studies: FloatArray) -> FloatArray:
        return chi2_tail(own + 2 * np.log(2) * more, 2 * (studies + more)) - alpha

    # At this many the statistic is below its degrees of freedom, and P above any alpha in use; else double.
    upper = 1 + statistic[found] / (2 - 2 * np.log(2))
    while (short := excess(upper, statistic[found], k[found]) <= 0).any():
        upper = np.where(short, 2 * upper, upper)
    number[found] = find_root(
        excess,
        np.zeros(found.size),
        upper,
        statistic[found],
        k[found],
        what="the fail-safe N of Fisher's combination",
    )
    return pvalue, number
