"""Subgroups of studies: a pooled estimate each, and the test whether they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.meta.pooling import pool
from analysis.meta.regression import meta_regression
from analysis.values.arguments import check_choice, read_only
from analysis.values.distributions import chi2_tail, normal_quantile
from analysis.values.framed import Framed
from analysis.values.scale import measure_of
from analysis.values.text import short_interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["Subgroups", "subgroups"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subgroups(Framed):
    """Pooled estimates of groups of studies, with the test between them.

    Parameters
    ----------
    names : tuple of str
        Of the g groups, in alphabetical order.
    pooled : PooledEstimate
        Of shape (g,). A group of one study has the normal interval of that study, whatever `ci_method` says.
    overall : PooledEstimate
        Of all studies together.
    statistic : ndarray
        Q between groups (chi-square), or F where tau2 is common and the interval a t interval.
    df : int
        g - 1.
    denominator_df : float
        k - g for F, infinity for chi-square.
    pvalue : ndarray
        Of no difference between the groups.
    tau2 : str
        "separate" or "common".
    r2 : ndarray
        Share of the overall tau2 that the groups explain, in percent; NaN where tau2 is separate or was 0.
    """

    names: tuple[str, ...]
    pooled: PooledEstimate
    overall: PooledEstimate
    statistic: FloatArray
    df: int
    denominator_df: float
    pvalue: FloatArray
    tau2: str
    r2: FloatArray

    def __post_init__(self) -> None:
        for name in ("statistic", "pvalue", "r2"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group, and one for all studies, at full precision."""
        import pandas as pd

        frames = [self.pooled.to_frame().assign(group=list(self.names))]
        frames.append(self.overall.to_frame().assign(group="overall"))
        frame = pd.concat(frames, ignore_index=True)
        test = {"between_statistic": float(self.statistic), "between_pvalue": float(self.pvalue)}
        return frame[["group", *(name for name in frame.columns if name != "group")]].assign(**test)

    def __str__(self) -> str:
        """Return one line a group, and the test; where one study has an interval of its own, say so."""
        estimate, counts = self.pooled.estimate, self.pooled.n_studies
        percent = measure_of(estimate.measure).percent
        # A common-effect or normal interval of one study is what the others have too.
        single = "1 study" if self.pooled.ci_method == "wald" else "1 study (normal interval)"
        lines = []
        for name, *numbers, count in zip(
            self.names, estimate.value, estimate.low, estimate.high, counts, strict=True
        ):
            studies = single if count == 1 else f"{count:.0f} studies"
            lines.append(f"{name}: {short_interval(*numbers, percent=percent)}, {studies}")
        letter = "χ²" if np.isinf(self.denominator_df) else "F"
        of = "" if np.isinf(self.denominator_df) else f" and {self.denominator_df:.0f}"
        test = f"{letter} = {self.statistic:.1f} (df = {self.df}{of}), P = {self.pvalue:.2g}"
        return "\n".join([*lines, f"difference between groups: {test}"])


def subgroups(
    effects: EffectSizes,
    groups: ArrayLike,
    *,
    between_study: str = "separate",
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> Subgroups:
    """Pool groups of studies, and test whether their means differ.

    Parameters
    ----------
    effects : EffectSizes
        Shape (k,).
    groups : array_like, shape (k,)
        One name a study; of the studies that enter, none may be missing or empty.
    between_study : {"separate", "common"}, default "separate"
        Whether every group has its own tau2, or one is estimated within groups: small groups say little of
        their own.
    model, tau2, ci, confidence_level
        As in `pool`; with a common tau2, as in `meta_regression`.
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    Subgroups

    Raises
    ------
    ValueError
        If groups do not match the studies, one is missing, fewer than two are left, or options are not those
        of `pool`.

    Notes
    -----
    Separate tau2: Q between = Σ (mean_g - mean)²/SE_g² with the weights 1/SE_g², chi-square on g - 1 degrees
    of freedom. Common tau2: the test of the groups as moderators, F for t intervals.

    One study shows no scatter, so t intervals, Hartung and Knapp's among them, have no standard error for it.
    A group of one study therefore enters with its own: √v and a normal interval where tau2 is separate (its
    tau2 is taken as 0), √(v + tau2) where tau2 is common or given.

    References
    ----------
    Borenstein M, Higgins JPT (2013). Meta-analysis and subgroups. Prev Sci 14:134-143.
    DOI 10.1007/s11121-013-0377-7

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.7], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> print(subgroups(effects, ["low", "low", "low", "high", "high"], tau2="DL", ci="wald"))
    high: 0.67 (0.51 to 0.83), 2 studies
    low: 0.23 (0.02 to 0.45), 3 studies
    difference between groups: χ² = 10.3 (df = 1), P = 0.0014
    """
    check_choice("between_study", between_study, ("separate", "common"))
    if effects.effect.ndim != 1:
        raise ValueError(f"`effects` must have the shape (studies,), but has {effects.shape}.")
    k = effects.effect.size
    inside = np.ones(k, dtype=bool) if where is None else np.asarray(where)
    names = _names(groups, effects, inside)
    levels = sorted(set(names[inside].tolist()))
    if len(levels) < 2:
        raise ValueError(f"There must be at least two groups to compare, but got {levels}.")
    masks = (names == np.array(levels)[:, np.newaxis]) & inside
    options: dict[str, Any] = {"model": model, "ci": ci, "confidence_level": confidence_level}
    overall = pool(effects, tau2=tau2, where=where, **options)
    r2 = np.asarray(np.nan)
    if between_study == "separate" or model == "common":
        pooled = pool(effects, tau2=tau2, where=masks, **options)
        pooled = _with_single_studies(pooled, masks, tau2, options)
        weight = 1 / pooled.std_error**2
        mean = (weight * pooled.mean).sum() / weight.sum()
        statistic = np.asarray((weight * (pooled.mean - mean) ** 2).sum())
        pvalue = chi2_tail(statistic, len(levels) - 1)
        denominator = np.inf
    else:
        by = {"group": names}
        fitted = meta_regression(effects, by, tau2=tau2, where=where, **options)
        pooled = pool(effects, tau2=float(fitted.tau2), where=masks, **options)
        pooled = _with_single_studies(pooled, masks, float(fitted.tau2), options)
        test = fitted.moderator_test
        statistic, pvalue, r2 = test.statistic, test.pvalue, fitted.r2
        denominator = float(test.denominator_df)
    return Subgroups(
        names=tuple(levels),
        pooled=pooled,
        overall=overall,
        statistic=statistic,
        df=len(levels) - 1,
        denominator_df=denominator,
        pvalue=pvalue,
        tau2="separate" if between_study == "separate" or model == "common" else "common",
        r2=r2,
    )


def _names(groups: ArrayLike, effects: EffectSizes, inside: BoolArray) -> NDArray[np.str_]:
    """Return the groups as texts, none of them missing among the studies that enter."""
    import pandas as pd

    # As objects, so that a missing value does not turn into the text "nan" beside other texts.
    given = np.asarray(groups, dtype=np.object_)
    k = effects.effect.size
    if given.shape != (k,):
        raise ValueError(f"`groups` must name a group for each of {k} studies, but has shape {given.shape}.")
    names = given.astype(str)
    missing = (np.asarray(pd.isna(given)) | (np.char.strip(names) == "")) & inside
    if missing.any():
        first = int(np.flatnonzero(missing)[0])
        study = (
            f"study {effects.label[first]!r} (index {first})"
            if effects.label
            else f"the study at index {first}"
        )
        more = f", and {count} more" if (count := int(missing.sum()) - 1) else ""
        raise ValueError(
            f"`groups` must name a group for every study, but {study} has {given[first]!r}{more}. "
            'Name its group, such as "not reported", or leave it out with `where`.'
        )
    return names


def _with_single_studies(
    pooled: PooledEstimate, masks: BoolArray, tau2: str | float, options: dict[str, Any]
) -> PooledEstimate:
    """Give groups of one study the normal interval of that study."""
    single = pooled.n_studies == 1
    if pooled.ci_method == "wald" or not single.any():
        return pooled
    alone = pool(pooled.effects, tau2=tau2, where=masks[single], **(options | {"ci": "wald"}))
    std_error = pooled.std_error.copy()
    std_error[single] = alone.std_error
    half = normal_quantile((1 + pooled.confidence_level) / 2) * std_error
    low, high = (
        None if end is None else np.where(single, pooled.mean + sign * half, end)
        for end, sign in ((pooled.mean_low, -1), (pooled.mean_high, 1))
    )
    return replace(
        pooled,
        std_error=std_error,
        mean_df=np.where(single, np.inf, pooled.mean_df),
        mean_low=low,
        mean_high=high,
    )
