"""What a tipping surface shows, laid out for drawing: both axes, the values, the marks.

Takes a finished `TippingPoint`; how it is drawn is decided in `tipping_surface`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.bias.tipping import TippingPoint
from analysis.figures.parts.axes import nice_ticks
from analysis.figures.parts.bias_page import Span
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Surface", "plotted_numbers", "surface_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The finished numbers, laid out for drawing.

    Parameters
    ----------
    result : TippingPoint
        What is drawn.
    x, y : ndarray
        Values of the two parameters, from no bias to the stated one.
    z : masked array, shape (y, x)
        What is to reach the target; masked where there is none.
    names : tuple of str
        Of the two axes.
    log_axes : bool
        Whether both are logarithmic.
    """

    result: TippingPoint
    x: FloatArray
    y: FloatArray
    z: np.ma.MaskedArray[Any, np.dtype[np.float64]]
    names: tuple[str, str]
    log_axes: bool

    @property
    def log(self) -> bool:
        """Whether values change evenly on their log scale."""
        return measure_of(self.result.measure).scale == "log"

    @property
    def spans(self) -> tuple[Span, Span]:
        """The two axes."""
        ends = ((axis.min(), axis.max()) for axis in (self.x, self.y))
        first, second = (
            Span(name=name, low=float(low), high=float(high), log=self.log_axes)
            for name, (low, high) in zip(self.names, ends, strict=True)
        )
        return first, second

    @property
    def stands_above(self) -> bool:
        """Whether the result lies above the target without bias."""
        return float(self.result.unbiased.item()) > self.result.target

    @property
    def tips(self) -> bool:
        """Whether the target is reached anywhere."""
        return bool(self.z.min() < self.result.target < self.z.max())

    @property
    def missing(self) -> BoolArray:
        """Where the parameters contradict the data, or leave no limit."""
        return np.asarray(np.ma.getmaskarray(self.z))

    @property
    def _logarithms(self) -> bool:
        # A ratio changes evenly on its log scale: lines between points of the grid are straighter there.
        return self.log and float(self.z.min()) > 0

    def heights(self) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
        """Return the values on the scale that contours are sought on."""
        return np.ma.log(self.z) if self._logarithms else self.z

    def height_of(self, value: float) -> float:
        """Return a value on that scale."""
        return math.log(value) if self._logarithms else value

    def levels(self) -> list[float]:
        """Return round values between the lowest and the highest, without the target."""
        low, high = float(self.z.min()), float(self.z.max())
        ticks = nice_ticks(low, high, width=200.0, log=self._logarithms)[0]
        apart = 0.03 * (self.height_of(high) - self.height_of(low))
        return [
            tick
            for tick in ticks
            if low < tick < high and abs(self.height_of(tick) - self.height_of(self.result.target)) > apart
        ]

    def points(self) -> list[tuple[str, float, float, float]]:
        """Return what is marked: kind, both coordinates, and the value there."""
        result, (first, second) = self.result, self.places
        found = [
            ("neutral", float(self.x[0]), float(self.y[0]), self.at(0, 0)),
            ("stated", float(self.x[-1]), float(self.y[-1]), self.at(-1, -1)),
        ]
        if np.isfinite(result.joint).all() and result.joint.item() > 0:
            joint = result.joint_values.reshape(len(result.parameters))
            found.append(("joint", float(joint[first]), float(joint[second]), result.target))
        tipping = result.tipping.reshape(len(result.parameters))
        for parameter, across in ((first, True), (second, False)):
            if np.isfinite(tipping[parameter]) and tipping[parameter] != result.neutral[parameter]:
                x = float(tipping[parameter]) if across else float(self.x[-1])
                y = float(self.y[-1]) if across else float(tipping[parameter])
                found.append(("alone", x, y, result.target))
        return found

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The names of the axes, without their scale."""
        return tuple(name.removesuffix(" (log scale)") for name in self.names)

    @property
    def places(self) -> tuple[int, int]:
        """Where the two parameters stand among all."""
        axes = self.result.axes or ("", "")
        first, second = (self.result.parameters.index(name) for name in axes)
        return first, second

    def at(self, row: int, column: int) -> float:
        """Return one value of the surface; NaN where there is none."""
        return float(np.ma.filled(self.z, np.nan)[row, column])


def surface_of(result: TippingPoint, labels: Mapping[str, str] | None, *, log: bool) -> Surface:
    """Check a result and lay it out; what is wrong is named."""
    if not isinstance(result, TippingPoint):
        raise TypeError(f"`result` must be a TippingPoint, but got {type(result).__name__}.")
    if result.surface is None or result.surface_x is None or result.surface_y is None or result.axes is None:
        raise ValueError("`result` must have a surface. Run tipping_point(..., surface=(...)).")
    if result.joint.size != 1:
        raise ValueError(f"`result` must be of one table, but has {result.joint.size}. Run one table.")
    x, y = result.surface_x, result.surface_y
    z = np.ma.masked_invalid(result.surface.reshape(y.size, x.size))
    if x[0] == x[-1] or y[0] == y[-1] or z.count() == 0 or z.min() == z.max():
        raise ValueError("`result` must vary over both parameters of its surface. Name two others.")
    names = dict(labels or {})
    unknown = sorted(set(names) - set(result.parameters))
    if unknown:
        raise ValueError(
            f"`labels` must name parameters among {', '.join(result.parameters)}, but got {unknown[0]!r}."
        )
    if log and min(x.min(), y.min()) <= 0:
        raise ValueError("`log` must be False where a parameter goes to 0. Leave it out.")
    first, second = (f"{names.get(name, _words(name))}{' (log scale)' * log}" for name in result.axes)
    return Surface(result=result, x=x, y=y, z=z, names=(first, second), log_axes=log)


def _words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def plotted_numbers(surface: Surface) -> pd.DataFrame:
    """Return a row for each mark and each point of the surface, at full precision."""
    import pandas as pd

    across, up = np.meshgrid(surface.x, surface.y)
    grid = pd.DataFrame(
        {
            "mark": "surface",
            "x": across.ravel(),
            "y": up.ravel(),
            "value": np.ma.filled(surface.z, np.nan).ravel(),
        }
    )
    points = pd.DataFrame(surface.points(), columns=["mark", "x", "y", "value"])
    first, second = surface.result.axes or ("", "")
    return pd.concat([points, grid], ignore_index=True).assign(
        x_parameter=first, y_parameter=second, measure=surface.result.measure, target=surface.result.target
    )
