"""What leaving studies out finds: the results of `analysis.meta.influence`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import read_only
from analysis.values.framed import Framed
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import BoolArray, FloatArray, IntArray
    from analysis.values.estimate import Estimate

__all__ = ["Baujat", "BestLinearPredictions", "Influence", "PooledSteps", "Radial"]

_AT_MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledSteps(Framed):
    """Meta-analyses of the same studies less one each, or of the first one, two, three.

    Parameters
    ----------
    pooled : PooledEstimate
        Shape (..., m): the last axis is the steps.
    label : tuple of str
        The study that was left out or added, one a step.
    study : ndarray of int, shape (m,)
        Its position in the effects.
    kind : str
        "leave-one-out" or "cumulative".
    """

    pooled: PooledEstimate
    label: tuple[str, ...]
    study: IntArray
    kind: str

    @property
    def estimate(self) -> Estimate:
        """The mean effects on the reporting scale."""
        return self.pooled.estimate

    def to_frame(self) -> pd.DataFrame:
        """Return one row a step (and replicate, in C order), at full precision."""
        frame = self.pooled.to_frame()
        repeats = self.pooled.mean.size // len(self.label)
        frame.insert(0, "study", np.tile(self.study, repeats))
        frame.insert(0, "label", list(self.label) * repeats)
        return frame.assign(kind=self.kind)

    def __str__(self) -> str:
        """Return one line a step of one meta-analysis; several give their number."""
        if self.pooled.mean.ndim > 1:
            return (
                f"{self.kind.capitalize()}: {len(self.label)} steps of {self.pooled.shape[:-1]} meta-analyses"
            )
        sign = "−" if self.kind == "leave-one-out" else "+"
        heterogeneity = (self.pooled.i2, self.pooled.tau2)
        lines = [
            f"{sign} {self.label[i]}: {self.estimate[i]}; "
            f"I² = {heterogeneity[0][i]:.0f}%, τ² = {heterogeneity[1][i]:.3g}"
            for i in range(len(self.label))
        ]
        return _shortened(lines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence(Framed):
    """What each study does to a meta-analysis, arrays over (..., k), all on the analysis scale.

    Parameters
    ----------
    label : tuple of str
        The studies.
    study : ndarray of int, shape (k,)
        Their positions in the effects.
    rstudent : ndarray
        Deleted residuals over their standard errors: how far a study is from what the others predict.
    rstudent_residual, rstudent_std_error : ndarray
        The residual y - mean of the others, and its standard error.
    rstandard, rstandard_residual, rstandard_std_error : ndarray
        The same from the fit of all studies.
    dffits : ndarray
        Change of the fitted value in standard errors.
    cooks_distance : ndarray
        Squared change of the mean over its variance.
    covariance_ratio : ndarray
        Variance of the mean without the study over that with it: below 1 the others alone are more precise.
    tau2_deleted, q_deleted : ndarray
        tau2 and Cochran's Q without the study.
    hat, weight : ndarray
        Leverage, and weight in percent.
    dfbetas : ndarray
        Change of the mean in standard errors.
    influential : ndarray of bool
        Whether one of the limits is passed that `influence` names.
    """

    label: tuple[str, ...]
    study: IntArray
    rstudent: FloatArray
    rstudent_residual: FloatArray
    rstudent_std_error: FloatArray
    rstandard: FloatArray
    rstandard_residual: FloatArray
    rstandard_std_error: FloatArray
    dffits: FloatArray
    cooks_distance: FloatArray
    covariance_ratio: FloatArray
    tau2_deleted: FloatArray
    q_deleted: FloatArray
    hat: FloatArray
    weight: FloatArray
    dfbetas: FloatArray
    influential: BoolArray

    def __post_init__(self) -> None:
        for field in fields(self)[2:-1]:
            object.__setattr__(self, field.name, read_only(getattr(self, field.name)))
        self.influential.flags.writeable = False

    def to_frame(self) -> pd.DataFrame:
        """Return one row a study (and replicate, in C order), at full precision."""
        return _framed(self)

    def __str__(self) -> str:
        """Return the studies that are influential, each with its diagnostics."""
        if self.hat.ndim > 1:
            share = int(self.influential.any(axis=-1).sum())
            return f"{share} of {self.hat.size // len(self.label)} meta-analyses have influential studies"
        found = np.flatnonzero(self.influential)
        if not found.size:
            return f"None of {len(self.label)} studies is influential"
        lines = [
            f"{self.label[i]}: studentized residual {short_number(self.rstudent[i], digits=2)}, "
            f"Cook's distance {short_number(self.cooks_distance[i], digits=2)}, "
            f"weight {self.weight[i]:.1f}%"
            for i in found
        ]
        verb = "is" if found.size == 1 else "are"
        return _shortened([f"{found.size} of {len(self.label)} studies {verb} influential", *lines])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baujat(Framed):
    """Coordinates of a Baujat plot, arrays over (..., k).

    Parameters
    ----------
    label : tuple of str
        The studies.
    study : ndarray of int, shape (k,)
        Their positions in the effects.
    heterogeneity : ndarray
        Horizontal: the share of a study in the heterogeneity statistic; under the common-effect model these
        add to Cochran's Q.
    influence : ndarray
        Vertical: squared change of the mean without the study, over the variance of the mean without it.
    """

    label: tuple[str, ...]
    study: IntArray
    heterogeneity: FloatArray
    influence: FloatArray

    def __post_init__(self) -> None:
        for name in ("heterogeneity", "influence"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a study (and replicate, in C order), at full precision."""
        return _framed(self)

    def __str__(self) -> str:
        """Return the study that adds most to heterogeneity, and the one that moves the mean most."""
        if self.influence.ndim > 1:
            return f"Baujat plots of {self.influence.shape[:-1]} meta-analyses"
        parts = []
        for what, values in (("heterogeneity", self.heterogeneity), ("the mean", self.influence)):
            i = int(values.argmax())
            parts.append(f"{what}: {self.label[i]} ({short_number(values[i], digits=2)})")
        return f"Largest contribution to {parts[0]}; to {parts[1]}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Radial(Framed):
    """Coordinates of a radial plot (Galbraith), arrays over (..., k).

    Parameters
    ----------
    label : tuple of str
        The studies.
    study : ndarray of int, shape (k,)
        Their positions in the effects.
    precision : ndarray
        Horizontal: 1/sqrt(v + tau2).
    standardized : ndarray
        Vertical: the effect times its precision.
    slope : PooledEstimate
        The line through the origin whose slope is the pooled mean.
    half_band : float
        Points are expected within so much of the line, up and down: the normal quantile of the level.
    """

    label: tuple[str, ...]
    study: IntArray
    precision: FloatArray
    standardized: FloatArray
    slope: PooledEstimate
    half_band: float

    def __post_init__(self) -> None:
        for name in ("precision", "standardized"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def distance(self) -> FloatArray:
        """Vertical distance from the line; beyond `half_band` a study does not agree with the mean."""
        return self.standardized - self.slope.mean[..., np.newaxis] * self.precision

    def to_frame(self) -> pd.DataFrame:
        """Return one row a study (and replicate, in C order), at full precision."""
        return _framed(self).assign(distance=self.distance.ravel(), half_band=self.half_band)

    def __str__(self) -> str:
        """Return how many studies lie outside of the band."""
        outside = int((np.abs(self.distance) > self.half_band).sum())
        return f"{outside} of {self.distance.size} studies lie more than {self.half_band:.2f} from the line"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestLinearPredictions(Framed):
    """Best linear unbiased predictions of the studies' true effects, arrays over (..., k).

    Parameters
    ----------
    label : tuple of str
        The studies.
    study : ndarray of int, shape (k,)
        Their positions in the effects.
    prediction : Estimate
        The true effects of the studies, shrunken towards the mean.
    random_effect, random_effect_std_error, random_effect_low, random_effect_high : ndarray
        Their deviations from the mean, on the analysis scale.
    shrinkage : ndarray
        v/(v + tau2): what part of the way to the mean an effect is moved.
    pooled : PooledEstimate
        The meta-analysis.
    """

    label: tuple[str, ...]
    study: IntArray
    prediction: Estimate
    random_effect: FloatArray
    random_effect_std_error: FloatArray
    random_effect_low: FloatArray
    random_effect_high: FloatArray
    shrinkage: FloatArray
    pooled: PooledEstimate

    def __post_init__(self) -> None:
        for field in fields(self)[3:8]:
            object.__setattr__(self, field.name, read_only(getattr(self, field.name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a study (and replicate, in C order), at full precision."""
        own = _framed(self)
        estimates = self.prediction.to_frame()
        for place, name in enumerate(estimates):
            own.insert(2 + place, name, estimates[name].to_numpy())
        return own

    def __str__(self) -> str:
        """Return one line a study of one meta-analysis; several give their number."""
        if self.shrinkage.ndim > 1:
            return f"Predictions for {self.shrinkage.size} studies of {self.pooled.shape} meta-analyses"
        return _shortened([f"{name}: {self.prediction[i]}" for i, name in enumerate(self.label)])


def _framed(result: Influence | Baujat | Radial | BestLinearPredictions) -> pd.DataFrame:
    """Return the labels and every array over (..., k) as columns."""
    import pandas as pd

    arrays = {
        field.name: getattr(result, field.name).ravel()
        for field in fields(result)
        if field.name != "study" and isinstance(getattr(result, field.name), np.ndarray)
    }
    repeats = next(iter(arrays.values())).size // len(result.label)
    return pd.DataFrame(
        {"label": list(result.label) * repeats, "study": np.tile(result.study, repeats), **arrays}
    )


def _shortened(lines: list[str]) -> str:
    if len(lines) > _AT_MOST:
        lines = [*lines[:_AT_MOST], f"... ({len(lines)} in all)"]
    return "\n".join(lines)
