"""Means that lean on the precise studies: PET, PEESE, PET-PEESE, and WAAP-WLS.

PET is Egger's regression read at its intercept; the test of its slope is `small_study.egger_test`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.weighted_regression import check_spread, fit_line, studies_of
from analysis.values.arguments import check_confidence_level, read_only
from analysis.values.distributions import t_quantile, two_sided_t
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.methods.weighted_regression import Line
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["PetPeese", "WaapWls", "pet_peese", "waap_wls"]

# 1.96 + 0.84: a study of this many standard errors has 80 % power at 5 % two-sided.
_ADEQUATE = 2.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PetPeese(Framed):
    """The effect at a standard error of 0, by two regressions, over the leading axes of the input.

    Parameters
    ----------
    pet : Estimate
        From the regression on the standard error.
    peese : Estimate
        From the regression on the variance.
    conditional : Estimate
        PEESE where PET finds an effect, else PET.
    uses_peese : ndarray of bool
        Which of the two `conditional` is.
    pet_slope, pet_slope_std_error, peese_slope, peese_slope_std_error : ndarray
        On the analysis scale.
    n_studies : ndarray
        Studies that entered.
    alpha : float
        Of the one-sided test by which PET decides.
    """

    pet: Estimate
    peese: Estimate
    conditional: Estimate
    uses_peese: BoolArray
    pet_slope: FloatArray
    pet_slope_std_error: FloatArray
    peese_slope: FloatArray
    peese_slope_std_error: FloatArray
    n_studies: FloatArray
    alpha: float

    def __post_init__(self) -> None:
        for name in (
            "pet_slope",
            "pet_slope_std_error",
            "peese_slope",
            "peese_slope_std_error",
            "n_studies",
        ):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return three rows per meta-analysis, by method, at full precision."""
        import pandas as pd

        frames = [part.to_frame() for part in (self.pet, self.peese, self.conditional)]
        for frame, slope in zip(frames, ("pet", "peese", None), strict=True):
            for name in ("slope", "slope_std_error"):
                frame[name] = np.nan if slope is None else getattr(self, f"{slope}_{name}").ravel()
            frame["uses_peese"] = self.uses_peese.ravel()
            frame["n_studies"] = self.n_studies.ravel()
        return pd.concat(frames, ignore_index=True)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives the conditional estimates only."""
        if self.uses_peese.size != 1:
            return str(self.conditional)
        chosen = "PEESE" if self.uses_peese.item() else "PET"
        return (
            f"PET {self.pet}; PEESE {self.peese}; PET-PEESE takes {chosen}; "
            f"{self.n_studies.item():.0f} studies"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaapWls(Framed):
    """Unrestricted weighted least squares, and the same of the adequately powered studies.

    Parameters
    ----------
    wls : Estimate
        Of all studies.
    waap : Estimate
        Of the adequately powered studies; equal to `wls` where fewer than two are.
    n_adequate, n_studies : ndarray
        Adequately powered studies, and all.
    dispersion : ndarray
        Q/(k - 1) of all studies, which multiplies the common-effect variance.
    """

    wls: Estimate
    waap: Estimate
    n_adequate: FloatArray
    n_studies: FloatArray
    dispersion: FloatArray

    def __post_init__(self) -> None:
        for name in ("n_adequate", "n_studies", "dispersion"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return two rows per meta-analysis, by method, at full precision."""
        import pandas as pd

        frames = [part.to_frame() for part in (self.wls, self.waap)]
        for frame in frames:
            for name in ("n_adequate", "n_studies", "dispersion"):
                frame[name] = getattr(self, name).ravel()
        return pd.concat(frames, ignore_index=True)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives the WAAP-WLS estimates only."""
        if self.n_studies.size != 1:
            return str(self.waap)
        adequate = self.n_adequate.item()
        used = f"of {adequate:.0f}" if adequate >= 2 else f"of all, as {adequate:.0f} would not do,"
        return f"WAAP-WLS {self.waap} {used} of {self.n_studies.item():.0f} studies; WLS {self.wls}"


def pet_peese(effects: EffectSizes, *, alpha: float = 0.05, confidence_level: float = 0.95) -> PetPeese:
    """Extrapolate to a standard error of 0, linearly (PET), in the variance (PEESE), and by choice of both.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least three studies, of a measure that has a null.
    alpha : float, default 0.05
        PEESE is taken where PET's effect is significant one-sided at this level, that is two-sided at twice
        it (Stanley and Doucouliagos 2014).
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    PetPeese

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If fewer than three studies enter, all variances are equal, the studies lie on a line, the measure
        has no null, or `alpha` is not in (0, 0.5).

    Notes
    -----
    y = a + b s (PET) or y = a + b s² (PEESE), weights 1/v, variances times RSS/(k - 2), t on k - 2 degrees of
    freedom; a is the estimate. PET is biased towards no effect where there is one, PEESE away from it where
    there is none, hence the choice; its interval does not know of it. All are unreliable with few studies,
    all of them small, or much heterogeneity.

    References
    ----------
    Stanley TD, Doucouliagos H (2014). Meta-regression approximations to reduce publication selection bias.
    Res Synth Methods 5:60-78. DOI 10.1002/jrsm.1095. (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.05, 0.02])
    >>> print(pet_peese(effects))
    PET 0.020 (−0.047 to 0.087); PEESE 0.18 (0.13 to 0.22); PET-PEESE takes PET; 6 studies
    """
    level = check_confidence_level(confidence_level)
    if isinstance(alpha, bool) or not 0 < alpha < 0.5:
        raise ValueError(f"`alpha` must be between 0 and 0.5, as it is one-sided, but got {alpha!r}.")
    if isinstance(effects, EffectSizes) and measure_of(effects.measure).null is None:
        raise ValueError(
            f"Measure {effects.measure} has no value of no effect, which PET tests. "
            "egger_test(effects).limit is the extrapolation alone."
        )
    studies = studies_of(effects, least=3)
    weight = 1 / studies.variance
    lines = []
    for predictor, x in (("std_error", np.sqrt(studies.variance)), ("variance", studies.variance)):
        line = fit_line(studies.effect, x, weight)
        check_spread(studies.effect, x, weight, predictor, line)
        lines.append(line)
    pet, peese = lines
    error = np.sqrt(pet.intercept_variance * pet.dispersion)
    # One-sided towards whichever side the estimate lies on.
    uses_peese = two_sided_t(pet.intercept / error, pet.df) < 2 * alpha
    chosen = _either(uses_peese, peese, pet)
    shape = studies.shape
    estimates = [
        _estimate(
            effects, line.intercept, line.intercept_variance * line.dispersion, line.df, level, name, shape
        )
        for line, name in ((pet, "PET"), (peese, "PEESE"), (chosen, "PET-PEESE"))
    ]
    return PetPeese(
        pet=estimates[0],
        peese=estimates[1],
        conditional=estimates[2],
        uses_peese=uses_peese.reshape(shape),
        pet_slope=pet.slope.reshape(shape),
        pet_slope_std_error=np.sqrt(pet.slope_variance * pet.dispersion).reshape(shape),
        peese_slope=peese.slope.reshape(shape),
        peese_slope_std_error=np.sqrt(peese.slope_variance * peese.dispersion).reshape(shape),
        n_studies=(pet.df + 2).reshape(shape),
        alpha=float(alpha),
    )


def _either(condition: BoolArray, first: Line, second: Line) -> Line:
    return type(first)(*(np.where(condition, one, other) for one, other in zip(first, second, strict=True)))


def _estimate(
    effects: EffectSizes,
    value: FloatArray,
    variance: FloatArray,
    df: FloatArray,
    level: float,
    method: str,
    shape: tuple[int, ...],
) -> Estimate:
    backward = scale_of(effects.scale).backward
    error = np.sqrt(variance)
    half = t_quantile((1 + level) / 2, df) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        pvalue = two_sided_t(value / error, df)
    return Estimate(
        measure=effects.measure,
        value=backward(value).reshape(shape),
        low=backward(value - half).reshape(shape),
        high=backward(value + half).reshape(shape),
        confidence_level=level,
        std_error=error.reshape(shape),
        scale=effects.scale,
        method=method,
        pvalue=None if measure_of(effects.measure).null is None else pvalue.reshape(shape),
    )


def waap_wls(effects: EffectSizes, *, confidence_level: float = 0.95) -> WaapWls:
    """Average the adequately powered studies by unrestricted weighted least squares.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least two studies, not all of equal effect.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    WaapWls

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If fewer than two studies enter or all effects (of the adequately powered studies) are equal, so that
        there is no dispersion to judge by.

    Notes
    -----
    WLS is the common-effect mean with its variance times Q/(k - 1), also where that is below 1, and t on
    k - 1 degrees of freedom. A study is adequately powered if its standard error is at most |WLS|/2.8 (80 %
    power at 5 % two-sided). Where fewer than two are, WAAP-WLS is WLS.

    References
    ----------
    Stanley TD, Doucouliagos H, Ioannidis JPA (2017). Finding the power to reduce publication bias. Stat Med
    36:1580-1598. DOI 10.1002/sim.7228. (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.25],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.008, 0.005])
    >>> print(waap_wls(effects))
    WAAP-WLS 0.27 (−0.04 to 0.58) of 2 of 6 studies; WLS 0.29 (0.19 to 0.39)
    """
    level = check_confidence_level(confidence_level)
    studies = studies_of(effects, least=2)
    weight = 1 / studies.variance
    mean, variance, df, dispersion = _wls(studies.effect, weight)
    adequate = np.sqrt(studies.variance) <= np.abs(mean) / _ADEQUATE
    count = adequate.sum(axis=0).astype(np.float64)
    kept = np.where(count >= 2, weight * adequate, weight)
    powered = _wls(studies.effect, kept)
    shape = studies.shape
    return WaapWls(
        wls=_estimate(effects, mean, variance, df, level, "WLS", shape),
        waap=_estimate(effects, *powered[:3], level, "WAAP-WLS", shape),
        n_adequate=count.reshape(shape),
        n_studies=(df + 1).reshape(shape),
        dispersion=dispersion.reshape(shape),
    )


def _wls(y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the mean, its variance, degrees of freedom and dispersion."""
    total = weight.sum(axis=0)
    mean = (weight * y).sum(axis=0) / total
    df = (weight > 0).sum(axis=0) - 1.0
    q = (weight * (y - mean) ** 2).sum(axis=0)
    exact = q <= 1e-24 * (weight * y**2).sum(axis=0)
    if exact.any():
        first = int(np.flatnonzero(exact)[0])
        place = "" if exact.size == 1 else f" (set {first}, counted flat)"
        raise ValueError(
            f"The effects must differ, but are {mean[first]:g} in all studies that count{place}: there is no "
            "dispersion to judge the mean by. pool(effects, model='common', ci='wald') needs none."
        )
    dispersion = q / df
    return mean, dispersion / total, df, dispersion
