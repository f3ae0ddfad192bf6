"""What an iteration says that did not reach its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.errors import ConvergenceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["not_converged"]


def not_converged(what: str, sets: NDArray[np.intp]) -> ConvergenceError:
    """Return the error, which names the sets of studies by their position."""
    listed = ", ".join(map(str, sets[:5])) + (" ..." if sets.size > 5 else "")
    return ConvergenceError(
        f"{what} did not converge for {sets.size} set{'s' if sets.size > 1 else ''} of studies "
        f"(position {listed} of the leading axes, counted flat). Look at their effects and variances, "
        "or use tau2='DL', which needs no iteration."
    )
