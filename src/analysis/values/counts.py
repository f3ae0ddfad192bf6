"""Counts as sufficient statistics: proportions, rates and 2x2 tables, array-shaped.

The last axis is studies (or strata); leading axes are replicates. One table and a million tables go through
the same code. Measures of these tables live in `measures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from analysis.values.arguments import as_counts, as_positive, broadcast
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Proportion", "Rate", "TwoByTwo", "TwoRates"]


class _Counts(Framed):
    """What the count types share: shape, selection, summing over strata, a data frame."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def _arrays(self) -> dict[str, FloatArray]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def _trusted(cls, **arrays: FloatArray) -> Self:
        """Build from arrays that are known to keep the rules (or, after adjustment, need not be whole)."""
        instance = cls.__new__(cls)
        for name, array in zip(arrays, broadcast(**arrays), strict=True):
            object.__setattr__(instance, name, array)
        return instance

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of tables; () for one table."""
        first = next(iter(self.__dataclass_fields__))
        array: FloatArray = getattr(self, first)
        return array.shape

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"One {type(self).__name__} has no length.")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Self:  # noqa: ANN401 -- whatever numpy takes as an index
        """Select tables as numpy selects entries: `table[0]`, `table[..., :3]`, `table[mask]`."""
        return self._trusted(**{name: np.asarray(array[key]) for name, array in self._arrays().items()})

    def collapse(self) -> Self:
        """Sum over the last axis: the crude table of the strata."""
        if not self.shape:
            return self
        return self._trusted(**{name: array.sum(axis=-1) for name, array in self._arrays().items()})

    def to_frame(self) -> pd.DataFrame:
        """Return one row per table, in C order."""
        import pandas as pd

        return pd.DataFrame({name: array.ravel() for name, array in self._arrays().items()})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class Proportion(_Counts):
    """Events out of a total.

    Parameters
    ----------
    events, total : array_like
        Whole numbers, `events <= total`, of shapes that broadcast.

    Raises
    ------
    TypeError
        If an argument is not numeric.
    ValueError
        If a count is negative, fractional, NaN or empty, or if events exceed the total.

    Examples
    --------
    Osteoporosis of the lumbar spine in 15 of 80 patients with ankylosing spondylitis (El Maghraoui 1999,
    PMID 10529141):

    >>> Proportion(events=15, total=80)
    Proportion(events=15/80)
    """

    events: FloatArray
    total: FloatArray

    def __init__(self, *, events: ArrayLike, total: ArrayLike) -> None:
        _set_parts(self, _within("events", events, "total", total))

    def __repr__(self) -> str:
        return _describe(self, (self.events, self.total))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class Rate(_Counts):
    """Events over person-time.

    Parameters
    ----------
    events : array_like
        Whole numbers of at least 0.
    person_time : array_like
        Greater than 0, in any unit of time; a rate is per that unit.

    Raises
    ------
    TypeError, ValueError
        As for `Proportion`, and if a person-time is not greater than 0.
    """

    events: FloatArray
    person_time: FloatArray

    def __init__(self, *, events: ArrayLike, person_time: ArrayLike) -> None:
        _set_parts(
            self,
            {"events": as_counts("events", events), "person_time": as_positive("person_time", person_time)},
        )

    def __repr__(self) -> str:
        return _describe(self, (self.events, self.person_time))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class TwoRates(_Counts):
    """Events over person-time in an exposed and a control group.

    Parameters
    ----------
    exposed_events, control_events : array_like
        Whole numbers of at least 0.
    exposed_time, control_time : array_like
        Person-time, greater than 0, in the same unit.

    Raises
    ------
    TypeError, ValueError
        As for `Rate`.
    """

    exposed_events: FloatArray
    exposed_time: FloatArray
    control_events: FloatArray
    control_time: FloatArray

    def __init__(
        self,
        *,
        exposed_events: ArrayLike,
        exposed_time: ArrayLike,
        control_events: ArrayLike,
        control_time: ArrayLike,
    ) -> None:
        _set_parts(
            self,
            {
                "exposed_events": as_counts("exposed_events", exposed_events),
                "exposed_time": as_positive("exposed_time", exposed_time),
                "control_events": as_counts("control_events", control_events),
                "control_time": as_positive("control_time", control_time),
            },
        )

    def __repr__(self) -> str:
        return _describe(
            self, (self.exposed_events, self.exposed_time), (self.control_events, self.control_time)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class TwoByTwo(_Counts):
    """Cases among the exposed and among the controls.

    Parameters
    ----------
    exposed_cases, exposed_total, control_cases, control_total : array_like
        Whole numbers, cases not above their total, of shapes that broadcast. The last axis is studies or
        strata, leading axes are replicates.

    Raises
    ------
    TypeError
        If an argument is not numeric (text, true/false, missing).
    ValueError
        If a count is negative, fractional, NaN or empty, if cases exceed their total, or if the shapes do
        not broadcast. The message names the argument, the rule, the value and the first index.

    Notes
    -----
    There is no positional form and no default orientation: a bare 2x2 array reads four ways, and three of
    them give another risk ratio.

    Examples
    --------
    Recorded osteoporosis before start of follow-up, women, Bengtsson et al. 2023, RMD Open,
    DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    TwoByTwo(exposed 90/4006, control 114/20030)
    """

    exposed_cases: FloatArray
    exposed_total: FloatArray
    control_cases: FloatArray
    control_total: FloatArray

    def __init__(
        self,
        *,
        exposed_cases: ArrayLike,
        exposed_total: ArrayLike,
        control_cases: ArrayLike,
        control_total: ArrayLike,
    ) -> None:
        _set_parts(
            self,
            _within("exposed_cases", exposed_cases, "exposed_total", exposed_total)
            | _within("control_cases", control_cases, "control_total", control_total),
        )

    @classmethod
    def from_cells(
        cls,
        *,
        exposed_cases: ArrayLike,
        exposed_noncases: ArrayLike,
        control_cases: ArrayLike,
        control_noncases: ArrayLike,
    ) -> Self:
        """Build from the four cells; parameters and errors as for the class."""
        exposed = as_counts("exposed_cases", exposed_cases)
        control = as_counts("control_cases", control_cases)
        parts = broadcast(
            exposed_cases=exposed,
            exposed_noncases=as_counts("exposed_noncases", exposed_noncases),
            control_cases=control,
            control_noncases=as_counts("control_noncases", control_noncases),
        )
        return cls._trusted(
            exposed_cases=parts[0],
            exposed_total=parts[0] + parts[1],
            control_cases=parts[2],
            control_total=parts[2] + parts[3],
        )

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        exposed_cases: str,
        exposed_total: str,
        control_cases: str,
        control_total: str,
    ) -> Self:
        """Build from four columns of a data frame, one table a row.

        Raises
        ------
        KeyError
            If a column is missing; the message lists those that are there.
        """
        names = {
            "exposed_cases": exposed_cases,
            "exposed_total": exposed_total,
            "control_cases": control_cases,
            "control_total": control_total,
        }
        missing = [f"`{column}` (for {name})" for name, column in names.items() if column not in df.columns]
        if missing:
            raise KeyError(
                f"The data frame has no column {', '.join(missing)}; "
                f"it has {', '.join(map(str, df.columns))}."
            )
        return cls(**{name: df[column].to_numpy() for name, column in names.items()})

    @classmethod
    def from_records(
        cls, df: pd.DataFrame, *, exposure: str, outcome: str, exposed_value: object, case_value: object
    ) -> Self:
        """Count one table from one row per person.

        Parameters
        ----------
        df : pandas.DataFrame
            One row per person.
        exposure, outcome : str
            Columns.
        exposed_value, case_value : object
            The values that mean "exposed" and "case"; there is no default, orientation is never guessed.

        Raises
        ------
        KeyError
            If a column is missing.
        ValueError
            If a cell is missing, if a value never occurs, or if a column holds more than two values.
        """
        for column in (exposure, outcome):
            if column not in df.columns:
                raise KeyError(
                    f"The data frame has no column `{column}`; it has {', '.join(map(str, df.columns))}."
                )
        for column, value in ((exposure, exposed_value), (outcome, case_value)):
            absent = int(df[column].isna().sum())
            if absent:
                raise ValueError(
                    f"Column `{column}` must have no missing value, but {absent} of {len(df)} are. "
                    "Decide about them first: drop or classify those rows."
                )
            found = df[column].unique().tolist()
            if value not in found:
                raise ValueError(f"Column `{column}` never holds {value!r}; it holds {found[:10]}.")
            if len(found) > 2:
                raise ValueError(
                    f"Column `{column}` must hold two values, but holds {len(found)}: {found[:10]}. "
                    "Group them into two first."
                )
        exposed = (df[exposure] == exposed_value).to_numpy()
        case = (df[outcome] == case_value).to_numpy()
        return cls(
            exposed_cases=int((exposed & case).sum()),
            exposed_total=int(exposed.sum()),
            control_cases=int((~exposed & case).sum()),
            control_total=int((~exposed).sum()),
        )

    @property
    def exposed_noncases(self) -> FloatArray:
        """Exposed persons who are not cases."""
        return self.exposed_total - self.exposed_cases

    @property
    def control_noncases(self) -> FloatArray:
        """Controls who are not cases."""
        return self.control_total - self.control_cases

    @property
    def has_zero_cell(self) -> BoolArray:
        """True where one of the four cells is 0."""
        mask: BoolArray = (
            (self.exposed_cases == 0)
            | (self.control_cases == 0)
            | (self.exposed_cases == self.exposed_total)
            | (self.control_cases == self.control_total)
        )
        return mask

    def __repr__(self) -> str:
        return _describe(
            self, (self.exposed_cases, self.exposed_total), (self.control_cases, self.control_total)
        )


def _within(part_name: str, part: ArrayLike, whole_name: str, whole: ArrayLike) -> dict[str, FloatArray]:
    parts = as_counts(part_name, part)
    wholes = as_counts(whole_name, whole)
    parts, wholes = broadcast(**{part_name: parts, whole_name: wholes})
    fault = parts > wholes
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        place = f" at index {index[0] if len(index) == 1 else index}" if index else ""
        raise ValueError(
            f"`{part_name}` must not exceed `{whole_name}`, "
            f"but got {parts[index]:g} of {wholes[index]:g}{place}."
        )
    return {part_name: parts, whole_name: wholes}


def _set_parts(instance: _Counts, parts: dict[str, FloatArray]) -> None:
    for name, array in zip(parts, broadcast(**parts), strict=True):
        object.__setattr__(instance, name, array)


def _describe(counts: _Counts, *pairs: tuple[FloatArray, FloatArray]) -> str:
    name = type(counts).__name__
    if counts.shape:
        return f"{name}(shape={counts.shape})"
    texts = [f"{part:.15g}/{whole:.15g}" for part, whole in pairs]
    if len(texts) == 1:
        return f"{name}(events={texts[0]})"
    return f"{name}(exposed {texts[0]}, control {texts[1]})"
