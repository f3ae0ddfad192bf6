"""A straight line with additive between-study variance: the pooling engine with one moderator.

Arrays are studies first, as in `weighted_regression`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.tau2_likelihood import maximum_likelihood
from analysis.meta.methods.tau2_moments import der_simonian_laird
from analysis.meta.methods.weighted_model import Studies

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["MODERATED_TAU2", "about_a_line", "moderated_tau2"]

MODERATED_TAU2 = ("REML", "DL", "none")


def about_a_line(
    effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray
) -> Studies:
    """Return the sets as the engine takes them, with an intercept and the moderator.

    Parameters
    ----------
    effect, variance, moderator, inside : ndarray, shape (k, m)
        `inside` is 1 where the study belongs to the set.
    """
    there = inside > 0
    design = (np.ones((effect.shape[0], 1)), np.where(there, moderator, 0.0))
    return Studies(np.where(there, effect, 0.0), np.where(there, variance, np.inf), design)


def moderated_tau2(
    effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray, *, method: str
) -> FloatArray:
    """Estimate tau2 about the line, shape (m,).

    Parameters
    ----------
    effect, variance, moderator, inside : ndarray, shape (k, m)
        `inside` is 1 where the study belongs to the set. At least three studies a set, and a moderator
        that varies.
    method : {"REML", "DL", "none"}
        "none" is tau2 = 0.

    Raises
    ------
    ConvergenceError
        If REML does not converge.
    """
    if method == "none":
        return np.zeros(effect.shape[1])
    studies = about_a_line(effect, variance, moderator, inside)
    return der_simonian_laird(studies) if method == "DL" else maximum_likelihood(studies, restricted=True)
