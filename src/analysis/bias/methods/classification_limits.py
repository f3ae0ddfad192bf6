"""What a table itself says of the classification that made it: how bad it can have been at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.bias.methods.linear import cells_of
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoRates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.bias.methods.linear import Counts
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

__all__ = ["ClassificationLimits", "broken_limits", "classification_limits"]

_GROUPS = {"exposure": ("the cases", "the non-cases"), "outcome": ("the exposed", "the controls")}
# What rounding alone can put below a limit.
_ROUNDING = 1e-12


class ClassificationLimits(NamedTuple):
    """The lowest sensitivity and specificity that can have produced a table, in either group.

    `sensitivity` and `specificity` are those among the cases (of exposure) or the exposed (of the outcome),
    the `reference_` ones those of the other group; NaN for a group of nobody.
    """

    sensitivity: FloatArray
    specificity: FloatArray
    reference_sensitivity: FloatArray
    reference_specificity: FloatArray


def classification_limits(table: Counts, *, variable: str) -> ClassificationLimits:
    """Return how low the sensitivity and specificity behind a table can be.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        Counts; of rates the exposure alone.
    variable : {"exposure", "outcome"}
        What was recorded with error.

    Returns
    -------
    ClassificationLimits
        Lower limits, of the shape of the table.

    Raises
    ------
    ValueError
        If the variable is unknown, or the outcome of rates: person-time has no specificity.

    Notes
    -----
    Of a group's share s that is recorded as positive at most the false positives are wrong, so that
    1 - specificity <= s <= sensitivity: anything below leaves a negative cell. Beyond that the two must
    exceed 1 in sum. No validation study is needed to know so much; equal sensitivities in both groups must
    keep the limits of both.

    References
    ----------
    Lash TL, Fox MP, Fink AK (2009). Applying quantitative bias analysis to epidemiologic data. Springer.
    DOI 10.1007/978-0-387-87959-8

    Examples
    --------
    Occupational exposure to resins, of the documentation of episensr: 45 of 139 cases and 257 of 1202
    controls recorded as exposed.

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo.from_cells(exposed_cases=45, control_cases=94,
    ...                             exposed_noncases=257, control_noncases=945)
    >>> limits = classification_limits(table, variable="exposure")
    >>> [round(float(limit), 3) for limit in limits]
    [0.324, 0.676, 0.214, 0.786]
    """
    check_choice("variable", variable, _GROUPS)
    if isinstance(table, TwoRates) and variable == "outcome":
        raise ValueError(
            '`variable` must be "exposure" of rates, but got "outcome": person-time has no specificity.'
        )
    return _limits(cells_of(table), variable)


def _limits(cells: Cells, variable: str) -> ClassificationLimits:
    a, b, c, d = cells
    groups = ((a, c), (b, d)) if variable == "exposure" else ((a, b), (c, d))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = [
            (np.asarray(positive / (positive + rest)), np.asarray(rest / (positive + rest)))
            for positive, rest in groups
        ]
    return ClassificationLimits(*shares[0], *shares[1])


def broken_limits(cells: Cells, variable: str, values: Sequence[tuple[str, FloatArray, str]]) -> str:
    """Say which of four values is below its limit, as sentences; empty if none is.

    Parameters
    ----------
    cells : Cells
        Observed.
    variable : {"exposure", "outcome"}
    values : sequence of (str, ndarray, str)
        Name, value (its highest, if it is drawn) and how it is shown (empty: by its number), in the order of
        `ClassificationLimits`.
    """
    sentences = []
    for place, ((name, value, shown), limit) in enumerate(zip(values, _limits(cells, variable), strict=True)):
        with np.errstate(invalid="ignore"):
            broken = np.asarray(value < limit - _ROUNDING)
        if not broken.any():
            continue
        index = tuple(np.argwhere(broken)[0])
        least, got = (float(np.broadcast_to(part, broken.shape)[index]) for part in (limit, value))
        who = _GROUPS[variable][place // 2]
        sentences.append(
            f"`{name}` must be at least {least:.4g} among {who} (the table says so), "
            f"but is {shown or format(got, 'g')}."
        )
    return " ".join(sentences)
