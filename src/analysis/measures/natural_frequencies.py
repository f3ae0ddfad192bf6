"""Risks as natural frequencies: how many of 100 or 1000 people.

How they are drawn lives in `figures.icon_array`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.predictive_values import PredictiveValues
from analysis.measures.proportion import prevalence
from analysis.values.arguments import as_probabilities, check_confidence_level, read_only
from analysis.values.counts import Proportion, TwoByTwo
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of
from analysis.values.text import round_half_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["NaturalFrequencies", "natural_frequencies"]

# Decimals of the percentage that a count of so many people stands for.
_DECIMALS = {100: 0, 1000: 1}
# How much rounding may change the ratio of two groups before more people are shown.
_MOST_DISTORTED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NaturalFrequencies(Framed):
    """How many of 100 or 1000 people, in one group or several.

    Parameters
    ----------
    label : tuple of str
        Of the groups.
    out_of : {100, 1000}
        People in each.
    count : ndarray of int
        Of shape (groups,): the risk times `out_of`, rounded, halves up.
    risk, low, high : ndarray
        Of the same shape: risks and their limits; limits are NaN where there are none.
    confidence_level : float
        Of the limits.
    """

    label: tuple[str, ...]
    out_of: int
    count: IntArray
    risk: FloatArray
    low: FloatArray
    high: FloatArray
    confidence_level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group, at full precision."""
        import pandas as pd

        return pd.DataFrame(
            {
                "group": self.label,
                "count": self.count,
                "out_of": self.out_of,
                "risk": self.risk,
                "low": self.low,
                "high": self.high,
                "confidence_level": self.confidence_level,
            }
        )


def natural_frequencies(
    risks: TwoByTwo | PredictiveValues | Estimate | ArrayLike,
    *,
    label: Iterable[str] | None = None,
    out_of: int | None = None,
    confidence_level: float = 0.95,
) -> NaturalFrequencies:
    """Turn risks into numbers of people out of 100 or 1000.

    Parameters
    ----------
    risks : TwoByTwo, PredictiveValues, Estimate or array_like
        One table: the risks of its two arms. Predictive values: the disease among those with a positive and
        with a negative result. An estimate of proportions, or numbers in [0, 1]: those.
    label : iterable of str, optional
        Of the groups; by default "Exposed" and "Control", "Positive" and "Negative", or "Group 1" and so on.
    out_of : {100, 1000}, optional
        By default 100, or 1000 where a risk would be nobody of 100 but somebody of 1000, or where rounding to
        whole people of 100 would change the ratio of the larger to the smaller of two risks by more than
        10 %: 2.2 % and 0.6 % are 22 and 6 of 1000, but would be 2 and 1 of 100, a ratio halved.
    confidence_level : float, default 0.95
        Of the intervals (Wilson's) of a table's risks; estimates bring their own.

    Returns
    -------
    NaturalFrequencies
        One group for each risk.

    Raises
    ------
    TypeError
        If numbers are not numeric.
    ValueError
        If a risk is outside [0, 1] or NaN, an arm has no people, there is more than one table, an estimate is
        of no proportion, labels are too many or too few, or `out_of` is neither 100 nor 1000.

    References
    ----------
    Gigerenzer G, Gaissmaier W, Kurz-Milcke E, et al. (2007). Helping doctors and patients make sense of
    health statistics. Psychol Sci Public Interest 8:53-96. DOI 10.1111/j.1539-6053.2008.00033.x

    Examples
    --------
    Recorded osteoporosis before start of follow-up, women, Bengtsson et al. 2023, RMD Open,
    DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> frequencies = natural_frequencies(table)
    >>> frequencies.count.tolist(), frequencies.out_of
    ([22, 6], 1000)
    >>> natural_frequencies(table, out_of=100).count.tolist()
    [2, 1]
    """
    level = check_confidence_level(confidence_level)
    if isinstance(risks, TwoByTwo):
        if risks.shape not in {(), (1,)}:
            raise ValueError(
                f"`risks` must be one table, but got {risks.shape} of them; select one, as table[0], "
                "or sum them with table.collapse()."
            )
        arms = Proportion(
            events=np.ravel([risks.exposed_cases, risks.control_cases]),
            total=np.ravel([risks.exposed_total, risks.control_total]),
        )
        estimate = prevalence(arms, confidence_level=level)
        parts = (estimate.value, estimate.low, estimate.high)
        names: tuple[str, ...] = ("Exposed", "Control")
    elif isinstance(risks, PredictiveValues):
        ill, well = risks.positive, risks.negative
        if ill.value.size != 1:
            raise ValueError(
                f"`risks` must be one pair of predictive values, but got {ill.value.size}; "
                "compute them for one prevalence."
            )
        level = ill.confidence_level
        # What is not a healthy person among the negatives is an ill one.
        parts = (
            np.append(np.ravel(ill.value), 1 - well.value),
            np.append(np.ravel(ill.low), 1 - well.high),
            np.append(np.ravel(ill.high), 1 - well.low),
        )
        names = ("Positive", "Negative")
    elif isinstance(risks, Estimate):
        meaning = measure_of(risks.measure)
        if not meaning.percent or meaning.null is not None:
            raise ValueError(f"`risks` must be proportions, but got an estimate of {risks.measure!r}.")
        level = risks.confidence_level
        parts = (np.ravel(risks.value), np.ravel(risks.low), np.ravel(risks.high))
        names = tuple(f"Group {i + 1}" for i in range(parts[0].size))
    else:
        values = np.atleast_1d(as_probabilities("risks", risks)).ravel()
        parts = (values, np.full(values.shape, np.nan), np.full(values.shape, np.nan))
        names = tuple(f"Group {i + 1}" for i in range(values.size))
    risk = as_probabilities("risks", parts[0])
    people = _people(risk) if out_of is None else out_of
    if people not in _DECIMALS:
        raise ValueError(f"`out_of` must be 100 or 1000, but got {out_of!r}.")
    return NaturalFrequencies(
        label=names if label is None else _labels(label, risk.size),
        out_of=people,
        count=_counts(risk, people),
        risk=read_only(risk),
        low=read_only(parts[1]),
        high=read_only(parts[2]),
        confidence_level=level,
    )


def _counts(risk: FloatArray, out_of: int) -> IntArray:
    texts = [round_half_up(value, _DECIMALS[out_of], percent=True) for value in risk.tolist()]
    counts = np.array([round(float(text) * out_of / 100) for text in texts], dtype=np.int64)
    counts.flags.writeable = False
    return counts


def _people(risk: FloatArray) -> int:
    counts = _counts(risk, 100)
    some = counts > 0
    if (~some & (_counts(risk, 1000) > 0)).any():
        return 1000
    # From the smallest risk on, each pair is read as the larger over the smaller.
    order = np.argsort(risk[some], kind="stable")
    rounded, exact = counts[some][order], risk[some][order]
    larger, smaller = np.tril_indices(exact.size, -1)
    change = (rounded[larger] / rounded[smaller]) / (exact[larger] / exact[smaller]) - 1
    return 1000 if (np.abs(change) > _MOST_DISTORTED).any() else 100


def _labels(label: Iterable[str], groups: int) -> tuple[str, ...]:
    if isinstance(label, str):
        raise TypeError(f"`label` must be a sequence of texts, but got the text {label!r}.")
    labels = tuple(str(text) for text in label)
    if len(labels) != groups:
        raise ValueError(
            f"`label` must have one text for each of the {groups} groups, but has {len(labels)}."
        )
    return labels
