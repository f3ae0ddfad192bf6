"""From uniforms to adjusted effects: the parameters of all biases in their order, and the variance left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.distributions import Fixed
from analysis.bias.methods.draw_bias import Bias, correlation_matrix
from analysis.bias.methods.draw_cells import NOT_ESTIMABLE, State, effect_of
from analysis.bias.methods.draw_uniforms import mixed
from analysis.bias.methods.linear import cells_of
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.methods.cells import Cells
from analysis.measures.rates import rate_difference, rate_ratio
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from analysis.values.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Parameters", "Subject", "check_biases", "square_root"]

_MEASURES: dict[str, Callable[..., Estimate]] = {
    "OR": odds_ratio,
    "RR": risk_ratio,
    "RD": risk_difference,
    "IRR": rate_ratio,
    "IRD": rate_difference,
}
_OF_TABLES, _OF_RATES = ("OR", "RR", "RD"), ("IRR", "IRD")
# Imaginary step of the complex derivative; any value far below rounding is exact.
_STEP = 1e-30


class Subject:
    """What is adjusted: tables, rates, or estimates without their cells.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
        Of any shape.
    measure : str or None
        "OR", "RR" or "RD" of a table, "IRR" or "IRD" of rates; that of effect sizes is their own.
    """

    __slots__ = ("cells", "conventional", "crude", "data", "measure", "shape", "std_error")

    def __init__(
        self, data: TwoByTwo | TwoRates | EffectSizes, measure: str | None, confidence_level: float
    ) -> None:
        # What a bias asks for when it says whether it fits.
        self.data = "estimate"
        if isinstance(data, EffectSizes):
            self.measure = (
                data.measure if measure is None else check_choice("measure", measure, [data.measure])
            )
            if data.scale != "log":
                raise ValueError(
                    f"`data` must be ratios where there are no cells, but got measure {data.measure}. "
                    "Give the counts, or effect sizes of measure OR, RR, HR or IRR."
                )
            self.cells: Cells | None = None
            self.crude: FloatArray | None = data.effect
            self.std_error = data.std_error
            self.conventional: Estimate = data.interval(confidence_level=confidence_level)
            fault = ~np.isfinite(data.effect) | ~np.isfinite(data.variance)
            if fault.any():
                raise ValueError(
                    f"`data` must be finite, but the effect is {data.effect[fault].flat[0]:g} at index "
                    f"{tuple(int(i) for i in np.argwhere(fault)[0])}. Leave that study out."
                )
        elif isinstance(data, (TwoByTwo, TwoRates)):
            self.data, known = ("table", _OF_TABLES) if isinstance(data, TwoByTwo) else ("rates", _OF_RATES)
            self.measure = known[0] if measure is None else check_choice("measure", measure, known)
            self.cells = cells_of(data)
            self.crude = None
            self.conventional = _MEASURES[self.measure](data, confidence_level=confidence_level)
            if self.conventional.std_error is None:
                raise ValueError("`measure` must have a standard error.")
            self.std_error = self.conventional.std_error
        else:
            raise TypeError(
                f"`data` must be a TwoByTwo or EffectSizes, or TwoRates, but got {type(data).__name__}."
            )
        self.shape = self.conventional.shape

    @property
    def scale(self) -> str:
        """Analysis scale."""
        return measure_of(self.measure).scale

    def take(self, index: IntArray | None = None) -> Subject:
        """Return the subject with its tables along one axis, those of `index` where it is given."""
        flat = object.__new__(Subject)
        flat.measure, flat.conventional, flat.data = self.measure, self.conventional, self.data

        def chosen(array: FloatArray) -> FloatArray:
            row = array.reshape(-1)
            return row if index is None else row[index]

        flat.cells = None if self.cells is None else Cells(*(chosen(cell) for cell in self.cells))
        flat.crude = None if self.crude is None else chosen(self.crude)
        flat.std_error = chosen(self.std_error)
        flat.shape = flat.std_error.shape
        return flat

    def resampled(self, part: slice, shape: tuple[int, int], rng: np.random.Generator) -> Cells | None:
        """Return cells drawn anew, of shape (draws, tables); person-time is fixed."""
        if self.cells is None:
            return None
        fixed = self.data == "rates"
        return Cells(
            *(
                cell[part] if fixed and place % 2 else rng.poisson(cell[part], shape).astype(np.float64)
                for place, cell in enumerate(self.cells)
            )
        )

    def adjusted(
        self,
        biases: Sequence[Bias],
        values: Sequence[Mapping[str, FloatArray]],
        *,
        cells: Cells | None = None,
        part: slice | None = None,
    ) -> tuple[FloatArray, dict[str, BoolArray]]:
        """Return effects on the analysis scale, NaN where impossible, and the draws ruled out by each reason.

        `cells` replaces the observed ones; `part` takes some of the tables of a flat subject.
        """
        used, crude = self.cells if cells is None else cells, self.crude
        if part is not None:
            crude = None if crude is None else crude[part]
            if cells is None and used is not None:
                used = Cells(*(cell[part] for cell in used))
        state = State(self.measure, used)
        with np.errstate(all="ignore"):
            for bias, drawn in zip(biases, values, strict=True):
                bias.apply(state, drawn)
            effect = effect_of(state, crude)
        ruled_out = np.zeros(effect.shape, dtype=bool)
        for mask in state.impossible.values():
            ruled_out |= mask
        undefined = np.isnan(effect) & ~ruled_out
        if undefined.any():
            state.rule_out(NOT_ESTIMABLE, undefined)
            ruled_out |= undefined
        if ruled_out.any():
            effect = np.where(ruled_out, np.nan, effect)
        return effect, state.impossible

    def variance(
        self,
        biases: Sequence[Bias],
        values: Sequence[Mapping[str, FloatArray]],
        *,
        part: slice = slice(None),
    ) -> FloatArray:
        """Return the sampling variance of the adjusted effects, the parameters taken as known.

        Notes
        -----
        Delta method with independent Poisson cells x: Σ x (∂effect/∂x)², the derivative taken by a complex
        step, which is exact to rounding. Person-time is fixed. Infinite where an adjusted cell of a ratio is
        empty.
        """
        if self.cells is None:
            return np.square(self.std_error)[part]
        observed = Cells(*(cell[part] if cell.ndim else cell for cell in self.cells))
        total: FloatArray | float = 0.0
        for place, count in enumerate(observed):
            if self.data == "rates" and place % 2:
                continue
            # Relative to the cell: an empty one carries no variance, whatever its slope.
            step = _STEP * np.maximum(count, 1.0)
            moved = [cell + 0j for cell in observed]
            moved[place] = count + 1j * step
            effect, _ = self.adjusted(biases, values, cells=Cells(*moved))  # type: ignore[arg-type]
            with np.errstate(invalid="ignore"):
                total = total + np.where(count > 0, count * (np.imag(effect) / step) ** 2, 0.0)
        effect, _ = self.adjusted(biases, values, cells=observed)
        return np.where(np.isinf(effect), np.inf, np.where(np.isnan(effect), np.nan, total))


class Parameters:
    """The parameters of all biases in their order, and how uniforms become their values."""

    __slots__ = ("_factors", "biases", "dimensions")

    def __init__(self, biases: Sequence[Bias]) -> None:
        self.biases = tuple(biases)
        self.dimensions = 0
        self._factors: list[tuple[list[str], list[str], FloatArray]] = []
        for bias in self.biases:
            drawn = [name for name, kind in bias.parameters.items() if not isinstance(kind, Fixed)]
            joined = [name for name in drawn if any(name in pair[:2] for pair in bias.correlations)]
            factor = square_root(correlation_matrix(joined, bias.correlations))
            self._factors.append((drawn, joined, factor))
            self.dimensions += len(drawn)

    def values(self, uniforms: FloatArray) -> list[dict[str, FloatArray]]:
        """Return the values of each bias's parameters; `uniforms` has a row for each that varies."""
        result, row = [], 0
        for bias, (drawn, joined, factor) in zip(self.biases, self._factors, strict=True):
            own = dict(zip(drawn, uniforms[row : row + len(drawn)], strict=True))
            row += len(drawn)
            if joined:
                together = mixed(np.stack([own[name] for name in joined]), factor)
                own |= dict(zip(joined, together, strict=True))
            result.append(
                {
                    name: kind.from_uniform(own[name]) if name in own else np.asarray(kind.support[0])
                    for name, kind in bias.parameters.items()
                }
            )
        return result


def check_biases(biases: Sequence[Bias] | Bias, subject: Subject) -> tuple[Bias, ...]:
    """Return the biases if the data can be adjusted for each.

    Raises
    ------
    TypeError
        If one is not a bias.
    ValueError
        If there is none, or if one needs cells or another measure; says which parameter to give instead.
    """
    if isinstance(biases, Bias):
        biases = (biases,)
    chosen = tuple(biases)
    if not chosen:
        raise ValueError("`biases` must hold at least one bias, but is empty.")
    for number, bias in enumerate(chosen):
        if not isinstance(bias, Bias):
            raise TypeError(
                f"`biases` must be biases such as UnmeasuredConfounding(...), but got {type(bias).__name__} "
                f"at index {number}."
            )
        complaint = bias.complaint(subject.measure, subject.data)
        if complaint:
            raise ValueError(f"`biases` at index {number} ({bias.kind}) {complaint}")
    return chosen


def square_root(matrix: FloatArray) -> FloatArray:
    """Return a factor of a correlation matrix, which may be singular (a correlation of 1)."""
    if not matrix.size:
        return matrix
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(eigenvalues, 0.0)))
