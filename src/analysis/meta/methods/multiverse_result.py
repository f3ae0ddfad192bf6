"""What a multiverse finds, how its choices matter, and the joint test of no effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.multiverse_engine import Engine, Fits, Specification
from analysis.values.arguments import read_only
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["ExplainedVariance", "JointTest", "Multiverse"]

# Draws that are pooled in one call: what they need stays small.
_TOGETHER = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedVariance(Framed):
    """How much of the variance between the estimates each choice explains.

    Parameters
    ----------
    choice : tuple of str
        The choices that were made in more than one way.
    alone : ndarray
        Share of the variance of the estimates, on the analysis scale, between the options of the choice.
    added : ndarray
        What the choice adds to the share that all others explain. Equal to `alone` where every combination
        exists, mostly less where choices hang together.
    together : float
        Share that the main effects of all choices explain.
    remainder : float
        The rest: that the difference one choice makes depends on another.

    Notes
    -----
    NaN where all estimates are equal.
    """

    choice: tuple[str, ...]
    alone: FloatArray
    added: FloatArray
    together: float
    remainder: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a choice, then one for all together and one for the remainder."""
        import pandas as pd

        return pd.DataFrame(
            {
                "choice": [*self.choice, "all main effects", "remainder"],
                "alone": [*self.alone, self.together, self.remainder],
                "added": [*self.added, np.nan, np.nan],
            }
        )

    def __str__(self) -> str:
        """Return one line: the choices, the largest share first."""
        order = np.argsort(-np.nan_to_num(self.alone), kind="stable")
        parts = [f"{self.choice[i]} {100 * self.alone[i]:.0f}%" for i in order]
        return f"{', '.join(parts)}; together {100 * self.together:.0f}%"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointTest(Framed):
    """Test of no effect by all specifications together.

    Parameters
    ----------
    median : float
        Median of the estimates, on the reporting scale.
    median_pvalue : float
        Share of the draws whose median is at least as far from no effect.
    share : float
        Share of the specifications whose interval excludes no effect on the side that more of them do.
    share_pvalue : float
        Share of the draws with at least so many.
    drawn_median, drawn_share : ndarray, shape (draws,)
        The same of every draw, the median on the analysis scale.
    complete : bool
        Whether the draws are all combinations of signs.
    """

    median: float
    median_pvalue: float
    share: float
    share_pvalue: float
    drawn_median: FloatArray
    drawn_share: FloatArray
    complete: bool

    def to_frame(self) -> pd.DataFrame:
        """Return one row a statistic."""
        import pandas as pd

        return pd.DataFrame(
            {
                "statistic": ["median", "share"],
                "value": [self.median, self.share],
                "pvalue": [self.median_pvalue, self.share_pvalue],
                "draws": self.drawn_median.size,
                "complete": self.complete,
            }
        )

    def __str__(self) -> str:
        """Return what a paper prints."""
        return (
            f"median {short_number(self.median)} (P = {self.median_pvalue:.2g}), {100 * self.share:.0f}% of "
            f"specifications exclude no effect on one side (P = {self.share_pvalue:.2g})"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Multiverse(Framed):
    """The meta-analyses of one set of studies under every combination of choices.

    Parameters
    ----------
    specifications : tuple of Specification
        The choices, by the names include, measure, correction, model, tau2_method, ci_method; "none" where a
        model does not know the choice.
    fits : Fits
        Mean, low, high, pvalue, tau2, i2 and n_studies of every specification, on the analysis scale. The
        P-value is NaN for intervals that have none; limits are NaN or infinite where too few studies are
        left for the interval.
    skipped : tuple of str
        Combinations that are no specification of their own, with the reason, each said once.
    confidence_level : float
        Of the intervals.
    engine : Engine
        The data, ready to be pooled again.
    """

    specifications: tuple[Specification, ...]
    fits: Fits
    skipped: tuple[str, ...]
    confidence_level: float
    engine: Engine

    @property
    def scale(self) -> str:
        """Scale on which the measures are pooled."""
        return measure_of(self.specifications[0].measure).scale

    @property
    def conclusion(self) -> tuple[str, ...]:
        """What the interval of every specification says: "above", "below", "includes" or "none".

        "none" is an interval without a finite limit.
        """
        _check_null(self.specifications)
        above, below, known = _verdict(self.fits)
        words = np.select([~known, above, below], ["none", "above", "below"], "includes")
        return tuple(words.tolist())

    @property
    def shares(self) -> dict[str, float]:
        """Share of the specifications by conclusion."""
        found = self.conclusion
        return {word: found.count(word) / len(found) for word in ("above", "below", "includes", "none")}

    def explained_variance(self) -> ExplainedVariance:
        """Split the variance of the estimates among the choices.

        Returns
        -------
        ExplainedVariance

        Notes
        -----
        Least squares of the pooled effects on the analysis scale on the options of the choices, main effects
        only; every specification counts alike. Estimates of 0 or infinity are left out.
        """
        known = np.isfinite(self.fits.mean)
        mean = self.fits.mean[known]
        columns = {}
        for name in Specification._fields:
            options = [getattr(specification, name) for specification in self.specifications]
            _, codes = np.unique(options, return_inverse=True)
            codes = codes[known]
            if np.unique(codes).size > 1:
                columns[name] = (codes[:, np.newaxis] == np.unique(codes)).astype(np.float64)
        together = _explained(mean, list(columns.values()))
        added = [
            together - _explained(mean, [x for other, x in columns.items() if other != name])
            for name in columns
        ]
        return ExplainedVariance(
            choice=tuple(columns),
            alone=read_only([_explained(mean, [design]) for design in columns.values()]),
            added=read_only(added),
            together=together,
            remainder=1 - together,
        )

    def joint_test(self, *, draws: int = 2000, rng: np.random.Generator | int | None = None) -> JointTest:
        """Test no effect by all specifications together.

        Parameters
        ----------
        draws : int, default 2000
            Draws of the signs; all combinations of signs are taken where they are no more.
        rng : numpy.random.Generator, int or None
            Source of random numbers, or its seed.

        Returns
        -------
        JointTest

        Raises
        ------
        ValueError
            If `draws` is not at least 1 or the measure has no value of no effect.

        Notes
        -----
        Without an effect, and with effects symmetric about none, each study might as well have had its
        groups swapped. A draw swaps those of some studies, the same ones in every specification, and pools
        them all again: the choices stay as dependent as they are. P-values count the data as a draw,
        (1 + draws at least as extreme)/(1 + draws), and are two-sided; exact where all combinations are
        taken. The third statistic of the paper, Stouffer's mean of z, is not computed: some intervals have
        no P-value.

        References
        ----------
        Simonsohn U, Simmons JP, Nelson LD (2020). Specification curve analysis. Nat Hum Behav 4:1208-1214.
        DOI 10.1038/s41562-020-0912-z
        """
        if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
            raise ValueError(f"`draws` must be a whole number of at least 1, but got {draws!r}.")
        _check_null(self.specifications)
        used: BoolArray = np.any(self.engine.masks, axis=0)
        signs, complete = _signs(used, int(draws), np.random.default_rng(rng))
        median, share = _statistics(self.fits)
        parts = [
            _statistics(self.engine.fit(self.confidence_level, signs[start : start + _TOGETHER]))
            for start in range(0, len(signs), _TOGETHER)
        ]
        medians, shares = (np.concatenate(column) for column in zip(*parts, strict=True))
        # The last digits of a draw that mirrors the data may differ.
        further = np.abs(medians) >= np.abs(median) * (1 - 1e-9)
        more = shares >= share - 1e-9
        plus = 0 if complete else 1
        return JointTest(
            median=float(scale_of(self.scale).backward(median)),
            median_pvalue=float((further.sum() + plus) / (len(signs) + plus)),
            share=float(share),
            share_pvalue=float((more.sum() + plus) / (len(signs) + plus)),
            drawn_median=read_only(medians),
            drawn_share=read_only(shares),
            complete=complete,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a specification, at full precision, estimates on the reporting scale."""
        import pandas as pd

        frame = pd.DataFrame(self.specifications, columns=list(Specification._fields))
        backward = scale_of(self.scale).backward
        frame["estimate"] = backward(self.fits.mean)
        for name in ("low", "high"):
            frame[name] = backward(getattr(self.fits, name))
        for name in ("pvalue", "tau2", "i2", "n_studies"):
            frame[name] = getattr(self.fits, name)
        if measure_of(self.specifications[0].measure).null is not None:
            frame["conclusion"] = list(self.conclusion)
        return frame

    def __str__(self) -> str:
        """Return how many specifications there are, the range of their estimates and what they conclude."""
        estimates = scale_of(self.scale).backward(self.fits.mean)
        percent = measure_of(self.specifications[0].measure).percent
        low, middle, high = (
            short_number(float(function(estimates)), percent=percent)
            for function in (np.nanmin, np.nanmedian, np.nanmax)
        )
        text = f"{len(estimates)} specifications: median {middle}, from {low} to {high}"
        if measure_of(self.specifications[0].measure).null is None:
            return text
        shares = self.shares
        text += (
            f"; {100 * shares['below']:.0f}% below, {100 * shares['above']:.0f}% above, "
            f"{100 * shares['includes']:.0f}% include no effect"
        )
        return text + (f", {100 * shares['none']:.0f}% have no interval" if shares["none"] else "")


def _check_null(specifications: Sequence[Specification]) -> None:
    measure = measure_of(specifications[0].measure)
    if measure.null is None:
        raise ValueError(f"`measure` must have a value of no effect, but {measure.code} has none.")


def _verdict(fits: Fits) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Tell which intervals lie above 0, which below, and which exist."""
    known = np.isfinite(fits.low) | np.isfinite(fits.high)
    return fits.low > 0, fits.high < 0, known


def _statistics(fits: Fits) -> tuple[FloatArray, FloatArray]:
    """Return the median of the estimates, and the share on the side on which more exclude 0."""
    above, below, _ = _verdict(fits)
    share = np.maximum(above.mean(axis=-1), below.mean(axis=-1))
    # Ratios of 0 and infinity are at the ends, however far.
    return np.nanmedian(np.clip(fits.mean, -1e300, 1e300), axis=-1), share


def _signs(used: BoolArray, draws: int, rng: np.random.Generator) -> tuple[BoolArray, bool]:
    """Return which studies are swapped in every draw; all combinations where they are no more than draws."""
    count = int(used.sum())
    complete = count < 60 and 2**count <= draws
    if complete:
        bits = (np.arange(2**count)[:, np.newaxis] >> np.arange(count)) & 1 == 1
    else:
        bits = rng.random((draws, count)) < 0.5
    signs = np.zeros((len(bits), used.size), dtype=bool)
    signs[:, used] = bits
    return signs, complete


def _explained(mean: FloatArray, designs: Sequence[FloatArray]) -> float:
    """Return R2 of least squares on indicators of the options."""
    if not mean.size:
        return float("nan")
    centred = mean - mean.mean()
    total = float((centred**2).sum())
    # Equal estimates differ by rounding alone.
    if total <= 1e-24 * mean.size * max(1.0, float(np.abs(mean).max()) ** 2):
        return float("nan")
    if not designs:
        return 0.0
    design = np.concatenate([np.ones((mean.size, 1)), *designs], axis=1)
    fitted = design @ np.linalg.lstsq(design, centred, rcond=None)[0]
    return float(1 - ((centred - fitted) ** 2).sum() / total)
