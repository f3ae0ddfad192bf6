"""True cells when errors in exposure and in outcome go together: four equations in four cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.cells import Cells
from analysis.values.arguments import as_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["by_both", "recording_matrix", "recording_probabilities"]

# Kinds of persons in the order of the cells: (exposed, case).
_KINDS = ((1, 1), (1, 0), (0, 1), (0, 0))


def recording_probabilities(
    exposure: tuple[FloatArray, FloatArray],
    outcome: tuple[FloatArray, FloatArray],
    error_correlation: ArrayLike,
) -> FloatArray:
    """Return P(recorded kind | true kind), of shape (..., 4 recorded, 4 true).

    Raises
    ------
    ValueError
        If a correlation is outside [-1, 1], or more than errors of such probabilities allow.
    """
    correlation = as_numbers("error_correlation", error_correlation)
    if not (np.abs(correlation) <= 1).all():
        index = tuple(int(i) for i in np.argwhere(~(np.abs(correlation) <= 1))[0])
        raise ValueError(
            f"`error_correlation` must be between -1 and 1, but got {correlation[index]:g}"
            f"{f' at index {index}' if index else ''}."
        )
    matrix = recording_matrix(exposure, outcome, correlation)
    if (matrix < -1e-15).any():
        place = tuple(int(i) for i in np.argwhere((matrix < -1e-15).any(axis=(-2, -1)))[0])
        at = float(np.broadcast_to(correlation, matrix.shape[:-2])[place])
        raise ValueError(
            f"`error_correlation` must be one that errors of these probabilities can have, but got {at:g}"
            f"{f' at index {place}' if place else ''}: a probability of being recorded would be negative. "
            "Errors of different frequency cannot go together perfectly; give a value nearer 0."
        )
    return matrix


def recording_matrix(
    exposure: tuple[FloatArray, FloatArray], outcome: tuple[FloatArray, FloatArray], correlation: FloatArray
) -> FloatArray:
    """Return what the formula gives, which is no probability where the correlation is more than possible."""
    shape = np.broadcast_shapes(*(part.shape for part in (*exposure, *outcome)), correlation.shape)
    matrix = np.empty((*shape, 4, 4))
    for column, (exposed, case) in enumerate(_KINDS):
        wrong_exposure = 1 - exposure[0 if exposed else 1]
        wrong_outcome = 1 - outcome[0 if case else 1]
        spread = wrong_exposure * (1 - wrong_exposure) * wrong_outcome * (1 - wrong_outcome)
        covariance = correlation * np.sqrt(spread)
        for row, (recorded_exposed, recorded_case) in enumerate(_KINDS):
            first, second = recorded_exposed != exposed, recorded_case != case
            product = (wrong_exposure if first else 1 - wrong_exposure) * (
                wrong_outcome if second else 1 - wrong_outcome
            )
            matrix[..., row, column] = product + (covariance if first == second else -covariance)
    return matrix


def by_both(
    cells: Cells,
    exposure: tuple[FloatArray, FloatArray],
    outcome: tuple[FloatArray, FloatArray],
    error_correlation: ArrayLike,
    impossible: str,
) -> Cells:
    """Return the cells by true exposure and true outcome; NaN where the record tells nothing."""
    matrix = recording_probabilities(exposure, outcome, error_correlation)
    worth = np.minimum(exposure[0] + exposure[1], outcome[0] + outcome[1]) - 1
    singular = (np.abs(np.linalg.det(matrix)) < 1e-12) | (np.broadcast_to(worth, matrix.shape[:-2]) <= 0)
    if impossible == "raise" and singular.any():
        raise ValueError(
            "The recording probabilities must tell true kinds of persons apart, but with these "
            "sensitivities, specificities and `error_correlation` they do not (singular equations)."
        )
    safe = np.where(singular[..., None, None], np.eye(4), matrix)
    observed = np.stack(np.broadcast_arrays(*cells), axis=-1)
    true = np.linalg.solve(safe, observed[..., None])[..., 0]
    true = np.where(singular[..., None], np.nan, true)
    return Cells(*(true[..., place] for place in range(4)))
