"""Parameters of a record's quality, checked, and what the removal of its errors does to cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.reclassification import (
    exposure_by_predictive_values,
    exposure_by_sensitivity,
    outcome_by_predictive_values,
    outcome_by_sensitivity,
    outcome_of_rates,
)
from analysis.values.arguments import as_probabilities, check_choice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.bias.methods.linear import CellMap
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

__all__ = ["misclassification_map", "quality_pair"]


def misclassification_map(
    *,
    variable: str,
    rates: bool = False,
    sensitivity: ArrayLike | None = None,
    specificity: ArrayLike | None = None,
    reference_sensitivity: ArrayLike | None = None,
    reference_specificity: ArrayLike | None = None,
    positive_predictive_value: ArrayLike | None = None,
    negative_predictive_value: ArrayLike | None = None,
    reference_positive_predictive_value: ArrayLike | None = None,
    reference_negative_predictive_value: ArrayLike | None = None,
    impossible: str = "raise",
) -> CellMap:
    """Return what misclassification's removal does to cells, its parameters checked.

    Parameters
    ----------
    rates : bool, default False
        Whether person-time stands in place of non-cases.
    variable, sensitivity, specificity, reference_sensitivity, reference_specificity
        As for `adjust_misclassification`, and so the predictive values and `impossible`.

    Returns
    -------
    callable
        From `Cells` to `Cells`, linear.

    Raises
    ------
    TypeError, ValueError
        As for `adjust_misclassification`.
    """
    check_choice("variable", variable, ("exposure", "outcome"))
    check_choice("impossible", impossible, ("raise", "nan"))
    by_test = (sensitivity, specificity, reference_sensitivity, reference_specificity)
    by_value = (
        positive_predictive_value,
        negative_predictive_value,
        reference_positive_predictive_value,
        reference_negative_predictive_value,
    )
    if rates and variable == "outcome":
        return _outcome_of_rates(by_test, by_value)
    tested, valued = (any(part is not None for part in parts) for parts in (by_test, by_value))
    if tested == valued:
        raise TypeError(
            "Give either `sensitivity` and `specificity` or `positive_predictive_value` and "
            f"`negative_predictive_value`, but got {'both' if tested else 'neither'}."
        )
    names = ("sensitivity", "specificity") if tested else _PREDICTIVE
    given = by_test if tested else by_value
    for name, value in zip(names, given[:2], strict=True):
        if value is None:
            raise TypeError(f"`{name}` must be given too; for a perfect record write {name}=1.")
    first = quality_pair(names[0], given[0], names[1], given[1], impossible, informative=tested)
    other = quality_pair(
        f"reference_{names[0]}",
        given[0] if given[2] is None else given[2],
        f"reference_{names[1]}",
        given[1] if given[3] is None else given[3],
        impossible,
        informative=tested,
    )
    kernel = {
        ("exposure", True): exposure_by_sensitivity,
        ("exposure", False): exposure_by_predictive_values,
        ("outcome", True): outcome_by_sensitivity,
        ("outcome", False): outcome_by_predictive_values,
    }[variable, tested]

    def adjustment(cells: Cells) -> Cells:
        return kernel(cells, first, other)

    return adjustment


_PREDICTIVE = ("positive_predictive_value", "negative_predictive_value")


def _outcome_of_rates(
    by_test: tuple[ArrayLike | None, ...], by_value: tuple[ArrayLike | None, ...]
) -> CellMap:
    sensitivity, specificity, reference_sensitivity, reference_specificity = by_test
    predictive, negative, reference_predictive, reference_negative = by_value
    unknown = (specificity, reference_specificity, negative, reference_negative)
    if any(part is not None for part in unknown) or sensitivity is None or predictive is None:
        raise TypeError(
            "For the outcome of rates give `sensitivity` and `positive_predictive_value` (1 if no recorded "
            "event is false) and no specificity: person-time has none."
        )
    first = quality_pair("sensitivity", sensitivity, _PREDICTIVE[0], predictive, "raise", informative=False)
    other = quality_pair(
        "reference_sensitivity",
        sensitivity if reference_sensitivity is None else reference_sensitivity,
        f"reference_{_PREDICTIVE[0]}",
        predictive if reference_predictive is None else reference_predictive,
        "raise",
        informative=False,
    )
    for name, values in (("sensitivity", first[0]), ("reference_sensitivity", other[0])):
        if not (values > 0).all():
            raise ValueError(f"`{name}` must be greater than 0 where events are recorded.")
    return lambda cells: outcome_of_rates(cells, first, other)


def quality_pair(
    first_name: str,
    first: ArrayLike | None,
    second_name: str,
    second: ArrayLike | None,
    impossible: str,
    *,
    informative: bool = True,
) -> tuple[FloatArray, FloatArray]:
    """Check two probabilities and, for a record's quality, that it is better than a coin."""
    if first is None or second is None:
        raise TypeError(f"`{first_name}` and `{second_name}` must be given.")
    pair = as_probabilities(first_name, first), as_probabilities(second_name, second)
    if informative and impossible == "raise":
        worth = np.asarray(pair[0] + pair[1])
        fault = worth <= 1
        if fault.any():
            index = tuple(int(i) for i in np.argwhere(fault)[0])
            one, two = (float(np.broadcast_to(part, worth.shape)[index]) for part in pair)
            place = f" at index {index[0] if len(index) == 1 else index}" if index else ""
            raise ValueError(
                f"`{first_name}` + `{second_name}` must be above 1, but got {one:g} + {two:g}{place}. "
                "A record no better than chance says nothing about the truth; exchange its categories if "
                "it is worse."
            )
    return pair
