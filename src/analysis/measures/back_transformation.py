"""From the analysis scale back to proportions, rates and ratios: of studies, and of pooled effects.

The way there is `effect_size`. Freeman and Tukey's double transformations are the ones that need the sample
size to come back, which a pooled effect does not have.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, overload

import numpy as np

from analysis.errors import TransformationWarning
from analysis.measures.effect_size import double_arcsine, double_square_root
from analysis.values.arguments import as_numbers, as_positive, broadcast
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["back_transform", "inverse_double_arcsine", "inverse_double_square_root"]

# Measure, the argument that says how large the sample is, and what comes out.
_DOUBLE = {"PFT": ("total", "PR"), "IRFT": ("person_time", "IR")}
_INSTEAD = {"total": '"PLO" or "PAS"', "person_time": '"IRLN" or "IRS"'}
# Harmonic and arithmetic mean of the sample sizes give results further apart than this: a warning.
_TOLERATED = 0.1


@overload
def back_transform(
    values: Estimate,
    *,
    measure: str | None = None,
    total: ArrayLike | None = None,
    person_time: ArrayLike | None = None,
    pooled: bool = False,
) -> Estimate: ...


@overload
def back_transform(
    values: ArrayLike,
    *,
    measure: str | None = None,
    total: ArrayLike | None = None,
    person_time: ArrayLike | None = None,
    pooled: bool = False,
) -> FloatArray: ...


def back_transform(
    values: ArrayLike | Estimate,
    *,
    measure: str | None = None,
    total: ArrayLike | None = None,
    person_time: ArrayLike | None = None,
    pooled: bool = False,
) -> FloatArray | Estimate:
    """Bring effects from the analysis scale to the reporting scale.

    Parameters
    ----------
    values : array_like or Estimate
        Effects or limits on the analysis scale (log odds ratios). An `Estimate` is on the reporting scale
        already, but for "PFT" and "IRFT", whose value and limits are brought back together.
    measure : str, optional
        metafor's code; that of the estimate if `values` is one.
    total : array_like, optional
        Persons, for "PFT" only and needed there. One a value; with `pooled`, those of the studies that were
        pooled, on the last axis.
    person_time : array_like, optional
        For "IRFT" only and needed there, as `total`.
    pooled : bool, default False
        Whether the values are pooled effects of the studies whose sizes are given. Their harmonic mean is
        then used.

    Returns
    -------
    ndarray or Estimate
        What was given, on the reporting scale: an `Estimate` of measure "PR" or "IR" without standard error.

    Warns
    -----
    TransformationWarning
        If a pooled Freeman-Tukey result changes by more than a tenth (of the proportion, its complement or
        the rate) when the arithmetic instead of the harmonic mean of the sizes is used. Use "PLO" or "PAS"
        ("IRLN" or "IRS") then.

    Raises
    ------
    TypeError
        If the measure is not given, or sizes are given where none are wanted or are missing where one is.
    ValueError
        If the measure is unknown, a size is not greater than 0, or an estimate is on its reporting scale
        already.

    Notes
    -----
    Double arcsine y, with s = sin 2y + (sin 2y - 1/sin 2y)/n: p = (1 - sign(cos 2y) √(1 - s²))/2; values
    beyond those of no event and of only events give 0 and 1 (Miller 1978). Double square root: rate = (y -
    1/(4 y t))², and 0 up to the y of no event.

    The inverse is exact for a study's own y and n. A pooled y belongs to no n. Schwarzer et al. (2019) show
    a meta-analysis in which the harmonic mean makes the pooled proportion lie outside the range of all
    studies; the function warns, it does not repair.

    References
    ----------
    Miller JJ (1978). The inverse of the Freeman-Tukey double arcsine transformation. Am Stat 32:138.
    DOI 10.1080/00031305.1978.10479283

    Schwarzer G, Chemaitelly H, Abu-Raddad LJ, Rücker G (2019). Seriously misleading results using inverse of
    Freeman-Tukey double arcsine transformation in meta-analysis of single proportions. Res Synth Methods
    10:476-483. DOI 10.1002/jrsm.1348

    Examples
    --------
    >>> from analysis import Proportion, effect_sizes
    >>> studies = Proportion(events=[3, 0, 20], total=[40, 25, 100])
    >>> effects = effect_sizes(studies, "PFT")
    >>> back_transform(effects.effect, measure="PFT", total=studies.total).round(12)
    array([0.075, 0.   , 0.2  ])
    """
    estimate = values if isinstance(values, Estimate) else None
    code = _measure(measure, estimate)
    if code not in _DOUBLE:
        if total is not None or person_time is not None or pooled:
            raise TypeError(
                "`total`, `person_time` and `pooled` are for measures PFT and IRFT, "
                f"but `measure` is {code!r}."
            )
        if estimate is not None:
            raise ValueError(f"`values` is an Estimate of {code}, which is on its reporting scale already.")
        return scale_of(measure_of(code).scale).backward(as_numbers("values", values))  # type: ignore[arg-type]
    name, target = _DOUBLE[code]
    sizes = {"total": total, "person_time": person_time}
    given = sizes.pop(name)
    if given is None or any(size is not None for size in sizes.values()):
        raise TypeError(f"`{name}` must be given for {code}, and it alone.")
    size = as_positive(name, given)
    parts = (
        (values,)
        if estimate is None
        else (
            estimate.value,
            estimate.low,
            estimate.high,
        )
    )
    inverse = inverse_double_arcsine if code == "PFT" else inverse_double_square_root
    arrays = [as_numbers("values", part) for part in parts]  # type: ignore[arg-type]
    if pooled:
        if size.ndim == 0:
            raise ValueError(f"`{name}` must list the sizes of the pooled studies, but got one number.")
        size, other = 1 / np.mean(1 / size, axis=-1), np.mean(size, axis=-1)
        _warn_if_unsettled(arrays, size, other, inverse, name)
    results = [inverse(*broadcast(values=array, **{name: size})) for array in arrays]
    if estimate is None:
        return results[0]
    return Estimate(
        measure=target,
        value=results[0],
        low=results[1],
        high=results[2],
        confidence_level=estimate.confidence_level,
        std_error=None,
        scale=measure_of(target).scale,
        method=estimate.method,
    )


def inverse_double_arcsine(values: FloatArray, total: FloatArray) -> FloatArray:
    """Return the proportions whose double arcsine in samples of `total` is `values`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sine, cosine = np.sin(2 * values), np.cos(2 * values)
        # sin 2y + (sin 2y - 1/sin 2y)/n, with sin² - 1 = -cos²; the share that cancels is taken out.
        s = sine - cosine * cosine / (sine * total)
        root = np.sqrt(np.maximum((1 - s) * (1 + s), 0.0))
        # (1 - root)/2 without its cancellation.
        smaller = s * s / (2 * (1 + root))
        proportion = np.where(cosine >= 0, smaller, (1 + root) / 2)
        proportion = np.where(values <= double_arcsine(np.zeros(()), total), 0.0, proportion)
        proportion = np.where(values >= double_arcsine(total, total), 1.0, proportion)
    return np.where(np.isnan(values), np.nan, proportion)


def inverse_double_square_root(values: FloatArray, person_time: FloatArray) -> FloatArray:
    """Return the rates whose double square root over `person_time` is `values`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.square(values - 1 / (4 * values * person_time))
        return np.where(values <= double_square_root(np.zeros(()), person_time), 0.0, rate)


def _measure(measure: str | None, estimate: Estimate | None) -> str:
    if estimate is not None:
        if measure not in {None, estimate.measure}:
            raise ValueError(
                f"`measure` must be that of the estimate, {estimate.measure!r}, but got {measure!r}."
            )
        return estimate.measure
    if measure is None:
        raise TypeError('`measure` must be given for numbers: write measure="PFT", for example.')
    return measure_of(measure).code


def _warn_if_unsettled(
    arrays: list[FloatArray],
    harmonic: FloatArray,
    arithmetic: FloatArray,
    inverse: Callable[[FloatArray, FloatArray], FloatArray],
    name: str,
) -> None:
    value, size, other = broadcast(values=arrays[0], harmonic=harmonic, arithmetic=arithmetic)
    first, second = inverse(value, size), inverse(value, other)
    near = np.maximum(first, second)
    if name == "total":
        # Near 1 it is the complement whose digits count.
        near = np.minimum(near, np.maximum(1 - first, 1 - second))
    unsettled = np.abs(first - second) > _TOLERATED * near
    if unsettled.any():
        index = tuple(np.argwhere(unsettled)[0])
        warnings.warn(
            f"The pooled Freeman-Tukey result depends on which mean of `{name}` brings it back: "
            f"{first[index]:.3g} with the harmonic mean {size[index]:.4g}, {second[index]:.3g} with the "
            f"arithmetic mean {other[index]:.4g}. Pool on another scale: {_INSTEAD[name]}.",
            TransformationWarning,
            stacklevel=3,
        )
