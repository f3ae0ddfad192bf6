"""What pooling of sparse tables finds: the estimate, and the rest when it is first read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.effect_size import effect_sizes
from analysis.measures.homogeneity import homogeneity_test
from analysis.measures.stratified import cochran_mantel_haenszel_test
from analysis.meta.methods.sparse_tables import study_weights
from analysis.values.arguments import check_choice, read_only
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.distributions import chi2_tail
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.significance import SignificanceTest

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import EffectSizes, Estimate

__all__ = ["PooledTables"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PooledTables(Framed):
    """What pooling by Mantel and Haenszel or by Peto finds, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The pooled effect on the reporting scale, with its P-value of no effect.
    tables : TwoByTwo or TwoRates
        What was pooled, after any correction; studies left out have empty groups.
    study_tables : TwoByTwo or TwoRates
        What the studies' own effects are computed from, after any correction.
    inside : ndarray of bool
        Studies that entered, shape (..., k).
    comparable : ndarray of bool
        Studies that may enter Q, shape (..., k).

    Attributes
    ----------
    effects : EffectSizes
        The studies' own effects on the analysis scale; infinite or NaN where a study has none.
    in_q : ndarray of bool
        Studies that Q compares: those that may and have a finite effect with a variance greater than 0.
    q, df, q_pvalue : ndarray
        Weighted squared distances of the studies' effects from the pooled one, degrees of freedom (studies
        compared less one, at least 0) and P-value. Q is 0 and its P-value NaN where fewer than two studies
        can be compared; both are NaN where there is no pooled effect to compare with.
    i2 : ndarray
        In percent: 100 max(0, (Q - df)/Q); 0 for fewer than two studies.
    h2 : ndarray
        Q/df; 1 for fewer than two studies.
    weights : ndarray
        In percent, adding to 100 over the last axis; 0 for studies left out. NaN where no study has weight.
    n_studies, n_in_q : ndarray
        Studies that entered, and those that Q compares.
    """

    estimate: Estimate
    tables: TwoByTwo | TwoRates
    study_tables: TwoByTwo | TwoRates
    inside: BoolArray
    comparable: BoolArray

    def __post_init__(self) -> None:
        for name in ("inside", "comparable"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of meta-analyses; () for one."""
        return self.estimate.shape

    @cached_property
    def n_studies(self) -> FloatArray:
        """Studies that entered."""
        return read_only(self.inside.sum(axis=-1))

    @cached_property
    def effects(self) -> EffectSizes:
        """The studies' own effects, of the tables as they are."""
        return effect_sizes(self.study_tables, self.estimate.measure, correction=0.0, correct="none")

    @cached_property
    def in_q(self) -> BoolArray:
        """Studies that Q compares."""
        effect, variance = self.effects.effect, self.effects.variance
        known: BoolArray = self.comparable & np.isfinite(effect) & (variance > 0) & (variance < np.inf)
        known.flags.writeable = False
        return known

    @cached_property
    def n_in_q(self) -> FloatArray:
        """Studies that Q compares."""
        return read_only(self.in_q.sum(axis=-1))

    @cached_property
    def df(self) -> FloatArray:
        """Degrees of freedom of Q."""
        return read_only(np.maximum(self.n_in_q - 1, 0.0))

    @cached_property
    def q(self) -> FloatArray:
        """Cochran's Q about the pooled effect."""
        centre = scale_of(self.estimate.scale).forward(self.estimate.value)
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = (self.effects.effect - centre[..., np.newaxis]) ** 2 / self.effects.variance
        total = np.where(self.in_q, squares, 0.0).sum(axis=-1)
        # One study is no scatter, even where others that have no effect of their own moved the centre.
        return read_only(np.where(np.isfinite(centre), np.where(self.df > 0, total, 0.0), np.nan))

    @cached_property
    def q_pvalue(self) -> FloatArray:
        """P-value of Q."""
        return read_only(np.where(self.df > 0, chi2_tail(self.q, np.maximum(self.df, 1.0)), np.nan))

    @cached_property
    def i2(self) -> FloatArray:
        """I2 in percent."""
        excess = np.maximum(0.0, self.q - self.df)
        return read_only(100 * excess / np.where(self.q > 0, self.q, 1.0))

    @cached_property
    def h2(self) -> FloatArray:
        """H2."""
        ratio = np.where(self.df > 0, self.q / np.maximum(self.df, 1.0), 1.0)
        return read_only(np.where(np.isnan(self.q), np.nan, ratio))

    @cached_property
    def weights(self) -> FloatArray:
        """Weights in percent."""
        if self.estimate.measure == "PETO":
            with np.errstate(divide="ignore"):
                weight = np.where(self.inside, 1 / information_variance(self.tables), 0.0)
        else:
            weight = study_weights(self.tables, self.estimate.measure)
        total = weight.sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            return read_only(100 * weight / np.where(total > 0, total, np.nan))

    def association_test(self, *, method: str = "mantel-haenszel", correct: bool = False) -> SignificanceTest:
        """Test whether exposure and outcome are associated at all.

        Parameters
        ----------
        method : {"mantel-haenszel", "cochran", "exact"}, default "mantel-haenszel"
            As in `cochran_mantel_haenszel_test`; rates know "mantel-haenszel" alone.
        correct : bool, default False
            Take 0.5 off the absolute difference between observed and expected, down to 0 at the least.

        Returns
        -------
        SignificanceTest
            NaN where the tables carry no information.

        Raises
        ------
        ValueError
            If the method is unknown, or the exact test is asked for corrected tables.

        Notes
        -----
        Rates: (Σ(x1 - m t1/T))² / Σ(m t1 t0/T²) with m events in time T = t1 + t0.

        References
        ----------
        Breslow NE, Day NE (1987). Statistical methods in cancer research. Vol. 2: The design and analysis of
        cohort studies. IARC Scientific Publications No. 82, Lyon. (Citation not verified.)
        """
        if isinstance(self.tables, TwoRates):
            check_choice("method", method, ("mantel-haenszel",))
            return _person_time_test(self.tables, correct=correct)
        if method == "exact" and self.estimate.correction is not None:
            raise ValueError(
                "`method` must not be 'exact' for corrected tables, whose counts are not whole. Pool without "
                "a correction."
            )
        return cochran_mantel_haenszel_test(self.tables, method=method, correct=correct)

    def homogeneity_test(self, *, method: str = "tarone") -> SignificanceTest:
        """Test whether the studies have one odds ratio, by the cells that the pooled one fits.

        Parameters
        ----------
        method : {"tarone", "breslow-day"}, default "tarone"
            Tarone's correction makes the statistic of Breslow and Day chi-square.

        Returns
        -------
        SignificanceTest
            NaN where the pooled odds ratio is 0, infinite or not estimable.

        Raises
        ------
        ValueError
            If the measure is not "OR", or the method is unknown.
        """
        check_choice("method", method, ("tarone", "breslow-day"))
        if isinstance(self.tables, TwoRates) or self.estimate.measure != "OR":
            raise ValueError(
                f'`measure` must be "OR" for the {method} test, but is {self.estimate.measure!r}; read `q` '
                "instead."
            )
        return homogeneity_test(self.tables, method=method)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        frame = self.estimate.to_frame()
        for name in ("q", "df", "q_pvalue", "i2", "h2", "n_studies", "n_in_q"):
            frame[name] = getattr(self, name).ravel()
        test = self.association_test()
        return frame.assign(
            association_statistic=test.statistic.ravel(), association_pvalue=test.pvalue.ravel()
        )

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.estimate.value.size != 1:
            return str(self.estimate)
        text = f"{self.estimate}; "
        if self.n_in_q.item() > 1 and np.isfinite(self.q.item()):
            text += f"I² = {self.i2.item():.0f}%, Q = {self.q.item():.1f} (df = {self.df.item():.0f}), "
        number = self.n_studies.item()
        return f"{text}{number:.0f} {'study' if number == 1 else 'studies'}"


def information_variance(tables: TwoByTwo | TwoRates) -> FloatArray:
    """Return the variance of Peto's log odds ratio of every study; infinite where it has none."""
    variance = effect_sizes(tables, "PETO", correction=0.0, correct="none").variance
    return np.where((variance > 0) & (variance < np.inf), variance, np.inf)


def _person_time_test(rates: TwoRates, *, correct: bool) -> SignificanceTest:
    t1, t0 = rates.exposed_time, rates.control_time
    total = t1 + t0
    events = rates.exposed_events + rates.control_events
    difference = np.abs((rates.exposed_events - events * t1 / total).sum(axis=-1))
    if correct:
        difference = np.maximum(difference - 0.5, 0.0)
    variance = (events * (t1 / total) * (t0 / total)).sum(axis=-1)
    statistic = difference**2 / np.where(variance > 0, variance, np.nan)
    return SignificanceTest(
        statistic=statistic,
        df=np.ones_like(statistic),
        pvalue=chi2_tail(statistic, 1.0),
        method="mantel-haenszel",
        correction=0.5 if correct else None,
    )
