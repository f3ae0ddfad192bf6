"""How much association a binary variable can make between two others that it causes or is caused by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["through_binary"]


def through_binary(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the largest odds ratio between two variables that a binary third makes with these two."""
    x, y = np.sqrt(first), np.sqrt(second)
    return np.asarray(((1 + x * y) / (x + y)) ** 2)
