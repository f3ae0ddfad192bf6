"""Test of excess significance: whether more studies are significant than the mean effect lets one expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.meta.methods.weighted_regression import studies_of
from analysis.meta.pooling import pool
from analysis.meta.small_study_null import check_has_null
from analysis.values.arguments import check_choice, read_only
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["ExcessSignificance", "excess_significance_test"]

_TESTS = ("exact", "chi2", "binomial")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExcessSignificance(Framed):
    """Observed against expected significant studies, over the leading axes of the input.

    Parameters
    ----------
    observed, expected : ndarray
        Number of significant studies, and the sum of their powers.
    power : ndarray
        Of each study, the last axis being studies, if the true effect is `true_effect`.
    true_effect : ndarray
        On the reporting scale.
    tau2 : ndarray
        Between-study variance that entered the powers.
    pvalue : ndarray
        One-sided: of as many significant studies, or more.
    statistic : ndarray or None
        Chi-square on one degree of freedom, for test="chi2".
    n_studies : ndarray
        Studies that entered.
    alpha : float
        Significance of a study, two-sided.
    test : str
        "exact", "chi2" or "binomial".
    """

    observed: FloatArray
    expected: FloatArray
    power: FloatArray
    true_effect: FloatArray
    tau2: FloatArray
    pvalue: FloatArray
    statistic: FloatArray | None
    n_studies: FloatArray
    alpha: float
    test: str

    def __post_init__(self) -> None:
        for name in (
            "observed",
            "expected",
            "power",
            "true_effect",
            "tau2",
            "pvalue",
            "statistic",
            "n_studies",
        ):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def ratio(self) -> FloatArray:
        """Observed over expected."""
        return self.observed / self.expected

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision; powers stay on the result."""
        import pandas as pd

        columns = {name: getattr(self, name).ravel() for name in ("observed", "expected", "ratio", "pvalue")}
        frame = pd.DataFrame(columns)
        frame["statistic"] = np.nan if self.statistic is None else self.statistic.ravel()
        for name in ("true_effect", "tau2", "n_studies"):
            frame[name] = getattr(self, name).ravel()
        return frame.assign(alpha=self.alpha, test=self.test)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives one line each, at most ten."""
        lines = []
        for number in range(min(self.pvalue.size, 10)):
            pvalue = self.pvalue.flat[number]
            shown = "P < 0.001" if pvalue < 0.001 else f"P = {pvalue:.2g}"
            studies = "study" if self.n_studies.flat[number] == 1 else "studies"
            lines.append(
                f"Excess significance ({self.test}): {self.observed.flat[number]:.0f} of "
                f"{self.n_studies.flat[number]:.0f} {studies} significant, "
                f"{short_number(self.expected.flat[number], digits=1)} expected, {shown}"
            )
        if self.pvalue.size > 10:
            lines.append(f"... ({self.pvalue.size} in all)")
        return "\n".join(lines)


def excess_significance_test(
    effects: EffectSizes,
    *,
    alpha: float = 0.05,
    test: str = "exact",
    model: str = "common",
    tau2: str | float = "REML",
    true_effect: float | None = None,
) -> ExcessSignificance:
    """Compare the number of significant studies with the number expected (Ioannidis and Trikalinos).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k).
    alpha : float, default 0.05
        Two-sided significance of a study.
    test : {"exact", "chi2", "binomial"}, default "exact"
        "exact": the law of a sum of unequal Bernoulli trials. "chi2": (O - E)²/E + (O - E)²/(k - E), of which
        half the tail is taken, as only an excess counts. "binomial": with the mean power.
    model : {"common", "random"}, default "common"
        What the true effect is taken from, as for `pool`. Under "random" the power of a study also holds the
        spread tau2 of true effects.
    tau2 : str or float, default "REML"
        As for `pool`; only for model="random".
    true_effect : float, optional
        On the reporting scale, instead of the pooled mean.

    Returns
    -------
    ExcessSignificance

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If the measure has no value of no effect (a proportion, a rate), a study has no finite effect or
        variance, `alpha` is not in (0, 1), `true_effect` is impossible, or an option is unknown.
    ConvergenceError
        If tau2 does not converge.

    Notes
    -----
    Power of study i: Φ((-c s + t)/r) + Φ((-c s - t)/r), c = z(1 - alpha/2), s² = v and r² = v + tau2, t the
    true effect. The exact law is built by multiplying the laws of two halves of the studies, so small tails
    keep their digits. The pooled mean is itself inflated by bias, which makes the test conservative.

    References
    ----------
    Ioannidis JPA, Trikalinos TA (2007). An exploratory test for an excess of significant findings. Clin
    Trials 4:245-253. DOI 10.1177/1740774507079441. (Citation not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.1, 0.1, 0.06, 0.08, 0.05, 0.02])
    >>> print(excess_significance_test(effects))
    Excess significance (exact): 4 of 6 studies significant, 2.4 expected, P = 0.16
    """
    check_choice("test", test, _TESTS)
    check_choice("model", model, ("common", "random"))
    if isinstance(alpha, bool) or not 0 < alpha < 1:
        raise ValueError(f"`alpha` must be between 0 and 1, but got {alpha!r}.")
    studies = studies_of(effects, least=1)
    check_has_null("effects", effects.measure)
    scale = scale_of(effects.scale)
    fit = pool(effects, model=model, tau2=tau2, ci="wald")
    between = np.atleast_1d(fit.tau2).reshape(1, -1)
    if true_effect is None:
        truth = scale.forward(np.atleast_1d(fit.estimate.value).reshape(1, -1))
    else:
        truth = np.full_like(between, scale.forward(np.asarray(true_effect, dtype=np.float64)))
        if not np.isfinite(truth).all():
            raise ValueError(
                f"`true_effect` must be an effect that measure {effects.measure} can have, "
                f"but got {true_effect!r}."
            )
    std_error = np.sqrt(studies.variance)
    critical = normal_quantile(1 - alpha / 2) * std_error
    spread = np.sqrt(studies.variance + between)
    power = special.ndtr((truth - critical) / spread) + special.ndtr((-truth - critical) / spread)
    observed = (np.abs(studies.effect) >= critical).sum(axis=0).astype(np.float64)
    expected = power.sum(axis=0)
    k = float(studies.effect.shape[0])
    statistic = None
    if test == "chi2":
        gap = observed - expected
        # Where every power is 1 the second term is 0/0 without a gap, and infinite with one.
        rest = np.where(gap == 0, 1.0, k - expected)
        with np.errstate(divide="ignore"):
            square = gap**2 / expected + gap**2 / rest
        pvalue = special.ndtr(-np.sign(gap) * np.sqrt(square))
        statistic = square.reshape(studies.shape)
    elif test == "binomial":
        # P(X >= O): all of the law where O is 0.
        pvalue = np.where(
            observed > 0, special.betainc(np.maximum(observed, 1.0), k - observed + 1, expected / k), 1.0
        )
    else:
        law = _sum_of_trials(power.T)
        tails = np.cumsum(law[:, ::-1], axis=1)[:, ::-1]
        pvalue = np.minimum(1.0, np.take_along_axis(tails, observed.astype(np.intp)[:, None], axis=1)[:, 0])
    shape = studies.shape
    return ExcessSignificance(
        observed=observed.reshape(shape),
        expected=expected.reshape(shape),
        power=power.T.reshape((*shape, power.shape[0])),
        true_effect=scale.backward(truth).reshape(shape),
        tau2=between.reshape(shape),
        pvalue=pvalue.reshape(shape),
        statistic=statistic,
        n_studies=np.full(shape, k),
        alpha=float(alpha),
        test=test,
    )


def _sum_of_trials(probability: FloatArray) -> FloatArray:
    """Return the law of the number of successes of trials with these probabilities, shape (m, k + 1).

    Laws of two trials, of four, of eight are multiplied out: log2(k) steps, and only sums of positive terms.
    """
    sets, k = probability.shape
    # Trials that never succeed fill up to a power of two.
    slots = 1 << max(0, (k - 1).bit_length())
    padded = np.zeros((sets, slots))
    padded[:, :k] = probability
    law = np.stack((1 - padded, padded), axis=-1)
    while law.shape[1] > 1:
        first, second = law[:, ::2], law[:, 1::2]
        width = first.shape[-1]
        room = np.zeros((*second.shape[:-1], 3 * width - 2))
        room[..., width - 1 : 2 * width - 1] = second
        windows = np.lib.stride_tricks.sliding_window_view(room, width, axis=-1)
        law = np.einsum("sji,sjni->sjn", first[..., ::-1], windows)
    return np.asarray(law[:, 0, : k + 1])
