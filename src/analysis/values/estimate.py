"""Results: `Estimate` as a measure gives it, `EffectSizes` as a meta-analysis takes them.

Values and limits are on the reporting scale (a ratio is a ratio); `std_error` and `variance` are on the
analysis scale, named by `scale`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from analysis.values.arguments import as_numbers, broadcast, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of
from analysis.values.text import short_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["EffectSizes", "Estimate"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate(Framed):
    """An estimate with its confidence interval, for one table or an array of tables.

    Parameters
    ----------
    measure : str
        metafor's code ("RR").
    value, low, high : ndarray
        Estimate and limits on the reporting scale. NaN where a table carries no information; a limit is
        infinite (or 0 for a ratio) where the data do not bound it.
    confidence_level : float
        In (0, 1).
    std_error : ndarray or None
        Standard error on `scale`; None for methods that have none (exact intervals).
    scale : str
        "identity", "log", "logit", "square-root" or "arcsine".
    method : str
        How the interval was computed ("wilson").
    pvalue : ndarray or None
        Two-sided P-value of no effect from the same statistic as the interval; None where the measure has
        no null value.
    correction : float or None
        What was added to each cell of the tables with an empty cell; None if nothing was.
    """

    measure: str
    value: FloatArray
    low: FloatArray
    high: FloatArray
    confidence_level: float
    std_error: FloatArray | None
    scale: str
    method: str
    pvalue: FloatArray | None = None
    correction: float | None = None

    def __post_init__(self) -> None:
        for name in ("value", "low", "high", "std_error", "pvalue"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of estimates; () for one."""
        return self.value.shape

    def __getitem__(self, key: Any) -> Estimate:  # noqa: ANN401 -- whatever numpy takes as an index
        """Select estimates as numpy selects entries."""
        return Estimate(
            measure=self.measure,
            value=np.asarray(self.value[key]),
            low=np.asarray(self.low[key]),
            high=np.asarray(self.high[key]),
            confidence_level=self.confidence_level,
            std_error=None if self.std_error is None else np.asarray(self.std_error[key]),
            scale=self.scale,
            method=self.method,
            pvalue=None if self.pvalue is None else np.asarray(self.pvalue[key]),
            correction=self.correction,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per estimate, in C order, at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {"measure": self.measure}
        for name in ("value", "low", "high"):
            columns[name] = getattr(self, name).ravel()
        columns["confidence_level"] = self.confidence_level
        for name in ("std_error", "pvalue"):
            array = getattr(self, name)
            columns[name] = np.nan if array is None else array.ravel()
        columns |= {"scale": self.scale, "method": self.method, "correction": self.correction}
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        """Return the text that a paper prints; an array gives one line each, at most ten."""
        rows = zip(self.value.flat, self.low.flat, self.high.flat, strict=True)
        percent = measure_of(self.measure).percent
        texts = []
        for number, (value, low, high) in enumerate(rows):
            if number == 10:
                texts.append(f"... ({self.value.size} in all)")
                break
            texts.append(short_interval(value, low, high, percent=percent))
        return "\n".join(texts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False)
class EffectSizes(Framed):
    """Effects and their sampling variances on the analysis scale, the last axis being studies.

    Parameters
    ----------
    effect, variance : array_like
        Effects (a log risk ratio, not a risk ratio) and sampling variances, of shapes that broadcast. NaN
        marks a study that carries no information; `pool` wants it masked by `where=`.
    measure : str, default "GEN"
        metafor's code.
    label : sequence of str, optional
        One name a study.

    Attributes
    ----------
    scale : str
        The analysis scale, which follows from the measure.

    Raises
    ------
    TypeError
        If an argument is not numeric.
    ValueError
        If a variance is negative, the measure unknown, or the labels do not match the studies.
    """

    effect: FloatArray
    variance: FloatArray
    measure: str
    scale: str
    label: tuple[str, ...] | None

    def __init__(
        self,
        *,
        effect: ArrayLike,
        variance: ArrayLike,
        measure: str = "GEN",
        label: Sequence[str] | None = None,
    ) -> None:
        effects, variances = broadcast(
            effect=as_numbers("effect", effect), variance=as_numbers("variance", variance)
        )
        if effects.size == 0:
            raise ValueError(f"`effect` must hold at least one study, but is empty (shape {effects.shape}).")
        fault = variances < 0
        if fault.any():
            index = tuple(int(i) for i in np.argwhere(fault)[0])
            raise ValueError(
                f"`variance` must not be negative, but got {variances[index]:g} at index "
                f"{index[0] if len(index) == 1 else index}. Variances, not standard errors, are wanted."
            )
        names = None if label is None else tuple(str(name) for name in label)
        studies = effects.shape[-1] if effects.shape else 1
        if names is not None and len(names) != studies:
            raise ValueError(f"`label` must name {studies} studies, but names {len(names)}.")
        values = {
            "effect": effects,
            "variance": variances,
            "measure": measure,
            "scale": measure_of(measure).scale,
            "label": names,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_estimates(
        cls,
        estimate: ArrayLike,
        low: ArrayLike,
        high: ArrayLike,
        *,
        measure: str,
        confidence_level: float = 0.95,
        label: Sequence[str] | None = None,
    ) -> Self:
        """Build from published estimates with their confidence intervals.

        Parameters
        ----------
        estimate, low, high : array_like
            On the reporting scale: ratios for a ratio measure.
        measure : str
            metafor's code; decides the scale on which the interval is taken to be symmetric.
        confidence_level : float, default 0.95
            Level of the printed intervals.
        label : sequence of str, optional
            One name a study.

        Raises
        ------
        ValueError
            If limits are not below and above the estimate, or a ratio is not greater than 0.

        Notes
        -----
        The standard error is the width of the interval on the analysis scale over twice the normal
        quantile. The estimate itself is taken as printed, not as the middle of the interval.

        Examples
        --------
        The adjusted hazard ratio of Sharif et al. 2023, 1.83 (1.58-2.11):

        >>> effects = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
        >>> round(float(effects.variance) ** 0.5, 4)
        0.0738
        """
        level = check_confidence_level(confidence_level)
        scale = scale_of(measure_of(measure).scale)
        values, lower, upper = broadcast(
            estimate=as_numbers("estimate", estimate),
            low=as_numbers("low", low),
            high=as_numbers("high", high),
        )
        fault = ~((lower <= values) & (values <= upper) & (lower < upper))
        if fault.any():
            index = tuple(int(i) for i in np.argwhere(fault)[0])
            raise ValueError(
                f"`low` <= `estimate` <= `high` must hold, but got {values[index]:g} "
                f"({lower[index]:g} to {upper[index]:g}) at index {index}."
            )
        transformed = scale.forward(lower), scale.forward(values), scale.forward(upper)
        if not all(np.isfinite(array).all() for array in transformed):
            raise ValueError(
                f"`estimate` and its limits must be finite on the {scale.name} scale of measure {measure}."
            )
        std_error = (transformed[2] - transformed[0]) / (2 * normal_quantile((1 + level) / 2))
        return cls(effect=transformed[1], variance=std_error**2, measure=measure, label=label)

    @property
    def std_error(self) -> FloatArray:
        """Square root of the variance."""
        return np.sqrt(self.variance)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the effects; the last axis is studies."""
        return self.effect.shape

    def interval(self, *, confidence_level: float = 0.95) -> Estimate:
        """Return each study's estimate with its normal interval, on the reporting scale."""
        level = check_confidence_level(confidence_level)
        scale = scale_of(self.scale)
        half = normal_quantile((1 + level) / 2) * self.std_error
        return Estimate(
            measure=self.measure,
            value=scale.backward(self.effect),
            low=scale.backward(self.effect - half),
            high=scale.backward(self.effect + half),
            confidence_level=level,
            std_error=self.std_error,
            scale=self.scale,
            method="wald",
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per study (and replicate, in C order), at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {"effect": self.effect.ravel(), "variance": self.variance.ravel()}
        if self.label is not None:
            repeats = self.effect.size // len(self.label)
            columns = {"label": list(self.label) * repeats} | columns
        return pd.DataFrame(columns | {"measure": self.measure, "scale": self.scale})
