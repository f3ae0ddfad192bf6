"""Trim and fill: how many studies seem to be missing from one side, and the mean with their mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError
from analysis.meta.methods.weighted_regression import fit_line, studies_of
from analysis.meta.methods.weighted_regression_mixed import MODERATED_TAU2, moderated_tau2
from analysis.meta.pooling import pool
from analysis.values.arguments import check_choice, read_only
from analysis.values.estimate import EffectSizes
from analysis.values.framed import Framed
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.methods.weighted_regression import Studies
    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import FloatArray

__all__ = ["TrimAndFill", "trim_and_fill"]

_SIDES = ("auto", "left", "right")
_ESTIMATORS = ("L0", "R0", "Q0")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimAndFill(Framed):
    """What trim and fill makes of a meta-analysis, over the leading axes of its input.

    Parameters
    ----------
    filled : EffectSizes
        The studies with the mirror images after them; where sets differ in how many, NaN fills up.
    pooled : PooledEstimate
        Of `filled`. A sensitivity analysis, not an estimate freed from bias.
    n_filled, n_filled_std_error : ndarray
        Studies filled in (k0), and the standard error of k0; NaN where the formula of its variance is
        negative, as it can be when the rank sum points to the other side.
    n_filled_pvalue : ndarray or None
        Of no missing study on that side; only for estimator="R0".
    side : ndarray of str
        "left" or "right": where studies were filled in.
    n_studies : ndarray
        Studies observed.
    estimator : str
        "L0", "R0" or "Q0".
    declines : tuple of str
        What is not given, and why.
    """

    filled: EffectSizes
    pooled: PooledEstimate
    n_filled: FloatArray
    n_filled_std_error: FloatArray
    n_filled_pvalue: FloatArray | None
    side: np.ndarray[tuple[int, ...], np.dtype[np.str_]]
    n_studies: FloatArray
    estimator: str
    declines: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("n_filled", "n_filled_std_error", "n_filled_pvalue", "n_studies"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    def to_frame(self) -> pd.DataFrame:
        """Return the pooled rows with what was filled in, one per meta-analysis, at full precision."""
        frame = self.pooled.to_frame()
        frame["n_observed"] = self.n_studies.ravel()
        frame["n_filled"] = self.n_filled.ravel()
        frame["n_filled_std_error"] = self.n_filled_std_error.ravel()
        pvalue = self.n_filled_pvalue
        frame["n_filled_pvalue"] = np.nan if pvalue is None else pvalue.ravel()
        frame["side"] = self.side.ravel()
        return frame.assign(estimator=self.estimator, declines="; ".join(self.declines))

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives one line each, at most ten."""
        estimates = str(self.pooled.estimate).splitlines()
        lines = []
        for number in range(min(self.n_filled.size, 10)):
            count, error = self.n_filled.flat[number], self.n_filled_std_error.flat[number]
            noun = "study" if count == 1 else "studies"
            lines.append(
                f"Trim and fill ({self.estimator}): {count:.0f} {noun} filled in on "
                f"the {self.side.flat[number]} (SE {short_number(error)}) beside "
                f"{self.n_studies.flat[number]:.0f}; {estimates[number]}"
            )
        if self.n_filled.size > 10:
            lines.append(f"... ({self.n_filled.size} in all)")
        return "\n".join([*lines, *self.declines])


def trim_and_fill(
    effects: EffectSizes,
    *,
    side: str = "auto",
    estimator: str = "L0",
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    max_iter: int = 100,
    confidence_level: float = 0.95,
) -> TrimAndFill:
    """Fill in the mirror images of studies that have no counterpart (Duval and Tweedie).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least three studies.
    side : {"auto", "left", "right"}, default "auto"
        Where studies are thought to be missing. "auto": on the right if the effect falls with the standard
        error, else on the left; by the regression of `egger_test` with the same model of heterogeneity
        (REML where `tau2` is an estimator that `egger_test` does not know).
    estimator : {"L0", "R0", "Q0"}, default "L0"
        Of the number of missing studies. Duval and Tweedie prefer L0 or R0.
    model, tau2, ci, confidence_level
        As for `pool`: the model that is trimmed, and that pools the filled studies.
    max_iter : int, default 100
        Trimmings before giving up.

    Returns
    -------
    TrimAndFill

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes or `max_iter` no whole number.
    ValueError
        If fewer than three studies enter, side="auto" meets equal variances, Q0 does not exist (a rank sum
        beyond (2k² + 1/4)/4), or an option is unknown.
    ConvergenceError
        If k0 does not settle: it can alternate between two values for ever.

    Notes
    -----
    With T the sum of the ranks of |y - m| over the y above m, m the mean without the k0 outermost studies:
    L0 = (4T - k(k + 1))/(2k - 1), Q0 = k - 1/2 - √(2k² - 4T + 1/4), R0 = k - 1 - (largest rank below m), each
    rounded and at least 0, until k0 stays. Ties share their mean rank. The standard error is taken at the
    unrounded number. The method assumes that the most extreme studies are those suppressed; under
    heterogeneity it fills in studies where none are missing.

    References
    ----------
    Duval S, Tweedie R (2000). Trim and fill: a simple funnel-plot-based method of testing and adjusting for
    publication bias in meta-analysis. Biometrics 56:455-463. DOI 10.1111/j.0006-341X.2000.00455.x. (DOI not
    verified.)

    Duval S, Tweedie R (2000). A nonparametric "trim and fill" method of accounting for publication bias in
    meta-analysis. J Am Stat Assoc 95:89-98.

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.05, 0.02])
    >>> result = trim_and_fill(effects, model="common")
    >>> int(result.n_filled), str(result.side)
    (3, 'left')
    """
    check_choice("side", side, _SIDES)
    check_choice("estimator", estimator, _ESTIMATORS)
    if isinstance(max_iter, bool) or not isinstance(max_iter, (int, np.integer)):
        raise TypeError(f"`max_iter` must be a whole number, but got {max_iter!r}.")
    if max_iter < 1:
        raise ValueError(f"`max_iter` must be at least 1, but got {max_iter}.")
    studies = studies_of(effects, least=3)
    right = _on_the_right(studies, side, model, tau2)
    # On the right is on the left of the mirror image; trimmed is then always the largest.
    sign = np.where(right, -1.0, 1.0)[:, None]
    y, v = sign * studies.effect.T, studies.variance.T
    order = np.argsort(y, axis=1, kind="stable")
    y, v = np.take_along_axis(y, order, axis=1), np.take_along_axis(v, order, axis=1)
    count, raw, centre = _missing(y, v, estimator, model, tau2, max_iter)
    std_error = _std_error(raw, y.shape[1], estimator)

    k, most = y.shape[1], int(count.max())
    mirrored = np.arange(k - most, k) >= (k - count)[:, None]
    extra_effect = np.where(mirrored, sign * (2 * centre[:, None] - y[:, k - most :]), np.nan)
    extra_variance = np.where(mirrored, v[:, k - most :], np.nan)
    shape = (*studies.shape, k + most)
    filled = EffectSizes(
        effect=np.concatenate((studies.effect.T, extra_effect), axis=1).reshape(shape),
        variance=np.concatenate((studies.variance.T, extra_variance), axis=1).reshape(shape),
        measure=effects.measure,
        label=_labels(effects, order, most),
    )
    undefined = int(np.isnan(std_error).sum())
    declines: tuple[str, ...] = ()
    if undefined:
        where = "" if std_error.size == 1 else f" in {undefined} of {std_error.size} sets"
        declines = (f"No standard error of k0{where}: the formula of its variance is negative there.",)
    return TrimAndFill(
        filled=filled,
        pooled=pool(
            filled,
            model=model,
            tau2=tau2,
            ci=ci,
            where=np.isfinite(filled.effect),
            confidence_level=confidence_level,
        ),
        n_filled=count.reshape(studies.shape),
        n_filled_std_error=std_error.reshape(studies.shape),
        # Under no missing study R0 + 1 is geometric.
        n_filled_pvalue=0.5 ** (count + 1).reshape(studies.shape) if estimator == "R0" else None,
        side=np.where(right, "right", "left").reshape(studies.shape),
        n_studies=np.full(studies.shape, float(k)),
        estimator=estimator,
        declines=declines,
    )


def _on_the_right(
    studies: Studies, side: str, model: str, tau2: str | float
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell for every set whether studies are missing on the right."""
    sets = studies.effect.shape[1]
    if side != "auto":
        return np.full(sets, side == "right")
    std_error = np.sqrt(studies.variance)
    equal = np.flatnonzero(np.ptp(std_error, axis=0) <= 1e-12 * std_error.max(axis=0))
    if equal.size:
        raise ValueError(
            f"`side` cannot be 'auto' when all variances are equal (set {equal[0]}, counted flat): nothing "
            "tells the sides apart. Give side='left' or side='right'."
        )
    method = "none"
    if model != "common":
        method = tau2 if isinstance(tau2, str) and tau2 in MODERATED_TAU2 else "REML"
    between = moderated_tau2(studies.effect, studies.variance, std_error, studies.inside, method=method)
    return np.asarray(fit_line(studies.effect, std_error, 1 / (studies.variance + between)).slope < 0)


def _missing(
    y: FloatArray, v: FloatArray, estimator: str, model: str, tau2: str | float, max_iter: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return k0, its unrounded estimate and the last centre of sets of sorted studies, shape (m, k)."""
    sets, k = y.shape
    count, raw, centre = np.zeros(sets), np.empty(sets), np.empty(sets)
    open_ = np.arange(sets)
    for _ in range(max_iter):
        kept = np.arange(k) < (k - count[open_])[:, None]
        fit = pool(
            EffectSizes(effect=y[open_], variance=v[open_]), model=model, tau2=tau2, ci="wald", where=kept
        )
        centre[open_] = fit.estimate.value
        raw[open_] = _estimate(_deviation(y[open_], centre[open_]), estimator, open_)
        following = np.maximum(0.0, np.rint(raw[open_]))
        moved = following != count[open_]
        count[open_] = following
        open_ = open_[moved]
        if not open_.size:
            return count, raw, centre
    listed = ", ".join(map(str, open_[:5])) + (" ..." if open_.size > 5 else "")
    raise ConvergenceError(
        f"The number of missing studies did not settle in {max_iter} trimmings for {open_.size} "
        f"set{'s' if open_.size > 1 else ''} (position {listed}, counted flat); it may alternate. "
        "Try another estimator."
    )


def _deviation(y: FloatArray, centre: FloatArray) -> FloatArray:
    """Return y - centre to 13 digits of the largest y, so that rounding decides about no rank and no sign."""
    unit = np.maximum(np.abs(y).max(axis=1), np.finfo(np.float64).tiny)[:, None]
    return np.asarray(np.round((y - centre[:, None]) / unit, 13))


def _estimate(
    deviation: FloatArray, estimator: str, sets: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
) -> FloatArray:
    """Return the number of missing studies, unrounded, of deviations of shape (m, k)."""
    k = deviation.shape[1]
    ranks = _mean_ranks(np.abs(deviation))
    if estimator == "R0":
        lowest = np.where(deviation < 0, ranks, 0.0).max(axis=1)
        return np.asarray(k - 1 - lowest)
    total = np.where(deviation > 0, ranks, 0.0).sum(axis=1)
    if estimator == "L0":
        return np.asarray((4 * total - k * (k + 1)) / (2 * k - 1))
    square = 2 * k**2 - 4 * total + 0.25
    if (square < 0).any():
        raise ValueError(
            f"The estimator Q0 does not exist for set {sets[np.flatnonzero(square < 0)[0]]} (counted flat): "
            "nearly all ranks lie on one side. Use estimator='L0' or 'R0'."
        )
    return np.asarray(k - 0.5 - np.sqrt(square))


def _mean_ranks(size: FloatArray) -> FloatArray:
    """Rank along the last axis from 1, ties sharing their mean rank."""
    below = (size[:, None, :] < size[:, :, None]).sum(axis=2)
    same = (size[:, None, :] == size[:, :, None]).sum(axis=2)
    return np.asarray(below + (same + 1) / 2)


def _std_error(raw: FloatArray, k: int, estimator: str) -> FloatArray:
    if estimator == "R0":
        return np.asarray(np.sqrt(2 * np.maximum(0.0, raw) + 2))
    variance = (
        k * (k + 1) * (2 * k + 1)
        + 10 * raw**3
        + 27 * raw**2
        + 17 * raw
        - 18 * k * raw**2
        - 18 * k * raw
        + 6 * k**2 * raw
    ) / 24
    root = np.sqrt(np.where(variance >= 0, variance, np.nan))
    if estimator == "L0":
        return np.asarray(4 * root / (2 * k - 1))
    return np.asarray(2 * root / np.sqrt((k - 0.5) ** 2 - raw * (2 * k - raw - 1)))


def _labels(
    effects: EffectSizes, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]], most: int
) -> tuple[str, ...] | None:
    """Name the filled studies after those they mirror, where all sets have the same."""
    if effects.label is None:
        return None
    if order.shape[0] == 1:
        mirrored = order[0, order.shape[1] - most :]
        return (*effects.label, *(f"Filled: {effects.label[i]}" for i in mirrored))
    return (*effects.label, *(f"Filled {number}" for number in range(1, most + 1)))
