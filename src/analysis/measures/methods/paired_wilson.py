"""Limits of paired proportions that are put together from Wilson limits of either proportion.

Counts are a, pairs with two cases, b and c, pairs in which only the exposed or only the control is a case,
and n pairs in all. The score limits live in `paired_score`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = [
    "bonett_price_corrected_lower",
    "bonett_price_lower",
    "mover_lower",
    "newcombe_distances",
    "newcombe_excess",
]


def _wilson(z: FloatArray, x: FloatArray, n: FloatArray) -> Limits:
    """Return Wilson's limits of a proportion, the lower as a quotient that keeps its digits."""
    half = z * np.sqrt(x * (n - x) / n + z**2 / 4)
    middle = x + z**2 / 2
    low = np.where(x > 0, x**2 * (1 + z**2 / n) / (middle + half), 0.0) / (n + z**2)
    return low, np.where(x == n, 1.0, (middle + half) / (n + z**2))


def _corrected_wilson(z: FloatArray, x: FloatArray, n: FloatArray) -> Limits:
    """Return Wilson's limits with continuity correction (Newcombe 1998)."""
    return _corrected_lower(z, x, n), 1 - _corrected_lower(z, n - x, n)


def _corrected_lower(z: FloatArray, x: FloatArray, n: FloatArray) -> FloatArray:
    # (2x + z² - 1 - z root) / (2(n + z²)) as a quotient that keeps its digits.
    root = np.sqrt(np.maximum(z**2 - 2 - 1 / n + 4 * x * (n - x + 1) / n, 0.0))
    return np.where(x > 0, (2 * x - 1) ** 2 / (2 * n * (2 * x + z**2 - 1 + z * root)), 0.0)


def _correlation(
    a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray, less: FloatArray | float = 0.0
) -> FloatArray:
    """Return phi, its numerator lessened by `less` where it is positive; 0 at an empty margin."""
    d = n - a - b - c
    product = a * d - b * c
    product = np.where(product > 0, np.maximum(product - less, 0.0), product)
    margins = np.sqrt((a + b) * (c + d)) * np.sqrt((a + c) * (b + d))
    return np.where(margins > 0, product / margins, 0.0)


def newcombe_distances(z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> Limits:
    """Return how far Newcombe's limits of the difference lie below and above it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p0 = (a + b) / n, (a + c) / n
        low1, high1 = _wilson(z, a + b, n)
        low0, high0 = _wilson(z, a + c, n)
        phi = _correlation(a, b, c, n, n / 2)
        return (
            _square_and_add(p1 - low1, high0 - p0, phi),
            _square_and_add(high1 - p1, p0 - low0, phi),
        )


def _square_and_add(first: FloatArray, second: FloatArray, correlation: FloatArray) -> FloatArray:
    squares = first**2 - 2 * correlation * first * second + second**2
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def newcombe_excess(z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
    """Return how far 0 lies outside Newcombe's interval."""
    below, above = newcombe_distances(z, a, b, c, n)
    return np.where(b > c, (b - c) / n - below, (c - b) / n - above)


def bonett_price_lower(
    z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray
) -> FloatArray:
    """Return Bonett and Price's lower limit of the ratio (a + b) / (a + c)."""
    del n  # pairs without a case say nothing of the ratio
    low1, high0 = _of_cases(_wilson, z, a, b, c)
    return np.where(a + b > 0, low1 / high0, 0.0)


def bonett_price_corrected_lower(
    z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray
) -> FloatArray:
    """Return the same from Wilson's limits with continuity correction."""
    del n
    low1, high0 = _of_cases(_corrected_wilson, z, a, b, c)
    return np.where(a + b > 0, low1 / high0, 0.0)


def _of_cases(
    limits: Callable[[FloatArray, FloatArray, FloatArray], Limits],
    z: FloatArray,
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
) -> Limits:
    """Return the lower limit of the exposed and the upper of the controls among pairs with a case."""
    cases, x1, x0 = a + b + c, a + b, a + c
    # The standard error of the log ratio over the sum of those of the log proportions, 1 added to each cell.
    p1, p0 = (x1 + 1) / (cases + 2), (x0 + 1) / (cases + 2)
    apart = np.sqrt((1 - p1) / (x1 + 1)) + np.sqrt((1 - p0) / (x0 + 1))
    together = np.sqrt((b + c + 2) / ((x1 + 1) * (x0 + 1)))
    lessened = z * together / apart
    return limits(lessened, x1, cases)[0], limits(lessened, x0, cases)[1]


def mover_lower(z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
    """Return the lower limit of the ratio (a + b) / (a + c) by recovered variances."""
    p1, p0 = (a + b) / n, (a + c) / n
    low1, _ = _wilson(z, a + b, n)
    _, high0 = _wilson(z, a + c, n)
    # The smaller root of a quadratic as the product of both over the larger.
    middle = p1 * p0 - _correlation(a, b, c, n) * (p1 - low1) * (high0 - p0)
    product = low1 * (2 * p1 - low1)
    root = np.sqrt(np.maximum(middle**2 - product * high0 * (2 * p0 - high0), 0.0))
    return np.where(a + b > 0, product / (middle + root), 0.0)
