"""Columns of printed numbers as arrays: the ends of what each text may stand for, exact and as floats.

Texts are parsed once each; every check then runs over all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.values.reported import Reported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.reported import RoundingInterval

    Pair = tuple[RoundingInterval | None, RoundingInterval | None]

__all__ = ["Columns", "Ends", "Estimates", "Printed"]

NEAREST = ("half-up", "half-even")
CUT = ("truncation",)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ends:
    """What each printed number may stand for under one way of rounding; NaN where nothing is printed."""

    low: FloatArray
    high: FloatArray
    intervals: NDArray[np.object_]

    def holds_ratio(self, numerator: FloatArray, denominator: FloatArray) -> BoolArray:
        """Tell for each row whether the ratio of two whole numbers lies inside, in integer arithmetic."""
        inside = np.zeros(self.low.shape, dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            usable = ~np.isnan(self.low) & ~np.isnan(numerator) & (denominator > 0)
            value = np.where(usable, numerator / denominator, 0.0)
            # Floats decide all but the rows within a hair of an end; those few are decided exactly.
            hair = 1e-9 * np.maximum(1.0, np.abs(value))
            inside[usable] = ((value > self.low) & (value < self.high))[usable]
            near = usable & ((np.abs(value - self.low) < hair) | (np.abs(value - self.high) < hair))
        for i in np.flatnonzero(near):
            exact = self.intervals[i].contains_ratio(int(numerator[i]), int(denominator[i]))
            inside[i] = bool(exact)
        return inside

    def counts(self, total: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return for each row the first and last count whose share of the total lies inside."""
        first, last = np.full(total.shape, np.nan), np.full(total.shape, np.nan)
        usable = ~np.isnan(self.low) & ~np.isnan(total)
        with np.errstate(invalid="ignore"):
            # An inequality has an infinite end, which has no product with a total of 0.
            bottom, top = np.maximum(self.low * total, 0.0), np.minimum(self.high * total, total)
        first[usable], last[usable] = np.ceil(bottom[usable]), np.floor(top[usable])
        hair = 1e-9 * np.maximum(1.0, total)
        near = (np.abs(bottom - np.round(bottom)) < hair) | (np.abs(top - np.round(top)) < hair)
        for i in np.flatnonzero(usable & near):
            first[i], last[i] = self.intervals[i].whole_numbers(int(total[i]))
        return first, last


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Printed:
    """A column of printed numbers.

    Parameters
    ----------
    texts : sequence of str
        As printed; empty where nothing is.
    given : ndarray of bool
    nearest, cut : Ends
        Rounded to the nearest digit (a half either way), or with the further digits cut off.
    """

    texts: Sequence[str]
    given: BoolArray
    nearest: Ends
    cut: Ends

    def __getitem__(self, row: int) -> str:
        """Return what one row prints."""
        return self.texts[row]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """Estimates with what is printed beside them; `texts` is how a finding quotes them."""

    texts: Sequence[str]
    estimate: Printed
    low: Printed
    high: Printed
    pvalue: Printed
    confidence_level: FloatArray


class Columns:
    """The rows of a table, whatever holds them: a data frame, or columns by name."""

    def __init__(self, rows: pd.DataFrame | Mapping[str, Any]) -> None:
        names = [str(name) for name in rows.keys()]  # noqa: SIM118 -- a data frame and a mapping alike
        lists = [_as_list(rows[name]) for name in names]
        lengths = {len(values) for values in lists if len(values) != 1}
        if not names or 0 in lengths:
            raise ValueError("`rows` must hold at least one row.")
        if len(lengths) > 1:
            listed = ", ".join(f"`{name}` {len(v)}" for name, v in zip(names, lists, strict=True))
            raise ValueError(f"`rows` must have columns of one length, but got {listed}.")
        self.n_rows = lengths.pop() if lengths else 1
        self._values = {
            name: values * self.n_rows if len(values) == 1 else values
            for name, values in zip(names, lists, strict=True)
        }
        self._texts: dict[str, list[str]] = {}

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a column."""
        return name in self._values

    def with_columns(self, **columns: Sequence[Any]) -> Columns:
        """Return the table with further columns."""
        return Columns(self._values | columns)

    def texts(self, name: str) -> list[str]:
        """Return a column as text, empty where there is nothing."""
        if name not in self._texts:
            values = self._values.get(name)
            self._texts[name] = [""] * self.n_rows if values is None else [_text(value) for value in values]
        return self._texts[name]

    def counts(self, name: str) -> FloatArray:
        """Return a column of whole numbers as floats, NaN where there is nothing."""
        numbers = self.numbers(name)
        fault = ~np.isnan(numbers) & ((numbers < 0) | (np.floor(numbers) != numbers))
        if fault.any():
            row = int(np.flatnonzero(fault)[0])
            raise ValueError(
                f"`{name}` must be a whole number of at least 0, but got {numbers[row]:g} at index {row}."
            )
        return numbers

    def numbers(self, name: str) -> FloatArray:
        """Return a column of numbers, NaN where there is nothing."""
        numbers = np.full(self.n_rows, np.nan)
        for row, text in enumerate(self.texts(name)):
            if text:
                try:
                    numbers[row] = float(text.replace(",", "").replace("\u2009", ""))
                except ValueError:
                    raise ValueError(
                        f"`{name}` must be a number, but got {text!r} at index {row}. "
                        "Leave the cell empty where nothing is printed."
                    ) from None
        return numbers

    def printed(self, name: str, *, percent: bool = False) -> Printed:
        """Return a column of printed numbers; in a column of percentages the sign may be left out."""
        texts = self.texts(name)
        if percent:
            texts = [f"{text}%" if text and not text.endswith("%") else text for text in texts]
        return _printed(name, texts)

    def estimates(self) -> Estimates:
        """Return estimate, limits, P-value and level, from `printed` or from columns of their own."""
        columns = {name: self.texts(name) for name in ("estimate", "low", "high")}
        columns["pvalue"] = [a or b for a, b in zip(self.texts("pvalue"), self.texts("p_value"), strict=True)]
        pairs = {name: _pairs(name, texts) for name, texts in columns.items()}
        levels = self.numbers("confidence_level")
        levels = np.where(levels >= 1, levels / 100, levels)
        whole = self.texts("printed")
        for row, text in enumerate(whole):
            if not text or columns["estimate"][row]:
                continue
            nearest, cut = _parsed("printed", row, text)
            if nearest.low is None and (nearest.total is not None or nearest.pvalue is not None):
                continue
            for name, attribute in (("estimate", "value"), ("low", "low"), ("high", "high")):
                pairs[name][row] = (getattr(nearest, attribute), getattr(cut, attribute))
            if nearest.pvalue is not None:
                pairs["pvalue"][row] = (nearest.pvalue, cut.pvalue)
            if np.isnan(levels[row]) and nearest.confidence_level is not None:
                levels[row] = nearest.confidence_level
        shown = [
            text or (f"{e} ({low}-{high})" if low and high else e)
            for text, e, low, high in zip(
                whole, columns["estimate"], columns["low"], columns["high"], strict=True
            )
        ]
        estimate, low, high = (_column(shown, pairs[name]) for name in ("estimate", "low", "high"))
        return Estimates(
            texts=shown,
            estimate=estimate,
            low=low,
            high=high,
            pvalue=_column(columns["pvalue"], pairs["pvalue"]),
            confidence_level=levels,
        )

    def label(self, *rows: int) -> str:
        """Return how a reader finds the rows: their identifiers and the study."""
        ids, labels = self.texts("row_id"), self.texts("label")
        studies = self.texts("study")
        parts = []
        for row in rows:
            study = labels[row] or studies[row]
            parts.append(" ".join(part for part in (ids[row], study) if part))
        return ", ".join(dict.fromkeys(part for part in parts if part))


def _as_list(values: Any) -> list[Any]:  # noqa: ANN401 -- a column of anything
    if isinstance(values, str) or not hasattr(values, "__len__") or np.ndim(values) == 0:
        return [values]
    return list(values)


def _text(value: object) -> str:
    # NaN and pandas' NA are the values that do not equal themselves.
    if value is None or type(value).__name__ in {"NAType", "NaTType"} or value != value:  # noqa: PLR0124
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:.15g}"
    return str(value).strip()


def _printed(name: str, texts: list[str]) -> Printed:
    return _column(texts, _pairs(name, texts))


def _column(texts: list[str], pairs: list[Pair]) -> Printed:
    return Printed(
        texts=texts,
        given=np.array([nearest is not None for nearest, _ in pairs], dtype=bool),
        nearest=_ends(nearest for nearest, _ in pairs),
        cut=_ends(cut for _, cut in pairs),
    )


def _pairs(name: str, texts: list[str]) -> list[Pair]:
    known: dict[str, Pair] = {"": (None, None)}
    for row, text in enumerate(texts):
        if text not in known:
            nearest, cut = _parsed(name, row, text)
            known[text] = (nearest.value, cut.value)
    return [known[text] for text in texts]


def _parsed(name: str, row: int, text: str) -> tuple[Reported, Reported]:
    try:
        return Reported(text, rounding=NEAREST), Reported(text, rounding=CUT)
    except ValueError as error:
        raise ValueError(f"`{name}` at index {row}: {error}") from None


def _ends(intervals: Iterable[RoundingInterval | None]) -> Ends:
    listed = list(intervals)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return Ends(
        low=np.array([np.nan if i is None else i.low for i in listed], dtype=np.float64),
        high=np.array([np.nan if i is None else i.high for i in listed], dtype=np.float64),
        intervals=array,
    )
